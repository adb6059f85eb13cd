//! Many processes at once, and processes that are killed.
//!
//! The processes are this test program itself, started again with the one test [`worker`], which
//! reads on its standard input what to do.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a helper of a test fails by panicking, like the test"
)]

mod content;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use content::{bytes, digest, files, new_store};
use enclair_store::{Claim, Collection, OnAltered, Store};

/// Bytes that a worker appends at a time.
const STEP: usize = 2 << 10;
/// Bytes of a blob: more than one step, and not a multiple of it.
const SIZE: usize = 700_001;

#[test]
#[ignore = "is what the other tests of this file start"]
fn worker() {
    let mut job = String::new();
    std::io::stdin().read_line(&mut job).unwrap();
    let mut words = job.trim_end().split('\t');
    let Some(task) = words.next().filter(|task| !task.is_empty()) else {
        return;
    };
    let root = Path::new(words.next().unwrap()).to_owned();
    let seed: u64 = words.next().unwrap().parse().unwrap();
    match task {
        "download" => download(&Store::open(&root).unwrap(), seed),
        "insert" => insert(&Store::open(&root).unwrap(), seed),
        "work" => (0..12).for_each(|turn| work(&Store::open(&root).unwrap(), seed * 100 + turn)),
        "work for ever" => {
            println!("\nready");
            // The same few blobs again and again, so that what is killed is also gone on with.
            let store = Store::open(&root).unwrap();
            for turn in (0..7).cycle() {
                work(&store, seed + turn);
                if turn == 6 {
                    store.gc(&Collection::default()).unwrap();
                }
            }
        }
        task => panic!("no task is called {task}"),
    }
}

/// Downloads a blob unless it is there, and writes down how much it brought.
fn download(store: &Store, seed: u64) {
    let content = bytes(seed, SIZE);
    let claim = store.partial(&digest(&content), SIZE as u64).unwrap();
    let Claim::Partial(mut partial) = claim else {
        return;
    };
    let there = usize::try_from(partial.len()).unwrap();
    for piece in content[there..].chunks(STEP) {
        partial.append(piece).unwrap();
    }
    let log = store.root().with_extension("log");
    let mut log = OpenOptions::new()
        .append(true)
        .create(true)
        .open(log)
        .unwrap();
    writeln!(log, "{}", content.len() - there).unwrap();
    partial.commit().unwrap();
}

fn insert(store: &Store, seed: u64) {
    let content = bytes(seed, SIZE);
    let mut incoming = store.incoming().unwrap();
    for piece in content.chunks(STEP) {
        incoming.write_all(piece).unwrap();
    }
    assert_eq!(incoming.finish().unwrap().0, digest(&content));
}

fn work(store: &Store, seed: u64) {
    insert(store, seed);
    download(store, seed + 50);
    let lock = store.root().join("version");
    store
        .remember(&lock, &BTreeSet::from([digest(&seed.to_le_bytes())]))
        .unwrap();
}

fn start(task: &str, root: &Path, seed: u64) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let job = format!("{task}\t{}\t{seed}\n", root.display());
    child
        .stdin
        .take()
        .unwrap()
        .write_all(job.as_bytes())
        .unwrap();
    child
}

/// Waits for workers, which must all have succeeded, each at one test.
fn wait(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
    }
}

fn check_clean(store: &Store) {
    let report = store.verify(OnAltered::Report, &mut |_| ()).unwrap();
    assert!(report.is_clean(), "{:?}", report.faults);
}

#[test]
fn eight_processes_that_want_one_blob_download_it_once() {
    let (_directory, store) = new_store();
    wait((0..8).map(|_| start("download", store.root(), 1)).collect());
    let log = fs::read_to_string(store.root().with_extension("log")).unwrap();
    assert_eq!(log, format!("{SIZE}\n"));
    assert_eq!(store.digests().unwrap(), [digest(&bytes(1, SIZE))]);
    assert_eq!(store.size().unwrap().partial.files, 0);
    check_clean(&store);
}

