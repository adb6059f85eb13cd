//! Races that are over in microseconds: threads that try again and again, each with handles of its
//! own, which exclude each other as processes do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod content;

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use content::{bytes, digest, files, new_store};
use enclair_store::{Claim, Collection, Store};

#[test]
fn opening_an_empty_directory_at_once_is_one_store() {
    for _ in 0..100 {
        let directory = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Store::open(directory.path()).unwrap());
            }
        });
        assert_eq!(files(directory.path()).len(), 2);
    }
}

#[test]
fn whoever_comes_at_the_moment_of_the_commit_does_not_download_again() {
    let (_directory, store) = new_store();
    for seed in 0..100 {
        let content = bytes(seed, 100);
        let downloads = AtomicU64::new(0);
        let obtain = || {
            loop {
                match store.try_partial(&digest(&content), 100).unwrap() {
                    None => thread::yield_now(),
                    Some(Claim::Present) => return,
                    Some(Claim::Partial(mut partial)) => {
                        downloads.fetch_add(1, Ordering::Relaxed);
                        partial.append(&content).unwrap();
                        partial.commit().unwrap();
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(obtain);
            }
        });
        assert_eq!(downloads.into_inner(), 1);
        assert_eq!(store.size().unwrap().partial.files, 0);
    }
}

#[test]
fn what_is_registered_before_it_comes_is_not_collected() {
    let (directory, store) = new_store();
    // Many others, so that a collection takes longer than to register and to insert.
    let others = directory.path().join("others");
    fs::create_dir(&others).unwrap();
    for number in 0..1000 {
        let lock = others.join(number.to_string());
        fs::write(&lock, b"").unwrap();
        let name = digest(lock.as_os_str().as_encoded_bytes()).to_string();
        let text = format!("lock {}\n", lock.display());
        fs::write(store.root().join("names").join(name), text).unwrap();
    }
    let done = AtomicBool::new(false);
    let collections = AtomicU64::new(0);
    let worker = |number: u64| {
        let lock = directory.path().join(format!("{number}.lock"));
        fs::write(&lock, b"").unwrap();
        for turn in 0..50 {
            let content = bytes(number * 1000 + turn, 100);
            let sha256 = digest(&content);
            store.remember(&lock, &BTreeSet::from([sha256])).unwrap();
            store.add(&mut &content[..]).unwrap();
            thread::yield_now();
            store
                .read_blob(&sha256, Some(100))
                .unwrap()
                .finish()
                .unwrap();
        }
    };
    thread::scope(|scope| {
        let collector = scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let collected = store.gc(&Collection::default());
                done.fetch_or(collected.is_err(), Ordering::SeqCst);
                collected.unwrap();
                collections.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
            }
        });
        let workers = [1, 2].map(|number| {
            let worker = &worker;
            scope.spawn(move || worker(number))
        });
        let results = workers.map(thread::ScopedJoinHandle::join);
        done.store(true, Ordering::SeqCst);
        collector.join().unwrap();
        assert!(
            results.iter().all(Result::is_ok),
            "a registered blob was collected"
        );
    });
}
