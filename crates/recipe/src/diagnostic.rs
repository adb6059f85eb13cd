//! What is wrong with a document, and where: a value, so that the terminal is somebody else's.

use std::error::Error;
use std::fmt;

use crate::span::Span;

/// One problem of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What stands beside the place.
    pub label: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// Other places that belong to the problem, with what stands beside each.
    pub secondary: Vec<(Span, String)>,
}

/// All problems of a document, in its order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

/// Whether a text for a terminal has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// It has none.
    Never,
    /// It has.
    Always,
}

impl Diagnostics {
    pub(crate) fn stub() -> Self {
        Self(Vec::new())
    }

    /// The problems, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// The problems as text, each with the lines of `document` that it is about.
    pub fn render(&self, file_name: &str, document: &str, width: usize, colour: Colour) -> String {
        let _ = (file_name, document, width, colour);
        String::new()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut messages = self.0.iter().map(|problem| problem.message.as_str());
        f.write_str(messages.next().unwrap_or_default())?;
        match messages.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl Error for Diagnostics {}
