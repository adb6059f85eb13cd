//! Damaged, truncated and greedy inputs: an error, never other content and never a panic.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod fixture;

use std::io::{self, BufReader, Read};

use enclair_compress::{Error, Format, Member, Stream};
use fixture::{FIXTURES, Fixture};
use proptest::prelude::*;

fn decode(format: Format, input: &[u8]) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    Stream::new(format, input)?
        .take(1 << 24)
        .read_to_end(&mut all)?;
    Ok(all)
}

fn small() -> impl Iterator<Item = &'static Fixture> {
    FIXTURES.iter().filter(|fixture| fixture.times <= 1)
}

#[test]
fn truncation_at_every_byte_is_noticed() {
    for fixture in small() {
        for length in 0..fixture.bytes.len() {
            // Legacy lz4 has no end marker, so it may end where a block may begin.
            if fixture.format == Format::Lz4Legacy && length == 4 {
                continue;
            }
            let error = decode(fixture.format, &fixture.bytes[..length]).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::UnexpectedEof,
                "{} at {length}: {error}",
                fixture.name
            );
        }
    }
}

#[test]
fn truncation_of_a_second_member_is_noticed() {
    for fixture in small().filter(|it| it.format != Format::Lz4Legacy) {
        for length in 1..fixture.bytes.len() {
            let input = [fixture.bytes, &fixture.bytes[..length]].concat();
            let error = decode(fixture.format, &input).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::UnexpectedEof,
                "{}",
                fixture.name
            );
        }
    }
}

#[test]
fn a_flipped_bit_never_gives_other_content() {
    for fixture in small() {
        // Every bit of a short member, one bit of every byte of a longer one.
        let step = if fixture.bytes.len() < 450 { 1 } else { 9 };
        for position in (0..fixture.bytes.len() * 8).step_by(step) {
            let mut input = fixture.bytes.to_vec();
            input[position / 8] ^= 1 << (position % 8);
            match decode(fixture.format, &input) {
                Err(error) => assert!(
                    Error::of(&error).is_some(),
                    "{} bit {position}: {error}",
                    fixture.name
                ),
                // Header bits that mean nothing to the content: a time, a name, a level.
                Ok(content) => assert!(
                    content == fixture.content() || !fixture.is_checked(),
                    "{} bit {position}",
                    fixture.name
                ),
            }
        }
    }
}

#[test]
fn the_error_of_the_input_passes_through() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(
                io::ErrorKind::ConnectionReset,
                "the line is cut",
            ))
        }
    }
    for fixture in small() {
        for length in 0..fixture.bytes.len() {
            let input = BufReader::new(fixture.bytes[..length].chain(Broken));
            let mut all = Vec::new();
            let mut stream = Stream::new(fixture.format, input).unwrap();
            let error = stream.read_to_end(&mut all).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::ConnectionReset,
                "{}",
                fixture.name
            );
            assert_eq!(error.to_string(), "the line is cut");
        }
    }
}

#[test]
fn a_decoder_that_failed_does_not_end_quietly_afterwards() {
    for fixture in small() {
        let mut member = Member::new(fixture.format, &fixture.bytes[..9]).unwrap();
        let mut buffer = [0; 4096];
        let first = member.read_to_end(&mut buffer.to_vec());
        assert!(first.is_err(), "{}", fixture.name);
        let error = member.read(&mut buffer).unwrap_err();
        assert!(matches!(Error::of(&error), Some(Error::Failed { .. })));
    }
}

fn assert_memory(format: Format, input: &[u8]) {
    let error = decode(format, input).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(
        matches!(Error::of(&error), Some(Error::Memory { .. })),
        "{format}: {error:?}"
    );
}

