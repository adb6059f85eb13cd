//! Parameters and what is done with their values.

use super::super::call::Script;
use super::super::error::ScriptError;
use super::super::syntax::{End, Extent, Operation, Parameter, WhenEmpty, WhenUnset, Word};
use super::Evaluator;
use super::expand::{Fields, Quotes, variable};
use super::pattern::Pattern;
use super::state::{Positional, State, Status, Unset, Value};

/// Letters whose pairs are compared with a pattern when a value is trimmed; a longer value
/// becomes unknown.
const TRIMMED: usize = 1024;

impl Evaluator<'_> {
    /// Adds what a parameter expands to.
    pub(super) fn push_parameter(
        &mut self,
        parameter: &Parameter,
        quotes: Quotes,
        fields: &mut Fields,
        state: &mut State,
    ) -> Result<(), ScriptError> {
        let value = match &parameter.operation {
            Operation::Plain if parameter.name == "@" || parameter.name == "*" => {
                return self.push_all(parameter.name == "@", quotes, fields, state);
            }
            Operation::Unset {
                action,
                empty,
                word,
            } => {
                let found = self.parameter(parameter, state);
                let counts = counts(found.as_ref(), *empty);
                match (action, counts) {
                    (_, None) | (WhenUnset::Fail, Some(false)) => Value::unknown(&parameter.source),
                    (WhenUnset::Alternative, Some(false)) => Value::known(""),
                    (WhenUnset::Alternative, Some(true)) | (WhenUnset::Default, Some(false)) => {
                        return self.push_parts(&word.parts, quotes, fields, state);
                    }
                    (WhenUnset::Assign, Some(false)) => {
                        self.assign_default(&parameter.name, word, state)?
                    }
                    (_, Some(true)) => found.unwrap_or(Value::known("")),
                }
            }
            Operation::Trim {
                end,
                extent,
                pattern,
            } => {
                let found = self.parameter(parameter, state).unwrap_or(Value::known(""));
                let pattern = self.expand_pattern(pattern, state)?;
                self.trimmed(&found, &pattern, (*end, *extent), &parameter.source)?
            }
            Operation::Length => match self.parameter(parameter, state) {
                None => Value::known("0"),
                Some(Value::Known(text)) => Value::known(&text.chars().count().to_string()),
                Some(Value::Unknown(_)) => Value::unknown(&parameter.source),
            },
            Operation::Plain => self.parameter(parameter, state).unwrap_or(Value::known("")),
        };
        self.step(value.text().len())?;
        fields.push_value(&value, quotes);
        Ok(())
    }

    fn assign_default(
        &mut self,
        name: &str,
        word: &Word,
        state: &mut State,
    ) -> Result<Value, ScriptError> {
        let value = self.expand_one(word, state)?;
        state.set(name, value.clone());
        Ok(value)
    }

    /// The value of a parameter; `None` for one that is not set.
    fn parameter(&self, parameter: &Parameter, state: &State) -> Option<Value> {
        let source = &parameter.source;
        let name = parameter.name.as_str();
        match (name, &state.positional) {
            ("?", _) => Some(match state.status {
                Status::Known(status) => Value::known(&status.to_string()),
                Status::Unknown => Value::unknown(source),
            }),
            ("#", Positional::Known(values)) => Some(Value::known(&values.len().to_string())),
            ("@" | "*", Positional::Known(values)) => all(values, source),
            ("#" | "$" | "!" | "-" | "@" | "*", _) => Some(Value::unknown(source)),
            ("0", _) => Some(Value::known(&self.script_path())),
            _ if !name.starts_with(|letter: char| letter.is_ascii_digit()) => {
                let set = state.variables.contains_key(name) || state.unset == Unset::Unknown;
                set.then(|| variable(name, source, state))
            }
            (_, Positional::Unknown) => Some(Value::unknown(source)),
            (_, Positional::Known(values)) => {
                let position: usize = name.parse().ok()?;
                values.get(position.checked_sub(1)?).cloned()
            }
        }
    }

    /// Where dpkg has the script while it runs it.
    fn script_path(&self) -> String {
        let (package, script) = (&self.call.package, self.call.script.name());
        match self.call.script {
            Script::Preinst => "/var/lib/dpkg/tmp.ci/preinst".to_owned(),
            Script::Config | Script::Postinst => format!("/var/lib/dpkg/info/{package}.{script}"),
        }
    }

    fn trimmed(
        &mut self,
        value: &Value,
        pattern: &Pattern,
        (end, extent): (End, Extent),
        source: &str,
    ) -> Result<Value, ScriptError> {
        let Value::Known(text) = value else {
            return Ok(Value::unknown(source));
        };
        let letters: Vec<char> = text.chars().collect();
        if letters.len() > TRIMMED {
            return Ok(Value::unknown(source));
        }
        let lengths = 0..=letters.len();
        let ordered: Vec<usize> = match extent {
            Extent::Shortest => lengths.collect(),
            Extent::Longest => lengths.rev().collect(),
        };
        for length in ordered {
            self.step(length)?;
            let middle = match end {
                End::Start => length,
                End::End => letters.len().saturating_sub(length),
            };
            let (front, back) = letters.split_at_checked(middle).unwrap_or((&letters, &[]));
            let (taken, kept) = match end {
                End::Start => (front, back),
                End::End => (back, front),
            };
            match pattern.matches_letters(taken) {
                None => return Ok(Value::unknown(source)),
                Some(true) => return Ok(Value::known(&kept.iter().collect::<String>())),
                Some(false) => {}
            }
        }
        Ok(value.clone())
    }
}

/// All positional parameters as one value.
fn all(values: &[Value], source: &str) -> Option<Value> {
    let mut text = String::new();
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            text.push(' ');
        }
        match value {
            Value::Known(one) => text.push_str(one),
            Value::Unknown(_) => return Some(Value::unknown(source)),
        }
    }
    (!values.is_empty()).then(|| Value::known(&text))
}

/// Whether a parameter counts as set.
fn counts(value: Option<&Value>, empty: WhenEmpty) -> Option<bool> {
    match (value, empty) {
        (None, _) => Some(false),
        (Some(Value::Known(text)), WhenEmpty::Counts) => Some(!text.is_empty()),
        (Some(Value::Known(_)), WhenEmpty::IsValue) => Some(true),
        (Some(Value::Unknown(_)), _) => None,
    }
}
