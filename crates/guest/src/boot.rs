//! The order of everything, from the first instruction to the restart.
//!
//! | step | because |
//! |---|---|
//! | devices, console | so that a failure is seen |
//! | heartbeat, status channel | so that it is heard: the parent ends an enclave that is silent |
//! | security module, entropy | before anything makes a key |
//! | configuration, markers | the tree is whole before anything in it is used |
//! | root, mounts, `/dev`, files, network | as the application will see them |
//! | init's own ids | after the last file was made |
//! | the agent, where there is one | its file was opened before the root was switched |
//! | the application | it finds its proxy and its names |
//!
//! A step that fails ends the boot with its failure; none is tried without end, and none is
//! skipped. PID 1 must not exit, so a broken rule of init's own (a panic) ends the machine too.

use std::fs::File;
use std::os::unix::net::UnixListener;
use std::panic;
use std::path::Path;
use std::thread::sleep;

use enclair_configuration::Configuration;

use crate::failure::Failure;
use crate::report::Report;
use crate::restart::{self, Restarts};
use crate::status::Event;
use crate::sys::machine::uptime_ms;
use crate::sys::process::Ended;
use crate::sys::signal;
use crate::{
    agent, configuration, console, devices, entropy, files, heartbeat, identity, launch, machine,
    markers, mounts, network, nsm, root, supervise,
};

/// Runs the enclave to its end.
pub fn run() -> ! {
    panic::set_hook(Box::new(|broken| {
        let (file, line) = broken
            .location()
            .map_or(("?", 0), |place| (place.file(), place.line()));
        let file = file.to_owned();
        console::say(&Event::Failed(&Failure::Internal { file, line }).sentence());
        machine::end()
    }));
    let mut report = Report::default();
    let result = boot(&mut report);
    report.event(&match &result {
        Ok(Ended::Exited(code)) => Event::Exited { code: *code },
        Ok(Ended::Signaled(signal)) => Event::Signaled { signal: *signal },
        Err(failure) => Event::Failed(failure),
    });
    report.finish();
    machine::end()
}

fn boot(report: &mut Report) -> Result<Ended, Failure> {
    signal::block_all().map_err(|errno| Failure::SignalsNotBlocked { errno })?;
    mounts::kernel_devices()?;
    console::open().map_err(|errno| Failure::DevicesNotMounted { errno })?;
    heartbeat::beat()?;
    report.connect();
    report.event(&Event::Starting);
    let module = security_module()?;
    let top = Path::new("/");
    let configuration = configuration::read(top)?;
    markers::check(top, configuration.ramdisks)?;
    let agent = agent::open(&configuration, module)?;
    let socket = prepare(&configuration)?;
    let start = |agent: agent::Agent| agent.start(&configuration, socket);
    let agent = agent.map(start).transpose()?;
    let ended = run_application(&configuration, agent.as_ref(), report)?;
    if let Some(agent) = agent {
        agent.finish();
    }
    Ok(ended)
}

/// Runs the application to its end, and again where it fails and may.
fn run_application(
    configuration: &Configuration,
    agent: Option<&agent::Running>,
    report: &mut Report,
) -> Result<Ended, Failure> {
    let mut restarts = Restarts::new(configuration.restart);
    loop {
        let output = agent.and_then(agent::Running::output);
        let application = launch::start(configuration, output)?;
        report.event(&Event::Started {
            boot_ms: uptime_ms(),
        });
        let agent = agent.map(|agent| agent.process);
        let ended = supervise::watch(application, agent)?;
        let Some(restart) = restarts.next(ended) else {
            return Ok(ended);
        };
        report.event(&Event::Restarting {
            ended,
            restart: restart.number,
        });
        restart::clear(agent)?;
        sleep(restart.pause);
    }
}

fn security_module() -> Result<Option<File>, Failure> {
    nsm::load_driver()?;
    let module = nsm::open()?;
    match &module {
        None => console::say("no NSM: this machine cannot attest"),
        Some(module) => {
            let bits = entropy::feed(module)?;
            console::say(&format!("{bits} bits of entropy from the NSM"));
        }
    }
    Ok(module)
}

/// The application's world. Gives the socket at which the agent takes its requests.
fn prepare(configuration: &Configuration) -> Result<Option<UnixListener>, Failure> {
    let present = devices::look();
    root::switch()?;
    mounts::mount_all()?;
    mounts::protect()?;
    devices::make(present, configuration)?;
    files::write(configuration)?;
    network::prepare(&configuration.hostname)?;
    let socket = agent::listen(configuration)?;
    identity::take_own()?;
    Ok(socket)
}
