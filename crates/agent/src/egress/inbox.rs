//! A stream whose beginning is read until it says what it is, with a bound on how much that is.

use std::io;

use crate::stream::Stream;

/// Bytes that are read at once.
const PIECE: usize = 4 * 1024;
/// Bytes that are kept before it is known what they are.
const MAX_KEPT: usize = 16 * 1024;

/// The stream, and what was read of it and nobody has taken.
#[derive(Debug)]
pub(super) struct Inbox {
    stream: Stream,
    kept: Vec<u8>,
}

impl Inbox {
    pub(super) const fn new(stream: Stream) -> Self {
        Self {
            stream,
            kept: Vec::new(),
        }
    }

    /// Reads more. The end, and more than is kept, are errors.
    pub(super) async fn fill(&mut self) -> io::Result<()> {
        let mut piece = [0; PIECE];
        let room = MAX_KEPT.saturating_sub(self.kept.len()).min(PIECE);
        if room == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let read = self
            .stream
            .read(piece.get_mut(..room).unwrap_or_default())
            .await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.kept
            .extend_from_slice(piece.get(..read).unwrap_or_default());
        Ok(())
    }

    /// What was read and not taken.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Takes the first `length` bytes, of those that are kept.
    pub(super) fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.kept.split_off(length.min(self.kept.len()));
        std::mem::replace(&mut self.kept, rest)
    }

    /// Takes the next `N` bytes, whenever they come.
    pub(super) async fn exact<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        while self.kept.len() < N {
            self.fill().await?;
        }
        let mut bytes = [0; N];
        for (to, from) in bytes.iter_mut().zip(self.take(N)) {
            *to = from;
        }
        Ok(bytes)
    }

    /// Takes the next `length` bytes, whenever they come.
    pub(super) async fn bytes(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.kept.len() < length {
            self.fill().await?;
        }
        Ok(self.take(length))
    }

    pub(super) const fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The stream, and what was read of it and nobody has taken.
    pub(super) fn into_parts(self) -> (Stream, Vec<u8>) {
        (self.stream, self.kept)
    }
}
