//! What is seen of an enclave while it runs: on a terminal, in the files of one that runs in the
//! background, and as events.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use enclair_host::{
    Console, Counters, Denied, Event, Failed, KeptConsole, Outcome, Publish, Report, Watcher,
    nitro::Enclave,
};

use super::detached::Kept;
use super::escape;
use crate::events::{EventName, Events};
use crate::local_documents::Phase;
use crate::printer::{ClosedPipe, Printer};
use crate::run_documents::parts;

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
    pub(super) fn keep(&mut self, (kept, console): (Kept, KeptConsole)) {
        self.kept = Some((kept, Mutex::new(console)));
    }

    /// Says to whoever asks later how it has ended.
    pub(super) fn end(&self, report: &Report) {
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

    /// Shows what still waits, when console and output have ended.
    pub(super) fn finish(&self) {
        let rest = self.application_output().text.finish();
        self.console(&rest);
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
        let Some(file) = &mut output.file else {
            let text = output.text.push(bytes);
            self.console(&text);
            return;
        };
        // The enclave goes on, and shows where nothing can be written.
        if let Err(error) = file.write_all(bytes) {
            output.file = None;
            let text = output.text.push(bytes);
            self.show(&format!(
                "warning: the file of `--logs` takes no more: {error}; what follows is shown\n"
            ));
            self.console(&text);
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
