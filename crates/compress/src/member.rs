//! One member of any format.

use std::io::{self, BufRead, Read};

use crate::lz4::{Lz4, Lz4Legacy};
use crate::lzma::Lzma;
use crate::push::{Bzip2, Gzip, Xz, pump};
use crate::zstd::Zstd;
use crate::{Error, Format};

/// The decoder of one member. Boxed, because some are tens of kilobytes.
#[derive(Debug)]
enum Engine {
    Gzip(Box<Gzip>),
    Zstd(Box<Zstd>),
    Xz(Box<Xz>),
    Lzma(Box<Lzma>),
    Bzip2(Box<Bzip2>),
    Lz4(Box<Lz4>),
    Lz4Legacy(Box<Lz4Legacy>),
}

impl Engine {
    fn new(format: Format) -> Result<Self, Error> {
        Ok(match format {
            Format::Gzip => Self::Gzip(Box::new(Gzip::new())),
            Format::Zstd => Self::Zstd(Box::new(Zstd::new())),
            Format::Xz => Self::Xz(Box::new(Xz::new())),
            Format::Lzma => Self::Lzma(Box::new(Lzma::new())),
            Format::Bzip2 => Self::Bzip2(Box::new(Bzip2::new())),
            Format::Lz4 => Self::Lz4(Box::new(Lz4::new())),
            Format::Lz4Legacy => Self::Lz4Legacy(Box::default()),
            Format::Lzo => return Err(Error::Unsupported { format }),
        })
    }
}

/// How far a member has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Failed,
}

/// Decodes one member: a gzip member, a zstd or lz4 frame, an xz or bzip2 stream, an .lzma file,
/// a legacy lz4 file.
///
/// When it reports the end, the reader inside stands exactly behind the member. Two things are
/// worth knowing:
///
/// - a skippable zstd or lz4 frame is a member without content;
/// - legacy lz4 has no end marker. Its member ends at the end of the input or at four zero bytes
///   in the place of a block size, which are taken as part of it (at the end of the input, fewer
///   will do); the magic in that place is taken too, and decoding goes on. Kernels do the same.
#[derive(Debug)]
pub struct Member<R> {
    input: R,
    format: Format,
    engine: Engine,
    state: State,
}

impl<R: BufRead> Member<R> {
    /// A decoder of the member that begins where `input` stands; nothing is read yet.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when there is no decoder for `format`.
    pub fn new(format: Format, input: R) -> Result<Self, Error> {
        let engine = Engine::new(format)?;
        let state = State::Open;
        Ok(Self {
            input,
            format,
            engine,
            state,
        })
    }

    /// The format that is decoded.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The reader inside: behind the member once that has reported its end, somewhere in it
    /// before.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// The reader inside, to look at.
    pub const fn get_ref(&self) -> &R {
        &self.input
    }

    /// The reader inside, behind a member that has ended.
    pub(crate) const fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Begins the next member.
    pub(crate) fn restart(&mut self) -> Result<(), Error> {
        self.engine = Engine::new(self.format)?;
        self.state = State::Open;
        Ok(())
    }

    /// Decodes, and says whether the member has ended.
    fn decode(&mut self, output: &mut [u8]) -> io::Result<(usize, bool)> {
        let input = &mut self.input;
        let count = match &mut self.engine {
            Engine::Gzip(engine) => return pump(&mut **engine, input, output),
            Engine::Xz(engine) => return pump(&mut **engine, input, output),
            Engine::Lzma(engine) => return pump(&mut **engine, input, output),
            Engine::Bzip2(engine) => return pump(&mut **engine, input, output),
            Engine::Zstd(engine) => engine.read(input, output)?,
            Engine::Lz4(engine) => engine.read(input, output)?,
            Engine::Lz4Legacy(engine) => engine.read(input, output)?,
        };
        Ok((count, count == 0))
    }
}

impl<R: BufRead> Read for Member<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if output.is_empty() {
            return Ok(0);
        }
        match self.state {
            State::Ended => return Ok(0),
            State::Failed => {
                let format = self.format;
                return Err(Error::Failed { format }.into());
            }
            State::Open => {}
        }
        match self.decode(output) {
            Ok((count, end)) => {
                if end {
                    self.state = State::Ended;
                }
                Ok(count)
            }
            Err(error) => {
                // Interrupted calls are repeated by the caller; nothing is lost between them.
                if error.kind() != io::ErrorKind::Interrupted {
                    self.state = State::Failed;
                }
                Err(error)
            }
        }
    }
}
