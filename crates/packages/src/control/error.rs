//! Why a control file cannot be read.

use thiserror::Error;

use super::{MAX_FIELDS, MAX_NAME};
use crate::version::VersionError;

/// A control file that breaks the rules, or is not that of one package.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// There is no paragraph.
    #[error("there is no paragraph")]
    Empty,
    /// There is a second paragraph where one is expected.
    #[error("line {line}: a second paragraph, where one is expected")]
    Several {
        /// The line where it begins, from 1.
        line: u32,
    },
    /// Bytes that are no text.
    #[error("line {line}: the text is not UTF-8")]
    Encoding {
        /// The line, from 1.
        line: u32,
    },
    /// A NUL.
    #[error("line {line}: the text has a NUL")]
    Nul {
        /// The line, from 1.
        line: u32,
    },
    /// A line without a field's name.
    #[error("line {line}: `NAME: VALUE` is expected")]
    NoField {
        /// The line, from 1.
        line: u32,
    },
    /// A continuation with nothing before it.
    #[error("line {line}: there is no field that this line continues")]
    Continuation {
        /// The line, from 1.
        line: u32,
    },
    /// A line of blanks alone, which is neither empty nor text.
    #[error("line {line}: a line of blanks alone")]
    Blank {
        /// The line, from 1.
        line: u32,
    },
    /// A field twice in one paragraph.
    #[error("line {line}: the field `{field}` is there twice")]
    Twice {
        /// The line of the second one, from 1.
        line: u32,
        /// The field's name.
        field: Box<str>,
    },
    /// More fields than any package has.
    #[error("line {line}: a paragraph has more than {MAX_FIELDS} fields")]
    Fields {
        /// The line, from 1.
        line: u32,
    },
    /// A field that is required.
    #[error("line {line}: the paragraph has no field `{field}`")]
    Missing {
        /// The line where the paragraph begins, from 1.
        line: u32,
        /// The field's name.
        field: &'static str,
    },
    /// A name that no package or architecture can have.
    #[error("line {line}: {field} `{value}` is no name")]
    Name {
        /// The line, from 1.
        line: u32,
        /// The field's name.
        field: &'static str,
        /// What it says.
        value: Box<str>,
        /// Why.
        #[source]
        source: NameError,
    },
    /// A version that is none.
    #[error("line {line}: the version cannot be read")]
    Version {
        /// The line, from 1.
        line: u32,
        /// Why.
        #[source]
        source: VersionError,
    },
}

impl ControlError {
    /// What to do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Blank { .. } => {
                Some("an empty line ends a paragraph, and ` .` is an empty line inside of a field")
            }
            Self::Continuation { .. }
            | Self::Empty
            | Self::Encoding { .. }
            | Self::Fields { .. }
            | Self::Missing { .. }
            | Self::Name { .. }
            | Self::NoField { .. }
            | Self::Nul { .. }
            | Self::Several { .. }
            | Self::Twice { .. }
            | Self::Version { .. } => None,
        }
    }
}

/// A text that is no name of a package or architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing.
    #[error("it is empty")]
    Empty,
    /// More than a file name can hold together with a suffix.
    #[error("it has {found} bytes, and at most {MAX_NAME} are allowed")]
    Length {
        /// Its length in bytes.
        found: usize,
    },
    /// A first character that is no letter and no digit.
    #[error("it does not begin with a letter or a digit")]
    First,
    /// A character that names do not have.
    #[error("it has the character {found:?}, and only {allowed} are allowed")]
    Character {
        /// The character.
        found: char,
        /// Which there may be.
        allowed: &'static str,
    },
}
