//! `enclair packages download`.

use anyhow::Context as _;
use enclair_build::{AwsLc, Hints, LockChange, Tools};

use super::count;
use crate::arguments::PackagesDownload;
use crate::commands::{human_size, open_project};
use crate::environment;
use crate::packages_documents::PackagesDownloadDocument;
use crate::printer::Printer;
use crate::progress::progress;
use crate::supply;

/// Brings the packages of a lock into the store, and into a directory.
pub(super) fn run(arguments: &PackagesDownload, printer: &Printer) -> anyhow::Result<()> {
    let project = open_project(&arguments.project)?;
    let fetcher = supply::fetcher(&arguments.supply, Some(&project.recipe), printer)?;
    let hints = if environment::is_ci() {
        Hints::Leave
    } else {
        Hints::Learn
    };
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let downloaded = project.download(arguments.dir.as_deref(), hints, &tools);
    drop(progress);
    supply::report(&fetcher, printer);
    let downloaded = downloaded
        .with_context(|| format!("the packages of `{}` cannot be had", project.path.display()))?;
    supply::remember(fetcher.store(), &downloaded.lock, printer);
    if arguments.json {
        return printer.json(&PackagesDownloadDocument::new(&downloaded));
    }
    let place = match &arguments.dir {
        Some(directory) => directory.display().to_string(),
        None => fetcher.store().root().display().to_string(),
    };
    let size = human_size(downloaded.bytes);
    printer.result(&format!(
        "{place}  {}, {size}\n",
        count(downloaded.packages)
    ))?;
    if downloaded.change != LockChange::Kept {
        let path = downloaded.lock.path.display();
        printer.note(&format!(
            "locked  `{path}` has the packages' SHA-1 now, and is equal otherwise"
        ));
    }
    Ok(())
}
