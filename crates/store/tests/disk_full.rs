//! A disk that is full: an error with advice, nothing wrong left, and it goes on when there is room.
//!
//! Needs root, for a small file system of its own; without root it says that it proved nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod content;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use content::{add, bytes, claim, digest};
use enclair_store::{Error, OnAltered, Store};

/// A file system of one megabyte, until it is dropped.
struct Small(tempfile::TempDir);

impl Small {
    fn mount() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "enclair-store-test"])
            .arg(directory.path())
            .status();
        assert!(status.unwrap().success(), "a small file system is needed");
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn is_full(error: &Error) -> bool {
    let full = matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::StorageFull);
    full && error.hint().is_some()
}

fn fill(root: &Path, bytes_left: usize) -> PathBuf {
    let ballast = root.join("ballast");
    fs::write(&ballast, vec![0; (1 << 20) - bytes_left]).unwrap();
    ballast
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_wrong_afterwards() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: not root, nothing is known about full disks");
        return;
    }
    let small = Small::mount();
    let store = Store::open(&small.path().join("store")).unwrap();
    let right = add(&store, b"right");
    let ballast = fill(small.path(), 400 << 10);
    let content = bytes(1, 600 << 10);

    let error = store.add(&mut &content[..]).unwrap_err();
    assert!(is_full(&error), "{error}");
    assert_eq!(store.size().unwrap().incoming.files, 0);

    let mut partial = claim(&store, &content);
    partial.append(&content[..100 << 10]).unwrap();
    let error = partial.append(&content[100 << 10..]).unwrap_err();
    assert!(is_full(&error), "{error}");
    assert_eq!(partial.len(), 100 << 10);
    drop(partial);
    assert_eq!(store.digests().unwrap(), [right]);

    fs::remove_file(ballast).unwrap();
    let mut partial = claim(&store, &content);
    assert_eq!(partial.len(), 100 << 10);
    partial.append(&content[100 << 10..]).unwrap();
    partial.commit().unwrap();
    let sha256 = digest(&content);
    store
        .read_blob(&sha256, Some(600 << 10))
        .unwrap()
        .finish()
        .unwrap();
    let report = store.verify(OnAltered::Report, &mut |_| ()).unwrap();
    assert!(report.is_clean());
}
