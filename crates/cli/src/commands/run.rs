//! `enclair run`.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use enclair_build::{AwsLc, Measurer, Threads, memory_mib};
use enclair_digest::Limits;
use enclair_eif::Measurements;
use enclair_host::{
    Accelerator, Image, Ingress, Last, MachineKind, Outcome, Publish, Qemu, Request, Search,
    Watcher,
    kvm::{self, Kvm},
};
use enclair_inspect::{Listing, inspect_eif};

use super::detached::{self, Kept};
use super::terminal::Terminal;
use super::{escape, print_findings};
use crate::arguments::{AcceleratorArgument, QemuArgument, Run};
use crate::failure;
use crate::printer::Printer;
use crate::run_documents::{PublishedDocument, RunDocument};

/// Bytes of the longest manifest that an enclave passes on.
const MAX_MANIFEST: usize = 64 * 1024;

/// Boots an image and passes the application's exit status on.
pub(crate) fn run(arguments: &Run, printer: &Printer) -> anyhow::Result<ExitCode> {
    let cannot = || format!("`{}` cannot be run", arguments.file.display());
    let mut file = File::open(&arguments.file).with_context(cannot)?;
    let measurer = Measurer::new(&AwsLc, Threads::Lanes);
    let inspection = inspect_eif(&mut file, measurer, Limits::default(), Listing::Counts)
        .with_context(cannot)?;
    print_findings(&inspection.findings, printer);
    let unpacked = inspection.ramdisks.iter().map(|ramdisk| ramdisk.unpacked);
    let needed = memory_mib(inspection.eif.file_size(), unpacked.sum());
    let measurements = inspection.scanned.measured.measurements;
    if arguments.detach && arguments.kept_in.is_none() {
        return detached::start(arguments, &measurements.pcr0.to_string(), printer);
    }
    let image = Image::new(file, inspection.eif, measurements).with_context(cannot)?;
    let qemu = search(&arguments.qemu).find().with_context(cannot)?;
    let machine = qemu.best_machine().with_context(cannot)?;
    let accelerator = accelerator(arguments.accel, &qemu);
    let ingress = Ingress::bind(&arguments.parent.publish).with_context(cannot)?;
    let mut terminal = Terminal::new(arguments.parent.logs.as_deref()).with_context(cannot)?;
    announce(image.measurements(), printer);
    printer.note(&format!(
        "machine {machine}, {accelerator}, QEMU {}",
        qemu.version
    ));
    if machine == MachineKind::Microvm {
        printer.note("no NSM: not attested");
    }
    let published = publish(&ingress, printer);
    let request = Request {
        memory_mib: memory(arguments.memory, needed, printer),
        image,
        qemu,
        accelerator,
        cpus: arguments.cpus,
        egress: arguments.parent.egress(),
        manifest: manifest(arguments.parent.manifest.as_deref()).with_context(cannot)?,
        timeout: arguments.parent.timeout.map(Duration::from_secs),
        ready_timeout: arguments.parent.ready_timeout.map(Duration::from_secs),
        scratch: scratch(),
    };
    if arguments.parent.events {
        terminal.tell_events(&published);
    }
    if let Some(directory) = &arguments.kept_in {
        let kept = Kept::begin(directory, arguments, &published, &request).with_context(cannot)?;
        terminal.keep(kept);
    }
    let terminal = Arc::new(terminal);
    let watcher: Arc<dyn Watcher> = Arc::<Terminal>::clone(&terminal);
    let report = enclair_host::run(&request, ingress, &watcher).with_context(cannot)?;
    terminal.finish();
    terminal.end(&report);
    terminal.tell_end(&report.outcome);
    let status = report.outcome.status();
    // Whoever asked for one of an enclave in the background was given its state.
    let is_asked = arguments.parent.json && arguments.kept_in.is_none();
    let document = is_asked.then(|| RunDocument::new(&request, &published, &report));
    conclude(report.outcome, printer);
    if let Some(document) = document {
        printer.json(&document)?;
    }
    Ok(ExitCode::from(status))
}

