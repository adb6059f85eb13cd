//! The reviewed list of commands that need not be done.
//!
//! A command is on it because it does nothing to a root filesystem (it only looks, or speaks), or
//! because what it does has no use in an enclave: a service manager's links, a cache that
//! programs do without, a key that everybody who has the image would know. Each rule says which,
//! and matches the harmless forms of a program only. A command that writes a file by redirection
//! is never on it.
//!
//! What is ignored decides what is *not* in an image, so the list has a version, `LIST`, which a
//! lock records: a rule that is added or taken away is a new version.

use super::command::Command;

mod sed;
mod table;

/// The name and version of the list, as a lock has it.
pub const LIST: (&str, u32) = ("maintainer-scripts", 1);

/// One rule of the list.
#[derive(Debug)]
pub struct Rule {
    /// The programs, without their directories. One that begins with `*` means every program
    /// whose name ends so, one that ends with `*` every program whose name begins so.
    pub programs: &'static [&'static str],
    /// The packages whose scripts are meant; every one's if there are none here.
    pub packages: &'static [&'static str],
    /// Which of their commands are meant.
    pub form: Form,
    /// Why they need not be done: one sentence without a full stop.
    pub reason: &'static str,
}

/// Which commands of a program a rule means.
#[derive(Debug)]
pub enum Form {
    /// Every one.
    Any,
    /// Those whose first argument is one of these.
    First(&'static [&'static str]),
    /// Those that have one of these arguments.
    With(&'static [&'static str]),
    /// Those that have an argument that ends with one of these.
    Ending(&'static [&'static str]),
    /// Those with no argument that begins with one of these. All arguments must be known.
    Without(&'static [&'static str]),
    /// Those with no argument that has one of these texts in it. All arguments must be known.
    Excluding(&'static [&'static str]),
    /// Those whose every path is below one of these directories, and there is one. All arguments
    /// must be known.
    Below(&'static [&'static str]),
    /// Those that a function of their arguments is true for. All arguments must be known.
    Printing(fn(&[&str]) -> bool),
    /// Those that are one of these to the letter, with what cannot be known as the script has it.
    Exactly(&'static [&'static str]),
    /// Those without arguments, or whose every argument begins with one of these.
    Only(&'static [&'static str]),
}

/// Every rule, in the order in which they are looked at.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    table::RULES.iter()
}

/// Why `command` of a script of `package` need not be done; `None` where it is not on the list.
pub fn ignored(package: &str, command: &Command) -> Option<&'static str> {
    if command.written().next().is_some() {
        return None;
    }
    // A program that is not known can only be meant by a rule for all of a package's.
    let program = command.program().unwrap_or_default();
    let rule = rules().find(|rule| {
        let applies = rule.packages.is_empty() || rule.packages.contains(&package);
        applies && rule.is_for(program) && rule.form.has(command)
    })?;
    Some(rule.reason)
}

impl Rule {
    fn is_for(&self, program: &str) -> bool {
        self.programs.iter().any(|pattern| {
            let (start, end) = (pattern.strip_suffix('*'), pattern.strip_prefix('*'));
            match (start, end) {
                (Some(start), _) => program.starts_with(start),
                (None, Some(end)) => program.ends_with(end),
                (None, None) => *pattern == program,
            }
        })
    }
}

impl Form {
    fn has(&self, command: &Command) -> bool {
        let texts = || {
            command
                .words
                .iter()
                .skip(1)
                .map(super::command::Word::known)
        };
        let mut known = texts().flatten();
        // What is not known may be anything, so these forms cannot exclude it.
        let all_known = texts().all(|word| word.is_some());
        match self {
            Self::Any => true,
            Self::First(firsts) => texts()
                .next()
                .flatten()
                .is_some_and(|first| firsts.contains(&first)),
            Self::With(arguments) => known.any(|word| arguments.contains(&word)),
            Self::Ending(ends) => known.any(|word| ends.iter().any(|end| word.ends_with(end))),
            Self::Without(starts) => {
                all_known && !known.any(|word| starts.iter().any(|start| word.starts_with(start)))
            }
            Self::Excluding(texts) => {
                all_known && !known.any(|word| texts.iter().any(|text| word.contains(text)))
            }
            Self::Below(directories) => all_known && is_below(known, directories),
            Self::Printing(only_prints) => all_known && only_prints(&known.collect::<Vec<_>>()),
            Self::Exactly(commands) => commands.contains(&command.to_string().as_str()),
            Self::Only(starts) => {
                all_known && known.all(|word| starts.iter().any(|start| word.starts_with(start)))
            }
        }
    }
}

/// Whether the paths among `words` are all below one of `directories`, and there is one.
fn is_below<'a>(words: impl Iterator<Item = &'a str>, directories: &[&str]) -> bool {
    let mut paths = words
        .filter(|word| word.contains('/') && *word != "/dev/null")
        .peekable();
    paths.peek().is_some()
        && paths.all(|path| {
            let inside = directories.iter().any(|directory| {
                path.strip_prefix(directory)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            });
            inside && !path.split('/').any(|name| name == "..")
        })
}
