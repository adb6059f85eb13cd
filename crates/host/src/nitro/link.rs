//! One stream to the enclave: a socket at one side, a service at the other.
//!
//! What an emulated machine does with credits of its rings the kernel does here: bytes that the
//! service has not passed on are not read beyond [`BUFFER`], and bytes that the socket does not
//! take are not asked for beyond [`MAX_REPLY`]. Each half is closed by itself.
//!
//! Two things cannot be said on such a socket. There is no reset: a stream that is broken off ends
//! for the enclave as one that is over does. And that the enclave receives no more is known only
//! when something is written.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::sockopt::socket_error;
use rustix::net::{RecvFlags, SendFlags, Shutdown, getpeername, recv, send, shutdown};

use crate::vsock::service::{Next, Service};
use crate::vsock::stream::{BUFFER, MAX_REPLY};

/// Bytes that are read at a time.
const CHUNK: usize = 16 << 10;
/// Pieces that one stream may move before others have their turn.
const TURNS: usize = 16;

/// Whether a stream lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Until something happens to it.
    Waits,
    /// There is more to do at once.
    Busy,
    /// It does not.
    Over,
}

/// How far opening has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// The enclave has not answered.
    Asked,
    /// Done.
    Open,
}

/// What we have closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shut {
    Nothing,
    /// We say no more.
    Writing,
    /// We are done when everything has been said.
    Both,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Link {
    socket: OwnedFd,
    service: Box<dyn Service>,
    /// What the socket has not taken.
    reply: VecDeque<u8>,
    opening: Opening,
    /// Reading has not been told to wait since the last event.
    readable: bool,
    /// The enclave sends no more.
    finished: bool,
    shut: Shut,
    /// The socket knows that we say no more.
    shut_told: bool,
}

impl Link {
    /// Serves a socket that does not block and is connected, or about to be.
    pub(super) fn new(socket: OwnedFd, service: Box<dyn Service>) -> Self {
        Self {
            socket,
            service,
            reply: VecDeque::new(),
            opening: Opening::Asked,
            readable: true,
            finished: false,
            shut: Shut::Nothing,
            shut_told: false,
        }
    }

    /// The service, for what it still has to do when the stream is over.
    pub(super) fn into_service(self) -> Box<dyn Service> {
        self.service
    }

    /// Something has happened to the socket.
    pub(super) fn awake(&mut self) -> Fate {
        self.readable = true;
        self.turn()
    }

    /// Something may have happened to what is behind the service.
    pub(super) fn wake(&mut self) -> Fate {
        let next = self.service.flush();
        if self.follow(next) {
            self.turn()
        } else {
            Fate::Over
        }
    }

    /// Moves bytes both ways, as far as that goes now.
    pub(super) fn turn(&mut self) -> Fate {
        if self.opening == Opening::Asked {
            match self.has_connected() {
                Ok(true) => self.opening = Opening::Open,
                Ok(false) => return Fate::Waits,
                Err(_) => return Fate::Over,
            }
        }
        for _ in 0..TURNS {
            match self.step() {
                Ok(true) => {}
                Ok(false) => return Fate::Waits,
                // The end of a stream and its failure are the same from here on.
                Err(()) => return Fate::Over,
            }
        }
        Fate::Busy
    }

