//! Everything that can be wrong with a file of another tool, one variant each.
//!
//! A place comes first: the line, and the field where there is one. Text of the file is escaped and
//! cut before an error repeats it, because files are hostile and errors are printed.

use std::fmt;

use thiserror::Error;

use crate::kind::ForeignKind;

/// Characters of a file that an error or a note repeats.
const SHOWN: usize = 80;

/// Text of a file, on one line, escaped and cut for printing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Takes `text`, of which the beginning is kept.
    pub fn new(text: &str) -> Self {
        let mut shown = String::new();
        for character in text.chars().take(SHOWN) {
            if character.is_control() || is_invisible(character) {
                shown.extend(character.escape_debug());
            } else {
                shown.push(character);
            }
        }
        if text.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        }
        Self(shown)
    }

    /// The text as it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Characters that change how their neighbours look, or that nobody sees.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a file cannot become a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than any such file has.
    #[error("the file has {found} bytes; {most} are the most for {kind}")]
    TooLarge {
        /// Whose file.
        kind: ForeignKind,
        /// Bytes of the file.
        found: usize,
        /// How many are read.
        most: usize,
    },
    /// A NUL character, which text never has.
    #[error("line {line}: a NUL character; this is no text")]
    Nul {
        /// Where.
        line: usize,
    },
    /// No YAML, TOML or HCL.
    #[error("line {line}: no valid {language}")]
    Syntax {
        /// Where the reader stopped.
        line: usize,
        /// What it should have been.
        language: &'static str,
        /// What the reader says.
        #[source]
        source: SyntaxError,
    },
    /// A construct of the language that is not read here.
    #[error("line {line}: {construct} is not read here")]
    Unsupported {
        /// Where.
        line: usize,
        /// Which one.
        construct: &'static str,
    },
    /// The same key twice.
    #[error("line {line}: `{key}` is there twice")]
    Duplicate {
        /// Where the second one is.
        line: usize,
        /// The key.
        key: Shown,
    },
    /// More of something than any such file has.
    #[error("line {line}: more than {most} {what}")]
    Limit {
        /// Where there was too much.
        line: usize,
        /// Of what.
        what: &'static str,
        /// How many are read.
        most: usize,
    },
    /// Not a table at the top.
    #[error("line {line}: expected keys with values, found {found}")]
    NotTable {
        /// Where.
        line: usize,
        /// What stands there.
        found: &'static str,
    },
    /// A value of another type.
    #[error("line {line}: `{field}`: expected {expected}, found `{found}`")]
    Type {
        /// Where.
        line: usize,
        /// Which field.
        field: String,
        /// What it should have been.
        expected: &'static str,
        /// What it is.
        found: Shown,
    },
    /// The same thing twice, where a recipe has one.
    #[error("line {line}: `{field}` is the second of its kind; a recipe has one")]
    Second {
        /// Where the second one is.
        line: usize,
        /// Which field.
        field: String,
    },
    /// A field that every such file has.
    #[error("`{field}` is missing; {kind} always has it")]
    Missing {
        /// Whose file.
        kind: ForeignKind,
        /// Which one.
        field: &'static str,
    },
    /// No Dockerfile.
    #[error("line {line}: {problem}")]
    Dockerfile {
        /// Where.
        line: usize,
        /// What is wrong.
        problem: DockerfileProblem,
    },
}

/// Why text is no Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DockerfileProblem {
    /// An instruction that no Dockerfile has.
    #[error("`{0}` is no instruction of a Dockerfile")]
    Instruction(Shown),
    /// An instruction without what it needs.
    #[error("`{keyword}` needs {expected}, found `{found}`")]
    Arguments {
        /// Which instruction.
        keyword: &'static str,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: Shown,
    },
    /// An instruction before the first FROM.
    #[error("`{0}` stands before the first FROM")]
    BeforeFrom(&'static str),
    /// No FROM at all.
    #[error("the file has no FROM")]
    NoFrom,
    /// A heredoc that never ends.
    #[error("the heredoc `{0}` has no end")]
    Heredoc(Shown),
    /// An escape character other than the two.
    #[error("`escape` is `{0}`; a backslash or a backquote is expected")]
    Escape(Shown),
}

/// What a reader of YAML, TOML or HCL says about a document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SyntaxError(Shown);

impl SyntaxError {
    pub(crate) fn new(message: &str) -> Self {
        Self(Shown::new(message))
    }
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TooLarge { .. } | Self::Nul { .. } => {
                Some("no real file of that kind has this; is it what you think it is?")
            }
            Self::Unsupported { .. } => Some("write the value out where it is used"),
            Self::Duplicate { .. } => Some("remove the one that is not meant"),
            Self::Second { .. } => {
                Some("make a file of each, and a recipe of each: `enclair -f FILE` names one")
            }
            Self::Missing { .. } => {
                Some("check that the file is complete, and that it is of the kind that was named")
            }
            Self::Dockerfile { .. } => Some("`docker build --check` says more about the file"),
            Self::Syntax { .. }
            | Self::Limit { .. }
            | Self::NotTable { .. }
            | Self::Type { .. } => None,
        }
    }

    pub(crate) fn dockerfile(line: usize, problem: DockerfileProblem) -> Self {
        Self::Dockerfile { line, problem }
    }
}
