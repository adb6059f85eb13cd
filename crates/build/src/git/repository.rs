//! Which commit a build was run in, and what a clone would have.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::{GIT, answer, ask, command, output};
use crate::epoch::Epoch;

/// Filters that are named and emptied at most; who has more is said to have changed something.
const FILTERS: usize = 1000;
/// Symlinks that are followed at most, as in Linux.
const HOPS: usize = 40;
/// The modes of files, as the index has them.
const FILE: &[u8] = b"100";
/// The mode of symlinks.
const SYMLINK: &[u8] = b"120000 ";

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
/// What git cannot compare without running a program of the repository's counts as changed.
pub fn repository_of(directory: &Path) -> Option<Repository> {
    let commit = text(directory, &["rev-parse", "--verify", "HEAD"])?;
    let status = status(directory);
    Some(Repository {
        commit,
        dirty: status.is_none_or(|changes| !changes.is_empty()),
    })
}

/// The changes in `directory`, with every filter emptied.
fn status(directory: &Path) -> Option<Vec<u8>> {
    let mut call = command(GIT, directory);
    for setting in without_filters(directory)? {
        call.arg("-c").arg(setting);
    }
    // In a submodule, git would be run anew without these settings; which commit it has is seen.
    call.args(["status", "--porcelain", "--untracked-files=no"])
        .arg("--ignore-submodules=dirty");
    answer(&mut call)
}

/// Settings that empty every filter; `None` when one cannot be named on the command line.
fn without_filters(directory: &Path) -> Option<Vec<OsString>> {
    let mut call = command(GIT, directory);
    call.args(["config", "-z", "--name-only", "--get-regexp", r"^filter\."]);
    // That there are none is a failure with this number.
    let output = output(&mut call)?;
    if !output.status.success() && output.status.code() != Some(1) {
        return None;
    }
    let mut filters = BTreeSet::new();
    for key in output.stdout.split(|byte| *byte == 0) {
        let Some(dot) = key.iter().rposition(|byte| *byte == b'.') else {
            continue;
        };
        filters.insert(key.get(..dot)?);
    }
    // `-c` takes the first `=` for the end of the name.
    if filters.len() > FILTERS || filters.iter().any(|name| name.contains(&b'=')) {
        return None;
    }
    let settings = filters.into_iter().flat_map(|name| {
        [".clean=", ".smudge=", ".process=", ".required=false"]
            .map(|rest| OsString::from_vec([name, rest.as_bytes()].concat()))
    });
    Some(settings.collect())
}

/// The top directory of the repository around `directory`.
pub fn top_of(directory: &Path) -> Option<PathBuf> {
    path_in(directory, &["rev-parse", "--show-toplevel"])
}

/// Where git keeps the repository around `directory`: what tells one from another.
pub(crate) fn kept_in(directory: &Path) -> Option<PathBuf> {
    path_in(directory, &["rev-parse", "--absolute-git-dir"])
}

/// The committer's time of the commit that is checked out; `None` also where it is no epoch.
pub fn commit_time(directory: &Path) -> Option<Epoch> {
    let arguments = ["log", "-1", "--no-patch", "--format=%ct", "HEAD"];
    text(directory, &arguments)?.parse().ok()
}

/// Whether a directory above `directory`, which is absolute, claims to be a repository, whatever git
/// thinks of it.
pub(crate) fn is_below_repository(directory: &Path) -> bool {
    let claims = |above: &Path| above.join(".git").symlink_metadata().is_ok();
    directory.ancestors().any(claims)
}

/// Whether the repository around `directory` has the file `path`, so that a clone has it too; `None`
/// where there is no repository.
///
/// Where git does not answer, nothing says that a clone has it. Of an OCI layout, the file is its
/// `index.json`, and the blobs beside it are asked for too.
pub(crate) fn has_in_clone(directory: &Path, path: &Path) -> Option<bool> {
    let Ok(real) = directory.canonicalize() else {
        return Some(false);
    };
    if !is_below_repository(&real) {
        return None;
    }
    let below = [directory, &real]
        .into_iter()
        .find_map(|start| path.strip_prefix(start).ok());
    Some(is_in_clone(&real, below.unwrap_or(path)).unwrap_or_default())
}

