//! The direction rule of ARCHITECTURE.md, read from `cargo metadata`: formats below models below
//! effects below the command. A broken edge fails with the path that breaks it.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where its input is missing"
)]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may depend on, of this workspace.
const ALLOWED: &[(&str, &[&str])] = &[
    ("enclair-digest", &[]),
    ("enclair-finding", &[]),
    ("enclair-compress", &["enclair-digest"]),
    ("enclair-configuration", &[]),
    ("enclair-nsm", &[]),
    ("enclair-guest", &["enclair-configuration", "enclair-nsm"]),
    ("enclair-agent", &["enclair-configuration", "enclair-nsm"]),
    (
        "enclair-cpio",
        &["enclair-compress", "enclair-digest", "enclair-finding"],
    ),
    ("enclair-eif", &["enclair-digest", "enclair-finding"]),
    (
        "enclair-tree",
        &["enclair-cpio", "enclair-digest", "enclair-finding"],
    ),
    (
        "enclair-inspect",
        &[
            "enclair-compress",
            "enclair-cpio",
            "enclair-digest",
            "enclair-eif",
            "enclair-finding",
        ],
    ),
    ("enclair-sandbox", &["enclair-tree"]),
    (
        "enclair-build",
        &[
            "enclair-compress",
            "enclair-configuration",
            "enclair-cpio",
            "enclair-digest",
            "enclair-eif",
            "enclair-finding",
            "enclair-inspect",
            "enclair-packages",
            "enclair-recipe",
            "enclair-sandbox",
            "enclair-tree",
        ],
    ),
    (
        "enclair-packages",
        &[
            "enclair-compress",
            "enclair-digest",
            "enclair-finding",
            "enclair-tree",
        ],
    ),
    ("enclair-packages-testing", &["enclair-digest"]),
    (
        "enclair-recipe",
        &["enclair-configuration", "enclair-digest", "enclair-eif"],
    ),
    ("enclair-import", &[]),
    ("enclair-store", &["enclair-digest"]),
    (
        "enclair-fetch",
        &[
            "enclair-digest",
            "enclair-eif",
            "enclair-recipe",
            "enclair-store",
        ],
    ),
    ("enclair-xtask", &["enclair-digest"]),
    ("enclair-host", &["enclair-eif"]),
    (
        "enclair",
        &[
            "enclair-build",
            "enclair-compress",
            "enclair-configuration",
            "enclair-cpio",
            "enclair-digest",
            "enclair-eif",
            "enclair-fetch",
            "enclair-finding",
            "enclair-host",
            "enclair-import",
            "enclair-inspect",
            "enclair-packages",
            "enclair-recipe",
            "enclair-sandbox",
            "enclair-store",
            "enclair-tree",
        ],
    ),
];

/// Crates that have no C code below them, so that a verifier can be built from them.
const WITHOUT_C: [&str; 13] = [
    "enclair-digest",
    "enclair-finding",
    "enclair-compress",
    "enclair-configuration",
    "enclair-cpio",
    "enclair-eif",
    "enclair-tree",
    "enclair-inspect",
    "enclair-packages",
    "enclair-guest",
    "enclair-recipe",
    "enclair-import",
    "enclair-store",
];

/// Packages that stand for C code or for a network.
const FORBIDDEN_BELOW: [&str; 7] = [
    "cc",
    "cmake",
    "aws-lc-sys",
    "openssl-sys",
    "zstd-sys",
    "tokio",
    "rustls",
];

/// Packages that open connections.
const NETWORK: [&str; 5] = ["hyper", "reqwest", "rustls", "tokio", "ureq"];

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Normal and build dependencies of every package, by name.
fn edges() -> Edges {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .other_options(["--locked".to_owned()])
        .exec()
        .expect("cargo metadata");
    let resolve = metadata.resolve.expect("a resolved graph");
    let name = |id| {
        let package = metadata.packages.iter().find(|package| &package.id == id);
        package.expect("a package of the graph").name.to_string()
    };
    let mut edges = Edges::new();
    for node in &resolve.nodes {
        let used = node.deps.iter().filter(|dependency| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind != DependencyKind::Development)
        });
        let used: BTreeSet<String> = used.map(|dependency| name(&dependency.pkg)).collect();
        edges.entry(name(&node.id)).or_default().extend(used);
    }
    edges
}

#[test]
fn crates_depend_in_one_direction() {
    let edges = edges();
    for (from, to) in &edges {
        if !from.starts_with("enclair") {
            continue;
        }
        let allowed = ALLOWED.iter().find(|(name, _)| name == from);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("`{from}` is not in the rule"));
        for to in to.iter().filter(|to| to.starts_with("enclair")) {
            assert!(
                allowed.contains(&to.as_str()),
                "`{from}` must not depend on `{to}`"
            );
        }
    }
}

#[test]
fn what_a_verifier_uses_has_no_c_code_and_no_network() {
    let edges = edges();
    for start in WITHOUT_C {
        let mut paths = vec![vec![start.to_owned()]];
        let mut seen = BTreeSet::new();
        while let Some(path) = paths.pop() {
            let last = path.last().expect("a path has an end");
            assert!(
                !FORBIDDEN_BELOW.contains(&last.as_str()),
                "{}",
                path.join(" -> ")
            );
            for next in edges.get(last).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    paths.push([path.as_slice(), std::slice::from_ref(next)].concat());
                }
            }
        }
    }
}

/// What is built may not depend on what a network answers. The agent, which nobody uses, has
/// sockets inside of an enclave.
#[test]
fn one_crate_alone_has_a_network() {
    let edges = edges();
    for (from, to) in &edges {
        let has_network = NETWORK.iter().any(|package| to.contains(*package));
        assert!(
            !from.starts_with("enclair")
                || !has_network
                || ["enclair-fetch", "enclair-agent"].contains(&from.as_str()),
            "`{from}` has a network of its own"
        );
        let uses_fetch = to.contains("enclair-fetch");
        assert!(
            !uses_fetch || from == "enclair",
            "`{from}` uses the network"
        );
        assert!(!to.contains("enclair-agent"), "`{from}` uses the agent");
    }
}

#[test]
fn every_rule_names_a_crate_that_exists() {
    let edges = edges();
    for (name, _) in ALLOWED {
        assert!(
            edges.contains_key(*name),
            "`{name}` is in the rule and not in the workspace"
        );
    }
}
