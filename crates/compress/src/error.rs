//! What can go wrong while decoding, and how it travels through [`std::io::Read`].

use std::io;

use thiserror::Error;

use crate::Format;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A compressed input that cannot be decoded.
///
/// Inside an [`io::Error`] it has the kind `UnexpectedEof` when the input is truncated,
/// `Unsupported` when nothing here decodes the format, and `InvalidData` otherwise; get it back
/// with [`Error::of`]. Errors of the reader below pass through as they are.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no decoder for the format.
    #[error("{format}: this format is recognised and cannot be decoded")]
    Unsupported {
        /// The format that was found.
        format: Format,
    },
    /// The content breaks the rules of the format, or a checksum differs.
    #[error("{format}: the compressed data is damaged")]
    Corrupt {
        /// The format that was decoded.
        format: Format,
        /// What the decoder says.
        #[source]
        cause: Cause,
    },
    /// The input ends before the member does.
    #[error("{format}: the compressed data ends early")]
    Truncated {
        /// The format that was decoded.
        format: Format,
    },
    /// The member asks for a larger window or dictionary than is allowed.
    #[error("{format}: the window is larger than the limit of {limit} bytes")]
    Memory {
        /// The format that was decoded.
        format: Format,
        /// The limit in bytes.
        limit: u64,
    },
    /// Something that is no further member follows a member.
    #[error("{format}: other data follows the compressed data")]
    Trailing {
        /// The format that was decoded.
        format: Format,
    },
    /// The decoder has failed before and is read again.
    #[error("{format}: the decoder has failed already")]
    Failed {
        /// The format that was decoded.
        format: Format,
    },
}

impl Error {
    /// The decode error inside an I/O error, if that is what it is.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    /// What to do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unsupported { .. } => Some("compress it with gzip, xz or zstd instead"),
            Self::Truncated { .. } => Some("the file is incomplete: fetch or make it again"),
            Self::Memory { .. } => Some("compress it with a smaller window"),
            Self::Trailing { .. } => Some("remove what follows the compressed data"),
            Self::Corrupt { .. } | Self::Failed { .. } => None,
        }
    }

    pub(crate) fn corrupt(format: Format, cause: impl Into<Cause>) -> Self {
        Self::Corrupt {
            format,
            cause: cause.into(),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            Error::Unsupported { .. } => io::ErrorKind::Unsupported,
            Error::Corrupt { .. }
            | Error::Memory { .. }
            | Error::Trailing { .. }
            | Error::Failed { .. } => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// The rules that this crate checks itself, for formats whose framing it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Rule {
    #[error("the magic is missing")]
    Magic,
    #[error("the frame header is invalid")]
    Header,
    #[error("the frame header's checksum differs")]
    HeaderChecksum,
    #[error("a dictionary is needed")]
    Dictionary,
    #[error("a block has {found} bytes, at most {limit} are allowed")]
    BlockSize { found: u32, limit: u32 },
    #[error("a block's checksum differs")]
    BlockChecksum,
    #[error("the content has {found} bytes, {expected} were declared")]
    ContentSize { found: u64, expected: u64 },
    #[error("the content's checksum differs")]
    ContentChecksum,
    #[error("the padding is not a multiple of 4 bytes")]
    Padding,
    #[error("the decoder makes no progress")]
    Stalled,
}
