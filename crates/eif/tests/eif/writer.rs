//! The writer: golden bytes, and everything that it refuses.

use std::io::{Cursor, Write};

use enclair_digest::{Engine, Hasher, PureRust};
use enclair_eif::{Arch, Crc, Error, Inline, Layout, SectionCrc, SectionKind, Writer, Written};

use crate::image::{Part, encode, kernel, plain, signed};

pub(crate) fn layout(parts: &[Part]) -> Layout {
    let kinds = parts
        .iter()
        .map(|(number, data)| (SectionKind::from_type(*number).unwrap(), data.len() as u64));
    Layout::new(Arch::X86_64, &kinds.collect::<Vec<_>>()).unwrap()
}

fn fill<W: Write>(
    mut writer: Writer<W, Inline<PureRust>>,
    parts: &[Part],
) -> Result<(W, Written), Error> {
    for (_, data) in parts {
        writer.section()?;
        writer.write_all(data).unwrap();
    }
    writer.finish()
}

pub(crate) fn write(parts: &[Part], crc: Crc) -> Result<(Vec<u8>, Written), Error> {
    let out = Cursor::new(Vec::new());
    let writer = Writer::new(out, layout(parts), crc, Inline::new(&PureRust))?;
    fill(writer, parts).map(|(out, written)| (out.into_inner(), written))
}

pub(crate) fn known_crc(parts: &[Part]) -> u32 {
    let parts_crc: Vec<_> = parts
        .iter()
        .map(|(_, data)| SectionCrc {
            crc32: crate::image::crc32(&[data]),
            size: data.len() as u64,
        })
        .collect();
    layout(parts).crc32_of_parts(&parts_crc)
}

fn sha256(bytes: &[u8]) -> String {
    let mut hasher = PureRust.sha256();
    Hasher::update(&mut hasher, bytes);
    hasher.finish().to_string()
}

/// Frozen: these bytes are what other implementations write for the same input, too.
#[test]
fn the_golden_image_never_changes() {
    let (file, written) = write(&plain(), Crc::Patched).unwrap();
    assert_eq!(
        sha256(&file),
        "b33bd3616675926732036ce532d967cd0945a159cd2420bd928cb194c61bf765"
    );
    assert_eq!(written.crc32, 0x82e3_3291);
    assert_eq!(written.file_size, 888);
    let pcrs = written.measured.measurements;
    assert_eq!(
        pcrs.pcr0.to_string(),
        "d656b974af744df8a763332fac5eb292070394e13a61da151746841c401bbcbce178f5061a5631b8b0f365f4a4096c69"
    );
    assert_eq!(
        pcrs.pcr1.to_string(),
        "135980171b2c4fd08a950d4fa7cb821e8ba5e38dcb986f259495219a8b44c8de7a678829b4130e20a1cb22aaa3be3fd2"
    );
    assert_eq!(
        pcrs.pcr2.to_string(),
        "494c136590b28f1f584fbaddf3824c392fcdd5866a38ae9f0731e26ca16f34bee126c7cd90aa3dcaacdf19d738328f3f"
    );
}

#[test]
fn the_bytes_are_those_of_the_hand_made_file() {
    for parts in [plain(), signed(), plain()[..4].to_vec()] {
        assert!(write(&parts, Crc::Patched).unwrap().0 == encode(&parts));
    }
}

#[test]
fn a_known_crc_gives_the_same_file_without_seeking() {
    for parts in [plain(), signed()] {
        let crc32 = known_crc(&parts);
        let patched = write(&parts, Crc::Patched).unwrap();
        assert_eq!(write(&parts, Crc::Known(crc32)).unwrap(), patched);
        let writer = Writer::forward(Vec::new(), layout(&parts), crc32, Inline::new(&PureRust));
        assert_eq!(fill(writer.unwrap(), &parts).unwrap(), patched);
    }
}

