//! How much of one archive is taken before it is refused.

use enclair_digest::Limits;

use crate::error::{Error, Resource};

/// Bytes of names, targets and attributes that one archive may put into memory. Real images have
/// some tens of megabytes; long names that compress well would otherwise cost gigabytes.
const NAME_BYTES: u64 = 512 << 20;

/// What one archive has used up.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) limits: Limits,
    entries: u64,
    name_bytes: u64,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: 0,
            name_bytes: 0,
        }
    }

    /// Counts an entry whose names and attributes have `name_bytes` bytes together.
    pub(crate) fn count_entry(&mut self, offset: u64, name_bytes: usize) -> Result<(), Error> {
        self.entries = self.entries.saturating_add(1);
        check(offset, Resource::Entries, self.entries, self.limits.entries)?;
        self.count_name(offset, u64::try_from(name_bytes).unwrap_or(u64::MAX))
    }

    /// Counts bytes that stay in memory.
    pub(crate) fn count_name(&mut self, offset: u64, name_bytes: u64) -> Result<(), Error> {
        self.name_bytes = self.name_bytes.saturating_add(name_bytes);
        check(offset, Resource::NameBytes, self.name_bytes, NAME_BYTES)
    }

    /// Checks that a spool at `position` may grow by `more` bytes of content.
    pub(crate) fn check_content(&self, offset: u64, position: u64, more: u64) -> Result<(), Error> {
        let limit = self.limits.unpacked_bytes;
        check(
            offset,
            Resource::UnpackedBytes,
            position.saturating_add(more),
            limit,
        )
    }

    /// Checks the size of records that are read as a whole.
    pub(crate) fn check_document(&self, offset: u64, size: u64) -> Result<(), Error> {
        check(
            offset,
            Resource::DocumentBytes,
            size,
            self.limits.document_bytes,
        )
    }
}

pub(crate) fn check(offset: u64, resource: Resource, used: u64, limit: u64) -> Result<(), Error> {
    if used <= limit {
        return Ok(());
    }
    Err(Error::Limit {
        offset,
        resource,
        limit,
    })
}