#[test]
fn eight_processes_that_want_different_blobs_do_not_disturb_each_other() {
    let (_directory, store) = new_store();
    let tasks = ["download", "insert"].into_iter().cycle().zip(1..=8);
    wait(
        tasks
            .map(|(task, seed)| start(task, store.root(), seed))
            .collect(),
    );
    assert_eq!(store.digests().unwrap().len(), 8);
    assert_eq!(store.size().unwrap().incoming.files, 0);
    check_clean(&store);
}

#[test]
fn eight_processes_open_a_store_that_does_not_exist() {
    for _ in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("not/there/store");
        wait((0..8).map(|_| start("insert", &root, 1)).collect());
        let found = files(&root);
        assert_eq!(found.len(), 3, "{found:?}");
        check_clean(&Store::open(&root).unwrap());
    }
}

#[test]
fn collecting_while_others_insert_and_read_takes_blobs_whole_or_not_at_all() {
    let (_directory, store) = new_store();
    let held = bytes(999, SIZE);
    let mut reader = {
        let sha256 = content::add(&store, &held);
        store.read_blob(&sha256, Some(SIZE as u64)).unwrap()
    };
    let mut children: Vec<Child> = (1..=4)
        .map(|seed| start("work", store.root(), seed))
        .collect();
    let mut removed = 0;
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        removed += store.gc(&Collection::default()).unwrap().blobs.files;
    }
    wait(children);
    assert!(removed > 0);
    check_clean(&store);
    // What was open stayed readable, though it has no name any more.
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert!(read == held);
}

/// Starts a worker and kills it somewhere in its work.
fn start_and_kill(store: &Store, delay: Duration) {
    let mut child = start("work for ever", store.root(), 1);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line != "ready\n" {
        line.clear();
        assert!(output.read_line(&mut line).unwrap() > 0, "the worker ended");
    }
    thread::sleep(delay);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(
        status.code().is_none(),
        "it was killed and had not failed: {status}"
    );
}

/// Completes every download that a killed worker left, and counts those that had begun.
fn complete_partials(store: &Store) -> u64 {
    let mut begun = 0;
    for seed in 51..58 {
        let content = bytes(seed, SIZE);
        let file = store
            .root()
            .join("partial")
            .join(digest(&content).to_string());
        if !file.exists() {
            continue;
        }
        // No lock is left, whatever the other one was doing.
        let claim = store
            .try_partial(&digest(&content), SIZE as u64)
            .unwrap()
            .unwrap();
        let Claim::Partial(mut partial) = claim else {
            continue;
        };
        begun += u64::from(partial.len() > 0);
        let there = usize::try_from(partial.len()).unwrap();
        partial.append(&content[there..]).unwrap();
        partial.commit().unwrap();
    }
    begun
}

#[test]
fn killed_at_any_point_the_next_one_goes_on_and_nothing_is_wrong() {
    let (_directory, store) = new_store();
    let (mut kills, mut begun, mut random) = (0, 0, 1_u64);
    // At least 20, and until some of them came in the middle of a download.
    while kills < 20 || begun < 3 {
        assert!(
            kills < 500,
            "a worker is never killed in the middle of a download"
        );
        kills += 1;
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        start_and_kill(&store, Duration::from_micros((random >> 32) % 60_000));
        check_clean(&store);
        // Every second time another worker finds what this one left, and then it begins anew.
        if kills % 2 == 0 {
            begun += complete_partials(&store);
            check_clean(&store);
            store.gc(&Collection::default()).unwrap();
        }
    }
    wait(vec![start("work", store.root(), 1)]);
    for turn in 0..12 {
        for seed in [100 + turn, 150 + turn] {
            let sha256 = digest(&bytes(seed, SIZE));
            let reader = store.read_blob(&sha256, Some(SIZE as u64)).unwrap();
            reader.finish().unwrap();
        }
    }
    check_clean(&store);
    assert_eq!(store.size().unwrap().incoming.files, 0);
    assert_eq!(store.roots().unwrap().len(), 1);
}
