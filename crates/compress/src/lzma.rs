//! One .lzma member: a 13-byte header and a range-coded stream.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 1 | properties: `(pb * 5 + lp) * 9 + lc` |
//! | 1 | 4 | dictionary size, little-endian |
//! | 5 | 8 | content size, little-endian; all ones = unknown, an end marker follows |
//!
//! The surprise: a range decoder looks ahead, and the library takes up to 40 bytes that may turn
//! out to lie behind the end, for good. Something may follow a member in a ramdisk. So the last
//! bytes that the library took stay in the input until it has taken others. Where a buffer ends
//! they cannot stay: then the library is asked to finish on what it holds, and only when it
//! cannot, so that all of it belongs to the member, are they consumed.

use std::fmt;

use lzma_rust2::{Action, LzmaStream, Status};

use crate::error::Rule;
use crate::push::{LZMA_LIMIT_KIB, Push, Step, lzma_error};
use crate::{Error, Format};

/// More bytes than the library holds without having used them.
const HELD: usize = 64;

pub(crate) struct Lzma {
    stream: LzmaStream,
    /// Bytes at the beginning of the input that the library has taken already.
    taken: usize,
}

impl Lzma {
    pub(crate) fn new() -> Self {
        Self {
            stream: LzmaStream::new_mem_limit(LZMA_LIMIT_KIB, None),
            taken: 0,
        }
    }

    fn process(&mut self, fresh: &[u8], output: &mut [u8], action: Action) -> Result<Step, Error> {
        let result = self
            .stream
            .process(fresh, output, action)
            .map_err(|error| lzma_error(Format::Lzma, error))?;
        self.taken = self.taken.saturating_add(result.bytes_consumed);
        let end = result.status == Status::StreamEnd;
        let kept = if end {
            self.stream.unused_input().len()
        } else {
            self.taken.min(HELD)
        };
        let consumed = self
            .taken
            .checked_sub(kept)
            .ok_or_else(|| Error::corrupt(Format::Lzma, Rule::Stalled))?;
        self.taken = kept;
        Ok(Step {
            consumed,
            produced: result.bytes_produced,
            end,
        })
    }
}

impl fmt::Debug for Lzma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lzma")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl Push for Lzma {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Error> {
        if input.is_empty() {
            return self.process(input, output, Action::Finish);
        }
        let fresh = input.get(self.taken..).unwrap_or_default();
        if !fresh.is_empty() {
            let step = self.process(fresh, output, Action::Run)?;
            if step.produced > 0 || step.consumed > 0 || step.end {
                return Ok(step);
            }
            if self.taken < input.len() {
                return Err(Error::corrupt(Format::Lzma, Rule::Stalled));
            }
        }
        let mut step = self.process(&[], output, Action::Run)?;
        if step.produced == 0 && !step.end {
            step.consumed = step.consumed.saturating_add(self.taken);
            self.taken = 0;
        }
        Ok(step)
    }

    fn format(&self) -> Format {
        Format::Lzma
    }
}
