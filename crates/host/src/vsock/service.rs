//! What the parent does with a stream that the guest has opened, by port.
//!
//! | port | what | here |
//! |---|---|---|
//! | 9000 | heartbeat: one byte 0xB7, and the same back | [`Heartbeat`] |
//! | 9001 | status: lines of JSON, one stream in an enclave's life | [`Status`] |
//!
//! A service is a value that is given bytes and gives bytes: it has no socket and never waits.

use std::fmt;

/// What becomes of a stream after a service has seen what there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It stays open.
    Open,
    /// It is closed once the reply has been sent.
    Close,
    /// It is ended at once; the guest broke the protocol of this port.
    Reset,
}

/// One stream, as the parent sees it.
pub(crate) trait Service: Send + Sync + fmt::Debug {
    /// Takes all of `bytes`; what it has to say goes behind `reply`.
    fn receive(&mut self, bytes: &[u8], reply: &mut Vec<u8>) -> Next;

    /// The guest sends no more. The stream is closed once `receive`'s replies have been sent.
    fn finish(&mut self);
}

/// A port on which the parent listens.
pub(crate) trait Port: Send + Sync + fmt::Debug {
    /// A stream that the guest opens; `None` refuses it.
    fn accept(&mut self) -> Option<Box<dyn Service>>;
}

/// The byte by which an enclave says that it has booted.
const HEARTBEAT: u8 = 0xb7;

/// The heartbeat port. May be called more than once: a guest may try again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeartbeatPort;

impl Port for HeartbeatPort {
    fn accept(&mut self) -> Option<Box<dyn Service>> {
        Some(Box::new(Heartbeat))
    }
}

/// One heartbeat.
#[derive(Debug)]
struct Heartbeat;

impl Service for Heartbeat {
    fn receive(&mut self, bytes: &[u8], reply: &mut Vec<u8>) -> Next {
        if bytes == [HEARTBEAT] {
            reply.push(HEARTBEAT);
            Next::Open
        } else {
            Next::Reset
        }
    }

    fn finish(&mut self) {}
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

/// The status port: one stream, and no second one.
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
    fn accept(&mut self) -> Option<Box<dyn Service>> {
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
    fn receive(&mut self, bytes: &[u8], _reply: &mut Vec<u8>) -> Next {
        (self.0)(StatusBytes::More(bytes.to_vec()))
    }

    fn finish(&mut self) {
        (self.0)(StatusBytes::End);
    }
}
