//! Directories that are made to do harm, and files that do not hold still.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;

use enclair_tree::Spool;
use rustix::fs::{Mode, OFlags};

use super::*;
use crate::files::budget::Budget;
use crate::files::copy::Copier;
use crate::files::disk::{self, Steps};

#[test]
fn names_are_bytes() {
    let disk = Disk::with(&[("d/", "")]);
    let names: [&[u8]; 4] = [b"new\nline", b"\xff\xfe", b" ", b"\x1b[31m\\"];
    for name in names {
        File::create(disk.path("d").join(OsStr::from_bytes(name))).unwrap();
    }
    let image = disk.lay(&[from("d", "/")]).unwrap();
    let paths: Vec<_> = image
        .tree
        .iter()
        .skip(1)
        .map(|(path, _, _)| path.as_bytes())
        .collect();
    assert_eq!(paths, [names[3], names[2], names[0], names[1]]);
    let listed: Vec<_> = image
        .laid
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(
        listed,
        ["/\\x1b[31m\\\\", "/ ", "/new\\x0aline", "/\\xff\\xfe"]
    );
}

/// Makes directories in each other, `name` by `name`, deeper than one path can say.
fn nest(top: &Path, depth: usize, name: &str) {
    let mut here = File::open(top).unwrap().into();
    for _ in 0..depth {
        rustix::fs::mkdirat(&here, name, Mode::from_raw_mode(0o755)).unwrap();
        here = rustix::fs::openat(&here, name, OFlags::DIRECTORY, Mode::empty()).unwrap();
    }
    let mode = Mode::from_raw_mode(0o644);
    rustix::fs::openat(&here, "end", OFlags::CREATE | OFlags::WRONLY, mode).unwrap();
}

#[test]
fn a_thousand_levels_take_neither_stack_nor_open_files() {
    let disk = Disk::new();
    nest(disk.0.path(), 1000, "d");
    // A thread of little stack, which a walk by recursion would not survive.
    let image = std::thread::scope(|scope| {
        let small = std::thread::Builder::new().stack_size(128 << 10);
        let walk = || disk.lay(&[from("d", "/d")]);
        small.spawn_scoped(scope, walk).unwrap().join().unwrap()
    });
    assert_eq!(image.unwrap().tree.len(), 1 + 1000 + 1);
}

#[test]
fn what_no_path_can_say_is_an_error() {
    let disk = Disk::with(&[("d/", "")]);
    nest(&disk.path("d"), 40, &"n".repeat(200));
    let error = disk.lay(&[from("d", "/")]).unwrap_err();
    assert!(
        matches!(error, Error::Name { .. } | Error::Long { .. }),
        "{error}"
    );
}

#[test]
fn many_files_are_walked() {
    let disk = Disk::with(&[("d/", "")]);
    for number in 0..20_000 {
        File::create(disk.path(&format!("d/{number}"))).unwrap();
    }
    assert_eq!(
        disk.lay(&[from("d", "/")]).unwrap().laid.files.len(),
        20_000
    );
    let limits = Limits {
        entries: 10_000,
        ..Limits::default()
    };
    let laid = Image::empty().lay_within(disk.0.path(), &[from("d", "/")], &limits);
    assert!(matches!(laid, Err(Error::Limit { .. })));
}

#[test]
fn both_ways_of_opening_refuse_symlinks() {
    let disk = Disk::with(&[("a/b/c/", ""), ("a/l", "-> b"), ("up", "-> .."), ("f", "")]);
    let root = File::open(disk.0.path()).unwrap();
    for steps in [Steps::One, Steps::Each] {
        let open = |path: &str| {
            let path = TreePath::parse(path.as_bytes()).unwrap();
            disk::open_beneath(root.as_fd(), &path, steps)
        };
        for path in ["", "a", "a/b/c"] {
            assert!(open(path).is_ok(), "{path} {steps:?}");
        }
        for path in ["a/l", "a/l/c", "up", "up/x", "f", "f/x", "nothing"] {
            assert!(open(path).is_err(), "{path} {steps:?}");
        }
    }
}

/// A spool that writes to the file that is being read.
struct Meddling<F> {
    inner: MemorySpool,
    meddle: F,
}

impl<F: FnMut()> Spool for Meddling<F> {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        (self.meddle)();
        self.inner.append(bytes)
    }

    fn position(&self) -> u64 {
        self.inner.position()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.inner.read_at(offset, buffer)
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let disk = Disk::new();
    let path = disk.path("f");
    let source = TreePath::parse(b"f").unwrap();
    let copy = |meddle: &dyn Fn(&File)| {
        fs::write(&path, vec![b'x'; 300 << 10]).unwrap();
        let writer = File::options().write(true).open(&path).unwrap();
        let mut spool = Meddling {
            inner: MemorySpool::new(),
            meddle: || meddle(&writer),
        };
        let budget = Budget::new(Limits::default());
        let mut copier = Copier::new(&PureRust, &mut spool);
        copier.copy(File::open(&path).unwrap(), &source, &budget)
    };
    assert_eq!(copy(&|_| {}).unwrap().body.len(), 300 << 10);
    let grow = copy(&|file| file.set_len(1 << 20).unwrap());
    assert!(matches!(grow, Err(Error::Changed { found, .. }) if found > 300 << 10));
    let shrink = copy(&|file| file.set_len(7).unwrap());
    assert!(matches!(shrink, Err(Error::Changed { found: 262_144, .. })));
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(5);
    let touch = copy(&|file| file.set_modified(later).unwrap());
    let error = touch.unwrap_err();
    assert!(error.hint().unwrap().contains("run again"), "{error}");
}

#[test]
fn a_file_of_many_pieces_comes_through_whole() {
    let disk = Disk::new();
    let content: Vec<u8> = (0..=250_u8).cycle().take(3 * (256 << 10) + 11).collect();
    fs::write(disk.path("big"), &content).unwrap();
    let image = disk.lay(&[from("big", "/big")]).unwrap();
    let node = image.tree.get(&TreePath::parse(b"big").unwrap()).unwrap();
    let NodeKind::File(body) = &node.kind else {
        panic!("{node:?}");
    };
    let read = read_body(body, &image.spool).read_to_vec(1 << 20).unwrap();
    assert!(read == content);
    let mut digest = enclair_digest::Engine::sha256(&PureRust);
    enclair_digest::Hasher::update(&mut digest, &content);
    let digest = enclair_digest::Hasher::finish(digest);
    assert_eq!(image.laid.files[0].sha256, digest.to_string());
}
