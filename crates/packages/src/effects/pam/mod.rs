//! `pam-auth-update`: `/etc/pam.d/common-*`, put together from the profiles of packages.
//!
//! Each file has a block of lines of which one must succeed and one of additional lines. Profiles
//! stand in them in the order of their priorities; a jump (`success=end`) leads behind its block.
//! What was put in is kept in `/var/lib/pam`, as the real tool does, so that the tool can go on
//! from there.
//!
//! # What it is not
//!
//! The merging of what somebody has edited: nobody has.
//!
//! Followed: libpam-runtime 1.5.2 and 1.7.0.

mod profile;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use enclair_tree::{Metadata, TreePath};

use self::profile::{Interactive, Profile};
use super::options::{Arguments, flag, value};
use super::problem::Problem;
use super::work::{Answer, Invocation, Replaced, Site, Work};

const PROFILES: &str = "/usr/share/pam-configs";
const TEMPLATES: &str = "/usr/share/pam";
const CONFIGURATION: &str = "/etc/pam.d";
const STATE: &str = "/var/lib/pam";
const PROGRAM: &str = "/usr/sbin/pam-auth-update";

/// The files, with the names that profiles have for them.
const KINDS: [(&str, &str); 5] = [
    ("auth", "Auth"),
    ("account", "Account"),
    ("password", "Password"),
    ("session", "Session"),
    ("session-noninteractive", "Session-noninteractive"),
];

/// The effect.
pub(crate) struct PamAuthUpdate;

impl Work for PamAuthUpdate {
    fn replaces(&self) -> &'static [Replaced] {
        &[Replaced {
            package: "libpam-runtime",
            reviewed: &["59033041283cf9477b838c13b1488ba42c132c09dfa68d5ccd803cab63f0dc89"],
        }]
    }

    fn configure(&self, site: &mut Site<'_>, _package: &str) -> Result<(), Problem> {
        update(site, None)
    }

    fn command(&self, site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        if call.program != "pam-auth-update" {
            return Ok(Answer::NotMine);
        }
        let known = &[
            flag(&["--package"]),
            flag(&["--force"]),
            value(&["--root"]),
            value(&["--enable"]),
        ];
        let parsed = Arguments::parse(call.arguments, known);
        let own = |parsed: &Arguments<'_>| {
            parsed.rest.is_empty() && matches!(parsed.value("--root"), None | Some("" | "/"))
        };
        let Some(arguments) = parsed.filter(own) else {
            return Ok(Answer::NotMine);
        };
        update(site, arguments.value("--enable"))?;
        Ok(Answer::Emulated)
    }
}

/// Profiles by name, and the names in the order in which they stand in files.
struct Profiles {
    by_name: BTreeMap<String, Profile>,
    order: Vec<String>,
}

/// Puts the files together; `more` is a profile that is taken besides those that are by default.
fn update(site: &mut Site<'_>, more: Option<&str>) -> Result<(), Problem> {
    if !site.files.is_file(&format!("{TEMPLATES}/common-auth")) {
        return Ok(());
    }
    let profiles = read_profiles(site)?;
    let enabled = enabled(site, &profiles, more)?;
    site.files.make_directories(STATE, Metadata::new(0o755))?;
    site.files
        .make_directories(CONFIGURATION, Metadata::new(0o755))?;
    let seen: String = profiles
        .order
        .iter()
        .map(|name| format!("{name}\n"))
        .collect();
    site.files
        .put(&format!("{STATE}/seen"), seen, Metadata::new(0o644))?;
    let chosen = enabled
        .iter()
        .filter_map(|name| Some((name.as_str(), profiles.by_name.get(name)?)));
    let chosen: Vec<(&str, &Profile)> = chosen.collect();
    for (file, kind) in KINDS {
        let path = format!("{TEMPLATES}/common-{file}");
        let text = fill_in(site, &path, kind, &chosen)?;
        let path = format!("{CONFIGURATION}/common-{file}");
        site.files.put(&path, text, Metadata::new(0o644))?;
        let state = state(kind, &chosen);
        site.files
            .put(&format!("{STATE}/{file}"), state, Metadata::new(0o644))?;
    }
    Ok(())
}

fn read_profiles(site: &Site<'_>) -> Result<Profiles, Problem> {
    let program = site.files.read_text(PROGRAM)?.unwrap_or_default();
    let interactive = if program.contains("{'Session-Interactive-Only'} ne 'yes'") {
        Interactive::Yes
    } else {
        Interactive::Named
    };
    let mut by_name = BTreeMap::new();
    for name in site.files.text_names(PROFILES) {
        let kept = name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
        let text = site.files.read_text(&format!("{PROFILES}/{name}"))?;
        let Some(text) = text.filter(|_| !kept) else {
            continue;
        };
        let profile = Profile::parse(&text, interactive);
        if !profile.is_disabled() {
            by_name.insert(name, profile);
        }
    }
    let mut order: Vec<(i64, String)> = by_name
        .iter()
        .map(|(name, profile)| (profile.priority(), name.clone()))
        .collect();
    order.sort_by(|one, other| other.cmp(one));
    let order = order.into_iter().map(|(_, name)| name).collect();
    Ok(Profiles { by_name, order })
}

