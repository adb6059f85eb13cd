//! Words of an instruction: quotes removed, variables replaced.
//!
//! A value that nobody can know without the base image or a `--build-arg` is not guessed: it is
//! [`Unresolved`], and the instruction that needs it cannot become part of a recipe.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use crate::error::Shown;

/// Characters that the variables of a file become, all together.
const MAX_EXPANDED: usize = 1 << 20;
/// `${a:-${b:-...}}`
const MAX_DEPTH: usize = 16;

/// What a variable is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lookup {
    Is(String),
    /// It is set nowhere, for certain.
    Unset,
    /// The base image may set it.
    OfTheImage,
    /// An ARG without a default.
    NoDefault,
}

/// Why a word has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unresolved {
    OfTheImage(String),
    NoDefault(String),
    Modifier,
    Quote,
    TooLong,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfTheImage(name) => {
                write!(
                    f,
                    "only the base image knows what `{}` is",
                    Shown::new(name)
                )
            }
            Self::NoDefault(name) => {
                write!(f, "`ARG {}` has no default", Shown::new(name))
            }
            Self::Modifier => f.write_str("it changes a variable while it is replaced"),
            Self::Quote => f.write_str("a quote or a brace has no end"),
            Self::TooLong => f.write_str("its variables become too long"),
        }
    }
}

/// Replaces variables, and counts what they become.
#[derive(Debug)]
pub(super) struct Expander {
    escape: char,
    expanded: usize,
}

impl Expander {
    pub(super) const fn new(escape: char) -> Self {
        Self {
            escape,
            expanded: 0,
        }
    }

    /// One word, or one text with spaces in it.
    pub(super) fn expand(
        &mut self,
        text: &str,
        lookup: &dyn Fn(&str) -> Lookup,
    ) -> Result<String, Unresolved> {
        let mut word = Word {
            expander: self,
            lookup,
            rest: text.chars().peekable(),
            out: String::new(),
            depth: 0,
        };
        word.run(None)?;
        Ok(word.out)
    }
}

struct Word<'a> {
    expander: &'a mut Expander,
    lookup: &'a dyn Fn(&str) -> Lookup,
    rest: Peekable<Chars<'a>>,
    out: String,
    depth: usize,
}

impl Word<'_> {
    /// Reads to the end, or to `end`, which is a closing quote or brace.
    fn run(&mut self, end: Option<char>) -> Result<(), Unresolved> {
        while let Some(character) = self.rest.next() {
            if Some(character) == end {
                return Ok(());
            }
            match character {
                '\'' if end != Some('"') => self.literal()?,
                '"' if end != Some('"') => self.run(Some('"'))?,
                '$' => self.variable()?,
                _ if character == self.expander.escape => self.escaped(end == Some('"'))?,
                _ => self.push(character)?,
            }
        }
        match end {
            Some(_) => Err(Unresolved::Quote),
            None => Ok(()),
        }
    }

    fn push(&mut self, character: char) -> Result<(), Unresolved> {
        self.expander.expanded = self.expander.expanded.saturating_add(1);
        if self.expander.expanded > MAX_EXPANDED {
            return Err(Unresolved::TooLong);
        }
        self.out.push(character);
        Ok(())
    }

    fn push_text(&mut self, text: &str) -> Result<(), Unresolved> {
        text.chars().try_for_each(|character| self.push(character))
    }

    /// Between single quotes nothing means anything.
    fn literal(&mut self) -> Result<(), Unresolved> {
        while let Some(character) = self.rest.next() {
            if character == '\'' {
                return Ok(());
            }
            self.push(character)?;
        }
        Err(Unresolved::Quote)
    }

    /// Between double quotes the escape character is itself, unless what follows has a meaning.
    fn escaped(&mut self, quoted: bool) -> Result<(), Unresolved> {
        let escape = self.expander.escape;
        let Some(next) = self.rest.next() else {
            return self.push(escape);
        };
        if quoted && !matches!(next, '"' | '$') && next != escape {
            self.push(escape)?;
        }
        self.push(next)
    }

    fn variable(&mut self) -> Result<(), Unresolved> {
        if self.rest.next_if_eq(&'{').is_some() {
            return self.braces();
        }
        let name = self.name();
        if name.is_empty() {
            return self.push('$');
        }
        self.replace(&name)
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        let inner = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        while let Some(character) = self.rest.next_if(inner) {
            name.push(character);
        }
        name
    }

    fn replace(&mut self, name: &str) -> Result<(), Unresolved> {
        match (self.lookup)(name) {
            Lookup::Is(value) => self.push_text(&value),
            Lookup::Unset => Ok(()),
            Lookup::OfTheImage => Err(Unresolved::OfTheImage(name.to_owned())),
            Lookup::NoDefault => Err(Unresolved::NoDefault(name.to_owned())),
        }
    }

    /// `${NAME}`, `${NAME:-word}`, `${NAME:+word}`, and both without the colon.
    fn braces(&mut self) -> Result<(), Unresolved> {
        let name = self.name();
        let or_empty = self.rest.next_if_eq(&':').is_some();
        let (operator, closed) = match self.rest.next() {
            Some('}') if !or_empty => return self.replace(&name),
            Some(operator @ ('-' | '+')) => (operator, self.depth < MAX_DEPTH),
            None => return Err(Unresolved::Quote),
            Some(_) => return Err(Unresolved::Modifier),
        };
        if !closed || name.is_empty() {
            return Err(Unresolved::Modifier);
        }
        let found = (self.lookup)(&name);
        let set = match &found {
            Lookup::Is(value) => !(or_empty && value.is_empty()),
            // An ARG without a default is what `:-` is for.
            Lookup::Unset | Lookup::NoDefault => false,
            Lookup::OfTheImage => return Err(Unresolved::OfTheImage(name)),
        };
        let word = self.alternative()?;
        match (operator, set, found) {
            ('-', true, Lookup::Is(value)) => self.push_text(&value),
            ('-', false, _) | ('+', true, _) => self.push_text(&word),
            _ => Ok(()),
        }
    }

    /// The word behind `:-`, up to the brace that ends it.
    fn alternative(&mut self) -> Result<String, Unresolved> {
        let before = std::mem::take(&mut self.out);
        self.depth = self.depth.saturating_add(1);
        let read = self.run(Some('}'));
        self.depth = self.depth.saturating_sub(1);
        let word = std::mem::replace(&mut self.out, before);
        read.map(|()| word)
    }
}

