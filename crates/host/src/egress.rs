//! Egress: connections that the enclave asks for, made by this machine.
//!
//! The enclave opens a stream to port 9003 for each connection and says one line. The parent
//! answers one, and after `ok` the stream is the connection.
//!
//! | who | says | |
//! |---|---|---|
//! | enclave | `connect HOST PORT\n` | at most 300 bytes with the newline; what comes behind it belongs to the connection |
//! | parent | `ok\n` | bytes go both ways from here on, unchanged; each half is closed by itself |
//! | parent | `refused REASON\n` | and the end of the stream |
//!
//! | part | what |
//! |---|---|
//! | HOST | a name of letters in lower case, digits, `-`, `_` and `.`, at most 253 bytes; an IPv4 address; an IPv6 address without brackets; `host`, which is 127.0.0.1 of the parent |
//! | PORT | 1 to 65535, decimal, without leading zeros |
//!
//! | REASON | when |
//! |---|---|
//! | `malformed` | the line has another form, or the stream has ended before the line has |
//! | `not-allowed` | the parent's own rules: see [`Egress`] |
//! | `not-found` | the name has no address |
//! | `refused` | nobody listens |
//! | `unreachable` | no way leads there |
//! | `timed-out` | resolving and connecting took 15 seconds |
//! | `too-many` | there are 1,024 connections or 64 dials, or this machine has no more room |
//!
//! Of several addresses those that are allowed are tried in order, and the last one's reason counts.
//! A stream that the guest ends before the answer ends its dial: there is no connection for it, or
//! one that is closed again before a byte has passed.
//!
//! Which targets an image may reach is not decided here but inside of the enclave, by rules that
//! are measured. Names are resolved with this machine's resolver, and nothing is logged.

mod dial;
mod line;
mod policy;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustix::io::Errno;

use dial::{Dial, Dials, MAX_CONNECTIONS, MAX_DIALS, Settings};
pub(crate) use dial::{Dialler, OnDenied};
use line::{Line, Progress};
pub use policy::{Egress, Network, NetworkError};

use crate::sockets::connection::Connection;
use crate::vsock::parent::Ends;
use crate::vsock::service::{Next, Port, Service};

/// Streams at a time: all connections, and some that are about to be refused.
const MAX_STREAMS: usize = MAX_CONNECTIONS + MAX_DIALS;
/// The answer to a target that is connected.
const CONNECTED: &[u8] = b"ok\n";

/// A target that the parent has refused by its own rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// What the enclave has asked for, as `HOST:PORT`.
    pub target: String,
    /// The first of its addresses, all of which [`Egress`] refuses; `None` if calls are off.
    pub address: Option<IpAddr>,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Malformed,
    NotAllowed,
    NotFound,
    Refused,
    Unreachable,
    TimedOut,
    TooMany,
}

impl Reason {
    /// The reason that an error of a connection gives.
    fn of(error: &io::Error) -> Self {
        // What waited too long has no number.
        if error.kind() == io::ErrorKind::TimedOut {
            return Self::TimedOut;
        }
        match Errno::from_io_error(error) {
            Some(Errno::CONNREFUSED | Errno::CONNRESET) => Self::Refused,
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Self::TooMany,
            Some(_) | None => Self::Unreachable,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Malformed => "malformed",
            Self::NotAllowed => "not-allowed",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::TooMany => "too-many",
        })
    }
}

/// The port of egress, and what the thread of the rings has to do for it.
pub(crate) fn open(rules: Egress, on_denied: OnDenied) -> io::Result<(EgressPort, Dialler)> {
    open_with(Settings::new(rules, on_denied))
}

fn open_with(settings: Settings) -> io::Result<(EgressPort, Dialler)> {
    let dialler = Dialler::new(settings)?;
    let port = EgressPort(Arc::clone(dialler.dials()));
    Ok((port, dialler))
}

/// The port of egress.
#[derive(Debug)]
pub(crate) struct EgressPort(Arc<Dials>);

impl Port for EgressPort {
    fn accept(&mut self, ends: Ends) -> Option<Box<dyn Service>> {
        Some(Box::new(Call {
            dials: Arc::clone(&self.0),
            ends,
            state: State::Asked(Line::default()),
            dial: None,
            answer: Vec::new(),
            guest_finished: false,
        }))
    }

    fn most(&self) -> usize {
        MAX_STREAMS
    }
}

/// One stream: a line, a dial, a connection.
#[derive(Debug)]
struct Call {
    dials: Arc<Dials>,
    ends: Ends,
    state: State,
    /// There while the stream counts as a connection.
    dial: Option<Dial>,
    /// What has to be said before anything else.
    answer: Vec<u8>,
    guest_finished: bool,
}

