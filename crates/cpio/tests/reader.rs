//! The reader of one archive: what it takes from others, and what it refuses.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod sample;

use std::io::Read;

use enclair_cpio::{Error, FileType, Header, Magic, Part, Reader};
use enclair_digest::Limits;
use proptest::prelude::*;
use sample::{archive, canonical, entry, file, header, read_all, read_limited, trailer, trickle};

fn error(archive: &[u8]) -> Error {
    read_all(archive).unwrap_err()
}

/// An archive with `bytes` put over it at `offset`.
fn patched(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut archive = archive(b"abcd", b"hello");
    archive[offset..offset + bytes.len()].copy_from_slice(bytes);
    archive
}

#[test]
fn every_field_of_a_header_survives() {
    let header = Header {
        magic: Magic::Crc,
        ino: 1,
        mode: 0o104_755,
        uid: 3,
        gid: 4,
        nlink: 5,
        mtime: u32::MAX,
        size: 7,
        dev: (8, 9),
        rdev: (10, 11),
        name_size: 12,
        check: 0xdead_beef,
    };
    let bytes = header.encode();
    assert_eq!(Header::parse(&bytes, 0).unwrap(), header);
    let lower = bytes.to_ascii_lowercase().try_into().unwrap();
    assert_eq!(Header::parse(&lower, 0).unwrap(), header);
    assert_eq!(header.file_type(), Some(FileType::Regular));
    assert_eq!(header.permissions(), 0o4755);
    assert_eq!(FileType::of(0o170_000), None);
}

#[test]
fn names_are_given_as_stored() {
    for name in [
        &b"a"[..],
        b"./a",
        b"/a",
        b"a//b/",
        b"..",
        b".",
        b"",
        b"\xff\n",
    ] {
        let entries = read_all(archive(name, b"x").as_slice()).unwrap();
        assert_eq!(entries[0].0.path, name);
        assert_eq!(entries[0].1, b"x");
    }
}

#[test]
fn what_follows_the_trailer_is_left_in_the_input() {
    let input = [archive(b"a", b"x"), b"rest".to_vec()].concat();
    let mut reader = Reader::new(input.as_slice(), Limits::default());
    assert_eq!(reader.next_entry().unwrap().unwrap().offset, 0);
    assert!(reader.next_entry().unwrap().is_none());
    assert!(reader.next_entry().unwrap().is_none());
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(reader.into_inner(), b"rest");
}

#[test]
fn a_body_may_be_read_in_part_or_not_at_all() {
    let input = [file(b"a", b"12345"), file(b"b", b"678"), trailer()].concat();
    for wanted in 0..6 {
        let mut reader = Reader::new(input.as_slice(), Limits::default());
        reader.next_entry().unwrap();
        let mut start = vec![0; wanted.min(5)];
        reader.read_exact(&mut start).unwrap();
        assert_eq!(start, b"12345"[..wanted.min(5)]);
        let next = reader.next_entry().unwrap().unwrap();
        assert_eq!((next.path.as_slice(), next.offset), (&b"b"[..], 120));
        assert!(reader.next_entry().unwrap().is_none());
    }
}

#[test]
fn crc_archives_are_checked_whether_bodies_are_read_or_not() {
    let crc = |check, body: &[u8]| {
        let header = Header {
            magic: Magic::Crc,
            check,
            ..header(0o100_644, body.len())
        };
        [entry(header, b"a", body), trailer()].concat()
    };
    for (check, body) in [
        (0, &b""[..]),
        (6, b"\x01\x02\x03"),
        (255 * 999, &[255; 999]),
    ] {
        let input = crc(check, body);
        assert_eq!(read_all(input.as_slice()).unwrap()[0].1, body);
        assert_eq!(read_all(trickle(&input)).unwrap()[0].1, body);
        let wrong = crc(check + 1, body);
        assert!(matches!(error(&wrong), Error::Check { offset: 0, .. }));
        for skipped in [&input, &wrong] {
            let mut reader = Reader::new(skipped.as_slice(), Limits::default());
            let outcome = reader.next_entry().and_then(|_| reader.next_entry());
            assert_eq!(outcome.is_ok(), skipped == &input);
        }
    }
    // Without the magic, the field means nothing.
    let mut newc = crc(1, b"");
    newc[5] = b'1';
    read_all(newc.as_slice()).unwrap();
}

#[test]
fn bad_magic_is_refused_and_the_old_format_is_explained() {
    for magic in [b"070703", b"0707\x00\x00", b"\0\0\0\0\0\0", b"TRAILE"] {
        assert!(matches!(
            error(&patched(0, magic)),
            Error::Magic { offset: 0, .. }
        ));
    }
    assert!(
        error(&patched(0, b"070707"))
            .hint()
            .unwrap()
            .contains("newc")
    );
    let second = [file(b"a", b"12345"), b"junk that goes on ".repeat(9)].concat();
    assert!(matches!(error(&second), Error::Magic { offset: 120, .. }));
}

