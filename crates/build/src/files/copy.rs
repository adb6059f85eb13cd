//! Contents: read once, to the digest, the CRC and the spool at the same time.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use enclair_digest::{Engine, Expected, Hasher as _, Sha256, Verified};
use enclair_recipe::Supply;
use enclair_tree::{Body, Spool, TreePath};

use super::Kept;
use super::budget::Budget;
use super::disk::shown;
use super::error::Error;
use super::opaque::{self, Opaque};

/// Bytes that are read at once, and looked at to know what a file is.
const CHUNK: usize = 256 << 10;

/// What was learnt about a file while it was copied.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) body: Body,
    pub(super) sha256: Sha256,
    /// Whether it begins as a program does.
    pub(super) executable: bool,
    pub(super) opaque: Option<Opaque>,
}

/// Copies files into a spool.
pub(super) struct Copier<'a, E> {
    engine: &'a E,
    spool: &'a mut dyn Spool,
    buffer: Vec<u8>,
}

impl<'a, E: Engine> Copier<'a, E> {
    pub(super) fn new(engine: &'a E, spool: &'a mut dyn Spool) -> Self {
        Self {
            engine,
            spool,
            buffer: vec![0; CHUNK],
        }
    }

    pub(super) fn spool(&self) -> &dyn Spool {
        self.spool
    }

    /// Copies `file`, which is at `source` in the project.
    ///
    /// A file that grows, shrinks or is written to meanwhile is an error: what was read may never
    /// have been its content.
    pub(super) fn copy(
        &mut self,
        mut file: File,
        source: &TreePath,
        budget: &Budget,
    ) -> Result<Copied, Error> {
        let read = |error| read_error(source, error);
        let before = file.metadata().map_err(read)?;
        let name = shown(source);
        budget.check_content(&name, self.spool.position(), before.len())?;
        let (copied, found) = self.keep(&mut file, &name, before.len())?;
        let after = file.metadata().map_err(read)?;
        check_unchanged(source, &before, &after, found)?;
        Ok(copied)
    }

    /// Copies a file of the store, which must be what its digest says. It is nothing to be taken on
    /// trust: the lock says what it is.
    pub(super) fn copy_kept(
        &mut self,
        kept: &Kept,
        supply: &dyn Supply,
        budget: &Budget,
    ) -> Result<Copied, Error> {
        let Kept { blob, from, .. } = kept;
        budget.check_content(from, self.spool.position(), blob.size)?;
        let stored = supply
            .open(&blob.sha256)
            .map_err(|source| Error::Supply { source })?;
        let expected = Expected {
            name: from.clone(),
            digest: blob.sha256,
            size: Some(blob.size),
        };
        let mut stored = Verified::new(stored, self.engine, expected);
        let (copied, _) = self.keep(&mut stored, from, blob.size)?;
        stored.finish().map_err(|source| Error::Read {
            path: from.clone(),
            source,
        })?;
        Ok(Copied {
            opaque: None,
            ..copied
        })
    }

    /// Reads `file` to its end, or one piece behind `most` bytes, and says how many it has.
    fn keep(
        &mut self,
        file: &mut dyn io::Read,
        name: &str,
        most: u64,
    ) -> Result<(Copied, u64), Error> {
        let offset = self.spool.position();
        let (mut digest, mut crc) = (self.engine.sha256(), crc32fast::Hasher::new());
        let (mut found, mut kind) = (0_u64, None);
        loop {
            let count = fill(file, &mut self.buffer).map_err(|error| Error::Read {
                path: name.to_owned(),
                source: error,
            })?;
            let bytes = self.buffer.get(..count).unwrap_or_default();
            kind.get_or_insert_with(|| (opaque::is_program(bytes), opaque::kind_of(bytes)));
            found = found.saturating_add(count as u64);
            // Compared before it is kept: a file that grows for ever would fill the disk.
            if count == 0 || found > most {
                break;
            }
            digest.update(bytes);
            crc.update(bytes);
            self.spool.append(bytes).map_err(|error| Error::Spool {
                path: name.to_owned(),
                source: error,
            })?;
        }
        let (executable, opaque) = kind.unwrap_or_default();
        let copied = Copied {
            body: Body::Spooled {
                offset,
                len: found,
                crc32: crc.finalize(),
            },
            sha256: digest.finish(),
            executable,
            opaque,
        };
        Ok((copied, found))
    }
}

fn check_unchanged(
    source: &TreePath,
    before: &Metadata,
    after: &Metadata,
    found: u64,
) -> Result<(), Error> {
    let time = |metadata: &Metadata| (metadata.mtime(), metadata.mtime_nsec());
    if found == before.len() && found == after.len() && time(before) == time(after) {
        return Ok(());
    }
    Err(Error::Changed {
        path: shown(source),
        expected: before.len(),
        found: found.max(after.len()),
    })
}

pub(super) fn read_error(source: &TreePath, error: io::Error) -> Error {
    Error::Read {
        path: shown(source),
        source: error,
    }
}

/// Fills `buffer` as far as the file goes, so that what is looked at does not depend on how much a
/// single read gave.
fn fill(file: &mut dyn io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
