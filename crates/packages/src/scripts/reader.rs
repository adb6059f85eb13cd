//! The reader of scripts that effects are applied with.

use std::collections::BTreeMap;

use crate::deb;
use crate::effects::Reader;
use crate::root::Installed;

use super::call::Call;
use super::command::{Certainty, Command};
use super::diversions::diversion;
use super::error::ScriptError;
use super::facts::Facts;
use super::ignored::ignored;
use super::templates::answers;

/// Why `dpkg-divert --add` needs not be done.
const DIVERTED: &str = "declares a diversion, which holds from the beginning of unpacking";

/// Reads the scripts of the packages of one root, with what debconf would answer to them.
#[derive(Debug, Clone, Default)]
pub struct ScriptReader {
    /// By the names of packages that have questions.
    questions: BTreeMap<String, Questions>,
}

/// What debconf is told by a package.
#[derive(Debug, Clone)]
struct Questions {
    templates: Vec<u8>,
    config: Option<Vec<u8>>,
}

impl ScriptReader {
    /// A reader for the scripts of `packages`.
    pub fn new(packages: &[Installed]) -> Self {
        let questions = packages.iter().filter_map(|package| {
            let templates = package.members.get("templates")?.clone();
            let config = package.scripts.get(&deb::Script::Config).cloned();
            let questions = Questions { templates, config };
            Some((package.control.name().to_owned(), questions))
        });
        Self {
            questions: questions.collect(),
        }
    }
}

impl Reader for ScriptReader {
    fn commands(
        &self,
        script: &[u8],
        call: &Call,
        facts: &dyn Facts,
    ) -> Result<Vec<Command>, ScriptError> {
        let mut call = call.clone();
        if let Some(questions) = self.questions.get(&call.package) {
            let config = questions.config.as_deref();
            call.answers = answers(&questions.templates, config, &call, facts);
        }
        super::commands(script, &call, facts)
    }

    fn ignored(&self, package: &str, command: &Command) -> Option<&'static str> {
        match diversion(command, package) {
            Some(_) if command.certainty == Certainty::Always => Some(DIVERTED),
            _ => ignored(command),
        }
    }
}
