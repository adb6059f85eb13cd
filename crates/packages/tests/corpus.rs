//! The seeds in `fuzz/corpus`: what is good is read, what is bad is not.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where what it is about is missing"
)]

use std::fs;
use std::path::Path;

use enclair_digest::Sha256;
use enclair_packages::index::Index;
use enclair_packages::installed::{Source, parse_installed};
use enclair_packages::relation::Relations;
use enclair_packages::sums::Sums;

/// Reads every seed of a folder, and counts those that are good and bad.
fn replay(folder: &str, read: impl Fn(&[u8]) -> Result<(), String>) -> (u32, u32) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let (mut good, mut bad) = (0, 0);
    for entry in fs::read_dir(corpus.join(folder)).expect("the folder of the seeds") {
        let entry = entry.expect("a seed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let result = read(&fs::read(entry.path()).expect("a seed's bytes"));
        if name.starts_with("good-") {
            good += 1;
            result.expect(&name);
        } else {
            bad += 1;
            assert!(result.is_err(), "{name} is read");
        }
    }
    (good, bad)
}

#[test]
fn every_index_is_what_its_name_says() {
    let key = Sha256::from_bytes([1; 32]);
    let (good, bad) = replay("packages-index", |bytes| {
        let index = Index::read(bytes).map_err(|error| error.to_string())?;
        let again = Index::from_bytes(&index.to_bytes(&key), &key);
        assert_eq!(again.expect("an index's own bytes"), index);
        Ok(())
    });
    assert!(good >= 9 && bad >= 16, "{good} good, {bad} bad");
}

#[test]
fn every_list_of_relations_is_what_its_name_says() {
    let (good, bad) = replay("packages-relations", |bytes| {
        let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let relations = Relations::parse(text).map_err(|error| error.to_string())?;
        assert_eq!(Relations::parse(&relations.to_string()), Ok(relations));
        Ok(())
    });
    assert!(good >= 4 && bad >= 10, "{good} good, {bad} bad");
}

#[test]
fn every_file_of_digests_is_what_its_name_says() {
    let (good, bad) = replay("packages-sums", |bytes| {
        let sums = Sums::parse(bytes).map_err(|error| error.to_string())?;
        assert!(!sums.packages.is_empty());
        Ok(())
    });
    assert!(good >= 3 && bad >= 10, "{good} good, {bad} bad");
}

#[test]
fn every_list_of_what_is_installed_is_what_its_name_says() {
    let (good, bad) = replay("packages-installed", |bytes| {
        let found = parse_installed(bytes, Source::Status).map_err(|error| error.to_string())?;
        assert!(!found.is_empty());
        Ok(())
    });
    assert!(good >= 2 && bad >= 4, "{good} good, {bad} bad");
}
