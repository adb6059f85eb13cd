//! Redirections and here-documents.

use std::cell::OnceCell;
use std::rc::Rc;

use super::super::error::ScriptError;
use super::super::syntax::{Operator, Part, Redirection, Word};
use super::{Parser, Pending, Quoting, Tabs};

/// Operators, the longer before those that they begin with.
const OPERATORS: [&str; 11] = [
    "<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">", "&>",
];

impl Parser {
    /// A redirection; `None` where none begins.
    pub(super) fn redirection(&mut self) -> Result<Option<Redirection>, ScriptError> {
        let place = self.cursor.place();
        let number = self.cursor.take_while(|letter| letter.is_ascii_digit());
        // `<(` and `>(` of bash are words.
        let is_process = ["<(", ">("].iter().any(|sign| self.cursor.looking_at(sign));
        let operator = OPERATORS
            .into_iter()
            .find(|operator| !is_process && self.cursor.take(operator));
        let Some(operator) = operator else {
            self.cursor.return_to(place);
            return Ok(None);
        };
        let default = u32::from(!operator.starts_with('<'));
        let descriptor = if number.is_empty() {
            default
        } else {
            number
                .parse()
                .map_err(|_| self.cursor.unexpected("a descriptor"))?
        };
        self.cursor.skip_blanks();
        let operator = self.operator(operator)?;
        Ok(Some(Redirection {
            descriptor,
            operator,
        }))
    }

    fn operator(&mut self, operator: &str) -> Result<Operator, ScriptError> {
        match operator {
            "<<" => return self.here_document(Tabs::Kept),
            "<<-" => return self.here_document(Tabs::Stripped),
            _ => {}
        }
        let word = self.expect_word()?;
        Ok(match operator {
            "<" => Operator::Read(word),
            "<>" => Operator::ReadWrite(word),
            ">>" => Operator::Append(word),
            "<&" | ">&" => Operator::Duplicate(word),
            "<<<" => {
                let cell = OnceCell::new();
                drop(cell.set(word));
                Operator::Here(Rc::new(cell))
            }
            _ => Operator::Write(word),
        })
    }

    /// The delimiter of a here-document, whose body is read at the end of the line.
    fn here_document(&mut self, tabs: Tabs) -> Result<Operator, ScriptError> {
        let (delimiter, quoting) = self.delimiter()?;
        let body = Rc::new(OnceCell::new());
        self.pending.push(Pending {
            delimiter,
            tabs,
            quoting,
            body: Rc::clone(&body),
        });
        Ok(Operator::Here(body))
    }

    fn delimiter(&mut self) -> Result<(String, Quoting), ScriptError> {
        let word = self.expect_word()?;
        let (mut text, mut quoting) = (String::new(), Quoting::Expanded);
        for part in &word.parts {
            match part {
                Part::Literal(piece) => text.push_str(piece),
                Part::Quoted(piece) => {
                    quoting = Quoting::Literal;
                    text.push_str(piece);
                }
                Part::Double(pieces) => {
                    quoting = Quoting::Literal;
                    for piece in pieces {
                        let (Part::Literal(piece) | Part::Quoted(piece)) = piece else {
                            return Err(self.cursor.unexpected("a plain delimiter"));
                        };
                        text.push_str(piece);
                    }
                }
                Part::Home
                | Part::Parameter(_)
                | Part::Substitution { .. }
                | Part::Arithmetic { .. }
                | Part::Unsupported(_) => {
                    return Err(self.cursor.unexpected("a plain delimiter"));
                }
            }
        }
        Ok((text, quoting))
    }

    /// Reads the body of a here-document from the start of a line on.
    pub(super) fn read_here_document(&mut self, pending: &Pending) -> Result<(), ScriptError> {
        let line = self.cursor.line();
        let mut text = String::new();
        loop {
            if self.cursor.peek().is_none() {
                return Err(self.cursor.unexpected("the end of a here-document"));
            }
            if pending.tabs == Tabs::Stripped {
                self.cursor.take_while(|letter| letter == '\t');
            }
            let one = self.cursor.take_while(|letter| letter != '\n');
            self.cursor.bump();
            if one == pending.delimiter {
                break;
            }
            text.push_str(&one);
            text.push('\n');
        }
        let parts = match pending.quoting {
            Quoting::Literal => vec![Part::Quoted(text)],
            Quoting::Expanded => self.inner(&text, line).here_text()?,
        };
        drop(pending.body.set(Word { parts }));
        Ok(())
    }
}
