//! What other programs compressed, decoded: whole, in pieces, one after another.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod fixture;

use std::io::{self, BufRead, BufReader, Read};

use enclair_compress::{Error, Format, Member, Stream};
use fixture::{FIXTURES, Fixture};

fn members(fixture: &Fixture, input: impl BufRead) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    Stream::new(fixture.format, input)?.read_to_end(&mut all)?;
    Ok(all)
}

#[test]
fn every_fixture_is_detected_and_decodes_to_its_content() {
    for fixture in FIXTURES {
        assert_eq!(Format::detect(fixture.bytes), Some(fixture.format));
        assert_eq!(
            members(fixture, fixture.bytes).unwrap(),
            fixture.content(),
            "{}",
            fixture.name
        );
    }
}

#[test]
fn a_member_ends_exactly_behind_itself_whatever_the_buffer() {
    for fixture in FIXTURES {
        // Legacy lz4 has no end marker; four zero bytes end it and belong to it.
        let end: &[u8] = if fixture.format == Format::Lz4Legacy {
            &[0; 4]
        } else {
            &[]
        };
        let tail = b"\x00070701 and more than forty bytes of something else";
        let input = [fixture.bytes, end, tail].concat();
        let capacities = if fixture.bytes.len() < 2000 {
            1..90
        } else {
            1..3
        };
        for capacity in capacities.chain([113, 1 << 16]) {
            let reader = BufReader::with_capacity(capacity, input.as_slice());
            let mut member = Member::new(fixture.format, reader).unwrap();
            let mut content = Vec::new();
            member.read_to_end(&mut content).unwrap();
            assert_eq!(content, fixture.content(), "{}", fixture.name);
            assert_eq!(member.read(&mut [0; 8]).unwrap(), 0);
            let mut rest = Vec::new();
            member.into_inner().read_to_end(&mut rest).unwrap();
            assert_eq!(rest, tail, "{} with {capacity}", fixture.name);
        }
    }
}

#[test]
fn a_member_ends_exactly_behind_itself_whatever_the_reads() {
    let tail = b"\0\0\0\0something else that is longer than what a decoder holds, which is 40";
    for fixture in FIXTURES.iter().filter(|it| it.bytes.len() < 700) {
        let input = [fixture.bytes, tail].concat();
        // Only the lzma decoder takes more than it needs.
        let all = fixture.format == Format::Lzma;
        let capacities = (1..80).step_by(if all { 1 } else { 13 });
        for (capacity, size) in capacities.flat_map(|capacity| [(capacity, 1), (capacity, 700)]) {
            let reader = BufReader::with_capacity(capacity, input.as_slice());
            let mut member = Member::new(fixture.format, reader).unwrap();
            let mut buffer = vec![0; size];
            while member.read(&mut buffer).unwrap() > 0 {}
            let mut rest = Vec::new();
            member.into_inner().read_to_end(&mut rest).unwrap();
            // The zeros end a legacy lz4 member, and follow any other.
            assert!(tail.ends_with(&rest) && rest.len() >= tail.len() - 4);
            let whole = rest.len() == tail.len();
            assert_eq!(
                whole,
                fixture.format != Format::Lz4Legacy,
                "{}",
                fixture.name
            );
        }
    }
}

#[test]
fn small_reads_give_what_large_reads_give() {
    for fixture in FIXTURES.iter().filter(|it| it.bytes.len() < 2000) {
        let mut stream = Stream::new(fixture.format, fixture.bytes).unwrap();
        let mut all = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte).unwrap() == 1 {
            all.push(byte[0]);
        }
        assert_eq!(all, fixture.content(), "{}", fixture.name);
        assert_eq!(stream.read(&mut []).unwrap(), 0);
    }
}

#[test]
fn members_one_after_another_are_one_stream() {
    for first in FIXTURES.iter().filter(|it| it.bytes.len() < 20_000) {
        for second in FIXTURES.iter().filter(|it| it.format == first.format) {
            let input = [first.bytes, second.bytes].concat();
            let expected = [first.content(), second.content()].concat();
            let found = members(first, input.as_slice()).unwrap();
            assert!(found == expected, "{} {}", first.name, second.name);
        }
    }
}

#[test]
fn skippable_frames_have_no_content() {
    let skippable = b"\x5a\x2a\x4d\x18\x05\0\0\0hello";
    for fixture in FIXTURES {
        let input = [skippable, fixture.bytes, skippable, fixture.bytes].concat();
        let outcome = members(fixture, input.as_slice());
        if matches!(fixture.format, Format::Zstd | Format::Lz4) {
            assert!(outcome.unwrap() == fixture.content().repeat(2));
        } else {
            outcome.unwrap_err();
        }
        let cut = [fixture.bytes, &skippable[..10]].concat();
        members(fixture, cut.as_slice()).unwrap_err();
    }
}

#[test]
fn xz_padding_counts_in_fours_and_nobody_else_has_any() {
    for fixture in FIXTURES {
        for padding in 1..10 {
            let input = [fixture.bytes, &[0; 12][..padding]].concat();
            let outcome = members(fixture, BufReader::with_capacity(3, input.as_slice()));
            let allowed = match fixture.format {
                Format::Xz => padding % 4 == 0,
                // The zero block size that ends a member, or the beginning of one.
                Format::Lz4Legacy => padding <= 4,
                Format::Gzip | Format::Zstd | Format::Lzma | Format::Bzip2 | Format::Lz4 => false,
                other => panic!("no fixture has {other}"),
            };
            assert_eq!(outcome.is_ok(), allowed, "{} {padding}", fixture.name);
            let input = [input.as_slice(), fixture.bytes].concat();
            let outcome = members(fixture, input.as_slice());
            let allowed = allowed && (padding == 4 || fixture.format == Format::Xz);
            assert_eq!(outcome.is_ok(), allowed, "{} {padding}", fixture.name);
        }
    }
}

#[test]
fn anything_else_behind_a_member_is_an_error() {
    for fixture in FIXTURES {
        for junk in [&b"x"[..], b"070701", b"\x1f", b"\xfd7zX", b"\x28\xb5\x2f"] {
            let input = [fixture.bytes, junk].concat();
            let error = members(fixture, input.as_slice()).unwrap_err();
            assert!(Error::of(&error).is_some(), "{}: {error}", fixture.name);
            assert!(error.to_string().starts_with(fixture.format.name()));
        }
    }
}

#[test]
fn nothing_at_all_is_truncated() {
    for format in Format::ALL {
        let Ok(mut stream) = Stream::new(format, io::empty()) else {
            assert_eq!(format, Format::Lzo);
            continue;
        };
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{format}");
    }
}

#[test]
fn lzo_is_named_and_refused() {
    let error = Member::new(Format::Lzo, io::empty()).unwrap_err();
    assert!(matches!(
        error,
        Error::Unsupported {
            format: Format::Lzo
        }
    ));
    assert!(error.hint().is_some());
}
