//! The threads that wait for one thing each and tell the supervisor through its channel.
//!
//! The console's thread also writes what it reads, so that a terminal that has been stopped stops
//! the enclave's console and not the time-out.

use std::io::{self, Read};
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::agent::{AgentReader, Counters, Nonsense, Word};
use crate::console::Console;
use crate::device::Stop;
use crate::egress::{Denied, OnDenied};
use crate::error::Error;
use crate::link::Link;
use crate::process::{Child, wait_readable};
use crate::run::Watcher;
use crate::status::{Event, StatusError, StatusReader};
use crate::vsock::service::{Hearer, Next, StatusBytes};

/// Bytes of QEMU's stderr that are kept: the last ones.
const MAX_MESSAGES: usize = 4 << 10;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Happening {
    /// What happens to every enclave.
    Said(Said),
    /// What happens to that which carries it.
    Carrier(Carrier),
}

impl From<Said> for Happening {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

impl From<Carrier> for Happening {
    fn from(carrier: Carrier) -> Self {
        Self::Carrier(carrier)
    }
}

/// What happens to every enclave.
#[derive(Debug)]
pub(crate) enum Said {
    /// An event of the status stream.
    Status(Event),
    /// The application can be reached, since so many milliseconds after the kernel's start.
    Ready(u64),
    /// Numbers of the agent.
    Counted(Counters),
    /// All of the application's output has been shown.
    OutputEnded,
    /// The status stream has ended after its last event.
    StatusEnded,
    /// It breaks the protocol.
    StatusBroken(StatusError),
    /// A target that the enclave may not reach.
    Denied(Denied),
    /// Everything of the console has been shown.
    ConsoleEnded,
    /// We were told to end.
    Signal(i32),
}

/// What happens to QEMU, or to the process of a real enclave.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// The device serves no more.
    Stopped(Stop),
    /// QEMU has hung up on the device, or the streams are served no more.
    Unlinked(Result<(), Error>),
    /// The process has ended.
    Exited,
    /// The console has its first bytes: the guest runs, and QEMU has loaded everything.
    ConsoleBegan,
    /// The program's stderr is at its end, which was this.
    Messages(String),
}

/// Tells of signals that ask the process to end, until the handle is closed.
pub(crate) fn watch_signals(sender: &Sender<Happening>) -> io::Result<Handle> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let handle = signals.handle();
    let sender = sender.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            drop(sender.send(Said::Signal(signal).into()));
        }
    });
    Ok(handle)
}

/// Tells when the child has ended.
pub(crate) fn watch_exit(child: &Child, sender: &Sender<Happening>) -> io::Result<()> {
    let exit = child.exit_descriptor()?;
    let sender = sender.clone();
    thread::spawn(move || {
        drop(wait_readable(&exit, None));
        drop(sender.send(Carrier::Exited.into()));
    });
    Ok(())
}

/// Shows the console until it is at its end.
pub(crate) fn show_console(
    mut output: ChildStdout,
    watcher: Arc<dyn Watcher>,
    sender: Sender<Happening>,
) {
    thread::spawn(move || {
        let mut console = Console::default();
        let mut buffer = [0; 4096];
        let mut begun = false;
        while let Some(bytes) = read_some(&mut output, &mut buffer) {
            if !begun {
                drop(sender.send(Carrier::ConsoleBegan.into()));
                begun = true;
            }
            watcher.console(&console.push(bytes));
        }
        watcher.console(&console.finish());
        drop(sender.send(Said::ConsoleEnded.into()));
    });
}

/// Keeps the end of what QEMU writes to its stderr.
pub(crate) fn keep_messages(mut output: ChildStderr, sender: Sender<Happening>) {
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 4096];
        while let Some(bytes) = read_some(&mut output, &mut buffer) {
            kept.extend_from_slice(bytes);
            kept.drain(..kept.len().saturating_sub(MAX_MESSAGES));
        }
        let text = String::from_utf8_lossy(&kept).into_owned();
        drop(sender.send(Carrier::Messages(text).into()));
    });
}

/// The next bytes; `None` at the end, and where no more can be read.
fn read_some<'a>(source: &mut impl Read, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    loop {
        match source.read(buffer) {
            Ok(0) => return None,
            Ok(count) => return buffer.get(..count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

/// Serves the device until QEMU hangs up.
pub(crate) fn serve(link: Link, sender: Sender<Happening>) {
    thread::spawn(move || {
        let result = link.serve();
        drop(sender.send(Carrier::Unlinked(result).into()));
    });
}

/// Tells of targets that the enclave may not reach.
pub(crate) fn hear_denied(sender: Sender<Happening>) -> OnDenied {
    Box::new(move |denied| drop(sender.send(Said::Denied(denied).into())))
}

/// Reads the agent's words on the device's thread.
pub(crate) fn hear_agent(sender: Sender<Happening>) -> Hearer {
    let mut reader = AgentReader::default();
    Box::new(move |bytes| match bytes {
        StatusBytes::More(bytes) => match reader.push(&bytes) {
            Ok(words) => {
                for word in words {
                    let said = match word {
                        Word::Ready(ready_ms) => Said::Ready(ready_ms),
                        Word::Counters(counters) => Said::Counted(counters),
                    };
                    drop(sender.send(said.into()));
                }
                Next::Open
            }
            Err(Nonsense) => Next::Reset,
        },
        StatusBytes::End => Next::Close,
    })
}

/// Reads the status stream on the device's thread.
pub(crate) fn hear_status(sender: Sender<Happening>) -> Hearer {
    let mut reader = StatusReader::default();
    Box::new(move |bytes| {
        let (said, next) = match bytes {
            StatusBytes::More(bytes) => match reader.push(&bytes) {
                Ok(events) => {
                    for event in events {
                        drop(sender.send(Said::Status(event).into()));
                    }
                    return Next::Open;
                }
                Err(error) => (Said::StatusBroken(error), Next::Reset),
            },
            StatusBytes::End => match reader.finish() {
                Ok(()) => (Said::StatusEnded, Next::Close),
                Err(error) => (Said::StatusBroken(error), Next::Close),
            },
        };
        drop(sender.send(said.into()));
        next
    })
}
