//! What became of each field of the foreign file.

use std::fmt;

use crate::error::Shown;

/// What became of one field of the foreign file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The field as the foreign file spells it.
    pub field: String,
    /// The line of the foreign file, from 1.
    pub line: usize,
    /// What became of it.
    pub kind: NoteKind,
    /// Its value, on one line, escaped and cut.
    pub text: String,
}

/// What became of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoteKind {
    /// It is in the recipe and is built.
    Taken {
        /// The key of the recipe.
        into: String,
    },
    /// It is in the recipe, as a comment or as a key that is not built yet.
    Waits {
        /// The key of the recipe that this release reads and does not build.
        what: String,
    },
    /// It is not in the recipe, because it says nothing about an image, or because Enclair has
    /// nothing of the kind.
    NoMeaning {
        /// Why.
        why: String,
    },
    /// It is in the recipe and does not mean quite the same there.
    Changed {
        /// What is different.
        how: String,
    },
}

impl NoteKind {
    pub(crate) fn taken(into: impl Into<String>) -> Self {
        Self::Taken { into: into.into() }
    }

    pub(crate) fn waits(what: impl Into<String>) -> Self {
        Self::Waits { what: what.into() }
    }

    pub(crate) fn nothing(why: impl Into<String>) -> Self {
        Self::NoMeaning { why: why.into() }
    }

    pub(crate) fn changed(how: impl Into<String>) -> Self {
        Self::Changed { how: how.into() }
    }
}

impl Note {
    pub(crate) fn new(field: &str, line: usize, kind: NoteKind, text: &str) -> Self {
        Self {
            field: field.to_owned(),
            line,
            kind,
            text: Shown::new(text).as_str().to_owned(),
        }
    }
}

impl fmt::Display for NoteKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { into } => write!(f, "taken: {into}"),
            Self::Waits { what } => write!(f, "waits: {what}"),
            Self::NoMeaning { why } => write!(f, "no meaning: {why}"),
            Self::Changed { how } => write!(f, "changed: {how}"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: `{}`: {}", self.line, self.field, self.kind)
    }
}
