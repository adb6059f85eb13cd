//! What is wrong with a tar archive.

use std::fmt;

use thiserror::Error;

use crate::path::PathError;

/// A part of an archive, for errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A block of 512 bytes that describes an entry.
    Header,
    /// PAX records, or a long name of GNU tar.
    Records,
    /// The map of a sparse file.
    SparseMap,
    /// The content of a file.
    Content,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "a header",
            Self::Records => "extended records",
            Self::SparseMap => "a sparse map",
            Self::Content => "the content of a file",
        })
    }
}

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TarProblem {
    /// The archive is cut off.
    #[error("the archive ends inside {part}")]
    Truncated {
        /// What is cut off.
        part: Part,
    },
    /// A block that is no header.
    #[error("header checksum is {found}, its bytes add up to {expected}")]
    Checksum {
        /// What the header says.
        found: i128,
        /// The sum of its bytes.
        expected: u32,
    },
    /// A header of an unknown kind of tar.
    #[error("header magic `{found}` is not that of ustar, GNU or v7 tar")]
    Magic {
        /// The bytes, escaped.
        found: String,
    },
    /// A field that is no number.
    #[error("field `{field}` is `{found}`, which is not a number")]
    Number {
        /// Name of the field or record.
        field: &'static str,
        /// The bytes, escaped.
        found: String,
    },
    /// A number that its field cannot mean.
    #[error("field `{field}` is {found}, which is out of range")]
    Range {
        /// Name of the field or record.
        field: &'static str,
        /// The number.
        found: i128,
    },
    /// A type of entry that is not carried.
    #[error("entry type `{found}` ({name}) is not supported")]
    Type {
        /// The type flag, escaped.
        found: String,
        /// What it is for.
        name: &'static str,
    },
    /// A size on an entry that has no content: readers differ about what follows.
    #[error("an entry of type `{kind}` has no content, and its size is {size}")]
    Size {
        /// The type flag, escaped.
        kind: String,
        /// The size in bytes.
        size: u64,
    },
    /// A name that cannot be a path in a tree.
    #[error("{0}")]
    Path(PathError),
    /// A symlink that leads nowhere at all.
    #[error("the symlink `{name}` has no target, or one with a NUL or more than 4095 bytes")]
    Target {
        /// The entry, escaped.
        name: String,
    },
    /// A PAX record whose length, keyword or end is wrong.
    #[error("record {position} of the extended header is not `LENGTH KEYWORD=VALUE`")]
    Record {
        /// Which record, in bytes from the start of the records.
        position: usize,
    },
    /// A PAX record that cannot hold for all entries.
    #[error("the global record `{keyword}` would give all entries the same")]
    Global {
        /// The keyword.
        keyword: String,
    },
    /// Names in a character set other than UTF-8 or bytes.
    #[error("the record `hdrcharset` is `{found}`, only UTF-8 and BINARY are known")]
    Charset {
        /// The character set.
        found: String,
    },
    /// One extended attribute with two values.
    #[error("the extended attribute `{name}` is given twice, with different values")]
    XattrConflict {
        /// The attribute.
        name: String,
    },
    /// An extended attribute whose name or value is not encoded as it should be.
    #[error("the record `{keyword}` is not a well-formed extended attribute")]
    Xattr {
        /// The keyword.
        keyword: String,
    },
    /// Two extended headers where one belongs.
    #[error("a second {what} before the entry that it is for")]
    Repeated {
        /// What is there twice.
        what: &'static str,
    },
    /// An extended header without an entry.
    #[error("the archive ends after {what}, without the entry that it is for")]
    Dangling {
        /// What is left over.
        what: &'static str,
    },
    /// One zero block, and then more entries: some readers stop there, some go on.
    #[error("a single zero block stands between two entries")]
    LoneZeroBlock,
    /// A sparse file that cannot be read for sure.
    #[error("sparse file: {0}")]
    Sparse(SparseProblem),
}

/// What is wrong with a sparse file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SparseProblem {
    /// An extent that starts before the last one ends.
    #[error("the extent at {offset} starts before {end}, where the one before it ends")]
    Overlap {
        /// Where the extent starts.
        offset: u64,
        /// Where the one before ends.
        end: u64,
    },
    /// An extent that ends behind the file.
    #[error("an extent ends at {end}, the file at {size}")]
    Beyond {
        /// Where the extent ends; saturated.
        end: u64,
        /// Size of the file.
        size: u64,
    },
    /// The stored bytes are not those that the map describes.
    #[error("the map describes {expected} bytes of data, the archive has {found}")]
    Amount {
        /// Sum over the map; saturated.
        expected: u64,
        /// Bytes in the archive.
        found: u64,
    },
    /// The number of extents is not the announced one.
    #[error("{expected} extents are announced, {found} are there")]
    Count {
        /// The announced number.
        expected: u64,
        /// The real one.
        found: u64,
    },
    /// The map is not a list of numbers as it should be.
    #[error("the map is malformed")]
    Map,
    /// A version of the format, or a mixture of records, that is not known.
    #[error("the `GNU.sparse` records are incomplete or of an unknown version")]
    Version,
    /// Sparse records on something other than a regular file.
    #[error("the entry is not a regular file")]
    Kind,
    /// The records of star, which mean yet another layout.
    #[error("the layout of `SCHILY.realsize` is not supported")]
    Star,
}

impl From<SparseProblem> for TarProblem {
    fn from(problem: SparseProblem) -> Self {
        Self::Sparse(problem)
    }
}

impl From<PathError> for TarProblem {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl TarProblem {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Truncated { .. } => {
                Some("the download or the archive is incomplete; compare its size and digest")
            }
            Self::Checksum { .. }
            | Self::Magic { .. }
            | Self::Number {
                field: "checksum", ..
            } => Some("this is not a tar archive, or it is still compressed"),
            Self::Type { .. } | Self::Sparse(_) => {
                Some("make the archive again, as `tar --format=pax` without incremental options")
            }
            Self::Path(PathError::Upwards { .. }) => {
                Some("no image needs such a name; do not use the archive")
            }
            Self::Number { .. }
            | Self::Range { .. }
            | Self::Size { .. }
            | Self::Path(_)
            | Self::Target { .. }
            | Self::Record { .. }
            | Self::Global { .. }
            | Self::Charset { .. }
            | Self::XattrConflict { .. }
            | Self::Xattr { .. }
            | Self::Repeated { .. }
            | Self::Dangling { .. }
            | Self::LoneZeroBlock => None,
        }
    }
}
