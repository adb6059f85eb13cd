//! Arguments of a command, taken apart as `getopt_long` does.
//!
//! A command that an effect knows has a list of options that it knows. One option more, and the
//! command is not taken: it would be done wrongly, which is worse than being reported.

use std::collections::BTreeMap;
use std::num::ParseIntError;

/// One option of a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Switch {
    /// Its spellings, the first of which it is asked for by: `--home`, `-d`.
    pub(crate) names: &'static [&'static str],
    /// Whether a value follows.
    pub(crate) takes: Takes,
}

/// Whether a value follows an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// It stands alone.
    Nothing,
    /// `--name value`, `--name=value`, `-n value`, `-nvalue`.
    Value,
    /// `--name`, `--name=value`.
    Perhaps,
}

/// An option that stands alone.
pub(crate) const fn flag(names: &'static [&'static str]) -> Switch {
    Switch {
        names,
        takes: Takes::Nothing,
    }
}

/// An option with a value.
pub(crate) const fn value(names: &'static [&'static str]) -> Switch {
    Switch {
        names,
        takes: Takes::Value,
    }
}

/// An option with a value that may be missing.
pub(crate) const fn perhaps(names: &'static [&'static str]) -> Switch {
    Switch {
        names,
        takes: Takes::Perhaps,
    }
}

/// The arguments of one command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Arguments<'a> {
    options: BTreeMap<&'static str, &'a str>,
    /// What is no option, in its order.
    pub(crate) rest: Vec<&'a str>,
}

impl<'a> Arguments<'a> {
    /// Takes `arguments` apart; `None` when one is not among `known`, or has no value.
    ///
    /// Of an option that is there twice, the last value counts.
    pub(crate) fn parse(arguments: &[&'a str], known: &[Switch]) -> Option<Self> {
        let mut parsed = Self::default();
        let mut left = arguments.iter().copied();
        while let Some(argument) = left.next() {
            if argument == "--" {
                parsed.rest.extend(left);
                return Some(parsed);
            }
            if argument.starts_with("--") {
                parsed.long(argument, &mut left, known)?;
            } else if argument.starts_with('-') && argument.len() > 1 {
                parsed.short(argument, &mut left, known)?;
            } else {
                parsed.rest.push(argument);
            }
        }
        Some(parsed)
    }

    fn long(
        &mut self,
        argument: &'a str,
        left: &mut impl Iterator<Item = &'a str>,
        known: &[Switch],
    ) -> Option<()> {
        let (name, given) = match argument.split_once('=') {
            Some((name, given)) => (name, Some(given)),
            None => (argument, None),
        };
        let option = known.iter().find(|option| option.names.contains(&name))?;
        let found = match (option.takes, given) {
            (Takes::Nothing | Takes::Perhaps, None) => "",
            (Takes::Nothing, Some(_)) => return None,
            (Takes::Value | Takes::Perhaps, Some(given)) => given,
            (Takes::Value, None) => left.next()?,
        };
        self.options.insert(option.names.first()?, found);
        Some(())
    }

    /// Several letters behind one `-`; the value of the last may be in the same word.
    fn short(
        &mut self,
        argument: &'a str,
        left: &mut impl Iterator<Item = &'a str>,
        known: &[Switch],
    ) -> Option<()> {
        let mut letters = argument.strip_prefix('-')?;
        while let Some(letter) = letters.chars().next() {
            let (_, after) = letters.split_at_checked(letter.len_utf8())?;
            let name = format!("-{letter}");
            let same = |option: &&Switch| option.names.contains(&name.as_str());
            let option = known.iter().find(same)?;
            let name = option.names.first()?;
            if option.takes == Takes::Value {
                let found = if after.is_empty() {
                    left.next()?
                } else {
                    after
                };
                self.options.insert(name, found);
                return Some(());
            }
            self.options.insert(name, "");
            letters = after;
        }
        Some(())
    }

    /// Whether the option is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.options.contains_key(name)
    }

    /// The value of an option.
    pub(crate) fn value(&self, name: &str) -> Option<&'a str> {
        self.options.get(name).copied()
    }

    /// The value of an option that is a number, if the option is there.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, ParseIntError> {
        self.value(name).map(str::parse).transpose()
    }

    /// The only argument that is no option.
    pub(crate) fn only(&self) -> Option<&'a str> {
        match self.rest.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Switch] = &[
        flag(&["--system", "-r"]),
        flag(&["-M"]),
        value(&["--home", "-d"]),
        perhaps(&["--backup"]),
    ];

    fn parse<'a>(arguments: &[&'a str]) -> Option<Arguments<'a>> {
        Arguments::parse(arguments, KNOWN)
    }

    #[test]
    fn every_way_to_write_a_value() {
        for arguments in [
            &["--home", "/x", "name"][..],
            &["--home=/x", "name"],
            &["-d", "/x", "name"],
            &["-d/x", "name"],
            &["name", "-d", "/x"],
        ] {
            let parsed = parse(arguments).unwrap();
            assert_eq!(parsed.value("--home"), Some("/x"));
            assert_eq!(parsed.only(), Some("name"));
        }
    }

    #[test]
    fn letters_together() {
        let parsed = parse(&["-rMd", "/x", "name"]).unwrap();
        assert!(parsed.has("--system") && parsed.has("-M"));
        assert_eq!(parsed.value("--home"), Some("/x"));
        assert_eq!(parse(&["-rMx"]), None);
    }

    #[test]
    fn what_is_not_known_is_not_taken() {
        assert_eq!(parse(&["--syste"]), None);
        assert_eq!(parse(&["--home"]), None);
        assert_eq!(parse(&["--system=yes"]), None);
        assert_eq!(parse(&["--", "--syste"]).unwrap().rest, ["--syste"]);
        assert_eq!(parse(&["--backup"]).unwrap().value("--backup"), Some(""));
    }
}
