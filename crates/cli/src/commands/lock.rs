//! `enclair lock`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enclair_build::{AwsLc, ListingError, LockChange, LockFile, OutputFile, Project, Tools};
use enclair_packages::sums::{self, MAX_SUMS, Sums};
use enclair_recipe::{Lock as Locked, LockedPackage, LockedPackages, LockedSource, Source};

use super::{escape, open_project};
use crate::arguments::Lock;
use crate::environment;
use crate::printer::Printer;
use crate::progress::progress;
use crate::project_documents::LockDocument;
use crate::supply;

/// Locks a project, or says whether its lock is current.
pub(crate) fn run(arguments: &Lock, printer: &Printer) -> anyhow::Result<ExitCode> {
    let project = open_project(&arguments.project)?;
    if arguments.check {
        return check(&project, arguments, printer);
    }
    if let Some(target) = &arguments.export_sha256sums {
        return export(&project, target, arguments, printer);
    }
    let sums = arguments.import.as_deref().map(read_sums).transpose()?;
    let fetcher = supply::fetcher(&arguments.supply, Some(&project.recipe), printer)?;
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let (update, epoch) = (arguments.update.as_slice(), environment::epoch()?);
    let locked = match &sums {
        None => project.lock(update, epoch, &tools),
        Some(sums) => project.import(sums, (update, epoch), &tools),
    };
    drop(progress);
    supply::report(&fetcher, printer);
    let path = project.path.display();
    let (file, change) = locked.with_context(|| format!("`{path}` was not locked"))?;
    supply::remember(fetcher.store(), &file, printer);
    if matches!(project.recipe.source, Source::Dockerfile(_)) {
        printer.note("note: what the Dockerfile names is not locked: it is read and not built yet");
    }
    if let Some(sums) = sums.filter(|sums| sums.ipfs > 0) {
        printer.note(&format!(
            "note: {} lines name packages in IPFS again, and say nothing new",
            sums.ipfs
        ));
    }
    if arguments.json {
        printer.json(&LockDocument::new(&file, Some(change), &[]))?;
    } else {
        printer.result(&summary(&file, change))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a file of digests.
fn read_sums(path: &Path) -> anyhow::Result<Sums> {
    let limit = u64::try_from(MAX_SUMS).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| {
        let mut file = file.take(limit.saturating_add(1));
        file.read_to_end(&mut text)
    });
    read.with_context(|| format!("`{}` cannot be read", path.display()))?;
    Sums::parse(&text).with_context(|| format!("`{}` is no file of digests", path.display()))
}

/// Writes the digests of the locked packages.
fn export(
    project: &Project,
    target: &Path,
    arguments: &Lock,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let cannot = || {
        format!(
            "the packages of `{}` cannot be listed",
            project.path.display()
        )
    };
    let file = project.current_lock(&AwsLc).with_context(cannot)?;
    let Some(LockedSource::Packages(packages)) = &file.lock.source else {
        let path = file.path;
        return Err(ListingError::NoPackages { path }).with_context(cannot);
    };
    write_sums(packages.packages.iter(), target, printer)?;
    if arguments.json {
        printer.json(&LockDocument::new(&file, Some(LockChange::Kept), &[]))?;
    } else if !is_stdout(target) {
        let count = packages.packages.len();
        printer.result(&format!("{}  {count} packages\n", target.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a file's name means stdout.
pub(crate) fn is_stdout(target: &Path) -> bool {
    target == Path::new("-")
}

/// Writes a file of digests, whole or not at all, or to stdout.
pub(crate) fn write_sums<'a>(
    packages: impl Iterator<Item = &'a LockedPackage>,
    target: &Path,
    printer: &Printer,
) -> anyhow::Result<()> {
    let text = sums::write(packages.map(|one| (one.file.as_str(), one.blob.sha256)))?;
    if is_stdout(target) {
        return Ok(printer.result(&text)?);
    }
    let written = OutputFile::create(target).and_then(|mut file| {
        file.file().write_all(text.as_bytes())?;
        file.commit()
    });
    written.with_context(|| format!("`{}` cannot be written", target.display()))
}

/// Status 1 when the lock is another recipe's.
fn check(project: &Project, arguments: &Lock, printer: &Printer) -> anyhow::Result<ExitCode> {
    let path = project.path.display();
    let (file, reasons) = project
        .check_lock(&AwsLc)
        .with_context(|| format!("the lock of `{path}` cannot be checked"))?;
    if arguments.json {
        printer.json(&LockDocument::new(&file, None, &reasons))?;
    } else if reasons.is_empty() {
        printer.result(&format!("`{}` is current\n", file.path.display()))?;
    } else {
        for reason in &reasons {
            printer.result(&format!("stale  {}\n", escape(reason)))?;
        }
        printer.note("hint: run `enclair lock` and look at what changes");
    }
    Ok(ExitCode::from(u8::from(!reasons.is_empty())))
}

fn summary(file: &LockFile, change: LockChange) -> String {
    let path = file.path.display();
    let mut text = match change {
        LockChange::Kept => format!("`{path}` is as it was\n"),
        LockChange::Created => format!("`{path}` is new\n"),
        LockChange::Updated => format!("`{path}` has changed\n"),
    };
    for (name, from, digest) in entries(&file.lock) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:12}{}  sha256:{digest}", escape(&from));
    }
    if let Some(LockedSource::Packages(packages)) = &file.lock.source {
        let _ = writeln!(text, "{:12}{}", "packages", escape(&origins(packages)));
    }
    for note in file.lock.notes() {
        let _ = writeln!(text, "note: {}", escape(&note));
    }
    text
}

/// How many packages come from where.
fn origins(packages: &LockedPackages) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &packages.packages {
        *counts.entry(&package.from).or_default() += 1;
    }
    let counts = counts
        .iter()
        .map(|(from, count)| format!("{count} from {from}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// Name, origin and digest of each entry; of an image, what identifies it.
pub(crate) fn entries(lock: &Locked) -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    if let Some(LockedSource::Image(image)) = &lock.source {
        let blob = image.manifest.unwrap_or(image.config);
        let row = ("source", image.from.to_string(), blob.sha256.to_string());
        rows.push((row.0.to_owned(), row.1, row.2));
    }
    rows.extend(lock.files().map(|(name, file)| {
        (
            name.to_owned(),
            file.from.to_string(),
            file.blob.sha256.to_string(),
        )
    }));
    rows
}
