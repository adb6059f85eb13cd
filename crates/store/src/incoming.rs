//! Content that is written into the store: digested as it is written, once.
//!
//! It has a name in `incoming/` and a lock while it is written. A process that is killed leaves the
//! file without the lock, and the next one that starts such a file removes it.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use enclair_digest::{ContentError, Engine, Hasher, PureRust, Sha256};

use crate::error::{Action, Error};
use crate::layout::{Layout, Temporary};
use crate::store::Store;

/// Bytes that are read and written at a time: few calls, and little enough for the CPU's cache.
pub(crate) const PIECE: usize = 256 << 10;

/// Content on its way into the store. Dropped before [`Incoming::finish`], it leaves nothing.
#[derive(Debug)]
pub struct Incoming<E: Engine = PureRust> {
    layout: Arc<Layout>,
    temporary: Temporary,
    hasher: E::Sha256,
    size: u64,
    expected: Option<(Sha256, Option<u64>)>,
    published: bool,
}

impl<E: Engine> Incoming<E> {
    pub(crate) fn start(
        store: &Store<E>,
        expected: Option<(Sha256, Option<u64>)>,
    ) -> Result<Self, Error> {
        Ok(Self {
            layout: Arc::clone(&store.layout),
            temporary: store.layout.temporary()?,
            hasher: store.engine.sha256(),
            size: 0,
            expected,
            published: false,
        })
    }

    /// Bytes that were written so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Writes everything that a reader has, and finishes.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] for those of the reader, and those of [`Incoming::finish`].
    pub fn fill(mut self, content: &mut dyn Read) -> Result<(Sha256, u64), Error> {
        let mut piece = vec![0; PIECE];
        loop {
            let read = match content.read(&mut piece) {
                Ok(0) => return self.finish(),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::Source(error)),
            };
            let bytes = piece.get(..read).unwrap_or_default();
            self.check_room(bytes)?;
            self.write_all(bytes)
                .map_err(Error::io(self.path(), Action::Write))?;
        }
    }

    /// Makes it a blob. When this returns, the blob is on the disk under its name.
    ///
    /// # Errors
    ///
    /// [`Error::Digest`] and [`Error::Size`] when it is not what was expected, and those of the file
    /// system. Nothing is left then.
    pub fn finish(mut self) -> Result<(Sha256, u64), Error> {
        let found = self.hasher.clone().finish();
        if let Some((expected, size)) = self.expected {
            check(&expected, size, (found, self.size))?;
        }
        let Temporary { file, name } = &self.temporary;
        self.layout
            .publish((&self.layout.incoming, name), file, &found)?;
        self.published = true;
        Ok((found, self.size))
    }

    fn path(&self) -> std::path::PathBuf {
        self.layout.incoming.path_of(&self.temporary.name)
    }

    /// Refuses what would go beyond the expected size.
    fn check_room(&self, bytes: &[u8]) -> Result<(), Error> {
        let found = self.size.saturating_add(length(bytes));
        match self.expected {
            Some((sha256, Some(expected))) if found > expected => Err(Error::Size {
                sha256,
                expected,
                found,
            }),
            _ => Ok(()),
        }
    }
}

/// Compares what was found with what was expected; a wrong size is said before a wrong digest.
fn check(sha256: &Sha256, size: Option<u64>, found: (Sha256, u64)) -> Result<(), Error> {
    let (digest, bytes) = found;
    match size {
        Some(expected) if expected != bytes => Err(Error::Size {
            sha256: *sha256,
            expected,
            found: bytes,
        }),
        _ if digest != *sha256 => Err(Error::Digest {
            expected: *sha256,
            found: digest,
        }),
        _ => Ok(()),
    }
}

/// The length of a slice as a size.
pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl<E: Engine> Write for Incoming<E> {
    /// A write beyond the expected size is an error with a [`ContentError::Size`] inside.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(Error::Size {
            sha256,
            expected,
            found,
        }) = self.check_room(bytes)
        {
            let error = ContentError::Size {
                name: format!("sha256:{sha256}"),
                digest: sha256,
                expected,
                found,
            };
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        let count = self.temporary.file.write(bytes)?;
        let written = bytes.get(..count).unwrap_or_default();
        self.hasher.update(written);
        self.size = self.size.saturating_add(length(written));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<E: Engine> Drop for Incoming<E> {
    fn drop(&mut self) {
        if !self.published {
            // What cannot be removed now is removed by whoever writes into the store next.
            let _ = self.layout.incoming.remove(&self.temporary.name);
        }
    }
}
