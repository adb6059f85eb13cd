//! `enclair log`.

use std::fmt::Write as _;

use anyhow::Context as _;
use enclair_build::{Recorded, history};

use super::escape;
use crate::arguments::Log;
use crate::printer::Printer;
use crate::project_documents::LogDocument;

/// Lists the images that a repository records.
pub(crate) fn run(arguments: &Log, printer: &Printer) -> anyhow::Result<()> {
    let directory = &arguments.directory;
    let images = history(directory, arguments.measurements.as_deref())
        .with_context(|| format!("`{}` has no history of images", directory.display()))?;
    if arguments.json {
        return printer.json(&LogDocument::new(images));
    }
    if images.is_empty() {
        printer.note("no commit has a measurements.json");
        printer.note("hint: commit out/measurements.json with each release");
    }
    let text: String = images.iter().map(row).collect();
    Ok(printer.result(&text)?)
}

fn row(image: &Recorded) -> String {
    let mut text = format!("{}  {}", image.date, image.commit);
    for tag in &image.tags {
        // Writing to a String cannot fail.
        let _ = write!(text, "  {}", escape(tag));
    }
    let _ = writeln!(text, "\n    {}", escape(&image.path));
    let registers = [
        ("PCR0", &image.pcr0),
        ("PCR1", &image.pcr1),
        ("PCR2", &image.pcr2),
    ];
    for (name, value) in registers {
        let _ = writeln!(text, "    {name}  {}", escape(value));
    }
    if let Some(lock) = &image.lock {
        let _ = writeln!(text, "    lock  sha256:{}", escape(lock));
    }
    text
}
