//! The course of a run: what the enclave has said of itself, and until when it must say more. The part
//! that emulated and real enclaves share; what else happens to either decides its own supervisor.
//!
//! | happens | then |
//! |---|---|
//! | the status stream ends after its last event | that is the outcome |
//! | the last event comes and the stream does not end | the same, two seconds later |
//! | the status breaks its protocol | the run is broken |
//! | a signal, a time-out | the run is over |

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::agent::Counters;
use crate::error::Error;
use crate::run::{Outcome, Watcher};
use crate::status::{Event, Last};
use crate::threads::{Carrier, Happening, Said};

/// How long the end of the status stream may take after the last event.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How long what an enclave sent before its end may take to arrive.
const AFTERMATH: Duration = Duration::from_millis(500);
/// How long the rest of console and output may take to be shown.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// What an enclave has said of itself while it ran, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Course {
    /// Milliseconds from the kernel's start to the application's first, in the guest's words.
    pub boot_ms: Option<u64>,
    /// Milliseconds from the start of the machine to when the guest said so.
    pub start_ms: Option<u64>,
    /// Milliseconds from the start of the machine to when the application could be reached.
    pub ready_ms: Option<u64>,
    /// How often the application was started again.
    pub restarts: u32,
    /// What the agent has counted, as it said last; `None` if it said nothing.
    pub counters: Option<Counters>,
}

/// What happens when a deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    TimeOut,
    Ready,
    LastWords,
    Aftermath,
}

/// Hears what happens.
#[derive(Debug)]
pub(crate) struct Hearing {
    watcher: Arc<dyn Watcher>,
    begun: Instant,
    course: Course,
    last: Option<Last>,
    deadlines: Vec<(Instant, Due)>,
    /// Everything of the console has been shown.
    console_ended: bool,
    /// Everything of the application's output has been.
    output_ended: bool,
}

impl Hearing {
    /// Begins, `begun` being the start of the machine.
    pub(crate) fn new(
        watcher: Arc<dyn Watcher>,
        begun: Instant,
        timeout: Option<Duration>,
        ready_timeout: Option<Duration>,
    ) -> Self {
        let mut hearing = Self {
            watcher,
            begun,
            course: Course::default(),
            last: None,
            deadlines: Vec::new(),
            console_ended: false,
            output_ended: false,
        };
        let limits = [(timeout, Due::TimeOut), (ready_timeout, Due::Ready)];
        for (limit, due) in limits {
            if let Some(limit) = limit {
                hearing.due(begun, limit, due);
            }
        }
        hearing
    }

    /// The next thing that happens, or the deadline that passes before.
    pub(crate) fn next(&self, happenings: &Receiver<Happening>) -> Result<Happening, Due> {
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

    fn due(&mut self, from: Instant, after: Duration, due: Due) {
        // A time that no clock can show is never.
        if let Some(at) = from.checked_add(after) {
            self.deadlines.push((at, due));
        }
    }

    /// The enclave is gone: only what it has sent before may still arrive.
    pub(crate) fn expect_aftermath(&mut self) {
        self.due(Instant::now(), AFTERMATH, Due::Aftermath);
    }

    /// Takes what has happened.
    pub(crate) fn take(&mut self, said: Said) -> Option<Outcome> {
        match said {
            Said::Status(event) => self.take_event(event),
            Said::Ready(ready_ms) => {
                self.watcher.ready(ready_ms);
                self.course.ready_ms = Some(self.passed());
                self.deadlines.retain(|(_, due)| *due != Due::Ready);
            }
            Said::Denied(denied) => self.watcher.denied(&denied),
            Said::Counted(counters) => {
                self.watcher.counted(&counters);
                self.course.counters = Some(counters);
            }
            Said::ConsoleEnded => self.console_ended = true,
            Said::OutputEnded => self.output_ended = true,
            Said::StatusEnded => return self.last.take().map(Outcome::Told),
            Said::StatusBroken(error) => return Some(Outcome::Broken(Error::Status(error))),
            Said::Signal(signal) => {
                let signal = u8::try_from(signal).unwrap_or(u8::MAX);
                return Some(Outcome::Interrupted(signal));
            }
        }
        None
    }

    fn take_event(&mut self, event: Event) {
        self.watcher.event(&event);
        match event {
            Event::Starting { .. } => {}
            Event::Started { boot_ms } => {
                // The first start is the enclave's.
                if self.course.boot_ms.is_none() {
                    self.course.boot_ms = Some(boot_ms);
                    self.course.start_ms = Some(self.passed());
                }
            }
            Event::Restarting { restart, .. } => self.course.restarts = restart,
            Event::Ended(last) => {
                self.last = Some(last);
                self.due(Instant::now(), LAST_WORDS, Due::LastWords);
            }
        }
    }

    /// What a deadline decides; `None` when the enclave has ended without a last word.
    pub(crate) fn decide(&mut self, due: Due) -> Option<Outcome> {
        match (self.last.take(), due) {
            (Some(last), _) => Some(Outcome::Told(last)),
            (None, Due::TimeOut) => Some(Outcome::TimedOut),
            (None, Due::Ready) => Some(Outcome::NotReady),
            (None, Due::LastWords | Due::Aftermath) => None,
        }
    }

    /// Nobody shows a console.
    pub(crate) const fn has_no_console(&mut self) {
        self.console_ended = true;
    }

    /// Hears the rest of what is shown, after the end, but not for long; `is_done` sees what else
    /// happens, and says whether it waits for no more of that.
    pub(crate) fn rest(
        &mut self,
        happenings: &Receiver<Happening>,
        mut is_done: impl FnMut(Option<Carrier>) -> bool,
    ) {
        let until = Instant::now() + LAST_OUTPUT;
        let mut done = is_done(None);
        while !(done && self.console_ended && self.output_ended) {
            let left = until.saturating_duration_since(Instant::now());
            match happenings.recv_timeout(left) {
                Ok(Happening::Carrier(carrier)) => done = is_done(Some(carrier)),
                // How it ended is known; what it had still to say is said.
                Ok(Happening::Said(said)) => drop(self.take(said)),
                Err(_) => return,
            }
        }
    }

    /// What is known.
    pub(crate) const fn course(&self) -> Course {
        self.course
    }

    /// Milliseconds since the start.
    fn passed(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
