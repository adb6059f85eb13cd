//! Reads an index, and keeps it as a cache: what `benches/resolve` measures.
//!
//! ```text
//! index read FILE             a file `Packages`, compressed or not
//! index keep FILE CACHE       the same, and write its cache
//! index cached CACHE          the cache
//! ```

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::fs::File;
use std::io::BufReader;

use enclair_digest::Sha256;
use enclair_packages::index::Index;

/// Stands for the digest of the file, which is the caller's to know.
const KEY: Sha256 = Sha256::from_bytes([0; 32]);

fn read(path: &str) -> Result<Index, Box<dyn std::error::Error>> {
    let file = BufReader::with_capacity(1 << 16, File::open(path)?);
    Ok(Index::read(file)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let index = match arguments.as_slice() {
        ["read", path] => read(path)?,
        ["keep", path, cache] => {
            let index = read(path)?;
            std::fs::write(cache, index.to_bytes(&KEY))?;
            index
        }
        ["cached", cache] => Index::from_bytes(&std::fs::read(cache)?, &KEY)?,
        _ => return Err("`read FILE`, `keep FILE CACHE` or `cached CACHE` is expected".into()),
    };
    println!("{} packages", index.len());
    Ok(())
}
