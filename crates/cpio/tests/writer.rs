//! What the canonical writer refuses, and that a refused entry leaves nothing behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod sample;

use std::convert::Infallible;
use std::io;

use enclair_cpio::{Body, Kind, Metadata, PathRule, Sink, WriteError, Writer};
use proptest::prelude::*;
use sample::META;

type Outcome = Result<(), WriteError<Infallible>>;

fn writer() -> Writer<Vec<u8>, [u8]> {
    Writer::new(Vec::new())
}

fn rule(path: &[u8]) -> PathRule {
    match writer().entry(path, META, Kind::Directory) {
        Err(WriteError::Path { path: found, rule }) => {
            assert_eq!(found, path);
            rule
        }
        other => panic!("{}: {other:?}", path.escape_ascii()),
    }
}

#[test]
fn paths_that_are_not_canonical_are_refused() {
    assert_eq!(rule(b""), PathRule::Empty);
    for path in [&b"/"[..], b"/a", b"a/", b"a//b"] {
        assert_eq!(rule(path), PathRule::EmptyComponent);
    }
    for path in [&b"."[..], b"./a", b"a/.", b"a/./b", b"..", b"a/../b"] {
        assert_eq!(rule(path), PathRule::DotComponent);
    }
    assert_eq!(rule(b"a\0b"), PathRule::Nul);
    assert_eq!(rule(b"TRAILER!!!"), PathRule::Trailer);
    assert_eq!(rule(&[b'a'; 256]), PathRule::LongComponent);
    assert_eq!(rule(&[b'a'; 4096]), PathRule::Long);
}

#[test]
fn the_longest_path_and_names_like_the_special_ones_are_written() {
    let mut writer = writer();
    let mut path = vec![b'a'; 255];
    writer.entry(&path, META, Kind::Directory).unwrap();
    while path.len() < 4095 {
        let length = (4095 - path.len() - 1).min(255);
        path.push(b'/');
        path.extend(std::iter::repeat_n(b'a', length));
        writer.entry(&path, META, Kind::Directory).unwrap();
    }
    for name in [&b"b"[..], b"b/...", b"b/..a", b"b/TRAILER!!!", b"b/\xff"] {
        writer.entry(name, META, Kind::Directory).unwrap();
    }
    let archive = writer.finish(None).unwrap();
    let entries = sample::read_all(archive.as_slice()).unwrap();
    assert_eq!(entries.len(), 16 + 5);
    assert!(entries.iter().any(|(entry, _)| entry.path == path));
}

#[test]
fn the_order_is_that_of_bytes_and_parents_come_first() {
    let mut writer = writer();
    for path in [&b"a"[..], b"a-b", b"a/b", b"a/b-c", b"a/b/c", b"a0", b"b"] {
        writer.entry(path, META, Kind::Directory).unwrap();
    }
    for path in [&b"b"[..], b"a/c", b"a"] {
        let outcome: Outcome = writer.entry(path, META, Kind::Directory);
        assert!(matches!(outcome, Err(WriteError::Order { .. })));
    }
    for path in [&b"c/d"[..], b"b/c/d"] {
        let outcome: Outcome = writer.entry(path, META, Kind::Directory);
        assert!(matches!(outcome, Err(WriteError::Parent { .. })));
    }
    writer.entry(b"f", META, Kind::Fifo).unwrap();
    let outcome: Outcome = writer.entry(b"f/x", META, Kind::Fifo);
    assert!(matches!(outcome, Err(WriteError::Parent { .. })));
}

#[test]
fn a_refused_entry_leaves_nothing_behind() {
    let mut writer = writer();
    let bad = Metadata {
        permissions: 0o10_000,
        ..META
    };
    writer.entry(b"a", META, Kind::Directory).unwrap();
    writer.entry(b"b", bad, Kind::Directory).unwrap_err();
    writer.entry(b"c", META, Kind::Symlink(b"")).unwrap_err();
    writer.entry(b"a/x", META, Kind::Fifo).unwrap();
    let mut plain = Writer::new(Vec::new());
    plain.entry(b"a", META, Kind::Directory).unwrap();
    plain.entry(b"a/x", META, Kind::<[u8]>::Fifo).unwrap();
    assert_eq!(writer.finish(None).unwrap(), plain.finish(None).unwrap());
}

