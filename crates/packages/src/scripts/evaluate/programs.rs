//! Programs that only look, and whose answers can be known.

use super::super::error::ScriptError;
use super::Evaluator;
use super::record::{Opened, account};
use super::simple::Handled;
use super::state::{Change, State, Status, Value};
use crate::version::Version;

/// What a program that was looked into does.
pub(super) struct Answer {
    /// What it prints; `None` where that cannot be known.
    pub(super) prints: Option<String>,
    pub(super) status: Status,
}

/// Where a program is.
enum Search {
    Found(String),
    Missing,
    Unknown,
}

impl Answer {
    pub(super) fn status(status: Status) -> Self {
        let prints = Some(String::new());
        Self { prints, status }
    }

    pub(super) fn line(text: &str) -> Self {
        Self {
            prints: Some(format!("{text}\n")),
            status: Status::SUCCESS,
        }
    }
}

impl Evaluator<'_> {
    /// Runs a program whose answer can be known; it is not kept then, unless it writes a file.
    pub(super) fn program(
        &mut self,
        name: &str,
        words: &[Value],
        opened: Opened,
        state: State,
    ) -> Result<Handled, ScriptError> {
        let mut state = state;
        let operands = words.get(1..).unwrap_or_default();
        let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
        if name == "command" && !matches!(operands.first().map(Value::text), Some("-v" | "-V")) {
            let rest = match operands.first().map(Value::text) {
                Some("-p" | "--") => operands.get(1..).unwrap_or_default(),
                _ => operands,
            };
            let Some(Value::Known(inner)) = rest.first() else {
                return Ok(Handled::NotKnown(state, opened));
            };
            let inner = inner.to_string();
            let end =
                self.nested(|evaluator| evaluator.run_program(&inner, rest, opened, state))?;
            return Ok(Handled::Done(end));
        }
        let known: Option<Vec<&str>> = operands
            .iter()
            .map(|operand| match operand {
                Value::Known(text) => Some(&**text),
                Value::Unknown(_) => None,
            })
            .collect();
        let answer = match &known {
            Some(operands) => match self.answer_of(name, operands, &state) {
                Some(answer) => Some(answer),
                None => self.filter(name, operands, &opened, &mut state)?,
            },
            None => None,
        };
        let Some(answer) = answer else {
            return Ok(Handled::NotKnown(state, opened));
        };
        let prints = answer.prints.as_deref();
        if prints != Some("") {
            self.print_by(words, prints, opened, &mut state)?;
        }
        state.status = answer.status;
        Ok(Handled::Done(Some(state)))
    }

    fn answer_of(&mut self, name: &str, operands: &[&str], state: &State) -> Option<Answer> {
        match (name, operands) {
            ("command", [_, programs @ ..]) | ("which" | "type" | "hash", programs) => {
                self.found(programs, state)
            }
            ("getent", [database @ ("passwd" | "group"), name]) => {
                Some(self.account(database, name, state))
            }
            ("id", [.., name]) if !name.starts_with('-') => {
                Some(self.account("passwd", name, state))
            }
            ("dpkg", ["--compare-versions", left, operator, right]) => {
                let outcome = compare_versions(left, operator, right);
                Some(Answer::status(Status::of(outcome)))
            }
            ("dpkg", ["--print-architecture"]) => Some(Answer::line(&self.call.architecture)),
            ("dpkg-statoverride", [.., "--list", path]) => no_override(path, state),
            ("dpkg-divert", [query, path]) => not_diverted(query, path, state),
            ("basename", [path]) => Some(Answer::line(base_name(path))),
            ("basename", [path, suffix]) => {
                let name = base_name(path);
                let shorter = name.strip_suffix(suffix).filter(|one| !one.is_empty());
                Some(Answer::line(shorter.unwrap_or(name)))
            }
            ("dirname", [path]) => Some(Answer::line(directory_name(path))),
            ("uname", ["-s"] | []) => Some(Answer::line("Linux")),
            ("cat", [path]) => Some(Answer {
                prints: Some(self.content(path, state)?),
                status: Status::SUCCESS,
            }),
            ("readlink", [path]) => self.link(path, state),
            ("rm" | "mkdir", _) => self.changes_nothing(name, operands, state),
            // Nothing runs where a root filesystem is made, and every helper is there.
            ("ischroot", []) | ("dpkg-maintscript-helper", ["supports", ..]) => {
                Some(Answer::status(Status::SUCCESS))
            }
            ("pidof" | "pgrep", _) => Some(Answer::status(Status::FAILURE)),
            _ => None,
        }
    }

    /// Whether `rm -f` finds nothing to remove, and `mkdir -p` nothing to make.
    fn changes_nothing(&mut self, name: &str, operands: &[&str], state: &State) -> Option<Answer> {
        let is_flag = |operand: &&&str| operand.starts_with('-');
        let wanted = if name == "mkdir" { 'p' } else { 'f' };
        let long = if name == "mkdir" {
            "--parents"
        } else {
            "--force"
        };
        let mut flags = operands.iter().filter(is_flag);
        let lenient =
            flags.any(|flag| *flag == long || (!flag.starts_with("--") && flag.contains(wanted)));
        if !lenient {
            return None;
        }
        for path in operands.iter().filter(|operand| !is_flag(operand)) {
            let nothing = if name == "mkdir" {
                self.test_path('d', &Value::known(path), state)?
            } else {
                self.is_absent(path, state)?
            };
            if !nothing {
                return None;
            }
        }
        Some(Answer::status(Status::SUCCESS))
    }

    /// Where programs are, as `command -v` and `which` say.
    fn found(&mut self, programs: &[&str], state: &State) -> Option<Answer> {
        let programs = programs.iter().filter(|name| !name.starts_with('-'));
        let mut prints = String::new();
        for name in programs {
            if state.functions.contains_key(*name) {
                prints.push_str(name);
                prints.push('\n');
                continue;
            }
            match self.search(name, state) {
                Search::Found(path) => {
                    prints.push_str(&path);
                    prints.push('\n');
                }
                Search::Missing => return Some(Answer::status(Status::FAILURE)),
                Search::Unknown => return None,
            }
        }
        Some(Answer {
            prints: Some(prints),
            status: Status::SUCCESS,
        })
    }

    fn search(&mut self, name: &str, state: &State) -> Search {
        let candidates: Vec<String> = match state.variables.get("PATH") {
            _ if name.contains('/') => vec![name.to_owned()],
            Some(Value::Known(path)) => {
                let directories = path.split(':');
                directories.map(|one| format!("{one}/{name}")).collect()
            }
            Some(Value::Unknown(_)) | None => return Search::Unknown,
        };
        for candidate in candidates {
            match self.can_execute(&candidate, state) {
                Some(true) => return Search::Found(candidate),
                Some(false) => {}
                None => return Search::Unknown,
            }
        }
        Search::Missing
    }

    fn account(&self, database: &str, name: &str, state: &State) -> Answer {
        let exists = match state.changes.get(account(database, name).as_str()) {
            Some(Change::File | Change::Directory) => Some(true),
            Some(Change::Absent | Change::Permissions | Change::Unknown) => None,
            None if database == "passwd" => self.facts.has_user(name),
            None => self.facts.has_group(name),
        };
        Answer {
            prints: (exists == Some(false)).then(String::new),
            status: match exists {
                Some(true) => Status::SUCCESS,
                Some(false) => Status::Known(2),
                None => Status::Unknown,
            },
        }
    }
}

