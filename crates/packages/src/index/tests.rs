use std::fmt::Write as _;

use enclair_digest::Sha256;
use proptest::prelude::*;

use super::*;

const DIGEST: &str = "5d54a8a8e1a9cb1ed01d7e0e5bb3b3b8e2a8f3a0d1b4d4f5e2a6e0a9d5d3a7c1";

/// A package with fields that others replace.
fn stanza(name: &str, version: &str, more: &[(&str, &str)]) -> String {
    let filename = format!("pool/main/{name}_{version}.deb");
    let mut fields = vec![
        ("Package", name),
        ("Version", version),
        ("Architecture", "amd64"),
        ("Filename", &filename),
        ("Size", "123"),
        ("SHA256", DIGEST),
    ];
    for (field, value) in more {
        fields.retain(|(known, _)| known != field);
        fields.push((field, value));
    }
    let mut text = String::new();
    for (field, value) in fields.into_iter().filter(|(_, value)| *value != "-") {
        writeln!(text, "{field}: {value}").unwrap();
    }
    text + "\n"
}

fn read(text: &str) -> Result<Index, IndexError> {
    Index::read(text.as_bytes())
}

/// The message with those of its sources.
fn error(text: &str) -> String {
    let error = read(text).unwrap_err();
    let mut message = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        write!(message, ": {error}").unwrap();
        source = error.source();
    }
    message
}

fn listed<'a>(packages: impl Iterator<Item = Package<'a>>) -> Vec<(&'a str, &'a str)> {
    packages.map(|p| (p.name(), p.version())).collect()
}

#[test]
fn every_field_that_is_kept_comes_back() {
    let index = read(&stanza(
        "libfoo",
        "1:2.0-1+b1",
        &[
            ("Source", "foo (1:2.0-1)"),
            ("Section", "libs"),
            ("Priority", "required"),
            ("Multi-Arch", "same"),
            ("Essential", "yes"),
            ("Important", "yes"),
            ("Installed-Size", "77"),
            ("Pre-Depends", "a"),
            ("Depends", "b (>= 1), c | d"),
            ("Recommends", "e"),
            ("provides", "f, g (= 1)"),
            ("Conflicts", "h"),
            ("Breaks", "i"),
            ("Replaces", "j"),
            ("Description", "ignored"),
        ],
    ))
    .unwrap();
    assert_eq!(index.len(), 1);
    let package = index.named("libfoo").next().unwrap();
    assert_eq!(package.name(), "libfoo");
    assert_eq!(package.version(), "1:2.0-1+b1");
    assert_eq!(package.parsed_version().upstream(), "2.0");
    assert_eq!(package.architecture(), "amd64");
    assert_eq!(package.source(), ("foo", "1:2.0-1"));
    assert_eq!(package.section(), "libs");
    assert_eq!(package.priority(), Priority::Required);
    assert_eq!(package.multi_arch(), MultiArch::Same);
    assert!(package.is_essential() && package.is_important());
    assert_eq!(package.installed_size(), Some(77));
    assert_eq!(package.size(), 123);
    assert_eq!(package.sha256().to_string(), DIGEST);
    assert_eq!(package.filename(), "pool/main/libfoo_1:2.0-1+b1.deb");
    let relations = RelationKind::ALL.map(|kind| package.relations(kind).unwrap().to_string());
    assert_eq!(
        relations,
        ["a", "b (>= 1), c | d", "e", "f, g (= 1)", "h", "i", "j"]
    );
}

#[test]
fn what_is_not_said_has_a_default() {
    let text =
        stanza("foo", "1", &[("Priority", "source"), ("Source", "bar")]) + &stanza("b", "2", &[]);
    let index = read(&text).unwrap();
    let package = index.named("foo").next().unwrap();
    assert_eq!(package.source(), ("bar", "1"));
    assert_eq!(package.priority(), Priority::Extra);
    assert_eq!(package.multi_arch(), MultiArch::No);
    assert_eq!(package.installed_size(), None);
    assert!(!package.is_essential() && !package.is_important());
    assert_eq!(index.named("b").next().unwrap().source(), ("b", "2"));
}

