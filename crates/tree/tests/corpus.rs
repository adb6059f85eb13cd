//! The seeds of the fuzz target, replayed: their names say whether they are read or refused.

#![allow(
    clippy::unwrap_used,
    reason = "the functions that read the seeds are part of the test"
)]

use std::fs;
use std::path::PathBuf;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_tree::{
    Body, Error, MemorySpool, Metadata, Node, NodeKind, Tree, TreePath, apply_layer, write_tar,
};

/// What is in the layer below, where there is one: nothing that a seed names.
const BELOW: &[u8] = b"of-the-layer-below";

fn seeds() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/tar");
    let entries = fs::read_dir(folder).unwrap();
    let mut seeds: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    seeds
}

/// As the lowest layer.
fn apply(archive: &[u8]) -> Result<(Tree, MemorySpool), Error> {
    apply_to(Tree::new(Metadata::new(0o755)), archive)
}

/// As a layer over another one, which is held until its last whiteout is known.
fn apply_over(archive: &[u8]) -> Result<(Tree, MemorySpool), Error> {
    let mut tree = Tree::new(Metadata::new(0o755));
    let file = Node::new(Metadata::new(0o644), NodeKind::File(Body::empty()));
    tree.insert(TreePath::parse(BELOW).unwrap(), file).unwrap();
    apply_to(tree, archive)
}

fn apply_to(mut tree: Tree, archive: &[u8]) -> Result<(Tree, MemorySpool), Error> {
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

/// Everything but what is of the layer below.
fn nodes(tree: &Tree) -> Vec<(&TreePath, &Node)> {
    tree.iter()
        .filter(|(path, _, _)| path.as_bytes() != BELOW)
        .map(|(path, _, node)| (path, node))
        .collect()
}

#[test]
fn seeds_are_read_or_refused_as_their_names_say() {
    let (mut read, mut refused) = (0, 0);
    for seed in seeds() {
        let name = seed.file_name().unwrap().to_string_lossy().into_owned();
        let archive = fs::read(&seed).unwrap();
        let outcome = apply_over(&archive);
        if name.starts_with("read-") {
            let (over, _) = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
            let (tree, spool) = apply(&archive).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(nodes(&tree), nodes(&over), "{name}");
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
            let _ = apply_over(content.get(..cut).unwrap());
        }
    }
}
