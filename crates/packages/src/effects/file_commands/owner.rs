//! Owners and modes: `chown`, `chgrp`, `chmod`, `dpkg-statoverride`.

use enclair_tree::{Metadata, Node, NodeKind, TreePath};

use super::mode::{Mode, Target};
use super::paths_of;
use crate::effects::accounts::Accounts;
use crate::effects::options::{Arguments, Switch, flag, value};
use crate::effects::problem::Problem;
use crate::effects::work::Site;

const OVERRIDES: &str = "/var/lib/dpkg/statoverride";

/// A user and a group, of which one may be left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
}

impl Owner {
    /// Names or numbers; `None` when somebody does not exist.
    pub(super) fn named(
        accounts: &Accounts,
        user: Option<&str>,
        group: Option<&str>,
    ) -> Option<Self> {
        let uid = user.map(|user| accounts.uid_of(user));
        let gid = group.map(|group| accounts.gid_of(group));
        if uid == Some(None) || gid == Some(None) {
            return None;
        }
        Some(Self {
            uid: uid.flatten(),
            gid: gid.flatten(),
        })
    }

    /// `user`, `user:group`, `:group`, or `user:` for the user's own group; a dot for the colon,
    /// as it was written once, if no user has it in the name.
    fn parse(accounts: &Accounts, text: &str) -> Option<Self> {
        let dotted = || {
            text.split_once('.')
                .filter(|_| accounts.uid_of(text).is_none())
        };
        let Some((user, group)) = text.split_once(':').or_else(dotted) else {
            return Self::named(accounts, Some(text), None);
        };
        match (user, group) {
            ("", "") => None,
            ("", group) => Self::named(accounts, None, Some(group)),
            (user, "") => Some(Self {
                uid: Some(accounts.user(user)?.uid),
                gid: Some(accounts.user(user)?.gid),
            }),
            (user, group) => Self::named(accounts, Some(user), Some(group)),
        }
    }
}

const SWITCHES: &[Switch] = &[
    flag(&["--recursive", "-R"]),
    flag(&["--no-dereference", "-h"]),
    flag(&["--silent", "--quiet", "-f"]),
    flag(&["--changes", "-c"]),
    flag(&["--verbose", "-v"]),
    value(&["--from"]),
];

pub(super) fn chown(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    change_owner(site, words, Owner::parse)
}

pub(super) fn chgrp(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    change_owner(site, words, |accounts, group| {
        Owner::named(accounts, None, Some(group))
    })
}

fn change_owner(
    site: &mut Site<'_>,
    words: &[&str],
    read: fn(&Accounts, &str) -> Option<Owner>,
) -> Result<Option<()>, Problem> {
    let arguments = Arguments::parse(words, SWITCHES);
    let Some(arguments) = arguments.filter(|parsed| !parsed.has("--from")) else {
        return Ok(None);
    };
    let Some((owner, paths)) = arguments.rest.split_first() else {
        return Ok(None);
    };
    let accounts = Accounts::read(&site.files)?;
    let Some(owner) = read(&accounts, owner) else {
        return Ok(None);
    };
    let Some(places) = places(site, &arguments, paths) else {
        return Ok(None);
    };
    for place in places {
        let is_file = site.files.tree().get(&place).is_some_and(Node::is_file);
        site.files.change(&place, |metadata| {
            metadata.uid = owner.uid.unwrap_or(metadata.uid);
            metadata.gid = owner.gid.unwrap_or(metadata.gid);
            if is_file {
                metadata.permissions &= !lost(metadata.permissions);
            }
        });
    }
    Ok(Some(()))
}

/// The bits that the kernel takes from a file whose owner changes, whoever changes it.
fn lost(permissions: u16) -> u16 {
    if permissions & 0o010 == 0 {
        0o4000
    } else {
        0o6000
    }
}

