//! What the instructions of a stage make of an image, as far as a recipe can say it.

use std::collections::{BTreeMap, BTreeSet};

use super::copy;
use super::keyword::Keyword;
use super::ledger::{Ledger, Verdict};
use super::read::Instruction;
use super::words::{Expander, Lookup, split_quoted};
use crate::draft::File;
use crate::note::NoteKind;
use crate::outside::is_principal;

/// A value and the instruction that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given<T> {
    pub(super) value: T,
    /// Position in the file.
    pub(super) at: usize,
    pub(super) line: usize,
}

/// An image that is being made.
#[derive(Debug)]
pub(super) struct Image {
    /// `FROM scratch`: the base image sets nothing.
    pub(super) is_empty: bool,
    pub(super) env: Vec<Given<(String, String)>>,
    pub(super) workdir: Option<Given<String>>,
    pub(super) user: Option<Given<String>>,
    pub(super) entrypoint: Option<Given<Vec<String>>>,
    pub(super) cmd: Option<Given<Vec<String>>>,
    pub(super) ports: Vec<(u16, usize)>,
    pub(super) archive: Option<Given<String>>,
    pub(super) files: Vec<File>,
    /// Directories that are there for certain.
    pub(super) directories: BTreeSet<String>,
    shell: Vec<String>,
    arguments: BTreeMap<String, Lookup>,
    /// Whether this stage, and not the one below, gave `cmd`.
    cmd_is_of_stage: bool,
}

/// What an instruction needs besides the image.
pub(super) struct Context<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) expander: &'a mut Expander,
    pub(super) escape: char,
    /// ARGs before the first FROM.
    pub(super) arguments: &'a BTreeMap<String, Lookup>,
    /// The architecture as Docker calls it.
    pub(super) platform: &'static str,
}

pub(super) type Outcome = Result<NoteKind, String>;

impl Image {
    pub(super) fn new(is_empty: bool) -> Self {
        Self {
            is_empty,
            env: Vec::new(),
            workdir: None,
            user: None,
            entrypoint: None,
            cmd: None,
            ports: Vec::new(),
            archive: None,
            files: Vec::new(),
            directories: BTreeSet::from(["/".to_owned()]),
            shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
            arguments: BTreeMap::new(),
            cmd_is_of_stage: false,
        }
    }

    /// A stage begins: its ARGs are its own.
    pub(super) fn begin_stage(&mut self) {
        self.arguments.clear();
        self.cmd_is_of_stage = false;
    }

    pub(super) fn apply(
        &mut self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) {
        let verdict = match self.outcome(at, instruction, context) {
            Ok(kind) => Verdict::Noted(kind),
            Err(why) => Verdict::Blocks(why),
        };
        context.ledger.set(at, verdict);
        if !matches!(instruction.keyword, Keyword::Copy | Keyword::Add) {
            for position in 0..instruction.flags.len() {
                let verdict = other_flag(instruction.keyword);
                context.ledger.set_flag(at, position, verdict);
            }
        }
    }

