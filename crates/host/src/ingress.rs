//! Ingress: TCP connections on this machine, each a stream to a vsock port of the guest.
//!
//! A connection is accepted at once and the guest is asked for a stream; a guest that does not
//! listen answers with a reset, which is what the connection gets, too. Bytes that the guest has no
//! room for stay in the kernel's buffer of the connection, and bytes that the client does not take
//! are credit that the guest does not get: each side slows the other down, and nothing grows.
//!
//! Sockets are watched edge-triggered in one `epoll`, whose descriptor the device's thread watches
//! with the rings. Clients are as hostile as the guest: what either does ends its connection only.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::net::sockopt::set_socket_linger;

use crate::error::Error;
use crate::vsock::parent::{Ends, Parent};
use crate::vsock::service::{Next, Service};

/// Events that are taken from the kernel at a time.
const EVENTS: usize = 256;
/// Bytes that are read from a socket at a time.
const CHUNK: usize = 16 << 10;

/// An address of this machine and the port of the guest that answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// Where clients connect. Port 0 lets the kernel choose one.
    pub address: SocketAddr,
    /// The guest's vsock port.
    pub port: u32,
}

/// Everything that listens. The default listens to nothing.
#[derive(Debug, Default)]
pub struct Ingress {
    epoll: Option<OwnedFd>,
    listeners: Vec<Listener>,
}

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    publish: Publish,
    /// There may be a connection that nobody has accepted.
    ready: bool,
}

impl Ingress {
    /// Listens at all addresses.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] for the first address at which that is not possible.
    pub fn bind(publish: &[Publish]) -> Result<Self, Error> {
        if publish.is_empty() {
            return Ok(Self::default());
        }
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)
            .map_err(|errno| Error::Supervise(errno.into()))?;
        let mut listeners = Vec::new();
        for (index, &Publish { address, port }) in publish.iter().enumerate() {
            let listen = || {
                let socket = TcpListener::bind(address)?;
                socket.set_nonblocking(true)?;
                watch(&epoll, &socket, Token::Listener(index))?;
                let address = socket.local_addr()?;
                Ok((socket, Publish { address, port }))
            };
            let (socket, publish) = listen().map_err(|source| Error::Listen { address, source })?;
            listeners.push(Listener {
                socket,
                publish,
                ready: false,
            });
        }
        Ok(Self {
            epoll: Some(epoll),
            listeners,
        })
    }

    /// Where it listens, with the ports that the kernel has chosen.
    pub fn published(&self) -> impl Iterator<Item = Publish> {
        self.listeners.iter().map(|listener| listener.publish)
    }

    /// The descriptor that is readable while there is something for [`Ingress::poll`].
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.epoll.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Takes what has happened to sockets to the parent.
    pub(crate) fn poll(&mut self, parent: &mut Parent) {
        let Some(epoll) = &self.epoll else { return };
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // An error could only say that this is no `epoll`.
        if epoll::wait(epoll, spare_capacity(&mut events), Some(&now)).is_err() {
            return;
        }
        for event in events {
            match Token::from_data(event.data) {
                Token::Listener(index) => {
                    if let Some(listener) = self.listeners.get_mut(index) {
                        listener.ready = true;
                    }
                }
                Token::Stream(ends) => parent.wake(ends),
            }
        }
    }

    /// Accepts connections, as long as the parent has room. Says whether there was any.
    pub(crate) fn accept(&mut self, parent: &mut Parent) -> bool {
        let Some(epoll) = &self.epoll else {
            return false;
        };
        let mut any = false;
        for listener in &mut self.listeners {
            while listener.ready && parent.can_open() {
                let accepted = listener.socket.accept();
                match accepted.and_then(|(socket, _)| Connection::new(socket)) {
                    Ok(connection) => {
                        let ends = parent.new_ends(listener.publish.port);
                        if watch(epoll, &connection.socket, Token::Stream(ends)).is_ok() {
                            parent.open(ends, Box::new(connection));
                            any = true;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        listener.ready = false;
                    }
                    // Whoever is first has gone, or there are too many open files: tried again
                    // with the next event of any kind, because this one is not told twice.
                    Err(_) => break,
                }
            }
        }
        any
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// A listener, by its index.
    Listener(usize),
    /// The connection behind a stream.
    Stream(Ends),
}

impl Token {
    /// The parent's port in the upper half, which no stream of ours has as 0.
    fn to_data(self) -> EventData {
        let (high, low) = match self {
            Self::Listener(index) => (0, u32::try_from(index).unwrap_or(u32::MAX)),
            Self::Stream(ends) => (ends.parent, ends.guest),
        };
        EventData::new_u64(u64::from(high) << 32 | u64::from(low))
    }

    fn from_data(data: EventData) -> Self {
        let data = data.u64();
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        match (half(data >> 32), half(data)) {
            (0, index) => Self::Listener(usize::try_from(index).unwrap_or(usize::MAX)),
            (parent, guest) => Self::Stream(Ends { guest, parent }),
        }
    }
}

fn watch(epoll: &OwnedFd, socket: impl AsFd, token: Token) -> io::Result<()> {
    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
    epoll::add(epoll, socket, token.to_data(), flags).map_err(io::Error::from)
}

/// A client's connection, as the service behind a stream.
#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    /// Bytes of the guest that the socket has not taken.
    waiting: VecDeque<u8>,
    /// Reading has not been told to wait since the last event.
    readable: bool,
    /// The guest sends no more.
    guest_finished: bool,
    /// The client sends no more.
    client_finished: bool,
}

