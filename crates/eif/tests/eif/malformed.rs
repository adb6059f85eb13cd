//! Files that break one rule each, by the name of the attack or the accident.
//!
//! Several of them make other readers panic, abort, loop without end, or report measurements that
//! no enclave would. The same files are the seeds in `fuzz/corpus/eif`.

use std::time::{Duration, Instant};

use crate::examine::refusal;
use crate::image::{
    COMMAND_LINE, KERNEL, METADATA, PEM, Part, RAMDISK, SIGNATURE, command_line, cose, encode,
    kernel, metadata, offset_of, patched, pcr0, plain, ramdisk, signature_section, signed,
};

/// Each case is a test of its own, and all of them together are the corpus.
macro_rules! refused {
    ($($name:ident: $file:expr => $text:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let file: Vec<u8> = $file;
                let start = Instant::now();
                assert_eq!(refusal(&file), $text);
                assert!(start.elapsed() < Duration::from_secs(1), "took too long");
            }
        )*

        /// Name, file and error text of every case.
        pub(crate) fn cases() -> Vec<(&'static str, Vec<u8>, &'static str)> {
            vec![$((stringify!($name), $file, $text)),*]
        }
    };
}

refused! {
    empty_file: vec![]
        => "header at offset 0: expected 548 bytes, found 0";
    file_one_byte_short_of_a_header: encode(&plain())[..547].to_vec()
        => "header at offset 0: expected 548 bytes, found 547";
    wrong_magic: patched(&plain(), &[(0, b"\x7fELF")])
        => "magic at offset 0: expected 2e656966 (`.eif`), found 7f454c46";
    version_1: patched(&plain(), &[(4, &[0, 1])])
        => "version at offset 4: expected 2 to 4, found 1";
    version_999: patched(&plain(), &[(4, &999_u16.to_be_bytes())])
        => "version at offset 4: expected 2 to 4, found 999";
    no_sections_at_all: patched(&plain(), &[(0x1a, &[0, 0])])
        => "number of sections at offset 26: expected 1 to 32, found 0";
    sections_65535: patched(&plain(), &[(0x1a, &[0xff, 0xff])])
        => "number of sections at offset 26: expected 1 to 32, found 65535";
    thirty_ramdisks: patched(&with_ramdisks(29), &[(0x1a, &[0, 33])])
        => "number of sections at offset 26: expected 1 to 32, found 33";
    thirty_ramdisks_and_a_signature: patched(&with_ramdisks(29), &[(0x1a, &[0, 34])])
        => "number of sections at offset 26: expected 1 to 32, found 34";
    one_section_less_than_there_are: patched(&plain(), &[(0x1a, &[0, 4])])
        => "table slot 4 at offset 60: expected 0 (unused), found 864";
    unused_slot_with_a_size: patched(&plain(), &[(0x11c + 8 * 31, &[0, 0, 0, 0, 0, 0, 0, 9])])
        => "table slot 31 at offset 532: expected 0 (unused), found 9";

    section_size_2_64_minus_1: sized(0, u64::MAX)
        => "section 0 (kernel) at offset 548: expected 18446744073709551615 bytes of data, \
            found 328 bytes to the end";
    section_size_2_62: sized(0, 1 << 62)
        => "section 0 (kernel) at offset 548: expected 4611686018427387904 bytes of data, \
            found 328 bytes to the end";
    section_size_2_64_minus_12_which_leads_back_to_itself: sized(0, u64::MAX - 11)
        => "section 0 (kernel) at offset 548: expected 18446744073709551604 bytes of data, \
            found 328 bytes to the end";
    last_section_size_2_64_minus_12: sized(4, u64::MAX - 11)
        => "section 4 (ramdisk) at offset 864: expected 18446744073709551604 bytes of data, \
            found 12 bytes to the end";
    last_section_one_byte_too_long: sized(4, 13)
        => "section 4 (ramdisk) at offset 864: expected 13 bytes of data, \
            found 12 bytes to the end";
    section_size_2_62_in_the_section_header_alone:
        patched(&plain(), &[(552, &(1_u64 << 62).to_be_bytes())])
        => "section 0 (kernel) at offset 548: expected size 12 as in the table of the header, \
            found 4611686018427387904";
    stale_size_in_the_table_after_signing_again:
        patched(&signed(), &[(0x11c + 8 * 5, &100_u64.to_be_bytes())])
        => "section 5 (signature) at offset 888: expected size 100 as in the table of the header, \
            found 517";

    table_that_points_to_another_kernel:
        patched(&plain(), &[(0x1c, &560_u64.to_be_bytes())])
        => "section 0 at offset 548: expected that offset in the table of the header, found 560";
    table_with_two_sections_exchanged: patched(&plain(), &[
            (0x1c + 8 * 3, &864_u64.to_be_bytes()), (0x1c + 8 * 4, &840_u64.to_be_bytes())])
        => "section 3 at offset 840: expected that offset in the table of the header, found 864";
    table_offset_of_2_64_minus_1: patched(&plain(), &[(0x1c + 8, &[0xff; 8])])
        => "section 1 at offset 572: expected that offset in the table of the header, \
            found 18446744073709551615";
    one_section_more_than_the_file_has: patched(&plain(), &[
            (0x1a, &[0, 6]), (0x1c + 8 * 5, &888_u64.to_be_bytes())])
        => "section 5 at offset 888: expected a section header of 12 bytes, \
            found 0 bytes to the end";
    file_cut_in_a_section_header: encode(&plain())[..575].to_vec()
        => "section 1 at offset 572: expected a section header of 12 bytes, \
            found 3 bytes to the end";
    file_cut_in_the_data: encode(&plain())[..887].to_vec()
        => "section 4 (ramdisk) at offset 864: expected 12 bytes of data, \
            found 11 bytes to the end";
    header_and_nothing_else: encode(&plain())[..548].to_vec()
        => "section 0 at offset 548: expected a section header of 12 bytes, \
            found 0 bytes to the end";
    one_trailing_byte: trailing(1)
        => "offset 888: expected the end of the file, found 1 more bytes";
    eleven_trailing_bytes: trailing(11)
        => "offset 888: expected the end of the file, found 11 more bytes";
    a_whole_section_behind_the_last: hidden_section()
        => "offset 888: expected the end of the file, found 28 more bytes";

    section_type_0: with_type(0)
        => "section 4 at offset 864: expected a section type from 1 to 5, found 0";
    section_type_6: with_type(6)
        => "section 4 at offset 864: expected a section type from 1 to 5, found 6";
    two_kernels: encode(&[kernel(), kernel(), command_line(), metadata(), ramdisk("r")])
        => "section 1 (kernel) at offset 572: expected one section of this kind, \
            found the first as section 0";
    two_command_lines: encode(&[kernel(), command_line(), command_line(), metadata(), ramdisk("r")])
        => "section 2 (command line) at offset 597: expected one section of this kind, \
            found the first as section 1";
    two_metadata_sections: encode(&[kernel(), command_line(), metadata(), metadata(), ramdisk("r")])
        => "section 3 (metadata) at offset 840: expected one section of this kind, \
            found the first as section 2";
    two_signatures: with_section(&signed(), (SIGNATURE, vec![0x80]))
        => "section 6 (signature) at offset 1417: expected one section of this kind, \
            found the first as section 5";
    no_kernel: encode(&[command_line(), metadata(), ramdisk("r")])
        => "sections: expected a kernel section, found none";
    no_command_line: encode(&[kernel(), metadata(), ramdisk("r")])
        => "sections: expected a command line section, found none";
    no_ramdisk: encode(&[kernel(), command_line(), metadata()])
        => "sections: expected a ramdisk section, found none";
    no_metadata_in_version_4: encode(&[kernel(), command_line(), ramdisk("r")])
        => "sections: expected a metadata section, found none";
    ramdisk_before_the_kernel: encode(&[ramdisk("r"), kernel(), command_line(), metadata()])
        => "section 1 (kernel) at offset 561: expected before section 0 (ramdisk), found after it";
    command_line_before_the_kernel: encode(&[command_line(), kernel(), metadata(), ramdisk("r")])
        => "section 1 (kernel) at offset 573: expected before section 0 (command line), \
            found after it";
    ramdisk_before_the_command_line: encode(&[kernel(), ramdisk("r"), command_line(), metadata()])
        => "section 2 (command line) at offset 585: expected before section 1 (ramdisk), \
            found after it";
    ramdisk_behind_the_signature: with_section(&signed(), ramdisk("r"))
        => "section 6 (ramdisk) at offset 1417: expected before section 5 (signature), \
            found after it";
    metadata_behind_the_signature: encode(&[kernel(), command_line(), ramdisk("r"),
            (SIGNATURE, vec![0x80]), metadata()])
        => "section 4 (metadata) at offset 623: expected before section 3 (signature), \
            found after it";
    signature_of_32769_bytes: with_section(&plain(), (SIGNATURE, vec![0; 32_769]))
        => "section 5 (signature) at offset 888: expected at most 32768 bytes, found 32769";

    crc_of_another_file: { let mut file = encode(&plain()); file[565] ^= 1; file }
        => "crc at offset 544: expected 81c4262d as the content gives, found 82e33291";
    crc_that_was_never_written: { let mut file = encode(&plain()); file[544..548].fill(0); file }
        => "crc at offset 544: expected 82e33291 as the content gives, found 00000000";

    empty_signature_section: with_section(&plain(), (SIGNATURE, vec![]))
        => "signature offset 0: expected an array with one entry of known length";
    one_byte_of_signature_section: with_section(&plain(), (SIGNATURE, vec![0x81]))
        => "signature offset 1: expected a map with two entries of known length";
    empty_signature_array: with_section(&plain(), (SIGNATURE, vec![0x80]))
        => "signature offset 0: expected an array with one entry of known length, found 0";
    one_byte_of_cose: with_section(&plain(), (SIGNATURE, signature_section(&[0x84])))
        => "signature offset 1: expected a byte string";
    signature_array_of_2_62_entries:
        with_section(&plain(), (SIGNATURE, vec![0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0]))
        => "signature offset 0: expected an array with one entry of known length, \
            found 4611686018427387904";
    certificate_of_2_62_bytes: with_section(&plain(), (SIGNATURE, endless_certificate()))
        => "signature offset 34: expected an array of numbers from 0 to 255, one for each byte";
    signature_with_a_byte_behind_it: with_section(&plain(), (SIGNATURE, {
            let mut section = signature_section(&cose(&pcr0(&plain()))); section.push(0); section }))
        => "signature offset 517: expected no more bytes, found 1";
    certificate_that_is_no_pem: with_section(&plain(), (SIGNATURE,
            enclair_eif::encode_signature_section(b"MAMCAQU=", &cose(&pcr0(&plain())))))
        => "signing certificate offset 8: expected a line `-----BEGIN CERTIFICATE-----`";
    metadata_that_is_not_json: encode(&[kernel(), command_line(), (METADATA, b"{x".to_vec()),
            ramdisk("r")])
        => "metadata offset 1: expected the JSON of an image description";
    metadata_of_deep_arrays: encode(&[kernel(), command_line(), (METADATA, vec![b'['; 60_000]),
            ramdisk("r")])
        => "metadata offset 0: expected the JSON of an image description";
}

