//! Patterns of paths as dpkg has them: fnmatch(3) without any flag, so that `*` also takes `/`.
//!
//! `*` any bytes, `?` one byte, `[a-z]` and `[!a-z]` one of a set, `\` takes the next as it is.
//! Bytes are compared: no locale has a part in it. Named classes such as `[:alpha:]` depend on
//! one, and are not taken.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Byte(u8),
    AnyByte,
    AnyBytes,
    Set {
        ranges: Vec<(u8, u8)>,
        negated: bool,
    },
}

/// Text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PatternError {
    /// It begins neither with `/` nor with `*`, so that it would match no path.
    #[error("pattern `{pattern}`: it does not begin with `/` or `*`")]
    Relative {
        /// The pattern.
        pattern: String,
    },
    /// A set without an end, or one that a locale decides.
    #[error("pattern `{pattern}`: the `[` has no `]`, or has a class in it")]
    Set {
        /// The pattern.
        pattern: String,
    },
    /// A `\` at the end.
    #[error("pattern `{pattern}`: nothing follows the last `\\`")]
    Escape {
        /// The pattern.
        pattern: String,
    },
}

impl Pattern {
    /// Whether all of `path`, which begins with `/`, is what the pattern says.
    pub fn matches(&self, path: &[u8]) -> bool {
        let (mut part, mut at) = (0_usize, 0_usize);
        // Where to go on after the last `*`, when what follows it does not fit.
        let mut retry: Option<(usize, usize)> = None;
        while at < path.len() || part < self.parts.len() {
            let byte = path.get(at).copied();
            match self.parts.get(part) {
                Some(Part::AnyBytes) => {
                    part = part.saturating_add(1);
                    retry = Some((part, at));
                    continue;
                }
                Some(one) if byte.is_some_and(|byte| one.takes(byte)) => {
                    (part, at) = (part.saturating_add(1), at.saturating_add(1));
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((after, from)) if from < path.len() => {
                    retry = Some((after, from.saturating_add(1)));
                    (part, at) = (after, from.saturating_add(1));
                }
                _ => return false,
            }
        }
        true
    }

    /// The directories in front of the first special character: `/usr/share/doc` of
    /// `/usr/share/doc/*/copyright`.
    pub(super) fn literal_directory(&self) -> &[u8] {
        let text = self.text.as_bytes();
        let special = |byte: &u8| b"*?[\\".contains(byte);
        let end = text.iter().position(special).unwrap_or(text.len());
        let start = text.get(..end).unwrap_or_default();
        let slash = start.iter().rposition(|byte| *byte == b'/');
        let mut directory = start.get(..slash.unwrap_or(0)).unwrap_or_default();
        while let Some(shorter) = directory.strip_suffix(b"/") {
            directory = shorter;
        }
        directory
    }
}

impl Part {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Byte(expected) => *expected == byte,
            Self::AnyByte => true,
            Self::AnyBytes => false,
            Self::Set { ranges, negated } => {
                let found = ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&byte));
                found != *negated
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let pattern = || text.to_owned();
        if !text.starts_with(['/', '*']) {
            return Err(PatternError::Relative { pattern: pattern() });
        }
        let mut parts = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            parts.push(match byte {
                b'*' => Part::AnyBytes,
                b'?' => Part::AnyByte,
                b'[' => {
                    let (set, behind) =
                        parse_set(rest).ok_or_else(|| PatternError::Set { pattern: pattern() })?;
                    rest = behind;
                    set
                }
                b'\\' => {
                    let (byte, behind) = rest
                        .split_first()
                        .ok_or_else(|| PatternError::Escape { pattern: pattern() })?;
                    rest = behind;
                    Part::Byte(*byte)
                }
                byte => Part::Byte(*byte),
            });
        }
        let text = pattern();
        Ok(Self { text, parts })
    }
}

/// The set behind a `[`, and what follows its `]`. A `]` in the first place is part of the set.
fn parse_set(text: &[u8]) -> Option<(Part, &[u8])> {
    let (negated, mut rest) = match text.split_first()? {
        (b'!' | b'^', rest) => (true, rest),
        _ => (false, text),
    };
    let mut ranges = Vec::new();
    loop {
        let (low, behind) = set_byte(rest)?;
        rest = behind;
        match rest {
            [b'-', b']', ..] => ranges.push((low, low)),
            [b'-', behind @ ..] => {
                let (high, behind) = set_byte(behind)?;
                rest = behind;
                ranges.push((low, high));
            }
            _ => ranges.push((low, low)),
        }
        if let Some(behind) = rest.strip_prefix(b"]") {
            return Some((Part::Set { ranges, negated }, behind));
        }
    }
}

fn set_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'[', b':' | b'.' | b'=', ..] | [] => None,
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => Some((*byte, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(path.as_bytes())
    }

    #[test]
    fn a_star_takes_anything_with_slashes() {
        assert!(matches("/usr/share/doc/*", "/usr/share/doc/a/b"));
        assert!(matches("/usr/share/doc/*", "/usr/share/doc/"));
        assert!(!matches("/usr/share/doc/*", "/usr/share/doc"));
        assert!(matches(
            "/usr/share/doc/*/copyright",
            "/usr/share/doc/a/b/copyright"
        ));
        assert!(!matches(
            "/usr/share/doc/*/copyright",
            "/usr/share/doc/copyright"
        ));
        assert!(matches("/*a*b*c", "/xxaxbxbc"));
        assert!(!matches("/*a*b*c", "/xxaxcxb"));
        assert!(matches("/*", "/"));
        assert!(matches("*.pyc", "/usr/lib/a.pyc"));
    }

    #[test]
    fn sets_single_bytes_and_escapes() {
        assert!(matches("/[a-c]?", "/bz"));
        assert!(!matches("/[a-c]?", "/dz"));
        assert!(matches("/[!a-c]", "/d"));
        assert!(!matches("/[^a-c]", "/b"));
        assert!(matches("/[]a]", "/]"));
        assert!(matches("/[a-]", "/-"));
        assert!(matches("/\\*", "/*"));
        assert!(!matches("/\\*", "/a"));
        assert!(!matches("/?", "/"));
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_exponential_time() {
        let pattern = format!("/{}b", "*a".repeat(40));
        assert!(!matches(&pattern, &format!("/{}", "a".repeat(4000))));
    }

    #[test]
    fn what_cannot_match_or_depends_on_a_locale_is_refused() {
        for (text, expected) in [
            ("usr/*", "Relative"),
            ("/[a", "Set"),
            ("/[[:alpha:]]", "Set"),
            ("/[", "Set"),
            ("/a\\", "Escape"),
        ] {
            let error = text.parse::<Pattern>().unwrap_err();
            assert!(format!("{error:?}").starts_with(expected), "{error:?}");
        }
    }

    #[test]
    fn the_directory_before_anything_special() {
        let literal = |text: &str| {
            let pattern: Pattern = text.parse().unwrap();
            String::from_utf8(pattern.literal_directory().to_vec()).unwrap()
        };
        assert_eq!(literal("/usr/share/doc/*/copyright"), "/usr/share/doc");
        assert_eq!(literal("/usr/share/do*"), "/usr/share");
        assert_eq!(literal("/usr/share/doc//[a]"), "/usr/share/doc");
        assert_eq!(literal("/usr/x"), "/usr");
        assert_eq!(literal("/*"), "");
    }
}
