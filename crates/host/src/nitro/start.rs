//! From a request to an enclave that runs and is the one that was meant.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::answers::{Described, Started};
use super::error::NitroError;
use super::program::{NitroCli, Start};
use super::relay::Relay;
use super::supervise::Running;
use super::wire::Wire;
use super::{Enclave, Report, Request};
use crate::course::Hearing;
use crate::egress::Dialler;
use crate::error::Error;
use crate::ingress::Ingress;
use crate::offer::Offer;
use crate::process::{Child, wait_readable};
use crate::run::{Watcher, allow_open_files};
use crate::threads::{Carrier, Happening, Said, keep_messages, show_console, watch_signals};

/// How often the description is asked for: it fails while another enclave of the instance ends.
const ATTEMPTS: u32 = 4;
/// How long is waited in between.
const PAUSE: Duration = Duration::from_millis(300);

/// The run, on sockets of any kind.
pub(super) fn run(
    request: &Request,
    ingress: Ingress,
    watcher: &Arc<dyn Watcher>,
    wire: impl Wire + 'static,
) -> Result<Report, Error> {
    allow_open_files();
    look_at_device(request)?;
    let events = Events::new();
    // Before the enclave, so that no signal finds it without us.
    let signals = watch_signals(&events.sender).map_err(Error::Supervise)?;
    let streams = listen(request, wire, &events.sender, watcher);
    let result = streams.and_then(|streams| serve(request, ingress, watcher, streams, &events));
    signals.close();
    result
}

/// Where everything that happens is told.
#[derive(Debug)]
struct Events {
    sender: Sender<Happening>,
    happenings: Receiver<Happening>,
}

impl Events {
    fn new() -> Self {
        let (sender, happenings) = channel();
        Self { sender, happenings }
    }
}

/// Says at once what `nitro-cli` would say at length.
fn look_at_device(request: &Request) -> Result<(), NitroError> {
    let device = request.device.clone();
    let opened = File::options().read(true).write(true).open(&device);
    opened
        .map(drop)
        .map_err(|source| NitroError::Device { device, source })
}

/// Binds the parent's ports.
fn listen<W: Wire>(
    request: &Request,
    wire: W,
    sender: &Sender<Happening>,
    watcher: &Arc<dyn Watcher>,
) -> Result<(Relay<W>, Dialler), Error> {
    let offer = Offer {
        egress: request.egress.clone(),
        manifest: request.manifest.clone(),
    };
    let (ports, dialler) = offer.ports(sender, watcher)?;
    Ok((Relay::bind(wire, ports)?, dialler))
}

