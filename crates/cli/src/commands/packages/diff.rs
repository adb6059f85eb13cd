//! `enclair packages diff`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enclair_build::{AwsLc, Change, LockComparison, LockFile, PackageChange};

use super::columns;
use crate::arguments::PackagesDiff;
use crate::commands::escape;
use crate::packages_documents::PackagesDiffDocument;
use crate::printer::Printer;

/// Compares two locks. Status 1 when they differ.
pub(super) fn run(arguments: &PackagesDiff, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (old, new) = (arguments.old.as_str(), arguments.new.as_str());
    let open = |name: &str| {
        LockFile::named(name, Path::new("."), &AwsLc)
            .with_context(|| format!("`{}` cannot be compared", escape(name)))
    };
    let comparison = LockComparison::of(&open(old)?.lock, &open(new)?.lock);
    if arguments.json {
        printer.json(&PackagesDiffDocument::new((old, new), &comparison))?;
    } else {
        printer.result(&text(&comparison))?;
    }
    Ok(ExitCode::from(u8::from(!comparison.is_equal())))
}

fn text(comparison: &LockComparison) -> String {
    if comparison.is_equal() {
        return "the locks are equal\n".to_owned();
    }
    let rows: Vec<_> = comparison.packages.iter().map(row).collect();
    let mut text = columns(&rows);
    for change in &comparison.others {
        text.push_str(&line(change));
    }
    for (name, movement) in comparison.registers.named() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}  {}", movement.text());
    }
    text
}

fn row(change: &PackageChange) -> [String; 4] {
    let package = change.package();
    let what = match (change, change.old()) {
        (PackageChange::Version { .. }, Some(old)) => {
            format!("{} -> {}", old.version, package.version)
        }
        (PackageChange::Content { .. }, Some(old)) => format!(
            "{}: the version is the same, and sha256:{} is now sha256:{}",
            package.version, old.blob.sha256, package.blob.sha256
        ),
        (PackageChange::Origin { .. }, Some(old)) => {
            format!("{}{}", package.version, moved(old, package))
        }
        _ => package.version.clone(),
    };
    [
        change.text().to_owned(),
        package.name.clone(),
        package.arch.clone(),
        what,
    ]
}

/// How one and the same package is found or wanted in another way.
fn moved(old: &enclair_recipe::LockedPackage, new: &enclair_recipe::LockedPackage) -> String {
    let mut text = String::new();
    if old.from != new.from {
        let _ = write!(text, ", from {} -> {}", old.from, new.from);
    }
    if old.file != new.file {
        let _ = write!(text, ", file {} -> {}", old.file, new.file);
    }
    match (old.asked, new.asked) {
        (false, true) => text.push_str(", now asked for"),
        (true, false) => text.push_str(", no longer asked for"),
        (true, true) | (false, false) => {}
    }
    text
}

fn line(change: &Change) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) => escape(value),
        None => "nothing".to_owned(),
    };
    let what = &change.what;
    format!(
        "changed  {what}: {} -> {}\n",
        value(&change.old),
        value(&change.new)
    )
}
