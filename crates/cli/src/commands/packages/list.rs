//! `enclair packages list`.

use anyhow::Context as _;
use enclair_build::{AwsLc, LockFile};
use enclair_recipe::{LockedPackage, LockedSource};

use super::{columns, count, suites};
use crate::arguments::PackagesList;
use crate::commands::{human_size, open_project};
use crate::packages_documents::PackagesListDocument;
use crate::printer::Printer;

/// Lists the packages that a lock names.
pub(super) fn run(arguments: &PackagesList, printer: &Printer) -> anyhow::Result<()> {
    let project = open_project(&arguments.project)?;
    let file = project.packages_lock(&AwsLc).with_context(|| {
        format!(
            "the packages of `{}` cannot be listed",
            project.path.display()
        )
    })?;
    let listed = listed(&file);
    if arguments.json {
        return printer.json(&PackagesListDocument::new(&file, &listed));
    }
    let rows: Vec<_> = listed
        .iter()
        .map(|(of, package)| row(of, package))
        .collect();
    let bytes = listed.iter().map(|(_, package)| package.blob.size).sum();
    Ok(printer.result(&format!(
        "{}{}, {}\n{}",
        columns(&rows),
        count(listed.len()),
        human_size(bytes),
        suites(&file.lock.suites)
    ))?)
}

/// The packages of the source, and those that single files are of; each with what it is for.
fn listed(file: &LockFile) -> Vec<(&'static str, &LockedPackage)> {
    let source = match &file.lock.source {
        Some(LockedSource::Packages(packages)) => packages.packages.as_slice(),
        Some(LockedSource::Image(_) | LockedSource::Archive(_)) | None => &[],
    };
    let files = file.lock.files();
    let files = files.filter_map(|(entry, file)| Some((entry, file.package()?)));
    let source = source.iter().map(|package| ("source", package));
    source.chain(files).collect()
}

fn row(of: &str, package: &LockedPackage) -> [String; 6] {
    let note = match (of, package.asked) {
        ("source", true) => "asked for",
        ("source", false) => "",
        (entry, _) => entry,
    };
    [
        package.name.clone(),
        package.version.clone(),
        package.arch.clone(),
        package.from.clone(),
        human_size(package.blob.size),
        note.to_owned(),
    ]
}