#[test]
fn symlink_targets_and_device_numbers_have_bounds() {
    let mut writer = writer();
    let longest = vec![b'x'; 4095];
    writer.entry(b"a", META, Kind::Symlink(&longest)).unwrap();
    for target in [vec![], vec![b'x'; 4096]] {
        let outcome = writer.entry(b"b", META, Kind::Symlink(&target));
        assert!(matches!(outcome, Err(WriteError::TargetSize { .. })));
    }
    let outcome = writer.entry(b"b", META, Kind::Symlink(b"x\0y"));
    assert!(matches!(outcome, Err(WriteError::TargetNul { .. })));
    let device = |major, minor| Kind::CharacterDevice { major, minor };
    writer.entry(b"b", META, device(0xfff, 0xf_ffff)).unwrap();
    for (major, minor) in [(0x1000, 0), (0, 0x10_0000)] {
        let outcome = writer.entry(b"c", META, device(major, minor));
        assert!(matches!(outcome, Err(WriteError::Device { .. })));
    }
}

#[test]
fn hard_link_groups_are_opened_completed_and_equal() {
    let body = b"x".as_slice();
    let first = |links, group| Kind::LinkFirst { body, links, group };
    let next = |links, group| Kind::LinkNext { links, group };
    let mut writer = writer();
    let outcome = writer.entry(b"a", META, next(2, 1));
    assert!(matches!(
        outcome,
        Err(WriteError::GroupNotOpen { group: 1, .. })
    ));
    let outcome = writer.entry(b"a", META, first(0, 1));
    assert!(matches!(
        outcome,
        Err(WriteError::GroupEmpty { group: 1, .. })
    ));
    writer.entry(b"a", META, first(3, 1)).unwrap();
    let outcome = writer.entry(b"b", META, first(3, 1));
    assert!(matches!(
        outcome,
        Err(WriteError::GroupOpen { group: 1, .. })
    ));
    let outcome = writer.entry(b"b", META, next(2, 1));
    assert!(matches!(
        outcome,
        Err(WriteError::GroupDiffers { group: 1, .. })
    ));
    let other = Metadata { uid: 1, ..META };
    let outcome = writer.entry(b"b", other, next(3, 1));
    assert!(matches!(
        outcome,
        Err(WriteError::GroupDiffers { group: 1, .. })
    ));
    writer.entry(b"b", META, next(3, 1)).unwrap();
    writer.entry(b"c", META, next(3, 1)).unwrap();
    let outcome = writer.entry(b"d", META, next(3, 1));
    assert!(matches!(
        outcome,
        Err(WriteError::GroupNotOpen { group: 1, .. })
    ));
    writer.entry(b"d", META, first(2, 2)).unwrap();
    let outcome = writer.finish(None);
    assert!(matches!(
        outcome,
        Err(WriteError::GroupIncomplete {
            group: 2,
            missing: 1
        })
    ));
}

#[test]
fn a_group_of_one_path_is_the_same_as_a_file() {
    let body = b"x".as_slice();
    let mut group = writer();
    let (links, id) = (1, 9);
    group
        .entry(
            b"a",
            META,
            Kind::LinkFirst {
                body,
                links,
                group: id,
            },
        )
        .unwrap();
    let mut file = writer();
    file.entry(b"a", META, Kind::File { body }).unwrap();
    assert_eq!(group.finish(None).unwrap(), file.finish(None).unwrap());
}

/// Bodies of any size, in a sink that only counts.
struct Size(u64);

