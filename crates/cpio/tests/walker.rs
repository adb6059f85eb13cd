//! The walker: ramdisks as the kernel takes them, and as an attacker makes them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod sample;

use std::io::{self, BufReader, Read, Write};

use enclair_compress::Format;
use enclair_cpio::findings::{
    KINDS, RAMDISK_CRC_ARCHIVE, RAMDISK_ENTRY_SKIPPED, RAMDISK_MISALIGNED, RAMDISK_NO_TRAILER,
};
use enclair_cpio::{Container, Error, Header, Magic, Part, Walker};
use enclair_digest::Limits;
use proptest::prelude::*;
use sample::{Walk, archive, canonical, entry, file, header, trailer, trickle, walk, walk_limited};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

const GZIP: Container = Container::Compressed(Format::Gzip);

type Segments = Vec<(Container, u64, u32, u64)>;

fn segments<R: io::BufRead>(walk: &Walk<R>) -> Segments {
    let segments = walk.walker.segments().iter();
    segments
        .map(|it| (it.container, it.offset, it.archives, it.entries))
        .collect()
}

/// The error inside a segment.
fn inner(error: Option<Error>) -> Error {
    match error.unwrap() {
        Error::Segment { source, .. } => *source,
        other => panic!("not in a segment: {other}"),
    }
}

#[test]
fn nothing_and_zeros_are_an_empty_ramdisk() {
    for length in [0, 1, 3, 4, 512, 4097] {
        let walk = walk(BufReader::new(io::repeat(0).take(length)));
        assert!(walk.error.is_none() && walk.entries.is_empty());
        assert!(walk.walker.segments().is_empty());
        assert!(walk.walker.findings().is_empty());
    }
}

#[test]
fn archives_and_members_follow_one_another() {
    let packed = gzip(&[canonical(), archive(b"m", b"2")].concat());
    let mut ramdisk = [archive(b"a", b"1"), vec![0; 8], archive(b"b", b"")].concat();
    let second = ramdisk.len() as u64;
    ramdisk.extend_from_slice(&packed);
    ramdisk.resize(ramdisk.len().next_multiple_of(4), 0);
    let third = ramdisk.len() as u64;
    ramdisk.extend_from_slice(&archive(b"z", b"3"));
    let fourth = ramdisk.len() as u64;
    ramdisk.extend_from_slice(&gzip(&archive(b"last", b"4")));
    for capacity in [1, 5, 1 << 16] {
        let walk = walk(BufReader::with_capacity(capacity, ramdisk.as_slice()));
        assert!(walk.error.is_none());
        assert!(
            walk.walker.findings().is_empty(),
            "{:?}",
            walk.finding_ids()
        );
        assert_eq!(
            segments(&walk),
            [
                (Container::Raw, 0, 2, 2),
                (GZIP, second, 2, 13),
                (Container::Raw, third, 1, 1),
                (GZIP, fourth, 1, 1),
            ]
        );
        let of = |path: &str| walk.entries.iter().find(|it| it.0 == path).unwrap().clone();
        assert_eq!(of("a"), ("a".into(), 0, b"1".to_vec()));
        assert_eq!(of("m"), ("m".into(), 1, b"2".to_vec()));
        assert_eq!(of("z"), ("z".into(), 2, b"3".to_vec()));
        assert_eq!(of("last"), ("last".into(), 3, b"4".to_vec()));
    }
}

#[test]
fn offsets_count_from_the_beginning_of_the_decoded_segment() {
    let ramdisk = [vec![0; 64], archive(b"a", b"1"), archive(b"b", b"")].concat();
    let mut walker = Walker::new(ramdisk.as_slice(), Limits::default());
    let offset = |walker: &mut Walker<_>| walker.next_entry().unwrap().unwrap().entry.offset;
    assert_eq!(offset(&mut walker), 0);
    assert_eq!(offset(&mut walker), 112 + 4 + 124);
    assert_eq!(walker.segments()[0].offset, 64);
}

