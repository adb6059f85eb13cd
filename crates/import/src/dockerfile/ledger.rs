//! The fields of a Dockerfile, each with what becomes of it: directives, instructions and flags.

use super::read::{Dockerfile, Instruction};
use crate::error::Shown;
use crate::note::{Note, NoteKind};

/// What was found out about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has its note, if the file can become a recipe.
    Noted(NoteKind),
    /// It cannot be said in a recipe, for this reason.
    Blocks(String),
}

struct Entry {
    field: String,
    line: usize,
    text: String,
    verdict: Option<Verdict>,
    is_directive: bool,
}

/// Every field once.
pub(super) struct Ledger {
    entries: Vec<Entry>,
    /// Where the entries of an instruction begin; those of its flags follow.
    begins: Vec<usize>,
}

impl Ledger {
    pub(super) fn new(file: &Dockerfile) -> Self {
        let mut ledger = Self {
            entries: Vec::new(),
            begins: Vec::new(),
        };
        for directive in &file.directives {
            ledger.entries.push(Entry {
                field: format!("# {}", directive.name),
                line: directive.line,
                text: directive.value.clone(),
                verdict: None,
                is_directive: true,
            });
        }
        for instruction in &file.instructions {
            ledger.add(instruction);
        }
        ledger
    }

    fn add(&mut self, instruction: &Instruction) {
        let name = instruction.keyword.name();
        self.begins.push(self.entries.len());
        let mut push = |field: String, text: String| {
            self.entries.push(Entry {
                field,
                line: instruction.line,
                text,
                verdict: None,
                is_directive: false,
            });
        };
        push(name.to_owned(), instruction.arguments.clone());
        for flag in &instruction.flags {
            push(
                format!("{name} --{}", Shown::new(&flag.name)),
                flag.value.clone().unwrap_or_default(),
            );
        }
    }

    /// What becomes of an instruction.
    pub(super) fn set(&mut self, instruction: usize, verdict: Verdict) {
        self.put(instruction, 0, verdict);
    }

    /// What becomes of a flag of an instruction.
    pub(super) fn set_flag(&mut self, instruction: usize, flag: usize, verdict: Verdict) {
        self.put(instruction, flag.saturating_add(1), verdict);
    }

    fn put(&mut self, instruction: usize, offset: usize, verdict: Verdict) {
        let begin = self.begins.get(instruction).copied();
        let at = begin.map_or(usize::MAX, |begin| begin.saturating_add(offset));
        if let Some(entry) = self.entries.get_mut(at) {
            entry.verdict = Some(verdict);
        }
    }

    /// Lines that a recipe cannot say, with why.
    pub(super) fn blocking(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for entry in &self.entries {
            if let Some(Verdict::Blocks(why)) = &entry.verdict {
                found.push((entry.line, format!("`{}`: {why}", entry.field)));
            }
        }
        found
    }

    /// The notes of a file that became a recipe.
    pub(super) fn notes(self) -> Vec<Note> {
        self.into_notes(|entry| match entry.verdict.clone() {
            Some(Verdict::Noted(kind)) => kind,
            Some(Verdict::Blocks(why)) => NoteKind::waits(format!("`source.dockerfile`: {why}")),
            None if entry.is_directive => NoteKind::nothing(
                "it tells `docker build` how to read the file, which is read here by itself",
            ),
            None => NoteKind::nothing("this stage is no part of the image"),
        })
    }

    /// The notes of a file that only a later release can build.
    pub(super) fn notes_of_waiting(self) -> Vec<Note> {
        self.into_notes(|entry| match entry.verdict.clone() {
            Some(Verdict::Noted(kind @ (NoteKind::NoMeaning { .. } | NoteKind::Waits { .. }))) => {
                kind
            }
            Some(Verdict::Blocks(why)) => {
                NoteKind::waits(format!("`source.dockerfile`; no recipe can say it: {why}"))
            }
            Some(Verdict::Noted(NoteKind::Taken { .. } | NoteKind::Changed { .. })) | None => {
                NoteKind::waits("`source.dockerfile`")
            }
        })
    }

    fn into_notes(self, kind: impl Fn(&Entry) -> NoteKind) -> Vec<Note> {
        let mut notes = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let kind = kind(&entry);
            notes.push(Note::new(&entry.field, entry.line, kind, &entry.text));
        }
        notes
    }
}
