//! The `enclair` command: arguments, output and exit status. No logic of its own.
//!
//! Exit status: 0 it is done or holds, 1 checked and it differs, 2 it could not be checked or
//! done; `run` and `host` have the application's. Results go to stdout, everything else to stderr.

mod archives;
mod arguments;
mod catalogue;
mod commands;
mod direct;
mod documents;
mod environment;
mod events;
mod failure;
mod host_documents;
mod local_documents;
mod packages_documents;
mod printer;
mod progress;
mod project_documents;
mod run_documents;
mod summaries;
mod supply;
mod tables;
mod transfers;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command, Packages, PackagesCommand};
use crate::printer::{ClosedPipe, Printer};

fn main() -> ExitCode {
    // A build starts this program again to run scripts of packages.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == enclair_sandbox::ARGUMENT)
    {
        return enclair_sandbox::inside();
    }
    // clap answers `--help` itself and ends usage errors with status 2.
    let arguments = Arguments::parse();
    let printer = Printer::new(closed_pipe(&arguments.command));
    let failed = failure_status(&arguments.command);
    match run(arguments.command, &printer) {
        Ok(status) => status,
        Err(error) => {
            printer.note(&failure::render(&error));
            ExitCode::from(failed)
        }
    }
}

/// A listing may be cut short by its reader; a result may not.
const fn closed_pipe(command: &Command) -> ClosedPipe {
    match command {
        Command::Packages(Packages {
            command:
                PackagesCommand::Download(_) | PackagesCommand::Diff(_) | PackagesCommand::FromImage(_),
        })
        | Command::Init(_)
        | Command::Lock(_)
        | Command::Build(_)
        | Command::Assemble(_)
        | Command::Extract(_)
        | Command::Run(_)
        | Command::Host(_)
        | Command::Stop(_)
        | Command::Store(_)
        | Command::Doctor(_) => ClosedPipe::Lost,
        Command::Packages(Packages {
            command: PackagesCommand::List(_) | PackagesCommand::Why(_),
        })
        | Command::Inspect(_)
        | Command::Log(_)
        | Command::Logs(_)
        | Command::Ps(_)
        | Command::Explain(_)
        | Command::Schema(_)
        | Command::Completions(_) => ClosedPipe::Enough,
    }
}

/// The status of a command that could not do its work. `run` and `host` pass an application's status on,
/// so their own failures have one that containers use for that.
const fn failure_status(command: &Command) -> u8 {
    if matches!(command, Command::Run(_) | Command::Host(_)) {
        125
    } else {
        2
    }
}

fn run(command: Command, printer: &Printer) -> anyhow::Result<ExitCode> {
    match command {
        Command::Init(arguments) => commands::init::run(&arguments, printer)?,
        Command::Log(arguments) => commands::log::run(&arguments, printer)?,
        Command::Assemble(arguments) => commands::assemble::run(&arguments, printer)?,
        Command::Inspect(arguments) => commands::inspect::run(&arguments, printer)?,
        Command::Extract(arguments) => commands::extract::run(&arguments, printer)?,
        Command::Explain(arguments) => commands::explain::run(&arguments, printer)?,
        Command::Schema(arguments) => commands::schema::run(&arguments, printer)?,
        Command::Completions(arguments) => commands::completions::run(&arguments, printer)?,
        Command::Lock(arguments) => return commands::lock::run(&arguments, printer),
        Command::Build(arguments) => return commands::build::run(&arguments, printer),
        Command::Packages(arguments) => return commands::packages::run(&arguments, printer),
        Command::Store(arguments) => return commands::store::run(&arguments, printer),
        Command::Run(arguments) => return commands::run::run(&arguments, printer),
        Command::Host(arguments) => return commands::host::run(&arguments, printer),
        Command::Ps(arguments) => commands::local::ps(&arguments, printer)?,
        Command::Stop(arguments) => commands::local::stop(&arguments, printer)?,
        Command::Logs(arguments) => commands::local::logs(&arguments, printer)?,
        Command::Doctor(arguments) => return commands::doctor::run(&arguments, printer),
    }
    Ok(ExitCode::SUCCESS)
}
