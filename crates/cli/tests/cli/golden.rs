//! One image of format 1, bit for bit.
//!
//! The digest says that something moved; the listing beside it says what: every field of the header,
//! every section, every field and the content of every ramdisk entry. It is taken with a reader of
//! this test's own. The format is frozen: neither may change.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::images::{Container, Layer, build, workshop};
use crate::newc;
use crate::schemas::is_update;
use crate::tarball::{archive, dir, file, link, piece, symlink};
use crate::workshop::{sha256, sha384};

/// SHA-256 of `enclave.eif`.
const DIGEST: &str = "4a9e1ed84abb186c23daf658b335bd145bf6860bb6f9c5ce1ab8242517200dbd";

/// Something of everything that has a place in a root filesystem.
fn image() -> Container {
    let lower = archive(vec![
        dir("./").mode(0o750).mtime(1_700_000_000),
        dir("etc").mtime(1_700_000_001),
        file(
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n",
        ),
        file("etc/group", "app:x:1001:\nssl:x:101:app\n"),
        file("etc/hostname", ""),
        file("etc/hosts", "127.0.0.1 kept\n"),
        file(".dockerenv", ""),
        file("app", "#!/bin/sh\nexec true\n")
            .mode(0o755)
            .mtime(1_700_000_002),
        file("su", "setuid").mode(0o4755),
        dir("tmp").mode(0o1777),
        file("owned", "x").owner(1000, 1001).mode(0o600),
        symlink("bin", "usr/bin"),
        dir("usr"),
        dir("usr/bin"),
        file("bin/through", "a symlink"),
        link("usr/bin/again", "usr/bin/through"),
        link("zz-again", "usr/bin/through"),
        file("empty", ""),
        dir("gone"),
        file("gone/file", "x"),
        dir("opaque"),
        file("opaque/below", "x"),
        piece("null", b'3')
            .raw(329, "0000001\0")
            .raw(337, "0000003\0")
            .mode(0o666),
        piece("disk", b'4')
            .raw(329, "0000010\0")
            .raw(337, "0000001\0"),
        piece("pipe", b'6').mode(0o600),
        file("a-b", "sorts before a/b").mode(0o644),
        dir("a"),
        file("a/b", "x"),
        file("x", "").pax("path", "gr\u{f6}\u{df}e \u{20ac}"),
        file("x", "long").pax("path", format!("{}/{}", "d".repeat(200), "f".repeat(255))),
        file("x", "raw").pax("path", b"latin1-\xe9"),
        file("attributes", "x").pax("SCHILY.xattr.user.note", "x"),
        file(
            "GNUSparseFile.0/sparse",
            [b"1\n10\n4\n".to_vec(), vec![0; 505], b"data".to_vec()].concat(),
        )
        .pax("GNU.sparse.major", "1")
        .pax("GNU.sparse.minor", "0")
        .pax("GNU.sparse.name", "sparse")
        .pax("GNU.sparse.realsize", "20"),
        file("blocks", vec![0x5a; 70_001]),
    ]);
    let upper = archive([
        file(".wh.gone", ""),
        dir("opaque"),
        file("opaque/.wh..wh..opq", ""),
        file("opaque/above", "x"),
        file("usr/bin/again", "no longer a hard link"),
        dir("implied-not"),
    ]);
    Container::of([Layer::gzip(&lower), Layer::plain(upper)]).running(json!({
        "Entrypoint": ["/app", "two\nlines"],
        "Cmd": ["\u{20ac}"],
        "Env": ["B=2", "A=1"],
        "User": "app",
        "WorkingDir": "/tmp",
    }))
}

#[test]
fn the_image_of_format_1_has_not_moved() {
    let shop = workshop(&image());
    build(&shop, "").done();
    expect(&shop.read("out/enclave.eif"), "format-1", DIGEST);
}

/// Expects an image to be the one of `tests/golden/NAME.list` with this digest.
pub(crate) fn expect(eif: &[u8], name: &str, digest: &str) {
    let listing = list(eif);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.list"));
    if is_update() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &listing).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let moved = differences(&committed, &listing);
    assert!(moved.is_empty(), "{name} has moved (- was, + is):\n{moved}");
    assert_eq!(
        sha256(eif),
        digest,
        "bytes that no line of the listing shows have moved"
    );
}

/// SHA-256 of `enclave.eif` with everything that is optional, compressed.
const DIGESTS: [(&str, &str); 2] = [
    (
        "gzip",
        "2cb0ebc61a265f9121dfb35de032b6ecea9f9a092c7c02789996679ae41925af",
    ),
    (
        "zstd",
        "f6a3156673de36cf7159d3f0c8e2dced3b61a3b3cb549a66e42c6c5fcedb9285",
    ),
];

/// With a further ramdisk, a module, rights, and either encoder.
#[test]
fn images_with_everything_that_is_optional_have_not_moved() {
    let shop = workshop(&image());
    shop.write("nsm.ko", "a module");
    shop.write(
        "more.cpio",
        newc::archive([
            newc::dir("rootfs"),
            newc::file("rootfs/more", "of the application\n".repeat(10_000)),
        ]),
    );
    for (encoder, expected) in DIGESTS {
        let options = "--ramdisk more.cpio --nsm-module nsm.ko --grant nsm --grant vsock \
             --hostname golden --limit nofile=1024:unlimited --epoch 1700000000";
        build(&shop, &format!("{options} --compress {encoder}")).done();
        assert_eq!(sha256(&shop.read("out/enclave.eif")), expected, "{encoder}");
    }
}

