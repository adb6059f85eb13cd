//! How much of a project is taken before it is refused.

use enclair_digest::Limits;
use enclair_tree::TreePath;

use super::disk::shown;
use super::error::{Error, Resource};

/// Bytes of names and targets that all entries together may put into memory. A project of a
/// hundred thousand files has some ten megabytes.
pub(super) const NAME_BYTES: u64 = 128 << 20;

/// What all entries together have used up.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    entries: u64,
    name_bytes: u64,
}

impl Budget {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: 0,
            name_bytes: 0,
        }
    }

    /// Counts a name in the directory `at` that keeps `bytes` bytes in memory.
    pub(super) fn count(&mut self, at: &TreePath, bytes: usize) -> Result<(), Error> {
        self.entries = self.entries.saturating_add(1);
        check(
            &shown(at),
            Resource::Entries,
            self.entries,
            self.limits.entries,
        )?;
        self.keep(at, bytes)
    }

    /// Counts `bytes` bytes that stay in memory.
    pub(super) fn keep(&mut self, at: &TreePath, bytes: usize) -> Result<(), Error> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.name_bytes = self.name_bytes.saturating_add(bytes);
        check(&shown(at), Resource::NameBytes, self.name_bytes, NAME_BYTES)
    }

    /// Checks that a spool at `position` may take `more` bytes, the content of `at`.
    pub(super) fn check_content(&self, at: &str, position: u64, more: u64) -> Result<(), Error> {
        let used = position.saturating_add(more);
        check(at, Resource::Content, used, self.limits.unpacked_bytes)
    }
}

fn check(at: &str, resource: Resource, used: u64, limit: u64) -> Result<(), Error> {
    if used <= limit {
        return Ok(());
    }
    Err(Error::Limit {
        path: at.to_owned(),
        resource,
        limit,
    })
}
