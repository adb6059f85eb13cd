//! `enclair store`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use enclair_build::{AwsLc, Tools};
use enclair_store::{Collection, Companion, OnAltered, Store as Content};

use super::{escape, human_size, open_recipe};
use crate::arguments::{Export, Store, StoreCommand};
use crate::environment;
use crate::printer::Printer;
use crate::progress::progress;
use crate::project_documents::{
    CollectedDocument, ImportedDocument, StoreSizeDocument, StoreVerifyDocument,
};
use crate::supply;

/// How old something must be that no lock needs.
const GRACE: Duration = Duration::from_hours(1);

/// Looks after the store.
pub(crate) fn run(arguments: &Store, printer: &Printer) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        StoreCommand::Path => {
            let store = supply::store()?;
            printer.result(&format!("{}\n", store.root().display()))?;
        }
        StoreCommand::Size { json } => size(&supply::store()?, *json, printer)?,
        StoreCommand::Verify { set_aside, json } => {
            let on_altered = if *set_aside {
                OnAltered::SetAside
            } else {
                OnAltered::Report
            };
            return verify(&supply::store()?, on_altered, *json, printer);
        }
        StoreCommand::Gc { all, json } => {
            let store = supply::store()?;
            let mut grace = GRACE;
            if *all {
                forget_all(&store)?;
                grace = Duration::ZERO;
            }
            collect(&store, grace, *json, printer)?;
        }
        StoreCommand::Export(arguments) => export(arguments, printer)?,
        StoreCommand::Import { directory, json } => import(directory, *json, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn size(store: &Content<AwsLc>, json: bool, printer: &Printer) -> anyhow::Result<()> {
    let usage = store.size()?;
    if json {
        return printer.json(&StoreSizeDocument::new(store, &usage));
    }
    let rows = [
        ("blobs", usage.blobs),
        ("unfinished", usage.partial),
        ("set aside", usage.aside),
    ];
    for (name, count) in rows {
        let bytes = human_size(count.bytes);
        printer.result(&format!("{name:12}{:>6}  {bytes}\n", count.files))?;
    }
    Ok(())
}

/// Status 1 when something is not what its name says.
fn verify(
    store: &Content<AwsLc>,
    on_altered: OnAltered,
    json: bool,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let progress = progress(printer);
    progress.stage("reading the store", Some(store.size()?.blobs.bytes));
    let mut before = 0;
    let report = store.verify(on_altered, &mut |now| {
        progress.advance(now.bytes.saturating_sub(before));
        before = now.bytes;
    });
    drop(progress);
    let report = report?;
    if json {
        printer.json(&StoreVerifyDocument::new(&report))?;
    } else {
        let right = report.right;
        let bytes = human_size(right.bytes);
        printer.result(&format!(
            "{} blobs, {bytes}, are what they should be\n",
            right.files
        ))?;
        for fault in &report.faults {
            printer.result(&format!("altered  {}\n", escape(&fault.to_string())))?;
        }
    }
    Ok(ExitCode::from(u8::from(!report.is_clean())))
}

/// So that nothing is needed any more.
fn forget_all(store: &Content<AwsLc>) -> anyhow::Result<()> {
    for root in store.roots()? {
        store.forget(&root.lock)?;
    }
    Ok(())
}

fn collect(
    store: &Content<AwsLc>,
    grace: Duration,
    json: bool,
    printer: &Printer,
) -> anyhow::Result<()> {
    // What is being fetched at this moment belongs to a lock that is not there yet.
    let collected = store.gc(&Collection {
        unused_since: environment::ago(grace),
        ..Collection::default()
    })?;
    if json {
        return printer.json(&CollectedDocument::new(&collected));
    }
    let (gone, kept) = (collected.blobs, collected.kept);
    Ok(printer.result(&format!(
        "removed  {} blobs, {}\nkept     {} blobs, {}\n",
        gone.files,
        human_size(gone.bytes),
        kept.files,
        human_size(kept.bytes)
    ))?)
}

/// Everything that a lock needs, as a store of its own.
fn export(arguments: &Export, printer: &Printer) -> anyhow::Result<()> {
    let project = open_recipe(&arguments.file)?;
    let fetcher = supply::fetcher(&arguments.supply, Some(&project.recipe), printer)?;
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let cannot = || {
        format!(
            "what `{}` needs cannot be exported",
            arguments.file.display()
        )
    };
    let lock = project.current_lock(&AwsLc).with_context(cannot)?;
    let digests = project
        .gather(&lock, fetcher.store().root(), &tools)
        .with_context(cannot)?;
    let companions = [&project.path, &lock.path].map(|path| Companion {
        name: path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default(),
        path: path.clone(),
    });
    let exported = fetcher
        .store()
        .export(&arguments.directory, &digests, &companions);
    drop(progress);
    supply::report(&fetcher, printer);
    let count = exported.with_context(cannot)?;
    Ok(printer.result(&format!(
        "{}  {} blobs, {}\n",
        arguments.directory.display(),
        count.files,
        human_size(count.bytes)
    ))?)
}

fn import(directory: &Path, json: bool, printer: &Printer) -> anyhow::Result<()> {
    let imported = supply::store()?
        .import(directory)
        .with_context(|| format!("`{}` was not imported", directory.display()))?;
    if imported.taken.files + imported.present.files == 0 {
        anyhow::bail!("there is no blob in `{}`", directory.display());
    }
    if json {
        return printer.json(&ImportedDocument::new(&imported));
    }
    let (taken, known) = (imported.taken, imported.present);
    Ok(printer.result(&format!(
        "{} blobs are new, {}; {} were there already\n",
        taken.files,
        human_size(taken.bytes),
        known.files
    ))?)
}
