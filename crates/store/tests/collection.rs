//! What stays and what goes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod content;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use content::{add, bytes, claim, digest, new_store};
use enclair_store::{Collection, Error, Store};

const YEAR: Duration = Duration::from_hours(365 * 24);

#[test]
fn what_registered_locks_need_stays_as_long_as_they_are_there() {
    let (directory, store) = new_store();
    let (first, second) = (add(&store, b"first"), add(&store, b"second"));
    add(&store, b"third");
    let lock = |name: &str| directory.path().join(name);
    for (name, sha256) in [("a.lock", first), ("b.lock", second)] {
        fs::write(lock(name), b"").unwrap();
        store
            .remember(&lock(name), &BTreeSet::from([sha256]))
            .unwrap();
    }
    assert_eq!(store.roots().unwrap().len(), 2);
    let collected = store.gc(&Collection::default()).unwrap();
    assert_eq!((collected.blobs.files, collected.blobs.bytes), (1, 5));
    assert_eq!((collected.kept.files, collected.kept.bytes), (2, 11));
    assert!(collected.forgotten.is_empty());

    fs::remove_file(lock("a.lock")).unwrap();
    let collected = store.gc(&Collection::default()).unwrap();
    assert_eq!(collected.forgotten, [lock("a.lock")]);
    assert_eq!(store.digests().unwrap(), [second]);
    assert_eq!(store.roots().unwrap().len(), 1);

    // A registration takes the place of the one before.
    store
        .remember(&lock("b.lock"), &BTreeSet::from([first]))
        .unwrap();
    store.gc(&Collection::default()).unwrap();
    assert!(store.digests().unwrap().is_empty());
    assert!(store.forget(&lock("b.lock")).unwrap());
    assert!(!store.forget(&lock("b.lock")).unwrap());
    assert!(store.roots().unwrap().is_empty());
}

#[test]
fn what_is_kept_or_was_used_lately_stays() {
    let (_directory, store) = new_store();
    let now = SystemTime::UNIX_EPOCH + 50 * YEAR;
    let [kept, used, unused] = [b"kept", b"used", b"none"].map(|content| add(&store, content));
    assert!(store.stamp(&kept, now - 2 * YEAR).unwrap());
    assert!(store.stamp(&used, now - YEAR / 2).unwrap());
    assert!(store.stamp(&unused, now - 2 * YEAR).unwrap());
    let collected = store.gc(&Collection {
        keep: BTreeSet::from([kept]),
        unused_since: Some(now - YEAR),
    });
    assert_eq!(collected.unwrap().blobs.files, 1);
    let left: BTreeSet<_> = store.digests().unwrap().into_iter().collect();
    assert_eq!(left, BTreeSet::from([kept, used]));
}

#[test]
fn interrupted_downloads_go_unless_somebody_has_or_needs_them() {
    let (directory, store) = new_store();
    let held = bytes(1, 100);
    let mut partial = claim(&store, &held);
    partial.append(&held[..50]).unwrap();
    for content in [b"needed", b"unused"] {
        claim(&store, content).append(b"part").unwrap();
    }
    let lock = directory.path().join("enclair.lock");
    fs::write(&lock, b"").unwrap();
    store
        .remember(&lock, &BTreeSet::from([digest(b"needed")]))
        .unwrap();
    let collected = store.gc(&Collection::default()).unwrap();
    assert_eq!((collected.partial.files, collected.partial.bytes), (1, 4));
    partial.append(&held[50..]).unwrap();
    partial.commit().unwrap();
    assert_eq!(claim(&store, b"needed").len(), 4);
}

#[test]
fn a_registration_that_cannot_be_understood_stops_a_collection() {
    let (directory, store) = new_store();
    add(&store, b"abc");
    let lock = directory.path().join("enclair.lock");
    store
        .remember(&lock, &BTreeSet::from([digest(b"abc")]))
        .unwrap();
    let names = store.root().join("names");
    let path = fs::read_dir(&names)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() - 9]).unwrap();
    let error = store.gc(&Collection::default()).unwrap_err();
    assert!(
        matches!(&error, Error::Registration { line: 2, .. }),
        "{error}"
    );
    assert!(error.hint().is_some());
    // Neither is one under another's name.
    fs::write(&path, &text).unwrap();
    fs::rename(&path, names.join("another")).unwrap();
    assert!(matches!(store.roots(), Err(Error::Registration { .. })));
    assert_eq!(store.digests().unwrap().len(), 1);
}

#[test]
fn a_relative_lock_is_refused() {
    let (_directory, store) = new_store();
    let error = store.remember(Path::new("enclair.lock"), &BTreeSet::new());
    assert!(matches!(error, Err(Error::RelativeLock { .. })));
}

#[test]
fn what_is_no_blob_is_named_and_stays() {
    let (_directory, store) = new_store();
    let strange = store.root().join("blobs/sha256/README");
    fs::write(&strange, b"hello").unwrap();
    let upper = store.root().join("blobs/sha256/AB");
    fs::create_dir(&upper).unwrap();
    fs::write(upper.join("C".repeat(62)), b"hello").unwrap();
    let collected = store.gc(&Collection::default()).unwrap();
    assert_eq!(
        collected.strange,
        [upper.join("C".repeat(62)), strange.clone()]
    );
    assert!(strange.exists());
}

#[test]
fn size_counts_by_place() {
    let (_directory, store) = new_store();
    let altered = add(&store, b"altered");
    content::alter(&store, &altered);
    store.set_aside(&altered).unwrap();
    add(&store, b"abc");
    add(&store, b"");
    claim(&store, b"partial").append(b"part").unwrap();
    let clone: Store = store.clone();
    let usage = clone.size().unwrap();
    assert_eq!((usage.blobs.files, usage.blobs.bytes), (2, 3));
    assert_eq!((usage.partial.files, usage.partial.bytes), (1, 4));
    assert_eq!((usage.aside.files, usage.aside.bytes), (1, 7));
    assert_eq!((usage.incoming.files, usage.names.files), (0, 0));
}
