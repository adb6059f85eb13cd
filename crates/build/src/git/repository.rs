//! Which commit a build was run in.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::ask;
use crate::epoch::Epoch;

/// State of the git repository around a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Repository {
    /// Full id of the commit that is checked out.
    pub commit: String,
    /// Whether tracked files differ from that commit.
    pub dirty: bool,
}

/// Asks git about the repository around `directory`; `None` without git, a repository or a commit.
pub fn repository_of(directory: &Path) -> Option<Repository> {
    let commit = text(directory, &["rev-parse", "--verify", "HEAD"])?;
    let status = text(
        directory,
        &["status", "--porcelain", "--untracked-files=no"],
    )?;
    Some(Repository {
        commit,
        dirty: !status.is_empty(),
    })
}

/// The top directory of the repository around `directory`.
pub fn top_of(directory: &Path) -> Option<PathBuf> {
    text(directory, &["rev-parse", "--show-toplevel"]).map(PathBuf::from)
}

/// The committer's time of the commit that is checked out; `None` also where it is no epoch.
pub fn commit_time(directory: &Path) -> Option<Epoch> {
    text(directory, &["show", "--no-patch", "--format=%ct", "HEAD"])?
        .parse()
        .ok()
}

/// Whether the repository around `directory` has `path` (a file, or a directory with tracked files),
/// so that a clone has it too; `None` where there is no repository.
pub(crate) fn has_in_clone(directory: &Path, path: &Path) -> Option<bool> {
    top_of(directory)?;
    let path = path.to_str()?;
    // An absolute path outside of the repository, and one behind a symlink, are errors of git's.
    let tracked = ask(
        directory,
        &["--literal-pathspecs", "ls-files", "-z", "--", path],
    );
    Some(tracked.is_some_and(|names| !names.is_empty()))
}

/// Where a file of git's own is, such as `index`.
pub(crate) fn ask_path(directory: &Path, name: &str) -> Option<PathBuf> {
    text(directory, &["rev-parse", "--git-path", name]).map(|path| directory.join(path))
}

fn text(directory: &Path, arguments: &[&str]) -> Option<String> {
    let answer = ask(directory, arguments)?;
    Some(String::from_utf8_lossy(&answer).trim().to_owned())
}
