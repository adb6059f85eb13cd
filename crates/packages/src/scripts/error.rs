//! Why a script was not read.

use thiserror::Error;

/// Why a script was not read. Nothing of such a script is believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// There is nothing in it.
    #[error("line 1: the script is empty")]
    Empty,
    /// Another program than a POSIX shell runs it.
    #[error("line 1: expected a script for `sh`, `dash` or `bash`, found one for `{interpreter}`")]
    NotShell {
        /// What its first line names.
        interpreter: String,
    },
    /// It is not what a shell accepts, or uses what is not understood here.
    #[error("line {line}: expected {expected}, found {found}")]
    Syntax {
        /// Line of the script, from 1.
        line: u32,
        /// What was expected there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// It is larger than a script may be.
    #[error("the script has {size} bytes, more than {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Constructs are nested deeper than they may be.
    #[error("line {line}: nested deeper than {limit} levels")]
    TooDeep {
        /// Line of the script, from 1.
        line: u32,
        /// The limit.
        limit: u32,
    },
    /// It would run longer than it may.
    #[error("line {line}: more than {limit} steps until here")]
    TooLong {
        /// Line of the script, from 1.
        line: u32,
        /// The limit.
        limit: u32,
    },
    /// On a fresh system it ends with an error, so that it was not understood.
    #[error("line {line}: the script would fail here on a fresh system")]
    Fails {
        /// Line of the script, from 1.
        line: u32,
    },
}

impl ScriptError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotShell { .. } | Self::Syntax { .. } | Self::Fails { .. } => Some(
                "say what it should have done in `[source.packages.effects]`, or run scripts with \
                 `scripts = \"sandbox\"`",
            ),
            Self::Empty | Self::TooLarge { .. } | Self::TooDeep { .. } | Self::TooLong { .. } => {
                None
            }
        }
    }
}