/// Starts the enclave and serves it to its end.
fn serve(
    request: &Request,
    ingress: Ingress,
    watcher: &Arc<dyn Watcher>,
    (relay, dialler): (Relay<impl Wire + 'static>, Dialler),
    Events { sender, happenings }: &Events,
) -> Result<Report, Error> {
    let program = NitroCli(request.program.clone());
    let name = name();
    let begun = Instant::now();
    let (started, meanwhile) = start(&program, &name, request, happenings)?;
    let (timeout, ready) = (request.timeout, request.ready_timeout);
    let hearing = Hearing::new(Arc::clone(watcher), begun, timeout, ready);
    let mut running = Running::new(program, enclave(&name, &started), hearing);
    let process = match process(&started) {
        Ok(process) => process,
        Err(error) => return Ok(running.failed(Error::Supervise(error))),
    };
    match check(running.program(), request, &started, process.as_ref()) {
        Ok(compared) => running.compared = compared,
        Err(error) => return Ok(running.broken(error)),
    }
    watcher.hosted(running.enclave());
    watch_process(process, sender);
    let serving = Serving::start(relay, started.cid, ingress, dialler, sender);
    match serving {
        Ok(serving) => running.serving = Some(serving),
        Err(error) => return Ok(running.failed(Error::Supervise(error))),
    }
    if request.debug_console {
        match running.program().console(&started.id) {
            Ok(child) => running.console = Some(console(child, watcher, sender)),
            Err(error) => return Ok(running.broken(error)),
        }
    }
    Ok(running.watch(meanwhile, happenings))
}

/// A name that no other enclave has, by which ours can be found if its id never comes.
fn name() -> String {
    // Where that cannot be read, the number of the process is unique enough.
    let unique = fs::read_to_string("/proc/sys/kernel/random/uuid").map_or_else(
        |_| std::process::id().to_string(),
        |text| text.trim().to_owned(),
    );
    format!("enclair-{unique}")
}

fn enclave(name: &str, started: &Started) -> Enclave {
    Enclave {
        id: started.id.clone(),
        name: name.to_owned(),
        cid: started.cid,
        cpus: started.cpus,
        memory_mib: started.memory_mib,
    }
}

/// Starts the enclave. Gives, too, what happened meanwhile.
pub(super) fn start(
    program: &NitroCli,
    name: &str,
    request: &Request,
    happenings: &Receiver<Happening>,
) -> Result<(Started, Vec<Happening>), NitroError> {
    let start = Start {
        image: &request.image,
        name,
        cpus: request.cpus,
        memory_mib: request.memory_mib,
        is_debug: request.debug_console,
    };
    let mut meanwhile = Vec::new();
    let mut signals = 0;
    let mut gives_up = || {
        for happening in happenings.try_iter() {
            signals += u32::from(matches!(happening, Happening::Said(Said::Signal(_))));
            meanwhile.push(happening);
        }
        signals >= 2
    };
    match program.start(start, &mut gives_up) {
        Ok(started) => Ok((started, meanwhile)),
        Err(error) => {
            if !matches!(error, NitroError::Program { .. }) {
                end_by_name(program, name);
            }
            Err(error)
        }
    }
}

/// Ends what a start without an answer may have left behind.
fn end_by_name(program: &NitroCli, name: &str) {
    let Ok(enclaves) = program.describe() else {
        return;
    };
    let ours = |enclave: &&Described| enclave.name.as_deref() == Some(name);
    if let Some(enclave) = enclaves.iter().find(ours) {
        // Whatever it says, the error of the start says more.
        let _ = program.terminate(&enclave.id);
    }
}

/// Compares what runs with what was meant. Says whether it could: an enclave that has ended by now
/// is not described any more, and its status tells the rest.
fn check(
    program: &NitroCli,
    request: &Request,
    started: &Started,
    process: Option<&OwnedFd>,
) -> Result<bool, NitroError> {
    let enclaves = describe(program)?;
    let ours = |enclave: &&Described| {
        let runs = enclave.state.eq_ignore_ascii_case("running");
        runs && enclave.id == started.id && enclave.cid == started.cid
    };
    let Some(enclave) = enclaves.iter().find(ours) else {
        let has_ended =
            process.is_none_or(|process| wait_readable(process, Some(PAUSE)).unwrap_or(false));
        let id = started.id.clone();
        return if has_ended {
            Ok(false)
        } else {
            Err(NitroError::NotDescribed { id })
        };
    };
    let is_debug = enclave.is_debug();
    if is_debug != request.debug_console {
        return Err(NitroError::Debug { is_debug });
    }
    let registers = enclave.registers.as_ref();
    registers
        .ok_or(NitroError::NoRegisters)?
        .compare(&request.measurements)?;
    Ok(true)
}

fn describe(program: &NitroCli) -> Result<Vec<Described>, NitroError> {
    for _ in 1..ATTEMPTS {
        match program.describe() {
            Err(NitroError::Failed { .. }) => thread::sleep(PAUSE),
            result => return result,
        }
    }
    program.describe()
}

/// The process that holds the enclave; `None` if it has ended.
fn process(started: &Started) -> io::Result<Option<OwnedFd>> {
    let pid = started.process.get().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidData)?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) => Ok(Some(process)),
        Err(Errno::SRCH) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tells when it has ended.
fn watch_process(process: Option<OwnedFd>, sender: &Sender<Happening>) {
    let sender = sender.clone();
    thread::spawn(move || {
        if let Some(process) = process {
            drop(wait_readable(&process, None));
        }
        drop(sender.send(Carrier::Exited.into()));
    });
}

/// Shows the console.
fn console(mut child: Child, watcher: &Arc<dyn Watcher>, sender: &Sender<Happening>) -> Child {
    if let Some((output, messages)) = child.take_output() {
        show_console(output, Arc::clone(watcher), sender.clone());
        keep_messages(messages, sender.clone());
    }
    child
}

/// The thread of the streams.
#[derive(Debug)]
pub(super) struct Serving {
    stop: Arc<OwnedFd>,
    thread: JoinHandle<u64>,
}

impl Serving {
    fn start<W: Wire + 'static>(
        relay: Relay<W>,
        cid: u32,
        ingress: Ingress,
        dialler: Dialler,
        sender: &Sender<Happening>,
    ) -> io::Result<Self> {
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let (told, sender) = (Arc::clone(&stop), sender.clone());
        let named = thread::Builder::new().name("enclair-streams".to_owned());
        let thread = named.spawn(move || {
            relay
                .serve(cid, ingress, dialler, &told)
                .unwrap_or_else(|error| {
                    drop(sender.send(Carrier::Unlinked(Err(Error::Supervise(error))).into()));
                    0
                })
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends all streams. Gives the number of connections of others.
    pub(super) fn end(self) -> u64 {
        // It could fail only if the counter were full, and then it is readable.
        let _ = rustix::io::write(&*self.stop, &1_u64.to_ne_bytes());
        self.thread.join().unwrap_or_default()
    }
}
