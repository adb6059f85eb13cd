//! What became of the scripts of a root, by package.

use std::collections::BTreeSet;
use std::fmt;

use enclair_finding::{Findings, Kind};

use super::call::Script;
use crate::effects::{Answer, Applied, Outcome, Unread};
use crate::findings::{SCRIPT_NOT_READ, SCRIPT_NOT_READ_REFUSED};
use crate::findings::{SCRIPT_NOT_RUN, SCRIPT_NOT_RUN_REFUSED};
use crate::root::Installed;

/// What became of the scripts of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageReport {
    /// Name of the package.
    pub package: String,
    /// What became of its scripts as a whole.
    pub standing: Standing,
    /// The effects that did something of them, sorted.
    pub effects: Vec<&'static str>,
    /// How many commands are on the reviewed list.
    pub ignored: usize,
    /// What was not done, in the order in which it would have been.
    pub not_run: Vec<NotRun>,
    /// The scripts that could not be read.
    pub not_read: Vec<NotRead>,
}

/// What became of a package's scripts, the least of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It has no script that does anything on a fresh system, or none at all.
    Nothing,
    /// Everything that its scripts do needs not be done.
    Ignored,
    /// Everything that needs to be done is.
    Emulated,
    /// Something is not done, and is reported.
    Reported,
}

/// A command that was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRun {
    /// The script that has it.
    pub script: Script,
    /// Line of the script, from 1.
    pub line: u32,
    /// The command, as text.
    pub command: String,
}

/// A script that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRead {
    /// The script.
    pub script: Script,
    /// Why, with the line.
    pub reason: String,
}

/// What becomes of a build when something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNotRun {
    /// It says so.
    Warn,
    /// It stops: `scripts = "refuse"`.
    Refuse,
}

impl Standing {
    /// One word for it, in kebab case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Ignored => "ignored",
            Self::Emulated => "emulated",
            Self::Reported => "reported",
        }
    }
}

/// `postinst line 12: adduser --system name`, for a finding, behind the package's name.
impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.script, self.line, self.command)
    }
}

/// `postinst line 3: expected .., found ..`.
impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.script, self.reason)
    }
}

/// What became of the scripts of every package, in the order of `packages`.
pub fn report(packages: &[Installed], applied: &Applied) -> Vec<PackageReport> {
    let reports = packages.iter().enumerate().map(|(index, package)| {
        let outcomes: Vec<&Outcome> = applied
            .commands
            .iter()
            .filter(|outcome| outcome.package == index)
            .collect();
        let unread = applied.unread.iter().filter(|one| one.package == index);
        let replaced = applied.replaced.iter().filter(|one| one.package == index);
        let mut effects: BTreeSet<_> = outcomes.iter().filter_map(|one| one.effect).collect();
        effects.extend(replaced.map(|one| one.effect));
        package_report(package, &outcomes, unread.map(not_read).collect(), effects)
    });
    reports.collect()
}

fn package_report(
    package: &Installed,
    outcomes: &[&Outcome],
    not_read: Vec<NotRead>,
    effects: BTreeSet<&'static str>,
) -> PackageReport {
    let ignored = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.answer, Answer::Ignored(_)));
    let not_run: Vec<NotRun> = outcomes
        .iter()
        .filter(|outcome| outcome.answer == Answer::NotMine)
        .map(|outcome| NotRun {
            script: outcome.script,
            line: outcome.command.line,
            command: shortened(&outcome.command.to_string()),
        })
        .collect();
    let mut report = PackageReport {
        package: package.control.name().to_owned(),
        standing: Standing::Nothing,
        effects: effects.into_iter().collect(),
        ignored: ignored.count(),
        not_run,
        not_read,
    };
    report.standing = match &report {
        one if !one.not_run.is_empty() || !one.not_read.is_empty() => Standing::Reported,
        one if !one.effects.is_empty() => Standing::Emulated,
        one if one.ignored > 0 => Standing::Ignored,
        _ => Standing::Nothing,
    };
    report
}

fn not_read(unread: &Unread) -> NotRead {
    NotRead {
        script: unread.script,
        reason: unread.error.to_string(),
    }
}

/// Letters of a command that a report shows.
const SHOWN: usize = 300;

/// One line of a command, and not all of a long one.
fn shortened(command: &str) -> String {
    let mut letters = command.chars().map(|letter| match letter {
        '\n' | '\t' => ' ',
        letter => letter,
    });
    let mut text: String = letters.by_ref().take(SHOWN).collect();
    if letters.next().is_some() {
        text.push('…');
    }
    text
}

/// The findings of reports: one of [`SCRIPT_NOT_RUN`] a command, one of [`SCRIPT_NOT_READ`] a
/// script.
pub fn findings(reports: &[PackageReport], on_not_run: OnNotRun) -> Findings {
    let (not_run, not_read): (&'static Kind, &'static Kind) = match on_not_run {
        OnNotRun::Warn => (&SCRIPT_NOT_RUN, &SCRIPT_NOT_READ),
        OnNotRun::Refuse => (&SCRIPT_NOT_RUN_REFUSED, &SCRIPT_NOT_READ_REFUSED),
    };
    let mut findings = Findings::new();
    for report in reports {
        for one in &report.not_run {
            findings.add(not_run, format_args!("{} {one}", report.package));
        }
        for one in &report.not_read {
            findings.add(not_read, format_args!("{} {one}", report.package));
        }
    }
    findings
}
