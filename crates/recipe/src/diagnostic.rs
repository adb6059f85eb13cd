//! What is wrong with a document, and where: a value, so that the terminal is somebody else's.
//!
//! Every problem of a document is collected, not only the first. Texts of the document are escaped
//! and shortened where they are quoted, because a stranger may have written them.

use std::error::Error;
use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use enclair_configuration::Found;

use crate::span::Span;

/// Problems that are kept: nobody reads more, and a hostile document may have a million.
const MAX_PROBLEMS: usize = 100;
/// Bytes of the longest line that is shown to a person.
const MAX_LINE: usize = 4096;

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

impl Diagnostic {
    /// A problem at a place.
    pub fn new(message: impl Into<String>, span: Span) -> Self {
        Self {
            message: message.into(),
            span,
            label: None,
            hint: None,
            secondary: Vec::new(),
        }
    }

    /// With a text beside the place.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With advice, if there is any.
    #[must_use]
    pub fn with_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }

    /// With another place that belongs to it.
    #[must_use]
    pub fn with_secondary(mut self, span: Option<Span>, label: impl Into<String>) -> Self {
        self.secondary.extend(span.map(|span| (span, label.into())));
        self
    }
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

impl From<Diagnostic> for Diagnostics {
    fn from(problem: Diagnostic) -> Self {
        Self(vec![problem])
    }
}

impl Diagnostics {
    /// Those problems, in the order of the document; `None` when there are none.
    ///
    /// Of more than a hundred, the first hundred are kept.
    pub fn new(mut problems: Vec<Diagnostic>) -> Option<Self> {
        problems.sort_by_key(|problem| problem.span);
        problems.truncate(MAX_PROBLEMS);
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// The problems, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// The problems as text, each with the lines of `document` that it is about.
    ///
    /// `file_name` is what the document is called in the text, and `width` the terminal's width in
    /// columns. Control characters of the document are shown as pictures.
    pub fn render(&self, file_name: &str, document: &str, width: usize, colour: Colour) -> String {
        let renderer = match colour {
            Colour::Never => Renderer::plain(),
            Colour::Always => Renderer::styled(),
        };
        let renderer = renderer.term_width(width).decor_style(DecorStyle::Ascii);
        let texts: Vec<_> = self
            .iter()
            .map(|problem| render_one(&renderer, problem, file_name, document))
            .collect();
        texts.join("\n\n")
    }
}

fn render_one(
    renderer: &Renderer,
    problem: &Diagnostic,
    file_name: &str,
    document: &str,
) -> String {
    let shown = Excerpt::of(document, problem);
    let mut snippet = Snippet::source(shown.text)
        .path(file_name)
        .line_start(shown.first_line)
        .annotation(
            AnnotationKind::Primary
                .span(shown.range(problem.span))
                .label(problem.label.as_deref()),
        );
    for (span, label) in &problem.secondary {
        let annotation = AnnotationKind::Context.span(shown.range(*span));
        snippet = snippet.annotation(annotation.label(label.as_str()));
    }
    let title = Level::ERROR.primary_title(problem.message.as_str());
    let mut report = vec![if shown.is_readable {
        title.element(snippet)
    } else {
        Group::with_title(title)
    }];
    if let Some(hint) = &problem.hint {
        let level = Level::HELP.with_name("hint");
        report.push(Group::with_title(level.secondary_title(hint.as_str())));
    }
    renderer.render(&report)
}

/// The lines of a document from the first to the last that a problem is about.
///
/// The renderer looks at all of its source for each problem, so it gets no more than this: a
/// hundred problems of a long document would take minutes else.
struct Excerpt<'a> {
    text: &'a str,
    start: usize,
    first_line: usize,
    is_readable: bool,
}

impl<'a> Excerpt<'a> {
    fn of(document: &'a str, problem: &Diagnostic) -> Self {
        let spans = || problem.secondary.iter().map(|(span, _)| span);
        let first = spans().fold(problem.span.start, |least, span| least.min(span.start));
        let last = spans().fold(problem.span.end, |most, span| most.max(span.end));
        let before = document.get(..first).unwrap_or(document);
        let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let behind = document.get(last..).unwrap_or_default();
        let length = behind.find('\n').unwrap_or(behind.len());
        let end = last.saturating_add(length);
        let text = document.get(start..end).unwrap_or_default();
        Self {
            text,
            start,
            first_line: before.matches('\n').count().saturating_add(1),
            is_readable: text.lines().all(|line| line.len() <= MAX_LINE),
        }
    }

    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let inside = |at: usize| at.saturating_sub(self.start).min(self.text.len());
        inside(span.start)..inside(span.end)
    }
}

/// A text of the document as messages quote it: escaped, and cut.
pub(crate) fn quoted(text: &str) -> String {
    Found::new(text).to_string()
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut messages = self.iter().map(|problem| problem.message.as_str());
        f.write_str(messages.next().unwrap_or_default())?;
        match messages.count() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl Error for Diagnostics {}