#[test]
fn a_digit_is_a_digit() {
    for digit in [b"g", b" ", b"-", b"+", b"x", b"\0", b"\xff"] {
        for (field, offset) in [("ino", 6), ("check", 102), ("name size", 100)] {
            match error(&patched(offset, digit)) {
                Error::Digit {
                    field: found,
                    found: byte,
                    ..
                } => {
                    assert_eq!((found, byte), (field, digit[0]));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn name_size_zero_and_beyond_4096_are_refused_before_anything_is_allocated() {
    for size in ["00000000", "00001001", "FFFFFFFF", "7fffffff"] {
        let found = u32::from_str_radix(size, 16).unwrap();
        let error = error(&patched(94, size.as_bytes()));
        assert!(matches!(error, Error::NameSize { found: it, .. } if it == found));
    }
    let longest = vec![b'a'; 4095];
    assert_eq!(
        read_all(archive(&longest, b"").as_slice()).unwrap()[0]
            .0
            .path,
        longest
    );
}

#[test]
fn a_name_without_nul_or_with_one_inside_is_refused() {
    assert!(matches!(
        error(&patched(114, b"x")),
        Error::NameEnd { offset: 0 }
    ));
    let inner = Error::NameNul {
        offset: 0,
        position: 1,
    };
    assert_eq!(error(&patched(111, b"\0")).to_string(), inner.to_string());
    assert!(matches!(
        error(&patched(111, b"\0bcX")),
        Error::NameEnd { offset: 0 }
    ));
}

#[test]
fn a_size_of_four_gigabytes_in_a_small_file_is_truncated() {
    let input = patched(54, b"FFFFFFFF");
    assert!(matches!(
        error(&input),
        Error::Truncated {
            part: Part::Body,
            ..
        }
    ));
    let mut reader = Reader::new(input.as_slice(), Limits::default());
    reader.next_entry().unwrap();
    let skipped = reader.next_entry().unwrap_err();
    assert!(matches!(
        skipped,
        Error::Truncated {
            part: Part::Body,
            ..
        }
    ));
    assert!(matches!(reader.next_entry(), Err(Error::Failed)));
    reader.read(&mut [0; 4]).unwrap_err();
}

#[test]
fn a_trailer_with_a_body_is_refused() {
    let input = file(b"TRAILER!!!", b"hidden");
    assert!(matches!(error(&input), Error::TrailerBody { size: 6, .. }));
}

#[test]
fn an_entry_bomb_ends_at_the_limit() {
    let input = [file(b"a", b"").repeat(1000), trailer()].concat();
    let limits = |entries| Limits {
        entries,
        ..Limits::default()
    };
    assert_eq!(
        read_limited(input.as_slice(), limits(1000)).unwrap().len(),
        1000
    );
    let error = read_limited(input.as_slice(), limits(999)).unwrap_err();
    assert!(matches!(error, Error::Entries { limit: 999, .. }));
}

#[test]
fn bytes_are_bounded_whether_they_are_read_or_passed_over() {
    let input = archive(b"a", &vec![7; 100_000]);
    let limits = Limits {
        unpacked_bytes: 50_000,
        ..Limits::default()
    };
    let error = read_limited(input.as_slice(), limits).unwrap_err();
    assert!(matches!(error, Error::Unpacked { limit: 50_000, .. }));
    let mut reader = Reader::new(input.as_slice(), limits);
    reader.next_entry().unwrap();
    let error = reader.next_entry().unwrap_err();
    assert!(matches!(error, Error::Unpacked { limit: 50_000, .. }));
}

#[test]
fn truncation_anywhere_is_noticed_but_for_the_padding_at_the_end() {
    let whole = canonical();
    let all = read_all(whole.as_slice()).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    // Behind the last `!`: its NUL, and the padding of the trailer to 4.
    let end = (end + 1).next_multiple_of(4);
    for length in 0..=whole.len() {
        let outcome = read_all(&whole[..length]);
        if length >= end {
            assert_eq!(outcome.unwrap(), all);
        } else {
            let error = outcome.unwrap_err();
            assert!(
                matches!(error, Error::Truncated { .. } | Error::NoTrailer { .. }),
                "{length}: {error}"
            );
        }
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same() {
    let whole = canonical();
    assert_eq!(
        read_all(trickle(&whole)).unwrap(),
        read_all(whole.as_slice()).unwrap()
    );
}

proptest! {
    #![proptest_config(sample::cases(4000))]

    #[test]
    fn random_and_damaged_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..9),
    ) {
        let _ = read_all(bytes.as_slice());
        let mut input = canonical();
        for (position, value) in damage {
            let length = input.len();
            input[position % length] = value;
        }
        let _ = read_all(input.as_slice());
    }
}
