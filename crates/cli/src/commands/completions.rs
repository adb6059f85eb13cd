//! `enclair completions`.

use clap::CommandFactory as _;

use crate::arguments::{Arguments, Completions};
use crate::printer::Printer;

/// Prints a completion script.
pub(crate) fn run(arguments: &Completions, printer: &Printer) -> anyhow::Result<()> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "enclair", &mut script);
    Ok(printer.result(&String::from_utf8(script)?)?)
}
