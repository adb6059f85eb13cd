//! COPY and ADD: what they add to an image, with owners and modes.

use super::copy::{self, Copied};
use super::image::{Context, Given, Image, Outcome, json};
use super::keyword::Keyword;
use super::ledger::Verdict;
use super::read::Instruction;
use crate::draft::File;
use crate::note::NoteKind;

impl Image {
    pub(super) fn copy(
        &mut self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> Outcome {
        let Some((owner, mode)) = self.copy_flags(at, instruction, context) else {
            // The flag itself is in the way.
            return Ok(NoteKind::waits("`source.dockerfile`"));
        };
        if instruction.has_heredoc {
            return Err("the content stands in the Dockerfile itself".to_owned());
        }
        let words = self.words(instruction, context)?;
        if instruction.keyword == Keyword::Add {
            if let Some(kind) = self.archive(at, instruction, &words) {
                return Ok(kind);
            }
            let sources = words.split_last().map_or(&[][..], |(_, sources)| sources);
            let mut why = sources
                .iter()
                .filter_map(|word| copy::unpacked_or_fetched(word));
            if let Some(why) = why.next() {
                return Err(why.to_owned());
            }
        }
        let place = copy::Place {
            workdir: self.directory(),
            directories: &self.directories,
        };
        let copied = copy::copied(&words, &place)?;
        let guesses: Vec<String> = copied.iter().filter_map(|one| one.guess.clone()).collect();
        for copied in copied {
            self.add_file(instruction, copied, owner.clone(), mode.clone());
        }
        let into = if self.is_empty && self.archive.is_none() {
            "`source.files`"
        } else {
            "`overlay`"
        };
        Ok(if guesses.is_empty() {
            NoteKind::taken(into)
        } else {
            NoteKind::changed(format!("{into}; {}", guesses.join("; ")))
        })
    }

    /// Sources and destination, with variables replaced.
    fn words(
        &self,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> Result<Vec<String>, String> {
        let words = json(&instruction.arguments).unwrap_or_else(|| {
            let words = instruction.arguments.split_whitespace();
            words.map(str::to_owned).collect()
        });
        let words = words.iter().map(|word| self.expand(word, context));
        words.collect()
    }

    fn add_file(
        &mut self,
        instruction: &Instruction,
        copied: Copied,
        owner: Option<String>,
        mode: Option<String>,
    ) {
        let name = instruction.keyword.name();
        let mut comments = vec![format!("From `{name}`, line {}.", instruction.line)];
        if let Some(guess) = copied.guess {
            comments.push(format!("Here {guess}."));
        }
        self.directories.extend(copied.directory);
        self.files.push(File {
            comments,
            from: copied.from,
            to: copied.to,
            owner,
            mode,
        });
    }

    /// `ADD rootfs.tar /` on nothing is a root filesystem.
    fn archive(
        &mut self,
        at: usize,
        instruction: &Instruction,
        words: &[String],
    ) -> Option<NoteKind> {
        let [source, to] = words else { return None };
        let is_first = self.is_empty && self.archive.is_none() && self.files.is_empty();
        let is_plain = instruction.flags.is_empty() && !source.contains("..");
        let unpacks = copy::unpacked_or_fetched(source)?.starts_with("it unpacks");
        if !(is_first && is_plain && unpacks && to == "/") || source.contains(['*', '?', '[']) {
            return None;
        }
        self.archive = Some(Given {
            value: crate::outside::project_path(source),
            at,
            line: instruction.line,
        });
        Some(NoteKind::taken("`source.archive`"))
    }

    /// Owner and mode of what is copied; `None` when a flag cannot be said in a recipe.
    fn copy_flags(
        &self,
        at: usize,
        instruction: &Instruction,
        context: &mut Context<'_>,
    ) -> Option<(Option<String>, Option<String>)> {
        let (mut owner, mut mode) = (None, None);
        let mut is_said = true;
        for (position, flag) in instruction.flags.iter().enumerate() {
            let value = flag.value.as_deref().unwrap_or_default();
            let outcome = match flag.name.as_str() {
                "chown" => self.expand(value, context).and_then(|value| {
                    owner = Some(copy::owner(&value)?);
                    Ok(NoteKind::taken("`owner` of the files"))
                }),
                "chmod" => self.expand(value, context).and_then(|value| {
                    mode = Some(copy::mode(&value)?);
                    Ok(NoteKind::taken("`mode` and `dir_mode` of the files"))
                }),
                "link" => Ok(NoteKind::nothing(
                    "it says how Docker stores what is copied, not what it is",
                )),
                "from" => Err("it copies out of another stage or image".to_owned()),
                _ => Err("a recipe has nothing like this flag".to_owned()),
            };
            let verdict = match outcome {
                Ok(kind) => Verdict::Noted(kind),
                Err(why) => Verdict::Blocks(why),
            };
            is_said &= matches!(verdict, Verdict::Noted(_));
            context.ledger.set_flag(at, position, verdict);
        }
        is_said.then_some((owner, mode))
    }
}
