//! Reads one newc archive that anybody wrote.
//!
//! Names are given as they are stored, `./` and leading `/` included: what they mean is for the
//! caller. What is refused is what two readers could understand in two ways.

use std::io::{self, BufRead, Read};

use enclair_digest::Limits;

use crate::archive::{Allowance, Archive, Found};
use crate::{Error, Header};

/// An entry, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name as stored, without its NUL.
    pub path: Vec<u8>,
    /// The numbers of the header.
    pub header: Header,
    /// Where the header begins, in bytes from the beginning of the archive; in a ramdisk, from the
    /// beginning of the decoded segment.
    pub offset: u64,
}

/// How far an archive has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Failed,
}

/// Reads one archive up to its trailer. The body of the current entry is read through
/// [`Read`], which ends at the body's size.
#[derive(Debug)]
pub struct Reader<R> {
    archive: Archive<R>,
    state: State,
}

impl<R: BufRead> Reader<R> {
    /// An archive that begins where `input` stands.
    pub fn new(input: R, limits: Limits) -> Self {
        let limits = Allowance {
            entries: limits.entries,
            bytes: limits.unpacked_bytes,
        };
        Self {
            archive: Archive::new(input, limits, limits),
            state: State::Open,
        }
    }

    /// Passes over the rest of the current entry and gives the next; `None` is the trailer.
    ///
    /// # Errors
    ///
    /// Everything of [`Error`] that concerns one archive. After an error the archive cannot be
    /// read on.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Error> {
        match self.state {
            State::Ended => return Ok(None),
            State::Failed => return Err(Error::Failed),
            State::Open => {}
        }
        let found = self.advance();
        self.state = match found {
            Ok(Some(_)) => State::Open,
            Ok(None) => State::Ended,
            Err(_) => State::Failed,
        };
        found
    }

    /// The reader inside: after `None` from [`next_entry`](Self::next_entry), directly behind the
    /// trailer and its padding to 4 bytes.
    pub fn into_inner(self) -> R {
        self.archive.into_inner()
    }

    fn advance(&mut self) -> Result<Option<Entry>, Error> {
        self.archive.skip_entry()?;
        if self.archive.peek()?.is_none() {
            let offset = self.archive.offset();
            return Err(Error::NoTrailer { offset });
        }
        Ok(match self.archive.next()? {
            Found::Entry(entry) => Some(entry),
            Found::Trailer => None,
        })
    }
}

impl<R: BufRead> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.state == State::Failed {
            return Err(Error::Failed.into_io());
        }
        match self.archive.read_body(buffer) {
            Ok(count) => Ok(count),
            Err(error) => {
                let error = error.into_io();
                if error.kind() != io::ErrorKind::Interrupted {
                    self.state = State::Failed;
                }
                Err(error)
            }
        }
    }
}
