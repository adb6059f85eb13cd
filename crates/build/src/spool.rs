//! Where the bodies of unpacked files lie between reading the layers and writing the image.
//!
//! One nameless temporary file beside the output, so that it needs no more of the disk than the
//! image that will be written there, and so that a killed process leaves nothing behind.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use enclair_tree::Spool;
use thiserror::Error;

use crate::blocks::BlockWriter;

/// The temporary file cannot take more. Travels inside an [`io::Error`].
#[derive(Debug, Error)]
#[error("the temporary file in `{directory}` cannot be written", directory = directory.display())]
struct SpoolError {
    directory: PathBuf,
    #[source]
    source: io::Error,
}

/// A [`Spool`] in a file, and in the files of spools that it took over.
///
/// What was appended by several threads at once is in several files. The upper bits of an offset
/// say in which; those of a spool's own file are zero.
#[derive(Debug)]
pub struct FileSpool {
    directory: PathBuf,
    blocks: BlockWriter<File>,
    position: u64,
    adopted: Vec<FileSpool>,
}

/// Bits of an offset that are a place in one file: 256 TiB.
const PLACE_BITS: u32 = 48;

impl FileSpool {
    /// Makes an empty spool on the file system of `directory`.
    ///
    /// # Errors
    ///
    /// When no file can be created there.
    pub fn create(directory: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            blocks: BlockWriter::new(file),
            position: 0,
            adopted: Vec::new(),
        })
    }

    /// Makes another empty spool beside this one.
    pub(crate) fn beside(&self) -> io::Result<Self> {
        Self::create(&self.directory)
    }

    /// Takes over what is in `part`, and says what has to be added to its offsets. Whatever `part`
    /// took over itself is lost.
    pub(crate) fn adopt(&mut self, part: Self) -> u64 {
        self.adopted.push(part);
        (self.adopted.len() as u64) << PLACE_BITS
    }

    fn read_own(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let pending = self.blocks.pending();
        let written = self.position.saturating_sub(pending.len() as u64);
        let Some(left) = written.checked_sub(offset).filter(|left| *left > 0) else {
            let start = usize::try_from(offset - written).unwrap_or(usize::MAX);
            let tail = pending.get(start..).unwrap_or_default();
            return io::Read::read(&mut &*tail, buffer);
        };
        let count = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        self.blocks
            .get_ref()
            .read_at(buffer.get_mut(..count).unwrap_or_default(), offset)
    }
}

impl Spool for FileSpool {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.blocks.write_all(bytes).map_err(|source| {
            let directory = self.directory.clone();
            io::Error::new(source.kind(), SpoolError { directory, source })
        })?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(part) = (offset >> PLACE_BITS).checked_sub(1) else {
            return self.read_own(offset, buffer);
        };
        let part = usize::try_from(part)
            .ok()
            .and_then(|part| self.adopted.get(part));
        let place = offset & ((1 << PLACE_BITS) - 1);
        part.map_or(Ok(0), |part| part.read_own(place, buffer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::BLOCK;

    #[test]
    fn bytes_come_back_from_the_file_from_memory_and_across_the_border() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = FileSpool::create(directory.path()).unwrap();
        let mut expected = Vec::new();
        let lengths = [1, BLOCK - 1, 7, BLOCK, 3 * BLOCK, 100];
        for (byte, length) in (1_u8..).zip(lengths) {
            let bytes = vec![byte; length];
            spool.append(&bytes).unwrap();
            expected.extend(bytes);
        }
        assert_eq!(spool.position(), expected.len() as u64);
        let mut all = Vec::new();
        let mut buffer = vec![0; 10_007];
        loop {
            match spool.read_at(all.len() as u64, &mut buffer).unwrap() {
                0 => break,
                count => all.extend_from_slice(&buffer[..count]),
            }
        }
        assert!(all == expected);
        assert_eq!(spool.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    }
    #[test]
    fn what_was_taken_over_is_read_at_shifted_offsets() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = FileSpool::create(directory.path()).unwrap();
        spool.append(b"own").unwrap();
        let mut shifts = Vec::new();
        for content in [&b"first"[..], b"second"] {
            let mut part = spool.beside().unwrap();
            part.append(content).unwrap();
            shifts.push(spool.adopt(part));
        }
        spool.append(b" more").unwrap();
        let read = |offset| {
            let mut buffer = [0; 16];
            let count = spool.read_at(offset, &mut buffer).unwrap();
            String::from_utf8(buffer[..count].to_vec()).unwrap()
        };
        assert_eq!(spool.position(), 8);
        assert_eq!(read(0), "own more");
        assert_eq!(read(shifts[0]), "first");
        assert_eq!(read(shifts[1] + 3), "ond");
        assert_eq!(read(shifts[1] + 6), "");
        assert_eq!(read(3 << PLACE_BITS), "");
    }
}