#[test]
fn an_archive_at_an_odd_place_is_found_and_reported() {
    for zeros in [1, 2, 3, 5] {
        let before = [archive(b"a", b""), vec![0; zeros]].concat();
        for after in [archive(b"b", b""), gzip(&archive(b"b", b""))] {
            let ramdisk = [before.clone(), after].concat();
            let walk = walk(ramdisk.as_slice());
            assert_eq!(walk.paths(), ["a", "b"]);
            assert_eq!(walk.finding_ids(), [RAMDISK_MISALIGNED.id], "{zeros}");
        }
        let packed = gzip(&[before, archive(b"b", b"")].concat());
        assert_eq!(
            walk(packed.as_slice()).finding_ids(),
            [RAMDISK_MISALIGNED.id]
        );
        let first = [vec![0; zeros], archive(b"a", b"")].concat();
        assert_eq!(
            walk(first.as_slice()).finding_ids(),
            [RAMDISK_MISALIGNED.id]
        );
    }
}

#[test]
fn alignment_behind_a_member_counts_from_the_beginning_of_the_ramdisk() {
    let mut packed = gzip(&archive(b"a", b""));
    // A file name in the header makes the member's length odd.
    packed[3] |= 8;
    packed.splice(10..10, *b"n\0");
    while packed.len() % 4 != 1 {
        packed.splice(10..10, *b"n");
    }
    let member = walk(packed.as_slice());
    assert!(member.error.is_none() && member.walker.findings().is_empty());
    for zeros in 0..8 {
        let ramdisk = [packed.clone(), vec![0; zeros], archive(b"b", b"")].concat();
        let walk = walk(ramdisk.as_slice());
        assert_eq!(walk.paths(), ["a", "b"]);
        assert_eq!(walk.walker.findings().is_empty(), zeros % 4 == 3, "{zeros}");
        // A member may stand anywhere behind a member.
        let ramdisk = [packed.clone(), vec![0; zeros], packed.clone()].concat();
        assert!(
            sample::walk(ramdisk.as_slice())
                .walker
                .findings()
                .is_empty()
        );
    }
}

#[test]
fn a_missing_trailer_is_reported_and_not_refused() {
    let bare = file(b"a", b"1");
    for (ramdisk, count) in [
        (bare.clone(), 1),
        ([bare.clone(), vec![0; 512]].concat(), 1),
        (gzip(&bare), 1),
        ([bare.clone(), gzip(&bare)].concat(), 2),
        // To the kernel this is one archive.
        ([bare.clone(), vec![0; 4], archive(b"b", b"")].concat(), 0),
    ] {
        let walk = walk(ramdisk.as_slice());
        assert!(walk.error.is_none());
        let found: u64 = walk.walker.findings().iter().map(|it| it.count).sum();
        assert_eq!(found, count);
        assert_eq!(
            walk.walker.findings().contains(&RAMDISK_NO_TRAILER),
            count > 0
        );
    }
}

#[test]
fn an_archive_that_is_only_a_trailer_counts() {
    let ramdisk = [trailer(), trailer(), archive(b"a", b"")].concat();
    let walk = walk(ramdisk.as_slice());
    assert_eq!(segments(&walk), [(Container::Raw, 0, 3, 1)]);
}

#[test]
fn entries_that_the_kernel_passes_over_are_reported() {
    let symlink = |size: usize| entry(header(0o120_777, size), b"e", &vec![b'x'; size]);
    let with_body = |mode| entry(header(mode, 1), b"e", b"x");
    for (bytes, skipped) in [
        (symlink(0), true),
        (symlink(1), false),
        (symlink(4095), false),
        (symlink(4096), true),
        (with_body(0o040_755), true),
        (with_body(0o020_644), true),
        (with_body(0o010_644), true),
        (with_body(0o100_644), false),
        (entry(header(0o644, 0), b"e", b""), true),
        (entry(header(0o040_755, 0), b"e", b""), false),
    ] {
        let ramdisk = [bytes, trailer()].concat();
        let walk = walk(ramdisk.as_slice());
        assert_eq!(walk.paths(), ["e"]);
        let found = walk.walker.into_findings();
        assert_eq!(found.contains(&RAMDISK_ENTRY_SKIPPED), skipped);
    }
}

