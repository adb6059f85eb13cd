//! A machine that runs, and what decides how its run ends.
//!
//! | happens | then |
//! |---|---|
//! | what happens to every enclave | see [`crate::course`] |
//! | the device or a ring breaks | the run is broken |
//! | QEMU ends or hangs up, or the guest starts anew | what is still under way may arrive; then the run is broken |
//!
//! Whatever the end, QEMU's group is ended and reaped before anything is reported.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use crate::course::Hearing;
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
use crate::threads::{Carrier, Happening, keep_messages, serve, show_console, watch_exit};
use crate::vsock::HEARTBEAT_PORT;
use crate::vsock::parent::Parent;
use crate::vsock::service::HeartbeatPort;

/// How long QEMU may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// Why the loop ended.
#[derive(Debug)]
enum Decision {
    Outcome(Outcome),
    /// QEMU has ended, or the guest has left it, and nothing more has come.
    MachineEnded,
}

/// A machine that runs.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    machine: MachineKind,
    hearing: Hearing,
    /// Where QEMU has its temporary files until it has loaded everything.
    scratch: Option<Scratch>,
    unlinked: Option<Error>,
    exited: bool,
    messages: Option<String>,
}

impl Running {
    /// Starts the device, then the machine.
    pub(crate) fn start(
        request: &Request,
        ingress: Ingress,
        sender: &Sender<Happening>,
        watcher: &Arc<dyn Watcher>,
        started: Instant,
    ) -> Result<Self, Error> {
        let scratch = Scratch::make(&request.scratch).map_err(|source| Error::Scratch {
            directory: request.scratch.clone(),
            source,
        })?;
        let on_stop = {
            let sender = sender.clone();
            Box::new(move |why| drop(sender.send(Carrier::Stopped(why).into())))
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
        let (timeout, ready) = (request.timeout, request.ready_timeout);
        Ok(Self {
            child,
            machine,
            hearing: Hearing::new(Arc::clone(watcher), started, timeout, ready),
            scratch: Some(scratch),
            unlinked: None,
            exited: false,
            messages: None,
        })
    }

    /// Watches the machine until something decides, and ends it.
    pub(crate) fn watch(mut self, happenings: &Receiver<Happening>) -> Report {
        let decision = loop {
            match self.hearing.next(happenings) {
                Ok(happening) => {
                    if let Some(decision) = self.take(happening) {
                        break decision;
                    }
                }
                Err(due) => {
                    let outcome = self.hearing.decide(due);
                    break outcome.map_or(Decision::MachineEnded, Decision::Outcome);
                }
            }
        };
        let outcome = self.end(decision, happenings);
        Report {
            outcome,
            machine: self.machine,
            course: self.hearing.course(),
        }
    }

    fn take(&mut self, happening: Happening) -> Option<Decision> {
        let carrier = match happening {
            Happening::Said(said) => return self.hearing.take(said).map(Decision::Outcome),
            Happening::Carrier(carrier) => carrier,
        };
        match carrier {
            Carrier::Stopped(Stop::Fault(error)) => {
                return Some(Decision::Outcome(Outcome::Broken(Error::Device(error))));
            }
            Carrier::Stopped(Stop::Rings) => self.hearing.expect_aftermath(),
            Carrier::Unlinked(result) => {
                self.unlinked = result.err();
                self.hearing.expect_aftermath();
            }
            Carrier::Exited => {
                self.exited = true;
                self.hearing.expect_aftermath();
            }
            Carrier::ConsoleBegan => self.scratch = None,
            Carrier::Messages(messages) => self.messages = Some(messages),
        }
        None
    }

    /// Ends the machine and waits for the rest of what it has written.
    fn end(&mut self, decision: Decision, happenings: &Receiver<Happening>) -> Outcome {
        let exit = self.child.end(GRACE);
        let kept = &mut self.messages;
        self.hearing.rest(happenings, |carrier| {
            if let Some(Carrier::Messages(messages)) = carrier {
                *kept = Some(messages);
            }
            kept.is_some()
        });
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