#[test]
fn packages_are_found_by_their_name_and_by_what_they_provide() {
    let text = [
        stanza("b", "10", &[]),
        stanza("mta-x", "1", &[("Provides", "mta, mail (= 3), mta")]),
        stanza("a", "1", &[("Provides", "b")]),
        stanza("b", "9", &[("Provides", "mta")]),
        stanza("b", "9", &[("Architecture", "all")]),
    ];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 0, 4, 1, 3]] {
        let index = read(&order.map(|at| text[at].clone()).concat()).unwrap();
        let all = [
            ("a", "1"),
            ("b", "9"),
            ("b", "9"),
            ("b", "10"),
            ("mta-x", "1"),
        ];
        assert_eq!(listed(index.packages()), all);
        assert_eq!(listed(index.named("b")), all[1..4]);
        assert_eq!(index.named("b").next().unwrap().architecture(), "all");
        assert_eq!(listed(index.providers("mta")), [("b", "9"), ("mta-x", "1")]);
        assert_eq!(listed(index.providers("b")), [("a", "1")]);
        assert_eq!(listed(index.named("c")), []);
        assert_eq!(listed(index.providers("")), []);
        let mut names: Vec<_> = index.names().collect();
        names.dedup();
        assert_eq!(names, ["a", "b", "mta-x", "b", "mail", "mta"]);
    }
}

/// A field, its value, and what is said of it.
const UNUSABLE: [(&str, &str, &str); 17] = [
    (
        "Version",
        "x",
        "`x` is no version: the upstream version does not begin with a digit",
    ),
    (
        "Architecture",
        "a b",
        "`a b` is no name: it has the character ' ', and only letters, digits and `-` are allowed",
    ),
    (
        "Filename",
        "/pool/a",
        "`/pool/a` is no path in an archive: it is absolute",
    ),
    (
        "Filename",
        "pool/../../a",
        "`pool/../../a` is no path in an archive: it has an empty part, `.` or `..`",
    ),
    (
        "Filename",
        "./../a",
        "`./../a` is no path in an archive: it has an empty part, `.` or `..`",
    ),
    (
        "Filename",
        "a//b",
        "`a//b` is no path in an archive: it has an empty part, `.` or `..`",
    ),
    (
        "Filename",
        "a\\b",
        "`a\\b` is no path in an archive: it has the character '\\\\'",
    ),
    (
        "Filename",
        "a\u{7f}b",
        "`a\u{7f}b` is no path in an archive: it has the character '\\u{7f}'",
    ),
    (
        "Size",
        "0",
        "a size of 0 bytes is not between 1 and 17179869184",
    ),
    (
        "Size",
        "17179869185",
        "a size of 17179869185 bytes is not between 1 and 17179869184",
    ),
    ("Size", "1e3", "it is no number"),
    ("Size", "99999999999999999999", "it is no number"),
    (
        "SHA256",
        "00",
        "a sha256 digest has 64 hexadecimal digits, found 2 characters",
    ),
    (
        "Multi-Arch",
        "maybe",
        "it is none of `no`, `same`, `foreign` and `allowed`",
    ),
    (
        "Source",
        "a/b",
        "`a/b` is no name: it has the character '/', and only letters, digits and `+-._` are allowed",
    ),
    (
        "Source",
        "a 1",
        "`a 1` is no version: the upstream version does not begin with a digit",
    ),
    ("Provides", "a b", "at byte 2: `,` or `|` is expected"),
];

