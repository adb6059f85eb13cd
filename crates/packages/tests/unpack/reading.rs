//! Packages as they should be, in every compression, however few bytes come at once.

use std::io::{BufReader, Read};

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_packages::deb::{self, Script, Sink};
use enclair_packages_testing::{ArMember, Compression, Deb, TarEntry, ar};
use enclair_tree::tar::EntryKind;
use enclair_tree::{MemorySpool, NodeKind, read_body};

use crate::workshop::{LIMITS, open};

fn example() -> Deb {
    Deb::new("hello", "1:2.0-1", "amd64")
        .script("postinst", "#!/bin/sh\nexit 0\n")
        .script("config", "#!/bin/sh\n")
        .member("conffiles", "/etc/hello\n")
        .directory("./")
        .directory("./etc/")
        .file("./etc/hello", "key = value\n")
        .entry(
            TarEntry::file("./game", "play\n")
                .mode(0o2755)
                .owner((7, 60), "games", "games"),
        )
        .entry(TarEntry::hard_link("./other", "./game"))
        .entry(TarEntry::symlink("./link", "/etc/hello"))
}

#[test]
fn everything_of_a_package_is_there_in_every_compression() {
    for compression in [
        Compression::None,
        Compression::Gzip,
        Compression::Xz,
        Compression::Zstd,
    ] {
        let opened = open(&example().compression(compression).build()).unwrap();
        let package = opened.package;
        assert_eq!(package.control.name(), "hello");
        assert_eq!(package.control.version().as_str(), "1:2.0-1");
        package.check_identity("hello", "1:2.0-1", "amd64").unwrap();
        let scripts: Vec<_> = package.scripts.keys().copied().collect();
        assert_eq!(scripts, [Script::Config, Script::Postinst]);
        assert_eq!(package.scripts[&Script::Postinst], b"#!/bin/sh\nexit 0\n");
        assert_eq!(package.members.keys().collect::<Vec<_>>(), ["conffiles"]);
        let names: Vec<_> = package
            .entries
            .iter()
            .map(|entry| entry.path.to_string())
            .collect();
        assert_eq!(names, ["/", "etc", "etc/hello", "game", "other", "link"]);
        let game = &package.entries[3];
        assert_eq!(game.metadata.permissions, 0o2755);
        assert_eq!(
            (&*game.owner.user, &*game.owner.group),
            (&b"games"[..], &b"games"[..])
        );
        let EntryKind::Node(NodeKind::File(body)) = &game.kind else {
            panic!("{game:?}");
        };
        assert_eq!(
            read_body(body, &opened.spool).read_to_vec(100).unwrap(),
            b"play\n"
        );
        assert!(opened.findings.is_empty(), "{:?}", opened.findings);
    }
}

/// A reader that gives a byte at a time.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn a_package_that_comes_in_single_bytes_is_the_same() {
    let bytes = example().build();
    let (mut spool, mut findings) = (MemorySpool::new(), Findings::new());
    let mut sink = Sink {
        spool: &mut spool,
        findings: &mut findings,
    };
    let mut slow = BufReader::with_capacity(1, Slow(&bytes));
    let package = deb::read(&mut slow, &LIMITS, &mut sink).unwrap();
    assert_eq!(package, open(&bytes).unwrap().package);
}

/// 1024 zeros, which are an empty archive, as bzip2 and xz compress them.
const BZIP2: &str =
    "425a683931415926535974f5adf70000044000c0000008200030802a6945ac38bb9229c28483a7ad6fb8";
const LZMA: &str = "5d00008000ffffffffffffffff00006ffdffffa3b7800c82dbffff9ff00000";

#[test]
fn the_compressions_of_old_packages_are_read() {
    for (suffix, text) in [(".bz2", BZIP2), (".lzma", LZMA)] {
        let digits = text
            .as_bytes()
            .chunks(2)
            .map(|pair| str::from_utf8(pair).unwrap());
        let bytes = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap());
        let mut members = example().members();
        members[2] = ArMember::new(&format!("data.tar{suffix}"), bytes.collect::<Vec<_>>());
        assert!(open(&ar(&members)).unwrap().package.entries.is_empty());
    }
}

#[test]
fn members_that_may_be_passed_over_are_passed_over_and_named() {
    let mut members = example().members();
    members.insert(1, ArMember::new("_first", "odd"));
    members.insert(3, ArMember::new("_second", "even"));
    members.push(ArMember::new("_gpgorigin", "signature"));
    let opened = open(&ar(&members)).unwrap();
    assert_eq!(opened.package, open(&example().build()).unwrap().package);
    let finding = opened.findings.iter().next().unwrap();
    assert_eq!(finding.kind.id, "package-member-ignored");
    assert_eq!(finding.examples, ["_first", "_second", "_gpgorigin"]);
}

#[test]
fn names_of_members_may_end_in_a_slash_as_gnu_ar_writes_them() {
    let mut members = example().members();
    for member in &mut members {
        member.name.push(b'/');
    }
    assert_eq!(open(&ar(&members)).unwrap().package.control.name(), "hello");
}

#[test]
fn truncation_is_refused() {
    let bytes = example().compression(Compression::None).build();
    for length in (0..bytes.len()).step_by(23) {
        assert!(
            open(&bytes[..length]).is_err(),
            "{length} of {} bytes",
            bytes.len()
        );
    }
}

#[test]
fn the_limits_of_the_caller_hold_for_the_data() {
    let bytes = example().build();
    let read = |limits: Limits| {
        let (mut spool, mut findings) = (MemorySpool::new(), Findings::new());
        let mut sink = Sink {
            spool: &mut spool,
            findings: &mut findings,
        };
        deb::read(&mut bytes.as_slice(), &limits, &mut sink).map(drop)
    };
    read(Limits {
        entries: 6,
        ..LIMITS
    })
    .unwrap();
    read(Limits {
        entries: 5,
        ..LIMITS
    })
    .unwrap_err();
}
