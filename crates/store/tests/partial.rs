//! Downloads that are interrupted, and what a killed process may leave of one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod content;

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use content::{add, alter, bytes, claim, digest, files, new_store};
use enclair_store::{Claim, Error, Store};

#[test]
fn an_interrupted_download_goes_on_where_it_was() {
    let (_directory, store) = new_store();
    let content = bytes(2, 600_000);
    let mut partial = claim(&store, &content);
    assert_eq!(partial.len(), 0);
    partial.append(&content[..400_000]).unwrap();
    drop(partial);
    let mut partial = claim(&store, &content);
    assert_eq!(partial.len(), 400_000);
    let mut there = Vec::new();
    partial.reader().read_to_end(&mut there).unwrap();
    assert!(there == content[..400_000]);
    partial.append(&content[400_000..]).unwrap();
    partial.commit().unwrap();
    let sha256 = digest(&content);
    store
        .read_blob(&sha256, Some(600_000))
        .unwrap()
        .finish()
        .unwrap();
    assert!(matches!(
        store.partial(&sha256, 600_000).unwrap(),
        Claim::Present
    ));
    assert_eq!(store.size().unwrap().partial.files, 0);
    let mode = fs::metadata(store.blob_path(&sha256))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o7777, 0o444);
}

#[test]
fn one_handle_has_it_and_others_see_that() {
    let (_directory, store) = new_store();
    let content = bytes(3, 1000);
    let sha256 = digest(&content);
    let mut partial = claim(&store, &content);
    assert!(store.try_partial(&sha256, 1000).unwrap().is_none());
    // Another blob is nobody else's business.
    assert!(store.try_partial(&digest(b"other"), 5).unwrap().is_some());
    partial.append(&content).unwrap();
    partial.commit().unwrap();
    let claim = store.try_partial(&sha256, 1000).unwrap();
    assert!(matches!(claim, Some(Claim::Present)));
}

