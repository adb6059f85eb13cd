//! Archives that GNU tar and bsdtar write are read as what was on the disk, and the archives
//! written here are unpacked by both to what is in the tree.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the functions that make files and run programs are part of the tests"
)]

mod forge;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use enclair_tree::{TreePath, write_tar};
use forge::{Image, path_of};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, utimensat};
use tempfile::TempDir;

/// What a program writes to its standard output when it runs in `folder`.
fn output_of(program: &str, arguments: &[&str], folder: &Path) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap_or_else(|error| panic!("`{program}` must be installed for this test: {error}"));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {complaint}"
    );
    output.stdout
}

fn gnu_tar(folder: &Path, options: &[&str]) -> Vec<u8> {
    let version = output_of("tar", &["--version"], folder);
    assert!(
        version.starts_with(b"tar (GNU tar)"),
        "`tar` must be GNU tar"
    );
    output_of("tar", &[options, &["-cf", "-", "."]].concat(), folder)
}

fn bsd_tar(folder: &Path, options: &[&str]) -> Vec<u8> {
    output_of("bsdtar", &[options, &["-cf", "-", "."]].concat(), folder)
}

fn write(folder: &Path, name: impl AsRef<[u8]>, content: &[u8]) {
    let path = folder.join(OsStr::from_bytes(name.as_ref()));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn set_time(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// What every format can say.
fn simple() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "empty", b"");
    write(root, "block", &[b'b'; 512]);
    write(root, "usr/bin/tool", &vec![0x5a; 300_000]);
    write(root, b"caf\xe9 \xff\n", b"bytes in the name");
    write(root, "name with spaces \u{e9}", b"text in the name");
    fs::hard_link(root.join("usr/bin/tool"), root.join("a-link")).unwrap();
    symlink("usr/bin/tool", root.join("symlink")).unwrap();
    symlink("/../nowhere", root.join("dangling")).unwrap();
    let mode = |name: &str, mode| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(root.join(name), permissions).unwrap();
    };
    mode("usr/bin/tool", 0o4751);
    mode("usr/bin", 0o1777);
    mode("empty", 0o400);
    set_time(&root.join("empty"), 1_234_567_890, 999_999_999);
    set_time(&root.join("symlink"), 5, 500_000_000);
    folder
}

/// Names at all the lengths where a format changes its mind.
fn add_long_names(root: &Path) {
    for total in [99, 100, 101, 155, 156, 254, 255, 256, 257, 300, 1000] {
        let mut name = format!("long{total}/");
        while name.len() + 60 < total {
            name += &"d".repeat(50);
            name.push('/');
        }
        let rest = total - name.len();
        write(root, name + &"f".repeat(rest), total.to_string().as_bytes());
    }
    write(root, "n".repeat(255), b"one component");
    for length in [99, 100, 101, 300, 4000] {
        symlink("t".repeat(length), root.join(format!("to{length}"))).unwrap();
    }
    let linked = format!("long300/{}", "h".repeat(200));
    write(root, &linked, b"linked");
    fs::hard_link(root.join(&linked), root.join("z-link-to-a-long-name")).unwrap();
}

/// The disk as lines, as [`Image::list`] has them but for extended attributes.
fn list_disk(root: &Path) -> Vec<String> {
    let mut paths = vec![root.to_owned()];
    let mut lines = BTreeMap::new();
    while let Some(path) = paths.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        let inside = path.strip_prefix(root).unwrap().as_os_str().as_bytes();
        let inside = TreePath::from_archive(inside).unwrap();
        let line = disk_line(&inside, &path, &metadata);
        lines.insert(inside, line);
    }
    lines.into_values().collect()
}

fn disk_line(inside: &TreePath, path: &Path, metadata: &fs::Metadata) -> String {
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        "directory".to_owned()
    } else if kind.is_symlink() {
        let target = fs::read_link(path).unwrap();
        format!(
            "-> {}",
            String::from_utf8_lossy(target.as_os_str().as_bytes())
        )
    } else if kind.is_fifo() {
        "fifo".to_owned()
    } else {
        forge::show_content(&fs::read(path).unwrap())
    };
    let links = if kind.is_dir() { 1 } else { metadata.nlink() };
    let (mode, uid, gid) = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
    format!(
        "{inside} {mode:o} {uid}:{gid} @{} x{links} {{}} {what}",
        metadata.mtime()
    )
}

fn read(tar: &[u8]) -> Image {
    let mut image = Image::new();
    image.try_apply(tar).unwrap();
    image
}

