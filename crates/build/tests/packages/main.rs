//! Packages of a lock that were not chosen here: taken over by their digests, found in a root
//! filesystem, explained, downloaded.
//!
//! `bookworm-updates` is what Debian published and signed on 24 November 2026: its `InRelease` and
//! its index of `main` for amd64. What packages of it need besides is made here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here has said what it has to say"
)]

mod built;
mod contained;
mod downloaded;
mod explained;
mod imported;
mod refused;
mod shelf;

use std::fs;
use std::path::Path;

use enclair_build::{
    AwsLc, BuildOptions, Freshness, LockFile, Locking, Project, ProjectError, Silent, Threads,
    Tools,
};
use enclair_packages::sums::Sums;
use enclair_packages_testing::Deb;
use enclair_recipe::{LockedPackage, LockedSource};
use tempfile::TempDir;

use crate::shelf::Shelf;

/// An hour after the suite's date.
const NOW: u64 = 1_795_486_335 + 3600;
const IN_RELEASE: &[u8] = include_bytes!("bookworm-updates/InRelease");
const INDEX: &[u8] = include_bytes!("bookworm-updates/Packages.xz");

/// Packages of the suite: their paths and digests.
const CA_CERTIFICATES: (&str, &str) = (
    "pool/main/c/ca-certificates/ca-certificates_20230311+deb12u1_all.deb",
    "0d5f444f594e48c1e16a41d8fc628a09b24c658916a1274025c2330f2a802bed",
);
const LIBSSL3: (&str, &str) = (
    "pool/main/o/openssl/libssl3_3.0.17-1~deb12u2_amd64.deb",
    "d97c29db9d9d1d125580be5d7b2e1170adb47e5a8b4481841718be95fa652e68",
);
const OPENSSL: (&str, &str) = (
    "pool/main/o/openssl/openssl_3.0.17-1~deb12u2_amd64.deb",
    "64c557f50e17118b1cebde87218dc8ce02cda70cf5c0d21156b214a97f2f3ae9",
);

/// A recipe of packages, with what `packages` says of them.
fn recipe(packages: &str) -> String {
    format!(
        "schema = 1\n[run]\ncommand = [\"/app\"]\n[boot]\nkernel = \"kernel\"\ninit = \"init\"\n\
         [source.packages]\ndistribution = \"debian\"\nsuites = [\"bookworm-updates\"]\n{packages}\n"
    )
}

/// A project with that recipe.
fn project(packages: &str) -> (TempDir, Project) {
    let directory = tempfile::tempdir().unwrap();
    for name in ["kernel", "init"] {
        fs::write(directory.path().join(name), name).unwrap();
    }
    let path = directory.path().join("enclair.toml");
    fs::write(&path, recipe(packages)).unwrap();
    let project = Project::open(&path, &|_| false).unwrap();
    (directory, project)
}

fn tools(shelf: &Shelf) -> Tools<'_, AwsLc> {
    Tools {
        engine: &AwsLc,
        supply: shelf,
        progress: &Silent,
        now: NOW,
    }
}

/// A build that may lock, and is always done.
fn options() -> BuildOptions {
    BuildOptions {
        locking: Locking::Update,
        freshness: Freshness::Always,
        threads: Threads::One,
        program: String::new(),
        epoch: None,
    }
}

/// A shelf that has the suite.
fn suite() -> Shelf {
    let shelf = Shelf::default();
    shelf.publish("debian", "dists/bookworm-updates/InRelease", IN_RELEASE);
    let digest = "87e7e94047fb7fb6f4ceecc7022d4bee55b66031cc2a7666d3196f3e0aabb846";
    let path = format!("dists/bookworm-updates/main/binary-amd64/by-hash/SHA256/{digest}");
    shelf.publish("debian", &path, INDEX);
    shelf
}

/// A package that the suite does not have.
fn deb(name: &str, version: &str, arch: &str) -> Deb {
    Deb::new(name, version, arch).file("./usr/share/doc/readme", name)
}

/// The line of a file of digests.
fn line((path, digest): (&str, &str)) -> String {
    format!("{digest}  {path}\n")
}

/// A line for a package that was made here.
fn line_of(deb: &Deb) -> String {
    let digest = enclair_packages_testing::sha256(&deb.build()).to_string();
    line((&deb.pool_path(), &digest))
}

fn sums(lines: &[String]) -> Sums {
    Sums::parse(lines.concat().as_bytes()).unwrap()
}

fn packages(file: &LockFile) -> &[LockedPackage] {
    let Some(LockedSource::Packages(packages)) = &file.lock.source else {
        panic!("no packages");
    };
    &packages.packages
}

/// An error with its causes, a line each.
fn words(error: &ProjectError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}\n{error}");
        cause = error.source();
    }
    text
}

fn exists(directory: &TempDir, name: impl AsRef<Path>) -> bool {
    directory.path().join(name).exists()
}
