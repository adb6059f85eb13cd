//! What `$` begins: parameters, substitutions, arithmetic.

use std::rc::Rc;

use super::super::error::ScriptError;
use super::super::syntax::{End, Extent, Operation, Parameter, Part, WhenEmpty, WhenUnset, Word};
use super::cursor::Place;
use super::word::{Context, push_literal};
use super::{Parser, begins_name, in_name};

/// Parameters whose name is one sign.
const SPECIAL: &str = "@*#?-$!";

impl Parser {
    /// What the `$` that is next begins; a lone one is a letter.
    pub(super) fn dollar(
        &mut self,
        context: Context,
        parts: &mut Vec<Part>,
    ) -> Result<(), ScriptError> {
        let place = self.cursor.place();
        self.cursor.bump();
        let part = match self.cursor.peek() {
            Some('(') if self.cursor.peek_at(1) == Some('(') => self.arithmetic(place)?,
            Some('(') => self.substitution(place)?,
            Some('{') => self.braced(context, place)?,
            Some('\'') if context == Context::Word => self.escaped_text(place)?,
            Some(letter) if begins_name(letter) => {
                let name = self.cursor.take_while(in_name);
                self.plain(name, place)
            }
            Some(letter) if letter.is_ascii_digit() || SPECIAL.contains(letter) => {
                self.cursor.bump();
                self.plain(letter.to_string(), place)
            }
            Some(_) | None => {
                push_literal(parts, '$');
                return Ok(());
            }
        };
        parts.push(part);
        Ok(())
    }

    fn plain(&self, name: String, place: Place) -> Part {
        Part::Parameter(Parameter {
            name,
            operation: Operation::Plain,
            source: self.cursor.since(place),
        })
    }

    /// `$'..'` of bash, whose escapes are not read.
    fn escaped_text(&mut self, place: Place) -> Result<Part, ScriptError> {
        self.cursor.bump();
        loop {
            match self.cursor.bump() {
                Some('\'') => return Ok(Part::Unsupported(self.cursor.since(place))),
                Some('\\') => drop(self.cursor.bump()),
                Some(_) => {}
                None => return Err(self.cursor.unexpected("a closing `'`")),
            }
        }
    }

    fn substitution(&mut self, place: Place) -> Result<Part, ScriptError> {
        self.cursor.take("(");
        // Here-documents of the line around are read where that line ends.
        let outer = std::mem::take(&mut self.pending);
        let list = Rc::new(self.nested(Self::list)?);
        self.pending = outer;
        if !self.cursor.take(")") {
            return Err(self.cursor.unexpected("a closing `)`"));
        }
        let source = self.cursor.since(place);
        Ok(Part::Substitution { list, source })
    }

    /// `$((`: arithmetic, or a substitution that begins with a group.
    fn arithmetic(&mut self, place: Place) -> Result<Part, ScriptError> {
        if !self.closes_as_arithmetic() {
            return self.substitution(place);
        }
        self.cursor.take("((");
        let parts = self.parts(Context::Arithmetic)?;
        if self.cursor.take("))") {
            let source = self.cursor.since(place);
            return Ok(Part::Arithmetic { parts, source });
        }
        Err(self.cursor.unexpected("a closing `))`"))
    }

    /// Whether the `((` that is next ends with `))`. Looked up in the text, so that nothing is
    /// parsed twice: a nest of these would take a time that doubles with each.
    fn closes_as_arithmetic(&self) -> bool {
        let mut open = 0_usize;
        let mut ahead = 2_usize;
        loop {
            match self.cursor.peek_at(ahead) {
                None => return false,
                Some('(') => open = open.saturating_add(1),
                Some(')') if open == 0 => {
                    return self.cursor.peek_at(ahead.saturating_add(1)) == Some(')');
                }
                Some(')') => open = open.saturating_sub(1),
                Some(_) => {}
            }
            ahead = ahead.saturating_add(1);
        }
    }

    fn braced(&mut self, context: Context, place: Place) -> Result<Part, ScriptError> {
        self.cursor.take("{");
        let length = self.cursor.peek() == Some('#')
            && self.cursor.peek_at(1).is_some_and(|letter| letter != '}')
            && self.cursor.take("#");
        let name = self.parameter_name();
        if length && self.cursor.take("}") {
            return Ok(self.parameter(name, Operation::Length, place));
        }
        if name.is_empty() || length {
            return self.skip_braced(place);
        }
        if self.cursor.take("}") {
            return Ok(self.parameter(name, Operation::Plain, place));
        }
        let Some(operation) = self.operation(context)? else {
            return self.skip_braced(place);
        };
        if self.cursor.take("}") {
            return Ok(self.parameter(name, operation, place));
        }
        Err(self.cursor.unexpected("a closing `}`"))
    }

    fn parameter(&self, name: String, operation: Operation, place: Place) -> Part {
        Part::Parameter(Parameter {
            name,
            operation,
            source: self.cursor.since(place),
        })
    }

    fn parameter_name(&mut self) -> String {
        match self.cursor.peek() {
            Some(letter) if begins_name(letter) => self.cursor.take_while(in_name),
            Some(letter) if letter.is_ascii_digit() => {
                self.cursor.take_while(|letter| letter.is_ascii_digit())
            }
            Some(letter) if SPECIAL.contains(letter) => {
                self.cursor.bump();
                letter.to_string()
            }
            Some(_) | None => String::new(),
        }
    }

    /// The operator behind a name and its word; `None` for those of bash.
    fn operation(&mut self, context: Context) -> Result<Option<Operation>, ScriptError> {
        for (sign, end, extent) in [
            ("##", End::Start, Extent::Longest),
            ("#", End::Start, Extent::Shortest),
            ("%%", End::End, Extent::Longest),
            ("%", End::End, Extent::Shortest),
        ] {
            if self.cursor.take(sign) {
                let pattern = self.operand(Context::Operand)?;
                return Ok(Some(Operation::Trim {
                    end,
                    extent,
                    pattern,
                }));
            }
        }
        let empty = if self.cursor.looking_at(":") {
            WhenEmpty::Counts
        } else {
            WhenEmpty::IsValue
        };
        let ahead = usize::from(empty == WhenEmpty::Counts);
        let action = match self.cursor.peek_at(ahead) {
            Some('-') => WhenUnset::Default,
            Some('=') => WhenUnset::Assign,
            Some('?') => WhenUnset::Fail,
            Some('+') => WhenUnset::Alternative,
            Some(_) | None => return Ok(None),
        };
        self.cursor.take(":");
        self.cursor.bump();
        let word = self.operand(match context {
            Context::Word | Context::Operand => Context::Operand,
            Context::Double | Context::Here | Context::QuotedOperand | Context::Arithmetic => {
                Context::QuotedOperand
            }
        })?;
        Ok(Some(Operation::Unset {
            action,
            empty,
            word,
        }))
    }

    fn operand(&mut self, context: Context) -> Result<Word, ScriptError> {
        let parts = self.parts(context)?;
        Ok(Word { parts })
    }

    /// Takes the rest of a `${` whose meaning is not known here.
    fn skip_braced(&mut self, place: Place) -> Result<Part, ScriptError> {
        self.parts(Context::Operand)?;
        if self.cursor.take("}") {
            return Ok(Part::Unsupported(self.cursor.since(place)));
        }
        Err(self.cursor.unexpected("a closing `}`"))
    }
}
