//! Reads files `Packages` and says what that took: `index FILE..`, compressed or not.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::fs::File;
use std::io::BufReader;
use std::time::Instant;

use enclair_digest::Sha256;
use enclair_packages::index::Index;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    for path in std::env::args_os().skip(1) {
        let begin = Instant::now();
        let index = Index::read(BufReader::with_capacity(1 << 16, File::open(&path)?))?;
        let read = begin.elapsed();
        let key = Sha256::from_bytes([0; 32]);
        let begin = Instant::now();
        let bytes = index.to_bytes(&key);
        let written = begin.elapsed();
        let begin = Instant::now();
        let again = Index::from_bytes(&bytes, &key)?;
        let cached = begin.elapsed();
        println!(
            "{}: {} packages, read {read:.2?}, to {} bytes {written:.2?}, from bytes {cached:.2?}, \
             {}",
            path.to_string_lossy(),
            index.len(),
            bytes.len(),
            if again == index {
                "the same"
            } else {
                "NOT THE SAME"
            }
        );
    }
    Ok(())
}
