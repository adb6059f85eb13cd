//! `systemd-sysusers`: accounts that files of a package list (sysusers.d(5)).
//!
//! ```text
//! u  messagebus  -            "System Message Bus"  home  shell     a user and a group of its name
//! u! name        uid:gid      ...                                   with an account that is closed
//! g  tape        25           -                                     a group
//! m  user        group                                              a member
//! ```
//!
//! The files are those that the command names, or all of them. Specifiers (`%m`) and ranges are
//! not known here: a file that has one is nobody's.

use std::num::ParseIntError;

use super::ids;
use crate::effects::accounts::{Accounts, Aging, NewUser};
use crate::effects::options::{Arguments, flag, value};
use crate::effects::problem::Problem;
use crate::effects::work::{Answer, Site};

/// Where files are looked for; the first that has one of a name counts.
const DIRECTORIES: [&str; 4] = [
    "/etc/sysusers.d",
    "/run/sysusers.d",
    "/usr/local/lib/sysusers.d",
    "/usr/lib/sysusers.d",
];

/// The ids that are given away.
const FREE: std::ops::RangeInclusive<u32> = 1..=999;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    kind: String,
    name: String,
    id: String,
    gecos: String,
    home: String,
    shell: String,
}

/// The command.
pub(super) fn sysusers(
    site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let known = &[value(&["--root"]), flag(&["--no-pager"])];
    let parsed = Arguments::parse(arguments, known);
    let root = |parsed: &Arguments<'_>| matches!(parsed.value("--root"), None | Some("" | "/"));
    let Some(arguments) = parsed.filter(root) else {
        return Ok(Answer::NotMine);
    };
    let names: Vec<String> = match arguments.rest.as_slice() {
        [] => all_names(site),
        names => names.iter().map(|&name| name.to_owned()).collect(),
    };
    let mut lines = Vec::new();
    for name in &names {
        let Some(text) = find(site, name)? else {
            return Ok(Answer::NotMine);
        };
        let Some(found) = parse(&text) else {
            return Ok(Answer::NotMine);
        };
        lines.extend(found);
    }
    match apply(accounts, &lines)? {
        Some(()) => Ok(Answer::Emulated),
        None => Ok(Answer::NotMine),
    }
}

fn all_names(site: &Site<'_>) -> Vec<String> {
    let names = DIRECTORIES
        .iter()
        .flat_map(|path| site.files.text_names(path));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".conf")).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn find(site: &Site<'_>, name: &str) -> Result<Option<String>, Problem> {
    if name.starts_with('/') {
        return site.files.read_text(name);
    }
    for directory in DIRECTORIES {
        let text = site.files.read_text(&format!("{directory}/{name}"))?;
        if text.is_some() {
            return Ok(text);
        }
    }
    Ok(None)
}

/// The lines of a file; `None` when one is not known here.
fn parse(text: &str) -> Option<Vec<Line>> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Line> {
    let mut words = words(line)?.into_iter();
    // `-` says that there is nothing, as an empty word does.
    let mut next = || words.next().filter(|word| word != "-").unwrap_or_default();
    let line = Line {
        kind: next(),
        name: next(),
        id: next(),
        gecos: next(),
        home: next(),
        shell: next(),
    };
    let known = matches!(line.kind.as_str(), "u" | "u!" | "g" | "m") && !line.name.is_empty();
    let fields = [&line.name, &line.gecos, &line.home, &line.shell];
    // A colon would end the field in passwd; one in the id stands between user and group.
    let plain = !fields.iter().any(|field| field.contains(['%', '\\', ':']));
    let plain = plain && !line.id.contains(['%', '\\', '/']);
    (known && plain && words.next().is_none()).then_some(line)
}

/// The words of a line, of which some are in quotes.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => rest.strip_prefix(first)?.split_once(first)?,
            _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Some(words)
}

/// Groups come first, then users, then members, whatever the order of the lines.
fn apply(accounts: &mut Accounts, lines: &[Line]) -> Result<Option<()>, Problem> {
    for line in lines.iter().filter(|line| line.kind == "g") {
        if accounts.group(&line.name).is_none() {
            let Ok(wanted) = id_of(&line.id) else {
                return Ok(None);
            };
            add_group(accounts, &line.name, wanted)?;
        }
    }
    for line in lines.iter().filter(|line| line.kind.starts_with('u')) {
        if accounts.user(&line.name).is_none() && add_user(accounts, line)?.is_none() {
            return Ok(None);
        }
    }
    for line in lines.iter().filter(|line| line.kind == "m") {
        let (name, group) = (&line.name, &line.id);
        if accounts.user(name).is_none() {
            return Ok(None);
        }
        if accounts.group(group).is_none() {
            add_group(accounts, group, None)?;
        }
        accounts.add_member(name, group);
    }
    Ok(Some(()))
}

/// The id that a line asks for, if it does.
fn id_of(text: &str) -> Result<Option<u32>, ParseIntError> {
    let id = Some(text).filter(|text| !text.is_empty());
    id.map(str::parse).transpose()
}

/// A group with the id that is wanted, or the highest that no user has either.
fn add_group(accounts: &mut Accounts, name: &str, wanted: Option<u32>) -> Result<u32, Problem> {
    let taken: std::collections::BTreeSet<u32> =
        accounts.gids().union(&accounts.uids()).copied().collect();
    let gid = match wanted.filter(|gid| !accounts.gids().contains(gid)) {
        Some(gid) => gid,
        None => ids::highest(&taken, FREE)?,
    };
    accounts.add_group(name, gid);
    accounts.set_group_password(name, "!*");
    Ok(gid)
}

fn add_user(accounts: &mut Accounts, line: &Line) -> Result<Option<()>, Problem> {
    let (uid, group) = match line.id.split_once(':') {
        Some((uid, group)) => (uid, Some(group)),
        None => (line.id.as_str(), None),
    };
    // A `-` before the colon is no id either.
    let Ok(wanted) = id_of(uid.trim_matches('-')) else {
        return Ok(None);
    };
    let gid = match group {
        Some(group) => match accounts.gid_of(group) {
            Some(gid) => gid,
            None => return Ok(None),
        },
        None => match accounts.group(&line.name) {
            Some(gid) => gid,
            None => add_group(accounts, &line.name, wanted)?,
        },
    };
    let uids = accounts.uids();
    let own = group.is_none().then_some(gid);
    let free = |uid: &u32| !uids.contains(uid);
    let uid = match wanted.filter(free).or(own.filter(free)) {
        Some(uid) => uid,
        None => ids::highest(&uids.union(&accounts.gids()).copied().collect(), FREE)?,
    };
    let shell = if uid == 0 {
        "/bin/sh"
    } else {
        "/usr/sbin/nologin"
    };
    let aging = if line.kind == "u!" {
        Aging::Closed
    } else {
        Aging::None
    };
    accounts.add_user(&NewUser {
        name: &line.name,
        uid,
        gid,
        gecos: &line.gecos,
        home: or(&line.home, "/"),
        shell: or(&line.shell, shell),
        aging,
    });
    accounts.set_password(&line.name, "!*");
    Ok(Some(()))
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}
