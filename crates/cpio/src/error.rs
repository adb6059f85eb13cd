//! What makes an archive or a ramdisk unreadable. Offsets are in bytes of the decoded archive
//! stream; [`Error::Segment`] says where in the ramdisk that stream begins.

use std::fmt;
use std::io;

use enclair_compress::Format;
use thiserror::Error;

use crate::Container;

/// Which part of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The 110 bytes of a header.
    Header,
    /// The name and its padding.
    Name,
    /// The body and its padding.
    Body,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "a header",
            Self::Name => "a name",
            Self::Body => "a body",
        })
    }
}

/// An archive or a ramdisk that cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The reader below failed, or a decoder did.
    #[error("offset {offset}: the archive cannot be read")]
    Read {
        /// Where.
        offset: u64,
        /// What the reader says.
        #[source]
        source: io::Error,
    },
    /// Six bytes that are neither `070701` nor `070702`.
    #[error("offset {offset}: expected the magic 070701 or 070702, found `{}`", found.escape_ascii())]
    Magic {
        /// Where the header begins.
        offset: u64,
        /// The six bytes.
        found: Vec<u8>,
    },
    /// A byte in a number that is no hexadecimal digit.
    #[error("offset {offset}: {field} has `{}`, which is no hexadecimal digit", found.escape_ascii())]
    Digit {
        /// Where the header begins.
        offset: u64,
        /// The field, in the words of the format's table.
        field: &'static str,
        /// The byte.
        found: u8,
    },
    /// A name of no bytes, or of more than 4096.
    #[error("offset {offset}: the name size is {found}, expected 1 to 4096")]
    NameSize {
        /// Where the header begins.
        offset: u64,
        /// The size with the NUL, in bytes.
        found: u32,
    },
    /// A name whose last byte is not NUL.
    #[error("offset {offset}: the name does not end with NUL")]
    NameEnd {
        /// Where the header begins.
        offset: u64,
    },
    /// A name with NUL before its last byte.
    #[error("offset {offset}: the name has NUL at position {position}, before its end")]
    NameNul {
        /// Where the header begins.
        offset: u64,
        /// The position in the name, from 0.
        position: usize,
    },
    /// The input ends inside an entry.
    #[error("offset {offset}: the archive ends inside {part}")]
    Truncated {
        /// Where the input ends.
        offset: u64,
        /// What is incomplete.
        part: Part,
    },
    /// The body's bytes do not add up to the check field.
    #[error("offset {offset}: the body adds up to {found:08X}, {expected:08X} was declared")]
    Check {
        /// Where the entry's header begins.
        offset: u64,
        /// The check field.
        expected: u32,
        /// The sum of the bytes that are there.
        found: u32,
    },
    /// A trailer with a body, which readers take differently.
    #[error("offset {offset}: the trailer has a body of {size} bytes")]
    TrailerBody {
        /// Where the header begins.
        offset: u64,
        /// The size field in bytes.
        size: u32,
    },
    /// The input ends without a trailer.
    #[error("offset {offset}: the archive ends without TRAILER!!!")]
    NoTrailer {
        /// Where the input ends.
        offset: u64,
    },
    /// More entries than are allowed.
    #[error("offset {offset}: more than {limit} entries")]
    Entries {
        /// Where the first entry beyond the limit begins.
        offset: u64,
        /// The limit.
        limit: u64,
    },
    /// More decoded bytes than are allowed.
    #[error("offset {offset}: more than {limit} bytes of decoded content")]
    Unpacked {
        /// Where the limit was reached.
        offset: u64,
        /// The limit in bytes, for everything that was decoded.
        limit: u64,
    },
    /// The reader has failed before and is read again.
    #[error("the archive has failed to read already")]
    Failed,
    /// Something in one segment of a ramdisk.
    #[error("ramdisk offset {offset}, {container} segment")]
    Segment {
        /// Where the segment begins in the ramdisk.
        offset: u64,
        /// What the segment is.
        container: Container,
        /// What is wrong in it; its offsets count from the segment's decoded beginning.
        #[source]
        source: Box<Error>,
    },
    /// Bytes that begin nothing the kernel knows.
    #[error(
        "ramdisk offset {offset}: neither a newc archive nor a known compressed format: `{}`",
        found.escape_ascii()
    )]
    Unknown {
        /// Where in the ramdisk.
        offset: u64,
        /// The first bytes, at most six.
        found: Vec<u8>,
    },
    /// A compressed format that no kernel unpacks, or that has no decoder here.
    #[error("ramdisk offset {offset}: {format} is not supported in a ramdisk")]
    Unsupported {
        /// Where in the ramdisk.
        offset: u64,
        /// The format.
        format: Format,
    },
    /// Something in a compressed member that is no archive.
    #[error("offset {offset}: junk after an archive: `{}`", found.escape_ascii())]
    Junk {
        /// Where.
        offset: u64,
        /// The first byte.
        found: u8,
    },
    /// A compressed member without any entry.
    #[error("offset {offset}: the compressed member holds no archive")]
    Empty {
        /// Where the member's content ends.
        offset: u64,
    },
    /// More segments than are allowed.
    #[error("ramdisk offset {offset}: more than {limit} segments")]
    Segments {
        /// Where the first segment beyond the limit begins.
        offset: u64,
        /// The limit.
        limit: usize,
    },
}

impl Error {
    /// The archive error inside an I/O error, if that is what it is.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    /// What to do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        if let Self::Segment { source, .. } = self {
            return source.hint();
        }
        if let Self::Read { source, .. } = self {
            return enclair_compress::Error::of(source)?.hint();
        }
        if let Self::Unsupported { format, .. } = self {
            return Some(if *format == Format::Lz4 {
                "kernels unpack the legacy format only: compress with `lz4 -l`"
            } else {
                "compress with gzip or xz, or not at all"
            });
        }
        if matches!(self, Self::Magic { found, .. } if found == b"070707") {
            return Some("this is the old portable format: make the archive with `cpio -H newc`");
        }
        let incomplete = matches!(self, Self::Truncated { .. } | Self::NoTrailer { .. });
        incomplete.then_some("the archive is incomplete: fetch or make it again")
    }

    /// The error as one of a body's reader.
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::new(self.io_kind(), self)
    }

    fn io_kind(&self) -> io::ErrorKind {
        if let Self::Segment { source, .. } = self {
            return source.io_kind();
        }
        if let Self::Read { source, .. } = self {
            return source.kind();
        }
        if matches!(self, Self::Truncated { .. }) {
            return io::ErrorKind::UnexpectedEof;
        }
        io::ErrorKind::InvalidData
    }
}
