//! Expansion of words (XCU 2.6): tilde, parameters, substitutions, arithmetic, splitting, paths,
//! quotes.

use super::super::error::ScriptError;
use super::super::limits;
use super::super::syntax::{Part, Word};
use super::Evaluator;
use super::pattern::{Glyph, Pattern};
use super::state::{Positional, State, Unset, Value};

/// Whether what is expanded is split into fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Splitting {
    /// Arguments of a command: fields, and paths that patterns stand for.
    Fields,
    /// Values: one field, whatever is in it.
    Whole,
}

/// Whether quotes are open around a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    Open,
    None,
}

/// One field while it is made.
#[derive(Debug, Default)]
pub(super) struct Field {
    pub(super) glyphs: Vec<Glyph>,
    /// Whether a part of it cannot be known.
    pub(super) unknown: bool,
}

/// The fields of a word while they are made.
#[derive(Debug)]
pub(super) struct Fields {
    splitting: Splitting,
    done: Vec<Field>,
    current: Option<Field>,
    /// The separators of fields, if they are known.
    separators: Option<String>,
}

impl Fields {
    fn new(splitting: Splitting, state: &State) -> Self {
        let separators = match state.variables.get("IFS") {
            Some(Value::Known(text)) => Some(text.to_string()),
            Some(Value::Unknown(_)) => None,
            None => Some(" \t\n".to_owned()),
        };
        Self {
            splitting,
            done: Vec::new(),
            current: None,
            separators,
        }
    }

    fn open(&mut self) -> &mut Field {
        self.current.get_or_insert_with(Field::default)
    }

    fn close(&mut self) {
        self.done.extend(self.current.take());
    }

    fn push(&mut self, text: &str, quotes: Quotes) {
        let glyphs = text.chars().map(|letter| Glyph {
            letter,
            quoted: quotes == Quotes::Open,
        });
        self.open().glyphs.extend(glyphs);
    }

    /// Adds a value, split unless quotes are open.
    pub(super) fn push_value(&mut self, value: &Value, quotes: Quotes) {
        match value {
            Value::Unknown(text) => {
                self.push(text, Quotes::Open);
                self.open().unknown = true;
            }
            Value::Known(text) if quotes == Quotes::Open || self.splitting == Splitting::Whole => {
                self.push(text, quotes);
            }
            Value::Known(text) => self.push_split(text),
        }
    }

    fn push_split(&mut self, text: &str) {
        let Some(separators) = self.separators.clone() else {
            self.push(text, Quotes::Open);
            self.open().unknown = true;
            return;
        };
        let mut had_separator = false;
        for letter in text.chars() {
            if !separators.contains(letter) {
                self.push(letter.encode_utf8(&mut [0; 4]), Quotes::None);
                had_separator = false;
                continue;
            }
            // Blanks around count once; each other separator ends a field.
            if !letter.is_ascii_whitespace() && had_separator {
                self.open();
            }
            had_separator = !letter.is_ascii_whitespace();
            self.close();
        }
    }

    fn finish(mut self) -> Vec<Field> {
        self.close();
        self.done
    }
}

impl Field {
    fn text(&self) -> String {
        self.glyphs.iter().map(|glyph| glyph.letter).collect()
    }

    fn value(&self) -> Value {
        let text = self.text();
        // A letter that is no Unicode was replaced when the script was read.
        if self.unknown || text.contains(char::REPLACEMENT_CHARACTER) {
            Value::unknown(&text)
        } else {
            Value::known(&text)
        }
    }

    /// Whether paths may be meant. A `[` that nothing closes, as the command of that name, is a
    /// letter.
    fn is_pattern(&self) -> bool {
        let has = |letter| {
            let mut glyphs = self.glyphs.iter();
            glyphs.any(|glyph| !glyph.quoted && glyph.letter == letter)
        };
        has('*') || has('?') || (has('[') && has(']'))
    }
}

