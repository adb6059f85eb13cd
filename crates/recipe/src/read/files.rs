//! Files that the project puts into the image: `source.files` and `overlay`.

use crate::diagnostic::Diagnostic;
use crate::read::artifact::artifact;
use crate::read::document::{Field, Reader, Table};
use crate::read::keys::FILE;
use crate::read::text;
use crate::recipe::{Artifact, Content, FileEntry, Mode, Owner, Principal};
use crate::span::Spanned;

/// The items of an array of files.
pub(crate) fn files(reader: &mut Reader, field: Option<&Field<'_>>) -> Vec<FileEntry> {
    let items = field.and_then(|field| reader.items(field));
    let items = items.unwrap_or_default();
    items.iter().filter_map(|item| file(reader, item)).collect()
}

fn file(reader: &mut Reader, field: &Field<'_>) -> Option<FileEntry> {
    let table = reader.table(field, FILE)?;
    let content = content(reader, &table);
    let to = reader.required(&table, "to");
    let to = to.and_then(|to| reader.parsed(&to, text::absolute));
    let owner = table.get("owner");
    let owner = owner.and_then(|owner| reader.parsed(&owner, text::owner));
    let mut mode = |key| {
        let field = table.get(key)?;
        reader.parsed(&field, text::mode)
    };
    let (mode, dir_mode) = (mode("mode"), mode("dir_mode"));
    let untracked = table.get("untracked");
    Some(FileEntry {
        untracked: untracked
            .and_then(|untracked| reader.boolean(&untracked))
            .unwrap_or_default(),
        content: content?,
        to: to?,
        owner: owner.unwrap_or_else(|| Spanned::unwritten(default_owner())),
        mode,
        dir_mode: dir_mode.unwrap_or(Spanned::unwritten(Mode::DIRECTORY)),
    })
}

fn content(reader: &mut Reader, table: &Table<'_>) -> Option<Content> {
    let (form, value) = reader.exactly_one(table, &["from", "link"])?;
    if form == "from" && value.is_text() {
        return reader
            .parsed(&value, text::project_path)
            .map(Content::Project);
    }
    if form == "from" {
        // One file, whose digest is in the lock: git has nothing to say of it.
        reader.refuse(table, &["dir_mode", "untracked"], &value);
        return elsewhere(reader, &value);
    }
    // All symlinks have one mode, and none is read from the disk.
    reader.refuse(table, &["mode", "dir_mode", "untracked"], &value);
    reader.parsed(&value, text::text).map(Content::Link)
}

/// A file from elsewhere.
fn elsewhere(reader: &mut Reader, value: &Field<'_>) -> Option<Content> {
    let artifact = artifact(reader, value)?;
    if let Artifact::File { .. } = artifact.get() {
        let message = "files that are laid into the image are the project's own";
        let hint = "write `from = \"PATH\"`, with a path below the recipe's directory";
        let span = artifact.span().unwrap_or_default();
        reader.report(Diagnostic::new(message, span).with_hint(Some(hint)));
        return None;
    }
    Some(Content::Artifact(artifact))
}

/// Who owns files that have no `owner`.
pub(crate) const fn default_owner() -> Owner {
    Owner {
        user: Principal::Id(0),
        group: Some(Principal::Id(0)),
    }
}
