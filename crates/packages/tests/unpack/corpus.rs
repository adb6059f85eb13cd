//! The seeds of the fuzz target: made here, and replayed. Their names say whether they are read or
//! refused. Every compression is there, so that what is behind it is reached.
//!
//! `UPDATE=1` writes what is made. A seed that a fuzzer found is a file more; it stays.

use std::fs;
use std::path::{Path, PathBuf};

use enclair_packages_testing::{ArMember, Compression, Deb, TarEntry, TarKind, ar};

use crate::workshop::open;

fn folder() -> &'static Path {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fuzz/corpus/deb"
    ))
}

/// Small, so that a fuzzer gets on.
fn deb() -> Deb {
    Deb::new("a", "1", "all").compression(Compression::None)
}

fn altered(alter: impl FnOnce(&mut Vec<ArMember>)) -> Vec<u8> {
    let mut members = deb().members();
    alter(&mut members);
    ar(&members)
}

fn full() -> Deb {
    deb()
        .field("Depends", "b (>= 2) | c:any, d")
        .script("postinst", "exit 0\n")
        .member("conffiles", "/etc/a\n")
        .directory("./")
        .directory("./etc/")
        .file("./etc/a", "b")
        .entry(TarEntry::hard_link("./etc/b", "./etc/a"))
        .entry(TarEntry::symlink("./etc/c", "../c"))
        .entry(TarEntry::file("./d", "").pax("SCHILY.xattr.user.a", b"b"))
}

/// What is made, by name.
fn made() -> Vec<(&'static str, Vec<u8>)> {
    let with = |entry: TarEntry| deb().entry(entry).build();
    vec![
        ("read-empty", deb().build()),
        ("read-full", full().build()),
        ("read-gzip", full().compression(Compression::Gzip).build()),
        ("read-xz", full().compression(Compression::Xz).build()),
        ("read-zstd", full().compression(Compression::Zstd).build()),
        (
            "read-ignored-members",
            altered(|members| members.insert(1, ArMember::new("_a", "odd"))),
        ),
        (
            "refused-version",
            altered(|members| members[0] = ArMember::new("debian-binary", "2.1\n")),
        ),
        ("refused-order", altered(|members| members.swap(1, 2))),
        ("refused-no-data", altered(|members| members.truncate(2))),
        (
            "refused-twice",
            altered(|members| members.push(members[2].clone())),
        ),
        (
            "refused-size",
            altered(|members| members[2].size = Some("9999999999".to_owned())),
        ),
        ("refused-header", altered(|members| members[2].end = *b"xx")),
        (
            "refused-compression",
            altered(|members| members[2].name = b"data.tar.xz".to_vec()),
        ),
        ("refused-upwards", with(TarEntry::file("../a", ""))),
        ("refused-absolute", with(TarEntry::file("/a", ""))),
        (
            "refused-device",
            with(TarEntry::special("./a", TarKind::CharacterDevice(1, 3))),
        ),
        ("refused-link", with(TarEntry::hard_link("./a", "./b"))),
        (
            "refused-duplicate",
            deb().file("./a", "").file("./a", "").build(),
        ),
    ]
}

fn seeds() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap();
    let mut seeds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    seeds
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "a test asks whether it is to write what it made"
)]
fn seeds_are_as_they_are_made() {
    let is_update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    for (name, bytes) in made() {
        let path = folder().join(name);
        if is_update {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        assert!(
            fs::read(&path).unwrap() == bytes,
            "{name}: UPDATE=1 writes it"
        );
    }
}

#[test]
fn seeds_are_read_or_refused_as_their_names_say() {
    for seed in seeds() {
        let name = seed.file_name().unwrap().to_string_lossy().into_owned();
        let outcome = open(&fs::read(&seed).unwrap());
        if name.starts_with("read-") {
            assert!(outcome.is_ok(), "{name}: {:?}", outcome.err());
        } else {
            assert!(name.starts_with("refused-"), "{name}");
            assert!(outcome.is_err(), "{name}");
        }
    }
}

#[test]
fn every_shortened_seed_is_read_or_refused() {
    for seed in seeds() {
        let content = fs::read(&seed).unwrap();
        for cut in (0..content.len()).step_by(61) {
            let _ = open(content.get(..cut).unwrap());
        }
    }
}