/// `dpkg --compare-versions`. No version, which the scripts of a first installation ask for, is
/// earlier than any, or later for the operators in `-nl`.
fn compare_versions(left: &str, operator: &str, right: &str) -> Option<bool> {
    let (operator, empty_is_later) = match operator.strip_suffix("-nl") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let order = match (left.is_empty(), right.is_empty()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) if empty_is_later => std::cmp::Ordering::Greater,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) if empty_is_later => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => Version::parse(left).ok()?.cmp(&Version::parse(right).ok()?),
    };
    match operator {
        "lt" | "<<" => Some(order.is_lt()),
        "le" | "<=" | "<" => Some(order.is_le()),
        "eq" | "=" => Some(order.is_eq()),
        "ne" => Some(order.is_ne()),
        "ge" | ">=" | ">" => Some(order.is_ge()),
        "gt" | ">>" => Some(order.is_gt()),
        _ => None,
    }
}

/// `dpkg-statoverride --list path`: a fresh system has no overrides but those that this script
/// has made.
fn no_override(path: &str, state: &State) -> Option<Answer> {
    let made = state
        .changes
        .contains_key(format!("override {path}").as_str());
    (!made).then(|| Answer::status(Status::FAILURE))
}

/// What `dpkg-divert` says of a path that nobody has diverted: on a fresh system that is any but
/// those that this script has diverted.
fn not_diverted(query: &str, path: &str, state: &State) -> Option<Answer> {
    let diverted = state.changes.contains_key(path);
    match query {
        _ if diverted => None,
        "--listpackage" | "--list" => Some(Answer::status(Status::SUCCESS)),
        "--truename" => Some(Answer::line(path)),
        _ => None,
    }
}

fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn directory_name(path: &str) -> &str {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some(("", _)) => "/",
        Some((directory, _)) => directory.trim_end_matches('/'),
        None => ".",
    }
}
