//! An enclave that runs, and what decides how its run ends.
//!
//! | happens | then |
//! |---|---|
//! | the status stream ends after its last event | that is the outcome |
//! | the last event comes and the stream does not end | the same, two seconds later |
//! | the status breaks its protocol, or the streams cannot be served | the run is broken |
//! | the process that holds the enclave ends | what is still under way may arrive; then the run is broken |
//! | a signal, a time-out | the run is over |
//!
//! Whatever the end, the enclave is ended before anything is reported. One that has ended by itself
//! meanwhile is no failure of that.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::error::NitroError;
use super::program::NitroCli;
use super::start::Serving;
use super::{Enclave, Report, Request};
use crate::agent::Counters;
use crate::error::Error;
use crate::process::Child;
use crate::run::{Outcome, Watcher};
use crate::status::{Event, Last};
use crate::threads::Happening;

/// How long the end of the status stream may take after the last event.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long what an enclave sent before its end may take to arrive.
const AFTERMATH: Duration = Duration::from_millis(500);
/// How long the program that shows the console may take to end.
const GRACE: Duration = Duration::from_secs(1);
/// How long the rest of the console may take to be shown.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// What happens when a deadline passes.
#[derive(Debug, Clone, Copy)]
enum Due {
    TimeOut,
    Ready,
    LastWords,
    Aftermath,
}

/// What has been shown to its end.
#[derive(Debug, Default)]
struct Shown {
    console: bool,
    output: bool,
}

/// An enclave that runs.
#[derive(Debug)]
pub(super) struct Running {
    program: NitroCli,
    enclave: Enclave,
    begun: Instant,
    watcher: Arc<dyn Watcher>,
    /// The registers are ours.
    pub(super) compared: bool,
    pub(super) serving: Option<Serving>,
    pub(super) console: Option<Child>,
    shown: Shown,
    restarts: u32,
    counters: Option<Counters>,
    last: Option<Last>,
    boot: Option<(u64, Instant)>,
    ready: Option<Instant>,
    deadlines: Vec<(Instant, Due)>,
    exited: bool,
}

impl Running {
    pub(super) fn new(
        program: NitroCli,
        enclave: Enclave,
        begun: Instant,
        watcher: Arc<dyn Watcher>,
    ) -> Self {
        Self {
            program,
            enclave,
            begun,
            watcher,
            compared: false,
            serving: None,
            console: None,
            shown: Shown::default(),
            restarts: 0,
            counters: None,
            last: None,
            boot: None,
            ready: None,
            deadlines: Vec::new(),
            exited: false,
        }
    }

    pub(super) const fn program(&self) -> &NitroCli {
        &self.program
    }

    pub(super) const fn enclave(&self) -> &Enclave {
        &self.enclave
    }

    /// Ends an enclave that is not what it should be.
    pub(super) fn broken(self, error: NitroError) -> Report {
        self.failed(Error::Nitro(error))
    }

    /// Ends an enclave that cannot be served.
    pub(super) fn failed(self, error: Error) -> Report {
        self.end(Outcome::Broken(error), None)
    }

    /// Watches the enclave until something decides, and ends it.
    pub(super) fn watch(
        mut self,
        meanwhile: Vec<Happening>,
        happenings: &Receiver<Happening>,
        request: &Request,
    ) -> Report {
        let begun = self.begun;
        self.due(begun, request.timeout, Due::TimeOut);
        self.due(begun, request.ready_timeout, Due::Ready);
        let mut meanwhile = meanwhile.into_iter();
        let outcome = loop {
            let next = match meanwhile.next() {
                Some(happening) => Ok(happening),
                None => self.next(happenings),
            };
            let decided = match next {
                Ok(happening) => self.take(happening),
                Err(due) => Some(self.decide(due)),
            };
            if let Some(outcome) = decided {
                break outcome;
            }
        };
        self.end(outcome, Some(happenings))
    }

