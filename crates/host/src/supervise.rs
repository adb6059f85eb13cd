//! A machine that runs, and what decides how its run ends.
//!
//! | happens | then |
//! |---|---|
//! | the status stream ends after its last event | that is the outcome |
//! | the last event comes and the stream does not end | the same, two seconds later |
//! | the status, the device or a ring breaks | the run is broken |
//! | QEMU ends or hangs up, or the guest starts anew | what is still under way may arrive; then the run is broken |
//! | a signal, a time-out | the run is over |
//!
//! Whatever the end, QEMU's group is ended and reaped before anything is reported.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::agent::Counters;
use crate::device::Stop;
use crate::error::Error;
use crate::image::Parts;
use crate::ingress::Ingress;
use crate::link::Link;
use crate::machine::{Boot, Machine, MachineKind};
use crate::offer::Offer;
use crate::process::Child;
use crate::run::{Outcome, Report, Request, Watcher};
use crate::scratch::Scratch;
use crate::status::{Event, Last};
use crate::threads::{Happening, keep_messages, serve, show_console, watch_exit};
use crate::vsock::HEARTBEAT_PORT;
use crate::vsock::parent::Parent;
use crate::vsock::service::HeartbeatPort;

/// How long the end of the status stream may take after the last event.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long what a machine sent before its end may take to arrive.
const AFTERMATH: Duration = Duration::from_millis(500);
/// How long QEMU may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// How long the rest of the console may take to be shown.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// Why the loop ended.
#[derive(Debug)]
enum Decision {
    Outcome(Outcome),
    /// QEMU has ended, or the guest has left it, and nothing more has come.
    MachineEnded,
}

/// What happens when a deadline passes.
#[derive(Debug, Clone, Copy)]
enum Due {
    TimeOut,
    Ready,
    LastWords,
    Aftermath,
}

/// A machine that runs.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    machine: MachineKind,
    watcher: Arc<dyn Watcher>,
    /// Where QEMU has its temporary files until it has loaded everything.
    scratch: Option<Scratch>,
    last: Option<Last>,
    /// The guest's word, and when it came.
    boot: Option<(u64, Instant)>,
    restarts: u32,
    counters: Option<Counters>,
    /// When the application could be reached.
    ready: Option<Instant>,
    /// When it must be, at the latest.
    ready_by: Option<Instant>,
    unlinked: Option<Error>,
    deadline: Option<(Instant, Due)>,
    exited: bool,
    console_ended: bool,
    output_ended: bool,
    messages: Option<String>,
}

impl Running {
    /// Starts the device, then the machine.
    pub(crate) fn start(
        request: &Request,
        ingress: Ingress,
        sender: &Sender<Happening>,
        watcher: &Arc<dyn Watcher>,
    ) -> Result<Self, Error> {
        let scratch = Scratch::make(&request.scratch).map_err(|source| Error::Scratch {
            directory: request.scratch.clone(),
            source,
        })?;
        let on_stop = {
            let sender = sender.clone();
            Box::new(move |why| drop(sender.send(Happening::Stopped(why))))
        };
        let offer = Offer {
            egress: request.egress.clone(),
            manifest: request.manifest.clone(),
        };
        let (mut ports, dialler) = offer.ports(sender, watcher)?;
        ports.push((HEARTBEAT_PORT, Box::new(HeartbeatPort)));
        let parent = Parent::new(ports);
        let (link, vsock) = Link::start(parent, ingress, dialler, on_stop, &scratch.path())?;
        let machine = request.qemu.best_machine()?;
        let mut child = spawn(request, machine, &scratch, &vsock)?;
        watch_exit(&child, sender).map_err(Error::Supervise)?;
        serve(link, sender.clone());
        if let Some((output, messages)) = child.take_output() {
            show_console(output, Arc::clone(watcher), sender.clone());
            keep_messages(messages, sender.clone());
        }
        Ok(Self {
            child,
            machine,
            watcher: Arc::clone(watcher),
            scratch: Some(scratch),
            last: None,
            boot: None,
            restarts: 0,
            counters: None,
            ready: None,
            ready_by: None,
            unlinked: None,
            deadline: None,
            exited: false,
            console_ended: false,
            output_ended: false,
            messages: None,
        })
    }

