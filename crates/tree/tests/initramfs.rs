//! Ramdisks of any origin, as the kernel unpacks them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that make and show things are part of the tests"
)]

mod forge;

use enclair_cpio::{FileType, Header, Magic, Walker};
use enclair_tree::{Error, PathError, from_initramfs};
use forge::{Image, path_of, small_limits};

/// newc archives by hand.
#[derive(Default, Clone)]
struct Newc(Vec<u8>);

#[derive(Clone, Copy)]
struct Inode {
    ino: u32,
    nlink: u32,
    mode: u32,
    rdev: (u32, u32),
}

const ALONE: Inode = Inode {
    ino: 0,
    nlink: 1,
    mode: 0o644,
    rdev: (0, 0),
};

impl Newc {
    fn entry(mut self, name: &str, kind: FileType, inode: Inode, body: &str) -> Self {
        let header = Header {
            magic: Magic::Newc,
            ino: inode.ino,
            mode: kind.mode_bits() | inode.mode,
            uid: 0,
            gid: 0,
            nlink: inode.nlink,
            mtime: 0,
            size: u32::try_from(body.len()).unwrap(),
            dev: (0, 0),
            rdev: inode.rdev,
            name_size: u32::try_from(name.len() + 1).unwrap(),
            check: 0,
        };
        self.0.extend(header.encode());
        self.0.extend(name.as_bytes());
        self.0.push(0);
        self.pad();
        self.0.extend(body.as_bytes());
        self.pad();
        self
    }

