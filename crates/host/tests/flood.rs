//! An application that says more than anybody reads: the console keeps no more of it than a line.

#![allow(
    clippy::expect_used,
    reason = "a test ends where what it is about is missing"
)]

use std::fs;

use enclair_host::Console;

/// What this process had in memory at most, in KiB.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel's word");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let digits = line.and_then(|line| line.split_whitespace().nth(1));
    digits.and_then(|it| it.parse().ok()).expect("a number")
}

#[test]
fn a_flood_is_passed_on_and_not_kept() {
    const PIECE: usize = 1 << 16;
    let mut console = Console::default();
    // Lines, one line without an end, and bytes that are no text.
    for byte in [b'\n', b'x', 0xff] {
        let piece = vec![byte; PIECE];
        console.push(&piece);
        let before = peak();
        for _ in 0..100 {
            console.push(&piece);
        }
        let grown = peak().saturating_sub(before);
        assert!(grown <= 2048, "6 MiB of {byte:#x} cost {grown} KiB");
    }
}