#[test]
fn a_zstd_window_beyond_the_limit_is_refused() {
    // Descriptor 0: a window byte follows. Exponent 17 is 128 MiB, 18 is 256 MiB.
    let frame = |window: u8| [&[0x28, 0xb5, 0x2f, 0xfd, 0, window], &[1_u8, 0, 0][..]].concat();
    assert_eq!(decode(Format::Zstd, &frame(17 << 3)).unwrap(), b"");
    for window in [17 << 3 | 1, 18 << 3, 0xff] {
        assert_memory(Format::Zstd, &frame(window));
    }
    // One segment whose declared size is the window: 2^62 bytes.
    let frame = [
        0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0,
    ];
    assert_memory(Format::Zstd, &frame);
}

#[test]
fn an_lzma_dictionary_beyond_the_limit_is_refused() {
    let fixture = small().find(|it| it.name == "content.lzma").unwrap();
    for (size, allowed) in [(128_u32 << 20, true), (130 << 20, false), (u32::MAX, false)] {
        let mut input = fixture.bytes.to_vec();
        input[1..5].copy_from_slice(&size.to_le_bytes());
        if allowed {
            assert_eq!(decode(Format::Lzma, &input).unwrap(), fixture.content());
        } else if size == u32::MAX {
            decode(Format::Lzma, &input).unwrap_err();
        } else {
            assert_memory(Format::Lzma, &input);
        }
    }
}

#[test]
fn an_xz_dictionary_beyond_the_limit_is_refused() {
    let fixture = small().find(|it| it.name == "crc32.xz").unwrap();
    // The first block header: size, flags, filter 21, 1, the dictionary's size as 2 or 3 << n.
    let header = 12..12 + (usize::from(fixture.bytes[12]) + 1) * 4;
    assert_eq!(fixture.bytes[14..16], [0x21, 1]);
    for (size, allowed) in [(30, true), (31, false), (40, false)] {
        let mut input = fixture.bytes.to_vec();
        input[16] = size;
        let mut crc = flate2::Crc::new();
        crc.update(&input[header.start..header.end - 4]);
        input[header.end - 4..header.end].copy_from_slice(&crc.sum().to_le_bytes());
        if allowed {
            assert_eq!(decode(Format::Xz, &input).unwrap(), fixture.content());
        } else {
            assert_memory(Format::Xz, &input);
        }
    }
}

#[test]
fn a_legacy_lz4_block_beyond_its_limit_is_refused() {
    for size in [8_421_521_u32, 0x3037_3037, u32::MAX] {
        let input = [Format::Lz4Legacy.magic(), &size.to_le_bytes(), &[0; 64]].concat();
        let error = decode(Format::Lz4Legacy, &input).unwrap_err();
        assert!(matches!(Error::of(&error), Some(Error::Corrupt { .. })));
    }
}

#[test]
fn a_bomb_is_decoded_in_pieces_and_can_be_left() {
    // 1000 zstd blocks of 128 KiB from one byte each.
    let mut input = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 7 << 3];
    for _ in 0..1000 {
        input.extend_from_slice(&[0x02, 0x00, 0x10, 0xaa]);
    }
    let mut member = Member::new(Format::Zstd, input.as_slice()).unwrap();
    let mut buffer = vec![0; 1 << 20];
    member.read_exact(&mut buffer).unwrap();
    assert!(buffer.iter().all(|byte| *byte == 0xaa));
    assert!(!member.into_inner().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes_never_panic(
        index in 0..Format::ALL.len(),
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let format = Format::ALL[index];
        let _ = decode(format, &bytes);
        let input = [format.magic(), &bytes].concat();
        let _ = decode(format, &input);
    }

    #[test]
    fn damage_never_panics(
        index in 0..FIXTURES.len(),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..12),
    ) {
        let fixture = &FIXTURES[index];
        let mut input = fixture.bytes.to_vec();
        for (position, value) in damage {
            let length = input.len();
            input[position % length] = value;
        }
        if let Ok(content) = decode(fixture.format, &input) {
            prop_assert!(content == fixture.content() || !fixture.is_checked());
        }
    }
}
