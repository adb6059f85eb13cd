//! The ramdisk's bytes with a position, and with a look ahead that takes nothing.

use std::io::{self, BufRead, Read};

/// How far the look ahead reaches.
const AHEAD: usize = 6;

/// A reader that counts, and that can show its next six bytes.
///
/// A `BufRead` may show one byte at a time however often it is asked, so bytes that were looked at
/// are kept here until they are read.
#[derive(Debug)]
pub(crate) struct Input<R> {
    inner: R,
    ahead: Vec<u8>,
    offset: u64,
}

impl<R: BufRead> Input<R> {
    pub(crate) const fn new(inner: R) -> Self {
        Self {
            inner,
            ahead: Vec::new(),
            offset: 0,
        }
    }

    /// Bytes read so far.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next bytes: six, or fewer at the end.
    pub(crate) fn peek(&mut self) -> io::Result<&[u8]> {
        let missing = AHEAD.saturating_sub(self.ahead.len());
        let missing = u64::try_from(missing).unwrap_or(0);
        (&mut self.inner)
            .take(missing)
            .read_to_end(&mut self.ahead)?;
        Ok(&self.ahead)
    }
}

impl<R: BufRead> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let count = self.inner.read(buffer)?;
            self.offset = self.offset.saturating_add(to_u64(count));
            return Ok(count);
        }
        let count = self.ahead.as_slice().read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() {
            return self.inner.fill_buf();
        }
        Ok(&self.ahead)
    }

    fn consume(&mut self, count: usize) {
        self.offset = self.offset.saturating_add(to_u64(count));
        if self.ahead.is_empty() {
            self.inner.consume(count);
        } else {
            self.ahead.drain(..count.min(self.ahead.len()));
        }
    }
}

pub(crate) fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
