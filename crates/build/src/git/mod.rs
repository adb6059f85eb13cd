//! What git says about a project: the commit, and the measurements of earlier commits.
//!
//! Everything here is a hint for whoever looks for a source, never a proof. The repository may be a
//! stranger's: nothing in its configuration that names a program is obeyed, and nothing of the
//! caller's environment that leads git elsewhere. Objects that are missing are not fetched, since a
//! remote may be a program too, and objects are never replaced by others.
//!
//! The surprise is that comparing files with a commit runs programs: filters of the configuration.
//! There is no one setting against them, so whoever compares names each filter and empties it.

mod history;
mod repository;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub use history::{HistoryError, Recorded, history};
pub use repository::{Repository, commit_time, repository_of, top_of};
pub(crate) use repository::{ask_path, has_in_clone, has_submodule, is_below_repository, kept_in};

/// The program, found as every other one.
pub(crate) const GIT: &str = "git";

/// Variables by which git looks at another repository, at this one in another way, or runs or writes
/// something: `git rev-parse --local-env-vars`, and what git's manual has beside these.
const VARIABLES: &[&str] = &[
    "GIT_ADVICE",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ASKPASS",
    "GIT_ATTR_GLOBAL",
    "GIT_ATTR_NOSYSTEM",
    "GIT_ATTR_SOURCE",
    "GIT_ATTR_SYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    // The pairs that it counts are nothing without it.
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_FORCE_UNTRACKED_CACHE",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NOTES_REF",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PAGER",
    "GIT_PREFIX",
    "GIT_PROTOCOL",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_PROXY_COMMAND",
    "GIT_QUARANTINE_PATH",
    "GIT_REF_PARANOIA",
    "GIT_REPLACE_REF_BASE",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SHALLOW_FILE",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_TRACE_CURL",
    "GIT_TRACE_FSMONITOR",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_PACKFILE",
    "GIT_TRACE_PACK_ACCESS",
    "GIT_TRACE_PERFORMANCE",
    "GIT_TRACE_REFS",
    "GIT_TRACE_SETUP",
    "GIT_TRACE_SHALLOW",
    "GIT_WORK_TREE",
    "SSH_ASKPASS",
];

/// Variables that every call has.
const GIVEN: [(&str, &str); 7] = [
    // No transport at all: neither a server nor a program is asked for objects that are missing.
    // The first of these is newer than some releases of git that are in use.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("LC_ALL", "C"),
    ("TZ", "UTC"),
];

/// Settings on the command line, which nothing in a repository can undo.
const SETTINGS: [&str; 9] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "diff.external=",
    "log.follow=false",
    "log.showRoot=true",
    "log.showSignature=false",
    "safe.bareRepository=explicit",
    "submodule.recurse=false",
];

/// A call of `program`, which is git, in `directory`. It neither asks nor says anything.
pub(crate) fn command(program: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(GIVEN);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    command
        .arg("--no-pager")
        .arg("-C")
        .arg(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// How git ends, and what it says on stdout; `None` when it is not there.
fn output(command: &mut Command) -> Option<Output> {
    command.stdout(Stdio::piped()).output().ok()
}

/// What git answers on stdout; `None` when it fails or is not there.
pub(crate) fn answer(command: &mut Command) -> Option<Vec<u8>> {
    let output = output(command)?;
    output.status.success().then_some(output.stdout)
}

/// What git in `directory` answers to `arguments`.
fn ask(directory: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    answer(command(GIT, directory).args(arguments))
}
