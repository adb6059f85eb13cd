//! Trees by themselves: what they keep true, where symlinks lead, and bodies.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the functions that make and show things are part of the tests"
)]

mod forge;

use std::io::{self, Read};

use enclair_digest::ContentError;
use enclair_tree::findings::KINDS;
use enclair_tree::{
    Body, Error, Escaped, LastLink, MemorySpool, Metadata, Node, NodeKind, PathError, Problem,
    Spool, SpoolMismatch, Tree, TreePath, read_body, write_tar,
};
use forge::{Image, dir, file, link, path_of, symlink};

fn problem_of<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (String, Problem) {
    let Err(Error::Entry { path, problem }) = outcome else {
        panic!("{outcome:?}");
    };
    (path.to_string(), problem)
}

fn fifo() -> Node {
    Node::new(Metadata::new(0o600), NodeKind::Fifo)
}

#[test]
fn a_node_needs_a_directory_above_it() {
    let mut tree = Tree::new(Metadata::new(0o755));
    let outcome = tree.insert(path_of("a/b"), fifo());
    assert_eq!(problem_of(outcome), ("a".to_owned(), Problem::Missing));
    tree.insert(path_of("a"), fifo()).unwrap();
    let outcome = tree.insert(path_of("a/b"), fifo());
    assert_eq!(problem_of(outcome), ("a".to_owned(), Problem::NotDirectory));
    let outcome = tree.insert(TreePath::root(), fifo());
    assert_eq!(problem_of(outcome).1, Problem::RootKind);
    assert_eq!(tree.len(), 2);
}

#[test]
fn a_node_lives_as_long_as_a_path_leads_to_it_and_its_id_is_not_used_again() {
    let mut tree = Tree::new(Metadata::new(0o755));
    let id = tree.insert(path_of("a"), fifo()).unwrap();
    tree.link(path_of("b"), id).unwrap();
    assert_eq!(tree.links(id), 2);
    assert_eq!(tree.remove(&path_of("a")), 1);
    assert!(tree.node(id).is_some());
    assert_eq!(tree.remove(&path_of("b")), 1);
    assert!(tree.node(id).is_none());
    let next = tree.insert(path_of("c"), fifo()).unwrap();
    assert_ne!(next, id);
    let outcome = tree.link(path_of("d"), id);
    assert!(matches!(
        problem_of(outcome).1,
        Problem::LinkMissing { target: None }
    ));
    let root = tree.id(&TreePath::root()).unwrap();
    assert_eq!(
        problem_of(tree.link(path_of("d"), root)).1,
        Problem::LinkToDirectory
    );
}

#[test]
fn removing_the_root_empties_the_tree() {
    let mut image = Image::new().apply([dir("a"), file("a/b", ""), file("c", "")]);
    assert_eq!(image.tree.remove(&TreePath::root()), 3);
    assert!(image.tree.is_empty());
    assert_eq!(image.tree.remove(&path_of("a")), 0);
}

#[test]
fn symlinks_are_followed_as_a_process_inside_would() {
    let image = Image::new().apply([
        dir("usr"),
        dir("usr/bin"),
        file("usr/bin/sh", "shell"),
        symlink("bin", "usr/bin"),
        symlink("usr/bin/sh-link", "../../../../bin/sh"),
        symlink("usr/slash", "/bin/"),
        symlink("dangling", "none/such"),
        symlink("loop", "loop"),
    ]);
    let resolve = |path, last| image.tree.resolve(&path_of(path), last);
    let to = |path| resolve(path, LastLink::Follow).unwrap().to_string();
    assert_eq!(to("bin/sh"), "usr/bin/sh");
    assert_eq!(to("bin/sh-link"), "usr/bin/sh");
    assert_eq!(to("usr/slash/sh"), "usr/bin/sh");
    let kept = resolve("bin/sh-link", LastLink::Keep).unwrap();
    assert_eq!(kept.to_string(), "usr/bin/sh-link");
    assert!(
        image
            .tree
            .lookup(&path_of("bin/sh-link"))
            .unwrap()
            .is_file()
    );
    assert!(image.tree.lookup(&path_of("dangling")).is_none());
    let problem = |path| problem_of(resolve(path, LastLink::Follow));
    assert_eq!(problem("dangling"), ("none".to_owned(), Problem::Missing));
    assert_eq!(problem("loop"), ("loop".to_owned(), Problem::Loop));
    assert_eq!(
        problem("bin/sh/x"),
        ("usr/bin/sh".to_owned(), Problem::NotDirectory)
    );
}

#[test]
fn paths_that_are_not_clean_are_refused_where_clean_ones_are_wanted() {
    for name in ["/a", "a/", "a//b", "./a", ".", "a/./b", "/"] {
        let error = TreePath::parse(name.as_bytes()).unwrap_err();
        assert!(matches!(error, PathError::Unclean { .. }), "{name}");
    }
    assert!(matches!(
        TreePath::parse(b"a/.."),
        Err(PathError::Upwards { .. })
    ));
    assert!(matches!(
        TreePath::parse(b"a\0"),
        Err(PathError::Nul { .. })
    ));
    assert!(TreePath::parse(b"").unwrap().is_root());
    assert!(TreePath::parse(b"..a/...").is_ok());
}

