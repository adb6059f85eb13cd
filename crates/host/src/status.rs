//! The status stream: what the enclave's init says about the application, in lines of JSON.
//!
//! | line | when |
//! |---|---|
//! | `{"schema":1,"event":"starting","release":TEXT}` | first |
//! | `{"schema":1,"event":"started","boot_ms":N}` | the application runs |
//! | `{"schema":1,"event":"restarting","restart":N,"code":N}`, or with `signal` | it has failed and is started again; `started` follows |
//! | `{"schema":1,"event":"exited","code":N}` | last: it has ended by itself |
//! | `{"schema":1,"event":"signaled","signal":N}` | last: a signal has ended it |
//! | `{"schema":1,"event":"failed","failure":ID,"status":N,"message":TEXT}` | last: init could not go on |
//!
//! A line has at most [`MAX_LINE`] bytes. The guest is not trusted: a line that is none of these,
//! has another field, or comes where it has no place is an error, and what was said before does
//! not become the application's status. A guest can still lie about its application; that is what
//! attestation is for.

use serde::Deserialize;
use thiserror::Error;

/// Bytes of a line, without its newline.
pub const MAX_LINE: usize = 4096;
/// The version of the lines.
const SCHEMA: u32 = 1;

/// How the enclave's application ended, in init's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Last {
    /// It ended by itself.
    Exited {
        /// Its exit status.
        code: u8,
    },
    /// A signal ended it.
    Signaled {
        /// The signal's number, 1 to 64.
        signal: u8,
    },
    /// Init could not start it, or not go on.
    Failed {
        /// Which failure, in kebab-case.
        failure: String,
        /// Init's own exit status for it.
        status: u8,
        /// What happened. Text from the guest: to be escaped before it is shown.
        message: String,
    },
}

/// How an application failed that is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It ended by itself, with this exit status.
    Exited(u8),
    /// This signal ended it, 1 to 64.
    Signaled(u8),
}

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Init runs.
    Starting {
        /// Release of the init program. Text from the guest.
        release: String,
    },
    /// The application runs.
    Started {
        /// Milliseconds since the enclave's kernel began.
        boot_ms: u64,
    },
    /// The application has failed and is started again.
    Restarting {
        /// Which start this is, behind the first; from 1.
        restart: u32,
        /// How it failed.
        failed: Failed,
    },
    /// The application has ended.
    Ended(Last),
}

/// A stream that breaks the protocol. None of them repeats the guest's bytes.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StatusError {
    /// A line without an end.
    #[error("status line {line}: longer than {MAX_LINE} bytes")]
    TooLong {
        /// Which line, from 1.
        line: u32,
    },
    /// Not one of the lines.
    #[error("status line {line}: not an event of schema {SCHEMA}")]
    Unknown {
        /// Which line, from 1.
        line: u32,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// An event of another schema.
    #[error("status line {line}: expected schema {SCHEMA}, found {found}")]
    Schema {
        /// Which line, from 1.
        line: u32,
        /// The number found.
        found: u32,
    },
    /// A signal that does not exist.
    #[error("status line {line}: expected a signal from 1 to 64, found {found}")]
    Signal {
        /// Which line, from 1.
        line: u32,
        /// The number found.
        found: u8,
    },
    /// An event where it has no place.
    #[error("status line {line}: `{event}` has no place {place}")]
    Order {
        /// Which line, from 1.
        line: u32,
        /// The event.
        event: &'static str,
        /// Where it came.
        place: &'static str,
    },
    /// Something follows the last event.
    #[error("status line {line}: nothing may follow the last event")]
    AfterLast {
        /// Which line, from 1.
        line: u32,
    },
    /// The stream ended early.
    #[error("the status stream ended without a last event")]
    NoLast,
}

/// A line as it is written.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    Starting {
        schema: u32,
        release: String,
    },
    Started {
        schema: u32,
        boot_ms: u64,
    },
    Restarting {
        schema: u32,
        restart: u32,
        code: Option<u8>,
        signal: Option<u8>,
    },
    Exited {
        schema: u32,
        code: u8,
    },
    Signaled {
        schema: u32,
        signal: u8,
    },
    Failed {
        schema: u32,
        failure: String,
        status: u8,
        message: String,
    },
}

impl Line {
    const fn schema(&self) -> u32 {
        match self {
            Self::Starting { schema, .. }
            | Self::Started { schema, .. }
            | Self::Restarting { schema, .. }
            | Self::Exited { schema, .. }
            | Self::Signaled { schema, .. }
            | Self::Failed { schema, .. } => *schema,
        }
    }
}

/// How far the stream has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nothing,
    Starting,
    Started,
    Restarting,
    Ended,
}