/// Words of `NAME=value NAME="a b"`, with their quotes.
pub(super) fn split_quoted(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if quote.is_none() && character.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        word.push(character);
        if character == escape && quote != Some('\'') {
            word.extend(characters.next());
        } else if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '"' | '\'') {
            quote = Some(character);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Expander, Lookup, Unresolved, split_quoted};

    fn lookup(name: &str) -> Lookup {
        match name {
            "A" => Lookup::Is("1".to_owned()),
            "EMPTY" => Lookup::Is(String::new()),
            "ARG" => Lookup::NoDefault,
            "PATH" => Lookup::OfTheImage,
            _ => Lookup::Unset,
        }
    }

    fn expand(text: &str) -> Result<String, Unresolved> {
        Expander::new('\\').expand(text, &lookup)
    }

    #[test]
    fn variables_are_replaced() {
        for (text, expected) in [
            ("$A", "1"),
            ("${A}x", "1x"),
            ("$Ax$B.", "."),
            ("\\$A", "$A"),
            ("'$A'", "$A"),
            ("\"a b $A\"", "a b 1"),
            ("\"\\a\\\"\\$\"", "\\a\"$"),
            ("${B:-x}", "x"),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY-x}", ""),
            ("${A:-x}", "1"),
            ("${A:+x}", "x"),
            ("${B:+x}", ""),
            ("${ARG:-d}", "d"),
            ("${B:-${A}/'}'}", "1/}"),
            ("$", "$"),
            ("a$/b", "a$/b"),
            ("\\", "\\"),
        ] {
            assert_eq!(expand(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_nobody_knows_is_not_guessed() {
        let path = Err(Unresolved::OfTheImage("PATH".to_owned()));
        assert_eq!(expand("/x:$PATH"), path);
        assert_eq!(expand("${PATH:-x}"), path);
        assert_eq!(expand("$ARG"), Err(Unresolved::NoDefault("ARG".to_owned())));
        assert_eq!(expand("${A%x}"), Err(Unresolved::Modifier));
        assert_eq!(expand("${A:?x}"), Err(Unresolved::Modifier));
        for bad in ["'a", "\"a", "${A", "${A:-x"] {
            assert_eq!(expand(bad), Err(Unresolved::Quote), "{bad}");
        }
        assert!(expand(&"${B:-".repeat(1000)).is_err());
    }

    #[test]
    fn a_bomb_ends() {
        let big = "x".repeat(1 << 16);
        let lookup = |_: &str| Lookup::Is(big.clone());
        let result = Expander::new('\\').expand(&"$A".repeat(1000), &lookup);
        assert_eq!(result, Err(Unresolved::TooLong));
    }

    #[test]
    fn words_keep_their_quotes() {
        assert_eq!(
            split_quoted("A=1  B=\"a b\" C='\"' D=a\\ b", '\\'),
            ["A=1", "B=\"a b\"", "C='\"'", "D=a\\ b"]
        );
    }
}
