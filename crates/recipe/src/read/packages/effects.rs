//! `[source.packages.effects]`: what a recipe does in place of scripts that are not known.

use enclair_configuration::MAX_ID;

use crate::packages::{
    Supplied, SuppliedDirectory, SuppliedFile, SuppliedGroup, SuppliedLink, SuppliedMode,
    SuppliedUser,
};
use crate::read::document::{Field, Reader, Table};
use crate::read::keys::{
    EFFECTS, SUPPLIED_DIRECTORY, SUPPLIED_FILE, SUPPLIED_GROUP, SUPPLIED_LINK, SUPPLIED_USER,
};
use crate::read::text::{self, Checked, Complaint};
use crate::recipe::{Mode, Owner};
use crate::span::Spanned;

pub(super) fn supplied(reader: &mut Reader, field: &Field<'_>) -> Supplied {
    let Some(table) = reader.table(field, EFFECTS) else {
        return Supplied::default();
    };
    Supplied {
        groups: items(reader, &table, "groups", group),
        users: items(reader, &table, "users", user),
        directories: items(reader, &table, "directories", directory),
        files: items(reader, &table, "files", file),
        links: items(reader, &table, "links", link),
        modes: items(reader, &table, "modes", mode),
    }
}

fn items<T>(
    reader: &mut Reader,
    table: &Table<'_>,
    key: &str,
    read: fn(&mut Reader, &Field<'_>) -> Option<T>,
) -> Vec<T> {
    let field = table.get(key);
    let items = field.and_then(|field| reader.items(&field));
    let items = items.unwrap_or_default();
    items.iter().filter_map(|item| read(reader, item)).collect()
}

fn group(reader: &mut Reader, field: &Field<'_>) -> Option<SuppliedGroup> {
    let table = reader.table(field, SUPPLIED_GROUP)?;
    let name = required(reader, &table, "name", account);
    let gid = reader.required(&table, "gid");
    let gid = gid.and_then(|field| id(reader, &field));
    Some(SuppliedGroup {
        name: name?,
        gid: gid?,
    })
}

fn user(reader: &mut Reader, field: &Field<'_>) -> Option<SuppliedUser> {
    let table = reader.table(field, SUPPLIED_USER)?;
    let name = required(reader, &table, "name", account);
    let uid = reader.required(&table, "uid");
    let uid = uid.and_then(|field| id(reader, &field));
    let gid = table.get("gid").and_then(|field| id(reader, &field));
    let mut path = |key| {
        let field = table.get(key)?;
        reader.parsed(&field, account_path)
    };
    let (home, shell) = (path("home"), path("shell"));
    let groups = reader.list(table.get("groups").as_ref(), |reader, item| {
        reader.parsed(item, account)
    });
    Some(SuppliedUser {
        name: name?,
        uid: uid?,
        gid,
        home,
        shell,
        groups,
    })
}

fn directory(reader: &mut Reader, field: &Field<'_>) -> Option<SuppliedDirectory> {
    let table = reader.table(field, SUPPLIED_DIRECTORY)?;
    let path = required(reader, &table, "path", text::absolute);
    let (mode, owner) = rights(reader, &table);
    Some(SuppliedDirectory {
        path: path?,
        mode,
        owner,
    })
}

fn mode(reader: &mut Reader, field: &Field<'_>) -> Option<SuppliedMode> {
    let SuppliedDirectory { path, mode, owner } = directory(reader, field)?;
    if mode.is_none() && owner.is_none() {
        reader.complain(field, Complaint::new("`mode` or `owner` is missing"));
        return None;
    }
    Some(SuppliedMode { path, mode, owner })
}

fn file(reader: &mut Reader, field: &Field<'_>) -> Option<SuppliedFile> {
    let table = reader.table(field, SUPPLIED_FILE)?;
    let path = required(reader, &table, "path", text::absolute);
    let content = required(reader, &table, "content", |text| Ok(text.to_owned()));
    let (mode, owner) = rights(reader, &table);
    Some(SuppliedFile {
        path: path?,
        content: content?,
        mode,
        owner,
    })
}

fn link(reader: &mut Reader, field: &Field<'_>) -> Option<SuppliedLink> {
    let table = reader.table(field, SUPPLIED_LINK)?;
    let path = required(reader, &table, "path", text::absolute);
    let target = required(reader, &table, "target", text::text);
    Some(SuppliedLink {
        path: path?,
        target: target?,
    })
}

fn rights(
    reader: &mut Reader,
    table: &Table<'_>,
) -> (Option<Spanned<Mode>>, Option<Spanned<Owner>>) {
    let mode = table.get("mode");
    let mode = mode.and_then(|field| reader.parsed(&field, text::mode));
    let owner = table.get("owner");
    let owner = owner.and_then(|field| reader.parsed(&field, text::owner));
    (mode, owner)
}

fn required(
    reader: &mut Reader,
    table: &Table<'_>,
    key: &str,
    check: fn(&str) -> Checked<String>,
) -> Option<Spanned<String>> {
    let field = reader.required(table, key)?;
    reader.parsed(&field, check)
}

fn id(reader: &mut Reader, field: &Field<'_>) -> Option<Spanned<u32>> {
    let check = |number: i128| {
        let id = u32::try_from(number).ok().filter(|id| *id <= MAX_ID);
        id.ok_or_else(|| Complaint::new(format!("expected a number from 0 to {MAX_ID}")))
    };
    reader.number_or(field, "a number", check, None)
}

/// The name of a user or a group, as `useradd` takes them.
fn account(value: &str) -> Checked<String> {
    let begins = value
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let known = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
    };
    if begins && value.len() <= 32 && value.bytes().all(known) {
        return Ok(value.to_owned());
    }
    Err(
        Complaint::new("this is no name of a user or a group").hint(Some(
            "at most 32 of `a-z`, `0-9`, `_` and `-`, the first a letter or `_`",
        )),
    )
}

/// A path in a line of `/etc/passwd`.
fn account_path(value: &str) -> Checked<String> {
    if value.contains([':', '\n']) {
        return Err(Complaint::new("a path in `/etc/passwd` has no `:`"));
    }
    text::absolute(value)
}
