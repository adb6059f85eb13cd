//! What the decoders that read for themselves read from.

use std::io::{self, BufRead, Read};

use crate::error::Rule;
use crate::{Error, Format};

/// The input of one call, which remembers why it stopped.
///
/// A decoding library wraps or replaces the errors of its input. This keeps the original, so that
/// a broken pipe is not called damaged data.
#[derive(Debug)]
pub(crate) struct Source<'a, R> {
    input: &'a mut R,
    format: Format,
    error: Option<io::Error>,
    ended: bool,
}

impl<'a, R: BufRead> Source<'a, R> {
    pub(crate) const fn new(input: &'a mut R, format: Format) -> Self {
        Self {
            input,
            format,
            error: None,
            ended: false,
        }
    }

    /// The error to report when a decoder that reads from here failed with `error`.
    pub(crate) fn explain(&mut self, error: Error) -> io::Error {
        if let Some(original) = self.error.take() {
            return original;
        }
        if self.ended {
            let format = self.format;
            return Error::Truncated { format }.into();
        }
        error.into()
    }

    /// Fills `buffer`, or says that the member is truncated.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        match self.read_exact(buffer) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.explain(Error::corrupt(self.format, Rule::Header))),
        }
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The next four bytes, or what there is before the input ends.
    pub(crate) fn up_to_four(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(4);
        (&mut *self.input).take(4).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Passes over `count` bytes.
    pub(crate) fn skip(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut (&mut *self.input).take(count), &mut io::sink())?;
        if skipped == count {
            return Ok(());
        }
        let format = self.format;
        Err(Error::Truncated { format }.into())
    }
}

impl<R: BufRead> Read for Source<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buffer) {
            Ok(0) if !buffer.is_empty() => {
                self.ended = true;
                Ok(0)
            }
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let kind = error.kind();
                self.error = Some(error);
                Err(kind.into())
            }
            outcome => outcome,
        }
    }
}
