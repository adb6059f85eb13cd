//! The seeds of the fuzz target, replayed: their names say whether they are read or refused.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that read the seeds are part of the test"
)]

use std::fs;
use std::path::PathBuf;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_tree::{Error, MemorySpool, Metadata, Tree, TreePath, apply_layer, write_tar};

fn seeds() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/tar");
    let entries = fs::read_dir(folder).unwrap();
    let mut seeds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    seeds
}

fn apply(archive: &[u8]) -> Result<(Tree, MemorySpool), Error> {
    let mut tree = Tree::new(Metadata::new(0o755));
    let mut spool = MemorySpool::new();
    let limits = Limits {
        unpacked_bytes: 1 << 20,
        entries: 1000,
        document_bytes: 1 << 16,
    };
    apply_layer(
        &mut tree,
        archive,
        &mut spool,
        &limits,
        &mut Findings::new(),
    )?;
    Ok((tree, spool))
}

#[test]
fn seeds_are_read_or_refused_as_their_names_say() {
    let (mut read, mut refused) = (0, 0);
    for seed in seeds() {
        let name = seed.file_name().unwrap().to_string_lossy().into_owned();
        let outcome = apply(&fs::read(&seed).unwrap());
        if name.starts_with("read-") {
            let (tree, spool) = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
            write_tar(&tree, &TreePath::root(), &spool, &mut std::io::sink()).unwrap();
            read += 1;
        } else {
            assert!(name.starts_with("refused-"), "{name}");
            assert!(outcome.is_err(), "{name}");
            refused += 1;
        }
    }
    assert!(read >= 12 && refused >= 16, "{read} {refused}");
}

#[test]
fn every_shortened_seed_is_read_or_refused() {
    for seed in seeds() {
        let content = fs::read(&seed).unwrap();
        for cut in (0..content.len()).step_by(61) {
            let _ = apply(content.get(..cut).unwrap());
        }
    }
}
