//! What the parent does with a stream that the guest has opened, by port.
//!
//! | port | what | here |
//! |---|---|---|
//! | 9000 | heartbeat: one byte 0xB7, and the same back | [`Heartbeat`] |
//! | 9001 | status: lines of JSON, one stream in an enclave's life | [`Status`] |
//! | 9006 | the agent's word that the application can be reached, one stream too | [`Status`] |
//! | 9003 | calls to outside | [`crate::egress`] |
//!
//! A service is a value that is given bytes and gives bytes, and never waits. Those of the table
//! take everything at once; one with a socket behind it keeps what the socket does not take, and is
//! told when that has changed ([`Service::flush`], [`Service::say`]).

use std::collections::VecDeque;
use std::fmt;

use super::parent::{Ends, MAX_ACCEPTED};

/// What becomes of a stream after a service has seen what there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It stays open.
    Open,
    /// The service says no more, and still listens.
    Finish,
    /// It is closed once the reply has been sent.
    Close,
    /// It is ended at once; the guest broke the protocol of this port.
    Reset,
}

/// One stream, as the parent sees it.
pub(crate) trait Service: Send + Sync + fmt::Debug {
    /// Takes `bytes`; what it has to say goes behind `reply`.
    fn receive(&mut self, bytes: &[u8], reply: &mut VecDeque<u8>) -> Next;

    /// The guest sends no more.
    fn finish(&mut self) -> Next;

    /// Bytes received that have not gone where they belong. The guest gets no credit for them.
    fn waiting(&self) -> usize {
        0
    }

    /// Moves on what waits, as far as that goes now.
    fn flush(&mut self) -> Next {
        Next::Open
    }

    /// Whether there is something left to do when the stream is over.
    fn outlives(&self) -> bool {
        self.waiting() > 0
    }

    /// Puts at most `room` bytes, of which nobody asked, behind `reply`.
    fn say(&mut self, _room: usize, _reply: &mut VecDeque<u8>) -> Next {
        Next::Open
    }
}

/// A port on which the parent listens.
pub(crate) trait Port: Send + Sync + fmt::Debug {
    /// A stream with these ends, that the guest opens; `None` refuses it.
    fn accept(&mut self, ends: Ends) -> Option<Box<dyn Service>>;

    /// Streams at a time, with the services that are left of such.
    fn most(&self) -> usize {
        MAX_ACCEPTED
    }
}

/// The byte by which an enclave says that it has booted.
const HEARTBEAT: u8 = 0xb7;

/// The heartbeat port. May be called more than once: a guest may try again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeartbeatPort;

impl Port for HeartbeatPort {
    fn accept(&mut self, _ends: Ends) -> Option<Box<dyn Service>> {
        Some(Box::new(Heartbeat))
    }
}

/// One heartbeat.
#[derive(Debug)]
struct Heartbeat;

impl Service for Heartbeat {
    fn receive(&mut self, bytes: &[u8], reply: &mut VecDeque<u8>) -> Next {
        if bytes == [HEARTBEAT] {
            reply.push_back(HEARTBEAT);
            Next::Open
        } else {
            Next::Reset
        }
    }

    fn finish(&mut self) -> Next {
        Next::Close
    }
}

/// What a listener is told of the status stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusBytes {
    /// The next bytes.
    More(Vec<u8>),
    /// The guest sends no more.
    End,
}

/// Hears the status stream; says whether it goes on.
pub(crate) type Hearer = Box<dyn FnMut(StatusBytes) -> Next + Send + Sync>;

/// A port of one stream, and no second one: status, and the agent's word.
pub(crate) struct StatusPort(Option<Hearer>);

impl StatusPort {
    /// A port whose stream `hearer` listens to.
    pub(crate) fn new(hearer: Hearer) -> Self {
        Self(Some(hearer))
    }
}

impl fmt::Debug for StatusPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = self.0.is_none();
        f.debug_struct("StatusPort").field("taken", &taken).finish()
    }
}

impl Port for StatusPort {
    fn accept(&mut self, _ends: Ends) -> Option<Box<dyn Service>> {
        Some(Box::new(Status(self.0.take()?)))
    }
}

/// The status stream.
struct Status(Hearer);

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Status")
    }
}

impl Service for Status {
    fn receive(&mut self, bytes: &[u8], _reply: &mut VecDeque<u8>) -> Next {
        (self.0)(StatusBytes::More(bytes.to_vec()))
    }

    fn finish(&mut self) -> Next {
        (self.0)(StatusBytes::End);
        Next::Close
    }
}
