//! The fetcher against real servers on loopback: nginx, Docker's registry with and without TLS and
//! passwords, and hand-written ones for what no real server does.
//!
//! A program that is missing fails the test that needs it; `.ci/setup test` installs them all.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where something is not as it must be"
)]

mod archives;
mod concurrent;
mod daemon;
mod faults;
mod images;
mod nginx;
mod offline;
mod registries;
mod servers;
mod tls;
mod tokens;
mod urls;

use std::path::Path;
use std::time::Duration;

use enclair_digest::{Engine, Hasher, PureRust, Sha256};
use enclair_fetch::{Backoff, Fetcher, Provider, Settings, Timeouts};
use enclair_recipe::{Blob, Place, ProviderKind, Wanted};
use enclair_store::Store;
use tempfile::TempDir;

/// Bytes that no compression and no accident makes.
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn digest(bytes: &[u8]) -> Sha256 {
    let mut hasher = PureRust.sha256();
    Hasher::update(&mut hasher, bytes);
    Hasher::finish(hasher)
}

fn blob(bytes: &[u8]) -> Blob {
    Blob {
        sha256: digest(bytes),
        size: bytes.len() as u64,
    }
}

/// Content that is wanted from a URL.
fn wanted(bytes: &[u8], url: &str) -> Wanted {
    Wanted {
        blob: blob(bytes),
        name: "the kernel".into(),
        place: Place::Url(url.into()),
    }
}

/// Settings with waits that are short, so that a test that needs many is not long.
fn quick() -> Settings {
    Settings {
        timeouts: Timeouts {
            connect: Duration::from_secs(5),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            total: Duration::from_mins(2),
        },
        backoff: Backoff {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(500),
        },
        retries: 2,
        ..Settings::default()
    }
}

/// `quick` with providers that are asked after a content's place.
fn with_providers(templates: &[String]) -> Settings {
    let provider = |template: &String| Provider {
        kind: ProviderKind::Blob,
        template: template.clone(),
    };
    Settings {
        providers: templates.iter().map(provider).collect(),
        ..quick()
    }
}

/// A fetcher with a store of its own.
struct Bench {
    fetcher: Fetcher,
    directory: TempDir,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let fetcher = fetcher_at(directory.path(), settings);
        Self { fetcher, directory }
    }

    /// Another fetcher with the same store.
    fn again(&self, settings: Settings) -> Fetcher {
        fetcher_at(self.directory.path(), settings)
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        let store = self.fetcher.store();
        match store.read_blob(&digest(bytes), Some(bytes.len() as u64)) {
            Ok(blob) => blob.finish().is_ok(),
            Err(_) => false,
        }
    }

    fn summary(&self) -> String {
        self.fetcher.summary().to_string()
    }

    /// Fetches, which must succeed, and checks that the summary says why others did not give it.
    #[track_caller]
    fn obtains(&self, wanted: &Wanted, bytes: &[u8], not_because: &[&str]) {
        let result = self.fetcher.obtain(std::slice::from_ref(wanted));
        let summary = self.summary();
        result.unwrap_or_else(|error| panic!("{error}\n{summary}"));
        assert!(self.holds(bytes), "{summary}");
        for reason in not_because {
            assert!(summary.contains(reason), "no {reason:?} in: {summary}");
        }
    }

    /// Fetches, which must fail for these reasons.
    #[track_caller]
    fn fails(&self, wanted: &Wanted, because: &[&str]) {
        let error = self.fetcher.obtain(std::slice::from_ref(wanted));
        let text = error.unwrap_err().to_string();
        for reason in because {
            assert!(text.contains(reason), "no {reason:?} in: {text}");
        }
        assert!(
            self.fetcher
                .store()
                .blob_size(&wanted.blob.sha256)
                .unwrap()
                .is_none(),
            "{text}"
        );
    }
}

fn fetcher_at(store: &Path, settings: Settings) -> Fetcher {
    Fetcher::new(Store::open(&store.join("store")).unwrap(), settings).unwrap()
}
