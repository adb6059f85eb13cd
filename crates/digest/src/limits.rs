//! How much of a hostile input is taken before it is refused.

/// Upper bounds on what an untrusted input may make us store or allocate.
///
/// Sizes that a format declares are compared with these before anything is allocated. The
/// defaults are generous for real images and small enough that a bomb ends in an error rather
/// than a full disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that all decompressed layers or ramdisks of one input may have together.
    pub unpacked_bytes: u64,
    /// Entries that one archive may have.
    pub entries: u64,
    /// Bytes of one file that is held in memory as a whole: manifests, metadata, PAX records.
    pub document_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 16 << 30,
            entries: 4_000_000,
            document_bytes: 8 << 20,
        }
    }
}
