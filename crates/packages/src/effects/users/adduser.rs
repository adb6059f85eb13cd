//! `adduser --system`, `addgroup --system` and `adduser USER GROUP`.

use std::ops::RangeInclusive;

use enclair_tree::Metadata;

use super::ids;
use crate::effects::accounts::{Accounts, Aging, NewUser, SYSTEM};
use crate::effects::options::{Arguments, Switch, flag, value};
use crate::effects::problem::Problem;
use crate::effects::work::{Answer, Site};

const KNOWN: &[Switch] = &[
    flag(&["--system"]),
    flag(&["--group"]),
    flag(&["--quiet", "-q"]),
    flag(&["--verbose"]),
    flag(&["--no-create-home"]),
    flag(&["--disabled-login"]),
    flag(&["--disabled-password"]),
    flag(&["--force-badname"]),
    flag(&["--allow-badname"]),
    flag(&["--allow-bad-names"]),
    flag(&["--allow-all-names"]),
    value(&["--home"]),
    value(&["--shell"]),
    value(&["--comment", "--gecos"]),
    value(&["--uid"]),
    value(&["--gid"]),
    value(&["--ingroup"]),
    value(&["--firstuid"]),
    value(&["--lastuid"]),
    value(&["--firstgid"]),
    value(&["--lastgid"]),
];

/// The group of users that have none of their own.
const NOGROUP: u32 = 65534;

/// `adduser`: a system user, or a member for a group.
pub(super) fn adduser(
    site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let Some(arguments) = Arguments::parse(arguments, KNOWN) else {
        return Ok(Answer::NotMine);
    };
    match arguments.rest.as_slice() {
        [user, group] => Ok(add_member(accounts, user, group)),
        [name] if arguments.has("--system") => add_user(site, accounts, &arguments, name),
        [name] if arguments.has("--group") => add_group(accounts, &arguments, name),
        _ => Ok(Answer::NotMine),
    }
}

/// `addgroup`: a system group, or a member for one.
pub(super) fn addgroup(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let Some(arguments) = Arguments::parse(arguments, KNOWN) else {
        return Ok(Answer::NotMine);
    };
    match arguments.rest.as_slice() {
        [name] => add_group(accounts, &arguments, name),
        _ => Ok(Answer::NotMine),
    }
}

fn add_member(accounts: &mut Accounts, user: &str, group: &str) -> Answer {
    let (Some(known), Some(gid)) = (accounts.user(user), accounts.group(group)) else {
        return Answer::NotMine;
    };
    // Whose own group it is is a member already.
    if known.gid != gid {
        accounts.add_member(user, group);
    }
    Answer::Emulated
}

/// The range that `--firstuid` and `--lastuid`, or those for groups, leave of `whole`.
fn range(
    arguments: &Arguments<'_>,
    [first, last]: [&str; 2],
    whole: RangeInclusive<u32>,
) -> Option<RangeInclusive<u32>> {
    let first = arguments.number(first).ok()?.unwrap_or(*whole.start());
    let last = arguments.number(last).ok()?.unwrap_or(*whole.end());
    Some(first..=last)
}

fn add_group(
    accounts: &mut Accounts,
    arguments: &Arguments<'_>,
    name: &str,
) -> Result<Answer, Problem> {
    if accounts.group(name).is_some() {
        return Ok(Answer::Emulated);
    }
    let whole = if arguments.has("--system") {
        SYSTEM
    } else {
        1000..=59999
    };
    let range = range(arguments, ["--firstgid", "--lastgid"], whole);
    let (Some(range), Ok(wanted)) = (range, arguments.number("--gid")) else {
        return Ok(Answer::NotMine);
    };
    let taken = accounts.gids();
    let gid = match wanted {
        Some(gid) if taken.contains(&gid) => return Ok(Answer::NotMine),
        Some(gid) => gid,
        None => ids::lowest(&taken, range)?,
    };
    accounts.add_group(name, gid);
    Ok(Answer::Emulated)
}

