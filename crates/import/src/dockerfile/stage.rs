//! The stages of a Dockerfile, and which of them the image is made of.

use std::collections::BTreeMap;

use super::keyword::Keyword;
use super::read::{Dockerfile, Instruction, arguments_error};
use super::words::{Expander, Lookup, Unresolved};
use crate::error::{DockerfileProblem, Error};

/// What a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base {
    /// `FROM scratch`
    Nothing,
    /// An image, as the file spells it, with variables replaced.
    Image(String),
    /// An earlier stage.
    Stage(usize),
    /// Only whoever builds it knows.
    Unknown(Unresolved),
}

/// A stage.
#[derive(Debug)]
pub(super) struct Stage {
    /// Its FROM, as a position in the file's instructions.
    pub(super) from: usize,
    /// Behind its last instruction.
    pub(super) end: usize,
    pub(super) base: Base,
    name: Option<String>,
}

/// Stages, and the ARGs before the first of them.
#[derive(Debug)]
pub(super) struct Stages {
    pub(super) all: Vec<Stage>,
    pub(super) arguments: BTreeMap<String, Lookup>,
}

impl Stages {
    pub(super) fn read(file: &Dockerfile, expander: &mut Expander) -> Result<Self, Error> {
        let mut stages = Self {
            all: Vec::new(),
            arguments: BTreeMap::new(),
        };
        for (position, instruction) in file.instructions.iter().enumerate() {
            let end = position.saturating_add(1);
            if instruction.keyword == Keyword::From {
                let (base, name) = stages.base(instruction, expander)?;
                let from = position;
                stages.all.push(Stage {
                    from,
                    end,
                    base,
                    name,
                });
            } else if let Some(stage) = stages.all.last_mut() {
                stage.end = end;
            } else if instruction.keyword == Keyword::Arg {
                stages.argument(instruction, expander);
            } else {
                let problem = DockerfileProblem::BeforeFrom(instruction.keyword.name());
                return Err(Error::dockerfile(instruction.line, problem));
            }
        }
        if stages.all.is_empty() {
            let line = file.instructions.last().map_or(1, |last| last.line);
            return Err(Error::dockerfile(line, DockerfileProblem::NoFrom));
        }
        Ok(stages)
    }

    /// Stages that the image is made of, lowest first. The last stage of the file is its top.
    pub(super) fn of_the_image(&self) -> Vec<&Stage> {
        let mut chain = Vec::new();
        let mut next = self.all.last();
        while let Some(stage) = next {
            chain.push(stage);
            next = match stage.base {
                // Always an earlier one, so this ends.
                Base::Stage(below) => self.all.get(below),
                Base::Nothing | Base::Image(_) | Base::Unknown(_) => None,
            };
        }
        chain.reverse();
        chain
    }

    fn base(
        &self,
        instruction: &Instruction,
        expander: &mut Expander,
    ) -> Result<(Base, Option<String>), Error> {
        let words: Vec<&str> = instruction.arguments.split_whitespace().collect();
        let (image, name) = match words.as_slice() {
            [image] => (*image, None),
            [image, word, name] if word.eq_ignore_ascii_case("as") => (*image, Some(*name)),
            _ => {
                return Err(arguments_error(
                    instruction.line,
                    instruction.keyword,
                    "an image, or an image `AS` a name",
                    &instruction.arguments,
                ));
            }
        };
        let lookup = |name: &str| self.arguments.get(name).cloned().unwrap_or(Lookup::Unset);
        let base = match expander.expand(image, &lookup) {
            Ok(image) => self.named(&image),
            Err(why) => Base::Unknown(why),
        };
        Ok((base, name.map(str::to_ascii_lowercase)))
    }

    fn named(&self, image: &str) -> Base {
        if image == "scratch" {
            return Base::Nothing;
        }
        let stage = self.all.iter().rposition(|stage| {
            let name = stage.name.as_deref();
            name.is_some_and(|name| name.eq_ignore_ascii_case(image))
        });
        match stage {
            Some(stage) => Base::Stage(stage),
            None => Base::Image(image.to_owned()),
        }
    }

    fn argument(&mut self, instruction: &Instruction, expander: &mut Expander) {
        for (name, default) in declared(&instruction.arguments) {
            let lookup = |name: &str| self.arguments.get(name).cloned().unwrap_or(Lookup::Unset);
            let value = default.map(|text| expander.expand(text, &lookup));
            let value = match value {
                Some(Ok(value)) => Lookup::Is(value),
                Some(Err(_)) | None => Lookup::NoDefault,
            };
            self.arguments.insert(name.to_owned(), value);
        }
    }
}

/// Names that an ARG declares, with defaults.
pub(super) fn declared(arguments: &str) -> Vec<(&str, Option<&str>)> {
    let words = arguments.split_whitespace();
    words
        .map(|word| match word.split_once('=') {
            Some((name, default)) => (name, Some(default)),
            None => (word, None),
        })
        .collect()
}
