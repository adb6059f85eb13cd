//! Members of one format, one after another, until the input ends.

use std::io::{self, BufRead, Read};

use crate::error::Rule;
use crate::{Error, Format, Member};

/// Decodes a whole input: one member or several, as `pigz`, `pbzip2`, `pzstd` and concatenation
/// make them.
///
/// Zero padding is taken behind an xz stream, in multiples of 4 bytes, because the format allows
/// it. Anything else that follows a member and is not a further member is an error.
#[derive(Debug)]
pub struct Stream<R> {
    member: Member<R>,
    ended: bool,
}

impl<R: BufRead> Stream<R> {
    /// A decoder of all of `input`; nothing is read yet.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when there is no decoder for `format`.
    pub fn new(format: Format, input: R) -> Result<Self, Error> {
        let member = Member::new(format, input)?;
        Ok(Self {
            member,
            ended: false,
        })
    }

    /// The format that is decoded.
    pub const fn format(&self) -> Format {
        self.member.format()
    }

    /// The reader inside, wherever it is now.
    pub fn into_inner(self) -> R {
        self.member.into_inner()
    }

    /// Looks behind a member that has ended, and begins the next if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let format = self.member.format();
        if format == Format::Xz {
            self.skip_padding()?;
        }
        match self.member.input().fill_buf()?.first() {
            None => self.ended = true,
            Some(byte) if format.continues_with(*byte) => self.member.restart()?,
            Some(_) => return Err(Error::Trailing { format }.into()),
        }
        Ok(())
    }

    fn skip_padding(&mut self) -> io::Result<()> {
        let mut phase = 0;
        loop {
            let available = self.member.input().fill_buf()?;
            let zeros = available.iter().take_while(|byte| **byte == 0).count();
            let stopped = zeros < available.len() || available.is_empty();
            self.member.input().consume(zeros);
            phase = zeros.wrapping_add(phase) % 4;
            if !stopped {
                continue;
            }
            if phase != 0 {
                return Err(Error::corrupt(Format::Xz, Rule::Padding).into());
            }
            return Ok(());
        }
    }
}

impl<R: BufRead> Read for Stream<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        if output.is_empty() {
            return Ok(0);
        }
        while !self.ended {
            let count = self.member.read(output)?;
            if count > 0 {
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}
