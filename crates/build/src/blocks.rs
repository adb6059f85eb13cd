//! Writes in whole blocks at multiples of their size.
//!
//! Not a [`BufWriter`](io::BufWriter): that writes what it has as soon as the next piece does not
//! fit, so that every write starts and ends somewhere. A file system then keeps the file in many
//! small pieces of its cache, which costs more than the copy that fills up a block.

use std::io::{self, Write};

/// Bytes in one block.
pub(crate) const BLOCK: usize = 256 << 10;

/// Gathers pieces of any size into blocks.
///
/// What is gathered and not yet written is lost when this is dropped: [`Write::flush`] writes it.
#[derive(Debug)]
pub(crate) struct BlockWriter<W> {
    out: W,
    pending: Vec<u8>,
}

impl<W: Write> BlockWriter<W> {
    /// Writes to `out`, which stands at the start of its file.
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            pending: Vec::with_capacity(BLOCK),
        }
    }

    /// What is gathered and not yet written.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending
    }

    /// The writer inside, to look at.
    pub(crate) const fn get_ref(&self) -> &W {
        &self.out
    }

    /// The writer inside, without what is pending.
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    fn write_pending(&mut self) -> io::Result<()> {
        self.out.write_all(&self.pending)?;
        self.pending.clear();
        Ok(())
    }
}

impl<W: Write> Write for BlockWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.pending.is_empty() && bytes.len() >= BLOCK {
            let whole = bytes.get(..bytes.len() / BLOCK * BLOCK).unwrap_or_default();
            self.out.write_all(whole)?;
            return Ok(whole.len());
        }
        let room = BLOCK.saturating_sub(self.pending.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.pending.extend_from_slice(taken);
        if self.pending.len() == BLOCK {
            self.write_pending()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_pending()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes what it is given, piece by piece.
    #[derive(Debug, Default)]
    struct Pieces(Vec<Vec<u8>>);

    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_writes_but_the_last_are_whole_blocks_and_nothing_is_lost() {
        let mut writer = BlockWriter::new(Pieces::default());
        let mut expected = Vec::new();
        let lengths = [1, BLOCK - 1, 7, BLOCK - 7, 3 * BLOCK + 5, 2 * BLOCK, 0, 100];
        for (byte, length) in (1_u8..).zip(lengths) {
            let bytes = vec![byte; length];
            writer.write_all(&bytes).unwrap();
            expected.extend(bytes);
            let written: usize = writer.get_ref().0.iter().map(Vec::len).sum();
            assert_eq!(written + writer.pending().len(), expected.len());
        }
        writer.flush().unwrap();
        assert!(writer.pending().is_empty());
        let pieces = writer.into_inner().0;
        assert!(pieces.concat() == expected);
        let (last, whole) = pieces.split_last().unwrap();
        assert!(whole.iter().all(|piece| piece.len().is_multiple_of(BLOCK)));
        assert_eq!(last.len(), expected.len() % BLOCK);
    }

    #[test]
    fn an_error_of_the_output_arrives() {
        #[derive(Debug)]
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = BlockWriter::new(Full);
        writer.write_all(&[0; 100]).unwrap();
        let error = writer.flush().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let error = BlockWriter::new(Full)
            .write_all(&vec![0; BLOCK])
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