fn with_ramdisks(count: usize) -> Vec<Part> {
    let mut parts = vec![kernel(), command_line(), metadata()];
    parts.extend(std::iter::repeat_n(ramdisk("r"), count));
    parts
}

fn with_section(parts: &[Part], part: Part) -> Vec<u8> {
    encode(&[parts, &[part]].concat())
}

/// The plain image with one size in both places where it stands.
fn sized(index: usize, size: u64) -> Vec<u8> {
    let size = size.to_be_bytes();
    let offset = offset_of(&plain(), index);
    patched(&plain(), &[(0x11c + 8 * index, &size), (offset + 4, &size)])
}

/// The plain image with another type for its last section.
fn with_type(number: u16) -> Vec<u8> {
    patched(&plain(), &[(offset_of(&plain(), 4), &number.to_be_bytes())])
}

/// Trailing bytes that even the CRC covers.
fn trailing(count: usize) -> Vec<u8> {
    let mut file = encode(&plain());
    file.extend(std::iter::repeat_n(0, count));
    crate::image::repair_crc(&mut file);
    file
}

/// A ramdisk that a reader which walks the file measures, and the hypervisor does not load.
fn hidden_section() -> Vec<u8> {
    let mut parts = plain();
    parts.push(ramdisk("not in the table"));
    patched(
        &parts,
        &[
            (0x1a, &[0, 5]),
            (0x1c + 8 * 5, &[0; 8]),
            (0x11c + 8 * 5, &[0; 8]),
        ],
    )
}

