//! What the parent offers to an enclave, emulated or real: every port but that of the heartbeat.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::egress::{self, Dialler, Egress};
use crate::error::Error;
use crate::run::Watcher;
use crate::threads::{Happening, Said, hear_agent, hear_denied, hear_status};
use crate::vsock::service::{Answer, Output, Port, QuestionPort, StatusPort, output};
use crate::vsock::{CLOCK_PORT, EGRESS_PORT, LOGS_PORT, MANIFEST_PORT, READY_PORT, STATUS_PORT};

/// Ports by their numbers.
pub(crate) type Ports = Vec<(u32, Box<dyn Port>)>;

/// What is different from one enclave to another.
#[derive(Debug)]
pub(crate) struct Offer {
    /// Whether it may call out.
    pub(crate) egress: Egress,
    /// What is said of its image, if anything.
    pub(crate) manifest: Option<Vec<u8>>,
}

impl Offer {
    /// The ports, and what makes connections for the one of calls.
    pub(crate) fn ports(
        self,
        sender: &Sender<Happening>,
        watcher: &Arc<dyn Watcher>,
    ) -> Result<(Ports, Dialler), Error> {
        let Self { egress, manifest } = self;
        let (calls, dialler) =
            egress::open(egress, hear_denied(sender.clone())).map_err(Error::Supervise)?;
        let output = show_output(Arc::clone(watcher), sender.clone());
        let manifest: Answer = Box::new(move || manifest.clone());
        let clock = QuestionPort::new(b"time\n", tell_time());
        let ports: Ports = vec![
            (
                STATUS_PORT,
                Box::new(StatusPort::new(hear_status(sender.clone()))),
            ),
            (LOGS_PORT, Box::new(output)),
            (EGRESS_PORT, Box::new(calls)),
            (CLOCK_PORT, Box::new(clock)),
            (
                READY_PORT,
                Box::new(StatusPort::new(hear_agent(sender.clone()))),
            ),
            (
                MANIFEST_PORT,
                Box::new(QuestionPort::new(b"manifest\n", manifest)),
            ),
        ];
        Ok((ports, dialler))
    }
}

/// Pieces of the application's output that wait to be shown: 4 MiB, if they are large.
const MAX_OUTPUT: usize = 64;

/// Shows the application's output, until nobody can send any. Gives where it comes in.
fn show_output(watcher: Arc<dyn Watcher>, sender: Sender<Happening>) -> Output {
    let (output, pieces) = output(MAX_OUTPUT);
    thread::spawn(move || {
        let tell_lost = || match pieces.take_lost() {
            0 => {}
            count => watcher.output_lost(count),
        };
        for bytes in &pieces.pieces {
            watcher.output(&bytes);
            tell_lost();
        }
        tell_lost();
        drop(sender.send(Said::OutputEnded.into()));
    });
    output
}

/// The time, as an answer to the agent.
fn tell_time() -> Answer {
    Box::new(|| {
        #[allow(
            clippy::disallowed_methods,
            reason = "what an enclave is told is the time, which decides no bytes"
        )]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let (seconds, nanoseconds) = (now.as_secs(), now.subsec_nanos());
        Some(format!("time {seconds} {nanoseconds}\n").into_bytes())
    })
}
