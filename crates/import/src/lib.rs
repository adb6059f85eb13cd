//! Recipes from the files of other tools.
//!
//! [`import()`] reads a Dockerfile, an `enclaver.yaml`, an `enclave.toml` or a `caution.hcl` and
//! writes an `enclair.toml` that says the same, with comments that say where each value came from.
//! Every field of the foreign file has one [`Note`]: it is taken, it waits for a later release, it
//! has no meaning in a recipe, or it means something else there. `docs/import.md` lists them.
//!
//! What this release reads and does not build stands in the recipe as a comment, so that the recipe
//! can be locked and built as it is; a Dockerfile that a recipe cannot express is the exception.
//!
//! This crate opens no file and runs nothing. So it cannot know whether `COPY app /bin/` copies a
//! file or a directory, and says so where it matters.

#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod caution;
mod dockerfile;
mod document;
mod draft;
mod enclaver;
mod error;
mod evervault;
mod kind;
mod network;
mod note;
mod outside;
mod text;

pub use error::{DockerfileProblem, Error, Shown, SyntaxError};
pub use kind::ForeignKind;
pub use note::{Note, NoteKind};

/// What a foreign file became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The text of an `enclair.toml`, with comments.
    pub recipe: String,
    /// What became of each field, in the order of the foreign file.
    pub notes: Vec<Note>,
}

/// Turns the file of another tool into a recipe.
///
/// `file_name` is the file's path as the recipe will spell it, relative to the recipe. Paths in the
/// file are taken as relative to the recipe, too.
///
/// # Errors
///
/// When the text is not what `kind` says, when it has something that a recipe has no place for
/// twice, and when it does not say what goes into the enclave.
pub fn import(kind: ForeignKind, file_name: &str, text: &str) -> Result<Import, Error> {
    let text = text::Text::new(kind, text)?;
    match kind {
        ForeignKind::Dockerfile => dockerfile::import(file_name, &text),
        ForeignKind::Enclaver => enclaver::import(file_name, &text),
        ForeignKind::Evervault => evervault::import(file_name, &text),
        ForeignKind::Caution => caution::import(file_name, &text),
    }
}

#[cfg(test)]
mod tests {
    use super::{caution, enclaver, evervault};

    const DOCUMENT: &str = include_str!("../../../docs/import.md");

    /// The text below a heading, up to the next one.
    fn section(heading: &str) -> &'static str {
        let (_, behind) = DOCUMENT.split_once(heading).expect("the heading");
        behind.split("\n## ").next().unwrap_or(behind)
    }

    #[test]
    fn the_document_lists_every_field() {
        let fields = enclaver::FIELDS.iter().map(|field| field.name);
        listed(section("## `enclaver.yaml`"), fields);
        let fields = evervault::FIELDS.iter().map(|field| field.name);
        listed(section("## `enclave.toml`"), fields);
        let fields = caution::FIELDS.iter().map(|field| field.name);
        listed(section("## `caution.hcl`"), fields);
    }

    fn listed(section: &str, names: impl Iterator<Item = &'static str>) {
        for name in names.filter(|name| !name.ends_with("(label)")) {
            assert!(
                section.contains(&format!("`{name}`")),
                "`{name}` is not listed"
            );
        }
    }
}