/// What the enclave may say of its image. An object, so that it is one for whoever reads it.
pub(super) fn manifest(path: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let name = || format!("the manifest `{}`", path.display());
    let manifest = std::fs::read(path).with_context(name)?;
    if manifest.len() > MAX_MANIFEST {
        let length = manifest.len();
        bail!(
            "{}: expected at most {MAX_MANIFEST} bytes, found {length}",
            name()
        );
    }
    serde_json::from_slice::<serde_json::Map<_, _>>(&manifest)
        .with_context(|| format!("{}: expected a JSON object", name()))?;
    Ok(Some(manifest))
}

/// Where QEMU is looked for.
pub(crate) fn search(argument: &QemuArgument) -> Search {
    #[allow(
        clippy::disallowed_methods,
        reason = "the environment is read here and passed on as a value"
    )]
    let path = std::env::var_os("PATH");
    Search {
        program: argument.qemu.clone(),
        prefix: argument.qemu_prefix.clone(),
        path,
    }
}

/// The directory in which a socket can be made for a moment.
#[allow(
    clippy::disallowed_methods,
    reason = "the environment is read here and passed on as a value"
)]
fn scratch() -> std::path::PathBuf {
    std::env::temp_dir()
}

fn accelerator(argument: AcceleratorArgument, qemu: &Qemu) -> Accelerator {
    match argument {
        AcceleratorArgument::Kvm => Accelerator::Kvm,
        AcceleratorArgument::Tcg => Accelerator::Tcg,
        // Where it cannot be found out, what always works is right.
        AcceleratorArgument::Auto => match kvm::ask(qemu) {
            Ok(Kvm::Answers) => Accelerator::Kvm,
            Ok(Kvm::Silent | Kvm::Software | Kvm::Missing) | Err(_) => Accelerator::Tcg,
        },
    }
}

/// The registers, in short: enough to see which image this is.
pub(super) fn announce(measurements: &Measurements, printer: &Printer) {
    let registers = [
        ("PCR0", &measurements.pcr0),
        ("PCR1", &measurements.pcr1),
        ("PCR2", &measurements.pcr2),
    ];
    for (name, value) in registers {
        let text = value.to_string();
        printer.note(&format!("{name} {}...", text.get(..16).unwrap_or(&text)));
    }
}

/// Where connections are taken, said and given.
pub(super) fn publish(ingress: &Ingress, printer: &Printer) -> Vec<Publish> {
    let published: Vec<_> = ingress.published().collect();
    for publish in &published {
        printer.note(&PublishedDocument::from(publish).to_string());
    }
    published
}

fn memory(asked: Option<u64>, needed: u64, printer: &Printer) -> u64 {
    let memory = asked.unwrap_or(needed);
    warn_of_memory(memory, needed, printer);
    memory
}

pub(super) fn warn_of_memory(memory: u64, needed: u64, printer: &Printer) {
    if memory < needed {
        printer.note(&format!(
            "warning: {memory} MiB may be too little: this image is meant to have {needed} MiB or more"
        ));
    }
}

/// Tells a person how it ended, where the exit status alone does not.
pub(super) fn conclude(outcome: Outcome, printer: &Printer) {
    match outcome {
        Outcome::Told(Last::Exited { .. }) => {}
        Outcome::Told(Last::Signaled { signal }) => {
            printer.note(&format!("the application was ended by signal {signal}"));
        }
        Outcome::Told(Last::Failed {
            failure, message, ..
        }) => printer.note(&format!(
            "error: the enclave failed: {}: {}",
            escape(&failure),
            escape(&message)
        )),
        Outcome::TimedOut => printer.note("error: the time is over; the enclave was ended"),
        Outcome::NotReady => printer.note(
            "error: the application could not be reached in time; the enclave was ended\n\
             hint: it is ready when it listens at every port of `ingress`, and what `ready` names has \
             answered with a status from 200 to 299",
        ),
        Outcome::Interrupted(signal) => {
            printer.note(&format!("ended by signal {signal}"));
        }
        Outcome::Broken(error) => {
            let error =
                anyhow::Error::from(error).context("the run says nothing of the application");
            printer.note(&failure::render(&error));
        }
    }
}