#[derive(Debug)]
enum State {
    /// The line has not ended.
    Asked(Line),
    /// There will be a connection, for which these bytes wait.
    Dialled(Vec<u8>),
    /// There is one.
    Connected(Connection),
    /// There will be none. What still comes is nobody's.
    Refused,
}

impl Call {
    /// Takes bytes of the line, and perhaps behind it.
    fn take_line(&mut self, bytes: &[u8]) {
        let State::Asked(line) = &mut self.state else {
            return;
        };
        match line.push(bytes) {
            Progress::Begun => {}
            Progress::Whole(target, rest) => match self.dials.start(self.ends, target) {
                Ok(dial) => {
                    self.dial = Some(dial);
                    self.state = State::Dialled(rest.to_vec());
                }
                Err(reason) => self.refuse(reason),
            },
            Progress::Malformed => self.refuse(Reason::Malformed),
        }
    }

    fn refuse(&mut self, reason: Reason) {
        self.state = State::Refused;
        self.dial = None;
        self.answer = format!("refused {reason}\n").into_bytes();
    }

    /// Takes the result of the dial, if it is there.
    fn take_result(&mut self) -> Next {
        match self.dial.as_ref().and_then(Dial::take) {
            None => Next::Open,
            Some(Ok(connection)) => self.connect(connection),
            Some(Err(reason)) => {
                self.refuse(reason);
                Next::Open
            }
        }
    }

    /// Passes on what has waited for the connection.
    fn connect(&mut self, mut connection: Connection) -> Next {
        let state = std::mem::replace(&mut self.state, State::Refused);
        let State::Dialled(waiting) = state else {
            return Next::Reset;
        };
        self.answer = CONNECTED.to_vec();
        let mut next = connection.receive(&waiting, &mut VecDeque::new());
        if self.guest_finished && next == Next::Open {
            next = connection.finish();
        }
        self.state = State::Connected(connection);
        next
    }

    /// Says the answer, if there is one that has not been said.
    fn say_answer(&mut self, reply: &mut VecDeque<u8>) -> Next {
        reply.extend(self.answer.drain(..));
        match (&self.state, self.guest_finished) {
            (State::Asked(_) | State::Dialled(_) | State::Connected(_), _) => Next::Open,
            // A guest that has more to say would be reset, and might never read the answer.
            (State::Refused, false) => Next::Finish,
            (State::Refused, true) => Next::Close,
        }
    }
}

impl Service for Call {
    fn receive(&mut self, bytes: &[u8], reply: &mut VecDeque<u8>) -> Next {
        match &mut self.state {
            State::Asked(_) => {
                self.take_line(bytes);
                self.say_answer(reply)
            }
            State::Dialled(waiting) => {
                waiting.extend_from_slice(bytes);
                Next::Open
            }
            State::Connected(connection) => connection.receive(bytes, reply),
            State::Refused => Next::Open,
        }
    }

    fn finish(&mut self) -> Next {
        self.guest_finished = true;
        match &mut self.state {
            State::Asked(_) => {
                self.refuse(Reason::Malformed);
                Next::Open
            }
            State::Connected(connection) => connection.finish(),
            State::Refused if self.answer.is_empty() => Next::Close,
            State::Dialled(_) | State::Refused => Next::Open,
        }
    }

    fn waiting(&self) -> usize {
        match &self.state {
            State::Dialled(waiting) => waiting.len(),
            State::Connected(connection) => connection.waiting(),
            State::Asked(_) | State::Refused => 0,
        }
    }

    fn flush(&mut self) -> Next {
        match &mut self.state {
            State::Dialled(_) => self.take_result(),
            State::Connected(connection) => connection.flush(),
            State::Asked(_) | State::Refused => Next::Open,
        }
    }

    /// Bytes for a connection that there is are passed on; there will be none for others.
    fn outlives(&self) -> bool {
        match &self.state {
            State::Connected(connection) => connection.outlives(),
            State::Asked(_) | State::Dialled(_) | State::Refused => false,
        }
    }

    fn say(&mut self, room: usize, reply: &mut VecDeque<u8>) -> Next {
        let room = room.saturating_sub(self.answer.len());
        let next = self.say_answer(reply);
        match &mut self.state {
            State::Connected(connection) => connection.say(room, reply),
            State::Asked(_) | State::Dialled(_) | State::Refused => next,
        }
    }
}

#[cfg(test)]
mod tests;
