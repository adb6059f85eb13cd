//! Every file in `tests/import` becomes the recipe and the notes beside it.
//!
//! `UPDATE=1 cargo test -p enclair-import` writes them anew. What is written is read by the recipe's
//! own parser, as it is and with the lines that wait made keys.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test ends where what it is about is missing, and is told by its environment to update"
)]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use enclair_import::{ForeignKind, Import, NoteKind, import};
use enclair_recipe::Recipe;

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/import");
    let mut folders = Vec::new();
    for kind in fs::read_dir(root).expect("the folder of fixtures") {
        let kind = kind.expect("a kind").path();
        for case in fs::read_dir(kind).expect("a folder of cases") {
            folders.push(case.expect("a case").path());
        }
    }
    folders.sort();
    folders
}

/// The one file that is not expected.
fn foreign(folder: &Path) -> (String, String) {
    let files = fs::read_dir(folder).expect("a case").map(|file| {
        let name = file.expect("a file").file_name();
        name.into_string().expect("a name")
    });
    let mut files = files.filter(|name| !name.starts_with("expected."));
    let name = files.next().expect("a foreign file");
    assert_eq!(files.next(), None, "{}", folder.display());
    let text = fs::read_to_string(folder.join(&name)).expect("text");
    (name, text)
}

fn imported(folder: &Path) -> Import {
    let (name, text) = foreign(folder);
    let kind = ForeignKind::detect(&name, &text).expect("a kind that is known");
    import(kind, &name, &text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

fn compare(path: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, found).expect("a file that can be written");
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, expected, "{}", path.display());
}

/// A recipe with every line that waits made a key.
fn with_waiting_lines(recipe: &str) -> String {
    let lines = recipe.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn parsed(folder: &Path, recipe: &str) -> Recipe {
    Recipe::parse(recipe).unwrap_or_else(|problems| {
        let shown = problems.render("enclair.toml", recipe, 100, enclair_recipe::Colour::Never);
        panic!("{}:\n{shown}", folder.display())
    })
}

#[test]
fn every_file_becomes_what_is_expected() {
    let folders = folders();
    assert!(folders.len() >= 12, "{folders:?}");
    for folder in folders {
        let import = imported(&folder);
        compare(&folder.join("expected.toml"), &import.recipe);
        let mut notes = String::new();
        for note in &import.notes {
            writeln!(notes, "{note}\n    {}", note.text).expect("text");
        }
        compare(&folder.join("expected.notes"), &notes);
    }
}

#[test]
fn every_recipe_is_one() {
    for folder in folders() {
        let import = imported(&folder);
        let recipe = parsed(&folder, &import.recipe);
        let waiting: Vec<String> = recipe
            .not_built_yet()
            .into_iter()
            .map(|waiting| waiting.key)
            .collect();
        let blocked = import.notes.iter().any(|note| {
            matches!(&note.kind, NoteKind::Waits { what } if what.starts_with("`source.dockerfile`"))
        }) || import.recipe.contains("The file does not name it");
        let expected: &[&str] = if blocked { &["source.dockerfile"] } else { &[] };
        assert_eq!(waiting, expected, "{}", folder.display());
        parsed(&folder, &with_waiting_lines(&import.recipe));
    }
}

#[test]
fn no_field_has_two_notes() {
    for folder in folders() {
        let import = imported(&folder);
        let name = folder.parent().and_then(Path::file_name);
        if name.is_some_and(|name| name == "dockerfile") {
            continue;
        }
        let fields: BTreeSet<_> = import.notes.iter().map(|note| &note.field).collect();
        assert_eq!(fields.len(), import.notes.len(), "{}", folder.display());
    }
}
