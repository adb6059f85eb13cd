//! `cargo xtask`: builds the committed binaries of `boot/` again, and compares.
//!
//! The product embeds a kernel and an init program that it never compiles. This program is the
//! recipe of both: it writes the binary with its digest and its inputs, or, with `--check`,
//! compares a new build with what is committed. `docs/kernel.md` says what each kit holds.
//!
//! Not here: anything that an image is made with. Nothing of the product depends on this crate.
//!
//! Exit status: 0 it is done or identical, 1 the new build differs, 2 it could not be built or
//! compared. Everything goes to stderr.

mod error;
mod files;
mod guest;
mod inputs;
mod kernel;
mod program;
mod verdict;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::error::Error;
use crate::kernel::Architecture;
use crate::verdict::{Mode, Verdict};

/// Builds the committed binaries of boot/ again, and compares.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Exit status: 0 done or identical; 1 the new build differs; 2 could not \
    be built or compared.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the kernel from its locked source package (boot/kernel)
    Kernel(Kernel),
    /// Build the guest programs with the exact toolchain (boot/guest)
    Guest(Guest),
}

#[derive(Debug, Args)]
struct Kernel {
    /// Architecture of the kernel
    #[arg(long, value_enum, default_value_t = Architecture::X86_64)]
    arch: Architecture,
    /// The source package, instead of asking apt-get for it
    #[arg(long, value_name = "FILE")]
    package: Option<PathBuf>,
    /// Compilers at work at the same time [default: as many as there are CPUs]
    #[arg(long, value_name = "N")]
    jobs: Option<u16>,
    /// Directory in which a temporary one is made, of 3 GB [default: the target directory]
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Guest {
    /// Cargo's home, whose path is kept out of the binary [default: .cargo in HOME]
    #[arg(long, value_name = "DIR", env = "CARGO_HOME")]
    cargo_home: Option<PathBuf>,
    #[arg(long, env = "HOME", hide = true, hide_env = true)]
    home: Option<PathBuf>,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Args)]
struct Shared {
    /// Compare with the committed binary instead of replacing it
    #[arg(long)]
    check: bool,
    /// Build only if the kit is not the recorded one
    #[arg(long, requires = "check")]
    if_changed: bool,
    /// Where what is built lies meanwhile [default: target, beside Cargo.toml]
    #[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR")]
    target_dir: Option<PathBuf>,
}

impl Shared {
    const fn mode(&self) -> Mode {
        match (self.check, self.if_changed) {
            (false, _) => Mode::Write,
            (true, false) => Mode::Check,
            (true, true) => Mode::CheckIfChanged,
        }
    }

    fn target(&self, top: &Path) -> Result<PathBuf, Error> {
        match &self.target_dir {
            Some(directory) => absolute(directory),
            None => Ok(top.join("target")),
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(verdicts) => {
            for verdict in &verdicts {
                say(&verdict.to_string());
            }
            Verdict::exit_code(&verdicts)
        }
        Err(error) => {
            say(&format!("error: {}", error::chain(&error)));
            if let Some(hint) = error.hint() {
                say(&format!("hint: {hint}"));
            }
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> Result<Vec<Verdict>, Error> {
    let top = files::workspace();
    match command {
        Command::Kernel(kernel) => {
            let work = match &kernel.work {
                Some(directory) => absolute(directory)?,
                None => kernel.shared.target(&top)?,
            };
            let request = kernel::Request {
                mode: kernel.shared.mode(),
                package: kernel.package.as_deref(),
                jobs: kernel.jobs,
                work: &work,
            };
            Ok(vec![kernel::run(&top, kernel.arch, &request)?])
        }
        Command::Guest(guest) => {
            let home = guest.home.as_ref().map(|home| home.join(".cargo"));
            let cargo_home = guest.cargo_home.or(home).ok_or(Error::CargoHome)?;
            let target = guest.shared.target(&top)?;
            let places = guest::Places {
                top: &top,
                cargo_home: &absolute(&cargo_home)?,
                target: &target,
            };
            guest::run(places, guest.shared.mode())
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(path).map_err(|source| Error::io(path, source))
}

/// One line for the person who waits. That nobody reads it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
