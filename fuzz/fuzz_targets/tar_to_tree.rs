//! A layer applied to a tree: the result can be forecast, written as a ramdisk, written as a tar
//! archive, and each gives the same tree again.

#![no_main]

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_fuzz::{LIMITS, Trickle, check_ramdisk, listing};
use enclair_tree::{MemorySpool, Metadata, Tree, TreePath, apply_layer, write_tar};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut spool = MemorySpool::new();
    let mut tree = Tree::new(Metadata::new(0o755));
    let applied = apply_layer(&mut tree, data, &mut spool, &LIMITS, &mut Findings::new());

    let mut slow_spool = MemorySpool::new();
    let mut slow = Tree::new(Metadata::new(0o755));
    let slowly = apply_layer(
        &mut slow,
        Trickle(data),
        &mut slow_spool,
        &LIMITS,
        &mut Findings::new(),
    );
    assert_eq!(applied.is_ok(), slowly.is_ok(), "{applied:?} {slowly:?}");
    if applied.is_err() {
        return;
    }
    assert_eq!(listing(&tree, &spool), listing(&slow, &slow_spool));
    check_ramdisk(&tree, &spool);

    // Over itself: whiteouts now have something to hide.
    let mut over = (tree.clone(), spool.clone());
    let mut findings = Findings::new();
    if apply_layer(&mut over.0, data, &mut over.1, &LIMITS, &mut findings).is_ok() {
        check_ramdisk(&over.0, &over.1);
    }

    let mut archive = Vec::new();
    if write_tar(&tree, &TreePath::root(), &spool, &mut archive).is_ok() {
        let mut back_spool = MemorySpool::new();
        let mut back = Tree::new(Metadata::new(0o755));
        let limits = Limits {
            unpacked_bytes: 64 << 20,
            entries: 10_000,
            document_bytes: 1 << 20,
        };
        let mut findings = Findings::new();
        apply_layer(
            &mut back,
            &archive[..],
            &mut back_spool,
            &limits,
            &mut findings,
        )
        .expect("what was written can be read");
        assert_eq!(listing(&back, &back_spool), listing(&tree, &spool));
    }
});
