//! `useradd`, `groupadd`, `usermod`, `gpasswd`, `chfn` and `chsh` of the package `passwd`.

use std::ops::RangeInclusive;

use enclair_tree::Metadata;

use super::ids;
use crate::effects::accounts::{Accounts, Aging, Detail, NewUser};
use crate::effects::options::{Arguments, Switch, flag, value};
use crate::effects::problem::Problem;
use crate::effects::work::{Answer, Site};

/// System ids as these tools see them: their own default begins one above Debian's.
const SYSTEM: RangeInclusive<u32> = 101..=999;

const USERADD: &[Switch] = &[
    flag(&["--system", "-r"]),
    flag(&["--no-create-home", "-M"]),
    flag(&["--create-home", "-m"]),
    flag(&["--no-user-group", "-N"]),
    flag(&["--user-group", "-U"]),
    flag(&["--no-log-init", "-l"]),
    flag(&["--badname", "--badnames"]),
    value(&["--home-dir", "--home", "-d"]),
    value(&["--shell", "-s"]),
    value(&["--comment", "-c"]),
    value(&["--uid", "-u"]),
    value(&["--gid", "-g"]),
    value(&["--groups", "-G"]),
];

/// `useradd -r`.
pub(super) fn useradd(
    site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let parsed = Arguments::parse(arguments, USERADD);
    let Some(arguments) = parsed.filter(|parsed| parsed.has("--system")) else {
        return Ok(Answer::NotMine);
    };
    let Some(name) = arguments.only() else {
        return Ok(Answer::NotMine);
    };
    if accounts.user(name).is_some() {
        return Ok(Answer::Emulated);
    }
    let Ok(wanted) = arguments.number("--uid") else {
        return Ok(Answer::NotMine);
    };
    let uids = accounts.uids();
    let uid = match wanted {
        Some(uid) if uids.contains(&uid) => return Ok(Answer::NotMine),
        Some(uid) => uid,
        None => ids::below(&uids, SYSTEM)?,
    };
    let Some(gid) = primary_group(accounts, &arguments, name, uid)? else {
        return Ok(Answer::NotMine);
    };
    let home = arguments.value("--home-dir").map(str::to_owned);
    let home = home.unwrap_or_else(|| format!("/home/{name}"));
    accounts.add_user(&NewUser {
        name,
        uid,
        gid,
        gecos: arguments.value("--comment").unwrap_or(""),
        home: &home,
        shell: arguments.value("--shell").unwrap_or("/bin/sh"),
        aging: Aging::None,
    });
    let groups = arguments.value("--groups").unwrap_or("");
    for group in groups.split(',').filter(|group| !group.is_empty()) {
        accounts.add_member(name, group);
    }
    if arguments.has("--create-home") && !site.files.exists(&home) {
        make_home(site, &home, [uid, gid])?;
    }
    Ok(Answer::Emulated)
}

/// A home directory with what `/etc/skel` has, all of it the user's.
fn make_home(site: &mut Site<'_>, home: &str, [uid, gid]: [u32; 2]) -> Result<(), Problem> {
    let owned = |metadata: Metadata| Metadata {
        uid,
        gid,
        ..metadata
    };
    let mode = home_mode(site)?;
    site.files
        .make_directories(home, owned(Metadata::new(mode)))?;
    let Some(skeleton) = site.files.real("/etc/skel") else {
        return Ok(());
    };
    let below = site.files.tree().descendants(&skeleton);
    let entries = below.filter_map(|(path, _, node)| {
        let name = String::from_utf8(path.strip_prefix(&skeleton)?.as_bytes().to_vec()).ok()?;
        Some((name, node.clone()))
    });
    let entries: Vec<_> = entries.collect();
    for (name, mut node) in entries {
        node.metadata = owned(node.metadata);
        site.files.put_node(&format!("{home}/{name}"), node)?;
    }
    Ok(())
}

/// What `/etc/login.defs` says about home directories; before Debian 13 it does not.
fn home_mode(site: &Site<'_>) -> Result<u16, Problem> {
    let text = site.files.read_text("/etc/login.defs")?.unwrap_or_default();
    let mut lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mode = lines.find_map(|words| match words.as_slice() {
        ["HOME_MODE", mode] => u16::from_str_radix(mode, 8).ok(),
        _ => None,
    });
    Ok(mode.unwrap_or(0o755))
}

/// The group of a new user, made if it has to be: with the user's number if that is free.
fn primary_group(
    accounts: &mut Accounts,
    arguments: &Arguments<'_>,
    name: &str,
    uid: u32,
) -> Result<Option<u32>, Problem> {
    if let Some(group) = arguments.value("--gid") {
        let gid = accounts.gid_of(group);
        return Ok(gid.filter(|gid| accounts.gids().contains(gid)));
    }
    if arguments.has("--no-user-group") {
        // `users`, which `/etc/default/useradd` would have to change.
        return Ok(Some(100));
    }
    if accounts.group(name).is_some() {
        return Ok(None);
    }
    let taken = accounts.gids();
    let gid = if taken.contains(&uid) {
        ids::below(&taken, SYSTEM)?
    } else {
        uid
    };
    accounts.add_group(name, gid);
    Ok(Some(gid))
}

