//! Commands as they are kept: with the files that the shell opens for them, and what they do to
//! paths that the script may ask about later.

use super::super::command::{Certainty, Command, Redirection, Redirects, Word};
use super::super::error::ScriptError;
use super::super::syntax::{self, Operator};
use super::Evaluator;
use super::output::Output;
use super::state::{Change, Input, State, Value};

/// Files that are no files: what is written there is lost, or is for people.
const STREAMS: [&str; 5] = [
    "/dev/null",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/tty",
];

/// What the redirections of a command come to.
#[derive(Debug, Default)]
pub(super) struct Opened {
    files: Vec<Redirection>,
    stdout: Stdout,
}

/// Where the output of a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stdout {
    /// Where that of the shell goes.
    #[default]
    Inherited,
    /// To a file, or to people.
    Elsewhere,
    /// To a descriptor that may be anything.
    Unknown,
}

/// Files that a compound command opened for those in it.
#[derive(Debug)]
pub(super) struct Inherited {
    files: Vec<Redirection>,
    hides: bool,
}

impl Opened {
    /// Whether the shell opens no file.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether a file is written.
    pub(super) fn writes(&self) -> bool {
        self.files.iter().any(|file| writes(file.redirects))
    }

    /// What is opened as standard input, if anything is.
    fn input(&self) -> Option<&Redirection> {
        self.files.iter().rev().find(|file| file.descriptor == 0)
    }

    /// Whether its output goes where that of the shell goes.
    pub(super) fn prints(&self) -> bool {
        self.stdout != Stdout::Elsewhere
    }

    /// Whether it goes exactly there, so that what is printed can be known.
    pub(super) fn is_plain(&self) -> bool {
        self.stdout == Stdout::Inherited
    }
}

fn writes(redirects: Redirects) -> bool {
    match redirects {
        Redirects::Write | Redirects::Append | Redirects::ReadWrite => true,
        Redirects::Read | Redirects::Text => false,
    }
}

impl Evaluator<'_> {
    /// Expands the redirections of a command.
    pub(super) fn redirections(
        &mut self,
        redirections: &[syntax::Redirection],
        state: &mut State,
    ) -> Result<Opened, ScriptError> {
        let mut opened = Opened::default();
        for redirection in redirections {
            let descriptor = redirection.descriptor;
            let (redirects, word) = match &redirection.operator {
                Operator::Read(word) => (Redirects::Read, word),
                Operator::Write(word) => (Redirects::Write, word),
                Operator::Append(word) => (Redirects::Append, word),
                Operator::ReadWrite(word) => (Redirects::ReadWrite, word),
                Operator::Duplicate(word) => {
                    let target = self.expand_one(word, state)?;
                    if descriptor == 1 {
                        opened.stdout = duplicated(&target);
                    }
                    continue;
                }
                Operator::Here(body) => match body.get() {
                    Some(body) => (Redirects::Text, body),
                    None => return Err(self.unsupported("the body of a here-document", "none")),
                },
            };
            let target = Word::from(&self.expand_one(word, state)?);
            if descriptor == 1 && writes(redirects) {
                opened.stdout = Stdout::Elsewhere;
            }
            let is_stream = redirects != Redirects::Text
                && target.known().is_some_and(|path| STREAMS.contains(&path));
            if !is_stream {
                opened.files.push(Redirection {
                    descriptor,
                    redirects,
                    target,
                });
            }
        }
        Ok(opened)
    }

    /// The standard input of a command whose redirections are `opened`; `None` where they leave
    /// it as it is.
    pub(super) fn opened_input(&mut self, opened: &Opened, state: &State) -> Option<Input> {
        let input = opened.input()?;
        let known = input.target.known();
        Some(match input.redirects {
            Redirects::Text => Input::of(known),
            Redirects::Read | Redirects::ReadWrite => {
                let content = known.and_then(|path| self.content(path, state));
                Input::of(content.as_deref())
            }
            Redirects::Write | Redirects::Append => Input::Unknown,
        })
    }

    /// Opens files for all commands up to [`Evaluator::disinherit`].
    pub(super) fn inherit(&mut self, opened: Opened) {
        let hides = opened.stdout != Stdout::Inherited;
        if hides {
            if opened.stdout == Stdout::Unknown {
                self.print_unknown();
            }
            self.outputs.push(Output::Hidden);
        }
        let mut files = opened.files;
        files.retain(|file| writes(file.redirects));
        self.written.push(Inherited { files, hides });
    }

    /// Closes what [`Evaluator::inherit`] opened.
    pub(super) fn disinherit(&mut self) {
        if self.written.pop().is_some_and(|inherited| inherited.hides) {
            self.outputs.pop();
        }
    }

    /// Keeps a command, and what it does to paths.
    pub(super) fn record(
        &mut self,
        words: &[Value],
        opened: Opened,
        state: &mut State,
    ) -> Result<(), ScriptError> {
        if opened.stdout == Stdout::Unknown {
            self.print_unknown();
        }
        let certainty = self.certainty(state);
        let mut redirections = opened.files;
        self.add_inherited(&mut redirections);
        let command = Command {
            words: words.iter().map(Word::from).collect(),
            redirections,
            umask: state.umask(),
            certainty,
            line: self.line,
        };
        self.step(command.words.iter().map(|word| word.text().len()).sum())?;
        note_changes(&command, state);
        self.commands.push(command);
        Ok(())
    }

    /// Whether a command at this point is known to be run.
    pub(super) fn certainty(&self, state: &State) -> Certainty {
        self.base.max(state.certainty)
    }

    /// Whether what is printed here goes to a file that a compound command around opened.
    pub(super) fn is_written(&self) -> bool {
        self.written.iter().any(|inherited| {
            let mut files = inherited.files.iter();
            files.any(|file| file.descriptor == 1 && writes(file.redirects))
        })
    }

    /// Adds the files of the compound commands around, the innermost first. The first command
    /// of a group empties a file; the others add to it.
    fn add_inherited(&mut self, redirections: &mut Vec<Redirection>) {
        for inherited in self.written.iter_mut().rev() {
            for file in &mut inherited.files {
                let own = redirections
                    .iter()
                    .any(|redirection| redirection.descriptor == file.descriptor);
                if own {
                    continue;
                }
                redirections.push(file.clone());
                if file.redirects == Redirects::Write {
                    file.redirects = Redirects::Append;
                }
            }
        }
    }

    /// Gives the only command since `before` the text that a pipe brings it.
    pub(super) fn pipe_into(&mut self, before: usize, text: Option<String>) {
        let new = self.commands.get_mut(before..).unwrap_or_default();
        let ([command], Some(text)) = (new, text) else {
            return;
        };
        if command.redirections.iter().all(|file| file.descriptor != 0) {
            command.redirections.push(Redirection {
                descriptor: 0,
                redirects: Redirects::Text,
                target: Word::Known(text),
            });
        }
    }
}

