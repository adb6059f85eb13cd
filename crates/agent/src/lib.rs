//! What runs inside the enclave beside the application: the agent.
//!
//! It moves bytes between the application, which has nothing but a loopback interface, and the
//! parent, which is reached by vsock, and does so under the measured configuration only. Init
//! starts it before the application and gives it the open files that it needs; it has a user id of
//! its own and no capability. `docs/runtime.md` is the contract with the application and with the
//! parent.
//!
//! | module | what it owns |
//! |---|---|
//! | `inherited` | the open files that init hands over |
//! | `stream` | sockets of every family, and what is read and written of them |
//! | `relay` | bytes both ways between two streams |
//! | `ingress` | connections from outside to the application |
//! | `attestation` | documents of the security module, for everybody and for the application |
//! | `http` | one request and its answer, for `attestation` |
//! | `egress` | calls to outside: a proxy, names, and the rules |
//! | `lines` | what is said of what was denied |
//! | `ready` | the parent is told that the application can be reached, and what `counters` has |
//! | `logs` | the application's output on its way to the parent |
//! | `clock` | the machine's clock is set |
//! | `ports` | which ports the application listens at |
//!
//! One thread serves everything, and a second one waits for the security module. Both sleep: a
//! timer exists only while something waits for it, so an idle agent does not wake up.
//!
//! It is not trusted more than it must be: it makes no process, opens no file of the image, and
//! resolves no name. It speaks no TLS: what is secret between the application and its clients is
//! not for the agent to see.

#![cfg(target_os = "linux")]

mod attestation;
mod clock;
mod counters;
mod egress;
mod error;
mod http;
mod ingress;
mod inherited;
mod lines;
mod logs;
mod ports;
mod ready;
mod relay;
mod stream;
mod sys;

use std::io::Write as _;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use enclair_configuration::Services;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use crate::attestation::{Attestation, Side};
use crate::clock::Clock;
use crate::error::Error;
use crate::ingress::Ingress;
use crate::inherited::Inherited;
use crate::logs::Logs;
use crate::stream::Listener;

#[doc(hidden)]
pub use crate::egress::readers;

/// Runs the agent to the end of the enclave. `arguments` are the open files, as in `started=4`.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let mut inherited = match Inherited::take(arguments) {
        Ok(inherited) => inherited,
        Err(error) => return fail(&error),
    };
    match serve(&mut inherited) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            inherited.say(&format!("{error}\n"));
            fail(&error)
        }
    }
}

/// Starts both sides of attestation.
fn attest(port: u16, inherited: &mut Inherited) -> Result<(), Error> {
    let name = "application";
    let application = inherited.file(name).ok_or(Error::NotInherited { name })?;
    let listen = || {
        let service = Attestation::new(inherited.file("nsm"))?;
        let outside = Listener::vsock(port.into())?;
        let inside = Listener::adopt(application)?;
        tokio::task::spawn_local(Rc::clone(&service).serve(outside, Side::Outside));
        tokio::task::spawn_local(service.serve(inside, Side::Inside));
        Ok(())
    };
    listen().map_err(|source| Error::Attestation { port, source })
}

/// Starts to carry the application's output.
fn carry_output(inherited: &mut Inherited) -> Result<(), Error> {
    let mut file = |name| inherited.file(name).ok_or(Error::NotInherited { name });
    let (output, life) = (file("output")?, file("life")?);
    Logs::start(output, life).map_err(|source| Error::Logs { source })
}

/// What `ps` shows. A program that was executed by an open file has its number for a name.
fn name_process() {
    let _ = std::fs::write("/proc/self/comm", "enclair-agent");
}

fn fail(error: &Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "enclair-agent: {error}");
    ExitCode::FAILURE
}

fn serve(inherited: &mut Inherited) -> Result<(), Error> {
    let configuration = inherited.configuration()?;
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|source| Error::Runtime { source })?;
    name_process();
    let Services {
        attestation,
        clock,
        egress,
        ingress,
        logs,
        ready,
    } = configuration.services;
    LocalSet::new().block_on(&runtime, async {
        if logs {
            carry_output(inherited)?;
        }
        if let Some(attestation) = attestation {
            attest(attestation.port, inherited)?;
        }
        if !egress.is_empty() {
            egress::start(egress)?;
        }
        if clock {
            let clock = Clock::new(inherited.file("clock"));
            clock.set_first().await;
            tokio::spawn(clock.keep());
        }
        let connections = ingress::limit();
        let opened = Arc::new(Semaphore::new(0));
        for &pair in &ingress {
            let (connections, opened) = (Arc::clone(&connections), Arc::clone(&opened));
            tokio::spawn(Ingress::new(pair, connections, opened).serve());
        }
        tokio::spawn(ready::tell(opened, ingress.len(), ready));
        inherited.say("ok\n");
        std::future::pending().await
    })
}