    /// The next thing that happens, or the deadline that passes before.
    fn next(&self, happenings: &Receiver<Happening>) -> Result<Happening, Due> {
        let Some((at, due)) = self.deadlines.iter().min_by_key(|(at, _)| *at) else {
            // The caller keeps a sender, so this waits for ever rather than fail.
            return happenings.recv().map_err(|_| Due::Aftermath);
        };
        let left = at.saturating_duration_since(Instant::now());
        happenings.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => *due,
            RecvTimeoutError::Disconnected => Due::Aftermath,
        })
    }

    /// Sets a deadline, if there is a limit.
    fn due(&mut self, from: Instant, limit: Option<Duration>, due: Due) {
        // A time that no clock can show is never.
        if let Some(at) = limit.and_then(|limit| from.checked_add(limit)) {
            self.deadlines.push((at, due));
        }
    }

    fn take(&mut self, happening: Happening) -> Option<Outcome> {
        let now = Instant::now();
        match happening {
            Happening::Status(event) => self.take_event(event, now),
            Happening::Ready(ready_ms) => {
                self.watcher.ready(ready_ms);
                self.ready = Some(now);
                self.deadlines.retain(|(_, due)| !matches!(due, Due::Ready));
            }
            Happening::Counted(counters) => {
                self.watcher.counted(&counters);
                self.counters = Some(counters);
            }
            Happening::OutputEnded => self.shown.output = true,
            Happening::Denied(denied) => self.watcher.denied(&denied),
            Happening::Exited => {
                self.exited = true;
                self.due(now, Some(AFTERMATH), Due::Aftermath);
            }
            Happening::ConsoleEnded => self.shown.console = true,
            Happening::StatusEnded => return self.last.take().map(Outcome::Told),
            Happening::StatusBroken(error) => {
                return Some(Outcome::Broken(Error::Status(error)));
            }
            Happening::Signal(signal) => {
                let signal = u8::try_from(signal).unwrap_or(u8::MAX);
                return Some(Outcome::Interrupted(signal));
            }
            Happening::Unlinked(Err(error)) => return Some(Outcome::Broken(error)),
            // What the vendor's program says beside a console; and of an emulated machine alone.
            Happening::Messages(_)
            | Happening::ConsoleBegan
            | Happening::Unlinked(Ok(()))
            | Happening::Stopped(_) => {}
        }
        None
    }

    fn take_event(&mut self, event: Event, now: Instant) {
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
                self.due(now, Some(LAST_WORDS), Due::LastWords);
            }
        }
    }

    fn decide(&mut self, due: Due) -> Outcome {
        match (self.last.take(), due) {
            (Some(last), _) => Outcome::Told(last),
            (None, Due::TimeOut) => Outcome::TimedOut,
            (None, Due::Ready) => Outcome::NotReady,
            (None, Due::LastWords | Due::Aftermath) => {
                Outcome::Broken(Error::Nitro(NitroError::Ended))
            }
        }
    }

    /// Ends the enclave, then its streams, and shows the rest of its console.
    fn end(mut self, outcome: Outcome, happenings: Option<&Receiver<Happening>>) -> Report {
        let left = self.terminate();
        let strangers = self.serving.take().map_or(0, Serving::end);
        // It ends with the enclave; one that does not is ended.
        match self.console.take() {
            Some(mut console) => drop(console.end(GRACE)),
            None => self.shown.console = true,
        }
        self.show_rest(happenings);
        let after = |at: Instant| {
            let passed = at.saturating_duration_since(self.begun).as_millis();
            u64::try_from(passed).unwrap_or(u64::MAX)
        };
        Report {
            outcome,
            compared: self.compared,
            boot_ms: self.boot.map(|(boot_ms, _)| boot_ms),
            start_ms: self.boot.map(|(_, at)| after(at)),
            ready_ms: self.ready.map(after),
            restarts: self.restarts,
            counters: self.counters,
            enclave: self.enclave,
            strangers,
            left,
        }
    }

    /// Ends the enclave; gives the reason why it may still be there.
    fn terminate(&self) -> Option<NitroError> {
        if self.exited {
            return None;
        }
        let error = self.program.terminate(&self.enclave.id).err()?;
        // It may have ended by itself between the two.
        match self.program.describe() {
            Ok(enclaves) if !enclaves.iter().any(|other| other.id == self.enclave.id) => None,
            Ok(_) | Err(_) => Some(error),
        }
    }

    fn show_rest(&mut self, happenings: Option<&Receiver<Happening>>) {
        let Some(happenings) = happenings else { return };
        let until = Instant::now() + LAST_OUTPUT;
        while !self.shown.console || !self.shown.output {
            let left = until.saturating_duration_since(Instant::now());
            match happenings.recv_timeout(left) {
                Ok(Happening::ConsoleEnded) => self.shown.console = true,
                Ok(Happening::OutputEnded) => self.shown.output = true,
                // What the agent said before the end counts.
                Ok(Happening::Counted(counters)) => self.counters = Some(counters),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }
}
