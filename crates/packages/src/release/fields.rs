//! The fields of a `Release` file: one paragraph, each field once.

use std::collections::BTreeMap;

use thiserror::Error;

use super::armor::Lines;
use super::error::Error;

/// What is wrong with a line of a `Release` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SyntaxProblem {
    /// No colon, or nothing before it that could be a name.
    #[error("expected `Field: value`")]
    Field,
    /// A line that goes on with a field, where there is none.
    #[error("a line that goes on with a field stands before the first field")]
    Continuation,
    /// A field that was there before.
    #[error("the field is there twice")]
    Twice,
    /// An empty line, and more behind it.
    #[error("an empty line: one paragraph is all that a `Release` file has")]
    Paragraph,
    /// No date that archives write.
    #[error("expected a date, as in `Sat, 11 Jul 2026 10:16:37 UTC`")]
    Date,
    /// Neither `yes` nor `no`.
    #[error("expected `yes` or `no`")]
    Boolean,
    /// A line of a table that is none.
    #[error("expected a digest, a size and a path")]
    Table,
    /// A digest of another length, or with other characters.
    #[error("expected 64 hexadecimal digits")]
    Digest,
    /// A path that leads elsewhere.
    #[error("expected a path below the suite, without `..`")]
    Path,
    /// A path that was listed before.
    #[error("the path is listed twice")]
    ListedTwice,
}

/// A field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value<'a> {
    /// Where it begins.
    pub(super) line: u32,
    /// What is on the field's own line.
    pub(super) text: &'a str,
    /// Further lines with their numbers.
    pub(super) more: Vec<(u32, &'a str)>,
}

/// All fields, by name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields<'a>(BTreeMap<String, Value<'a>>);

impl<'a> Fields<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Error> {
        let mut fields: BTreeMap<String, Value<'a>> = BTreeMap::new();
        let mut last = None;
        let mut lines = Lines::new(text);
        while let Some(text) = lines.next() {
            let line = lines.line();
            let wrong = |problem| Err(Error::Syntax { line, problem });
            if text.is_empty() {
                return wrong(SyntaxProblem::Paragraph);
            }
            if let Some(more) = text.strip_prefix([' ', '\t']) {
                match last.as_ref().and_then(|name| fields.get_mut(name)) {
                    Some(field) => field.more.push((line, more)),
                    None => return wrong(SyntaxProblem::Continuation),
                }
                continue;
            }
            let Some((name, value)) = text.split_once(':').filter(|(name, _)| is_name(name)) else {
                return wrong(SyntaxProblem::Field);
            };
            let name = name.to_ascii_lowercase();
            let value = Value {
                line,
                text: value.trim(),
                more: Vec::new(),
            };
            last = Some(name.clone());
            if fields.insert(name, value).is_some() {
                return wrong(SyntaxProblem::Twice);
            }
        }
        Ok(Self(fields))
    }

    /// A field, by its name in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.get(name)
    }

    /// The text of a field of one line; nothing for an empty one.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = self.get(name)?.text;
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The words of a field.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let words = self.get(name).into_iter().flat_map(|value| {
            let more = value.more.iter().map(|(_, text)| *text);
            std::iter::once(value.text).chain(more)
        });
        words
            .flat_map(str::split_ascii_whitespace)
            .map(str::to_owned)
            .collect()
    }

    /// A field that is `yes` or `no`.
    pub(super) fn boolean(&self, name: &str) -> Result<bool, Error> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => match value.text {
                "yes" => Ok(true),
                "no" => Ok(false),
                _ => Err(Error::Syntax {
                    line: value.line,
                    problem: SyntaxProblem::Boolean,
                }),
            },
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['#', '-'])
        && name.bytes().all(|byte| byte.is_ascii_graphic())
}
