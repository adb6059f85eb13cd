//! A package file: however its bytes come, it is read as the same package or refused, and what can
//! be unpacked alone is a tree that a ramdisk can carry, with dpkg's records in it.

#![no_main]

use std::io::BufRead;

use enclair_finding::Findings;
use enclair_fuzz::{LIMITS, Trickle, check_ramdisk, listing};
use enclair_packages::deb::{DebError, Package, Sink, read};
use enclair_packages::root::{Accounts, PathFilter, Root, Settings, database, unpack};
use enclair_tree::{MemorySpool, Metadata, Tree};
use libfuzzer_sys::fuzz_target;

fn read_from(mut data: impl BufRead) -> (Result<Package, DebError>, MemorySpool) {
    let (mut spool, mut findings) = (MemorySpool::new(), Findings::new());
    let mut sink = Sink {
        spool: &mut spool,
        findings: &mut findings,
    };
    let package = read(&mut data, &LIMITS, &mut sink);
    (package, spool)
}

fn root_of(package: Package, spool: &MemorySpool) -> Option<Root> {
    let settings = Settings {
        filter: &PathFilter::minimal(),
        diversions: &[],
        accounts: &Accounts::default(),
    };
    let base = Tree::new(Metadata::new(0o755));
    let mut root = unpack(base, vec![package], &settings, spool).ok()?;
    let system = database::System {
        architecture: "amd64",
        diversions: &[],
    };
    database::write(&mut root, &system, spool).ok()?;
    Some(root)
}

fuzz_target!(|data: &[u8]| {
    let (package, spool) = read_from(data);
    let (slowly, slow_spool) = read_from(Trickle(data));
    assert_eq!(package.is_ok(), slowly.is_ok(), "{package:?} {slowly:?}");
    let (Ok(package), Ok(slowly)) = (package, slowly) else {
        return;
    };
    assert_eq!(package, slowly);
    let (root, slow) = (root_of(package, &spool), root_of(slowly, &slow_spool));
    assert_eq!(root.is_some(), slow.is_some());
    if let (Some(root), Some(slow)) = (root, slow) {
        assert_eq!(listing(&root.tree, &spool), listing(&slow.tree, &slow_spool));
        check_ramdisk(&root.tree, &spool);
    }
});
