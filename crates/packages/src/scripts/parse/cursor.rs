//! A place in a script's text.

use super::Lines;
use crate::scripts::error::ScriptError;
use crate::scripts::limits;

/// A place in the text.
#[derive(Debug)]
pub(super) struct Cursor {
    text: Vec<char>,
    position: usize,
    line: u32,
    lines: Lines,
}

impl Cursor {
    /// At the start of `text`, whose first line has the number `line`.
    pub(super) fn new(text: &str, line: u32, lines: Lines) -> Self {
        Self {
            text: text.chars().collect(),
            position: 0,
            line,
            lines,
        }
    }

    /// The number of the current line.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// The place, to come back to or to take text from.
    pub(super) fn place(&self) -> Place {
        Place {
            position: self.position,
            line: self.line,
        }
    }

    /// Goes back to a place that was passed.
    pub(super) fn return_to(&mut self, place: Place) {
        self.position = place.position;
        self.line = place.line;
    }

    /// The text from `place` to here, shortened.
    pub(super) fn since(&self, place: Place) -> String {
        let length = self.position.saturating_sub(place.position);
        let shown = self.text.iter().skip(place.position);
        let mut text: String = shown.take(length.min(limits::SHOWN)).collect();
        if length > limits::SHOWN {
            text.push('…');
        }
        text
    }

    /// The next letter.
    pub(super) fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    /// The letter `ahead` of the next.
    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.text.get(self.position.checked_add(ahead)?).copied()
    }

    /// Takes the next letter.
    pub(super) fn bump(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.position = self.position.saturating_add(1);
        if letter == '\n' && self.lines == Lines::Counted {
            self.line = self.line.saturating_add(1);
        }
        Some(letter)
    }

    /// Whether `text` is next.
    pub(super) fn looking_at(&self, text: &str) -> bool {
        let rest = self.text.get(self.position..).unwrap_or_default();
        text.chars().count() <= rest.len() && text.chars().zip(rest).all(|(a, b)| a == *b)
    }

    /// Takes `text` if it is next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.looking_at(text);
        if found {
            for _ in text.chars() {
                self.bump();
            }
        }
        found
    }

    /// Takes letters as long as `wanted` holds.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(letter) = self.peek().filter(|&letter| wanted(letter)) {
            taken.push(letter);
            self.bump();
        }
        taken
    }

    /// Takes blanks, continued lines and a comment.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => drop(self.bump()),
                Some('\\') if self.peek_at(1) == Some('\n') => {
                    self.bump();
                    self.bump();
                }
                Some('#') => drop(self.take_while(|letter| letter != '\n')),
                _ => return,
            }
        }
    }

    /// The error that `expected` is not here.
    pub(super) fn unexpected(&self, expected: &'static str) -> ScriptError {
        let rest = self.text.iter().skip(self.position);
        let found: String = rest
            .take_while(|letter| !letter.is_whitespace())
            .take(32)
            .collect();
        let found = match (found.is_empty(), self.peek()) {
            (false, _) => format!("`{found}`"),
            (true, None) => "the end".to_owned(),
            (true, Some('\n')) => "the end of the line".to_owned(),
            (true, Some(_)) => "a blank".to_owned(),
        };
        ScriptError::Syntax {
            line: self.line,
            expected,
            found,
        }
    }
}

/// A place that a cursor passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    position: usize,
    line: u32,
}