/// What is to be changed: where the paths lead, and with `--recursive` all below, where symlinks
/// are changed themselves. `None` when a path is none or leads nowhere.
fn places(site: &Site<'_>, arguments: &Arguments<'_>, paths: &[&str]) -> Option<Vec<TreePath>> {
    let mut places = Vec::new();
    for path in paths_of(paths)? {
        let own = arguments.has("--recursive") || arguments.has("--no-dereference");
        if own {
            let place = site.files.own_place(&path)?;
            if arguments.has("--recursive") {
                let below = site.files.tree().descendants(&place);
                places.extend(below.map(|(path, _, _)| path.clone()));
            }
            places.push(place);
        } else {
            places.push(site.files.real(&path)?);
        }
    }
    Some(places)
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "one of several functions of one signature"
)]
pub(super) fn chmod(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let (options, rest): (Vec<&str>, Vec<&str>) = words
        .iter()
        .partition(|word| word.starts_with("--") || ["-R", "-f", "-v", "-c"].contains(word));
    let arguments = Arguments::parse(&options, SWITCHES);
    // `-w` and `-x` are modes and no options.
    let (Some(arguments), Some((mode, paths))) = (arguments, rest.split_first()) else {
        return Ok(None);
    };
    let Some(mode) = Mode::parse(mode) else {
        return Ok(None);
    };
    let Some(paths) = paths_of(paths) else {
        return Ok(None);
    };
    let mut places = Vec::new();
    for path in &paths {
        let Some(place) = site.files.real(path) else {
            return Ok(None);
        };
        if arguments.has("--recursive") {
            let below = site.files.tree().descendants(&place);
            let below = below.filter(|(_, _, node)| !is_symlink(node));
            places.extend(below.map(|(path, _, _)| path.clone()));
        }
        places.push(place);
    }
    for place in places {
        change_mode(site, &place, &mode);
    }
    Ok(Some(()))
}

fn is_symlink(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Symlink(_))
}

fn change_mode(site: &mut Site<'_>, place: &TreePath, mode: &Mode) {
    let directory = site.files.tree().get(place).is_some_and(Node::is_directory);
    let target = if directory {
        Target::Directory
    } else {
        Target::Other
    };
    site.files.change(place, |metadata| {
        metadata.permissions = mode.apply(metadata.permissions, target);
    });
}

/// `--add USER GROUP MODE PATH`, with `--update` for what is there; the record of dpkg is kept.
pub(super) fn statoverride(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[
        flag(&["--update"]),
        flag(&["--add"]),
        flag(&["--force", "--force-all", "--force-statoverride-add"]),
        flag(&["--quiet"]),
    ];
    let arguments = Arguments::parse(words, known).filter(|parsed| parsed.has("--add"));
    let Some(arguments) = arguments else {
        return Ok(None);
    };
    let [user, group, mode, path] = arguments.rest.as_slice() else {
        return Ok(None);
    };
    let accounts = Accounts::read(&site.files)?;
    let number = |text: &str| text.strip_prefix('#').map(str::to_owned);
    let (user_name, group_name) = (number(user), number(group));
    let owner = Owner::named(
        &accounts,
        Some(user_name.as_deref().unwrap_or(user)),
        Some(group_name.as_deref().unwrap_or(group)),
    );
    let permissions = u16::from_str_radix(mode, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777);
    let (Some(owner), Some(permissions), Some(_)) = (owner, permissions, paths_of(&[path])) else {
        return Ok(None);
    };
    let records = site.files.read_text(OVERRIDES)?.unwrap_or_default();
    let mut lines = records.lines().map(str::to_owned).collect::<Vec<_>>();
    if lines.iter().any(|line| line.ends_with(&format!(" {path}"))) {
        return Ok(None);
    }
    lines.push(format!("{user} {group} {mode} {path}"));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    site.files
        .make_directories("/var/lib/dpkg", Metadata::new(0o755))?;
    site.files.write(OVERRIDES, text)?;
    if let Some(place) = site.files.real(path).filter(|_| arguments.has("--update")) {
        site.files.change(&place, |metadata| {
            metadata.uid = owner.uid.unwrap_or(metadata.uid);
            metadata.gid = owner.gid.unwrap_or(metadata.gid);
            metadata.permissions = permissions;
        });
    }
    Ok(Some(()))
}