/// `groupadd`.
pub(super) fn groupadd(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let known = &[
        flag(&["--system", "-r"]),
        flag(&["--force", "-f"]),
        value(&["--gid", "-g"]),
    ];
    let parsed = Arguments::parse(arguments, known);
    let named = parsed.and_then(|parsed| Some((parsed.only()?, parsed)));
    let Some((name, arguments)) = named else {
        return Ok(Answer::NotMine);
    };
    if accounts.group(name).is_some() {
        return Ok(Answer::Emulated);
    }
    let Ok(wanted) = arguments.number("--gid") else {
        return Ok(Answer::NotMine);
    };
    let taken = accounts.gids();
    let gid = match wanted {
        Some(gid) if taken.contains(&gid) => return Ok(Answer::NotMine),
        Some(gid) => gid,
        None if arguments.has("--system") => ids::below(&taken, SYSTEM)?,
        None => return Ok(Answer::NotMine),
    };
    accounts.add_group(name, gid);
    Ok(Answer::Emulated)
}

const USERMOD: &[Switch] = &[
    flag(&["--append", "-a"]),
    flag(&["--lock", "-L"]),
    value(&["--groups", "-G"]),
    value(&["--gid", "-g"]),
    value(&["--home", "-d"]),
    value(&["--shell", "-s"]),
    value(&["--comment", "-c"]),
];

/// `usermod`: members of groups, and what stands in passwd.
#[allow(clippy::unnecessary_wraps, reason = "a `Change`")]
pub(super) fn usermod(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let parsed = Arguments::parse(arguments, USERMOD);
    let named = parsed.and_then(|parsed| Some((parsed.only()?, parsed)));
    let Some((name, arguments)) = named.filter(|(name, _)| accounts.user(name).is_some()) else {
        return Ok(Answer::NotMine);
    };
    if let Some(groups) = arguments.value("--groups") {
        let groups: Vec<&str> = groups
            .split(',')
            .filter(|group| !group.is_empty())
            .collect();
        let all = groups.iter().all(|group| accounts.group(group).is_some());
        // Without `--append` the user leaves every other group.
        if !arguments.has("--append") || !all {
            return Ok(Answer::NotMine);
        }
        for group in groups {
            accounts.add_member(name, group);
        }
    }
    if let Some(group) = arguments.value("--gid") {
        let Some(gid) = accounts.gid_of(group) else {
            return Ok(Answer::NotMine);
        };
        accounts.change_user(name, Detail::Group, &gid.to_string());
    }
    for (option, detail) in [
        ("--home", Detail::Home),
        ("--shell", Detail::Shell),
        ("--comment", Detail::Gecos),
    ] {
        if let Some(value) = arguments.value(option) {
            accounts.change_user(name, detail, value);
        }
    }
    if arguments.has("--lock") {
        accounts.lock_password(name);
    }
    Ok(Answer::Emulated)
}

/// `gpasswd -a USER GROUP`.
#[allow(clippy::unnecessary_wraps, reason = "a `Change`")]
pub(super) fn gpasswd(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let known = &[value(&["--add", "-a"])];
    let parsed = Arguments::parse(arguments, known);
    let named = parsed.and_then(|parsed| Some((parsed.value("--add")?, parsed.only()?)));
    let known = |(user, group): &(&str, &str)| {
        accounts.user(user).is_some() && accounts.group(group).is_some()
    };
    match named.filter(known) {
        Some((user, group)) => {
            accounts.add_member(user, group);
            Ok(Answer::Emulated)
        }
        None => Ok(Answer::NotMine),
    }
}

/// `chfn -f NAME USER`: the comment, with the places of a room and of telephones.
#[allow(clippy::unnecessary_wraps, reason = "a `Change`")]
pub(super) fn chfn(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let known = &[value(&["--full-name", "-f"])];
    let parsed = Arguments::parse(arguments, known);
    let named = parsed.and_then(|parsed| Some((parsed.value("--full-name")?, parsed.only()?)));
    match named.filter(|(_, user)| accounts.user(user).is_some()) {
        Some((name, user)) => {
            accounts.change_user(user, Detail::Gecos, &format!("{name},,,"));
            Ok(Answer::Emulated)
        }
        None => Ok(Answer::NotMine),
    }
}

/// `chsh -s SHELL USER`.
#[allow(clippy::unnecessary_wraps, reason = "a `Change`")]
pub(super) fn chsh(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let known = &[value(&["--shell", "-s"])];
    let parsed = Arguments::parse(arguments, known);
    let named = parsed.and_then(|parsed| Some((parsed.value("--shell")?, parsed.only()?)));
    match named.filter(|(_, user)| accounts.user(user).is_some()) {
        Some((shell, user)) => {
            accounts.change_user(user, Detail::Shell, shell);
            Ok(Answer::Emulated)
        }
        None => Ok(Answer::NotMine),
    }
}