    fn has_connected(&self) -> io::Result<bool> {
        socket_error(&self.socket)??;
        match getpeername(&self.socket) {
            Ok(_) => Ok(true),
            Err(Errno::NOTCONN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// One piece each way. Says whether anything has moved; an error ends the stream.
    fn step(&mut self) -> Result<bool, ()> {
        let written = self.write().map_err(drop)?;
        if self.reply.is_empty() && self.shut != Shut::Nothing && !self.shut_told {
            shutdown(&self.socket, Shutdown::Write).map_err(drop)?;
            self.shut_told = true;
        }
        let read = self.read()?;
        let said = self.say()?;
        let is_done = self.finished && self.service.waiting() == 0;
        if self.shut_told && (is_done || self.shut == Shut::Both) {
            return Err(());
        }
        Ok(written || read || said)
    }

    fn write(&mut self) -> io::Result<bool> {
        let mut any = false;
        loop {
            let (bytes, _) = self.reply.as_slices();
            if bytes.is_empty() {
                return Ok(any);
            }
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(count) => {
                    self.reply.drain(..count);
                    any = true;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(any),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&mut self) -> Result<bool, ()> {
        let most = usize::try_from(BUFFER).unwrap_or(MAX_REPLY);
        let has_room = self.service.waiting() < most && self.reply.len() < MAX_REPLY;
        if self.finished || !self.readable || !has_room {
            return Ok(false);
        }
        let mut chunk = [0; CHUNK];
        let next = match recv(&self.socket, &mut chunk[..], RecvFlags::empty()) {
            Ok((0, _)) => {
                self.finished = true;
                self.service.finish()
            }
            Ok((count, _)) => {
                let bytes = chunk.get(..count).unwrap_or_default();
                self.service.receive(bytes, &mut self.reply)
            }
            Err(Errno::INTR) => Next::Open,
            Err(Errno::AGAIN) => {
                self.readable = false;
                return Ok(false);
            }
            Err(_) => return Err(()),
        };
        if self.follow(next) { Ok(true) } else { Err(()) }
    }

    /// Asks the service for what it has to say, where there is room for it.
    fn say(&mut self) -> Result<bool, ()> {
        let before = self.reply.len();
        let room = MAX_REPLY.saturating_sub(before);
        if room == 0 || self.shut != Shut::Nothing {
            return Ok(false);
        }
        let next = self.service.say(room, &mut self.reply);
        if !self.follow(next) {
            return Err(());
        }
        Ok(self.reply.len() > before || self.shut != Shut::Nothing)
    }

    /// Takes what the service wants next; says whether the stream lives on.
    fn follow(&mut self, next: Next) -> bool {
        match next {
            Next::Open => {}
            Next::Finish => self.shut = self.shut.max(Shut::Writing),
            Next::Close => self.shut = Shut::Both,
            Next::Reset => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};

    use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

    use super::*;

    /// Says one thing as soon as it is asked, and takes what it is told.
    #[derive(Debug)]
    struct Greeting(bool);

    impl Service for Greeting {
        fn receive(&mut self, _bytes: &[u8], _reply: &mut VecDeque<u8>) -> Next {
            Next::Open
        }

        fn finish(&mut self) -> Next {
            Next::Close
        }

        fn say(&mut self, _room: usize, reply: &mut VecDeque<u8>) -> Next {
            if !self.0 {
                reply.extend(b"hello");
                self.0 = true;
            }
            Next::Open
        }
    }

    fn unconnected() -> OwnedFd {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap()
    }

    /// Unix sockets are connected at once; vsock and TCP are not.
    #[test]
    fn nothing_is_said_before_the_other_side_has_answered() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = unconnected();
        let own = socket.try_clone().unwrap();
        let mut link = Link::new(socket, Box::new(Greeting(false)));
        assert_eq!(link.turn(), Fate::Waits);
        assert!(link.reply.is_empty() && link.opening == Opening::Asked);
        let connected = connect(&own, &listener.local_addr().unwrap());
        assert!(matches!(connected, Ok(()) | Err(Errno::INPROGRESS)));
        let (mut inside, _) = listener.accept().unwrap();
        while link.awake() == Fate::Waits && link.opening == Opening::Asked {
            std::thread::yield_now();
        }
        let mut words = [0; 5];
        io::Read::read_exact(&mut inside, &mut words).unwrap();
        assert_eq!(&words, b"hello");
        // The other side ends, and the service closes.
        drop(inside);
        while link.awake() == Fate::Waits {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_stream_that_is_refused_is_over() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        drop(listener);
        let socket = unconnected();
        let refused = connect(&socket, &address);
        assert!(refused.is_err());
        let mut link = Link::new(socket, Box::new(Greeting(false)));
        let pending = refused == Err(Errno::INPROGRESS);
        let mut fate = link.awake();
        while pending && fate == Fate::Waits {
            std::thread::yield_now();
            fate = link.awake();
        }
        // One whose error the call itself has given has none left, and is no relay's either.
        assert_eq!(fate, if pending { Fate::Over } else { Fate::Waits });
    }
}
