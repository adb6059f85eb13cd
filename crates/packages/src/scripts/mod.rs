//! What a maintainer script would do: read as text, never run.
//!
//! A package's `preinst` and `postinst` are shell programs that `dpkg` runs as root. Nothing of a
//! package is run here. A script is parsed, and evaluated for one call on a system on which
//! nothing was installed before: what such a call decides (`$1` is `configure`, `$2` is empty, a
//! path is in the tree or is not) is decided, and what it cannot decide is kept as unknown. What
//! is left is a list of [`Command`]s, in the order in which they would run.
//!
//! # What it is not
//!
//! Not a shell: no command has an effect here, and a construct that is not understood is a
//! [`ScriptError`], not a guess. A script in another language is not read at all.
//!
//! # Surprises
//!
//! A command that follows one whose outcome is not known is still [`Certainty::Always`]: scripts
//! run under `set -e`, so that a failure ends the installation, and a root filesystem of a failed
//! installation is of no use to anybody.

mod before;
mod call;
mod command;
mod diversions;
mod error;
mod evaluate;
mod facts;
pub mod ignored;
mod limits;
mod parse;
mod reader;
mod report;
mod shell;
mod syntax;
mod templates;

pub use call::{Call, Script};
pub use command::{Certainty, Command, Redirection, Redirects, UMASK, Word};
pub use diversions::{diversion, diversions, late_diversions};
pub use error::ScriptError;
pub use facts::{Facts, NoFacts};
pub use reader::ScriptReader;
pub use report::{NotRead, NotRun, OnNotRun, PackageReport, Standing, findings, report};
pub use templates::answers;

/// Which commands `script` would run when it is called as `call` says, where `facts` holds.
///
/// The commands are in the order in which they would run; those of branches that exclude each
/// other are all there, each as [`Certainty::Perhaps`]. Commands that only the shell itself
/// carries out (assignments, tests, `exit`) are not among them.
///
/// # Errors
///
/// The script is not written for a POSIX shell, is not one, or asks for more than the limits of
/// a reading; nothing of it is returned then.
pub fn commands(
    script: &[u8],
    call: &Call,
    facts: &dyn Facts,
) -> Result<Vec<Command>, ScriptError> {
    let shell = shell::parse(script)?;
    let outcome = evaluate::evaluate(&shell, call, facts)?;
    Ok(outcome.commands)
}
