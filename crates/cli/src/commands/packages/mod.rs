//! `enclair packages`.

mod diff;
mod download;
mod from_image;
mod list;
mod why;

use std::fmt::Write as _;
use std::process::ExitCode;

use enclair_build::Epoch;
use enclair_recipe::LockedSuite;

use crate::arguments::{Packages, PackagesCommand};
use crate::printer::Printer;

/// Looks at the packages of a lock, or of an image.
pub(crate) fn run(arguments: &Packages, printer: &Printer) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        PackagesCommand::List(arguments) => list::run(arguments, printer)?,
        PackagesCommand::Why(arguments) => why::run(arguments, printer)?,
        PackagesCommand::Download(arguments) => download::run(arguments, printer)?,
        PackagesCommand::Diff(arguments) => return diff::run(arguments, printer),
        PackagesCommand::FromImage(arguments) => return from_image::run(arguments, printer),
    }
    Ok(ExitCode::SUCCESS)
}

/// How many packages, for a person.
fn count(count: usize) -> String {
    match count {
        1 => "1 package".to_owned(),
        count => format!("{count} packages"),
    }
}

/// A line for each suite: its date, and whose key signed it.
fn suites(suites: &[LockedSuite]) -> String {
    let mut text = String::new();
    for suite in suites {
        let date = u32::try_from(suite.date).map(|date| Epoch(date).to_string());
        let date = date.unwrap_or_else(|_| suite.date.to_string());
        let (name, key) = (&suite.name, &suite.key);
        let components = suite.components.join(" ");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}  {components}  {date}  key {key}");
    }
    text
}

/// Rows with their columns below each other; the last one is as long as it is.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
