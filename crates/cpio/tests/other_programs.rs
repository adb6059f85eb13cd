//! GNU cpio and bsdtar: they take what is written here, and what they write is read here.
//!
//! Both programs must be installed; a test that cannot run them fails and says so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use enclair_cpio::{FileType, Magic};
use sample::{Read1, canonical, read_all};

/// Runs a program with `input` as its standard input, and gives its output.
fn run(program: &str, arguments: &[&str], directory: &Path, input: &[u8]) -> String {
    let file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut &file, input).unwrap();
    std::io::Seek::rewind(&mut &file).unwrap();
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::from(file))
        .output()
        .unwrap_or_else(|error| panic!("install {program} to run this test: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The canonical archive without device nodes, which only root can extract.
fn plain() -> Vec<u8> {
    use enclair_cpio::{Kind, Writer};
    let body = b"hello\n".as_slice();
    let (links, group) = (3, 1);
    let entries: [(&[u8], Kind<'_, [u8]>); 7] = [
        (b"bin", Kind::Directory),
        (b"bin-x", Kind::File { body: b"" }),
        (b"bin/a", Kind::LinkFirst { body, links, group }),
        (b"bin/b", Kind::LinkNext { links, group }),
        (b"init", Kind::Symlink(b"bin/a")),
        (b"pipe", Kind::Fifo),
        (b"zz", Kind::LinkNext { links, group }),
    ];
    let mut writer = Writer::new(Vec::new());
    for (path, kind) in entries {
        writer.entry(path, sample::META, kind).unwrap();
    }
    writer
        .finish(Some(enclair_cpio::Marker {
            ramdisk: 1,
            mtime: 0,
        }))
        .unwrap()
}

#[test]
fn gnu_cpio_lists_the_canonical_archive() {
    let directory = tempfile::tempdir().unwrap();
    let list = run(
        "cpio",
        &["-itv", "--quiet", "-n"],
        directory.path(),
        &canonical(),
    );
    let rows: Vec<_> = list
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        rows,
        [
            "drwxr-xr-x 2 0 0 0 Jan 1 1970 bin",
            "-rwxr-xr-x 1 0 0 0 Jan 1 1970 bin-x",
            "-rwxr-xr-x 3 0 0 6 Jan 1 1970 bin/a",
            "-rwxr-xr-x 3 0 0 0 Jan 1 1970 bin/b",
            "drwxr-xr-x 2 0 0 0 Jan 1 1970 dev",
            "crwxr-xr-x 1 0 0 5, 1 Jan 1 1970 dev/console",
            "brwxr-xr-x 1 0 0 254, 0 Jan 1 1970 dev/vda",
            "lrwxrwxrwx 1 0 0 5 Jan 1 1970 init -> bin/a",
            "prwxr-xr-x 1 0 0 0 Jan 1 1970 pipe",
            "srwxr-xr-x 1 0 0 0 Jan 1 1970 socket",
            "-rwxr-xr-x 3 0 0 0 Jan 1 1970 zz",
            "-r--r--r-- 1 0 0 2 Jan 1 1970 ~end0",
        ]
    );
}

#[test]
fn bsdtar_lists_the_canonical_archive() {
    let directory = tempfile::tempdir().unwrap();
    let list = run("bsdtar", &["-tf", "-"], directory.path(), &canonical());
    let ours = read_all(canonical().as_slice()).unwrap();
    let ours: Vec<_> = ours
        .iter()
        .map(|it| String::from_utf8_lossy(&it.0.path))
        .collect();
    let theirs: Vec<_> = list
        .lines()
        .map(|line| line.trim_end_matches('/'))
        .collect();
    assert_eq!(theirs, ours);
}

fn assert_extracted(root: &Path) {
    let at = |path| fs::symlink_metadata(root.join(path)).unwrap();
    let first = at("bin/a");
    for path in ["bin/a", "bin/b", "zz"] {
        assert_eq!(fs::read(root.join(path)).unwrap(), b"hello\n", "{path}");
        assert_eq!(at(path).ino(), first.ino(), "{path}");
    }
    assert_eq!(first.nlink(), 3);
    assert_eq!(first.mode() & 0o7777, 0o755);
    assert!(at("bin").is_dir());
    assert_eq!(at("bin-x").len(), 0);
    assert_eq!(
        fs::read_link(root.join("init")).unwrap(),
        Path::new("bin/a")
    );
    assert!(at("pipe").file_type().is_fifo());
    assert_eq!(fs::read(root.join("~end1")).unwrap(), b"7");
}

#[test]
fn gnu_cpio_and_bsdtar_extract_the_canonical_archive() {
    for (program, arguments) in [
        ("cpio", &["-idm", "--quiet", "--no-absolute-filenames"][..]),
        ("bsdtar", &["-xf", "-"]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        run(program, arguments, directory.path(), &plain());
        assert_extracted(directory.path());
    }
}

/// A directory with a file, a link to it, a symlink and an odd name.
fn tree() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    fs::create_dir(at("sub")).unwrap();
    fs::write(at("sub/file"), b"\xff\x01content").unwrap();
    fs::set_permissions(at("sub/file"), PermissionsExt::from_mode(0o4750)).unwrap();
    fs::hard_link(at("sub/file"), at("link")).unwrap();
    symlink("sub/file", at("symlink")).unwrap();
    fs::write(at("ä name"), b"").unwrap();
    directory
}

/// By name without `./`: type, permissions, links, body.
fn rows(entries: &[Read1]) -> BTreeMap<String, (FileType, u32, u32, Vec<u8>)> {
    let row = |(entry, body): &Read1| {
        let path = String::from_utf8_lossy(&entry.path);
        let path = path.trim_start_matches("./").to_owned();
        let header = &entry.header;
        let file_type = header.file_type().unwrap();
        (
            path,
            (file_type, header.permissions(), header.nlink, body.clone()),
        )
    };
    entries.iter().map(row).collect()
}

fn assert_tree(archive: &[u8], magic: Magic) {
    let entries = read_all(archive).unwrap();
    assert!(entries.iter().all(|(entry, _)| entry.header.magic == magic));
    let rows = rows(&entries);
    assert!(rows.len() >= 5, "{:?}", rows.keys());
    assert_eq!(rows["sub"].0, FileType::Directory);
    assert_eq!(rows["symlink"].0, FileType::Symlink);
    assert_eq!(rows["symlink"].3, b"sub/file");
    assert_eq!(rows["ä name"].3, b"");
    let (file, link) = (&rows["sub/file"], &rows["link"]);
    assert_eq!((file.1, file.2, link.1, link.2), (0o4750, 2, 0o4750, 2));
    // One of them, or both, carries the data.
    let bodies = [file.3.as_slice(), &link.3];
    assert!(bodies.contains(&&b"\xff\x01content"[..]));
    let walk = sample::walk(archive);
    assert!(walk.error.is_none());
    assert_eq!(walk.entries.len(), entries.len());
}

#[test]
fn archives_of_gnu_cpio_are_read() {
    let directory = tree();
    for (format, magic) in [("newc", Magic::Newc), ("crc", Magic::Crc)] {
        let names = b".\nsub\nsub/file\nlink\nsymlink\n\xc3\xa4 name\n";
        let out = tempfile::NamedTempFile::new().unwrap();
        let path = out.path().to_str().unwrap();
        let arguments = ["-o", "-H", format, "--quiet", "-F", path];
        run("cpio", &arguments, directory.path(), names);
        assert_tree(&fs::read(path).unwrap(), magic);
    }
}

#[test]
fn archives_of_bsdtar_are_read() {
    let directory = tree();
    let out = tempfile::NamedTempFile::new().unwrap();
    let path = out.path().to_str().unwrap();
    let arguments = ["--format", "newc", "-cf", path, "."];
    run("bsdtar", &arguments, directory.path(), b"");
    assert_tree(&fs::read(path).unwrap(), Magic::Newc);
}
