//! `enclair lock`.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use enclair_build::{AwsLc, LockChange, LockFile, Project, Tools};
use enclair_recipe::{Lock as Locked, LockedSource, Source};

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
    let fetcher = supply::fetcher(&arguments.supply, Some(&project.recipe), printer)?;
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let locked = project.lock(&arguments.update, environment::epoch()?, &tools);
    drop(progress);
    supply::report(&fetcher, printer);
    let path = project.path.display();
    let (file, change) = locked.with_context(|| format!("`{path}` was not locked"))?;
    supply::remember(fetcher.store(), &file, printer);
    if matches!(project.recipe.source, Source::Dockerfile(_)) {
        printer.note("note: what the Dockerfile names is not locked: it is read and not built yet");
    }
    if arguments.json {
        printer.json(&LockDocument::new(&file, Some(change), &[]))?;
    } else {
        printer.result(&summary(&file, change))?;
    }
    Ok(ExitCode::SUCCESS)
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
    for note in file.lock.notes() {
        let _ = writeln!(text, "note: {}", escape(&note));
    }
    text
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