#[test]
fn a_package_that_no_lock_could_take_is_refused() {
    let package = |field: &str, value: &str| error(&stanza("foo", "1", &[(field, value)]));
    let unusable = |line: u32, field: &str| {
        format!("line {line}: package `foo`: the field `{field}` is not usable: ")
    };
    for field in ["Version", "Architecture", "Filename", "SHA256"] {
        assert_eq!(package(field, "-"), unusable(1, field) + "it is missing");
    }
    for (field, value, expected) in UNUSABLE {
        let found = package(field, value);
        // Behind the six lines of a package without it, or as the last one of them.
        let added = ["Source", "Multi-Arch", "Provides"].contains(&field);
        let line = if added { 7 } else { 6 };
        assert!(found.starts_with(&unusable(line, field)), "{found}");
        assert!(found.contains(expected), "{found}");
    }
    assert!(error("Package: a/b\nVersion: 1\n\n").contains("it is missing"));
    let long = format!("a/{}", "b".repeat(MAX_PATH));
    assert!(package("Filename", &long).ends_with("at most 1024 are allowed"));
    assert!(package("Section", "a\n b").ends_with("has a control character"));
}

#[test]
fn the_path_of_a_flat_repository_is_taken() {
    let index = read(&stanza("foo", "1", &[("Filename", "./foo.deb")])).unwrap();
    assert_eq!(index.packages().next().unwrap().filename(), "foo.deb");
}

#[test]
fn a_package_twice_is_one_if_its_file_is_one() {
    let first = stanza("foo", "1", &[]);
    let moved = stanza("foo", "1", &[("Filename", "pool/a/foo.deb")]);
    for text in [first.clone() + &moved, moved + &first] {
        let index = read(&text).unwrap();
        let files: Vec<_> = index.packages().map(|package| package.filename()).collect();
        assert_eq!(files, ["pool/a/foo.deb"]);
    }
    let other = stanza("foo", "1", &[("SHA256", &DIGEST.replace('5', "0"))]);
    for text in [first.clone() + &other, other.clone() + &first] {
        assert_eq!(
            error(&text),
            format!(
                "package `foo` 1 for amd64 is there twice, with the digests sha256:{} and \
                 sha256:{DIGEST}",
                DIGEST.replace('5', "0")
            )
        );
    }
    // Of another version or architecture, it is another package.
    let more = stanza("foo", "1-0", &[("SHA256", &DIGEST.replace('5', "0"))]);
    assert_eq!(read(&(first + &more)).unwrap().len(), 2);
}

#[test]
fn lines_are_counted_over_the_whole_file() {
    let mut text = String::new();
    for number in 0..20_000 {
        text += &stanza(&format!("p{number}"), "1", &[("Depends", "a,\n b")]);
    }
    assert!(text.len() > 3 << 20);
    let lines = text.lines().count();
    text += "Package\n";
    let expected = format!(
        "the index is no control file: line {}: `NAME: VALUE` is expected",
        lines + 1
    );
    assert_eq!(error(&text), expected);
}

#[test]
fn a_paragraph_without_end_is_refused_before_it_is_kept() {
    let endless = std::iter::repeat_n(b"A: 1\n".as_slice(), 2 << 20);
    let mut text = stanza("foo", "1", &[]).into_bytes();
    text.extend(endless.flatten());
    assert!(matches!(
        Index::read(&text[..]).unwrap_err(),
        IndexError::Stanza { line: 8 }
    ));
}

#[test]
fn every_compression_gives_the_same_index() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/packages");
    let plain = std::fs::read(folder).unwrap();
    let index = Index::read(&plain[..]).unwrap();
    assert_eq!(index.len(), 3);
    for suffix in ["xz", "gz", "zst", "bz2"] {
        let compressed = std::fs::read(format!("{folder}.{suffix}")).unwrap();
        assert_eq!(Index::read(&compressed[..]).unwrap(), index, "{suffix}");
        let cut = compressed.len() - 9;
        assert!(matches!(
            Index::read(&compressed[..cut]),
            Err(IndexError::Read(_))
        ));
    }
}

