//! `enclair explain`.

use std::fmt::Write as _;

use super::explain_path;
use crate::arguments::Explain;
use crate::catalogue::{REGISTERS, findings};
use crate::documents::{ExplainDocument, ExplainEntry};
use crate::printer::Printer;

/// Explains a register, a finding or a path, or lists registers and findings.
pub(crate) fn run(arguments: &Explain, printer: &Printer) -> anyhow::Result<()> {
    if let Some(path) = arguments.id.as_deref().filter(|id| id.starts_with('/')) {
        return explain_path::run(path, arguments, printer);
    }
    let wanted = |entry: &ExplainEntry| {
        arguments
            .id
            .as_ref()
            .is_none_or(|id| entry.id.eq_ignore_ascii_case(id))
    };
    let entries: Vec<_> = all().filter(wanted).collect();
    if entries.is_empty() {
        let id = arguments.id.as_deref().unwrap_or_default();
        anyhow::bail!("there is nothing called `{id}`; `enclair explain` lists what there is");
    }
    if arguments.json {
        return printer.json(&ExplainDocument::new(entries));
    }
    let describe = if arguments.id.is_some() {
        explanation
    } else {
        line
    };
    let text: String = entries.iter().map(describe).collect();
    Ok(printer.result(&text)?)
}

fn all() -> impl Iterator<Item = ExplainEntry> {
    let registers = REGISTERS.iter().map(|register| ExplainEntry {
        id: register.id,
        kind: "register".to_owned(),
        title: register.question,
        text: register.text,
        fix: None,
    });
    let findings = findings().map(|kind| ExplainEntry {
        id: kind.id,
        kind: kind.severity.to_string(),
        title: kind.title,
        text: kind.why,
        fix: Some(kind.fix),
    });
    registers.chain(findings)
}

fn line(entry: &ExplainEntry) -> String {
    format!("{:34}{}\n", entry.id, entry.title)
}

fn explanation(entry: &ExplainEntry) -> String {
    let mut text = format!(
        "{} ({}): {}\n\n{}\n",
        entry.id, entry.kind, entry.title, entry.text
    );
    if let Some(fix) = entry.fix {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nhint: {fix}");
    }
    text
}
