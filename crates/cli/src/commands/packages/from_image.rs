//! `enclair packages from-image`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use enclair_build::{AwsLc, Contained, ContainedRequest, Rootfs, Tools, contained_packages};
use enclair_digest::Limits;
use enclair_recipe::{Distribution, LockedPackage};

use super::count;
use crate::arguments::{DistributionArgument, PackagesFromImage};
use crate::commands::escape;
use crate::commands::lock::{is_stdout, write_sums};
use crate::environment;
use crate::packages_documents::PackagesFromImageDocument;
use crate::printer::Printer;
use crate::progress::progress;
use crate::supply;

impl From<DistributionArgument> for Distribution {
    fn from(argument: DistributionArgument) -> Self {
        match argument {
            DistributionArgument::Debian => Self::Debian,
            DistributionArgument::Ubuntu => Self::Ubuntu,
        }
    }
}

/// Lists the packages of an image. Status 1 when some were not found.
pub(super) fn run(arguments: &PackagesFromImage, printer: &Printer) -> anyhow::Result<ExitCode> {
    let fetcher = supply::fetcher(&arguments.supply, None, printer)?;
    let cannot = || {
        format!(
            "the packages of `{}` cannot be listed",
            escape(&arguments.root)
        )
    };
    let request = request(arguments, fetcher.store().root()).with_context(cannot)?;
    let progress = progress(printer);
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: progress.as_ref(),
        now: environment::now().unwrap_or_default(),
    };
    let contained = contained_packages(&request, &tools);
    drop(progress);
    supply::report(&fetcher, printer);
    let contained = contained.with_context(cannot)?;
    print(&contained, arguments, printer)?;
    for missing in &contained.missing {
        printer.note(&format!(
            "not found  {}: {}",
            missing.package, missing.reason
        ));
    }
    Ok(ExitCode::from(u8::from(!contained.missing.is_empty())))
}

fn request<'a>(
    arguments: &PackagesFromImage,
    scratch: &'a Path,
) -> anyhow::Result<ContainedRequest<'a>> {
    Ok(ContainedRequest {
        rootfs: Rootfs::of(&arguments.root)?,
        minus: arguments.minus.as_deref().map(Rootfs::of).transpose()?,
        arch: arguments.arch,
        distribution: arguments.distribution.map(Distribution::from),
        suites: arguments.suites.clone(),
        components: arguments.components.clone(),
        limits: Limits {
            unpacked_bytes: arguments.max_unpacked,
            ..Limits::default()
        },
        scratch,
    })
}

fn print(
    contained: &Contained,
    arguments: &PackagesFromImage,
    printer: &Printer,
) -> anyhow::Result<()> {
    if arguments.json {
        return printer.json(&PackagesFromImageDocument::new(&arguments.root, contained));
    }
    match &arguments.sha256sums {
        None => printer.result(&lines(contained))?,
        Some(target) => {
            write_sums(contained.packages.iter(), target, printer)?;
            if !is_stdout(target) {
                let found = count(contained.packages.len());
                printer.result(&format!("{}  {found}\n", target.display()))?;
            }
        }
    }
    if arguments.minus.is_some() {
        let subtracted = count(contained.subtracted);
        printer.note(&format!(
            "left out  {subtracted} that the other one has too"
        ));
    }
    Ok(())
}

/// What a lock has of suites and packages, as it stands there.
fn lines(contained: &Contained) -> String {
    let suites = contained
        .suites
        .iter()
        .map(enclair_recipe::LockedSuite::to_line);
    let packages = contained.packages.iter().map(LockedPackage::to_line);
    format!("{}{}", array("suites", suites), array("packages", packages))
}

fn array(name: &str, items: impl Iterator<Item = String>) -> String {
    let items = items.fold(String::new(), |text, item| text + "    " + &item + ",\n");
    if items.is_empty() {
        return format!("{name} = []\n");
    }
    format!("{name} = [\n{items}]\n")
}
