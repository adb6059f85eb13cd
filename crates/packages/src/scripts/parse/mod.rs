//! From text to the tree of a script.
//!
//! Recursive descent over letters: in this language what a letter means depends on what is open
//! around it, so that there is no separate pass that makes tokens. Whatever is not understood ends
//! the parse.

mod compound;
mod cursor;
mod dollar;
mod redirection;
mod simple;
mod word;

use std::cell::OnceCell;
use std::rc::Rc;

use super::error::ScriptError;
use super::limits;
use super::syntax::{AndOr, Connector, List, Negation, Pipeline, Runs, Word};
use cursor::Cursor;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    /// The number of its first line.
    pub(super) line: u32,
    pub(super) lines: Lines,
    pub(super) dialect: Dialect,
}

/// Whether a text has lines of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// Its lines are those of the script.
    Counted,
    /// All of it is where it is run: text that a script has made, and files that it sources.
    Fixed,
}

/// The language of a text, where the shells differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `sh`, `dash`: `((` begins a group in a group.
    Posix,
    /// `((` begins arithmetic.
    Bash,
}

/// Parses a whole text.
///
/// # Errors
///
/// The first thing that a shell would not accept or that is not understood here.
pub(super) fn parse(text: &str, source: Source) -> Result<List, ScriptError> {
    let mut parser = Parser::new(text, source);
    let list = parser.list()?;
    match parser.cursor.peek() {
        None => Ok(list),
        Some(_) => Err(parser.cursor.unexpected("a command")),
    }
}

/// The words that end a list where they stand in place of a command.
const CLOSING: [&str; 8] = ["then", "elif", "else", "fi", "do", "done", "esac", "}"];

#[derive(Debug)]
struct Parser {
    cursor: Cursor,
    source: Source,
    depth: u32,
    /// Here-documents whose bodies follow the current line.
    pending: Vec<Pending>,
}

/// A here-document that was named and not read yet.
#[derive(Debug)]
struct Pending {
    delimiter: String,
    /// Whether leading tabs are taken away.
    tabs: Tabs,
    quoting: Quoting,
    body: Rc<OnceCell<Word>>,
}

/// What becomes of leading tabs in a here-document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tabs {
    Kept,
    /// `<<-`.
    Stripped,
}

/// Whether expansions are carried out in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Expanded,
    Literal,
}

impl Parser {
    fn new(text: &str, source: Source) -> Self {
        Self {
            cursor: Cursor::new(text, source.line, source.lines),
            source,
            depth: 0,
            pending: Vec::new(),
        }
    }

    /// A parser for text that was taken out of this one's, at `line`.
    fn inner(&self, text: &str, line: u32) -> Self {
        Self {
            depth: self.depth,
            ..Self::new(
                text,
                Source {
                    line,
                    ..self.source
                },
            )
        }
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ScriptError>,
    ) -> Result<T, ScriptError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > limits::NESTING {
            return Err(ScriptError::TooDeep {
                line: self.cursor.line(),
                limit: limits::NESTING,
            });
        }
        let result = inner(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Commands up to the end, a closing word, `)` or `;;`.
    fn list(&mut self) -> Result<List, ScriptError> {
        let mut list = List::new();
        loop {
            self.skip_lines()?;
            if self.at_list_end() {
                return Ok(list);
            }
            let mut item = self.and_or()?;
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some(';') if self.cursor.peek_at(1) != Some(';') => drop(self.cursor.bump()),
                Some('&') => {
                    self.cursor.bump();
                    item.runs = Runs::Background;
                }
                Some('\n') | None => {}
                Some(_) if self.at_list_end() => {}
                Some(_) => return Err(self.cursor.unexpected("the end of a command")),
            }
            list.push(item);
        }
    }

    /// A list that may not be empty.
    fn some_list(&mut self) -> Result<List, ScriptError> {
        let list = self.list()?;
        if list.is_empty() {
            return Err(self.cursor.unexpected("a command"));
        }
        Ok(list)
    }

    fn at_list_end(&self) -> bool {
        match self.cursor.peek() {
            None | Some(')') => true,
            Some(';') => self.cursor.peek_at(1) == Some(';'),
            Some(_) => CLOSING.iter().any(|word| self.at_reserved(word)),
        }
    }

    /// Whether the reserved word `word` is next, and nothing else of a word behind it.
    fn at_reserved(&self, word: &str) -> bool {
        self.cursor.looking_at(word)
            && self
                .cursor
                .peek_at(word.chars().count())
                .is_none_or(ends_word)
    }

    /// Takes the reserved word `word`, after lines that are empty.
    fn expect_reserved(&mut self, word: &'static str) -> Result<(), ScriptError> {
        self.skip_lines()?;
        if self.at_reserved(word) && self.cursor.take(word) {
            return Ok(());
        }
        Err(self.cursor.unexpected(word))
    }

    /// Takes the reserved word `word` if it is next.
    fn take_reserved(&mut self, word: &str) -> bool {
        self.at_reserved(word) && self.cursor.take(word)
    }

    fn and_or(&mut self) -> Result<AndOr, ScriptError> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.cursor.skip_blanks();
            let connector = if self.cursor.take("&&") {
                Connector::And
            } else if self.cursor.take("||") {
                Connector::Or
            } else {
                break;
            };
            self.skip_lines()?;
            rest.push((connector, self.pipeline()?));
        }
        let runs = Runs::Foreground;
        Ok(AndOr { first, rest, runs })
    }

    fn pipeline(&mut self) -> Result<Pipeline, ScriptError> {
        let mut negation = Negation::Plain;
        self.cursor.skip_blanks();
        while self.take_reserved("!") {
            negation = match negation {
                Negation::Plain => Negation::Negated,
                Negation::Negated => Negation::Plain,
            };
            self.cursor.skip_blanks();
        }
        let mut stages = vec![self.nested(Self::stage)?];
        loop {
            self.cursor.skip_blanks();
            if self.cursor.looking_at("||") || !self.cursor.take("|") {
                return Ok(Pipeline { negation, stages });
            }
            // `|&` of bash: the errors go the same way, which changes nothing that is read here.
            self.cursor.take("&");
            self.skip_lines()?;
            stages.push(self.nested(Self::stage)?);
        }
    }

    /// Takes blanks, comments and ends of lines, and the here-documents that begin there.
    fn skip_lines(&mut self) -> Result<(), ScriptError> {
        loop {
            self.cursor.skip_blanks();
            if self.cursor.peek() != Some('\n') {
                return Ok(());
            }
            self.end_line()?;
        }
    }

    /// Takes the end of a line and the bodies of its here-documents.
    fn end_line(&mut self) -> Result<(), ScriptError> {
        self.cursor.bump();
        for pending in std::mem::take(&mut self.pending) {
            self.read_here_document(&pending)?;
        }
        Ok(())
    }
}

/// Whether `letter` ends a word that is not quoted.
fn ends_word(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'
    )
}

/// Whether `letter` may begin a name.
fn begins_name(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

/// Whether `letter` may stand in a name.
fn in_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}
