//! The ar archive around a package: the little of it that deb(5) uses.
//!
//! The magic `!<arch>\n`, then members: a header of 60 bytes, the content, and a newline behind a
//! content of odd size. Only the names and sizes of members mean anything.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 16 | name, padded with spaces; GNU ar puts a `/` behind it |
//! | 16 | 12 + 6 + 6 + 8 | time, owner, group, mode: not read |
//! | 48 | 10 | size of the content in decimal digits, padded with spaces |
//! | 58 | 2 | `` `\n `` |
//!
//! The long names of BSD and GNU are not read: no member of a package has one, and a name that
//! begins with `/` or `#` is refused.

use std::io::{self, BufRead, Read};

use enclair_tree::Escaped;

use super::error::{ArProblem, DebError};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Reads the members of an archive in order, each to its end.
pub(super) struct Archive<'a> {
    inner: &'a mut dyn BufRead,
    offset: u64,
}

/// Name and size of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) size: u64,
    /// Where the header is, in bytes of the package.
    pub(super) offset: u64,
}

impl<'a> Archive<'a> {
    /// Reads the magic.
    pub(super) fn open(inner: &'a mut dyn BufRead) -> Result<Self, DebError> {
        let mut archive = Self { inner, offset: 0 };
        let mut magic = [0; MAGIC.len()];
        let read = archive.read_some(&mut magic)?;
        let found = magic.get(..read).unwrap_or_default();
        if found == MAGIC {
            return Ok(archive);
        }
        let found = Escaped(found).to_string();
        Err(DebError::ar(0, ArProblem::Magic { found }))
    }

    /// Bytes that were read.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next member; `None` where the archive ends. The one before was read to its end.
    pub(super) fn next_header(&mut self) -> Result<Option<Header>, DebError> {
        let offset = self.offset;
        let mut block = [0; HEADER];
        let read = self.read_some(&mut block)?;
        if read == 0 {
            return Ok(None);
        }
        if read < HEADER {
            return Err(DebError::ar(offset, ArProblem::HeaderCut { found: read }));
        }
        let refuse = |problem| DebError::ar(offset, problem);
        let (name, size) = parse_header(&block).map_err(refuse)?;
        Ok(Some(Header { name, size, offset }))
    }

    /// Reads the content of `header`, which was the last that [`Archive::next_header`] gave.
    pub(super) fn content(&mut self, header: &Header) -> Content<'_, 'a> {
        Content {
            left: header.size,
            archive: self,
        }
    }

    /// Reads what fills up a content of odd size.
    pub(super) fn finish(&mut self, header: &Header) -> Result<(), DebError> {
        if header.size.is_multiple_of(2) {
            return Ok(());
        }
        let mut byte = [0];
        if self.read_some(&mut byte)? == 1 && byte == *b"\n" {
            return Ok(());
        }
        let problem = ArProblem::Padding {
            name: header.name.clone(),
        };
        Err(DebError::ar(header.offset, problem))
    }

    /// Fills `buffer` as far as the archive goes.
    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, DebError> {
        let offset = self.offset;
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.inner.read(rest) {
                Ok(0) => break,
                Ok(count) => {
                    filled = filled.saturating_add(count);
                    self.advance(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(DebError::Read { offset, source }),
            }
        }
        Ok(filled)
    }

    fn advance(&mut self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_add(count);
    }
}

/// The content of one member. Ends early with `UnexpectedEof`, never quietly.
pub(super) struct Content<'m, 'a> {
    archive: &'m mut Archive<'a>,
    left: u64,
}

impl BufRead for Content<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let bytes = self.archive.inner.fill_buf()?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        Ok(bytes.get(..most.min(bytes.len())).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.archive.inner.consume(count);
        self.archive.advance(count);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(count);
    }
}

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

fn parse_header(block: &[u8; HEADER]) -> Result<(String, u64), ArProblem> {
    let field = |start: usize, end: usize| block.get(start..end).unwrap_or_default();
    if field(58, 60) != b"`\n" {
        let found = Escaped(field(58, 60)).to_string();
        return Err(ArProblem::HeaderEnd { found });
    }
    let name = field(0, 16).trim_ascii_end();
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
    if name.is_empty() || !name.iter().all(allowed) {
        let found = Escaped(field(0, 16)).to_string();
        return Err(ArProblem::Name { found });
    }
    let digits = field(48, 58).trim_ascii_end();
    let size = Some(digits)
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let size = size.ok_or_else(|| ArProblem::Size {
        found: Escaped(field(48, 58)).to_string(),
    })?;
    Ok((String::from_utf8_lossy(name).into_owned(), size))
}
