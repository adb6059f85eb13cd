//! An enclave that runs, and what decides how its run ends.
//!
//! | happens | then |
//! |---|---|
//! | what happens to every enclave | see [`crate::course`] |
//! | the streams cannot be served | the run is broken |
//! | the process that holds the enclave ends | what is still under way may arrive; then the run is broken |
//!
//! Whatever the end, the enclave is ended before anything is reported. One that has ended by itself
//! meanwhile is no failure of that.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::error::NitroError;
use super::program::NitroCli;
use super::start::Serving;
use super::{Enclave, Report};
use crate::course::Hearing;
use crate::error::Error;
use crate::process::Child;
use crate::run::Outcome;
use crate::threads::{Carrier, Happening};

/// How long the program that shows the console may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// An enclave that runs.
#[derive(Debug)]
pub(super) struct Running {
    program: NitroCli,
    enclave: Enclave,
    hearing: Hearing,
    /// The registers are ours.
    pub(super) compared: bool,
    pub(super) serving: Option<Serving>,
    pub(super) console: Option<Child>,
    exited: bool,
}

impl Running {
    pub(super) const fn new(program: NitroCli, enclave: Enclave, hearing: Hearing) -> Self {
        Self {
            program,
            enclave,
            hearing,
            compared: false,
            serving: None,
            console: None,
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
    ) -> Report {
        let mut meanwhile = meanwhile.into_iter();
        let outcome = loop {
            let next = match meanwhile.next() {
                Some(happening) => Ok(happening),
                None => self.hearing.next(happenings),
            };
            let decided = match next {
                Ok(happening) => self.take(happening),
                Err(due) => {
                    let outcome = self.hearing.decide(due);
                    let ended = || Outcome::Broken(Error::Nitro(NitroError::Ended));
                    Some(outcome.unwrap_or_else(ended))
                }
            };
            if let Some(outcome) = decided {
                break outcome;
            }
        };
        self.end(outcome, Some(happenings))
    }

    fn take(&mut self, happening: Happening) -> Option<Outcome> {
        let carrier = match happening {
            Happening::Said(said) => return self.hearing.take(said),
            Happening::Carrier(carrier) => carrier,
        };
        match carrier {
            Carrier::Exited => {
                self.exited = true;
                self.hearing.expect_aftermath();
                None
            }
            Carrier::Unlinked(Err(error)) => Some(Outcome::Broken(error)),
            // What the vendor's program says beside a console; and of an emulated machine alone.
            Carrier::Messages(_)
            | Carrier::ConsoleBegan
            | Carrier::Unlinked(Ok(()))
            | Carrier::Stopped(_) => None,
        }
    }

    /// Ends the enclave, then its streams, and shows the rest of its console.
    fn end(mut self, outcome: Outcome, happenings: Option<&Receiver<Happening>>) -> Report {
        let left = self.terminate();
        let strangers = self.serving.take().map_or(0, Serving::end);
        // It ends with the enclave; one that does not is ended.
        match self.console.take() {
            Some(mut console) => drop(console.end(GRACE)),
            None => self.hearing.has_no_console(),
        }
        if let Some(happenings) = happenings {
            self.hearing.rest(happenings, |_| true);
        }
        Report {
            outcome,
            compared: self.compared,
            course: self.hearing.course(),
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
}
