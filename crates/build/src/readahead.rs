//! A reader that runs on a thread of its own, a few chunks ahead of whoever reads from it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};

/// Bytes in one chunk.
const CHUNK: usize = 256 << 10;
/// Chunks that may wait.
const QUEUE: usize = 4;

/// Reads from another thread. An error arrives where it happened in the stream; dropping the
/// reader ends the thread at its next chunk. Buffers go back to be filled again.
#[derive(Debug)]
pub(crate) struct ReadAhead {
    chunks: Receiver<io::Result<Vec<u8>>>,
    emptied: Sender<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
    ended: bool,
}

impl ReadAhead {
    pub(crate) fn new(mut inner: Box<dyn Read + Send>) -> Self {
        let (sender, chunks) = sync_channel(QUEUE);
        let (emptied, empty) = channel();
        std::thread::spawn(move || {
            loop {
                let chunk = read_chunk(&mut inner, empty.try_recv().unwrap_or_default());
                let last = !matches!(&chunk, Ok(bytes) if !bytes.is_empty());
                if sender.send(chunk).is_err() || last {
                    return;
                }
            }
        });
        Self {
            chunks,
            emptied,
            current: Vec::new(),
            position: 0,
            ended: false,
        }
    }
}

/// As much as a chunk holds; empty only at the end. An error after some bytes is found again by
/// the next call: the readers that are used here fail for good.
fn read_chunk(inner: &mut dyn Read, mut chunk: Vec<u8>) -> io::Result<Vec<u8>> {
    chunk.resize(CHUNK, 0);
    let mut filled = 0;
    while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match inner.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    chunk.truncate(filled);
    Ok(chunk)
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.current.len() && !self.ended {
            // A thread that is gone without a last word has panicked.
            let gone = || Err(io::Error::other("the decoder stopped"));
            let next = self.chunks.recv().unwrap_or_else(|_| gone())?;
            // A thread that has ended takes none back.
            drop(
                self.emptied
                    .send(std::mem::replace(&mut self.current, next)),
            );
            self.position = 0;
            self.ended = self.current.is_empty();
        }
        let rest = self.current.get(self.position..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.position += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_the_other_thread_read() {
        let bytes: Vec<u8> = (0..=250_u8).cycle().take(3 * CHUNK + 17).collect();
        let mut reader = ReadAhead::new(Box::new(io::Cursor::new(bytes.clone())));
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == bytes);
        assert_eq!(reader.read(&mut [0; 4]).unwrap(), 0);
    }

    #[test]
    fn an_error_of_the_other_thread_arrives() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::InvalidData, "broken"))
            }
        }
        let error = ReadAhead::new(Box::new(Fails))
            .read(&mut [0; 4])
            .unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
}