/// The names of the profiles that are taken, in their order: those that were, those that nobody
/// has seen yet and that are taken by default, and `more`.
fn enabled(
    site: &Site<'_>,
    profiles: &Profiles,
    more: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let seen = site
        .files
        .read_text(&format!("{STATE}/seen"))?
        .unwrap_or_default();
    let seen: BTreeSet<&str> = seen.lines().collect();
    let mut before: BTreeSet<String> = BTreeSet::new();
    for (file, _) in KINDS {
        let state = site
            .files
            .read_text(&format!("{STATE}/{file}"))?
            .unwrap_or_default();
        let names = state
            .lines()
            .filter_map(|line| line.strip_prefix("Module: "));
        before.extend(names.map(str::to_owned));
    }
    let is_taken = |name: &&String| {
        let new = !seen.contains(name.as_str());
        let default = profiles.by_name.get(*name).is_some_and(Profile::is_default);
        before.contains(*name) || (new && default) || more == Some(name)
    };
    let mut taken: Vec<String> = profiles.order.iter().filter(is_taken).cloned().collect();
    // Of two that exclude each other, the one that says so of the other stays.
    let mut place = 0_usize;
    while let Some(name) = taken.get(place).cloned() {
        let profile = profiles.by_name.get(&name);
        taken.retain(|other| !profile.is_some_and(|profile| profile.conflicts_with(other)));
        place = place.saturating_add(1);
    }
    Ok(taken)
}

/// Where a template changes from one part to the next.
const MARKS: [&str; 4] = [
    "# here are the per-package modules (the \"Primary\" block)",
    "# here's the fallback if no module succeeds",
    "# and here are more per-package modules (the \"Additional\" block)",
    "# end of pam-auth-update config",
];

/// A template with the lines of profiles in its two blocks.
fn fill_in(
    site: &Site<'_>,
    path: &str,
    kind: &str,
    chosen: &[(&str, &Profile)],
) -> Result<String, Problem> {
    let place = || TreePath::from_archive(path.as_bytes());
    let Some(template) = site.files.read_text(path)? else {
        return Err(Problem::Missing { path: place()? });
    };
    let mut text = String::new();
    let mut marks = MARKS.iter().enumerate().peekable();
    let mut within_block = false;
    for line in template.lines() {
        let next = marks.next_if(|(_, mark)| line.starts_with(**mark));
        if within_block && next.is_none() {
            continue;
        }
        text.push_str(line);
        text.push('\n');
        if let Some((number, _)) = next {
            within_block = number == 0 || number == 2;
            match number {
                0 => text.push_str(&block(kind, "Primary", chosen, &place()?)?),
                2 => text.push_str(&block(kind, "Additional", chosen, &place()?)?),
                _ => {}
            }
        }
    }
    if marks.next().is_some() {
        return Err(Problem::Format {
            path: place()?,
            expected: "the four comments between which `pam-auth-update` writes",
        });
    }
    Ok(text)
}

/// The lines of one block.
fn block(
    kind: &str,
    name: &str,
    chosen: &[(&str, &Profile)],
    path: &TreePath,
) -> Result<String, Problem> {
    let kind_of_line = kind.to_ascii_lowercase();
    let kind_of_line = kind_of_line
        .strip_suffix("-noninteractive")
        .unwrap_or(&kind_of_line);
    let own = chosen
        .iter()
        .filter(|(_, profile)| profile.block(kind) == name);
    let lines = own
        .enumerate()
        .flat_map(|(place, (_, profile))| profile.lines(kind, place).lines());
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    if lines.is_empty() && name == "Primary" {
        return Ok(format!("{kind_of_line}\t{PERMIT}\n"));
    }
    // A jump from the first line passes over all others; there is nothing behind the last block.
    let mut left = lines.len();
    if name == "Additional" {
        left = left.saturating_sub(1);
    }
    let mut text = String::new();
    for line in lines {
        let Some((module, options)) = module(line) else {
            return Err(Problem::Format {
                path: path.clone(),
                expected: "a control and a module in every line of a profile",
            });
        };
        let module = module.replace("end", &left.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{kind_of_line}\t{module} {}", options.join(" "));
        left = left.saturating_sub(1);
    }
    Ok(text)
}

/// The line of a block that nobody has a line in.
const PERMIT: &str = "[default=1]\t\t\tpam_permit.so";

/// Takes a line apart: the control with the module, as they are, and the options.
fn module(line: &str) -> Option<(&str, Vec<&str>)> {
    let control = match line.strip_prefix('[') {
        Some(after) => after.find(']')?.checked_add(2)?,
        None => line.find(char::is_whitespace)?,
    };
    let (_, after) = line.split_at_checked(control)?;
    let start = control.checked_add(after.len().checked_sub(after.trim_start().len())?)?;
    let (_, from) = line.split_at_checked(start)?;
    let length = from.find(char::is_whitespace).unwrap_or(from.len());
    if start == control || length == 0 {
        return None;
    }
    let (module, options) = line.split_at_checked(start.checked_add(length)?)?;
    Some((module, options.split_whitespace().collect()))
}

/// What is kept about one file: the lines of profiles with their jumps as profiles write them.
fn state(kind: &str, chosen: &[(&str, &Profile)]) -> String {
    let mut text = String::new();
    for name in ["Primary", "Additional"] {
        let own = chosen
            .iter()
            .filter(|(_, profile)| profile.block(kind) == name);
        let mut own = own.enumerate().peekable();
        if own.peek().is_none() && name == "Primary" {
            let _ = writeln!(text, "Module: null\n{PERMIT}");
        }
        for (place, (module, profile)) in own {
            let lines = profile.lines(kind, place);
            if !lines.is_empty() {
                let _ = writeln!(text, "Module: {module}\n{lines}");
            }
        }
    }
    text
}