/// A certificate that declares 2^62 numbers and has three.
fn endless_certificate() -> Vec<u8> {
    let mut section = vec![0x81, 0xa2, 0x73];
    section.extend(b"signing_certificate");
    section.extend([0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    section
}

#[test]
fn any_number_of_trailing_bytes_is_refused() {
    for count in 1..=40 {
        let text = format!("offset 888: expected the end of the file, found {count} more bytes");
        assert_eq!(refusal(&trailing(count)), text);
    }
}

#[test]
fn every_section_type_that_has_no_meaning_is_refused() {
    for number in (6..=u16::MAX).step_by(97).chain([0, u16::MAX]) {
        assert!(refusal(&with_type(number)).contains("expected a section type from 1 to 5"));
    }
}

#[test]
fn the_images_that_the_cases_start_from_are_accepted() {
    for parts in [plain(), signed(), with_ramdisks(29), with_ramdisks(1)] {
        assert_eq!(refusal(&encode(&parts)), "accepted");
    }
    assert!(PEM.starts_with(b"-----BEGIN"));
    let numbers: Vec<u16> = signed().iter().map(|(number, _)| *number).collect();
    assert_eq!(
        numbers,
        [KERNEL, COMMAND_LINE, METADATA, RAMDISK, RAMDISK, SIGNATURE]
    );
}