#[test]
fn a_crc_that_was_not_that_of_the_content_is_refused() {
    let crc32 = known_crc(&plain());
    let error = write(&plain(), Crc::Known(crc32 ^ 1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "crc at offset 544: expected 82e33291 as the content gives, found 82e33290"
    );
}

#[test]
fn a_file_may_start_behind_other_bytes() {
    let mut out = Cursor::new(Vec::new());
    out.write_all(b"before").unwrap();
    let writer = Writer::new(out, layout(&plain()), Crc::Patched, Inline::new(&PureRust)).unwrap();
    let (mut out, _) = fill(writer, &plain()).unwrap();
    out.write_all(b"after").unwrap();
    assert!(out.into_inner() == [b"before", &encode(&plain())[..], b"after"].concat());
}

fn started() -> Writer<Vec<u8>, Inline<PureRust>> {
    Writer::forward(Vec::new(), layout(&plain()), 0, Inline::new(&PureRust)).unwrap()
}

#[test]
fn a_short_section_is_refused_by_the_next_and_by_the_end() {
    let text =
        "section 0 (kernel) at offset 548: expected 12 bytes of data, found 6 when it was closed";
    let mut writer = started();
    writer.section().unwrap();
    writer.write_all(b"kernel").unwrap();
    assert_eq!(writer.section().unwrap_err().to_string(), text);
    assert_eq!(writer.finish().unwrap_err().to_string(), text);
}

#[test]
fn a_long_section_is_refused_at_the_first_byte_too_many() {
    let mut writer = started();
    writer.section().unwrap();
    writer.write_all(&kernel().1).unwrap();
    let error = writer.write_all(b"x").unwrap_err();
    assert_eq!(
        Error::of(&error).unwrap().to_string(),
        "section 0 (kernel) at offset 548: expected 12 bytes of data, found at least 13"
    );
}

#[test]
fn data_before_the_first_section_is_refused() {
    let error = started().write_all(b"x").unwrap_err();
    assert_eq!(
        Error::of(&error).unwrap().to_string(),
        "section 0: expected within the 5 planned sections and started first"
    );
}

#[test]
fn a_section_beyond_the_plan_is_refused() {
    let mut writer = started();
    for (_, data) in plain() {
        writer.section().unwrap();
        writer.write_all(&data).unwrap();
    }
    assert_eq!(
        writer.section().unwrap_err().to_string(),
        "section 5: expected within the 5 planned sections and started first"
    );
}

#[test]
fn a_file_without_its_last_sections_is_refused() {
    let mut writer = started();
    writer.section().unwrap();
    writer.write_all(&kernel().1).unwrap();
    assert_eq!(
        writer.finish().unwrap_err().to_string(),
        "section 1: expected 5 sections in all, found the end"
    );
}

#[test]
fn the_end_flushes_what_a_buffer_holds() {
    let mut out = std::io::BufWriter::with_capacity(1 << 16, Vec::new());
    let writer = Writer::forward(
        &mut out,
        layout(&plain()),
        known_crc(&plain()),
        Inline::new(&PureRust),
    );
    fill(writer.unwrap(), &plain()).unwrap();
    assert!(*out.get_ref() == encode(&plain()));
}

/// Takes a few bytes, then has no room.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(self.0).min(7);
        self.0 -= count;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_with_an_offset() {
    for room in [0, 547, 548, 560, 571, 580] {
        let writer = Writer::forward(Full(room), layout(&plain()), 0, Inline::new(&PureRust));
        let result = writer.and_then(|mut writer| {
            writer.section()?;
            let written = writer.write_all(&kernel().1);
            assert_eq!(written.is_err(), room < 572);
            if written.is_ok() {
                writer.section()?;
            }
            Ok(())
        });
        let text = result.map_err(|error| error.to_string());
        match room {
            0 | 547 => assert_eq!(text.unwrap_err(), "offset 0: input or output failed"),
            548 => assert_eq!(text.unwrap_err(), "offset 548: input or output failed"),
            580 => assert_eq!(text.unwrap_err(), "offset 572: input or output failed"),
            _ => text.unwrap(),
        }
    }
}
