//! Simple commands: assignments, words and redirections in any order.

use super::super::error::ScriptError;
use super::super::syntax::{Assignment, Node, Part, Simple, Stage, Word};
use super::{Parser, begins_name, in_name};

impl Parser {
    /// A simple command.
    pub(super) fn simple(&mut self) -> Result<Stage, ScriptError> {
        let line = self.cursor.line();
        let mut simple = Simple::default();
        let mut redirections = Vec::new();
        loop {
            self.cursor.skip_blanks();
            if let Some(redirection) = self.redirection()? {
                redirections.push(redirection);
                continue;
            }
            if simple.words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                simple.assignments.push(assignment);
                continue;
            }
            let Some(word) = self.word()? else {
                break;
            };
            let array = self.cursor.peek() == Some('(') && ends_in_assignment(&word);
            if array && !simple.words.is_empty() {
                // `local name=(..)` of bash.
                self.skip_array()?;
            }
            simple.words.push(word);
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && redirections.is_empty() {
            return Err(self.cursor.unexpected("a command"));
        }
        Ok(Stage {
            line,
            node: Node::Simple(simple),
            redirections,
        })
    }

    /// `name=value`, `name+=value`, `name[..]=value` or `name=(..)`; `None` where none begins.
    fn assignment(&mut self) -> Result<Option<Assignment>, ScriptError> {
        let place = self.cursor.place();
        if !self.cursor.peek().is_some_and(begins_name) {
            return Ok(None);
        }
        let name = self.cursor.take_while(in_name);
        let mut plain = true;
        if self.cursor.peek() == Some('[') {
            plain = false;
            self.cursor
                .take_while(|letter| letter != ']' && letter != '\n');
            self.cursor.take("]");
        }
        plain &= !self.cursor.take("+");
        if !self.cursor.take("=") {
            self.cursor.return_to(place);
            return Ok(None);
        }
        if self.cursor.peek() == Some('(') {
            self.skip_array()?;
            return Ok(Some(Assignment { name, value: None }));
        }
        let value = self.word()?.unwrap_or_default();
        let value = plain.then_some(value);
        Ok(Some(Assignment { name, value }))
    }

    /// Takes the elements of an array of bash.
    fn skip_array(&mut self) -> Result<(), ScriptError> {
        self.cursor.take("(");
        loop {
            self.skip_lines()?;
            if self.cursor.take(")") {
                return Ok(());
            }
            self.expect_word()?;
        }
    }

    /// The words between `[[` and `]]`. Operators that end words elsewhere are words here.
    pub(super) fn conditional(&mut self) -> Result<Vec<Word>, ScriptError> {
        let mut words = Vec::new();
        loop {
            self.skip_lines()?;
            if self.take_reserved("]]") {
                return Ok(words);
            }
            let operator = ["&&", "||", "<", ">", "(", ")"]
                .into_iter()
                .find(|operator| self.cursor.take(operator));
            words.push(match operator {
                Some(operator) => Word {
                    parts: vec![Part::Literal(operator.to_owned())],
                },
                None => self.expect_word()?,
            });
        }
    }
}

/// Whether `word` is `name=` and no more.
fn ends_in_assignment(word: &Word) -> bool {
    matches!(word.parts.as_slice(), [Part::Literal(text)] if text.ends_with('='))
}
