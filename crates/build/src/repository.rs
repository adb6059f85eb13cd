//! Which commit a build was run in: a hint for whoever looks for the source, never a proof.

use std::path::Path;
use std::process::{Command, Stdio};

use schemars::JsonSchema;
use serde::Serialize;

/// State of the git repository around a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Repository {
    /// Full id of the commit that is checked out.
    pub commit: String,
    /// Whether tracked files differ from that commit.
    pub dirty: bool,
}

/// Asks git about the repository around `directory`; `None` without git, a repository or a commit.
///
/// The repository may be a stranger's: nothing in its configuration that names a program is
/// obeyed.
pub fn repository_of(directory: &Path) -> Option<Repository> {
    let commit = git(directory, &["rev-parse", "--verify", "HEAD"])?;
    let status = git(
        directory,
        &["status", "--porcelain", "--untracked-files=no"],
    )?;
    Some(Repository {
        commit: commit.trim().to_owned(),
        dirty: !status.trim().is_empty(),
    })
}

fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
