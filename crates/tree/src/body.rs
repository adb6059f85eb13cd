//! Contents of regular files: where they lie, what they must be, and reading them back.
//!
//! A tree holds no content. A body is a place in a [`Spool`] with a length and a CRC-32, so that
//! an image of gigabytes is built in the memory of its names. The CRC is computed once, while the
//! body is appended; [`BodyReader`] compares it at the end, so that a spool that lost or changed a
//! byte is an error and not another measurement.

use std::io::{self, Read};
use std::sync::Arc;

use crate::error::Error;
use crate::path::TreePath;

/// Bytes that are moved at once.
pub(crate) const CHUNK: usize = 256 * 1024;

/// The content of a regular file: where it lies and what it must be.
///
/// Two bodies are equal when they are the same place or the same inline bytes. Equal content in
/// two places of a spool is not found out by comparing.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// Held in memory: generated files.
    Inline(Arc<[u8]>),
    /// Held in the spool.
    Spooled {
        /// Where it starts, in bytes.
        offset: u64,
        /// Its length in bytes.
        len: u64,
        /// CRC-32/ISO-HDLC of the content.
        crc32: u32,
    },
}

impl Body {
    /// A body with no bytes.
    pub fn empty() -> Self {
        Self::Inline(Arc::from([]))
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Inline(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Spooled { len, .. } => *len,
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// CRC-32/ISO-HDLC of the content.
    pub fn crc32(&self) -> u32 {
        match self {
            Self::Inline(bytes) => crc32fast::hash(bytes),
            Self::Spooled { crc32, .. } => *crc32,
        }
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Self::Inline(bytes.into())
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inline(bytes) => write!(f, "Inline({} bytes)", bytes.len()),
            Self::Spooled { offset, len, crc32 } => {
                write!(f, "Spooled({offset}+{len}, crc32 {crc32:08x})")
            }
        }
    }
}

/// Where bodies are kept while a tree is used: append, then read at offsets.
pub trait Spool {
    /// Adds `bytes` at the end.
    ///
    /// # Errors
    ///
    /// Those of the medium; a spool that failed once is not used again.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Bytes appended so far: the offset of what is appended next.
    fn position(&self) -> u64;

    /// Reads at `offset` into `buffer`; 0 at the end.
    ///
    /// # Errors
    ///
    /// Those of the medium.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

/// A spool in memory: for tests and for small things.
#[derive(Debug, Default, Clone)]
pub struct MemorySpool(Vec<u8>);

impl MemorySpool {
    /// An empty spool.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Spool for MemorySpool {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn position(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        self.0.get(start..).unwrap_or_default().read(buffer)
    }
}

/// Appends one body to a spool and sums it on the way.
pub(crate) struct BodyWriter<'a> {
    spool: &'a mut dyn Spool,
    path: &'a TreePath,
    start: u64,
    sum: crc32fast::Hasher,
}

impl<'a> BodyWriter<'a> {
    /// Starts the content of `path`.
    pub(crate) fn new(spool: &'a mut dyn Spool, path: &'a TreePath) -> Self {
        Self {
            start: spool.position(),
            spool,
            path,
            sum: crc32fast::Hasher::new(),
        }
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sum.update(bytes);
        self.spool.append(bytes).map_err(|source| Error::Spool {
            path: self.path.clone(),
            source,
        })
    }

    pub(crate) fn append_zeros(&mut self, mut count: u64) -> Result<(), Error> {
        static ZEROS: [u8; CHUNK] = [0; CHUNK];
        while count > 0 {
            let piece = clamp(count, CHUNK);
            self.append(ZEROS.get(..piece).unwrap_or_default())?;
            count = count.saturating_sub(u64::try_from(piece).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Body {
        Body::Spooled {
            offset: self.start,
            len: self.spool.position().saturating_sub(self.start),
            crc32: self.sum.finalize(),
        }
    }
}

/// `count` as a size in memory, at most `most`.
pub(crate) fn clamp(count: u64, most: usize) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX).min(most)
}

/// The spool gave back something else than was put in. Travels inside an [`io::Error`] of kind
/// `InvalidData`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("spool offset {offset}: crc32 {expected:08x} was put in, {found:08x} came out")]
pub struct SpoolMismatch {
    /// Where the body starts.
    pub offset: u64,
    /// The CRC-32 when the body was appended.
    pub expected: u32,
    /// The CRC-32 now.
    pub found: u32,
}

/// Reads one body; see [`read_body`].
#[allow(
    missing_debug_implementations,
    reason = "a spool has none, and its bytes are no help"
)]
pub struct BodyReader<'a> {
    body: &'a Body,
    spool: &'a dyn Spool,
    read: u64,
    sum: crc32fast::Hasher,
}

/// Reads `body` from `spool` and compares length and CRC-32 at the end.
///
/// # Errors
///
/// Reading gives those of the spool, `UnexpectedEof` when it is too short, and [`SpoolMismatch`].
pub fn read_body<'a>(body: &'a Body, spool: &'a dyn Spool) -> BodyReader<'a> {
    BodyReader {
        body,
        spool,
        read: 0,
        sum: crc32fast::Hasher::new(),
    }
}

impl BodyReader<'_> {
    /// The whole content, if it has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Those of reading, and `InvalidData` with [`enclair_digest::ContentError::Limit`] for a
    /// larger body, before anything is allocated.
    pub fn read_to_vec(mut self, limit: u64) -> io::Result<Vec<u8>> {
        if self.body.len() > limit {
            let error = enclair_digest::ContentError::Limit { limit };
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        let mut content = Vec::new();
        self.read_to_end(&mut content)?;
        Ok(content)
    }

    fn read_spooled(&mut self, start: u64, len: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = clamp(len.saturating_sub(self.read), buffer.len());
        let buffer = buffer.get_mut(..piece).unwrap_or_default();
        let offset = start
            .checked_add(self.read)
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        let count = self.spool.read_at(offset, buffer)?;
        if count == 0 && piece > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.sum.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn check_sum(&self) -> io::Result<()> {
        let Body::Spooled { offset, len, crc32 } = *self.body else {
            return Ok(());
        };
        if self.read < len {
            return Ok(());
        }
        let found = self.sum.clone().finalize();
        if found == crc32 {
            return Ok(());
        }
        let mismatch = SpoolMismatch {
            offset,
            expected: crc32,
            found,
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, mismatch))
    }
}

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match *self.body {
            Body::Inline(ref bytes) => {
                let start = usize::try_from(self.read).unwrap_or(usize::MAX);
                bytes.get(start..).unwrap_or_default().read(buffer)?
            }
            Body::Spooled { offset, len, .. } => self.read_spooled(offset, len, buffer)?,
        };
        self.read = self
            .read
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        // Checked with the last byte rather than after it: `take` and `read_exact` never ask again.
        if count > 0 {
            self.check_sum()?;
        }
        Ok(count)
    }
}