    fn outcome(
        &mut self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> Outcome {
        match instruction.keyword {
            Keyword::Add | Keyword::Copy => self.copy(at, instruction, context),
            Keyword::Arg => Ok(self.argument(instruction, context)),
            Keyword::Cmd => Ok(self.command(at, instruction, context)),
            Keyword::Entrypoint => Ok(self.entrypoint(at, instruction, context)),
            Keyword::Env => self.variables(at, instruction, context),
            Keyword::Expose => self.expose(instruction, context),
            Keyword::User => self.user(at, instruction, context),
            Keyword::Workdir => self.workdir(at, instruction, context),
            Keyword::Shell => self.shell(instruction),
            Keyword::Run => Err("it runs a command while the image is built".to_owned()),
            Keyword::From
            | Keyword::Healthcheck
            | Keyword::Label
            | Keyword::Maintainer
            | Keyword::Onbuild
            | Keyword::Stopsignal
            | Keyword::Volume => Ok(without_meaning(instruction.keyword)),
        }
    }

    fn lookup(&self, name: &str) -> Lookup {
        let set = self.env.iter().find(|given| given.value.0 == name);
        match (set, self.arguments.get(name)) {
            (Some(given), _) => Lookup::Is(given.value.1.clone()),
            (None, Some(argument)) => argument.clone(),
            (None, None) if self.is_empty => Lookup::Unset,
            (None, None) => Lookup::OfTheImage,
        }
    }

    pub(super) fn expand(&self, text: &str, context: &mut Context<'_>) -> Result<String, String> {
        let expanded = context.expander.expand(text, &|name| self.lookup(name));
        expanded.map_err(|why| why.to_string())
    }

    fn argument(&mut self, instruction: &Instruction, context: &mut Context<'_>) -> NoteKind {
        let mut defaults = false;
        for (name, default) in super::stage::declared(&instruction.arguments) {
            let value = match default {
                Some(text) => self
                    .expand(text, context)
                    .map_or(Lookup::NoDefault, Lookup::Is),
                None => match context.arguments.get(name) {
                    Some(value) => value.clone(),
                    None => automatic(name, context.platform).unwrap_or(Lookup::NoDefault),
                },
            };
            defaults |= matches!(value, Lookup::Is(_));
            self.arguments.insert(name.to_owned(), value);
        }
        argument_note(defaults)
    }

    fn variables(
        &mut self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> Outcome {
        let mut pairs = Vec::new();
        for (name, value) in assignments(&instruction.arguments, context.escape)? {
            if name.is_empty() || name.contains(['$', '"', '\'']) {
                return Err("it has no plain name of a variable".to_owned());
            }
            // All of them see what was set before, and nothing of this instruction.
            pairs.push((name, self.expand(&value, context)?));
        }
        for (name, value) in pairs {
            let given = Given {
                value: (name, value),
                at,
                line: instruction.line,
            };
            let mut set = self.env.iter_mut();
            match set.find(|other| other.value.0 == given.value.0) {
                Some(other) => *other = given,
                None => self.env.push(given),
            }
        }
        Ok(NoteKind::taken("`run.env`"))
    }

    fn user(&mut self, at: usize, instruction: &Instruction, context: &mut Context<'_>) -> Outcome {
        let user = self.expand(&instruction.arguments, context)?;
        if !user.split(':').all(is_principal) || user.split(':').count() > 2 {
            return Err("it names no user".to_owned());
        }
        replaced(self.user.as_ref(), context.ledger, "USER");
        self.user = Some(Given {
            value: user,
            at,
            line: instruction.line,
        });
        Ok(NoteKind::taken("`run.user`"))
    }

    fn workdir(
        &mut self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> Outcome {
        let path = self.expand(&instruction.arguments, context)?;
        let path = copy::absolute(&path, self.directory())?;
        let is_absolute = self
            .expand(&instruction.arguments, context)?
            .starts_with('/');
        if is_absolute {
            replaced(self.workdir.as_ref(), context.ledger, "WORKDIR");
        } else if let Some(before) = &self.workdir {
            let kind = NoteKind::taken("`run.workdir`, which a later WORKDIR continues");
            context.ledger.set(before.at, Verdict::Noted(kind));
        }
        self.directories.insert(path.clone());
        self.workdir = Some(Given {
            value: path,
            at,
            line: instruction.line,
        });
        Ok(NoteKind::taken("`run.workdir`"))
    }

    /// Where relative paths begin, if that is known.
    pub(super) fn directory(&self) -> Option<&str> {
        match &self.workdir {
            Some(given) => Some(&given.value),
            None if self.is_empty => Some("/"),
            None => None,
        }
    }

    fn shell(&mut self, instruction: &Instruction) -> Outcome {
        self.shell = json(&instruction.arguments)
            .filter(|words| !words.is_empty())
            .ok_or("it is no list of texts")?;
        Ok(NoteKind::taken(
            "`run.command`, where ENTRYPOINT or CMD is a line for this shell",
        ))
    }

    fn entrypoint(
        &mut self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> NoteKind {
        replaced(self.entrypoint.as_ref(), context.ledger, "ENTRYPOINT");
        if !self.cmd_is_of_stage
            && let Some(cmd) = self.cmd.take()
        {
            let kind = NoteKind::nothing("an ENTRYPOINT in a later stage takes it away");
            context.ledger.set(cmd.at, Verdict::Noted(kind));
        }
        self.entrypoint = Some(Given {
            value: self.exec(&instruction.arguments),
            at,
            line: instruction.line,
        });
        NoteKind::taken("`run.command`")
    }

    fn command(
        &mut self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> NoteKind {
        replaced(self.cmd.as_ref(), context.ledger, "CMD");
        self.cmd_is_of_stage = true;
        self.cmd = Some(Given {
            value: self.exec(&instruction.arguments),
            at,
            line: instruction.line,
        });
        NoteKind::taken("`run.command`")
    }

    /// Words of a list, or a line for the shell.
    fn exec(&self, arguments: &str) -> Vec<String> {
        json(arguments).unwrap_or_else(|| {
            let line = std::iter::once(arguments.to_owned());
            self.shell.iter().cloned().chain(line).collect()
        })
    }

    fn expose(&mut self, instruction: &Instruction, context: &mut Context<'_>) -> Outcome {
        let mut left_out = false;
        let text = self.expand(&instruction.arguments, context)?;
        for word in text.split_whitespace() {
            let (port, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
            match port.parse::<u16>() {
                Ok(port) if port > 0 && protocol.eq_ignore_ascii_case("tcp") => {
                    self.ports.push((port, instruction.line));
                }
                _ => left_out = true,
            }
        }
        Ok(NoteKind::taken(if left_out {
            "`network.ingress`, which names TCP ports one by one; what is none is left out"
        } else {
            "`network.ingress`"
        }))
    }
}

/// Says of an instruction that a later one takes its place.
fn replaced<T>(before: Option<&Given<T>>, ledger: &mut Ledger, name: &str) {
    if let Some(before) = before {
        let kind = NoteKind::nothing(format!("a later {name} takes its place"));
        ledger.set(before.at, Verdict::Noted(kind));
    }
}

pub(super) fn argument_note(defaults: bool) -> NoteKind {
    if defaults {
        NoteKind::changed(
            "its value is written out where it is used; a recipe has no `--build-arg`",
        )
    } else {
        NoteKind::changed("a recipe has no `--build-arg`; nothing in this one needs its value")
    }
}

/// Flags of everything but COPY and ADD.
fn other_flag(keyword: Keyword) -> Verdict {
    if keyword == Keyword::Run {
        // The RUN itself is in the way already.
        Verdict::Noted(NoteKind::waits("`source.dockerfile`"))
    } else if keyword == Keyword::Healthcheck {
        Verdict::Noted(without_meaning(keyword))
    } else {
        Verdict::Blocks("this release knows no such flag".to_owned())
    }
}

fn without_meaning(keyword: Keyword) -> NoteKind {
    NoteKind::nothing(match keyword {
        Keyword::Healthcheck => {
            "nobody outside runs commands in an enclave; ask the application over its port"
        }
        Keyword::Label => "an image has no labels; `enclave.name` and `enclave.version` name it",
        Keyword::Maintainer => "an image has no labels",
        Keyword::Onbuild => "it is for images that are built from this one",
        Keyword::Stopsignal => "an enclave is ended as a whole, without a signal",
        Keyword::Volume => "an enclave has no disk; every directory lies in its memory",
        Keyword::Add
        | Keyword::Arg
        | Keyword::Cmd
        | Keyword::Copy
        | Keyword::Entrypoint
        | Keyword::Env
        | Keyword::Expose
        | Keyword::From
        | Keyword::Run
        | Keyword::Shell
        | Keyword::User
        | Keyword::Workdir => "it says nothing about the image",
    })
}

/// Variables that BuildKit sets by itself where an ARG names them.
fn automatic(name: &str, platform: &str) -> Option<Lookup> {
    let value = match name {
        "TARGETPLATFORM" => format!("linux/{platform}"),
        "TARGETOS" => "linux".to_owned(),
        "TARGETARCH" => platform.to_owned(),
        "TARGETVARIANT" => String::new(),
        _ => return None,
    };
    Some(Lookup::Is(value))
}

pub(super) fn json(arguments: &str) -> Option<Vec<String>> {
    if !arguments.starts_with('[') {
        return None;
    }
    serde_json::from_str(arguments).ok()
}

/// `NAME=value NAME=value`, or the older `NAME value with spaces`.
fn assignments(arguments: &str, escape: char) -> Result<Vec<(String, String)>, String> {
    let words = split_quoted(arguments, escape);
    let Some(first) = words.first() else {
        return Err("it sets nothing".to_owned());
    };
    if !first.contains('=') {
        let (name, value) = arguments
            .split_once(char::is_whitespace)
            .ok_or("it gives a variable no value")?;
        return Ok(vec![(name.to_owned(), value.trim_start().to_owned())]);
    }
    let pairs = words.iter().map(|word| {
        let (name, value) = word.split_once('=').ok_or("it gives a variable no value")?;
        Ok((name.to_owned(), value.to_owned()))
    });
    pairs.collect()
}
