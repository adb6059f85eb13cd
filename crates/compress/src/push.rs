//! Decoders that are handed bytes: gzip, bzip2 and xz, and the loop that feeds them.
//!
//! Feeding them here, rather than letting a library read, keeps errors of the input apart from
//! errors of the format, and stops exactly behind a member.

use std::fmt;
use std::io::{self, BufRead};

use flate2::FlushDecompress;
use lzma_rust2::{Action, XzStream};

use crate::error::Rule;
use crate::{Error, Format, MEMORY_LIMIT};

/// What one step did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// Bytes of the input that belong to the member and are done with.
    pub(crate) consumed: usize,
    /// Bytes put into the output.
    pub(crate) produced: usize,
    /// Whether the member is complete.
    pub(crate) end: bool,
}

/// A decoder that is handed bytes.
pub(crate) trait Push {
    /// Decodes from `input` into `output`. An empty `input` means that there is no more.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Error>;

    /// The format, for errors.
    fn format(&self) -> Format;
}

/// Feeds `decoder` until it gives bytes or ends: how many, and whether it has ended. `output` is
/// not empty.
pub(crate) fn pump(
    decoder: &mut impl Push,
    input: &mut impl BufRead,
    output: &mut [u8],
) -> io::Result<(usize, bool)> {
    loop {
        let available = input.fill_buf()?;
        let at_end = available.is_empty();
        let step = decoder.step(available, output)?;
        input.consume(step.consumed);
        if step.produced > 0 || step.end {
            return Ok((step.produced, step.end));
        }
        let format = decoder.format();
        if at_end {
            return Err(Error::Truncated { format }.into());
        }
        if step.consumed == 0 {
            return Err(Error::corrupt(format, Rule::Stalled).into());
        }
    }
}

/// The difference of two running totals that both fit the buffers they count.
fn advance(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

/// One gzip member; the library checks header, CRC-32 and size.
#[derive(Debug)]
pub(crate) struct Gzip(flate2::Decompress);

impl Gzip {
    pub(crate) fn new() -> Self {
        Self(flate2::Decompress::new_gzip(15))
    }
}

impl Push for Gzip {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Error> {
        let before = (self.0.total_in(), self.0.total_out());
        let status = self
            .0
            .decompress(input, output, FlushDecompress::None)
            .map_err(|cause| Error::corrupt(Format::Gzip, cause))?;
        Ok(Step {
            consumed: advance(before.0, self.0.total_in()),
            produced: advance(before.1, self.0.total_out()),
            end: status == flate2::Status::StreamEnd,
        })
    }

    fn format(&self) -> Format {
        Format::Gzip
    }
}

/// One bzip2 stream; the library checks the block and stream CRCs.
pub(crate) struct Bzip2(bzip2::Decompress);

impl Bzip2 {
    pub(crate) fn new() -> Self {
        Self(bzip2::Decompress::new(false))
    }
}

impl fmt::Debug for Bzip2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bzip2").finish_non_exhaustive()
    }
}

impl Push for Bzip2 {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Error> {
        let before = (self.0.total_in(), self.0.total_out());
        let status = self
            .0
            .decompress(input, output)
            .map_err(|cause| Error::corrupt(Format::Bzip2, cause))?;
        Ok(Step {
            consumed: advance(before.0, self.0.total_in()),
            produced: advance(before.1, self.0.total_out()),
            end: status == bzip2::Status::StreamEnd,
        })
    }

    fn format(&self) -> Format {
        Format::Bzip2
    }
}

/// The limit that the LZMA decoders get, in KiB: the dictionary and their own tables.
pub(crate) const LZMA_LIMIT_KIB: u32 = (128 + 1) << 10;

/// An error of the LZMA library, which reports everything as an I/O error.
pub(crate) fn lzma_error(format: Format, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::OutOfMemory {
        let limit = MEMORY_LIMIT;
        return Error::Memory { format, limit };
    }
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Error::Truncated { format };
    }
    Error::corrupt(format, error)
}

/// One xz stream; the library checks headers, index and the check of every block.
pub(crate) struct Xz(XzStream);

impl Xz {
    pub(crate) fn new() -> Self {
        Self(XzStream::new_mem_limit(false, LZMA_LIMIT_KIB))
    }
}

impl fmt::Debug for Xz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Xz").finish_non_exhaustive()
    }
}

impl Push for Xz {
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Error> {
        let action = if input.is_empty() {
            Action::Finish
        } else {
            Action::Run
        };
        let result = self
            .0
            .process(input, output, action)
            .map_err(|error| lzma_error(Format::Xz, error))?;
        Ok(Step {
            consumed: result.bytes_consumed,
            produced: result.bytes_produced,
            end: result.status == lzma_rust2::Status::StreamEnd,
        })
    }

    fn format(&self) -> Format {
        Format::Xz
    }
}
