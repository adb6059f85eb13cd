//! The bytes of a small canonical archive, field by field.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod sample;

use enclair_cpio::{Kind, Metadata, Writer};

/// One field a line: offset in the header, digits, meaning.
const DIRECTORY: &str = "070701  magic
    00000001  ino: the first
    000041ED  mode: directory, 0755
    000003E8  uid 1000
    00000064  gid 100
    00000002  nlink: 2 for every directory
    65920080  mtime 1704067200
    00000000  size
    00000000  dev major
    00000000  dev minor
    00000000  rdev major
    00000000  rdev minor
    00000002  name size: a and NUL
    00000000  check";
const FILE: &str = "070701  magic
    00000002  ino: the second
    000089A4  mode: file, 4644
    00000000  uid
    00000000  gid
    00000001  nlink
    FFFFFFFF  mtime: the last second
    00000003  size
    00000000  dev major
    00000000  dev minor
    00000000  rdev major
    00000000  rdev minor
    00000004  name size: a/b and NUL
    00000000  check";
const SYMLINK: &str = "070701  magic
    00000003  ino
    0000A1FF  mode: symlink, always 0777
    00000000  uid
    00000000  gid
    00000001  nlink
    00000000  mtime
    00000004  size: the target without NUL
    00000000  dev major
    00000000  dev minor
    00000000  rdev major
    00000000  rdev minor
    00000004  name size
    00000000  check";
const DEVICE: &str = "070701  magic
    00000004  ino
    000061B0  mode: block device, 0660
    00000000  uid
    00000000  gid
    00000001  nlink
    00000000  mtime
    00000000  size
    00000000  dev major: always 0
    00000000  dev minor
    000000FE  rdev major 254
    00000010  rdev minor 16
    00000004  name size
    00000000  check";
const MARKER: &str = "070701  magic
    00000005  ino: the next
    00008124  mode: file, 0444
    00000000  uid
    00000000  gid
    00000001  nlink
    00000000  mtime
    00000001  size
    00000000  dev major
    00000000  dev minor
    00000000  rdev major
    00000000  rdev minor
    00000007  name size
    00000000  check";
const TRAILER: &str = "070701  magic
    00000000  ino
    00000000  mode
    00000000  uid
    00000000  gid
    00000001  nlink: the one field that is set
    00000000  mtime
    00000000  size
    00000000  dev major
    00000000  dev minor
    00000000  rdev major
    00000000  rdev minor
    0000000B  name size: 11
    00000000  check";

fn header(fields: &str) -> String {
    let digits = fields
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let header: String = digits.collect();
    assert_eq!(header.len(), 110);
    header
}

fn expected() -> Vec<u8> {
    let mut text = String::new();
    // 110 + 2 = 112: no padding.
    text += &(header(DIRECTORY) + "a\0");
    // 110 + 4 = 114: two zeros. 3 bytes of body: one zero.
    text += &(header(FILE) + "a/b\0" + "\0\0" + "abc" + "\0");
    text += &(header(SYMLINK) + "lnk\0" + "\0\0" + "/a/b");
    text += &(header(DEVICE) + "vda\0" + "\0\0");
    // 110 + 7 = 117: three zeros. Four entries stand before the marker.
    text += &(header(MARKER) + "~end12\0" + "\0\0\0" + "4" + "\0\0\0");
    // 110 + 11 = 121: three zeros.
    text += &(header(TRAILER) + "TRAILER!!!\0" + "\0\0\0");
    let mut bytes = text.into_bytes();
    bytes.resize(1024, 0);
    bytes
}

#[test]
fn the_canonical_archive_is_these_bytes() {
    let mut writer = Writer::new(Vec::new());
    let meta = |permissions, mtime| Metadata {
        permissions,
        uid: 0,
        gid: 0,
        mtime,
    };
    let owned = Metadata {
        uid: 1000,
        gid: 100,
        ..meta(0o755, 1_704_067_200)
    };
    let body = b"abc".as_slice();
    writer.entry(b"a", owned, Kind::Directory).unwrap();
    writer
        .entry(b"a/b", meta(0o4644, u32::MAX), Kind::File { body })
        .unwrap();
    writer
        .entry(b"lnk", meta(0o600, 0), Kind::Symlink(b"/a/b"))
        .unwrap();
    let device = Kind::BlockDevice {
        major: 254,
        minor: 16,
    };
    writer.entry(b"vda", meta(0o660, 0), device).unwrap();
    assert_eq!(writer.entries(), 4);
    let found = writer
        .finish(Some(enclair_cpio::Marker {
            ramdisk: 12,
            mtime: 0,
        }))
        .unwrap();
    assert_eq!(
        found.escape_ascii().to_string(),
        expected().escape_ascii().to_string()
    );
}

#[test]
fn an_empty_archive_is_a_trailer_and_zeros() {
    let found = Writer::<_, [u8]>::new(Vec::new()).finish(None).unwrap();
    let mut expected = (header(TRAILER) + "TRAILER!!!\0").into_bytes();
    expected.resize(512, 0);
    assert_eq!(found, expected);
}

#[test]
fn a_hard_link_group_has_one_inode_and_its_data_on_the_first_path() {
    let entries = sample::read_all(sample::canonical().as_slice()).unwrap();
    let rows: Vec<_> = entries
        .iter()
        .map(|(entry, body)| {
            let path = String::from_utf8(entry.path.clone()).unwrap();
            (path, entry.header.ino, entry.header.nlink, body.len())
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(path, a, b, c)| (path.as_str(), *a, *b, *c))
        .collect();
    assert_eq!(
        rows,
        [
            ("bin", 1, 2, 0),
            ("bin-x", 2, 1, 0),
            ("bin/a", 3, 3, 6),
            ("bin/b", 3, 3, 0),
            ("dev", 4, 2, 0),
            ("dev/console", 5, 1, 0),
            ("dev/vda", 6, 1, 0),
            ("init", 7, 1, 5),
            ("pipe", 8, 1, 0),
            ("socket", 9, 1, 0),
            ("zz", 3, 3, 0),
            ("~end0", 10, 1, 2),
        ]
    );
    assert_eq!(entries.last().unwrap().1, b"11");
}
