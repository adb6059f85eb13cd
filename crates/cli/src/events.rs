//! `run --events` and `host --events`: what happens as it happens, one JSON object in a line.

use std::sync::{Mutex, PoisonError};

use enclair_host::{Counters, Denied, Event, Failed, Publish};
use schemars::JsonSchema;
use serde::Serialize;

use crate::printer::Printer;
use crate::run_documents::{CountersDocument, OutcomeName, PublishedDocument};

/// Version of the lines.
const SCHEMA: u32 = 1;

/// A line.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventDocument {
    /// Version of this document.
    schema: u32,
    #[serde(flatten)]
    event: EventName,
}

/// What has happened.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(crate) enum EventName {
    /// Connections are taken at an address.
    Published(PublishedDocument),
    /// The enclave's init runs.
    Starting {
        /// Its release, in the guest's words.
        release: String,
    },
    /// The application runs.
    Started {
        /// Milliseconds since the kernel's start, in the guest's words.
        boot_ms: u64,
    },
    /// The application can be reached.
    Ready {
        /// Milliseconds since the kernel's start, in the guest's words.
        ready_ms: u64,
    },
    /// The application has failed and is started again.
    Restarting {
        /// Which start, behind the first.
        restart: u32,
        /// Its exit status, if it has ended by itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<u8>,
        /// The signal that ended it, if one did.
        #[serde(skip_serializing_if = "Option::is_none")]
        signal: Option<u8>,
    },
    /// The enclave has asked for a connection that this machine does not make for it.
    Denied {
        /// Whom it asked for. Text of the guest.
        target: String,
        /// The address that this machine keeps to itself; absent where calls are off.
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    /// The agent has counted.
    Counters(CountersDocument),
    /// Output of the application that nobody took in time.
    OutputLost {
        /// Bytes.
        bytes: u64,
    },
    /// The last line.
    Ended {
        /// How.
        outcome: OutcomeName,
        /// The exit status of the command.
        status: u8,
    },
}

/// Where the lines go.
#[derive(Debug)]
pub(crate) struct Events(Mutex<Printer>);

impl Events {
    pub(crate) const fn new(printer: Printer) -> Self {
        Self(Mutex::new(printer))
    }

    /// Writes a line. A reader that has gone is not told, and the enclave goes on.
    pub(crate) fn say(&self, event: EventName) {
        let document = EventDocument {
            schema: SCHEMA,
            event,
        };
        let printer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(mut line) = serde_json::to_vec(&document) {
            line.push(b'\n');
            let _ = printer.bytes(&line);
        }
    }

    pub(crate) fn published(&self, published: &[Publish]) {
        for publish in published {
            self.say(EventName::Published(PublishedDocument::from(publish)));
        }
    }

    /// An event of the status stream. Its last one says less than the command's own.
    pub(crate) fn status(&self, event: &Event) {
        self.say(match event {
            Event::Starting { release } => EventName::Starting {
                release: release.clone(),
            },
            Event::Started { boot_ms } => EventName::Started { boot_ms: *boot_ms },
            Event::Restarting { restart, failed } => {
                let (code, signal) = match *failed {
                    Failed::Exited(code) => (Some(code), None),
                    Failed::Signaled(signal) => (None, Some(signal)),
                };
                EventName::Restarting {
                    restart: *restart,
                    code,
                    signal,
                }
            }
            Event::Ended(_) => return,
        });
    }

    pub(crate) fn denied(&self, Denied { target, address }: &Denied) {
        self.say(EventName::Denied {
            target: target.clone(),
            address: address.map(|address| address.to_string()),
        });
    }

    pub(crate) fn counted(&self, counters: &Counters) {
        self.say(EventName::Counters(CountersDocument::from(counters)));
    }
}
