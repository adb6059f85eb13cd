//! A disk that is full: an error with advice, nothing wrong left, and it goes on when there is room.
//! A disk that can only be read: an export on it is a store to read from.
//!
//! Needs root, for small file systems of its own; without root it says that it proved nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
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
    /// Nothing without root.
    fn mount() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("SKIPPED: not root, so nothing was proved");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "enclair-store-test"])
            .arg(directory.path())
            .status();
        assert!(status.unwrap().success(), "a small file system is needed");
        Some(Self(directory))
    }

    fn make_read_only(&self) {
        let status = Command::new("mount")
            .args(["-o", "remount,ro"])
            .arg(self.path())
            .status();
        assert!(status.unwrap().success());
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
    let Some(small) = Small::mount() else {
        return;
    };
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

#[test]
fn an_export_on_a_disk_that_can_only_be_read_is_a_store() {
    let Some(small) = Small::mount() else {
        return;
    };
    let (_directory, store) = content::new_store();
    let sha256 = add(&store, b"abc");
    let target = small.path().join("export");
    store.export(&target, &[sha256].into(), &[]).unwrap();
    small.make_read_only();
    let store = Store::open(&target).unwrap();
    store.read_blob(&sha256, Some(3)).unwrap().finish().unwrap();
    assert!(
        store
            .verify(OnAltered::Report, &mut |_| ())
            .unwrap()
            .is_clean()
    );
    let present = store.partial(&sha256, 3).unwrap();
    assert!(matches!(present, enclair_store::Claim::Present));
    let error = store.add(&mut &b"def"[..]).unwrap_err();
    let source = match &error {
        Error::Io { source, .. } => source.kind(),
        error => panic!("{error}"),
    };
    assert_eq!(source, ErrorKind::ReadOnlyFilesystem);
    assert!(error.hint().is_some());
}
