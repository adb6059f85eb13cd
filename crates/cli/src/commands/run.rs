//! `enclair run`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use enclair_build::{AwsLc, Measurer, Threads, memory_mib};
use enclair_digest::Limits;
use enclair_eif::Measurements;
use enclair_host::{
    Accelerator, Console, Counters, Denied, Event, Failed, Image, Ingress, KeptConsole, Last,
    MachineKind, Outcome, Publish, Qemu, Report, Request, Search, Watcher,
    kvm::{self, Kvm},
    nitro::Enclave,
};
use enclair_inspect::{Listing, inspect_eif};

use super::detached::{self, Kept};
use super::{escape, print_findings};
use crate::arguments::{AcceleratorArgument, QemuArgument, Run};
use crate::events::{EventName, Events};
use crate::failure;
use crate::local_documents::Phase;
use crate::printer::{ClosedPipe, Printer};
use crate::run_documents::{RunDocument, parts};

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
    let ingress = Ingress::bind(&arguments.publish).with_context(cannot)?;
    let mut terminal = Terminal::new(arguments.logs.as_deref()).with_context(cannot)?;
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
        egress: arguments.egress(),
        manifest: manifest(arguments.manifest.as_deref()).with_context(cannot)?,
        timeout: arguments.timeout.map(Duration::from_secs),
        ready_timeout: arguments.ready_timeout.map(Duration::from_secs),
        scratch: scratch(),
    };
    if arguments.told.events {
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
    let document = arguments
        .told
        .json
        .then(|| RunDocument::new(&request, &published, &report));
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
    for Publish { address, port, .. } in &published {
        printer.note(&format!("{address} is passed on to vsock port {port}"));
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
             hint: it is ready when it listens at every port of `ingress`",
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

/// Says what the enclave has asked for, and how it gets it.
fn denial(Denied { target, address }: &Denied) -> String {
    match address {
        None => format!(
            "the enclave may not call `{target}`: calls are off\n\
             hint: `--egress` lets an enclave call out\n"
        ),
        Some(address) => format!(
            "the enclave may not call `{target}`: this machine keeps {address} to itself\n\
             hint: `--egress-allow` with a network that has the address lets an enclave call it\n"
        ),
    }
}

/// Shows what happens as it happens.
#[derive(Debug)]
pub(super) struct Terminal {
    printer: Printer,
    line: Mutex<Line>,
    output: Mutex<ApplicationOutput>,
    /// What is kept of an enclave that runs in the background, and its console.
    kept: Option<(Kept, Mutex<KeptConsole>)>,
    /// Where events are told, if they are.
    events: Option<Events>,
}

/// Where the application's output goes.
#[derive(Debug, Default)]
struct ApplicationOutput {
    /// A file; `None` for the terminal.
    file: Option<File>,
    text: Console,
}

/// The line that the console is in.
#[derive(Debug, Default)]
struct Line {
    unfinished: bool,
    /// A line of our own, for when this one has ended.
    waiting: Option<String>,
}

impl Terminal {
    /// With a file for the application's output; without one it is shown with the console.
    pub(super) fn new(logs: Option<&Path>) -> anyhow::Result<Self> {
        let file = logs.map(File::create).transpose();
        let file = file.context("the file of `--logs` cannot be written")?;
        Ok(Self {
            printer: Printer::new(ClosedPipe::Lost),
            line: Mutex::default(),
            output: Mutex::new(ApplicationOutput {
                file,
                text: Console::default(),
            }),
            kept: None,
            events: None,
        })
    }

    /// Tells events from here on.
    pub(super) fn tell_events(&mut self, published: &[Publish]) {
        let events = Events::new(Printer::new(ClosedPipe::Enough));
        events.published(published);
        self.events = Some(events);
    }

    /// Tells the last event.
    pub(super) fn tell_end(&self, outcome: &Outcome) {
        if let Some(events) = &self.events {
            let (name, _, _) = parts(outcome);
            events.say(EventName::Ended {
                outcome: name,
                status: outcome.status(),
            });
        }
    }

    /// Keeps what would be shown.
    fn keep(&mut self, (kept, console): (Kept, KeptConsole)) {
        self.kept = Some((kept, Mutex::new(console)));
    }

    /// Says to whoever asks later how it has ended.
    fn end(&self, report: &Report) {
        if let Some((kept, _)) = &self.kept {
            kept.end(report);
        }
    }

    fn reached(&self, phase: Phase) {
        if let Some((kept, _)) = &self.kept {
            kept.reached(phase);
        }
    }

    fn pass(&self, text: &str) {
        if let Some((_, console)) = &self.kept {
            let mut console = console.lock().unwrap_or_else(PoisonError::into_inner);
            console.keep(text.as_bytes());
        } else {
            self.printer.pass(text);
        }
    }

    fn application_output(&self) -> MutexGuard<'_, ApplicationOutput> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // A line that a panic left is still a line.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows a line of our own, behind the one that the console is in.
    fn show(&self, text: &str) {
        let mut line = self.line();
        if line.unfinished {
            line.waiting.get_or_insert_default().push_str(text);
        } else {
            self.pass(text);
        }
    }

    /// Shows what still waits, when the console has ended.
    pub(super) fn finish(&self) {
        if let Some(waiting) = self.line().waiting.take() {
            self.pass(&format!("\n{waiting}"));
        }
    }
}

impl Watcher for Terminal {
    fn console(&self, text: &str) {
        let mut line = self.line();
        let ends = text
            .find('\n')
            .and_then(|end| text.split_at_checked(end + 1));
        match (ends, line.waiting.take()) {
            (Some((end, rest)), Some(waiting)) => {
                self.pass(&format!("{end}{waiting}{rest}"));
            }
            (_, waiting) => {
                line.waiting = waiting;
                self.pass(text);
            }
        }
        if let Some(last) = text.chars().last() {
            line.unfinished = last != '\n';
        }
    }

    fn event(&self, event: &Event) {
        if let Some(events) = &self.events {
            events.status(event);
        }
        match event {
            Event::Started { boot_ms } => {
                self.show(&format!("application started after {boot_ms} ms\n"));
                self.reached(Phase::Started);
            }
            Event::Restarting { restart, failed } => {
                let how = match failed {
                    Failed::Exited(code) => format!("exited with {code}"),
                    Failed::Signaled(signal) => format!("was ended by signal {signal}"),
                };
                self.show(&format!("the application {how}; start {restart} again\n"));
            }
            Event::Starting { .. } | Event::Ended(_) => {}
        }
    }

    fn counted(&self, counters: &Counters) {
        if let Some(events) = &self.events {
            events.counted(counters);
        }
    }

    fn output(&self, bytes: &[u8]) {
        let mut output = self.application_output();
        if let Some(file) = &mut output.file {
            // A disk that is full takes no more, and the enclave goes on.
            drop(file.write_all(bytes));
        } else {
            let text = output.text.push(bytes);
            self.pass(&text);
        }
    }

    fn output_lost(&self, count: usize) {
        if let Some(events) = &self.events {
            let bytes = u64::try_from(count).unwrap_or(u64::MAX);
            events.say(EventName::OutputLost { bytes });
        }
        self.show(&format!(
            "{count} bytes of the application's output were lost here: they came faster than they \
             were taken\n"
        ));
    }

    fn hosted(&self, enclave: &Enclave) {
        self.show(&format!(
            "enclave {} at context id {}, {} CPUs, {} MiB\n",
            escape(&enclave.id),
            enclave.cid,
            enclave.cpus,
            enclave.memory_mib
        ));
    }

    fn ready(&self, ready_ms: u64) {
        self.show(&format!("ready after {ready_ms} ms\n"));
        self.reached(Phase::Ready);
        if let Some(events) = &self.events {
            events.say(EventName::Ready { ready_ms });
        }
    }

    fn denied(&self, denied: &Denied) {
        if let Some(events) = &self.events {
            events.denied(denied);
        }
        self.show(&denial(denied));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_says_which_option_helps() {
        let target = "169.254.169.254:80".to_owned();
        let mut denied = Denied {
            target,
            address: None,
        };
        assert_eq!(
            denial(&denied),
            "the enclave may not call `169.254.169.254:80`: calls are off\n\
             hint: `--egress` lets an enclave call out\n"
        );
        denied.address = "169.254.169.254".parse().ok();
        assert_eq!(
            denial(&denied),
            "the enclave may not call `169.254.169.254:80`: this machine keeps 169.254.169.254 \
             to itself\n\
             hint: `--egress-allow` with a network that has the address lets an enclave call it\n"
        );
    }
}
