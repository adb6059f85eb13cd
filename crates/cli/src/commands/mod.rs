//! One module a command: arguments in, one library call, a result out.

pub(crate) mod assemble;
pub(crate) mod build;
pub(crate) mod completions;
mod detached;
pub(crate) mod doctor;
pub(crate) mod explain;
mod explain_path;
pub(crate) mod extract;
pub(crate) mod host;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod local;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod packages;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod store;
mod terminal;

use std::path::Path;

use enclair_build::{Project, Threads};
use enclair_finding::{Findings, Severity};

use crate::arguments::{ProjectArguments, ThreadsArgument};
use crate::catalogue::findings;
use crate::printer::Printer;

impl From<&ThreadsArgument> for Threads {
    fn from(argument: &ThreadsArgument) -> Self {
        if argument.threads == 1 {
            Self::One
        } else {
            Self::Lanes
        }
    }
}

/// Opens the recipe that a command line names.
fn open_project(arguments: &ProjectArguments) -> anyhow::Result<Project> {
    open_recipe(&arguments.recipe())
}

fn open_recipe(path: &Path) -> anyhow::Result<Project> {
    let is_finding = |id: &str| findings().any(|kind| kind.id == id);
    Ok(Project::open(path, &is_finding)?)
}

/// Examples that are shown of what is only noted; documents have more.
const SHOWN_OF_NOTES: usize = 2;

/// Tells a person what a check said: id, count, title, examples.
fn print_findings(findings: &Findings, printer: &Printer) {
    for finding in findings.iter() {
        let (kind, count) = (finding.kind, finding.count);
        // Not `error:`, which says that the command failed.
        let label = match kind.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "finding",
        };
        printer.note(&format!("{label}: {}: {} ({count})", kind.id, kind.title));
        let shown = match kind.severity {
            Severity::Note => SHOWN_OF_NOTES,
            Severity::Warning | Severity::Error => finding.examples.len(),
        };
        for example in finding.examples.iter().take(shown) {
            printer.note(&format!("    {}", escape(example)));
        }
        if count > finding.examples.len().min(shown) as u64 {
            printer.note("    ...");
        }
        if !kind.fix.starts_with("nothing") {
            printer.note(&format!("    hint: {}", kind.fix));
        }
    }
}

/// Text from an image, safe for a terminal: control characters are shown, not obeyed.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            c if c.is_control() => safe.extend(c.escape_default()),
            // Marks that change the direction of what follows.
            c @ ('\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                safe.extend(c.escape_unicode());
            }
            c => safe.push(c),
        }
    }
    safe
}

/// A size for a person, in units of 1024 bytes.
pub(crate) fn human_size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_an_image_do_not_reach_the_terminal() {
        assert_eq!(
            escape("a\u{1b}[31mb\nc\u{202e}d"),
            "a\\u{1b}[31mb\\nc\\u{202e}d"
        );
        assert_eq!(escape("größe \u{20ac}"), "größe \u{20ac}");
    }
}