#[test]
fn names_in_messages_keep_to_their_line_and_direction() {
    let shown = |bytes: &[u8]| Escaped(bytes).to_string();
    assert_eq!(shown("caf\u{e9} \\".as_bytes()), "caf\u{e9} \\\\");
    assert_eq!(shown(b"a\n\x1b[0m\xff\xc3"), "a\\x0a\\x1b[0m\\xff\\xc3");
    assert_eq!(shown("gpj\u{202e}exe".as_bytes()), "gpj\\xe2\\x80\\xaeexe");
    assert_eq!(TreePath::root().to_string(), "/");
}

#[test]
fn memcmp_order_puts_a_neighbour_between_a_directory_and_its_content() {
    let image = Image::new().apply([dir("a"), file("a/b", ""), file("a-b", ""), file("a.b", "")]);
    assert_eq!(image.paths(), ["a", "a-b", "a.b", "a/b"]);
    let below = image.tree.descendants(&path_of("a"));
    assert_eq!(
        below.map(|(path, ..)| path.to_string()).collect::<Vec<_>>(),
        ["a/b"]
    );
}

#[test]
fn bodies_are_read_back_and_limited() {
    let mut spool = MemorySpool::new();
    spool.append(b"..content..").unwrap();
    let spooled = Body::Spooled {
        offset: 2,
        len: 7,
        crc32: crc32fast::hash(b"content"),
    };
    let inline = Body::from(&b"content"[..]);
    for body in [&spooled, &inline] {
        assert_eq!(read_body(body, &spool).read_to_vec(7).unwrap(), b"content");
        assert_eq!((body.len(), body.crc32()), (7, spooled.crc32()));
        let error = read_body(body, &spool).read_to_vec(6).unwrap_err();
        assert_eq!(
            ContentError::of(&error),
            Some(&ContentError::Limit { limit: 6 })
        );
        let mut first = [0; 3];
        read_body(body, &spool).read_exact(&mut first).unwrap();
        assert_eq!(&first, b"con");
    }
    assert!(Body::empty().is_empty());
}

/// A spool that gives back something else, or not everything.
struct Faulty(MemorySpool, u64);

impl Spool for Faulty {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn position(&self) -> u64 {
        self.0.position()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if offset >= self.1 {
            return Ok(0);
        }
        let count = self.0.read_at(offset, buffer)?;
        buffer[count - 1] ^= 1;
        Ok(count)
    }
}

#[test]
fn a_spool_that_changes_or_loses_bytes_is_an_error() {
    let image = Image::new().apply([file("a", "content")]);
    let root = TreePath::root();
    for (end, kind) in [
        (7, io::ErrorKind::InvalidData),
        (0, io::ErrorKind::UnexpectedEof),
    ] {
        let faulty = Faulty(image.spool.clone(), end);
        let outcome = write_tar(&image.tree, &root, &faulty, &mut io::sink());
        let Err(Error::Spool { path, source }) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!((path.to_string().as_str(), source.kind()), ("a", kind));
        let mismatch = source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<SpoolMismatch>());
        assert_eq!(mismatch.is_some(), end == 7);
    }
}

#[test]
fn a_socket_does_not_fit_into_a_tar_archive() {
    let mut image = Image::new();
    let node = Node::new(Metadata::new(0o600), NodeKind::Socket);
    image.tree.insert(path_of("s"), node).unwrap();
    let outcome = write_tar(
        &image.tree,
        &TreePath::root(),
        &image.spool,
        &mut io::sink(),
    );
    assert_eq!(problem_of(outcome), ("s".to_owned(), Problem::Socket));
}

#[test]
fn a_prefix_goes_in_front_of_every_name_and_target() {
    let image = Image::new().apply([dir("./").mode(0o700), file("a", "1"), link("b", "a")]);
    let mut tar = Vec::new();
    write_tar(&image.tree, &path_of("x/y"), &image.spool, &mut tar).unwrap();
    let mut back = Image::new();
    back.try_apply(&tar).unwrap();
    assert_eq!(back.paths(), ["x", "x/y", "x/y/a", "x/y/b"]);
    assert_eq!(back.finding("implied-directory"), ["x"]);
    assert_eq!(
        back.tree.get(&path_of("x/y")).unwrap().metadata.permissions,
        0o700
    );
    assert_eq!(back.tree.links(back.tree.id(&path_of("x/y/b")).unwrap()), 2);
}

#[test]
fn kinds_are_in_order_and_say_something() {
    assert!(KINDS.windows(2).all(|pair| pair[0].id < pair[1].id));
    for kind in KINDS {
        assert!(!kind.why.is_empty() && !kind.fix.is_empty(), "{}", kind.id);
        assert!(
            !kind.title.ends_with('.') && !kind.why.contains("  "),
            "{}",
            kind.id
        );
    }
}
