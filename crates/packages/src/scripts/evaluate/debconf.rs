//! Debconf's shell functions. On a fresh system without anybody to answer, a question's answer is
//! its default, or what the scripts themselves set.

use std::rc::Rc;

use super::super::error::ScriptError;
use super::Evaluator;
use super::record::Opened;
use super::simple::Handled;
use super::state::{State, Status, Value};

impl Evaluator<'_> {
    /// Runs a function of debconf. It is kept as a command too.
    pub(super) fn debconf(
        &mut self,
        name: &str,
        words: &[Value],
        opened: Opened,
        state: State,
    ) -> Result<Handled, ScriptError> {
        if !name.starts_with("db_") {
            return Ok(Handled::NotKnown(state, opened));
        }
        let mut state = state;
        self.record(words, opened, &mut state)?;
        let question = words.get(1);
        // Whether anything was asked depends on priorities; whether it was, no script should need.
        state.status = match name {
            "db_input" | "db_go" | "db_progress" => Status::Unknown,
            _ => Status::SUCCESS,
        };
        match name {
            "db_get" => {
                let answer = self.answer(question, &state);
                if matches!(answer, Value::Unknown(_)) {
                    state.status = Status::Unknown;
                }
                state.set("RET", answer);
            }
            "db_set" => {
                let value = words.get(2).cloned().unwrap_or(Value::known(""));
                self.set_answer(question, value, &mut state);
            }
            "db_reset" | "db_clear" | "db_unregister" | "db_purge" | "db_register" => {
                if let Some(question) = question {
                    let unknown = Value::unknown(&format!("$({name} {})", question.text()));
                    let value = match (name, question) {
                        ("db_reset", Value::Known(name)) => self
                            .call
                            .answers
                            .get(&**name)
                            .map_or(unknown, |default| Value::known(default)),
                        _ => unknown,
                    };
                    self.set_answer(Some(question), value, &mut state);
                }
            }
            "db_fget" => {
                let flag = flag(words, &state);
                state.set("RET", flag);
            }
            "db_fset" => {
                let value = words.get(3).cloned().unwrap_or(Value::known(""));
                if let Some(key) = flag_key(words) {
                    state.answers.insert(Rc::from(key), value);
                }
            }
            _ => state.set("RET", Value::unknown("$RET")),
        }
        Ok(Handled::Done(Some(state)))
    }

    fn answer(&self, question: Option<&Value>, state: &State) -> Value {
        let Some(Value::Known(question)) = question else {
            return Value::unknown("$RET");
        };
        let set = state.answers.get(question).cloned();
        let default = self.call.answers.get(&**question);
        set.or(default.map(|answer| Value::known(answer)))
            .unwrap_or_else(|| Value::unknown(&format!("$({question})")))
    }

    fn set_answer(&self, question: Option<&Value>, value: Value, state: &mut State) {
        match question {
            Some(Value::Known(question)) => drop(state.answers.insert(Rc::clone(question), value)),
            // It may have been any of them.
            Some(Value::Unknown(_)) | None => {
                for question in self.call.answers.keys() {
                    let unknown = Value::unknown(&format!("$({question})"));
                    state.answers.insert(Rc::from(question.as_str()), unknown);
                }
            }
        }
    }
}

/// A flag of a question: `false` until a script sets it. Whether a question was `seen` depends
/// on how debconf is run.
fn flag(words: &[Value], state: &State) -> Value {
    let unknown = Value::unknown("$RET");
    let Some(key) = flag_key(words) else {
        return unknown;
    };
    let seen = key.ends_with(" seen");
    let set = state.answers.get(key.as_str()).cloned();
    set.unwrap_or_else(|| if seen { unknown } else { Value::known("false") })
}

/// Under which name of [`State::answers`] a flag is kept.
fn flag_key(words: &[Value]) -> Option<String> {
    match words {
        [_, Value::Known(question), Value::Known(flag), ..] => Some(format!("{question} {flag}")),
        _ => None,
    }
}
