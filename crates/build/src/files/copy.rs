//! Contents: read once, to the digest, the CRC and the spool at the same time.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;

use enclair_digest::{Engine, Hasher as _, Sha256};
use enclair_tree::{Body, Spool, TreePath};

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
        let offset = self.spool.position();
        budget.check_content(source, offset, before.len())?;
        let (mut digest, mut crc) = (self.engine.sha256(), crc32fast::Hasher::new());
        let (mut found, mut kind) = (0_u64, None);
        loop {
            let count = fill(&mut file, &mut self.buffer).map_err(read)?;
            let bytes = self.buffer.get(..count).unwrap_or_default();
            kind.get_or_insert_with(|| (opaque::is_program(bytes), opaque::kind_of(bytes)));
            found = found.saturating_add(count as u64);
            // Compared before it is kept: a file that grows for ever would fill the disk.
            if count == 0 || found > before.len() {
                break;
            }
            digest.update(bytes);
            crc.update(bytes);
            self.spool.append(bytes).map_err(|error| Error::Spool {
                path: shown(source),
                source: error,
            })?;
        }
        let after = file.metadata().map_err(read)?;
        check_unchanged(source, &before, &after, found)?;
        let (executable, opaque) = kind.unwrap_or_default();
        Ok(Copied {
            body: Body::Spooled {
                offset,
                len: found,
                crc32: crc.finalize(),
            },
            sha256: digest.finish(),
            executable,
            opaque,
        })
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
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
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
