//! `enclair host`.

use std::fs::File;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use enclair_build::{AwsLc, Measurer, Threads, memory_mib};
use enclair_digest::Limits;
use enclair_host::nitro::{self, Report, Request};
use enclair_host::{Ingress, Outcome, Watcher};
use enclair_inspect::{Listing, inspect_eif};

use super::print_findings;
use super::run::{announce, conclude, manifest, publish, warn_of_memory};
use super::terminal::Terminal;
use crate::arguments::Host;
use crate::failure;
use crate::host_documents::HostDocument;
use crate::printer::Printer;

/// What this command is not, in its own output.
const NOT_ON_HARDWARE: &str = "note: `enclair host` was not run on hardware before this release; \
    `tests/hardware/check-host` checks it on this instance";
const DEBUG: &str = "WARNING: DEBUG MODE. Whoever is on this instance reads the enclave's console, \
    and its attestation\ndocuments have zeros for PCR0, PCR1 and PCR2: no client can tell what \
    runs. Use it for nothing that is secret.";

/// Runs an image as a real enclave and passes the application's exit status on.
pub(crate) fn run(arguments: &Host, printer: &Printer) -> anyhow::Result<ExitCode> {
    let cannot = || format!("`{}` cannot be run as an enclave", arguments.file.display());
    // Another program opens it, perhaps in another directory.
    let image = std::fs::canonicalize(&arguments.file).with_context(cannot)?;
    let mut file = File::open(&image).with_context(cannot)?;
    let measurer = Measurer::new(&AwsLc, Threads::Lanes);
    let inspection = inspect_eif(&mut file, measurer, Limits::default(), Listing::Counts)
        .with_context(cannot)?;
    print_findings(&inspection.findings, printer);
    let unpacked = inspection.ramdisks.iter().map(|ramdisk| ramdisk.unpacked);
    let size = inspection.eif.file_size();
    let needed = memory_mib(size, unpacked.sum());
    let ingress = Ingress::bind(&arguments.parent.publish).with_context(cannot)?;
    let measurements = inspection.scanned.measured.measurements;
    printer.note(NOT_ON_HARDWARE);
    announce(&measurements, printer);
    if arguments.debug_console {
        printer.note(DEBUG);
    }
    let published = publish(&ingress, printer);
    let request = Request {
        image,
        measurements,
        program: arguments.nitro_cli.clone(),
        device: arguments.device.clone(),
        memory_mib: memory(arguments.memory, needed, size, printer),
        cpus: arguments.cpus,
        egress: arguments.parent.egress(),
        manifest: manifest(arguments.parent.manifest.as_deref()).with_context(cannot)?,
        timeout: arguments.parent.timeout.map(Duration::from_secs),
        ready_timeout: arguments.parent.ready_timeout.map(Duration::from_secs),
        debug_console: arguments.debug_console,
    };
    let mut terminal = Terminal::new(arguments.parent.logs.as_deref())?;
    if arguments.parent.events {
        terminal.tell_events(&published);
    }
    let terminal = Arc::new(terminal);
    let watcher: Arc<dyn Watcher> = Arc::<Terminal>::clone(&terminal);
    let report = nitro::run(&request, ingress, &watcher).with_context(cannot)?;
    terminal.finish();
    terminal.tell_end(&report.outcome);
    let status = report.outcome.status();
    let document = arguments
        .parent
        .json
        .then(|| HostDocument::new(&request, &published, &report));
    tell(report, printer);
    if let Some(document) = document {
        printer.json(&document)?;
    }
    Ok(ExitCode::from(status))
}

/// What is asked for, or what the image needs, as `nitro-cli` takes it.
fn memory(asked: Option<u64>, needed: u64, image: u64, printer: &Printer) -> u64 {
    let Some(asked) = asked else {
        return nitro::memory_mib(needed, image);
    };
    warn_of_memory(asked, needed, printer);
    asked.next_multiple_of(2)
}

/// Tells a person how it ended.
fn tell(report: Report, printer: &Printer) {
    // Where nothing else is wrong, which would say it better.
    if !report.compared && !matches!(report.outcome, Outcome::Broken(_)) {
        printer.note("warning: the registers of what ran were not compared with those of the file");
    }
    if report.strangers > 0 {
        printer.note(&format!(
            "warning: {} connections of other enclaves on this instance were refused",
            report.strangers
        ));
    }
    conclude(report.outcome, printer);
    if let Some(error) = report.left {
        let error = anyhow::Error::from(error).context("the enclave may still run");
        printer.note(&failure::render(&error));
    }
}