impl Connection {
    fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Small answers leave at once; whoever wants large packets writes large pieces.
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            waiting: VecDeque::new(),
            readable: true,
            guest_finished: false,
            client_finished: false,
        })
    }

    /// Writes as much of `bytes` as the socket takes; gives how much that was.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = 0;
        while let Some(rest @ [_, ..]) = bytes.get(written..) {
            match self.socket.write(rest) {
                Ok(count) => written = written.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    /// Writes what waits, and then closes the half that the guest has closed.
    fn write_waiting(&mut self) -> io::Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let written = self.write(waiting.make_contiguous())?;
        waiting.drain(..written);
        self.waiting = waiting;
        if self.guest_finished && self.waiting.is_empty() {
            self.socket.shutdown(Shutdown::Write)?;
        }
        Ok(())
    }
}

impl Drop for Connection {
    /// Breaks the connection off, by a reset, unless the guest has said that it sends no more: an
    /// answer that was cut must not look like one that has ended.
    fn drop(&mut self) {
        if !self.guest_finished {
            // Without it the client learns of an end and not of a break; there is no third way.
            let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
        }
    }
}

/// A connection that is broken ends its stream.
fn unless_broken(result: &io::Result<()>) -> Next {
    match result {
        Ok(()) => Next::Open,
        Err(_) => Next::Reset,
    }
}

impl Service for Connection {
    fn receive(&mut self, bytes: &[u8], _reply: &mut VecDeque<u8>) -> Next {
        let written = if self.waiting.is_empty() {
            self.write(bytes)
        } else {
            Ok(0)
        };
        let kept = written.map(|written| {
            self.waiting
                .extend(bytes.get(written..).unwrap_or_default());
        });
        unless_broken(&kept)
    }

    fn finish(&mut self) -> Next {
        self.guest_finished = true;
        unless_broken(&self.write_waiting())
    }

    fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn flush(&mut self) -> Next {
        self.readable = true;
        if self.waiting.is_empty() {
            return Next::Open;
        }
        unless_broken(&self.write_waiting())
    }

    fn say(&mut self, room: usize, reply: &mut VecDeque<u8>) -> Next {
        let mut left = room;
        let mut chunk = [0; CHUNK];
        while self.readable && !self.client_finished && left > 0 {
            let most = left.min(CHUNK);
            match self.socket.read(chunk.get_mut(..most).unwrap_or_default()) {
                Ok(0) => {
                    self.client_finished = true;
                    return Next::Finish;
                }
                Ok(count) => {
                    reply.extend(chunk.get(..count).unwrap_or_default());
                    left = left.saturating_sub(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(_) => return Next::Reset,
            }
        }
        Next::Open
    }
}

#[cfg(test)]
mod tests;
