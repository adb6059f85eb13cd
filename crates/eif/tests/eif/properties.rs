//! What holds for every image.

use std::io::Cursor;

use enclair_digest::{Limits, PureRust};
use enclair_eif::{
    Crc, Header, Inline, Metadata, SignatureSection, check_command_line, read_structure,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::examine::{examine, refusal};
use crate::image::{
    COMMAND_LINE, KERNEL, Part, RAMDISK, SIGNATURE, encode, metadata, put, repair_crc, signed,
};
use crate::measure::{by_definition, feed};
use crate::reader::Trickle;
use crate::writer::{known_crc, write};

/// Sections of any size in the order in which they are written, signed or not.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let bytes = || vec(any::<u8>(), 0..300);
    (bytes(), bytes(), vec(bytes(), 1..6), any::<bool>()).prop_map(
        |(kernel, command_line, ramdisks, is_signed)| {
            let mut parts = vec![(KERNEL, kernel), (COMMAND_LINE, command_line), metadata()];
            parts.extend(ramdisks.into_iter().map(|data| (RAMDISK, data)));
            parts.extend(is_signed.then(|| signed().pop().unwrap()));
            parts
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(parts in parts()) {
        let (file, written) = write(&parts, Crc::Patched).unwrap();
        prop_assert!(file == encode(&parts));
        prop_assert_eq!(&written.measured, &by_definition(&parts));
        let examined = examine(&file).unwrap();
        prop_assert_eq!(examined.scanned.measured, written.measured);
        prop_assert_eq!(examined.scanned.crc32, written.crc32);
        prop_assert_eq!(examined.eif.file_size(), written.file_size);
        let header: [u8; 548] = file[..548].try_into().unwrap();
        prop_assert_eq!(Header::parse(&header).unwrap().encode(), header);
        for (section, (number, data)) in examined.eif.sections().iter().zip(&parts) {
            let start = usize::try_from(section.data_offset).unwrap();
            prop_assert_eq!(section.kind.to_type(), *number);
            prop_assert_eq!(&file[start..start + data.len()], &data[..]);
        }
    }

    #[test]
    fn a_known_crc_gives_the_same_file(parts in parts()) {
        let known = Crc::Known(known_crc(&parts));
        prop_assert_eq!(write(&parts, known).unwrap(), write(&parts, Crc::Patched).unwrap());
    }

    #[test]
    fn pieces_of_any_size_measure_the_same(parts in parts(), piece in 1..64_usize) {
        prop_assert_eq!(feed(Inline::new(&PureRust), &parts, piece), by_definition(&parts));
        let file = encode(&parts);
        let mut source = Trickle(Cursor::new(&file), false);
        let eif = read_structure(&mut source).unwrap();
        let scanned = eif.measure(&mut source, Inline::new(&PureRust)).unwrap();
        prop_assert_eq!(scanned, examine(&file).unwrap().scanned);
    }

    #[test]
    fn random_bytes_end_in_a_verdict(bytes in vec(any::<u8>(), 0..1500)) {
        let _ = examine(&bytes);
        let mut file = bytes.clone();
        if file.len() >= 548 {
            put(&mut file, 0, b".eif\0\x04");
            let count = file[0x1b] % 33;
            put(&mut file, 0x1a, &[0, count]);
            let _ = examine(&file);
        }
        let _ = SignatureSection::parse(&bytes);
        let _ = Metadata::parse(&bytes, &Limits::default());
        let _ = check_command_line(&bytes);
    }

    #[test]
    fn several_changed_bytes_end_in_a_verdict(
        parts in parts(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = encode(&parts);
        for (index, byte) in changes {
            let index = index.index(file.len());
            file[index] = byte;
        }
        repair_crc(&mut file);
        let _ = examine(&file);
    }

    #[test]
    fn a_damaged_signature_section_ends_in_a_verdict(
        index in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let (_, mut section) = signed().pop().unwrap();
        let index = index.index(section.len());
        section[index] = byte;
        let _ = SignatureSection::parse(&section);
        prop_assert!(SignatureSection::parse(&section[..cut.index(section.len())]).is_err());
    }
}

#[test]
fn any_flipped_bit_of_a_file_is_refused() {
    let good = encode(&signed());
    for bit in 0..good.len() * 8 {
        let mut file = good.clone();
        file[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(refusal(&file), "accepted", "bit {bit}");
    }
}

/// An attacker repairs the CRC: what is left are the digests and, for the header, the findings.
#[test]
fn any_flipped_byte_under_a_repaired_crc_is_refused_or_changes_a_digest_or_is_reported() {
    let good = encode(&signed());
    let before = examine(&good).unwrap();
    for offset in 0..good.len() {
        let mut file = good.clone();
        file[offset] ^= 0x01;
        if !(544..548).contains(&offset) {
            repair_crc(&mut file);
        }
        let Ok(after) = examine(&file) else { continue };
        let section = before.eif.sections().iter().find(|section| {
            let end = section.data_offset + section.size;
            (section.data_offset..end).contains(&(offset as u64))
        });
        if let Some(section) = section {
            let (old, new) = (&before.scanned.measured, &after.scanned.measured);
            assert_ne!(old.sections[section.index], new.sections[section.index]);
            let registers_changed = old.measurements.pcr0 != new.measurements.pcr0;
            assert_eq!(
                registers_changed,
                section.kind.is_measured(),
                "offset {offset}"
            );
        } else {
            let shown = after.eif.arch() != before.eif.arch() || !after.findings.is_empty();
            assert!(shown, "offset {offset} changes and nobody sees it");
        }
    }
}

#[test]
fn a_signature_section_of_the_largest_size_is_read_at_once() {
    let mut parts = signed();
    let (number, section) = parts.pop().unwrap();
    assert_eq!(number, SIGNATURE);
    let certificate = [crate::image::PEM, &b"x".repeat(10_000)[..]].concat();
    let cose = SignatureSection::parse(&section).unwrap().cose_sign1;
    let large = enclair_eif::encode_signature_section(&certificate, &cose);
    assert!((20_000..=32_768).contains(&large.len()));
    parts.push((SIGNATURE, large));
    assert_eq!(refusal(&encode(&parts)), "accepted");
}