#[test]
fn what_is_missing_stays_to_be_continued_and_too_much_is_refused() {
    let (_directory, store) = new_store();
    let content = bytes(4, 1000);
    let mut partial = claim(&store, &content);
    partial.append(&content[..999]).unwrap();
    let error = partial.commit().unwrap_err();
    assert!(
        matches!(
            error,
            Error::Size {
                expected: 1000,
                found: 999,
                ..
            }
        ),
        "{error}"
    );
    let mut partial = claim(&store, &content);
    assert_eq!(partial.len(), 999);
    let error = partial.append(b"ab").unwrap_err();
    assert!(
        matches!(
            error,
            Error::Size {
                expected: 1000,
                found: 1001,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(partial.len(), 999);
    partial.append(&content[999..]).unwrap();
    partial.commit().unwrap();
}

#[test]
fn a_wrong_download_is_never_a_blob_and_leaves_nothing() {
    let (_directory, store) = new_store();
    let content = bytes(5, 1000);
    let mut partial = claim(&store, &content);
    partial.append(&bytes(6, 1000)).unwrap();
    let error = partial.commit().unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
    assert_eq!(files(store.root()).len(), 2, "version and lock");
}

#[test]
fn a_restart_forgets_what_was_there() {
    let (_directory, store) = new_store();
    let content = bytes(7, 1000);
    let mut partial = claim(&store, &content);
    partial.append(b"something else").unwrap();
    partial.restart().unwrap();
    assert_eq!(partial.len(), 0);
    partial.append(&content).unwrap();
    partial.commit().unwrap();
    store
        .read_blob(&digest(&content), Some(1000))
        .unwrap()
        .finish()
        .unwrap();
}

/// The file of a partial, which a test changes as a crash of the machine might.
fn tamper(store: &enclair_store::Store, content: &[u8]) -> std::path::PathBuf {
    store
        .root()
        .join("partial")
        .join(digest(content).to_string())
}

#[test]
fn a_truncated_or_damaged_partial_never_becomes_a_blob() {
    let (_directory, store) = new_store();
    let content = bytes(8, 1000);
    let mut partial = claim(&store, &content);
    partial.append(&content[..800]).unwrap();
    drop(partial);
    let path = tamper(&store, &content);
    // Truncated: less is there, and what is there is right.
    OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(300)
        .unwrap();
    let mut partial = claim(&store, &content);
    assert_eq!(partial.len(), 300);
    partial.append(&content[300..800]).unwrap();
    drop(partial);
    // Zeros where a crash of the machine lost what was written: found when all of it is digested.
    let mut damaged = content[..800].to_vec();
    damaged[700..].fill(0);
    fs::write(&path, &damaged).unwrap();
    let mut partial = claim(&store, &content);
    partial.append(&content[800..]).unwrap();
    assert!(matches!(partial.commit(), Err(Error::Digest { .. })));
    // More than the blob has: begun again.
    fs::write(&path, bytes(9, 2000)).unwrap();
    let mut partial = claim(&store, &content);
    assert_eq!(partial.len(), 0);
    partial.append(&content).unwrap();
    partial.commit().unwrap();
}

#[test]
fn killed_between_the_last_byte_and_the_name_it_is_complete_already() {
    let (_directory, store) = new_store();
    let content = bytes(10, 1000);
    let mut partial = claim(&store, &content);
    partial.append(&content).unwrap();
    drop(partial);
    fs::set_permissions(tamper(&store, &content), Permissions::from_mode(0o444)).unwrap();
    let partial = claim(&store, &content);
    assert_eq!(partial.len(), partial.size());
    partial.commit().unwrap();
    store
        .read_blob(&digest(&content), Some(1000))
        .unwrap()
        .finish()
        .unwrap();
}

#[test]
fn a_blob_of_another_size_counts_as_absent_and_is_replaced() {
    let (_directory, store) = new_store();
    let content = bytes(11, 1000);
    let sha256 = add(&store, &content);
    let path = store.blob_path(&sha256);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"more")
        .unwrap();
    let mut partial = claim(&store, &content);
    partial.append(&content).unwrap();
    partial.commit().unwrap();
    store
        .read_blob(&sha256, Some(1000))
        .unwrap()
        .finish()
        .unwrap();
    // One of the same size is believed to be there, found when it is read, and set aside.
    alter(&store, &sha256);
    assert!(matches!(
        store.partial(&sha256, 1000).unwrap(),
        Claim::Present
    ));
    store.set_aside(&sha256).unwrap();
    assert!(matches!(
        store.partial(&sha256, 1000).unwrap(),
        Claim::Partial(_)
    ));
}

#[test]
fn an_empty_blob_needs_no_bytes() {
    let (_directory, store) = new_store();
    claim(&store, b"").commit().unwrap();
    assert_eq!(store.blob_size(&digest(b"")).unwrap(), Some(0));
}

#[test]
fn leftovers_of_killed_writers_go_when_the_next_one_writes() {
    let (_directory, store) = new_store();
    let mut alive = store.incoming().unwrap();
    alive.write_all(b"alive").unwrap();
    fs::write(
        store.root().join("incoming/1-1"),
        b"left by one that was killed",
    )
    .unwrap();
    assert_eq!(store.size().unwrap().incoming.files, 2);
    add(&store, b"abc");
    assert_eq!(store.size().unwrap().incoming.files, 1);
    alive.finish().unwrap();
    assert_eq!(store.digests().unwrap().len(), 2);
}

#[test]
fn handles_go_to_other_threads() {
    fn sendable<T: Send + 'static>() {}
    sendable::<enclair_store::Store>();
    sendable::<enclair_store::Incoming>();
    sendable::<Claim>();
}

#[test]
fn a_store_that_was_removed_meanwhile_is_an_error_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("store");
    let store = Store::open(&root).unwrap();
    std::fs::remove_dir_all(&root).unwrap();
    let digest = "ab".repeat(32).parse().unwrap();
    assert!(store.partial(&digest, 3).is_err());
    assert!(store.try_partial(&digest, 3).is_err());
    assert!(store.add(&mut &b"abc"[..]).is_err());
}
