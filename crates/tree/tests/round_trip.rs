//! Properties: what goes through a tar archive or a ramdisk comes back, and the order of a layer's
//! entries does not matter where it must not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that make and show things are part of the tests"
)]

mod forge;

use std::collections::BTreeMap;

use enclair_tree::{Body, Metadata, Node, NodeKind, Spool, TreePath, Xattrs, write_tar};
use forge::{Forge, Image, Piece, dir, file, small_limits, symlink, whiteout};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn metadata() -> impl Strategy<Value = Metadata> {
    let id = prop_oneof![0..3_u32, any::<u32>()];
    let mtime = prop_oneof![0..100_i64, any::<i64>()];
    (0..=0o7777_u16, id.clone(), id, mtime).prop_map(|(permissions, uid, gid, mtime)| Metadata {
        permissions,
        uid,
        gid,
        mtime,
    })
}

fn xattrs() -> impl Strategy<Value = Xattrs> {
    let name = proptest::collection::vec(1..=255_u8, 1..8);
    let value = proptest::collection::vec(any::<u8>(), 0..8);
    proptest::collection::btree_map(name, value, 0..3)
}

/// A component: short ones that collide, odd bytes, and long ones.
fn component() -> impl Strategy<Value = Vec<u8>> {
    let odd = proptest::collection::vec((1..=255_u8).prop_filter("slash", |b| *b != b'/'), 1..4);
    prop_oneof![
        3 => select(vec!["a", "b", "a-", "a0", "..."]).prop_map(|name| name.as_bytes().to_vec()),
        1 => odd,
        1 => (90..255_usize).prop_map(|len| vec![b'n'; len]),
    ]
    .prop_filter("dots", |name| !matches!(name.as_slice(), b"." | b".."))
}

#[derive(Debug, Clone)]
enum Step {
    Node(Metadata, Xattrs, What),
    Link(Index),
}

#[derive(Debug, Clone)]
enum What {
    Directory,
    File(Vec<u8>),
    Symlink(Vec<u8>),
    Device(u32, u32),
    Fifo,
}

fn what() -> impl Strategy<Value = What> {
    let target = proptest::collection::vec(1..=255_u8, 1..300);
    prop_oneof![
        3 => Just(What::Directory),
        2 => proptest::collection::vec(any::<u8>(), 0..1200).prop_map(What::File),
        1 => target.prop_map(What::Symlink),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(major, minor)| What::Device(major, minor)),
        1 => Just(What::Fifo),
    ]
}

/// Any tree: every step puts something under some directory that is there.
fn image() -> impl Strategy<Value = Image> {
    let node = (metadata(), xattrs(), what()).prop_map(|(m, x, w)| Step::Node(m, x, w));
    let step = prop_oneof![4 => node, 1 => any::<Index>().prop_map(Step::Link)];
    let steps = proptest::collection::vec((any::<Index>(), component(), step), 0..24);
    (metadata(), steps).prop_map(|(root, steps)| {
        let mut image = Image::new();
        *image.tree.get_mut(&TreePath::root()).unwrap().metadata = root;
        for (parent, name, step) in steps {
            add(&mut image, parent, &name, step);
        }
        image
    })
}

fn add(image: &mut Image, parent: Index, name: &[u8], step: Step) {
    let directories = image.tree.iter().filter(|(.., node)| node.is_directory());
    let directories: Vec<TreePath> = directories.map(|(path, ..)| path.clone()).collect();
    let path = parent
        .get(&directories)
        .join(&TreePath::parse(name).unwrap());
    match step {
        Step::Node(metadata, xattrs, what) => {
            let kind = kind(image, what);
            let node = Node {
                metadata,
                xattrs,
                kind,
            };
            image.tree.insert(path, node).unwrap();
        }
        Step::Link(target) => {
            let targets = image.tree.iter().filter(|(.., node)| !node.is_directory());
            let ids: Vec<_> = targets.map(|(_, id, _)| id).collect();
            if !ids.is_empty() {
                image.tree.link(path, *target.get(&ids)).unwrap();
            }
        }
    }
}