fn add_user(
    site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &Arguments<'_>,
    name: &str,
) -> Result<Answer, Problem> {
    if accounts.user(name).is_some() {
        return Ok(Answer::Emulated);
    }
    let range = range(arguments, ["--firstuid", "--lastuid"], SYSTEM);
    let (Some(range), Ok(wanted)) = (range, arguments.number("--uid")) else {
        return Ok(Answer::NotMine);
    };
    let uids = accounts.uids();
    let uid = match wanted {
        Some(uid) if uids.contains(&uid) => return Ok(Answer::NotMine),
        Some(uid) => uid,
        None => ids::lowest(&uids, range)?,
    };
    let Some(gid) = primary_group(accounts, arguments, name, wanted)? else {
        return Ok(Answer::NotMine);
    };
    let home = arguments.value("--home").unwrap_or("/nonexistent");
    let gecos = arguments.value("--comment");
    let gecos = gecos.map(|text| comment(site, text)).transpose()?;
    accounts.add_user(&NewUser {
        name,
        uid,
        gid,
        gecos: gecos.as_deref().unwrap_or(""),
        home,
        shell: arguments.value("--shell").unwrap_or("/usr/sbin/nologin"),
        aging: Aging::None,
    });
    if !arguments.has("--no-create-home") {
        make_home(site, home, [uid, gid])?;
    }
    Ok(Answer::Emulated)
}

/// The group of a new user, made if it has to be; `None` when the arguments contradict each other
/// or the accounts. A group of the user's own has the user's number only when that was asked for.
fn primary_group(
    accounts: &mut Accounts,
    arguments: &Arguments<'_>,
    name: &str,
    uid: Option<u32>,
) -> Result<Option<u32>, Problem> {
    if let Some(group) = arguments.value("--ingroup") {
        return Ok(accounts.group(group));
    }
    let Ok(gid) = arguments.number("--gid") else {
        return Ok(None);
    };
    if let Some(gid) = gid {
        return Ok(accounts.gids().contains(&gid).then_some(gid));
    }
    if !arguments.has("--group") {
        return Ok(Some(NOGROUP));
    }
    if let Some(gid) = accounts.group(name) {
        return Ok(Some(gid));
    }
    let Some(range) = range(arguments, ["--firstgid", "--lastgid"], SYSTEM) else {
        return Ok(None);
    };
    let taken = accounts.gids();
    let gid = match uid {
        Some(uid) if taken.contains(&uid) => return Ok(None),
        Some(uid) => uid,
        None => ids::lowest(&taken, range)?,
    };
    accounts.add_group(name, gid);
    Ok(Some(gid))
}

/// The comment field: older releases of the tool write it with `chfn`, which adds the places of a
/// room and of telephones. Which one it is says the program in the image.
fn comment(site: &Site<'_>, text: &str) -> Result<String, Problem> {
    let program = site
        .files
        .read_text("/usr/sbin/adduser")?
        .unwrap_or_default();
    if !program.contains("$chfn, '-f'") {
        return Ok(text.to_owned());
    }
    let mut parts: Vec<&str> = text.split(',').collect();
    // Perl's `split` gives no empty fields at the end.
    while parts.last().is_some_and(|part| part.is_empty()) {
        parts.pop();
    }
    let last = parts.split_off(parts.len().min(4));
    parts.resize(4, "");
    parts.extend(last.first());
    Ok(parts.join(","))
}

fn make_home(site: &mut Site<'_>, home: &str, [uid, gid]: [u32; 2]) -> Result<(), Problem> {
    let nowhere = home == "/nonexistent" || home.starts_with("/nonexistent/");
    if nowhere || site.files.exists(home) {
        return Ok(());
    }
    let metadata = Metadata {
        uid,
        gid,
        ..Metadata::new(0o755)
    };
    site.files.make_directories(home, metadata)
}

/// `deluser NAME`: what a script says about a user of an older release, who is not there.
#[allow(clippy::unnecessary_wraps, reason = "a `Change`")]
pub(super) fn deluser(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let known = &[
        flag(&["--quiet", "-q"]),
        flag(&["--system"]),
        flag(&["--remove-home"]),
    ];
    let Some(parsed) = Arguments::parse(arguments, known) else {
        return Ok(Answer::NotMine);
    };
    match parsed.rest.as_slice() {
        [name] => {
            accounts.remove_user(name);
            Ok(Answer::Emulated)
        }
        _ => Ok(Answer::NotMine),
    }
}

/// `delgroup NAME`: likewise.
#[allow(clippy::unnecessary_wraps, reason = "a `Change`")]
pub(super) fn delgroup(
    _site: &mut Site<'_>,
    accounts: &mut Accounts,
    arguments: &[&str],
) -> Result<Answer, Problem> {
    let known = &[
        flag(&["--quiet", "-q"]),
        flag(&["--system"]),
        flag(&["--only-if-empty"]),
    ];
    match Arguments::parse(arguments, known).and_then(|parsed| parsed.only()) {
        Some(name) => {
            accounts.remove_group(name);
            Ok(Answer::Emulated)
        }
        None => Ok(Answer::NotMine),
    }
}