impl Stage {
    const fn place(self) -> &'static str {
        match self {
            Self::Nothing => "before `starting`",
            Self::Starting => "before `started`",
            Self::Started => "after `started`",
            Self::Restarting => "after `restarting`",
            Self::Ended => "after the last event",
        }
    }
}

/// Reads the stream from pieces of any size.
#[derive(Debug)]
pub struct StatusReader {
    rest: Vec<u8>,
    line: u32,
    stage: Stage,
}

impl Default for StatusReader {
    fn default() -> Self {
        Self {
            rest: Vec::new(),
            line: 1,
            stage: Stage::Nothing,
        }
    }
}

impl StatusReader {
    /// Takes the next bytes and gives the events that they complete.
    ///
    /// # Errors
    ///
    /// The first line that breaks the protocol. Events before it in the same piece are lost with
    /// it: a stream that is broken says nothing. The reader must not be used after that.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, StatusError> {
        let mut events = Vec::new();
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (head, tail) = bytes.split_at(end);
            self.keep(head)?;
            let line = std::mem::take(&mut self.rest);
            events.push(self.parse(&line)?);
            self.line = self.line.saturating_add(1);
            bytes = tail.get(1..).unwrap_or_default();
        }
        self.keep(bytes)?;
        Ok(events)
    }

    /// The stream is at its end.
    ///
    /// # Errors
    ///
    /// When it had no last event, or bytes after it.
    pub const fn finish(&self) -> Result<(), StatusError> {
        if matches!(self.stage, Stage::Ended) {
            Ok(())
        } else {
            Err(StatusError::NoLast)
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), StatusError> {
        let line = self.line;
        if bytes.is_empty() {
            return Ok(());
        }
        if self.stage == Stage::Ended {
            return Err(StatusError::AfterLast { line });
        }
        if self.rest.len().saturating_add(bytes.len()) > MAX_LINE {
            return Err(StatusError::TooLong { line });
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    fn parse(&mut self, text: &[u8]) -> Result<Event, StatusError> {
        let line = self.line;
        if self.stage == Stage::Ended {
            return Err(StatusError::AfterLast { line });
        }
        let parsed: Line =
            serde_json::from_slice(text).map_err(|source| StatusError::Unknown { line, source })?;
        let found = parsed.schema();
        if found != SCHEMA {
            return Err(StatusError::Schema { line, found });
        }
        let (event, name, before, after) = match parsed {
            Line::Starting { release, .. } => {
                let event = Event::Starting { release };
                (event, "starting", Stage::Nothing, Stage::Starting)
            }
            Line::Started { boot_ms, .. } => {
                let event = Event::Started { boot_ms };
                let before = self.at_one_of([Stage::Restarting, Stage::Starting]);
                (event, "started", before, Stage::Started)
            }
            Line::Restarting {
                restart,
                code,
                signal,
                ..
            } => {
                let failed = match (code, signal) {
                    (Some(code), None) => Failed::Exited(code),
                    (None, Some(signal @ 1..=64)) => Failed::Signaled(signal),
                    (_, found) => {
                        let found = found.unwrap_or(0);
                        return Err(StatusError::Signal { line, found });
                    }
                };
                let event = Event::Restarting { restart, failed };
                (event, "restarting", Stage::Started, Stage::Restarting)
            }
            Line::Exited { code, .. } => {
                let event = Event::Ended(Last::Exited { code });
                (event, "exited", Stage::Started, Stage::Ended)
            }
            Line::Signaled { signal, .. } => {
                if !(1..=64).contains(&signal) {
                    return Err(StatusError::Signal {
                        line,
                        found: signal,
                    });
                }
                let event = Event::Ended(Last::Signaled { signal });
                (event, "signaled", Stage::Started, Stage::Ended)
            }
            Line::Failed {
                failure,
                status,
                message,
                ..
            } => {
                let event = Event::Ended(Last::Failed {
                    failure,
                    status,
                    message,
                });
                // Init may fail before and after it has started the application.
                let before = self.at_one_of([Stage::Started, Stage::Restarting, Stage::Starting]);
                (event, "failed", before, Stage::Ended)
            }
        };
        if self.stage != before {
            return Err(StatusError::Order {
                line,
                event: name,
                place: self.stage.place(),
            });
        }
        self.stage = after;
        Ok(event)
    }

    /// The stage of these in which the stream is; the last one if it is in none.
    fn at_one_of<const N: usize>(&self, stages: [Stage; N]) -> Stage {
        let last = stages.last().copied().unwrap_or(self.stage);
        let mut stages = stages.into_iter();
        stages.find(|stage| *stage == self.stage).unwrap_or(last)
    }
}

#[cfg(test)]
mod tests;
