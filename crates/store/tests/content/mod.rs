//! Content for tests, from a number; a store in a directory of its own; files of a store by hand.

#![allow(dead_code, reason = "not every test needs all of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where its input is missing"
)]

use std::fs;
use std::path::{Path, PathBuf};

use enclair_digest::{Engine as _, Hasher as _, PureRust, Sha256};
use enclair_store::{Claim, Partial, Store};
use tempfile::TempDir;

/// `length` bytes that follow from `seed` (xorshift).
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn digest(content: &[u8]) -> Sha256 {
    let mut hasher = PureRust.sha256();
    enclair_digest::Hasher::update(&mut hasher, content);
    hasher.finish()
}

pub(crate) fn new_store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("store")).unwrap();
    (directory, store)
}

pub(crate) fn add(store: &Store, content: &[u8]) -> Sha256 {
    let (sha256, size) = store.add(&mut &content[..]).unwrap();
    assert_eq!(size, content.len() as u64);
    assert_eq!(sha256, digest(content));
    sha256
}

/// Claims a blob that is not there.
pub(crate) fn claim(store: &Store, content: &[u8]) -> Partial {
    match store
        .partial(&digest(content), content.len() as u64)
        .unwrap()
    {
        Claim::Partial(partial) => partial,
        Claim::Present => panic!("the blob is there"),
    }
}

/// Changes a blob behind the store's back, keeping its size.
pub(crate) fn alter(store: &Store, sha256: &Sha256) {
    let path = store.blob_path(sha256);
    let mut content = fs::read(&path).unwrap();
    content[0] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, content).unwrap();
}

/// All files below a directory, relative and sorted.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    fn walk(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                walk(&path, files);
            } else {
                files.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(directory, &mut found);
    let mut found: Vec<PathBuf> = found
        .iter()
        .map(|path| path.strip_prefix(directory).unwrap().to_owned())
        .collect();
    found.sort();
    found
}
