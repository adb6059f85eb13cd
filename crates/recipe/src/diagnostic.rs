//! What is wrong with a document, and where: a value, so that the terminal is somebody else's.
//!
//! Every problem of a document is collected, not only the first. Texts of the document are escaped
//! and shortened where they are quoted, because a stranger may have written them.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use enclair_configuration::Found;

use crate::span::Span;

/// Problems that are kept: nobody reads more, and a hostile document may have a million.
const MAX_PROBLEMS: usize = 100;
/// Bytes of the longest excerpt of a document that is shown to a person.
const MAX_EXCERPT: usize = 1 << 16;
/// Bytes of the longest line in it.
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
        // The renderer shows other controls as pictures. What stands for these is as long as they are:
        // places are counted in bytes.
        let is_c1 = |letter: char| ('\u{80}'..='\u{9f}').contains(&letter);
        let document = document.replace(is_c1, "\u{bf}");
        let texts: Vec<_> = self
            .iter()
            .map(|problem| render_one(&renderer, problem, file_name, &document))
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
    let title = Level::ERROR.primary_title(problem.message.as_str());
    let mut group = if shown.is_readable() {
        title.element(shown.snippet(problem).path(file_name))
    } else {
        let place = Origin::path(file_name).line(line_of(document, problem.span));
        title.element(place)
    };
    for (span, label) in &problem.secondary {
        if !(shown.is_readable() && shown.has(*span)) {
            let line = line_of(document, *span);
            group = group.element(Level::NOTE.message(format!("{label}: line {line}")));
        }
    }
    let mut report = vec![group];
    if let Some(hint) = &problem.hint {
        let level = Level::HELP.with_name("hint");
        report.push(Group::with_title(level.secondary_title(hint.as_str())));
    }
    renderer.render(&report)
}

/// The line of a span's beginning, from 1.
fn line_of(document: &str, span: Span) -> usize {
    let before = document.bytes().take(span.start);
    let ends = before.filter(|byte| *byte == b'\n');
    ends.count().saturating_add(1)
}

/// The lines of a document from the first to the last that a problem is about.
///
/// The renderer looks at all of its source for each problem, so it gets no more than this: a
/// hundred problems of a long document would take minutes else.
struct Excerpt<'a> {
    text: &'a str,
    start: usize,
    first_line: usize,
}

impl<'a> Excerpt<'a> {
    fn of(document: &'a str, problem: &Diagnostic) -> Self {
        let spans = problem.secondary.iter().map(|(span, _)| *span);
        let all = spans.fold(problem.span, |all, span| Span {
            start: all.start.min(span.start),
            end: all.end.max(span.end),
        });
        let whole = Self::lines(document, all);
        if whole.text.len() <= MAX_EXCERPT {
            return whole;
        }
        Self::lines(document, problem.span)
    }

    /// The lines of `span`, whole.
    fn lines(document: &'a str, span: Span) -> Self {
        let first = document.floor_char_boundary(span.start);
        let last = document.ceil_char_boundary(span.end.max(span.start));
        let before = document.get(..first).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let behind = document.get(last..).unwrap_or_default();
        let length = behind.find('\n').unwrap_or(behind.len());
        let end = last.saturating_add(length);
        Self {
            text: document.get(start..end).unwrap_or_default(),
            start,
            first_line: line_of(document, span),
        }
    }

    /// Whether a person can see anything in it.
    fn is_readable(&self) -> bool {
        self.text.len() <= MAX_EXCERPT && self.text.lines().all(|line| line.len() <= MAX_LINE)
    }

    fn has(&self, span: Span) -> bool {
        let end = self.start.saturating_add(self.text.len());
        span.start >= self.start && span.end <= end
    }

    fn snippet<'s>(&self, problem: &'s Diagnostic) -> Snippet<'s, Annotation<'s>>
    where
        'a: 's,
    {
        let snippet = Snippet::source(self.text).line_start(self.first_line);
        let primary = AnnotationKind::Primary.span(self.range(problem.span));
        let snippet = snippet.annotation(primary.label(problem.label.as_deref()));
        let others = problem.secondary.iter().filter(|(span, _)| self.has(*span));
        snippet.annotations(others.map(|(span, label)| {
            let annotation = AnnotationKind::Context.span(self.range(*span));
            annotation.label(label.as_str())
        }))
    }

    /// A span in the excerpt. It never cuts a character, whatever document it came from.
    fn range(&self, span: Span) -> Range<usize> {
        let inside = |at: usize| at.saturating_sub(self.start);
        let start = self.text.floor_char_boundary(inside(span.start));
        let end = self.text.ceil_char_boundary(inside(span.end));
        start..end.max(start)
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
