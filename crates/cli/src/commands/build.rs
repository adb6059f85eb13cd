//! `enclair build`.

use std::process::ExitCode;

use anyhow::Context as _;
use enclair_build::{
    AwsLc, BuildOptions, Built, Freshness, LockChange, Locking, Outcome, Report, Threads, Tools,
    build, obtain_image,
};
use enclair_recipe::{ImageReference, NoSupply, Supply};

use super::{open_project, print_findings};
use crate::arguments::Build;
use crate::direct::request;
use crate::environment;
use crate::printer::Printer;
use crate::progress::progress;
use crate::summaries::{summary, tell_lock};
use crate::supply;

/// Builds an image and says what it measures to.
pub(crate) fn run(arguments: &Build, printer: &Printer) -> anyhow::Result<ExitCode> {
    match &arguments.direct.image {
        Some(image) => of_image(image, arguments, printer)?,
        None => of_project(arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// From a recipe and its lock.
fn of_project(arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let project = open_project(&arguments.project)?;
    let fetcher = supply::fetcher(&arguments.supply, Some(&project.recipe), printer)?;
    let options = BuildOptions {
        locking: locking(arguments),
        freshness: if arguments.again {
            Freshness::Always
        } else {
            Freshness::Stamp
        },
        threads: Threads::from(&arguments.threads),
        program: environment::program(),
        epoch: environment::epoch()?,
    };
    // Before anything is fetched, so that `store gc` leaves it alone.
    let path = project.path.display();
    let not_built = || format!("`{path}` was not built");
    if let Some(lock) = project.locked(&AwsLc).with_context(not_built)? {
        supply::remember(fetcher.store(), &lock, printer);
    }
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let built = project.build(&options, &arguments.output, &tools);
    drop(progress);
    supply::report(&fetcher, printer);
    let built = match built.with_context(not_built)? {
        Outcome::UpToDate(lock) => {
            tell_lock(&lock, LockChange::Kept, options.epoch, printer);
            return up_to_date(arguments, printer);
        }
        Outcome::Built(built) => built,
    };
    let Built {
        report,
        lock,
        change,
        altered,
    } = *built;
    for sha256 in altered {
        printer.note(&format!(
            "altered  sha256:{sha256} was another in the store: set aside, and fetched again"
        ));
    }
    supply::remember(fetcher.store(), &lock, printer);
    tell_lock(&lock, change, options.epoch, printer);
    finish(&report, arguments, printer)
}

fn locking(arguments: &Build) -> Locking {
    if arguments.locked || environment::is_ci() {
        Locking::Locked
    } else {
        Locking::Update
    }
}

/// What is there is printed as it is; no register of it was computed.
fn up_to_date(arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let read = |name| {
        let path = arguments.output.join(name);
        std::fs::read_to_string(&path)
            .with_context(|| format!("`{}` cannot be read", path.display()))
    };
    printer.note("up to date (not measured again)");
    let name = if arguments.json {
        "measurements.json"
    } else {
        "enclave.pcrs"
    };
    Ok(printer.result(&read(name)?)?)
}

/// From a container image alone.
fn of_image(image: &ImageReference, arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    let is_elsewhere = matches!(
        image,
        ImageReference::Registry(_) | ImageReference::DockerDaemon { .. }
    );
    let fetcher = is_elsewhere
        .then(|| supply::fetcher(&arguments.supply, None, printer))
        .transpose()?;
    let request = |root| request(root, &arguments.direct, Threads::from(&arguments.threads));
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: fetcher
            .as_ref()
            .map_or(&NoSupply as &dyn Supply, |fetcher| fetcher),
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let place = (arguments.output.as_path(), arguments.direct.max_unpacked);
    let cannot = || format!("`{image}` cannot be built");
    let wanted = (image, arguments.direct.arch, locking(arguments));
    let root = obtain_image(wanted, place, &tools).with_context(cannot)?;
    let built = build(&request(root)?, &arguments.output, &tools);
    drop(progress);
    if let Some(fetcher) = &fetcher {
        supply::report(fetcher, printer);
    }
    finish(&built.with_context(cannot)?, arguments, printer)
}

fn finish(report: &Report, arguments: &Build, printer: &Printer) -> anyhow::Result<()> {
    print_findings(&report.findings, printer);
    if arguments.json {
        return printer.json(report);
    }
    Ok(printer.result(&summary(report, &arguments.output))?)
}
