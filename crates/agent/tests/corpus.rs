//! The seeds in `fuzz/corpus` of the agent's readers: what is good is read, what is bad is not, and no
//! change of either ends more than its own reading.

#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    reason = "a test ends where what it is about is missing"
)]

use std::fs;
use std::path::Path;

use enclair_agent::readers::{attestation, chunked, proxied, question};

type Reader = fn(&[u8]) -> bool;

const READERS: [(&str, Reader); 4] = [
    ("proxy", |bytes| {
        proxied(bytes).is_some_and(|(_, head)| one_head(&head))
    }),
    ("chunked", |bytes| {
        let whole = chunked(bytes, bytes.len());
        assert_eq!(chunked(bytes, 1), whole, "{bytes:?}");
        whole.is_some_and(|(_, whole)| whole)
    }),
    ("name", |bytes| question(bytes).is_some()),
    ("attestation", |bytes| {
        attestation(bytes).is_some_and(|(outside, inside)| {
            assert!(outside.is_none() || inside.is_none(), "{bytes:?}");
            outside.is_some() || inside.is_some()
        })
    }),
];

/// What goes to a target is one head, whose lines end in one way.
fn one_head(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let lines: Vec<_> = text.split("\r\n").collect();
    let one = text.is_empty()
        || lines.iter().position(|line| line.is_empty()) == lines.len().checked_sub(2)
            && lines.iter().all(|line| !line.contains(['\r', '\n']));
    assert!(one, "{text:?}");
    one
}

/// Name and bytes of every seed, sorted.
fn seeds(folder: &str) -> Vec<(String, Vec<u8>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let entries = fs::read_dir(corpus.join(folder)).expect("the folder of the seeds");
    let seed = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("a seed");
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read(entry.path()).expect("a seed's bytes"))
    };
    let mut seeds: Vec<_> = entries.map(seed).collect();
    seeds.sort();
    seeds
}

#[test]
fn every_seed_is_what_its_name_says() {
    for (folder, is_read) in READERS {
        let seeds = seeds(folder);
        let good = seeds.iter().filter(|(name, _)| name.starts_with("good-"));
        let good = good.count();
        assert!(good >= 3 && seeds.len() - good >= 10, "{folder}");
        for (name, bytes) in seeds {
            assert_eq!(
                is_read(&bytes),
                name.starts_with("good-"),
                "{folder}/{name}"
            );
        }
    }
}

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    /// Changes a byte, takes some out, or doubles some.
    fn change(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len() + 1);
        let end = (place + self.below(20)).min(bytes.len());
        match self.below(4) {
            0 => bytes.insert(place, u8::try_from(self.below(256)).expect("a byte")),
            1 => drop(bytes.drain(place..end)),
            2 => bytes.extend_from_within(place..end),
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }
}

#[test]
fn a_changed_seed_is_read_or_refused() {
    for (folder, is_read) in READERS {
        let seeds = seeds(folder);
        let (mut numbers, mut read) = (Numbers(0x9e37_79b9_7f4a_7c15), 0);
        for _ in 0..25_000 {
            let mut bytes = seeds[numbers.below(seeds.len())].1.clone();
            for _ in 0..=numbers.below(4) {
                numbers.change(&mut bytes);
            }
            read += usize::from(is_read(&bytes));
        }
        assert!((500..24_500).contains(&read), "{folder}: {read} of 25000");
    }
}