impl Evaluator<'_> {
    /// Expands words to the arguments of a command.
    pub(super) fn expand(
        &mut self,
        words: &[Word],
        splitting: Splitting,
        state: &mut State,
    ) -> Result<Vec<Value>, ScriptError> {
        let mut values = Vec::new();
        for word in words {
            for field in self.fields(&word.parts, Quotes::None, splitting, state)? {
                self.step(field.glyphs.len())?;
                if field.is_pattern() && splitting == Splitting::Fields && !field.unknown {
                    self.expand_path(&field, state, &mut values)?;
                } else {
                    values.push(field.value());
                }
            }
        }
        Ok(values)
    }

    /// Expands one word to one value, as in an assignment.
    pub(super) fn expand_one(
        &mut self,
        word: &Word,
        state: &mut State,
    ) -> Result<Value, ScriptError> {
        self.expand_parts(&word.parts, Quotes::None, state)
    }

    /// Expands parts to one value.
    pub(super) fn expand_parts(
        &mut self,
        parts: &[Part],
        quotes: Quotes,
        state: &mut State,
    ) -> Result<Value, ScriptError> {
        let fields = self.fields(parts, quotes, Splitting::Whole, state)?;
        let value = fields.first().map_or(Value::known(""), Field::value);
        self.step(value.text().len())?;
        Ok(value)
    }

    /// Expands one word to a pattern.
    pub(super) fn expand_pattern(
        &mut self,
        word: &Word,
        state: &mut State,
    ) -> Result<Pattern, ScriptError> {
        let fields = self.fields(&word.parts, Quotes::None, Splitting::Whole, state)?;
        Ok(match fields.first() {
            Some(field) if field.unknown => Pattern::Unknown,
            Some(field) => Pattern::new(&field.glyphs),
            None => Pattern::new(&[]),
        })
    }

    fn fields(
        &mut self,
        parts: &[Part],
        quotes: Quotes,
        splitting: Splitting,
        state: &mut State,
    ) -> Result<Vec<Field>, ScriptError> {
        let mut fields = Fields::new(splitting, state);
        self.push_parts(parts, quotes, &mut fields, state)?;
        Ok(fields.finish())
    }

    /// Adds what `parts` expand to.
    pub(super) fn push_parts(
        &mut self,
        parts: &[Part],
        quotes: Quotes,
        fields: &mut Fields,
        state: &mut State,
    ) -> Result<(), ScriptError> {
        for part in parts {
            self.step(0)?;
            let value = match part {
                Part::Literal(text) => {
                    fields.push(text, quotes);
                    continue;
                }
                Part::Quoted(text) => {
                    fields.push(text, Quotes::Open);
                    continue;
                }
                Part::Double(parts) => {
                    // `"$@"` without parameters is no field; everything else in quotes is one.
                    if !matches!(parts.as_slice(), [Part::Parameter(one)] if one.name == "@") {
                        fields.open();
                    }
                    self.nested(|evaluator| {
                        evaluator.push_parts(parts, Quotes::Open, fields, state)
                    })?;
                    continue;
                }
                Part::Parameter(parameter) => {
                    self.nested(|evaluator| {
                        evaluator.push_parameter(parameter, quotes, fields, state)
                    })?;
                    continue;
                }
                Part::Home => variable("HOME", "~", state),
                Part::Substitution { list, source } => self.substitution(list, source, state)?,
                Part::Arithmetic { parts, source } => self.arithmetic(parts, source, state)?,
                Part::Unsupported(source) => Value::unknown(source),
            };
            self.step(value.text().len())?;
            fields.push_value(&value, quotes);
        }
        Ok(())
    }

    /// `$@` and `$*`: in quotes, the former is one field for each parameter.
    pub(super) fn push_all(
        &mut self,
        separate: bool,
        quotes: Quotes,
        fields: &mut Fields,
        state: &State,
    ) -> Result<(), ScriptError> {
        let Positional::Known(values) = &state.positional else {
            let source = if separate { "$@" } else { "$*" };
            fields.push_value(&Value::unknown(source), quotes);
            return Ok(());
        };
        for (position, value) in values.iter().enumerate() {
            self.step(value.text().len())?;
            if position > 0 {
                let splits = fields.splitting == Splitting::Fields;
                if splits && (separate || quotes == Quotes::None) {
                    fields.close();
                } else {
                    fields.push(" ", Quotes::Open);
                }
            }
            if quotes == Quotes::Open {
                fields.open();
            }
            fields.push_value(value, quotes);
        }
        Ok(())
    }
}

/// The value of a variable; one that nothing set is empty.
pub(super) fn variable(name: &str, source: &str, state: &State) -> Value {
    match state.variables.get(name) {
        None if state.unset == Unset::Unknown => Value::unknown(source),
        None => Value::known(""),
        Some(Value::Unknown(text)) if text.chars().count() >= limits::SHOWN => {
            Value::unknown(source)
        }
        Some(value) => value.clone(),
    }
}