fn kind(image: &mut Image, what: What) -> NodeKind {
    match what {
        What::Directory => NodeKind::Directory,
        What::File(content) => {
            let offset = image.spool.position();
            image.spool.append(&content).unwrap();
            NodeKind::File(Body::Spooled {
                offset,
                len: u64::try_from(content.len()).unwrap(),
                crc32: crc32fast::hash(&content),
            })
        }
        What::Symlink(target) => NodeKind::Symlink(target),
        What::Device(major, minor) => NodeKind::BlockDevice { major, minor },
        What::Fifo => NodeKind::Fifo,
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

fn tar(image: &Image) -> Vec<u8> {
    let mut out = Vec::new();
    write_tar(&image.tree, &TreePath::root(), &image.spool, &mut out).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_tree_comes_back_from_its_tar_archive(image in image()) {
        let archive = tar(&image);
        let mut back = Image::new();
        back.try_apply(&archive).unwrap();
        prop_assert!(back.findings.is_empty(), "{:?}", back.findings);
        prop_assert_eq!(back.list(), image.list());
        // And the same tree gives the same bytes, however it was made.
        prop_assert_eq!(tar(&back), archive);
    }

    #[test]
    fn the_order_of_whiteouts_and_of_unrelated_entries_does_not_matter(
        order in Just(layer()).prop_shuffle(),
    ) {
        let expected = lower().apply(layer());
        let mut image = lower();
        image.try_apply(&Forge::of(order)).unwrap();
        prop_assert_eq!(image.list(), expected.list());
    }

    #[test]
    fn a_damaged_archive_never_panics(
        at in any::<Index>(),
        value: u8,
        cut in any::<Index>(),
    ) {
        let mut archive = Forge::of(layer().into_iter().map(|piece| {
            piece.pax(&[("SCHILY.xattr.user.a", b"1"), ("mtime", b"1.5")])
        }));
        let at = at.index(archive.len());
        archive[at] = value;
        archive.truncate(archive.len() - cut.index(512));
        let _ = Image::new().try_apply_within(&archive, &small_limits());
    }

    #[test]
    fn paths_keep_what_they_are(parts in proptest::collection::vec(component(), 0..6)) {
        let bytes = parts.join(&b'/');
        let path = TreePath::parse(&bytes).unwrap();
        prop_assert_eq!(path.as_bytes(), &bytes[..]);
        prop_assert_eq!(path.components().collect::<Vec<_>>(), parts.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let messy = [b"/./".as_slice(), &bytes, b"/"].concat();
        prop_assert_eq!(&TreePath::from_archive(&messy).unwrap(), &path);
        if let (Some(parent), Some(name)) = (path.parent(), path.name()) {
            prop_assert!(path.starts_with(&parent));
            let name = TreePath::parse(name).unwrap();
            prop_assert_eq!(path.strip_prefix(&parent), Some(name.clone()));
            prop_assert_eq!(parent.join(&name), path);
        } else {
            prop_assert!(path.is_root());
        }
    }

    #[test]
    fn removal_takes_the_subtree_and_nothing_else(image in image(), at in any::<Index>()) {
        let paths: Vec<TreePath> = image.tree.iter().map(|(path, ..)| path.clone()).collect();
        let path = at.get(&paths);
        let mut tree = image.tree.clone();
        tree.remove(path);
        let left: Vec<&TreePath> = tree.iter().map(|(path, ..)| path).collect();
        let expected: Vec<&TreePath> = paths
            .iter()
            .filter(|other| other.is_root() || !other.starts_with(path))
            .collect();
        prop_assert_eq!(left, expected);
        check_links(&tree);
    }
}

/// The links that a tree counts are those that it has.
fn check_links(tree: &enclair_tree::Tree) {
    let mut counted = BTreeMap::new();
    for (_, id, _) in tree.iter() {
        *counted.entry(id).or_insert(0) += 1;
    }
    for (id, count) in counted {
        assert_eq!(tree.links(id), count);
    }
}

fn lower() -> Image {
    Image::new().apply([
        dir("etc").mode(0o700),
        file("etc/a", "lower"),
        file("etc/b", "lower"),
        dir("var"),
        dir("var/log"),
        file("var/log/x", "lower"),
        symlink("lib", "var/log"),
        file("gone", "lower"),
    ])
}

/// Entries of different paths, all of whose parents exist below.
fn layer() -> Vec<Piece> {
    vec![
        file("etc/a", "upper"),
        whiteout("etc/.wh.b"),
        file("var/log/new", "upper"),
        whiteout("lib/.wh.x"),
        whiteout(".wh.gone"),
        file("gone", "back"),
        dir("etc").mode(0o711),
        whiteout("var/.wh..wh..opq"),
        dir("var/log").mode(0o750),
    ]
}
