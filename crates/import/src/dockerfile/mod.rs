//! A Dockerfile or Containerfile as a recipe, where one can say the same.
//!
//! It can when the image is another image, or nothing, with files of the project over it and
//! settings of how it is started. A RUN, a COPY out of another stage, or a value that only the base
//! image knows cannot be said in a recipe: then `source.dockerfile` names the file, which waits for
//! a release that builds Dockerfiles, and the notes and the recipe name the lines that it is because
//! of.

mod copy;
mod files;
mod image;
mod keyword;
mod ledger;
mod read;
mod recipe;
mod stage;
mod words;

use crate::Import;
use crate::error::Error;
use crate::note::NoteKind;
use crate::text::Text;

use image::{Context, Image, argument_note};
use keyword::Keyword;
use ledger::{Ledger, Verdict};
use read::{Dockerfile, Flag};
use stage::{Base, Stage, Stages};
use words::{Expander, Lookup};

/// What the base of the image is, in a recipe.
#[derive(Debug)]
struct Foundation {
    /// `None` for `FROM scratch`.
    image: Option<String>,
    /// `None` when the Dockerfile does not say it.
    arch: Option<&'static str>,
    line: usize,
}

pub(crate) fn import(file_name: &str, text: &Text<'_>) -> Result<Import, Error> {
    let file = read::read(text)?;
    let mut ledger = Ledger::new(&file);
    let mut expander = Expander::new(file.escape);
    let stages = Stages::read(&file, &mut expander)?;
    let chain = stages.of_the_image();
    note_global_arguments(&file, &stages, &mut ledger);
    let foundation = lay(&file, &chain, &mut ledger);
    let mut image = Image::new(foundation.image.is_none());
    let mut context = Context {
        ledger: &mut ledger,
        expander: &mut expander,
        escape: file.escape,
        arguments: &stages.arguments,
        platform: match foundation.arch {
            Some("aarch64") => "arm64",
            _ => "amd64",
        },
    };
    for stage in &chain {
        image.begin_stage();
        let instructions = file.instructions.iter().enumerate().take(stage.end);
        for (at, instruction) in instructions.skip(stage.from.saturating_add(1)) {
            image.apply(at, instruction, &mut context);
        }
    }
    let top = chain.last().map_or(0, |stage| stage.from);
    recipe::check(&image, top, &mut ledger);
    let blocking = ledger.blocking();
    if blocking.is_empty() {
        let recipe = recipe::expressed(file_name, &foundation, &image)?;
        let notes = ledger.notes();
        return Ok(Import { recipe, notes });
    }
    let recipe = recipe::waiting(file_name, &image, &blocking);
    let notes = ledger.notes_of_waiting();
    Ok(Import { recipe, notes })
}

/// ARGs before the first FROM.
fn note_global_arguments(file: &Dockerfile, stages: &Stages, ledger: &mut Ledger) {
    for (at, instruction) in file.instructions.iter().enumerate() {
        if instruction.keyword != Keyword::Arg {
            break;
        }
        let mut declared = stage::declared(&instruction.arguments).into_iter();
        let defaults =
            declared.any(|(name, _)| matches!(stages.arguments.get(name), Some(Lookup::Is(_))));
        ledger.set(at, Verdict::Noted(argument_note(defaults)));
    }
}

/// Notes the FROM of each stage of the image, and finds what lies below all of them.
fn lay(file: &Dockerfile, chain: &[&Stage], ledger: &mut Ledger) -> Foundation {
    let mut foundation = Foundation {
        image: None,
        arch: None,
        line: 1,
    };
    for stage in chain {
        let Some(from) = file.instructions.get(stage.from) else {
            continue;
        };
        let verdict = match &stage.base {
            Base::Stage(_) => {
                let kind = NoteKind::taken("the stage that it names, and what follows it here");
                Verdict::Noted(kind)
            }
            Base::Nothing => {
                foundation.line = from.line;
                Verdict::Noted(NoteKind::taken("`source`, which is files and no image"))
            }
            Base::Unknown(why) => {
                foundation.image = Some(String::new());
                Verdict::Blocks(why.to_string())
            }
            Base::Image(reference) => {
                foundation.line = from.line;
                let image = crate::outside::image_reference(reference);
                let verdict = match &image {
                    Some(_) => Verdict::Noted(crate::outside::image_taken(reference)),
                    None => Verdict::Blocks("it is no reference of an image".to_owned()),
                };
                foundation.image = Some(image.unwrap_or_default());
                verdict
            }
        };
        ledger.set(stage.from, verdict);
        for (position, flag) in from.flags.iter().enumerate() {
            let verdict = platform(flag, &mut foundation);
            ledger.set_flag(stage.from, position, verdict);
        }
    }
    foundation
}

fn platform(flag: &Flag, foundation: &mut Foundation) -> Verdict {
    let value = flag.value.as_deref().unwrap_or_default();
    if flag.name != "platform" {
        return Verdict::Blocks("this release knows no such flag".to_owned());
    }
    let arch = match value {
        "linux/amd64" | "amd64" | "linux/x86_64" => "x86_64",
        "linux/arm64" | "arm64" | "linux/arm64/v8" | "linux/aarch64" => "aarch64",
        _ if value.contains("TARGETPLATFORM") || value.contains("BUILDPLATFORM") => {
            return Verdict::Noted(NoteKind::nothing(
                "an image is for `enclave.arch`, whatever machine builds it",
            ));
        }
        _ => return Verdict::Blocks("an enclave is `x86_64` or `aarch64`".to_owned()),
    };
    foundation.arch = Some(arch);
    Verdict::Noted(NoteKind::taken("`enclave.arch`"))
}
