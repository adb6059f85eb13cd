//! What an `update-alternatives` command asks for.

use std::collections::BTreeMap;

use super::group::Choice;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// What is to be done.
    pub(super) action: Action<'a>,
    /// Whether a file that is no symlink may be replaced by one.
    pub(super) force: Force,
}

/// Whether a file that is no symlink may be replaced by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    /// It stays.
    No,
    /// `--force`.
    Yes,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// `--install`: a choice is added.
    Install(Install<'a>),
    /// `--remove`: a choice is taken away.
    Remove {
        /// The group.
        name: &'a str,
        /// The choice.
        path: &'a str,
    },
    /// `--remove-all`: the group is taken away.
    RemoveAll {
        /// The group.
        name: &'a str,
    },
    /// `--set`: a choice is taken whatever its priority.
    Set {
        /// The group.
        name: &'a str,
        /// The choice.
        path: &'a str,
    },
    /// `--auto`: the highest priority decides again.
    Auto {
        /// The group.
        name: &'a str,
    },
    /// `--display`, `--list`, `--query` and their like: nothing is changed.
    Look,
}

/// A choice to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Install<'a> {
    /// The group.
    pub(super) name: &'a str,
    /// The path of its master link.
    pub(super) link: &'a str,
    /// The choice itself.
    pub(super) choice: Choice,
    /// The paths of the slave links, by the slaves' names.
    pub(super) slaves: BTreeMap<String, String>,
}

/// Reads the arguments; `None` when they are not what the tool takes, or lead it to other
/// directories than its own.
pub(super) fn parse<'a>(arguments: &[&'a str]) -> Option<Request<'a>> {
    let mut force = Force::No;
    let mut action = None;
    let mut rest = arguments;
    while let [option, after @ ..] = rest {
        rest = match (*option, after) {
            ("--force", _) => {
                force = Force::Yes;
                after
            }
            ("--quiet" | "--verbose" | "--debug" | "--skip-auto", _) => after,
            // An empty one is `--root "$DPKG_ROOT"` on the system itself.
            ("--root", ["", after @ ..]) | ("--log", [_, after @ ..]) => after,
            ("--install", [link, name, path, priority, after @ ..]) => {
                let choice = Choice {
                    path: absolute(path)?.to_owned(),
                    priority: priority.parse().ok()?,
                    slaves: BTreeMap::new(),
                };
                action = Some(Action::Install(Install {
                    name: plain(name)?,
                    link: absolute(link)?,
                    choice,
                    slaves: BTreeMap::new(),
                }));
                after
            }
            ("--slave" | "--follower", [link, name, path, after @ ..]) => {
                let Some(Action::Install(install)) = &mut action else {
                    return None;
                };
                let name = plain(name)?.to_owned();
                let file = absolute(path)?.to_owned();
                install.choice.slaves.insert(name.clone(), file);
                install.slaves.insert(name, absolute(link)?.to_owned());
                after
            }
            _ => {
                let (found, after) = other_action(option, after)?;
                action = Some(found);
                after
            }
        };
    }
    let action = action?;
    Some(Request { action, force })
}

fn other_action<'a, 'b>(option: &str, after: &'b [&'a str]) -> Option<(Action<'a>, &'b [&'a str])> {
    match (option, after) {
        ("--remove", [name, path, after @ ..]) => {
            let (name, path) = (plain(name)?, absolute(path)?);
            Some((Action::Remove { name, path }, after))
        }
        ("--remove-all", [name, after @ ..]) => {
            let name = plain(name)?;
            Some((Action::RemoveAll { name }, after))
        }
        ("--set", [name, path, after @ ..]) => {
            let (name, path) = (plain(name)?, absolute(path)?);
            Some((Action::Set { name, path }, after))
        }
        ("--auto", [name, after @ ..]) => {
            let name = plain(name)?;
            Some((Action::Auto { name }, after))
        }
        ("--display" | "--list" | "--query", [_, after @ ..]) | ("--get-selections", after) => {
            Some((Action::Look, after))
        }
        _ => None,
    }
}

/// A group's name is a file name.
fn plain(name: &str) -> Option<&str> {
    let bad = name.is_empty() || name == "." || name == ".." || name.starts_with('-');
    let bad = bad || name.contains(|one: char| one == '/' || one.is_whitespace());
    (!bad).then_some(name)
}

fn absolute(path: &str) -> Option<&str> {
    (path.starts_with('/') && !path.contains('\n')).then_some(path)
}
