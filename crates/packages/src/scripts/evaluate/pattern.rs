//! Patterns of the shell (XCU 2.14): `*`, `?`, `[..]`.

/// A letter of a text, and whether quotes keep it from being special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glyph {
    pub(super) letter: char,
    pub(super) quoted: bool,
}

/// A pattern that texts are compared with.
#[derive(Debug)]
pub(super) enum Pattern {
    Known(Vec<Token>),
    Unknown,
}

/// One place of a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token {
    Letter(char),
    /// `?`.
    Any,
    /// `*`.
    Many,
    /// `[..]`.
    Class {
        negated: bool,
        items: Vec<Item>,
    },
}

/// What a class may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Range(char, char),
    /// `[:alpha:]` and its like.
    Named(String),
}

/// Steps that a comparison may take until its outcome counts as unknown.
const WORK: usize = 1 << 20;

impl Pattern {
    /// The pattern that `glyphs` spell.
    pub(super) fn new(glyphs: &[Glyph]) -> Self {
        let mut tokens = Vec::new();
        let mut rest = glyphs;
        while let Some((glyph, behind)) = rest.split_first() {
            rest = behind;
            let token = match (glyph.letter, glyph.quoted) {
                ('*', false) => Token::Many,
                ('?', false) => Token::Any,
                ('[', false) => match class(behind) {
                    Some((class, behind)) => {
                        rest = behind;
                        class
                    }
                    None => Token::Letter('['),
                },
                (letter, _) => Token::Letter(letter),
            };
            if !(token == Token::Many && tokens.last() == Some(&Token::Many)) {
                tokens.push(token);
            }
        }
        Self::Known(tokens)
    }

    /// Its length in places.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Known(tokens) => tokens.len(),
            Self::Unknown => 0,
        }
    }

    /// Whether it is `*`.
    pub(super) fn matches_all(&self) -> bool {
        matches!(self, Self::Known(tokens) if tokens.as_slice() == [Token::Many])
    }

    /// Whether `text` as a whole matches; `None` where this cannot be known.
    pub(super) fn matches(&self, text: &str) -> Option<bool> {
        let letters: Vec<char> = text.chars().collect();
        self.matches_letters(&letters)
    }

    /// Whether `letters` as a whole match.
    pub(super) fn matches_letters(&self, letters: &[char]) -> Option<bool> {
        let Self::Known(tokens) = self else {
            return None;
        };
        if letters.len().saturating_mul(tokens.len()) > WORK {
            return None;
        }
        Some(matches(tokens, letters))
    }
}

/// Comparison that goes back to the last `*` only: at most letters times places.
fn matches(tokens: &[Token], letters: &[char]) -> bool {
    let (mut place, mut position) = (0_usize, 0_usize);
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(place), letters.get(position)) {
            (None, None) => return true,
            (Some(Token::Many), _) => {
                place = place.saturating_add(1);
                star = Some((place, position));
                continue;
            }
            (Some(token), Some(&letter)) if token.accepts(letter) => {
                place = place.saturating_add(1);
                position = position.saturating_add(1);
                continue;
            }
            _ => {}
        }
        match star {
            Some((behind, taken)) if taken < letters.len() => {
                let taken = taken.saturating_add(1);
                star = Some((behind, taken));
                place = behind;
                position = taken;
            }
            _ => return false,
        }
    }
}

impl Token {
    fn accepts(&self, letter: char) -> bool {
        match self {
            Self::Letter(own) => *own == letter,
            Self::Any => true,
            Self::Many => false,
            Self::Class { negated, items } => {
                items.iter().any(|item| item.accepts(letter)) != *negated
            }
        }
    }
}

impl Item {
    fn accepts(&self, letter: char) -> bool {
        match self {
            Self::Range(first, last) => (*first..=*last).contains(&letter),
            Self::Named(name) => match name.as_str() {
                "alnum" => letter.is_ascii_alphanumeric(),
                "alpha" => letter.is_ascii_alphabetic(),
                "blank" => letter == ' ' || letter == '\t',
                "digit" => letter.is_ascii_digit(),
                "lower" => letter.is_ascii_lowercase(),
                "punct" => letter.is_ascii_punctuation(),
                "space" => letter.is_ascii_whitespace() || letter == '\u{b}',
                "upper" => letter.is_ascii_uppercase(),
                "xdigit" => letter.is_ascii_hexdigit(),
                _ => false,
            },
        }
    }
}

/// The class behind a `[`, and what follows it; `None` where it is not closed.
fn class(glyphs: &[Glyph]) -> Option<(Token, &[Glyph])> {
    let plain = |glyph: &Glyph, letter| glyph.letter == letter && !glyph.quoted;
    let mut rest = glyphs;
    let negated = rest
        .first()
        .is_some_and(|glyph| plain(glyph, '!') || plain(glyph, '^'));
    if negated {
        rest = rest.get(1..)?;
    }
    let mut items = Vec::new();
    loop {
        let (glyph, behind) = rest.split_first()?;
        rest = behind;
        if plain(glyph, ']') && !items.is_empty() {
            return Some((Token::Class { negated, items }, rest));
        }
        if plain(glyph, '[') && rest.first().is_some_and(|next| plain(next, ':')) {
            let inner = rest.get(1..)?;
            let end = inner
                .windows(2)
                .position(|pair| pair.iter().map(|one| one.letter).eq([':', ']']))?;
            let name = inner.get(..end)?.iter().map(|one| one.letter).collect();
            items.push(Item::Named(name));
            rest = inner.get(end.checked_add(2)?..)?;
            continue;
        }
        match rest {
            [dash, last, behind @ ..] if plain(dash, '-') && !plain(last, ']') => {
                items.push(Item::Range(glyph.letter, last.letter));
                rest = behind;
            }
            _ => items.push(Item::Range(glyph.letter, glyph.letter)),
        }
    }
}