fn assert_same(tar: &[u8], root: &Path, what: &str) {
    let image = read(tar);
    let (found, expected) = (image.list(), list_disk(root));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(shorten(found), shorten(expected), "{what}");
        assert_eq!(found, expected, "{what}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
    assert!(image.findings.is_empty(), "{what}: {:?}", image.findings);
}

fn shorten(line: &str) -> String {
    line.chars().take(300).collect()
}

#[test]
fn gnu_tar_in_every_format() {
    let folder = simple();
    for format in ["v7", "oldgnu", "gnu", "ustar", "pax"] {
        let tar = gnu_tar(folder.path(), &[&format!("--format={format}")]);
        assert_same(&tar, folder.path(), format);
    }
}

#[test]
fn bsdtar_in_every_format() {
    let folder = simple();
    for format in ["v7", "gnutar", "ustar", "pax", "paxr"] {
        let tar = bsd_tar(
            folder.path(),
            &[&format!("--format={format}"), "--no-fflags"],
        );
        let image = read(&tar);
        let dropped = image.finding("tar-field-dropped");
        assert!(
            dropped.iter().all(|it| it == "LIBARCHIVE.creationtime"),
            "{format}: {dropped:?}"
        );
        assert_eq!(image.list(), list_disk(folder.path()), "{format}");
    }
}

#[test]
fn long_names_of_gnu_tar_and_bsdtar() {
    let folder = simple();
    add_long_names(folder.path());
    for format in ["gnu", "oldgnu", "pax"] {
        let tar = gnu_tar(folder.path(), &[&format!("--format={format}")]);
        assert_same(&tar, folder.path(), format);
    }
    for format in ["gnutar", "pax"] {
        let tar = bsd_tar(folder.path(), &[&format!("--format={format}")]);
        assert_eq!(
            read(&tar).list(),
            list_disk(folder.path()),
            "bsdtar {format}"
        );
    }
}

#[test]
fn ustar_prefixes_of_gnu_tar_and_bsdtar() {
    let folder = tempfile::tempdir().unwrap();
    let parts = ["p".repeat(80), "q".repeat(60), "f".repeat(90)];
    write(folder.path(), parts.join("/"), b"x");
    let tar = gnu_tar(folder.path(), &["--format=ustar"]);
    assert_same(&tar, folder.path(), "GNU tar");
    let tar = bsd_tar(folder.path(), &["--format=ustar"]);
    assert_same(&tar, folder.path(), "bsdtar");
}

#[test]
fn times_before_1970_and_their_fractions() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seconds, nanoseconds) in [
        ("half", -2, 500_000_000),
        ("whole", -5, 0),
        ("tiny", -1, 999_999_999),
        ("far", 20_000_000_000, 1),
    ] {
        write(folder.path(), name, b"");
        set_time(&folder.path().join(name), seconds, nanoseconds);
    }
    for format in ["gnu", "pax"] {
        let tar = gnu_tar(folder.path(), &[&format!("--format={format}")]);
        assert_same(&tar, folder.path(), format);
    }
}

/// A file with data, holes, data at odd places, and a hole at the end.
fn sparse(folder: &Path, name: &str, pieces: &[(u64, usize)], size: u64) {
    let file = fs::File::create(folder.join(name)).unwrap();
    file.set_len(size).unwrap();
    for (offset, len) in pieces {
        let data = vec![b'd'; *len];
        std::os::unix::fs::FileExt::write_all_at(&file, &data, *offset).unwrap();
    }
}

#[test]
fn sparse_files_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<(u64, usize)> = (0..60).map(|n| (n * 65_536, 4096)).collect();
    sparse(
        folder.path(),
        "few",
        &[(1 << 20, 5000), (3 << 20, 1)],
        4 << 20,
    );
    sparse(folder.path(), "many", &many, 6 << 20);
    sparse(folder.path(), "hole", &[], 2 << 20);
    sparse(
        folder.path(),
        "data-at-the-end",
        &[(0, 10), ((1 << 20) - 7, 7)],
        1 << 20,
    );
    let long = "s".repeat(200);
    sparse(folder.path(), &long, &[(1 << 19, 100)], 1 << 20);
    write(folder.path(), "zz-dense", b"after all of them");
    let writers: [(&str, &[&str]); 5] = [
        ("tar", &["--format=gnu", "--sparse"]),
        ("tar", &["--format=pax", "--sparse", "--sparse-version=0.0"]),
        ("tar", &["--format=pax", "--sparse", "--sparse-version=0.1"]),
        ("tar", &["--format=pax", "--sparse", "--sparse-version=1.0"]),
        ("bsdtar", &["--format=pax"]),
    ];
    for (program, options) in writers {
        let tar = output_of(
            program,
            &[options, &["-cf", "-", "."]].concat(),
            folder.path(),
        );
        assert!(
            tar.len() < 2 << 20,
            "{options:?}: the archive is not sparse"
        );
        let image = read(&tar);
        for (found, expected) in image.list().iter().zip(list_disk(folder.path())) {
            assert!(*found == expected, "{options:?}: {}", shorten(found));
        }
        assert_eq!(
            image.content("few"),
            fs::read(folder.path().join("few")).unwrap()
        );
    }
}