/// Keeps what a command does to paths, for later tests of them.
fn note_changes(command: &Command, state: &mut State) {
    for file in command.written() {
        if let Some(path) = file.target.known().and_then(|path| absolute(path, state)) {
            state.changes.insert(path.into(), Change::File);
        }
    }
    let operands = || command.words.iter().skip(1).filter_map(Word::known);
    let program = command.program().unwrap_or_default();
    if program == "dpkg-statoverride" {
        for path in operands().filter(|word| word.starts_with('/')) {
            let key = format!("override {path}");
            state.changes.insert(key.into(), Change::Unknown);
        }
    }
    if let Some(databases) = makes_account(program) {
        for name in operands().filter(|word| !word.starts_with(['-', '/'])) {
            for database in databases {
                let key = account(database, name);
                state.changes.insert(key.into(), Change::File);
            }
        }
    }
    let change = match program {
        "mkdir" => Change::Directory,
        "install" if operands().any(|word| word == "-d") => Change::Directory,
        "rm" | "unlink" => Change::Absent,
        "touch" => Change::File,
        "sed" if operands().any(|word| word.starts_with("-i") || word == "--in-place") => {
            Change::File
        }
        "chmod" => Change::Permissions,
        program if keeps_paths(program) => return,
        _ => Change::Unknown,
    };
    for word in operands() {
        let value = word.split_once('=').map_or(word, |(_, value)| value);
        if let Some(path) = absolute(value, state) {
            let known = state.changes.contains_key(path.as_str());
            if !(known && change == Change::Permissions) {
                state.changes.insert(path.into(), change);
            }
        }
    }
}

/// Under which name of [`State::changes`] an account is kept that a command made.
pub(super) fn account(database: &str, name: &str) -> String {
    format!("{database} {name}")
}

/// The databases in which a program makes the accounts that its operands name.
fn makes_account(program: &str) -> Option<&'static [&'static str]> {
    match program {
        "adduser" | "useradd" => Some(&["passwd", "group"]),
        "addgroup" | "groupadd" => Some(&["group"]),
        _ => None,
    }
}

fn absolute(path: &str, state: &State) -> Option<String> {
    path.starts_with('/')
        .then(|| super::paths::normal(path, state))?
}

fn duplicated(target: &Value) -> Stdout {
    match target {
        Value::Known(target) if &**target == "1" => Stdout::Inherited,
        Value::Known(target) if &**target == "2" || &**target == "-" => Stdout::Elsewhere,
        Value::Known(_) | Value::Unknown(_) => Stdout::Unknown,
    }
}

/// Whether a program makes and removes nothing, whatever its arguments are.
fn keeps_paths(program: &str) -> bool {
    program.starts_with("db_")
        || program.starts_with("deb-systemd-")
        || matches!(
            program,
            "adduser"
                | "addgroup"
                | "awk"
                | "cat"
                | "chgrp"
                | "chown"
                | "cmp"
                | "cut"
                | "diff"
                | "dpkg-query"
                | "dpkg-statoverride"
                | "dpkg-trigger"
                | "echo"
                | "egrep"
                | "fgrep"
                | "find"
                | "getent"
                | "grep"
                | "groupadd"
                | "head"
                | "id"
                | "invoke-rc.d"
                | "ls"
                | "md5sum"
                | "printf"
                | "py3compile"
                | "readlink"
                | "sed"
                | "service"
                | "sha256sum"
                | "sort"
                | "stat"
                | "systemctl"
                | "tail"
                | "tr"
                | "ucfr"
                | "update-rc.d"
                | "useradd"
                | "wc"
        )
}