    fn pad(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn file(self, name: &str, body: &str) -> Self {
        self.entry(name, FileType::Regular, ALONE, body)
    }

    fn linked(self, name: &str, ino: u32, body: &str) -> Self {
        let inode = Inode {
            ino,
            nlink: 2,
            ..ALONE
        };
        self.entry(name, FileType::Regular, inode, body)
    }

    fn dir(self, name: &str) -> Self {
        self.entry(
            name,
            FileType::Directory,
            Inode {
                mode: 0o755,
                ..ALONE
            },
            "",
        )
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(name, FileType::Symlink, ALONE, target)
    }

    fn trailer(self) -> Self {
        self.entry("TRAILER!!!", FileType::Regular, ALONE, "")
    }

    fn try_unpack(&self) -> Result<Image, Error> {
        let mut image = Image::new();
        let mut walker = Walker::new(self.0.as_slice(), small_limits());
        let (spool, findings) = (&mut image.spool, &mut image.findings);
        image.tree = from_initramfs(&mut walker, spool, &small_limits(), findings)?;
        Ok(image)
    }

    fn unpack(self) -> Image {
        self.trailer().try_unpack().unwrap()
    }
}

fn misplaced(image: &Image) -> Vec<String> {
    image.finding("ramdisk-entry-misplaced")
}

#[test]
fn entries_of_later_archives_replace_earlier_ones() {
    let ramdisk = Newc::default().file("init", "first").trailer();
    let image = ramdisk.file("./init", "second").unpack();
    assert_eq!(image.show("init"), "file \"second\"");
    assert!(image.findings.is_empty());
}

#[test]
fn the_data_of_a_hard_link_may_be_on_any_name() {
    for bodies in [
        ["data", "", ""],
        ["", "data", ""],
        ["", "", "data"],
        ["old", "data", ""],
    ] {
        let names = ["a", "b", "c"].into_iter().zip(bodies);
        let ramdisk = names.fold(Newc::default(), |it, (name, body)| it.linked(name, 7, body));
        let image = ramdisk.unpack();
        assert_eq!(image.show("a"), "file \"data\"", "{bodies:?}");
        assert_eq!(image.tree.links(image.tree.id(&path_of("c")).unwrap()), 3);
    }
}

#[test]
fn hard_links_end_with_their_archive() {
    let image = Newc::default()
        .linked("a", 7, "1")
        .trailer()
        .linked("b", 7, "2")
        .unpack();
    assert_eq!(image.show("a"), "file \"1\"");
    assert_eq!(image.show("b"), "file \"2\"");
}

#[test]
fn another_type_or_a_single_link_is_no_hard_link() {
    let image = Newc::default()
        .linked("a", 7, "1")
        .entry(
            "pipe",
            FileType::Fifo,
            Inode {
                ino: 7,
                nlink: 2,
                mode: 0o600,
                ..ALONE
            },
            "",
        )
        .entry(
            "single",
            FileType::Regular,
            Inode {
                ino: 7,
                nlink: 1,
                mode: 0o644,
                ..ALONE
            },
            "3",
        )
        .unpack();
    assert_eq!(image.show("pipe"), "fifo");
    assert_eq!(image.show("single"), "file \"3\"");
    assert_eq!(image.show("a"), "file \"1\"");
}

#[test]
fn writing_one_name_of_a_hard_link_again_writes_into_both() {
    let ramdisk = Newc::default()
        .linked("a", 7, "old")
        .linked("b", 7, "")
        .trailer();
    let image = ramdisk.file("a", "new").unpack();
    assert_eq!(image.show("b"), "file \"new\"");
}

#[test]
fn the_first_name_of_a_hard_link_that_was_replaced_links_the_replacement() {
    let image = Newc::default()
        .linked("a", 7, "x")
        .symlink("a", "elsewhere")
        .linked("b", 7, "y")
        .unpack();
    // The kernel links the symlink and then opens it for writing.
    assert_eq!(image.show("b"), "-> elsewhere");
    assert_eq!(misplaced(&image), ["b"]);
}

#[test]
fn symlinked_parents_are_followed_inside() {
    let image = Newc::default()
        .dir("usr")
        .symlink("lib", "/../usr")
        .file("lib/x", "1")
        .unpack();
    assert_eq!(image.show("usr/x"), "file \"1\"");
}

#[test]
fn what_the_kernel_cannot_make_is_a_finding() {
    let image = Newc::default()
        .file("no/parent", "")
        .file("file", "")
        .file("file/below", "")
        .dir("full")
        .file("full/x", "")
        .file("full", "a file over a full directory")
        .symlink("full", "x")
        .symlink("loop", "loop")
        .file("loop/x", "")
        .file(&"n".repeat(256), "")
        .file("/", "")
        .linked("gone", 9, "")
        .linked("gone", 9, "")
        .unpack();
    assert_eq!(image.paths(), ["file", "full", "full/x", "loop"]);
    let found = image.findings.iter().next().unwrap();
    assert_eq!((found.kind.id, found.count), ("ramdisk-entry-misplaced", 8));
}

#[test]
fn an_empty_directory_is_replaced_and_a_file_by_a_directory_too() {
    let image = Newc::default()
        .dir("a")
        .file("a", "f")
        .file("b", "")
        .dir("b")
        .unpack();
    assert_eq!(image.show("a"), "file \"f\"");
    assert_eq!(image.show("b"), "directory");
    assert!(image.findings.is_empty());
}

#[test]
fn a_device_that_is_there_keeps_its_numbers() {
    let device = |ramdisk: Newc, mode, rdev| {
        let inode = Inode {
            mode,
            rdev,
            ..ALONE
        };
        ramdisk.entry("dev/x", FileType::CharacterDevice, inode, "")
    };
    let ramdisk = device(Newc::default().dir("dev"), 0o600, (1, 3));
    let image = device(device(ramdisk, 0o666, (1, 5)), 0o660, (1, 3)).unpack();
    assert_eq!(image.show("dev/x"), "c 1:3");
    let metadata = image.tree.get(&path_of("dev/x")).unwrap().metadata;
    assert_eq!(metadata.permissions, 0o660);
    assert_eq!(misplaced(&image), ["dev/x"]);
}

#[test]
fn the_directories_of_the_built_in_archive_are_there() {
    let image = Newc::default()
        .file("dev/x", "")
        .file("root/.profile", "")
        .unpack();
    assert_eq!(image.paths(), ["dev", "dev/x", "root", "root/.profile"]);
    let root = image.tree.get(&path_of("root")).unwrap().metadata;
    assert_eq!(root.permissions, 0o700);
}

#[test]
fn the_root_entry_sets_the_metadata_of_the_root() {
    let inode = Inode {
        mode: 0o1777,
        ..ALONE
    };
    let image = Newc::default()
        .entry(".", FileType::Directory, inode, "")
        .unpack();
    assert_eq!(image.tree.root().permissions, 0o1777);
}

#[test]
fn traversal_in_a_ramdisk_is_refused() {
    for name in ["../x", "a/../../x", "/.."] {
        let Err(Error::Name { problem, .. }) = Newc::default().file(name, "").try_unpack() else {
            panic!("{name}");
        };
        assert!(matches!(problem, PathError::Upwards { .. }));
    }
}

#[test]
fn a_broken_ramdisk_is_an_error_of_the_walker() {
    let whole = Newc::default().file("a", "content").trailer();
    for cut in 1..150 {
        let outcome = Newc(whole.0[..cut].to_vec()).try_unpack();
        let is_known = matches!(outcome, Err(Error::Ramdisk(_) | Error::Read { .. }));
        // Behind the first entry the kernel takes it as whole.
        assert!(is_known || cut >= 120, "{cut}");
    }
}