const KEY: Sha256 = Sha256::from_bytes([7; 32]);

fn sample() -> Index {
    let text = [
        stanza(
            "a",
            "1",
            &[("Provides", "x (= 2), y"), ("Essential", "yes")],
        ),
        stanza(
            "b",
            "1~",
            &[("Multi-Arch", "foreign"), ("Installed-Size", "0")],
        ),
        stanza(
            "c",
            "2:1",
            &[
                ("Priority", "standard"),
                ("Source", "a (1)"),
                ("Section", "x"),
            ],
        ),
    ];
    read(&text.concat()).unwrap()
}

#[test]
fn a_cache_is_the_same_index() {
    let index = sample();
    let bytes = index.to_bytes(&KEY);
    let again = Index::from_bytes(&bytes, &KEY).unwrap();
    assert_eq!(again, index);
    assert_eq!(listed(again.providers("x")), [("a", "1")]);
    assert_eq!(again.to_bytes(&KEY), bytes);
}

#[test]
fn a_cache_of_something_else_is_no_cache() {
    let bytes = sample().to_bytes(&KEY);
    let other = Sha256::from_bytes([8; 32]);
    assert!(matches!(
        Index::from_bytes(&bytes, &other),
        Err(CacheError::Stale { .. })
    ));
    let mut newer = bytes.clone();
    newer[14] += 1;
    assert!(matches!(
        Index::from_bytes(&newer, &KEY),
        Err(CacheError::Version)
    ));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        Index::from_bytes(&changed, &KEY).unwrap_err();
        Index::from_bytes(&bytes[..at], &KEY).unwrap_err();
    }
}

/// What somebody can do who also computes the CRC.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Result<Index, CacheError> {
    let mut bytes = sample().to_bytes(&KEY);
    change(&mut bytes);
    let crc = crc32fast::hash(&bytes[52..]);
    bytes[48..52].copy_from_slice(&crc.to_le_bytes());
    Index::from_bytes(&bytes, &KEY)
}

#[test]
fn a_forged_cache_goes_through_the_checks_of_an_index() {
    let replace = |from: &[u8], to: &[u8]| {
        let (from, to) = (from.to_vec(), to.to_vec());
        forged(move |bytes| {
            let at = memchr::memmem::find(bytes, &from).unwrap();
            bytes[at..at + to.len()].copy_from_slice(&to);
        })
    };
    replace(b"pool/main/a", b"pool/main/a").unwrap();
    for (from, to) in [
        (&b"pool/main/a"[..], &b"pool/../../a"[..11]),
        (b"pool/main/a", b"/ool/main/a"),
        (b"amd64", b"amd\x0064"[..5].as_ref()),
        (b"pool/main/a", b"pool/main/\xff"),
        (b"x (= 2)", b"x (= -)"),
    ] {
        replace(from, to).unwrap_err();
    }
    assert!(matches!(
        forged(|bytes| bytes[52] = 2),
        Err(CacheError::Malformed { number: 2 })
    ));
    assert!(matches!(
        forged(|bytes| bytes[55] = 0xff),
        Err(CacheError::Malformed { number: 3 })
    ));
}

fn shuffled() -> impl Strategy<Value = Vec<String>> {
    let names = ["p1", "p1", "p2", "q", "p10"];
    let stanzas = (0_u32..).zip(names);
    Just(
        stanzas
            .map(|(version, name)| stanza(name, &version.to_string(), &[]))
            .collect(),
    )
    .prop_shuffle()
}

proptest! {
    #[test]
    fn the_order_of_the_file_changes_nothing(one in shuffled(), other in shuffled()) {
        let one = read(&one.concat()).unwrap();
        prop_assert_eq!(one.len(), 5);
        let other = read(&other.concat()).unwrap();
        prop_assert_eq!(one.to_bytes(&KEY), other.to_bytes(&KEY));
    }
}
