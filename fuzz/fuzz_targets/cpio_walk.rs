//! A ramdisk, walked and unpacked: the same however slowly it arrives, and what comes of it can be
//! written and read back.

#![no_main]

use std::io::{BufRead, Read};

use enclair_cpio::Walker;
use enclair_finding::Findings;
use enclair_fuzz::{LIMITS, Trickle, assert_same, check_ramdisk};
use enclair_tree::{MemorySpool, from_initramfs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert_same(walk(data), walk(Trickle(data)));
    let mut spool = MemorySpool::new();
    let mut walker = Walker::new(data, LIMITS);
    if let Ok(tree) = from_initramfs(&mut walker, &mut spool, &LIMITS, &mut Findings::new()) {
        check_ramdisk(&tree, &spool);
    }
});

/// Every entry with the first bytes of its content.
fn walk(data: impl BufRead) -> Result<Vec<String>, String> {
    let mut walker = Walker::new(data, LIMITS);
    let mut entries = Vec::new();
    while let Some(found) = walker.next_entry().map_err(|error| error.to_string())? {
        let mut content = Vec::new();
        let read = (&mut walker).take(100).read_to_end(&mut content);
        read.map_err(|error| error.to_string())?;
        entries.push(format!("{found:?} {content:?}"));
    }
    entries.push(format!("{:?}", walker.segments()));
    entries.push(format!("{:?}", walker.into_findings()));
    Ok(entries)
}
