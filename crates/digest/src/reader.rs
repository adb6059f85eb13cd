//! A reader that knows what its content must be, and says so at the end.

use std::fmt;
use std::io::{self, Read};

use thiserror::Error;

use crate::{Engine, Hasher, Sha256};

/// Content that is not what its name promised. Travels inside an [`io::Error`] of kind
/// `InvalidData`; get it back with [`ContentError::of`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The content ended early or went on after its declared size.
    #[error("`{name}` has {found} bytes, {expected} were declared")]
    Size {
        /// What was read, in the user's words.
        name: String,
        /// The digest that was declared with the size.
        digest: Sha256,
        /// The declared size in bytes.
        expected: u64,
        /// Bytes that were there; at most one more than declared is looked at.
        found: u64,
    },
    /// The size is right and the content is not.
    #[error("`{name}` has digest sha256:{found}, sha256:{expected} was declared")]
    Digest {
        /// What was read, in the user's words.
        name: String,
        /// The declared digest.
        expected: Sha256,
        /// The digest of what was there.
        found: Sha256,
    },
    /// There is more content than a [`Bounded`] reader allows.
    #[error("the content goes on beyond the limit of {limit} bytes")]
    Limit {
        /// The limit in bytes.
        limit: u64,
    },
}

impl ContentError {
    /// The content error inside an I/O error, if that is what it is.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }
}

/// What a piece of content must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What it is called in an error.
    pub name: String,
    /// Its SHA-256.
    pub digest: Sha256,
    /// Its size in bytes; `None` where the source records none.
    pub size: Option<u64>,
}

/// Reads `inner`, and reports the end only when size and digest are those expected.
///
/// A parser that stops before the end has verified nothing: a tar reader stops at the
/// end-of-archive marker, and whatever follows would go unchecked. Call [`Verified::finish`],
/// which reads the rest, before any result is believed.
pub struct Verified<R, E: Engine> {
    inner: R,
    hasher: E::Sha256,
    read: u64,
    expected: Expected,
}

impl<R, E: Engine> fmt::Debug for Verified<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("expected", &self.expected)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

impl<R: Read, E: Engine> Verified<R, E> {
    /// Reads `inner`, which must turn out to be `expected`.
    pub fn new(inner: R, engine: &E, expected: Expected) -> Self {
        Self {
            inner,
            hasher: engine.sha256(),
            read: 0,
            expected,
        }
    }

    /// Reads what is left and compares size and digest.
    ///
    /// # Errors
    ///
    /// Those of the inner reader, and [`ContentError`] when the content differs.
    pub fn finish(mut self) -> io::Result<()> {
        io::copy(&mut self, &mut io::sink()).map(drop)
    }

    fn check_end(&self) -> io::Result<()> {
        let Expected { name, digest, size } = &self.expected;
        let size_error = |expected| ContentError::Size {
            name: name.clone(),
            digest: *digest,
            expected,
            found: self.read,
        };
        if let Some(size) = size.filter(|size| *size != self.read) {
            return Err(invalid_data(size_error(size)));
        }
        let found = self.hasher.clone().finish();
        if found == *digest {
            return Ok(());
        }
        Err(invalid_data(ContentError::Digest {
            name: name.clone(),
            expected: *digest,
            found,
        }))
    }
}

/// Reads `inner`, and fails instead of going beyond a number of bytes.
///
/// [`Read::take`] ends quietly at its limit, which turns a bomb into a truncated input; this
/// reader names the limit.
#[derive(Debug)]
pub struct Bounded<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Bounded<R> {
    /// Allows `limit` bytes of `inner`.
    pub const fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            left: limit,
            limit,
        }
    }

    /// Bytes read so far.
    pub const fn bytes_read(&self) -> u64 {
        self.limit.saturating_sub(self.left)
    }

    /// The reader inside, wherever it is now.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        let Some(left) = self.left.checked_sub(read) else {
            return Err(invalid_data(ContentError::Limit { limit: self.limit }));
        };
        self.left = left;
        Ok(count)
    }
}

fn invalid_data(error: ContentError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl<R: Read, E: Engine> Read for Verified<R, E> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.read = self
            .read
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let too_long = self.expected.size.is_some_and(|size| self.read > size);
        if count == 0 || too_long {
            self.check_end()?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PureRust;

    fn expected(content: &[u8], size: Option<u64>) -> Expected {
        let mut hasher = PureRust.sha256();
        Hasher::update(&mut hasher, content);
        Expected {
            name: "blob".into(),
            digest: hasher.finish(),
            size,
        }
    }

    fn read(content: &[u8], expected: Expected) -> io::Result<()> {
        Verified::new(content, &PureRust, expected).finish()
    }

    #[test]
    fn the_right_content_passes_with_and_without_a_size() {
        read(b"abc", expected(b"abc", Some(3))).unwrap();
        read(b"abc", expected(b"abc", None)).unwrap();
        read(b"", expected(b"", Some(0))).unwrap();
    }

    #[test]
    fn other_content_of_the_same_size_is_refused() {
        let error = read(b"abd", expected(b"abc", Some(3))).unwrap_err();
        assert!(matches!(
            ContentError::of(&error),
            Some(ContentError::Digest { .. })
        ));
    }

    #[test]
    fn shorter_and_longer_content_is_refused_by_size() {
        for content in [&b"ab"[..], b"abcd"] {
            let error = read(content, expected(b"abc", Some(3))).unwrap_err();
            assert!(matches!(
                ContentError::of(&error),
                Some(ContentError::Size { .. })
            ));
        }
    }

    #[test]
    fn an_endless_source_is_left_after_the_declared_size() {
        let endless = io::repeat(0);
        let error = Verified::new(endless, &PureRust, expected(b"", Some(10))).finish();
        assert!(error.is_err());
    }

    #[test]
    fn a_bound_is_an_error_and_not_an_early_end() {
        let mut all = Vec::new();
        Bounded::new(&b"abc"[..], 3).read_to_end(&mut all).unwrap();
        assert_eq!(all, b"abc");
        let error = Bounded::new(&b"abcd"[..], 3)
            .read_to_end(&mut all)
            .unwrap_err();
        assert_eq!(
            ContentError::of(&error),
            Some(&ContentError::Limit { limit: 3 })
        );
    }

    #[test]
    fn content_behind_the_place_where_a_parser_stopped_is_still_checked() {
        let mut reader = Verified::new(&b"abcX"[..], &PureRust, expected(b"abcd", Some(4)));
        let mut head = [0; 3];
        reader.read_exact(&mut head).unwrap();
        assert!(reader.finish().is_err());
    }
}
