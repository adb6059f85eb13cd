//! A link group of `update-alternatives` and the file that keeps it.
//!
//! ```text
//! auto                       or `manual`
//! /usr/bin/awk               the master link
//! awk.1.gz                   a slave's name, its link; sorted by name
//! /usr/share/man/man1/awk.1.gz
//!                            an empty line
//! /usr/bin/mawk              a choice, its priority, the file of each slave; sorted by choice
//! 5
//! /usr/share/man/man1/mawk.1.gz
//!                            an empty line for a slave that the choice does not have
//!                            an empty line
//! ```

use std::collections::BTreeMap;

use enclair_tree::TreePath;

use crate::effects::problem::Problem;

/// Several files that can stand behind one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Who decides which choice is taken.
    pub(super) status: Status,
    /// The path of the master link.
    pub(super) link: String,
    /// The paths of the slave links, by the slaves' names.
    pub(super) slaves: BTreeMap<String, String>,
    /// The choices, in the order in which they came.
    pub(super) choices: Vec<Choice>,
}

/// Who decides which choice is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// The highest priority.
    Auto,
    /// Whoever said `--set`.
    Manual,
}

/// One file of a group, with those that go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// What the master link leads to.
    pub(super) path: String,
    /// The highest is taken.
    pub(super) priority: i32,
    /// What the slave links lead to, by the slaves' names.
    pub(super) slaves: BTreeMap<String, String>,
}

impl Group {
    /// A group of no choices.
    pub(super) fn new(link: &str) -> Self {
        Self {
            status: Status::Auto,
            link: link.to_owned(),
            slaves: BTreeMap::new(),
            choices: Vec::new(),
        }
    }

    /// The choice of the highest priority, the first of several.
    pub(super) fn best(&self) -> Option<&Choice> {
        let mut best: Option<&Choice> = None;
        for choice in &self.choices {
            if best.is_none_or(|best| choice.priority > best.priority) {
                best = Some(choice);
            }
        }
        best
    }

    /// The choice of the file `path`.
    pub(super) fn choice(&self, path: &str) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.path == path)
    }

    /// Adds a choice, or changes the one of the same file.
    pub(super) fn add(&mut self, new: Choice) {
        let same = self.choices.iter_mut().find(|old| old.path == new.path);
        match same {
            Some(old) => *old = new,
            None => self.choices.push(new),
        }
    }

    /// The names of slaves that no choice has; they are forgotten.
    pub(super) fn drop_unused_slaves(&mut self) -> Vec<(String, String)> {
        let used = |name: &String| {
            let mut choices = self.choices.iter();
            choices.any(|choice| choice.slaves.contains_key(name))
        };
        let (kept, unused): (Vec<_>, Vec<_>) = std::mem::take(&mut self.slaves)
            .into_iter()
            .partition(|(name, _)| used(name));
        self.slaves = kept.into_iter().collect();
        unused
    }

    /// The file that keeps the group.
    pub(super) fn to_text(&self) -> String {
        let status = match self.status {
            Status::Auto => "auto",
            Status::Manual => "manual",
        };
        let mut lines: Vec<&str> = vec![status, &self.link];
        for (name, link) in &self.slaves {
            lines.extend([name.as_str(), link.as_str()]);
        }
        lines.push("");
        let mut choices: Vec<&Choice> = self.choices.iter().collect();
        choices.sort_by(|one, other| one.path.cmp(&other.path));
        let priorities: Vec<String> = choices.iter().map(|one| one.priority.to_string()).collect();
        for (choice, priority) in choices.iter().zip(&priorities) {
            lines.extend([choice.path.as_str(), priority.as_str()]);
            for name in self.slaves.keys() {
                lines.push(choice.slaves.get(name).map_or("", String::as_str));
            }
        }
        lines.push("");
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The group that `text` keeps, which is at `path`.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, Problem> {
        let mut lines = Lines {
            path,
            at: 0,
            all: text.lines().collect(),
        };
        let status = match lines.next("`auto` or `manual`")? {
            "auto" => Status::Auto,
            "manual" => Status::Manual,
            _ => return Err(lines.error("`auto` or `manual`")),
        };
        let mut group = Self::new(lines.next("the path of a link")?);
        group.status = status;
        loop {
            match lines.next("the name of a slave, or an empty line")? {
                "" => break,
                name => {
                    let link = lines.next("the path of a slave link")?;
                    group.slaves.insert(name.to_owned(), link.to_owned());
                }
            }
        }
        loop {
            match lines.next("the path of a choice, or an empty line")? {
                "" => return Ok(group),
                path => {
                    let choice = group.parse_choice(path, &mut lines)?;
                    group.choices.push(choice);
                }
            }
        }
    }

    fn parse_choice(&self, path: &str, lines: &mut Lines<'_>) -> Result<Choice, Problem> {
        let priority = lines.next("a priority")?.parse();
        let priority = priority.map_err(|_| lines.error("a priority"))?;
        let mut slaves = BTreeMap::new();
        for name in self.slaves.keys() {
            let file = lines.next("the file of a slave, or an empty line")?;
            if !file.is_empty() {
                slaves.insert(name.clone(), file.to_owned());
            }
        }
        Ok(Choice {
            path: path.to_owned(),
            priority,
            slaves,
        })
    }
}

struct Lines<'a> {
    path: &'a str,
    at: usize,
    all: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    fn next(&mut self, expected: &'static str) -> Result<&'a str, Problem> {
        let line = self.all.get(self.at).copied();
        self.at = self.at.saturating_add(1);
        line.ok_or_else(|| self.error(expected))
    }

    /// The line that was read last is not what it should be.
    fn error(&self, expected: &'static str) -> Problem {
        Problem::Line {
            path: TreePath::from_archive(self.path.as_bytes()).unwrap_or_default(),
            line: self.at,
            expected,
        }
    }
}