    /// Watches the machine until something decides, and ends it.
    pub(crate) fn watch(
        mut self,
        happenings: &Receiver<Happening>,
        started: Instant,
        request: &Request,
    ) -> Report {
        if let Some(timeout) = request.timeout {
            self.due(started, timeout, Due::TimeOut);
        }
        let ready_by = request.ready_timeout;
        self.ready_by = ready_by.and_then(|timeout| started.checked_add(timeout));
        let decision = loop {
            match self.next(happenings) {
                Ok(happening) => {
                    if let Some(decision) = self.take(happening) {
                        break decision;
                    }
                }
                Err(due) => break self.decide(due),
            }
        };
        let outcome = self.end(decision, happenings);
        let after = |at: Instant| {
            let passed = at.saturating_duration_since(started).as_millis();
            u64::try_from(passed).unwrap_or(u64::MAX)
        };
        Report {
            outcome,
            machine: self.machine,
            boot_ms: self.boot.map(|(boot_ms, _)| boot_ms),
            start_ms: self.boot.map(|(_, at)| after(at)),
            ready_ms: self.ready.map(after),
            restarts: self.restarts,
            counters: self.counters,
        }
    }

    /// The next thing that happens, or the deadline that passes before.
    fn next(&self, happenings: &Receiver<Happening>) -> Result<Happening, Due> {
        let ready_by = self.ready_by.map(|at| (at, Due::Ready));
        let deadlines = self.deadline.into_iter().chain(ready_by);
        let Some((deadline, due)) = deadlines.min_by_key(|(at, _)| *at) else {
            // The caller keeps a sender, so this waits for ever rather than fail.
            return happenings.recv().map_err(|_| Due::Aftermath);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        happenings.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => due,
            RecvTimeoutError::Disconnected => Due::Aftermath,
        })
    }

    /// Sets a deadline; one that passes sooner stays.
    fn due(&mut self, from: Instant, after: Duration, due: Due) {
        // A time that no clock can show is never.
        if let Some(at) = from.checked_add(after)
            && self.deadline.is_none_or(|(deadline, _)| at < deadline)
        {
            self.deadline = Some((at, due));
        }
    }

    fn take(&mut self, happening: Happening) -> Option<Decision> {
        let now = Instant::now();
        Some(Decision::Outcome(match happening {
            Happening::Status(event) => {
                self.watcher.event(&event);
                match event {
                    Event::Starting { .. } => {}
                    // The first start is the enclave's.
                    Event::Started { boot_ms } => {
                        self.boot.get_or_insert((boot_ms, now));
                    }
                    Event::Restarting { restart, .. } => self.restarts = restart,
                    Event::Ended(last) => {
                        self.last = Some(last);
                        self.due(now, LAST_WORDS, Due::LastWords);
                    }
                }
                return None;
            }
            Happening::Ready(ready_ms) => {
                self.watcher.ready(ready_ms);
                self.ready = Some(now);
                self.ready_by = None;
                return None;
            }
            Happening::Counted(counters) => {
                self.watcher.counted(&counters);
                self.counters = Some(counters);
                return None;
            }
            Happening::OutputEnded => {
                self.output_ended = true;
                return None;
            }
            Happening::Denied(denied) => {
                self.watcher.denied(&denied);
                return None;
            }
            Happening::StatusEnded => Outcome::Told(self.last.take()?),
            Happening::StatusBroken(error) => Outcome::Broken(Error::Status(error)),
            Happening::Stopped(Stop::Fault(error)) => Outcome::Broken(Error::Device(error)),
            Happening::Signal(signal) => {
                Outcome::Interrupted(u8::try_from(signal).unwrap_or(u8::MAX))
            }
            Happening::Unlinked(result) => {
                self.unlinked = result.err();
                self.due(now, AFTERMATH, Due::Aftermath);
                return None;
            }
            Happening::Exited => {
                self.exited = true;
                self.due(now, AFTERMATH, Due::Aftermath);
                return None;
            }
            Happening::Stopped(Stop::Rings) => {
                self.due(now, AFTERMATH, Due::Aftermath);
                return None;
            }
            Happening::ConsoleBegan => {
                self.scratch = None;
                return None;
            }
            Happening::ConsoleEnded => {
                self.console_ended = true;
                return None;
            }
            Happening::Messages(messages) => {
                self.messages = Some(messages);
                return None;
            }
        }))
    }

    fn decide(&mut self, due: Due) -> Decision {
        match (self.last.take(), due) {
            (Some(last), _) => Decision::Outcome(Outcome::Told(last)),
            (None, Due::TimeOut) => Decision::Outcome(Outcome::TimedOut),
            (None, Due::Ready) => Decision::Outcome(Outcome::NotReady),
            (None, Due::LastWords | Due::Aftermath) => Decision::MachineEnded,
        }
    }

    /// Ends the machine and waits for the rest of what it has written.
    fn end(&mut self, decision: Decision, happenings: &Receiver<Happening>) -> Outcome {
        let exit = self.child.end(GRACE);
        let until = Instant::now() + LAST_OUTPUT;
        while !self.console_ended || !self.output_ended || self.messages.is_none() {
            let left = until.saturating_duration_since(Instant::now());
            match happenings.recv_timeout(left) {
                Ok(Happening::ConsoleEnded) => self.console_ended = true,
                Ok(Happening::OutputEnded) => self.output_ended = true,
                // What the agent said before the end counts.
                Ok(Happening::Counted(counters)) => self.counters = Some(counters),
                Ok(Happening::Messages(messages)) => self.messages = Some(messages),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        let exit = match exit {
            Ok(exit) => exit,
            Err(error) => return Outcome::Broken(Error::Supervise(error)),
        };
        match decision {
            Decision::Outcome(outcome) => outcome,
            Decision::MachineEnded => Outcome::Broken(match self.unlinked.take() {
                Some(error) => error,
                None if !self.exited => Error::Restarted,
                None => Error::Ended {
                    exit,
                    messages: self.messages.take().unwrap_or_default(),
                },
            }),
        }
    }
}

/// Starts QEMU, which gets copies of all descriptors that its arguments name.
fn spawn(
    request: &Request,
    machine: MachineKind,
    scratch: &Scratch,
    vsock: &UnixStream,
) -> Result<Child, Error> {
    let parts = match machine {
        MachineKind::NitroEnclave => None,
        MachineKind::Microvm => Some(request.image.parts()?),
    };
    let mut kept = vec![vsock.as_fd()];
    kept.extend(scratch.descriptor());
    match &parts {
        Some(parts) => kept.extend([parts.kernel.as_fd(), parts.ramdisk.as_fd()]),
        None => kept.push(request.image.file().as_fd()),
    }
    let machine = Machine {
        boot: boot(request, parts.as_ref()),
        accelerator: request.accelerator,
        memory_mib: request.memory_mib,
        cpus: request.cpus,
        vsock: vsock.as_raw_fd(),
    };
    let mut command = Command::new(&request.qemu.program);
    command
        .args(machine.arguments())
        .env("TMPDIR", scratch.path());
    Child::spawn(command, &kept).map_err(|source| Error::QemuStart {
        program: request.qemu.program.clone(),
        source,
    })
}

/// What the machine boots, by the numbers of descriptors.
fn boot(request: &Request, parts: Option<&Parts>) -> Boot {
    match parts {
        None => Boot::Eif(request.image.file().as_raw_fd()),
        Some(parts) => Boot::Parts {
            kernel: parts.kernel.as_raw_fd(),
            ramdisk: parts.ramdisk.as_raw_fd(),
            command_line: parts.command_line.clone(),
        },
    }
}
