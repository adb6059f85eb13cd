//! The bytes of an archive, in blocks, with the offset for errors.

use std::io::{self, BufRead, BufReader, Read};

use super::problem::{Part, TarProblem};
use crate::body::{BodyWriter, CHUNK, clamp};
use crate::budget::check;
use crate::error::{Error, Resource};

/// Bytes of a block: headers are one, contents are padded to whole ones.
pub(super) const BLOCK: usize = 512;

/// One block.
pub(super) type Block = [u8; BLOCK];

/// Reads an archive in order. Buffered, so that contents go from here to the spool without
/// another copy.
pub(super) struct Source<'a> {
    inner: BufReader<&'a mut dyn Read>,
    pub(super) offset: u64,
    limit: u64,
}

impl<'a> Source<'a> {
    pub(super) fn new(inner: &'a mut dyn Read, limit: u64) -> Self {
        Self {
            inner: BufReader::with_capacity(CHUNK, inner),
            offset: 0,
            limit,
        }
    }

    /// The next bytes, at most `most`; none at the end.
    fn fill(&mut self, most: u64) -> Result<&[u8], Error> {
        let offset = self.offset;
        // Twice, because a returned borrow would last over the retry.
        loop {
            match self.inner.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::Read { offset, source }),
            }
        }
        let bytes = self.inner.buffer();
        Ok(bytes.get(..clamp(most, bytes.len())).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) -> Result<(), Error> {
        self.inner.consume(count);
        self.offset = self
            .offset
            .saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        check(
            self.offset,
            Resource::UnpackedBytes,
            self.offset,
            self.limit,
        )
    }

    /// Hands the next `count` bytes to `take`, piece by piece.
    fn pieces(
        &mut self,
        mut count: u64,
        part: Part,
        mut take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while count > 0 {
            let piece = self.fill(count)?;
            let len = piece.len();
            if len == 0 {
                return Err(Error::tar(self.offset, TarProblem::Truncated { part }));
            }
            take(piece)?;
            self.consume(len)?;
            count = count.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        }
        Ok(())
    }

    /// The next block; `None` at the end.
    pub(super) fn block(&mut self, part: Part) -> Result<Option<Block>, Error> {
        if self.fill(1)?.is_empty() {
            return Ok(None);
        }
        let mut block = [0; BLOCK];
        let mut filled = 0;
        self.pieces(512, part, |piece| {
            let places = block.iter_mut().skip(filled);
            places.zip(piece).for_each(|(place, byte)| *place = *byte);
            filled = filled.saturating_add(piece.len());
            Ok(())
        })?;
        Ok(Some(block))
    }

    /// The next `size` bytes and their padding. The caller has limited `size`.
    pub(super) fn document(&mut self, size: u64, part: Part) -> Result<Vec<u8>, Error> {
        let mut document = Vec::new();
        self.pieces(size, part, |piece| {
            document.extend_from_slice(piece);
            Ok(())
        })?;
        self.padding(size, part)?;
        Ok(document)
    }

    /// Appends the next `count` bytes to a body.
    pub(super) fn content(&mut self, count: u64, body: &mut BodyWriter<'_>) -> Result<(), Error> {
        self.pieces(count, Part::Content, |piece| body.append(piece))
    }

    /// Skips what fills up the last block of `size` bytes.
    pub(super) fn padding(&mut self, size: u64, part: Part) -> Result<(), Error> {
        self.pieces(padding(size), part, |_| Ok(()))
    }

    /// Reads to the end, and says whether there was anything but zeros.
    pub(super) fn drain(&mut self) -> Result<bool, Error> {
        let mut found = false;
        loop {
            let piece = self.fill(u64::MAX)?;
            let len = piece.len();
            if len == 0 {
                return Ok(found);
            }
            found |= piece.iter().any(|byte| *byte != 0);
            self.consume(len)?;
        }
    }
}

/// Bytes that are missing to whole blocks.
pub(super) const fn padding(size: u64) -> u64 {
    size.wrapping_neg() % 512
}
