//! The seeds of the fuzz target, replayed with what each must give.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sample::{trickle, walk};

/// By file name: how many entries are given, and the beginning of the innermost error.
const EXPECTED: [(&str, usize, &str); 31] = [
    ("bad-check", 0, "offset 0: the body adds up to 00000001"),
    (
        "bad-cut-header",
        1,
        "offset 300: the archive ends inside a header",
    ),
    ("bad-digit", 0, "offset 0: size has `-`"),
    ("bad-lz4-frame", 0, "ramdisk offset 0: lz4 is not supported"),
    (
        "bad-magic",
        0,
        "offset 0: expected the magic 070701 or 070702, found `070707`",
    ),
    ("bad-member-cut", 7, "gzip: the compressed data ends early"),
    (
        "bad-member-empty",
        0,
        "offset 0: the compressed member holds no archive",
    ),
    (
        "bad-member-junk",
        1,
        "offset 240: junk after an archive: `j`",
    ),
    (
        "bad-member-nested",
        0,
        "offset 0: junk after an archive: `\\x1f`",
    ),
    (
        "bad-name-inner-nul",
        0,
        "offset 0: the name has NUL at position 1",
    ),
    (
        "bad-name-no-nul",
        0,
        "offset 0: the name does not end with NUL",
    ),
    (
        "bad-name-size-huge",
        0,
        "offset 0: the name size is 4294967295",
    ),
    ("bad-name-size-zero", 0, "offset 0: the name size is 0"),
    (
        "bad-size-huge",
        0,
        "offset 240: the archive ends inside a body",
    ),
    (
        "bad-trailer-body",
        0,
        "offset 0: the trailer has a body of 6 bytes",
    ),
    ("bad-unknown", 0, "ramdisk offset 0: neither a newc archive"),
    ("finding-misaligned", 2, "ramdisk-misaligned"),
    ("finding-no-trailer", 1, "ramdisk-no-trailer"),
    ("finding-skipped", 2, "ramdisk-entry-skipped"),
    ("valid-bzip2", 1, ""),
    ("valid-canonical", 7, ""),
    ("valid-crc", 1, "ramdisk-crc-archive"),
    ("valid-empty", 0, ""),
    ("valid-gzip", 7, ""),
    ("valid-lower-case", 1, ""),
    ("valid-lz4-legacy", 1, ""),
    ("valid-lzma", 1, ""),
    ("valid-mixed", 3, ""),
    ("valid-two-archives", 2, ""),
    ("valid-xz", 1, ""),
    ("valid-zstd", 1, ""),
];

/// The innermost error, or the findings.
fn outcome(bytes: &[u8]) -> (usize, String) {
    let walk = walk(bytes);
    let small = sample::walk(trickle(bytes));
    assert_eq!(walk.error.is_some(), small.error.is_some());
    let text = match &walk.error {
        None => walk.finding_ids().join(" "),
        Some(error) => {
            let mut innermost: &dyn std::error::Error = error;
            while let Some(source) = innermost.source() {
                innermost = source;
            }
            innermost.to_string()
        }
    };
    (walk.entries.len(), text)
}

#[test]
fn every_seed_gives_what_its_name_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/cpio");
    let mut seeds = BTreeMap::new();
    for file in fs::read_dir(directory).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        seeds.insert(name, fs::read(file.path()).unwrap());
    }
    let expected: Vec<_> = EXPECTED.iter().map(|it| it.0).collect();
    assert_eq!(seeds.keys().collect::<Vec<_>>(), expected);
    for (name, entries, start) in EXPECTED {
        let (found, text) = outcome(&seeds[name]);
        assert_eq!(found, entries, "{name}: {text}");
        assert!(text.starts_with(start), "{name}: {text}");
        assert_eq!(text.is_empty(), start.is_empty(), "{name}: {text}");
    }
}
