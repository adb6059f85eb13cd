//! Words: literal text, quotes, and what `$` and backquotes begin.

use std::rc::Rc;

use super::super::error::ScriptError;
use super::super::syntax::{Part, Word};
use super::{Parser, ends_word};

/// Where a text stands, which decides how it ends and what quotes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// A word of a command.
    Word,
    /// In `"`.
    Double,
    /// The body of a here-document.
    Here,
    /// Behind the operator of `${name-`, outside of `"`.
    Operand,
    /// Behind the operator of `${name-`, in `"`: a `'` is a letter.
    QuotedOperand,
    /// In `$((`.
    Arithmetic,
}

impl Context {
    /// Whether expansions are not split and quotes are letters.
    fn is_quoted(self) -> bool {
        match self {
            Self::Double | Self::Here | Self::QuotedOperand | Self::Arithmetic => true,
            Self::Word | Self::Operand => false,
        }
    }

    /// Whether `letter` ends the text, in which `open` parentheses are open.
    fn ends(self, letter: char, open: usize) -> bool {
        match self {
            Self::Word => ends_word(letter),
            Self::Double => letter == '"',
            Self::Here => false,
            Self::Operand | Self::QuotedOperand => letter == '}',
            Self::Arithmetic => open == 0 && letter == ')',
        }
    }

    /// Whether a `\` quotes `letter`; elsewhere it stands for itself.
    fn escapes(self, letter: char) -> bool {
        match self {
            Self::Word | Self::Operand => true,
            Self::Double => "$`\"\\".contains(letter),
            Self::QuotedOperand => "$`\"\\}".contains(letter),
            Self::Here | Self::Arithmetic => "$`\\".contains(letter),
        }
    }
}

impl Parser {
    /// A word; `None` where none begins.
    pub(super) fn word(&mut self) -> Result<Option<Word>, ScriptError> {
        if self.cursor.looking_at("<(") || self.cursor.looking_at(">(") {
            return Err(self.cursor.unexpected("a word of a POSIX shell"));
        }
        match self.cursor.peek() {
            None => return Ok(None),
            Some(letter) if ends_word(letter) => return Ok(None),
            Some(_) => {}
        }
        let parts = self.parts(Context::Word)?;
        Ok(Some(Word { parts }))
    }

    /// A word that must be there.
    pub(super) fn expect_word(&mut self) -> Result<Word, ScriptError> {
        match self.word()? {
            Some(word) => Ok(word),
            None => Err(self.cursor.unexpected("a word")),
        }
    }

    /// All of the text, as the body of a here-document.
    pub(super) fn here_text(&mut self) -> Result<Vec<Part>, ScriptError> {
        self.parts(Context::Here)
    }

    /// The parts of a text, up to what ends it in `context`; that is not taken.
    pub(super) fn parts(&mut self, context: Context) -> Result<Vec<Part>, ScriptError> {
        self.nested(|parser| parser.parts_here(context))
    }

    fn parts_here(&mut self, context: Context) -> Result<Vec<Part>, ScriptError> {
        let mut parts = Vec::new();
        let mut open = 0_usize;
        if context == Context::Word && self.at_home() {
            self.cursor.bump();
            parts.push(Part::Home);
        }
        while let Some(letter) = self.cursor.peek() {
            if context.ends(letter, open) {
                break;
            }
            match letter {
                '(' => open = open.saturating_add(1),
                ')' => open = open.saturating_sub(1),
                _ => {}
            }
            match letter {
                '\\' => self.backslash(context, &mut parts),
                '\'' if !context.is_quoted() => parts.push(self.single_quoted()?),
                '"' if context != Context::Double && context != Context::Here => {
                    parts.push(self.double_quoted(context)?);
                }
                '$' => self.dollar(context, &mut parts)?,
                '`' => parts.push(self.backquoted(context)?),
                _ => {
                    self.cursor.bump();
                    push_literal(&mut parts, letter);
                }
            }
        }
        Ok(parts)
    }

    /// Whether a `~` that stands for the home directory is next.
    fn at_home(&self) -> bool {
        self.cursor.peek() == Some('~')
            && self
                .cursor
                .peek_at(1)
                .is_none_or(|letter| letter == '/' || ends_word(letter))
    }

    fn backslash(&mut self, context: Context, parts: &mut Vec<Part>) {
        self.cursor.bump();
        match self.cursor.peek() {
            Some('\n') => drop(self.cursor.bump()),
            Some(letter) if context.escapes(letter) => {
                self.cursor.bump();
                push_quoted(parts, letter);
            }
            Some(_) | None => push_quoted(parts, '\\'),
        }
    }

    fn single_quoted(&mut self) -> Result<Part, ScriptError> {
        self.cursor.bump();
        let text = self.cursor.take_while(|letter| letter != '\'');
        if self.cursor.take("'") {
            return Ok(Part::Quoted(text));
        }
        Err(self.cursor.unexpected("a closing `'`"))
    }

    fn double_quoted(&mut self, context: Context) -> Result<Part, ScriptError> {
        self.cursor.bump();
        // Quotes in a quoted operand end the outer ones for a while in some shells, and are
        // nested in others: the text is the same.
        let parts = self.parts(Context::Double)?;
        if !self.cursor.take("\"") {
            return Err(self.cursor.unexpected("a closing `\"`"));
        }
        if context == Context::Arithmetic {
            return Ok(Part::Unsupported("\"".to_owned()));
        }
        Ok(Part::Double(parts))
    }

    /// A substitution in backquotes: its text is taken first, and then read for itself.
    fn backquoted(&mut self, context: Context) -> Result<Part, ScriptError> {
        let place = self.cursor.place();
        let line = self.cursor.line();
        self.cursor.bump();
        let mut text = String::new();
        loop {
            match self.cursor.bump() {
                None => return Err(self.cursor.unexpected("a closing backquote")),
                Some('`') => break,
                Some('\\') => match self.cursor.bump() {
                    Some('"') if context == Context::Double => text.push('"'),
                    Some(letter) if "$`\\".contains(letter) => text.push(letter),
                    Some(letter) => text.extend(['\\', letter]),
                    None => {}
                },
                Some(letter) => text.push(letter),
            }
        }
        let source = self.cursor.since(place);
        let mut inner = self.inner(&text, line);
        let list = Rc::new(inner.nested(Self::list)?);
        match inner.cursor.peek() {
            None => Ok(Part::Substitution { list, source }),
            Some(_) => Err(inner.cursor.unexpected("a command")),
        }
    }
}

/// Adds a letter that is not quoted.
pub(super) fn push_literal(parts: &mut Vec<Part>, letter: char) {
    match parts.last_mut() {
        Some(Part::Literal(text)) => text.push(letter),
        _ => parts.push(Part::Literal(letter.to_string())),
    }
}

fn push_quoted(parts: &mut Vec<Part>, letter: char) {
    match parts.last_mut() {
        Some(Part::Quoted(text)) => text.push(letter),
        _ => parts.push(Part::Quoted(letter.to_string())),
    }
}
