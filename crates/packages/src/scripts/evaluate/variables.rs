//! Builtins that change variables, parameters, options and the directory.

use std::rc::Rc;

use super::Evaluator;
use super::paths;
use super::state::{Input, OnError, Positional, State, Status, Value};

impl State {
    /// `set`.
    pub(super) fn set_options(self, operands: &[Value]) -> Self {
        let mut state = self;
        state.status = Status::SUCCESS;
        let mut rest = operands;
        while let Some((first, behind)) = rest.split_first() {
            let Value::Known(word) = first else {
                state.positional = Positional::Unknown;
                return state;
            };
            match &**word {
                "--" => {
                    set_positional(behind, &mut state);
                    return state;
                }
                "-o" | "+o" => {
                    let errexit =
                        matches!(behind.first(), Some(Value::Known(name)) if &**name == "errexit");
                    set_option(word, errexit, &mut state);
                    rest = behind.get(1..).unwrap_or_default();
                }
                flags if flags.starts_with(['-', '+']) => {
                    set_option(flags, flags.contains('e'), &mut state);
                    rest = behind;
                }
                _ => {
                    set_positional(rest, &mut state);
                    return state;
                }
            }
        }
        state
    }

    /// `shift`.
    pub(super) fn shift(self, operands: &[Value]) -> Self {
        let mut state = self;
        let count = match operands.first() {
            None => Some(1),
            Some(Value::Known(text)) => text.parse::<usize>().ok(),
            Some(Value::Unknown(_)) => None,
        };
        state.status = Status::SUCCESS;
        let rest = match (&state.positional, count) {
            (Positional::Known(values), Some(count)) => {
                let Some(rest) = values.get(count..) else {
                    state.status = Status::FAILURE;
                    return state;
                };
                Positional::Known(Rc::from(rest))
            }
            _ => Positional::Unknown,
        };
        state.positional = rest;
        state
    }

    /// `export`, `readonly`, `local`: operands that are assignments.
    pub(super) fn assign(self, operands: &[Value]) -> Self {
        let mut state = self;
        for operand in operands {
            let Some((name, value)) = operand.text().split_once('=') else {
                continue;
            };
            let value = match operand {
                Value::Known(_) => Value::known(value),
                Value::Unknown(_) => Value::unknown(value),
            };
            if is_name(name) {
                state.set(name, value);
            }
        }
        state.status = Status::SUCCESS;
        state
    }

    /// `unset`.
    pub(super) fn unset(self, operands: &[Value]) -> Self {
        let mut state = self;
        for operand in operands {
            match operand.text() {
                "-f" | "-v" => {}
                name => {
                    state.variables.remove(name);
                }
            }
        }
        state.status = Status::SUCCESS;
        state
    }

    /// `read`: a line of the input, if that is known.
    pub(super) fn read(self, operands: &[Value]) -> Self {
        let mut state = self;
        let names: Vec<&str> = operands.iter().map(Value::text).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| is_name(name)).collect();
        let known = state.input.rest().is_some();
        let line = state.input.take_line().filter(|line| !line.contains('\\'));
        let separators = state.variables.get("IFS").cloned();
        let blank = match &separators {
            None => true,
            Some(Value::Known(separators)) => &**separators == " \t\n",
            Some(Value::Unknown(_)) => false,
        };
        match (known, line) {
            (true, Some(line)) if blank => {
                state.status = Status::SUCCESS;
                set_read(&names, &line, &mut state);
            }
            // A last line without an end is given, and the end is told with it.
            (true, None) if state.input.rest() == Some("") => {
                state.status = Status::FAILURE;
                set_read(&names, "", &mut state);
            }
            _ => {
                state.input = Input::Unknown;
                state.status = Status::Unknown;
                for name in names {
                    state.set(name, Value::unknown(&format!("${name}")));
                }
            }
        }
        state
    }

    /// `getopts`: given up.
    pub(super) fn get_options(self, operands: &[Value]) -> Self {
        let mut state = self;
        let variable = operands.get(1).map(Value::text);
        for name in variable.into_iter().chain(["OPTARG", "OPTIND"]) {
            if is_name(name) {
                state.set(name, Value::unknown(&format!("${name}")));
            }
        }
        state.status = Status::Unknown;
        state
    }
}

impl Evaluator<'_> {
    /// Makes variables those of the innermost function.
    pub(super) fn make_local(&mut self, operands: &[Value]) {
        if let Some(locals) = self.locals.last_mut() {
            for operand in operands {
                let name = operand.text();
                let name = name.split_once('=').map_or(name, |(name, _)| name);
                if is_name(name) {
                    locals.insert(Rc::from(name));
                }
            }
        }
    }

    /// `cd`.
    pub(super) fn change_directory(&mut self, operands: &[Value], state: State) -> State {
        let mut state = state;
        let target = operands
            .iter()
            .find(|operand| !matches!(operand.text(), "-P" | "-L" | "--"));
        let target = target.cloned().unwrap_or(Value::known("/root"));
        state.status = Status::of(self.test_path('d', &target, &state).filter(|found| *found));
        let path = match &target {
            Value::Known(text) if &**text != "-" => paths::normal(text, &state),
            Value::Known(_) | Value::Unknown(_) => None,
        };
        state.set(
            "PWD",
            match path {
                Some(path) => Value::known(&path),
                None => Value::unknown("$PWD"),
            },
        );
        state
    }
}

fn set_option(word: &str, errexit: bool, state: &mut State) {
    if errexit {
        state.on_error = if word.starts_with('-') {
            OnError::Ends
        } else {
            OnError::GoesOn
        };
    }
}

/// Sets the positional parameters. A word that cannot be known may be any number of them.
fn set_positional(values: &[Value], state: &mut State) {
    let known = values.iter().all(|value| matches!(value, Value::Known(_)));
    state.positional = if known {
        Positional::Known(Rc::from(values))
    } else {
        Positional::Unknown
    };
}

/// Gives each variable a field of a line, and the last one the rest.
fn set_read(names: &[&str], line: &str, state: &mut State) {
    let blank = [' ', '\t'];
    let mut rest = line.trim_matches(blank);
    for (position, name) in names.iter().enumerate() {
        let is_last = position.saturating_add(1) == names.len();
        let (field, behind) = match rest.split_once(blank) {
            Some((field, behind)) if !is_last => (field, behind.trim_start_matches(blank)),
            _ => (rest, ""),
        };
        state.set(name, Value::known(field));
        rest = behind;
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}
