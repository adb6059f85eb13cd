//! Debconf's templates: what is answered on a fresh system on which nobody is asked.
//!
//! The answer to a question is its default. Debconf's noninteractive frontend takes the first
//! choice for a choice without a default (debconf's `Element::Noninteractive::Select`).

use std::collections::BTreeMap;

use super::call::{Call, Script};
use super::evaluate;
use super::facts::Facts;
use super::shell;

/// Bytes of the largest file of templates that is read.
const SIZE: usize = 4 << 20;

/// The answers to a package's questions, for [`Call::answers`]: the defaults of its `templates`,
/// changed by its `config` script. A question whose answer cannot be known is left out; where the
/// `config` script cannot be read, that is every one.
pub fn answers(
    templates: &[u8],
    config: Option<&[u8]>,
    call: &Call,
    facts: &dyn Facts,
) -> BTreeMap<String, String> {
    let defaults = defaults(templates);
    let Some(config) = config else {
        return defaults;
    };
    let call = Call {
        script: Script::Config,
        answers: defaults,
        ..call.clone()
    };
    let Ok(shell) = shell::parse(config) else {
        return BTreeMap::new();
    };
    match evaluate::evaluate(&shell, &call, facts) {
        Ok(outcome) => outcome.answers,
        Err(_) => BTreeMap::new(),
    }
}

/// The default answers of templates.
fn defaults(templates: &[u8]) -> BTreeMap<String, String> {
    if templates.len() > SIZE {
        return BTreeMap::new();
    }
    let text = String::from_utf8_lossy(templates);
    text.split("\n\n").filter_map(default).collect()
}

/// The name of a question and its default answer.
fn default(paragraph: &str) -> Option<(String, String)> {
    let field = |name: &str| {
        paragraph.lines().find_map(|line| {
            let rest = line.strip_prefix(name)?.strip_prefix(':')?;
            Some(rest.trim())
        })
    };
    let name = field("Template")?;
    let answer = match (field("Default"), field("Type")?) {
        (Some(default), _) => default,
        (None, "select") => first_choice(field("Choices")?)?,
        (None, _) => "",
    };
    Some((name.to_owned(), answer.to_owned()))
}

/// The first of choices that no script fills in.
fn first_choice(choices: &str) -> Option<&str> {
    let first = choices.split(',').next()?.trim();
    (!choices.contains("${") && !first.contains('\\')).then_some(first)
}