/// What a change of one field looks like.
#[test]
fn a_difference_names_the_entry_and_the_field() {
    let old = "ramdisk1 rootfs/app mode=1 uid=0\nramdisk1 rootfs/x mode=1\n";
    let new = "ramdisk1 rootfs/app mode=2 uid=0\nramdisk1 rootfs/y mode=1\n";
    assert_eq!(
        differences(old, new),
        "  ramdisk1 rootfs/app  - mode=1  + mode=2\n\
         - ramdisk1 rootfs/x mode=1\n\
         + ramdisk1 rootfs/y mode=1\n"
    );
    assert_eq!(differences(old, old), "");
}

/// The first two words of a line name it, the others are its fields.
fn split(line: &str) -> (String, Vec<&str>) {
    let words: Vec<&str> = line.split(' ').collect();
    let (name, fields) = words.split_at(words.len().min(2));
    (name.join(" "), fields.to_vec())
}

fn differences(old: &str, new: &str) -> String {
    let find = |text: &str, name: &str| {
        let mut lines = text.lines().map(|line| split(line).0);
        lines.position(|other| other == name)
    };
    let mut text = String::new();
    for line in old.lines() {
        let (name, fields) = split(line);
        let Some(position) = find(new, &name) else {
            let _ = writeln!(text, "- {line}");
            continue;
        };
        let (_, others) = split(new.lines().nth(position).unwrap());
        if fields != others {
            let _ = write!(text, "  {name}");
            for (was, is) in fields.iter().zip(&others).filter(|(was, is)| was != is) {
                let _ = write!(text, "  - {was}  + {is}");
            }
            text.push('\n');
        }
    }
    for line in new.lines() {
        if find(old, &split(line).0).is_none() {
            let _ = writeln!(text, "+ {line}");
        }
    }
    if text.is_empty() && old != new {
        text.push_str("the order of the lines\n");
    }
    text
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

/// A line for the header, each section and each entry of each ramdisk.
fn list(eif: &[u8]) -> String {
    let field = |at: usize, len: usize| number(&eif[at..at + len]);
    let mut text = format!(
        "header - magic={:08x} version={} flags={} memory={} cpus={} reserved={} sections={} unused={}\n",
        field(0, 4),
        field(4, 2),
        field(6, 2),
        field(8, 8),
        field(16, 8),
        field(24, 2),
        field(26, 2),
        field(540, 4)
    );
    let mut ramdisks = 0;
    for index in 0..usize::try_from(field(26, 2)).unwrap() {
        let at = usize::try_from(field(28 + 8 * index, 8)).unwrap();
        let size = usize::try_from(field(284 + 8 * index, 8)).unwrap();
        let kind = field(at, 2);
        let data = &eif[at + 12..at + 12 + size];
        let _ = writeln!(
            text,
            "section {index} type={kind} flags={} offset={at} size={size} inner={} sha384={}",
            field(at + 2, 2),
            field(at + 4, 8),
            sha384(data)
        );
        match kind {
            2 | 5 => {
                let shown = String::from_utf8(data.to_vec()).unwrap().replace(' ', "_");
                let _ = writeln!(text, "text {index} {shown}");
            }
            // A compressed one has no entries that could be listed here.
            3 if data.starts_with(b"070701") => {
                list_ramdisk(ramdisks, data, &mut text);
                ramdisks += 1;
            }
            _ => (),
        }
    }
    text
}

const FIELDS: [&str; 13] = [
    "ino", "mode", "uid", "gid", "nlink", "mtime", "size", "major", "minor", "rmajor", "rminor",
    "namesize", "check",
];

fn list_ramdisk(index: usize, data: &[u8], text: &mut String) {
    let mut at = 0;
    loop {
        let header = &data[at..at + 110];
        let digits =
            |field: usize| std::str::from_utf8(&header[6 + 8 * field..14 + 8 * field]).unwrap();
        let value = |field| usize::from_str_radix(digits(field), 16).unwrap();
        let (size, name_size) = (value(6), value(11));
        let name = &data[at + 110..at + 110 + name_size];
        let start = (at + 110 + name_size).next_multiple_of(4);
        let end = (start + size).next_multiple_of(4);
        let padding = [&data[at + 110 + name_size..start], &data[start + size..end]].concat();
        let shown = name.escape_ascii().to_string().replace(' ', "\\x20");
        let _ = write!(
            text,
            "ramdisk{index} {shown} magic={}",
            header[..6].escape_ascii()
        );
        for (field, label) in FIELDS.iter().enumerate() {
            let _ = write!(text, " {label}={}", digits(field));
        }
        let _ = writeln!(
            text,
            " padding={} sha256={}",
            padding.escape_ascii(),
            sha256(&data[start..start + size])
        );
        at = end;
        if name == b"TRAILER!!!\0" {
            let rest = &data[at..];
            let zero = rest.iter().all(|byte| *byte == 0);
            let _ = writeln!(text, "ramdisk{index} - rest={} zero={zero}", rest.len());
            return;
        }
    }
}