#[test]
fn a_crc_archive_is_reported() {
    let header = Header {
        magic: Magic::Crc,
        check: 120,
        ..header(0o100_644, 1)
    };
    let ramdisk = [entry(header, b"a", b"x"), trailer()].concat();
    assert_eq!(
        walk(ramdisk.as_slice()).finding_ids(),
        [RAMDISK_CRC_ARCHIVE.id]
    );
}

#[test]
fn unknown_bytes_are_named_with_their_offset() {
    let ramdisk = [archive(b"a", b""), b"MZ".to_vec()].concat();
    let offset = archive(b"a", b"").len() as u64;
    match walk(ramdisk.as_slice()).error.unwrap() {
        Error::Unknown { offset: at, found } => {
            assert_eq!((at, found.as_slice()), (offset, &b"MZ"[..]));
        }
        other => panic!("{other}"),
    }
    for start in [&b"07"[..], b"0707010000"] {
        let error = inner(walk(start).error);
        assert!(matches!(
            error,
            Error::Truncated {
                part: Part::Header,
                ..
            }
        ));
    }
}

#[test]
fn formats_that_no_kernel_unpacks_are_refused_by_name() {
    for format in [Format::Lz4, Format::Lzo] {
        let ramdisk = [archive(b"a", b""), format.magic().to_vec(), vec![0; 99]].concat();
        let error = walk(ramdisk.as_slice()).error.unwrap();
        assert!(error.to_string().contains(format.name()), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn junk_in_a_member_is_refused_and_so_is_a_member_inside_a_member() {
    let member = gzip(&[archive(b"a", b""), b"junk".to_vec()].concat());
    let error = inner(walk(member.as_slice()).error);
    assert!(matches!(error, Error::Junk { found: b'j', .. }));
    let nested = gzip(&gzip(&archive(b"a", b"")));
    let error = inner(walk(nested.as_slice()).error);
    assert!(matches!(
        error,
        Error::Junk {
            offset: 0,
            found: 0x1f
        }
    ));
    for content in [&b""[..], &[0; 100]] {
        let error = inner(walk(gzip(content).as_slice()).error);
        assert!(matches!(error, Error::Empty { .. }));
    }
}

#[test]
fn an_entry_that_goes_on_in_the_next_member_is_truncated() {
    let whole = archive(b"a", &[b'x'; 1000]);
    let ramdisk = [gzip(&whole[..600]), gzip(&whole[600..])].concat();
    let walk = walk(ramdisk.as_slice());
    let error = inner(walk.error);
    assert!(matches!(
        error,
        Error::Truncated {
            part: Part::Body,
            offset: 600
        }
    ));
}

#[test]
fn a_damaged_or_truncated_member_is_an_error_of_its_segment() {
    let whole = gzip(&canonical());
    let mut damaged = whole.clone();
    let middle = damaged.len() - 6;
    damaged[middle] ^= 1;
    for ramdisk in [damaged, whole[..whole.len() - 1].to_vec()] {
        let Error::Read { source, .. } = inner(walk(ramdisk.as_slice()).error) else {
            panic!("no error of the decoder");
        };
        assert!(enclair_compress::Error::of(&source).is_some());
    }
}

#[test]
fn truncation_of_an_uncompressed_ramdisk_is_an_error_or_reported() {
    let whole = canonical();
    let all = walk(whole.as_slice()).entries;
    for length in 1..whole.len() {
        let walk = walk(&whole[..length]);
        let ended = walk.entries == all && walk.error.is_none();
        let reported = walk.walker.findings().contains(&RAMDISK_NO_TRAILER);
        assert!(ended || reported || walk.error.is_some(), "{length}");
    }
}

#[test]
fn endless_zeros_end_at_the_limit() {
    let limits = Limits {
        unpacked_bytes: 1 << 20,
        ..Limits::default()
    };
    let endless = || BufReader::new(io::repeat(0));
    assert!(matches!(
        walk_limited(endless(), limits).error,
        Some(Error::Unpacked { .. })
    ));
    let start = archive(b"a", b"");
    let walk = walk_limited(start.chain(BufReader::new(io::repeat(0))), limits);
    assert!(matches!(inner(walk.error), Error::Unpacked { .. }));
}

#[test]
fn a_bomb_ends_at_the_limit_of_all_segments_together() {
    let limits = Limits {
        unpacked_bytes: 3_000_000,
        ..Limits::default()
    };
    let bomb = gzip(&archive(b"a", &vec![0; 1_000_000]));
    let count = 3_000_000 / 1_000_240;
    let bombs = bomb.repeat(50);
    let walk = walk_limited(bombs.as_slice(), limits);
    assert_eq!(walk.entries.len(), count);
    assert!(matches!(
        inner(walk.error),
        Error::Unpacked {
            limit: 3_000_000,
            ..
        }
    ));
    let limits = Limits {
        entries: 7,
        ..Limits::default()
    };
    let members = gzip(&archive(b"a", b"")).repeat(50);
    let walk = walk_limited(members.as_slice(), limits);
    assert_eq!(walk.entries.len(), 7);
    assert!(matches!(inner(walk.error), Error::Entries { limit: 7, .. }));
}

#[test]
fn a_swarm_of_members_ends_at_a_limit() {
    let members = gzip(&archive(b"a", b"")).repeat(4097);
    let walk = walk(members.as_slice());
    assert_eq!(walk.entries.len(), 4096);
    assert!(matches!(
        walk.error,
        Some(Error::Segments { limit: 4096, .. })
    ));
}

#[test]
fn a_walk_that_failed_does_not_end_quietly() {
    let ramdisk = [archive(b"a", b""), b"junk".to_vec()].concat();
    let mut walk = walk(ramdisk.as_slice());
    assert!(matches!(walk.walker.next_entry(), Err(Error::Failed)));
    walk.walker.read(&mut [0; 4]).unwrap_err();
}

#[test]
fn kinds_are_in_order_and_named_for_the_ramdisk() {
    assert!(KINDS.is_sorted_by_key(|kind| kind.id));
    assert!(KINDS.iter().all(|kind| kind.id.starts_with("ramdisk-")));
}

proptest! {
    #![proptest_config(sample::cases(2000))]

    #[test]
    fn pieces_in_any_order_never_panic_and_reads_do_not_matter(
        pieces in proptest::collection::vec((0..8_usize, 0..200_usize), 0..6),
        damage in proptest::option::of((any::<usize>(), any::<u8>())),
    ) {
        let mut ramdisk = Vec::new();
        for (piece, length) in pieces {
            match piece {
                0 => ramdisk.extend(archive(b"a", &vec![b'x'; length])),
                1 => ramdisk.extend(gzip(&archive(b"b", &vec![b'x'; length]))),
                2 => ramdisk.extend(vec![0; length % 9]),
                3 => ramdisk.extend(file(b"c", &vec![b'y'; length])),
                4 => ramdisk.extend(&archive(b"d", b"z")[..length.min(230)]),
                5 => ramdisk.extend(&gzip(&trailer())[..length.min(20)]),
                6 => ramdisk.extend(trailer()),
                _ => ramdisk.extend(gzip(&canonical())),
            }
        }
        if let (Some((position, value)), false) = (damage, ramdisk.is_empty()) {
            let length = ramdisk.len();
            ramdisk[position % length] = value;
        }
        let (large, small) = (walk(ramdisk.as_slice()), walk(trickle(&ramdisk)));
        if is_decoders(large.error.as_ref()) || is_decoders(small.error.as_ref()) {
            // How much a decoder gives of a damaged member before it fails is its own affair.
            prop_assert!(large.error.is_some() && small.error.is_some());
            let same = large.entries.iter().zip(&small.entries).all(|(a, b)| a == b);
            prop_assert!(same);
            return Ok(());
        }
        prop_assert_eq!(&large.entries, &small.entries);
        prop_assert_eq!(large.walker.segments(), small.walker.segments());
        prop_assert_eq!(large.walker.findings(), small.walker.findings());
        let text = |error: &Option<Error>| error.as_ref().map(|it| format!("{it:?}"));
        prop_assert_eq!(text(&large.error), text(&small.error));
    }
}

fn is_decoders(error: Option<&Error>) -> bool {
    let Some(Error::Segment { source, .. }) = error else {
        return false;
    };
    matches!(**source, Error::Read { .. })
}
