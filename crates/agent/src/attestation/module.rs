//! The security module, behind a thread of its own: a request to it takes milliseconds, in which
//! the other thread goes on to pass bytes.
//!
//! The thread sleeps until there is a request, and makes one document at a time.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use enclair_nsm::{Answer, Fields, attestation_request, call, parse_document};
use tokio::sync::oneshot;

/// Requests that wait for the module.
const QUEUE: usize = 512;
/// Bytes of the thread's stack: it calls the device and little else.
const STACK: usize = 128 * 1024;

/// The module's thread.
#[derive(Debug)]
pub(crate) struct Module(SyncSender<Job>);

/// A document that somebody waits for.
#[derive(Debug)]
struct Job {
    fields: Fields,
    reply: oneshot::Sender<Result<Vec<u8>, Failed>>,
}

/// Why there is no document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The module says so, by the name of its error.
    Refused(String),
    /// The driver fails, or what came back is no answer.
    NoAnswer,
    /// More requests wait than are kept.
    Busy,
}

impl Module {
    /// Starts the thread with the open device.
    pub(crate) fn start(device: OwnedFd) -> io::Result<Self> {
        let device = File::from(device);
        Self::with(move |request| call(&device, request))
    }

    /// The same with another way to ask: tests have no module.
    pub(crate) fn with(
        ask: impl Fn(&[u8]) -> io::Result<Vec<u8>> + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("nsm".to_owned())
            .stack_size(STACK)
            .spawn(move || work(&queue, ask))?;
        Ok(Self(jobs))
    }

    /// Asks for a document.
    pub(crate) async fn document(&self, fields: Fields) -> Result<Vec<u8>, Failed> {
        let (reply, answer) = oneshot::channel();
        self.0
            .try_send(Job { fields, reply })
            .map_err(|error| match error {
                TrySendError::Full(_) => Failed::Busy,
                TrySendError::Disconnected(_) => Failed::NoAnswer,
            })?;
        answer.await.unwrap_or(Err(Failed::NoAnswer))
    }
}

fn work(queue: &Receiver<Job>, ask: impl Fn(&[u8]) -> io::Result<Vec<u8>>) {
    while let Ok(Job { fields, reply }) = queue.recv() {
        // Whoever has gone in the meantime gets none.
        if !reply.is_closed() {
            let _ = reply.send(document(&fields, &ask));
        }
    }
}

fn document(
    fields: &Fields,
    ask: impl Fn(&[u8]) -> io::Result<Vec<u8>>,
) -> Result<Vec<u8>, Failed> {
    let request = attestation_request(fields).ok_or(Failed::NoAnswer)?;
    let answer = ask(&request).map_err(|_| Failed::NoAnswer)?;
    match parse_document(&answer) {
        Some(Answer::Given(document)) => Ok(document.to_vec()),
        Some(Answer::Refused(name)) => Err(Failed::Refused(name.to_owned())),
        None => Err(Failed::NoAnswer),
    }
}
