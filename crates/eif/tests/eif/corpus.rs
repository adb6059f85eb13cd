//! The seeds in `fuzz/corpus/eif`: every malformed case and a few good files.
//!
//! A fuzzer starts from them, and whatever it finds is put beside them; so all files in the folder
//! are replayed, and the generated ones must be as generated.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::examine::{examine, refusal};
use crate::image::{command_line, encode, kernel, patched, plain, ramdisk, signed};
use crate::malformed;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/eif")
}

/// Files that are accepted.
fn good() -> Vec<(&'static str, Vec<u8>)> {
    let old = [kernel(), command_line(), ramdisk("r")];
    vec![
        ("good_plain", encode(&plain())),
        ("good_aarch64", patched(&plain(), &[(6, &[0, 1])])),
        ("good_one_ramdisk", encode(&plain()[..4])),
        ("good_signed", encode(&signed())),
        ("good_version_2", patched(&old, &[(4, &[0, 2])])),
        ("good_version_3", patched(&old, &[(4, &[0, 3])])),
    ]
}

fn seeds() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = good()
        .into_iter()
        .map(|(name, file)| (name, file, "accepted"));
    good.chain(malformed::cases()).collect()
}

#[allow(
    clippy::disallowed_methods,
    reason = "the wish to write the seeds anew comes from outside"
)]
fn updates() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

#[test]
fn every_seed_is_in_the_corpus_as_generated() {
    for (name, file, text) in seeds() {
        if updates() {
            fs::write(folder().join(name), &file).unwrap();
        }
        let stored = fs::read(folder().join(name));
        let stored = stored.unwrap_or_else(|error| panic!("seed {name}: {error}"));
        assert!(
            stored == file,
            "seed {name} differs; UPDATE=1 writes it anew"
        );
        assert_eq!(refusal(&stored), text, "seed {name}");
    }
}

#[test]
fn every_file_in_the_corpus_ends_in_a_verdict_soon() {
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let file = fs::read(&path).unwrap();
        let start = Instant::now();
        let _ = examine(&file);
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{} is slow",
            path.display()
        );
        count += 1;
    }
    assert!(count >= seeds().len());
}
