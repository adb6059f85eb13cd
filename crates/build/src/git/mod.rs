//! What git says about a project: the commit, and the measurements of earlier commits.
//!
//! Everything here is a hint for whoever looks for a source, never a proof. The repository may be a
//! stranger's: nothing in its configuration that names a program is obeyed, and nothing of the
//! caller's environment that leads git elsewhere.

mod history;
mod repository;

use std::path::Path;
use std::process::{Command, Stdio};

pub use history::{HistoryError, Recorded, history};
pub use repository::{Repository, commit_time, repository_of, top_of};
pub(crate) use repository::{ask_path, has_in_clone};

/// Variables by which git is led to another repository.
const LEADING: [&str; 6] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
];

/// A call of git in `directory`, which neither asks nor says anything.
fn git(directory: &Path) -> Command {
    let mut command = Command::new("git");
    for name in LEADING {
        command.env_remove(name);
    }
    command
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(["-c", "log.showSignature=false", "-c", "diff.external="])
        .arg("-C")
        .arg(directory)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What git answers on stdout; `None` when it fails or is not there.
fn ask(directory: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = git(directory).args(arguments).output().ok()?;
    output.status.success().then_some(output.stdout)
}
