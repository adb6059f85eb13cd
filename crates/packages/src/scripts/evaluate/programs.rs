//! Programs that only look, and whose answers can be known.

use super::super::error::ScriptError;
use super::Evaluator;
use super::record::{Opened, account};
use super::simple::Handled;
use super::state::{Change, State, Status, Value};

/// What a program that was looked into does.
pub(super) struct Answer {
    /// What it prints; `None` where that cannot be known.
    pub(super) prints: Option<String>,
    pub(super) status: Status,
}

impl Answer {
    pub(super) fn status(status: Status) -> Option<Self> {
        let prints = Some(String::new());
        Some(Self { prints, status })
    }

    pub(super) fn line(text: &str) -> Option<Self> {
        Some(Self {
            prints: Some(format!("{text}\n")),
            status: Status::SUCCESS,
        })
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
                self.account(database, name, state)
            }
            ("id", [.., name]) if !name.starts_with('-') => self.account("passwd", name, state),
            ("dpkg", ["--compare-versions", left, operator, right]) => {
                Answer::status(Status::of(compare_versions(left, operator, right)))
            }
            ("dpkg", ["--print-architecture"]) => Answer::line(&self.call.architecture),
            ("dpkg-statoverride", [.., "--list", path]) => no_override(path, state),
            ("dpkg-maintscript-helper", ["supports", ..]) => Answer::status(Status::SUCCESS),
            ("basename", [path]) => Answer::line(base_name(path)),
            ("basename", [path, suffix]) => {
                let name = base_name(path);
                Answer::line(
                    name.strip_suffix(suffix)
                        .filter(|one| !one.is_empty())
                        .unwrap_or(name),
                )
            }
            ("dirname", [path]) => Answer::line(directory_name(path)),
            ("uname", ["-s"] | []) => Answer::line("Linux"),
            ("cat", [path]) => Some(Answer {
                prints: Some(self.content(path, state)?),
                status: Status::SUCCESS,
            }),
            ("readlink", [path]) => self.link(path, state),
            ("rm" | "mkdir", _) => self.changes_nothing(name, operands, state),
            // Nothing runs where a root filesystem is made.
            ("ischroot", []) => Answer::status(Status::SUCCESS),
            ("pidof" | "pgrep", _) => Answer::status(Status::FAILURE),
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
        Answer::status(Status::SUCCESS)
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
            match self.search(name, state)? {
                Some(path) => {
                    prints.push_str(&path);
                    prints.push('\n');
                }
                None => return Answer::status(Status::FAILURE),
            }
        }
        Some(Answer {
            prints: Some(prints),
            status: Status::SUCCESS,
        })
    }

    /// The path of a program; `None` outside where it cannot be known.
    fn search(&mut self, name: &str, state: &State) -> Option<Option<String>> {
        if name.contains('/') {
            let executable = self.can_execute(name, state)?;
            return Some(executable.then(|| name.to_owned()));
        }
        let Value::Known(path) = state.variables.get("PATH")? else {
            return None;
        };
        for directory in path.clone().split(':') {
            let candidate = format!("{directory}/{name}");
            if self.can_execute(&candidate, state)? {
                return Some(Some(candidate));
            }
        }
        Some(None)
    }

    fn account(&mut self, database: &str, name: &str, state: &State) -> Option<Answer> {
        let exists = match state.changes.get(account(database, name).as_str()) {
            Some(Change::File | Change::Directory) => Some(true),
            Some(Change::Absent | Change::Unknown) => None,
            None if database == "passwd" => self.facts.has_user(name),
            None => self.facts.has_group(name),
        };
        Some(Answer {
            prints: (exists == Some(false)).then(String::new),
            status: match exists {
                Some(true) => Status::SUCCESS,
                Some(false) => Status::Known(2),
                None => Status::Unknown,
            },
        })
    }
}

/// `dpkg --compare-versions` where one side is empty, which the scripts of a first installation
/// ask for: no version is earlier than any, or later for the operators in `-nl`.
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
        (false, false) => return None,
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
    (!made).then(|| Answer::status(Status::FAILURE))?
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