impl Body for Size {
    fn len(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
struct Count(u64);

impl Sink<Size> for Count {
    type Error = Infallible;
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0 += bytes.len() as u64;
        Ok(())
    }
    fn body(&mut self, body: &Size) -> Result<(), Infallible> {
        self.0 += body.len();
        Ok(())
    }
}

#[test]
fn a_file_of_four_gigabytes_is_refused_and_one_byte_less_is_not() {
    let mut writer = Writer::new(Count::default());
    let body = &Size(u64::from(u32::MAX));
    writer.entry(b"a", META, Kind::File { body }).unwrap();
    let position = writer.position();
    let body = &Size(1 << 32);
    let outcome = writer.entry(b"b", META, Kind::File { body });
    assert!(matches!(
        outcome,
        Err(WriteError::FileSize {
            size: 0x1_0000_0000,
            ..
        })
    ));
    assert_eq!(writer.position(), position);
    let count = writer.finish(None).unwrap().0;
    assert!(count > 1 << 32 && count.is_multiple_of(512));
}

#[test]
fn the_marker_counts_what_stands_before_it_and_must_come_last() {
    let archive = writer()
        .finish(Some(enclair_cpio::Marker {
            ramdisk: 0,
            mtime: 0,
        }))
        .unwrap();
    let entries = sample::read_all(archive.as_slice()).unwrap();
    assert_eq!(entries[0].0.path, b"~end0");
    assert_eq!(entries[0].1, b"0");
    let mut late = writer();
    late.entry("ä".as_bytes(), META, Kind::Directory).unwrap();
    assert!(matches!(
        late.finish(Some(enclair_cpio::Marker {
            ramdisk: 3,
            mtime: 0
        })),
        Err(WriteError::Order { .. })
    ));
    let mut twice = writer();
    twice.entry(b"~end3", META, Kind::Directory).unwrap();
    assert!(matches!(
        twice.finish(Some(enclair_cpio::Marker {
            ramdisk: 3,
            mtime: 0
        })),
        Err(WriteError::Order { .. })
    ));
}

#[test]
fn a_sink_that_failed_does_not_give_a_finished_archive() {
    struct Full(usize);
    impl Sink<[u8]> for Full {
        type Error = io::Error;
        fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0 = self
                .0
                .checked_sub(bytes.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(())
        }
        fn body(&mut self, body: &[u8]) -> io::Result<()> {
            self.bytes(body)
        }
    }
    let mut writer = Writer::new(Full(200));
    let body = [0; 300].as_slice();
    let outcome = writer.entry(b"a", META, Kind::File { body });
    assert!(matches!(outcome, Err(WriteError::Sink(_))));
    let outcome = writer.entry(b"b", META, Kind::Fifo);
    assert!(matches!(outcome, Err(WriteError::Failed)));
    assert!(matches!(writer.finish(None), Err(WriteError::Failed)));
}

fn tree() -> impl Strategy<Value = Vec<(Vec<u8>, Option<Vec<u8>>)>> {
    let name = prop_oneof!["[a-c]{1,2}", "[-./0a~]{1,3}", Just("ä".to_owned())];
    let path = proptest::collection::vec(name, 1..4);
    let body = proptest::collection::vec(any::<u8>(), 0..9);
    proptest::collection::btree_map(path, body, 0..12).prop_map(|files| {
        // Directories for all parents; a path that is a parent is no file.
        let mut nodes = std::collections::BTreeMap::new();
        for (path, body) in files {
            let path = path.join("_/").replace('.', "_.");
            let path = path.trim_matches('/').replace("//", "/");
            let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
            for end in 1..=parts.len() {
                let node = parts[..end].join("/").into_bytes();
                let content = (end == parts.len()).then(|| body.clone());
                let slot = nodes.entry(node).or_insert_with(|| content.clone());
                if content.is_none() {
                    *slot = None;
                }
            }
        }
        nodes.into_iter().collect()
    })
}

fn write(nodes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<Vec<u8>, WriteError<Infallible>> {
    let mut writer = writer();
    for (path, body) in nodes {
        let kind = body
            .as_deref()
            .map_or(Kind::Directory, |body| Kind::File { body });
        writer.entry(path, META, kind)?;
    }
    writer.finish(None)
}

proptest! {
    #![proptest_config(sample::cases(500))]

    #[test]
    fn what_is_written_is_read(nodes in tree()) {
        let archive = write(&nodes).unwrap();
        prop_assert!(archive.len().is_multiple_of(512));
        let entries = sample::read_all(archive.as_slice()).unwrap();
        let found: Vec<_> = entries
            .into_iter()
            .map(|(entry, body)| {
                let is_file = entry.header.mode == 0o100_755;
                (entry.path, is_file.then_some(body))
            })
            .collect();
        prop_assert_eq!(found, nodes);
    }

    #[test]
    fn any_other_order_is_refused(nodes in tree(), a in any::<usize>(), b in any::<usize>()) {
        prop_assume!(nodes.len() > 1);
        let (a, b) = (a % nodes.len(), b % nodes.len());
        prop_assume!(a != b);
        let mut swapped = nodes;
        swapped.swap(a, b);
        prop_assert!(write(&swapped).is_err());
    }
}