fn is_in_clone(directory: &Path, path: &Path) -> Option<bool> {
    let top = top_of(directory)?.canonicalize().ok()?;
    let file = follow(&top, directory, path)?;
    if !is_tracked(&top, &file, FILE)? {
        return Some(false);
    }
    if file.file_name() != Some(OsStr::new("index.json")) {
        return Some(true);
    }
    let blobs = file.with_file_name("blobs");
    let Ok(metadata) = top.join(&blobs).symlink_metadata() else {
        return Some(true);
    };
    let tracked = listed(&top, &["--stage"], &blobs)?;
    let others = listed(&top, &["--others"], &blobs)?;
    let mut records = tracked.split(|byte| *byte == 0);
    let are_files = records.all(|record| record.is_empty() || record.starts_with(FILE));
    Some(metadata.is_dir() && !tracked.is_empty() && others.is_empty() && are_files)
}

/// Where `path` leads from `directory`, relative to `top`; `None` when it leaves `top` on the way, or
/// by a symlink that a clone does not have.
fn follow(top: &Path, directory: &Path, path: &Path) -> Option<PathBuf> {
    let mut place = directory.strip_prefix(top).ok()?.to_owned();
    let mut left: VecDeque<OsString> = names(path)?;
    let mut hops = 0_usize;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            if !place.pop() {
                return None;
            }
            continue;
        }
        let next = place.join(&name);
        let Ok(target) = fs::read_link(top.join(&next)) else {
            place = next;
            continue;
        };
        hops = hops.checked_add(1).filter(|hops| *hops <= HOPS)?;
        if !is_tracked(top, &next, SYMLINK)? {
            return None;
        }
        for name in names(&target)?.into_iter().rev() {
            left.push_front(name);
        }
    }
    Some(place)
}

/// The names of a relative path, with `..` among them.
fn names(path: &Path) -> Option<VecDeque<OsString>> {
    let named = path
        .components()
        .filter(|component| *component != Component::CurDir);
    named
        .map(|component| match component {
            Component::Normal(_) | Component::ParentDir => Some(component.as_os_str().to_owned()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        })
        .collect()
}

/// Whether the index has `path` itself, relative to `top`, with a mode that begins with `mode`.
fn is_tracked(top: &Path, path: &Path, mode: &[u8]) -> Option<bool> {
    let listed = listed(top, &["--stage"], path)?;
    let mut records = listed.split(|byte| *byte == 0);
    Some(records.any(|record| {
        let tab = record.iter().position(|byte| *byte == b'\t');
        let name = tab.and_then(|tab| record.get(tab.saturating_add(1)..));
        record.starts_with(mode) && name == Some(path.as_os_str().as_bytes())
    }))
}

/// What `git ls-files` says of `path`, relative to `top`.
fn listed(top: &Path, options: &[&str], path: &Path) -> Option<Vec<u8>> {
    let mut call = command(GIT, top);
    call.args(["--literal-pathspecs", "ls-files", "-z"]);
    answer(call.args(options).arg("--").arg(path))
}

/// Whether the index of the repository at `top` has a submodule at `path`, relative to it.
pub(crate) fn has_submodule(top: &Path, path: &Path) -> Option<bool> {
    is_tracked(top, path, b"160000 ")
}

/// Where a file of git's own is, such as `index`.
pub(crate) fn ask_path(directory: &Path, name: &str) -> Option<PathBuf> {
    let path = path_in(directory, &["rev-parse", "--git-path", name])?;
    Some(directory.join(path))
}

/// A path that git answers with.
fn path_in(directory: &Path, arguments: &[&str]) -> Option<PathBuf> {
    let mut path = ask(directory, arguments)?;
    path.pop_if(|last| *last == b'\n')?;
    Some(PathBuf::from(OsString::from_vec(path)))
}

fn text(directory: &Path, arguments: &[&str]) -> Option<String> {
    let answer = ask(directory, arguments)?;
    Some(String::from_utf8_lossy(&answer).trim().to_owned())
}
