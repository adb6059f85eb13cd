//! Entries one after another: what the reader of one archive and the walker of a ramdisk share.
//!
//! Everything that is taken from the input is counted here and compared with the limits, whether
//! it is read or passed over.

use std::io::{self, BufRead};

use crate::header::padding;
use crate::input::to_u64;
use crate::{Entry, Error, FileType, Header, Magic, Part, TRAILER};

/// The largest name size, with the NUL: the kernel's `PATH_MAX`.
const LARGEST_NAME: u32 = 4096;

/// What stands at a place where an entry may begin.
#[derive(Debug)]
pub(crate) enum Found {
    Entry(Entry),
    Trailer,
}

/// The body of the current entry, as far as it is not read.
#[derive(Debug, Default)]
struct Rest {
    /// Where the entry's header begins.
    start: u64,
    body: u64,
    padding: u64,
    /// The declared and the running sum, where there is one.
    check: Option<(u32, u32)>,
}

/// How much may be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

/// An input that holds entries.
#[derive(Debug)]
pub(crate) struct Archive<R> {
    input: R,
    offset: u64,
    left: Allowance,
    limits: Allowance,
    rest: Rest,
}

impl<R: BufRead> Archive<R> {
    /// Entries from where `input` stands. `left` is what may still be taken of `limits`.
    pub(crate) fn new(input: R, left: Allowance, limits: Allowance) -> Self {
        Self {
            input,
            offset: 0,
            left,
            limits,
            rest: Rest::default(),
        }
    }

    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) const fn left(&self) -> Allowance {
        self.left
    }

    pub(crate) fn into_inner(self) -> R {
        self.input
    }

    /// The next byte, or `None` at the end of the input.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, Error> {
        let byte = self.fill_buf()?.first().copied();
        Ok(byte)
    }

    /// Passes over zeros.
    pub(crate) fn skip_zeros(&mut self) -> Result<(), Error> {
        loop {
            let available = self.fill_buf()?;
            let zeros = available.iter().take_while(|byte| **byte == 0).count();
            let all = zeros == available.len();
            if zeros == 0 {
                return Ok(());
            }
            self.take(zeros)?;
            if !all {
                return Ok(());
            }
        }
    }

    /// The header and name that begin here.
    pub(crate) fn next(&mut self) -> Result<Found, Error> {
        let offset = self.offset;
        let mut bytes = [0; Header::LEN];
        self.read_part(&mut bytes, Part::Header)?;
        let header = Header::parse(&bytes, offset)?;
        let path = self.read_name(header, offset)?;
        if path == TRAILER {
            if header.size != 0 {
                let size = header.size;
                return Err(Error::TrailerBody { offset, size });
            }
            return Ok(Found::Trailer);
        }
        self.left.entries = self.left.entries.checked_sub(1).ok_or(Error::Entries {
            offset,
            limit: self.limits.entries,
        })?;
        self.rest = Rest {
            start: offset,
            body: header.size.into(),
            padding: padding(header.size.into(), 4),
            check: is_checked(&header).then_some((header.check, 0)),
        };
        self.verify_check()?;
        Ok(Found::Entry(Entry {
            path,
            header,
            offset,
        }))
    }

    /// The name with its padding, without its NUL.
    fn read_name(&mut self, header: Header, offset: u64) -> Result<Vec<u8>, Error> {
        let found = header.name_size;
        if found == 0 || found > LARGEST_NAME {
            return Err(Error::NameSize { offset, found });
        }
        let mut name = vec![0; usize::try_from(found).unwrap_or(0)];
        self.read_part(&mut name, Part::Name)?;
        let unaligned = to_u64(Header::LEN).saturating_add(found.into());
        self.skip(padding(unaligned, 4), Part::Name)?;
        match name.iter().position(|byte| *byte == 0) {
            None => Err(Error::NameEnd { offset }),
            Some(position) if position.saturating_add(1) < name.len() => {
                if name.last() != Some(&0) {
                    return Err(Error::NameEnd { offset });
                }
                Err(Error::NameNul { offset, position })
            }
            Some(position) => {
                name.truncate(position);
                Ok(name)
            }
        }
    }

    /// Reads from the current body; 0 at its end.
    pub(crate) fn read_body(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let wanted = usize::try_from(self.rest.body).unwrap_or(usize::MAX);
        let wanted = wanted.min(buffer.len());
        let Some(buffer) = buffer.get_mut(..wanted).filter(|some| !some.is_empty()) else {
            return Ok(0);
        };
        let offset = self.offset;
        let count = match self.input.read(buffer) {
            Ok(0) => {
                let part = Part::Body;
                return Err(Error::Truncated { offset, part });
            }
            Ok(count) => count,
            Err(source) => return Err(Error::Read { offset, source }),
        };
        self.note(count)?;
        self.add_body(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }

    /// Passes over the rest of the current entry.
    pub(crate) fn skip_entry(&mut self) -> Result<(), Error> {
        while self.rest.body > 0 {
            let left = usize::try_from(self.rest.body).unwrap_or(usize::MAX);
            let offset = self.offset;
            let available = retry(|| self.input.fill_buf().map(<[u8]>::len), offset)?;
            let count = available.min(left);
            if count == 0 {
                let part = Part::Body;
                return Err(Error::Truncated { offset, part });
            }
            self.skip_body(count)?;
        }
        let padding = std::mem::take(&mut self.rest.padding);
        self.skip(padding, Part::Body)
    }

    /// Takes `count` bytes of the body that the input already shows.
    fn skip_body(&mut self, count: usize) -> Result<(), Error> {
        let sum = if self.rest.check.is_some() {
            sum(self.fill_buf()?.get(..count).unwrap_or_default())
        } else {
            0
        };
        self.take(count)?;
        self.advance_body(count, sum)
    }

    fn add_body(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let sum = self.rest.check.map_or(0, |_| sum(bytes));
        self.advance_body(bytes.len(), sum)
    }

    fn advance_body(&mut self, count: usize, sum: u32) -> Result<(), Error> {
        self.rest.body = self.rest.body.saturating_sub(to_u64(count));
        if let Some((_, running)) = &mut self.rest.check {
            *running = running.wrapping_add(sum);
        }
        self.verify_check()
    }

    /// Compares the sums when the body is complete.
    fn verify_check(&mut self) -> Result<(), Error> {
        if self.rest.body > 0 {
            return Ok(());
        }
        match self.rest.check.take() {
            Some((expected, found)) if expected != found => {
                let offset = self.rest.start;
                Err(Error::Check {
                    offset,
                    expected,
                    found,
                })
            }
            _ => Ok(()),
        }
    }

    fn read_part(&mut self, buffer: &mut [u8], part: Part) -> Result<(), Error> {
        let offset = self.offset;
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let count = retry(|| self.input.read(rest), offset)?;
            if count == 0 {
                let offset = self.offset;
                return Err(Error::Truncated { offset, part });
            }
            filled = filled.saturating_add(count);
            self.note(count)?;
        }
        Ok(())
    }

    fn skip(&mut self, count: u64, part: Part) -> Result<(), Error> {
        let mut padding = [0; 4];
        let count = usize::try_from(count).unwrap_or(0);
        match padding.get_mut(..count) {
            Some(buffer) => self.read_part(buffer, part),
            None => Ok(()),
        }
    }

    fn fill_buf(&mut self) -> Result<&[u8], Error> {
        let offset = self.offset;
        retry(|| self.input.fill_buf().map(|_| ()), offset)?;
        let shown = self.input.fill_buf();
        shown.map_err(|source| Error::Read { offset, source })
    }

    fn take(&mut self, count: usize) -> Result<(), Error> {
        self.input.consume(count);
        self.note(count)
    }

    /// Counts what was taken from the input.
    fn note(&mut self, count: usize) -> Result<(), Error> {
        let count = to_u64(count);
        self.offset = self.offset.saturating_add(count);
        self.left.bytes = self.left.bytes.checked_sub(count).ok_or(Error::Unpacked {
            offset: self.offset,
            limit: self.limits.bytes,
        })?;
        Ok(())
    }
}

/// Whether the check field is used. Only files have one: GNU cpio writes zero for a symlink, and
/// the kernel compares for files only.
fn is_checked(header: &Header) -> bool {
    header.magic == Magic::Crc && header.file_type() == Some(FileType::Regular)
}

/// Repeats a call that was interrupted.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>, offset: u64) -> Result<T, Error> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome.map_err(|source| Error::Read { offset, source }),
        }
    }
}

/// The sum of bytes, modulo 2^32.
fn sum(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |sum: u32, byte| sum.wrapping_add(u32::from(*byte)))
}
