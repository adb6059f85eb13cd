//! The sockets that the thread of the rings serves, in one `epoll` for each of their owners.
//!
//! Everything is watched edge-triggered. The descriptor of the `epoll` is readable while there are
//! events, so that the device's thread can watch it with the rings, and a byte crosses no queue
//! between a socket and the guest's memory.

pub(crate) mod connection;

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};

use crate::vsock::parent::Ends;
use crate::vsock::service::Service;

/// Whoever has the streams to the enclave: the parent of an emulated machine, or the sockets of a
/// real one.
pub(crate) trait Streams {
    /// Whether another stream can be opened.
    fn can_open(&self) -> bool;

    /// Ends for a stream to the guest's port `guest` that no other stream has.
    fn new_ends(&mut self, guest: u32) -> Ends;

    /// Asks the guest for a stream. The ends are of [`Streams::new_ends`].
    fn open(&mut self, ends: Ends, service: Box<dyn Service>);

    /// The socket behind a stream may have changed.
    fn wake(&mut self, ends: Ends);
}

/// Events that are taken from the kernel at a time.
const EVENTS: usize = 256;

/// An `epoll` and what it watches.
#[derive(Debug)]
pub(crate) struct Sockets(OwnedFd);

impl Sockets {
    /// Watches nothing.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(epoll::create(epoll::CreateFlags::CLOEXEC)?))
    }

    /// The descriptor that is readable while there are events.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// Watches what becomes readable and belongs to no stream, by a number of its owner's.
    pub(crate) fn watch_source(&self, source: impl AsFd, index: usize) -> io::Result<()> {
        self.watch(source, Token::Source(index), EventFlags::IN)
    }

    /// Watches the socket behind a stream. There is an event at once.
    pub(crate) fn watch_stream(&self, socket: impl AsFd, ends: Ends) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP;
        self.watch(socket, Token::Stream(ends), flags)
    }

    fn watch(&self, what: impl AsFd, token: Token, flags: EventFlags) -> io::Result<()> {
        epoll::add(&self.0, what, token.to_data(), flags | EventFlags::ET).map_err(io::Error::from)
    }

    /// What something has happened to. What there is no room for here comes with the next call.
    pub(crate) fn ready(&self) -> impl Iterator<Item = Token> {
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // An error could only say that this is no `epoll`, and leaves no events.
        let _ = epoll::wait(&self.0, spare_capacity(&mut events), Some(&now));
        events.into_iter().map(|event| Token::from_data(event.data))
    }
}

impl AsFd for Sockets {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// A source of the owner's, by its number.
    Source(usize),
    /// The socket behind a stream.
    Stream(Ends),
}

impl Token {
    /// The parent's port in the upper half, which no stream has as 0.
    fn to_data(self) -> EventData {
        let (high, low) = match self {
            Self::Source(index) => (0, u32::try_from(index).unwrap_or(u32::MAX)),
            Self::Stream(ends) => (ends.parent, ends.guest),
        };
        EventData::new_u64(u64::from(high) << 32 | u64::from(low))
    }

    fn from_data(data: EventData) -> Self {
        let data = data.u64();
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        match (half(data >> 32), half(data)) {
            (0, index) => Self::Source(usize::try_from(index).unwrap_or(usize::MAX)),
            (parent, guest) => Self::Stream(Ends { guest, parent }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_what_it_was_made_of() {
        let ends = Ends {
            guest: u32::MAX,
            parent: u32::MAX,
        };
        for token in [Token::Source(7), Token::Stream(ends)] {
            assert_eq!(Token::from_data(token.to_data()), token);
        }
    }
}
