//! Files that the project puts into the image: `source.files` and `overlay`.

use crate::read::document::{Field, Reader, Table};
use crate::read::keys::FILE;
use crate::read::text;
use crate::recipe::{Content, FileEntry, Mode, Owner, Principal};
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
    if form == "from" {
        return reader
            .parsed(&value, text::project_path)
            .map(Content::Project);
    }
    // All symlinks have one mode, and none is read from the disk.
    reader.refuse(table, &["mode", "dir_mode", "untracked"], &value);
    reader.parsed(&value, text::text).map(Content::Link)
}

/// Who owns files that have no `owner`.
pub(crate) const fn default_owner() -> Owner {
    Owner {
        user: Principal::Id(0),
        group: Some(Principal::Id(0)),
    }
}
