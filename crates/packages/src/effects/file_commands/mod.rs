//! Commands that make, move and change files, where every word is known: `mkdir`, `install -d`,
//! `chown`, `chmod`, `ln -s`, `cp`, `mv`, `rm`, `touch`, texts written to files.
//!
//! Each is done to the tree as the program of coreutils would do it to a system with the script's
//! umask, 022 or a stricter one, and only if all of it can be done: with an option, an owner or a path that is not known, or in
//! a branch that cannot be decided, the command is nobody's and becomes a finding.
//!
//! # What it is not
//!
//! A shell. Paths are absolute and without `..`; a command whose output goes on to another is not
//! taken apart here.
//!
//! Followed: coreutils 9.1 and 9.7, dpkg-statoverride of dpkg 1.21.

mod links;
mod make;
mod mode;
mod owner;
#[cfg(test)]
mod tests;
mod text;
mod transfer;

use super::problem::Problem;
use super::work::{Answer, Invocation, Site, Work};
use crate::scripts::{Certainty, UMASK};

/// The effect.
pub(crate) struct FileCommands;

impl Work for FileCommands {
    fn command(&self, site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        let Some(mask) = call.command.umask.filter(|mask| mask & UMASK == UMASK) else {
            return Ok(Answer::NotMine);
        };
        let fresh = fresh_paths(site, call);
        let answer = Self::done(site, call)?;
        for path in fresh.iter().filter(|_| mask != UMASK) {
            if let Some(place) = site.files.real(path) {
                site.files
                    .change(&place, |metadata| metadata.permissions &= !mask);
            }
        }
        Ok(answer)
    }
}

/// The paths that a command names and that are not there before it.
fn fresh_paths(site: &Site<'_>, call: &Invocation<'_>) -> Vec<String> {
    let written = call.command.written().filter_map(|one| one.target.known());
    let named = call.arguments.iter().copied().chain(written);
    let paths = named.filter_map(path_of);
    paths
        .filter(|path| site.files.own_node(path).is_none())
        .collect()
}

impl FileCommands {
    fn done(site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        let writes = call.command.written().next().is_some();
        let Some(done) = done_by(call.program).filter(|_| !writes) else {
            return text::write(site, call);
        };
        if call.certainty == Certainty::Perhaps {
            return Ok(if is_so_already(site, call) {
                Answer::Emulated
            } else {
                Answer::NotMine
            });
        }
        match done(site, call.arguments)? {
            Some(()) => Ok(Answer::Emulated),
            None => Ok(Answer::NotMine),
        }
    }
}

/// Does a command; `None` when it is not taken, and nothing was changed then.
type Done = fn(&mut Site<'_>, &[&str]) -> Result<Option<()>, Problem>;

fn done_by(program: &str) -> Option<Done> {
    Some(match program {
        "mkdir" => make::mkdir,
        "install" => make::install,
        "touch" => make::touch,
        "rmdir" => make::rmdir,
        "rm" => make::rm,
        "chown" => owner::chown,
        "chgrp" => owner::chgrp,
        "chmod" => owner::chmod,
        "dpkg-statoverride" => owner::statoverride,
        "ln" => links::ln,
        "cp" => transfer::cp,
        "mv" => transfer::mv,
        _ => return None,
    })
}

/// Whether a command that perhaps runs would change nothing.
fn is_so_already(site: &Site<'_>, call: &Invocation<'_>) -> bool {
    let (options, paths): (Vec<&str>, Vec<&str>) = call
        .arguments
        .iter()
        .partition(|word| word.starts_with('-'));
    if paths.is_empty() {
        return false;
    }
    let own = |path: &&str| site.files.own_node(path).is_some();
    match call.program {
        "rm" => !paths.iter().any(own),
        "mkdir" => options == ["-p"] && paths.iter().all(|path| site.files.is_directory(path)),
        "cp" => options == ["-p"] && transfer::is_copied(site, &paths),
        _ => false,
    }
}

/// The path, if it is absolute, has no `..`, and is not the root.
fn path_of(text: &str) -> Option<String> {
    let path = enclair_tree::TreePath::from_archive(text.as_bytes()).ok()?;
    let absolute = text.starts_with('/') && !path.is_root();
    absolute.then(|| text.trim_end_matches('/').to_owned())
}

/// [`path_of`] each; `None` when one is none, or there are none.
fn paths_of(texts: &[&str]) -> Option<Vec<String>> {
    if texts.is_empty() {
        return None;
    }
    texts.iter().map(|text| path_of(text)).collect()
}

/// The directory that holds `path`.
fn directory_of(path: &str) -> &str {
    path.rsplit_once('/')
        .map_or("/", |(directory, _)| directory)
}

/// The last component of `path`.
fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Where something called as `from` goes when it is put to `to`: into a directory, or to that very
/// path, whose own directory must be there.
fn destination(site: &Site<'_>, from: &str, to: &str) -> Option<String> {
    let place = if site.files.is_directory(to) {
        format!("{to}/{}", name_of(from))
    } else {
        to.to_owned()
    };
    site.files
        .is_directory(directory_of(&place))
        .then_some(place)
}
