//! Files of digests: paths lead nowhere else, and what was read is written and read again.

#![no_main]

use enclair_packages::sums::{Sums, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(sums) = Sums::parse(data) else {
        return;
    };
    for sum in &sums.packages {
        assert!(!sum.path.starts_with('/') && sum.path.ends_with(".deb"));
        assert!(sum.path.split('/').all(|part| !matches!(part, "" | "." | "..")));
    }
    let entries = || sums.packages.iter().map(|sum| (sum.path.as_str(), sum.sha256));
    let text = write(entries()).expect("no path stands twice");
    let again = Sums::parse(text.as_bytes()).expect("what is written can be read");
    let mut sorted: Vec<_> = entries().collect();
    sorted.sort_unstable();
    let found = again.packages.iter().map(|sum| (sum.path.as_str(), sum.sha256));
    assert!(found.eq(sorted));
});
