//! How a failure reads: what, because of what, and what to do.
//!
//! ```text
//! error: `app.eif` cannot be inspected
//!   caused by: section 3 (ramdisk) at offset 0x1f2c40 declares 4294967296 bytes, but 812 remain
//! hint: the file is truncated
//! ```

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use enclair_build::{ListingError, ProjectError};
use enclair_recipe::{Colour, Diagnostics};
use thiserror::Error;

use crate::commands::escape;

/// Columns of lines that are shown of a document.
const WIDTH: usize = 100;

/// A document of a person's that is wrong, to be shown with its lines.
#[derive(Debug, Error)]
#[error("`{path}` is wrong", path = path.display())]
pub(crate) struct WrongDocument {
    /// As the user wrote it.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    #[source]
    pub(crate) source: Diagnostics,
}

/// The problems of a document, each with its lines; `None` for an error of another kind.
fn render_lines(error: &anyhow::Error) -> Option<String> {
    let (path, text, source) = error.chain().find_map(|cause| {
        if let Some(WrongDocument { path, text, source }) = cause.downcast_ref() {
            return Some((path, text, source));
        }
        if let ProjectError::Recipe { path, text, source } = cause.downcast_ref()? {
            return Some((path, text, source));
        }
        None
    })?;
    let colour = if std::io::stderr().is_terminal() {
        Colour::Always
    } else {
        Colour::Never
    };
    Some(source.render(&escape(&path.display().to_string()), text, WIDTH, colour))
}

/// Renders an error with its causes and the hint of the innermost one that has any.
pub(crate) fn render(error: &anyhow::Error) -> String {
    if let Some(text) = render_lines(error) {
        return text;
    }
    let mut text = String::from("error: ");
    let mut last = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let line = text_of(cause);
        // A transparent wrapper says what its source says.
        if line == last {
            continue;
        }
        if depth > 0 {
            text.push_str("\n  caused by: ");
        }
        text.push_str(&line);
        last = line;
    }
    // That of a carried part has more to say than whoever could not supply it.
    let carried = error.chain().find(|cause| is_carried(*cause));
    let hint = carried.and_then(hint_of);
    if let Some(hint) = hint.or_else(|| error.chain().filter_map(hint_of).last()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\nhint: {hint}");
    }
    text
}

fn is_carried(cause: &(dyn StdError + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(ProjectError::Carried { .. }))
}

/// The text of one cause. That of a fetcher lists who was asked, a line each; no other text has
/// lines of its own, because a stranger could write them.
fn text_of(cause: &(dyn StdError + 'static)) -> String {
    let text = cause.to_string();
    if cause.is::<enclair_fetch::Error>() {
        let lines: Vec<_> = text.lines().map(|line| shorten(&escape(line))).collect();
        return lines.join("\n    ");
    }
    shorten(&escape(&text))
}

/// A text without its middle, where it is longer than anybody reads.
fn shorten(text: &str) -> String {
    const MOST: usize = 600;
    const EACH: usize = 250;
    let count = text.chars().count();
    if count <= MOST {
        return text.to_owned();
    }
    let head: String = text.chars().take(EACH).collect();
    let tail: String = text.chars().skip(count - EACH).collect();
    format!("{head}[... {} characters ...]{tail}", count - 2 * EACH)
}

/// The error as what it is, in a box or not: one that is large is in a box where it is a source.
fn as_a<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let boxed = || error.downcast_ref::<Box<T>>().map(Box::as_ref);
    error.downcast_ref().or_else(boxed)
}

/// The advice that one error of a chain gives.
fn hint_of(error: &(dyn StdError + 'static)) -> Option<String> {
    let listing = match as_a::<ProjectError>(error) {
        Some(ProjectError::Listing { source }) => Some(source),
        Some(_) | None => as_a(error),
    };
    None.or_else(|| as_a::<enclair_packages::solve::SolveError>(error)?.hint())
        .or_else(|| listing.and_then(ListingError::hint))
        .or_else(|| fixed_hint_of(error).map(str::to_owned))
}

/// Advice that does not depend on what is wrong in particular.
fn fixed_hint_of(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    // Not in a box: whoever has one there, such as what lays files, says better what to do.
    None.or_else(|| error.downcast_ref::<enclair_build::Error>()?.hint())
        .or_else(|| as_a::<ProjectError>(error)?.hint())
        .or_else(|| as_a::<enclair_packages::release::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_packages::sums::SumsError>(error)?.hint())
        .or_else(|| as_a::<enclair_fetch::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_store::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_import::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_inspect::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_host::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_host::RegistryError>(error)?.hint())
        .or_else(|| as_a::<enclair_eif::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_tree::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_cpio::Error>(error)?.hint())
        .or_else(|| as_a::<enclair_compress::Error>(error)?.hint())
}

#[cfg(test)]
mod tests {
    use enclair_build::ChoiceError;
    use enclair_packages::solve::SolveError;

    use super::*;

    #[test]
    fn advice_is_found_in_a_box() {
        let solve = ChoiceError::Solve {
            source: Box::new(SolveError::Limit),
        };
        let text = render(&anyhow::Error::from(ProjectError::from(solve)));
        assert!(
            text.ends_with("\nhint: ask for versions or for alternatives by name"),
            "{text}"
        );
    }
}