#[test]
fn extended_attributes_of_gnu_tar_and_bsdtar() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "file", b"x");
    let path = folder.path().join("file");
    for (name, value) in [
        ("user.text", &b"value"[..]),
        ("user.bytes", b"\0=\n\xff"),
        ("user.none", b""),
    ] {
        rustix::fs::setxattr(&path, name, value, XattrFlags::empty()).unwrap_or_else(|error| {
            panic!("the temporary folder must be on a file system with user.* attributes: {error}")
        });
    }
    for tar in [
        gnu_tar(folder.path(), &["--format=pax", "--xattrs"]),
        bsd_tar(folder.path(), &["--format=pax", "--xattrs"]),
    ] {
        let image = read(&tar);
        let xattrs = &image.tree.get(&path_of("file")).unwrap().xattrs;
        let get = |name: &str| xattrs.get(name.as_bytes()).map(Vec::as_slice);
        assert_eq!(get("user.text"), Some(&b"value"[..]));
        assert_eq!(get("user.bytes"), Some(&b"\0=\n\xff"[..]));
        assert_eq!(get("user.none"), Some(&b""[..]));
    }
}

/// bsdtar makes entries from a list, so devices and owners need no root.
#[test]
fn devices_pipes_and_owners_of_bsdtar() {
    let folder = tempfile::tempdir().unwrap();
    let list = "#mtree\n\
        ./dir type=dir mode=0700 uid=1000 gid=2000 time=1.0\n\
        ./dir/tty type=char device=native,4,64 mode=0620 uid=0 gid=5 time=2.0\n\
        ./dir/sda type=block device=native,8,1 mode=0660 uid=0 gid=6 time=3.0\n\
        ./dir/pipe type=fifo mode=0600 uid=3000000 gid=4000000 time=4.0\n\
        ./dir/link type=link link=tty mode=0777 uid=0 gid=0 time=5.0\n";
    write(folder.path(), "list", list.as_bytes());
    for format in ["ustar", "pax", "gnutar"] {
        let large = format != "ustar";
        let text = if large {
            list.to_owned()
        } else {
            list.replace("000000", "")
        };
        write(folder.path(), "list", text.as_bytes());
        let format = format!("--format={format}");
        let tar = output_of("bsdtar", &[&format, "-cf", "-", "@list"], folder.path());
        let lines = read(&tar).list();
        let owner = if large { "3000000:4000000" } else { "3:4" };
        assert_eq!(
            &lines[1..],
            [
                "dir 700 1000:2000 @1 x1 {} directory",
                "dir/link 777 0:0 @5 x1 {} -> tty",
                &format!("dir/pipe 600 {owner} @4 x1 {{}} fifo"),
                "dir/sda 660 0:6 @3 x1 {} b 8:1",
                "dir/tty 620 0:5 @2 x1 {} c 4:64",
            ],
            "{format}"
        );
    }
}

#[test]
fn incremental_archives_and_other_oddities_of_gnu_tar() {
    let folder = simple();
    let tar = gnu_tar(folder.path(), &["--format=gnu", "--label=Backup"]);
    let image = read(&tar);
    assert_eq!(
        image.finding("tar-field-dropped"),
        ["volume label `Backup`"]
    );
    let tar = gnu_tar(
        folder.path(),
        &["--format=pax", "--pax-option=globexthdr.name=g,comment=x"],
    );
    assert_same(&tar, folder.path(), "global header");
    let outside = tempfile::tempdir().unwrap();
    let snapshot = outside.path().join("snapshot");
    let option = format!("--listed-incremental={}", snapshot.display());
    let tar = gnu_tar(folder.path(), &["--format=gnu", &option]);
    let error = Image::new().try_apply(&tar).unwrap_err();
    assert!(error.to_string().contains("incremental"), "{error}");
}

#[test]
fn written_archives_are_unpacked_by_both() {
    let folder = simple();
    add_long_names(folder.path());
    let image = read(&gnu_tar(folder.path(), &["--format=pax"]));
    let mut tar = Vec::new();
    write_tar(&image.tree, &TreePath::root(), &image.spool, &mut tar).unwrap();
    for (program, options) in [("tar", vec!["-xpf", "-"]), ("bsdtar", vec!["-xpf", "-"])] {
        let place = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args(options)
            .current_dir(place.path())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), &tar).unwrap();
        assert!(child.wait().unwrap().success());
        // The folder itself is in use, and its time is not set by all.
        let (found, expected) = (&list_disk(place.path())[1..], &image.list()[1..]);
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(shorten(found), shorten(expected), "{program}");
        }
        assert!(found == expected, "{program}");
    }
}
