//! Sockets of every family in one type, so that bytes between two of them need one function.
//!
//! A socket does not block; what would is waited for. The surprise: after a read that did not fill
//! the buffer, or a write that was not taken whole, the kernel is not asked again until it says that
//! something has changed. That saves a system call for each message, and is sound because the
//! kernel says so at every change, also at one that happens in between.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::unix::AsyncFd;

use crate::sys;

/// The parent's context id.
const PARENT: u32 = 3;
/// Connections that the kernel holds before they are accepted.
const BACKLOG: i32 = 128;

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Stream(AsyncFd<Socket>);

impl Stream {
    /// Takes a connected socket.
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self(sys::register(socket)?))
    }

    /// Connects to a port of this machine's loopback.
    pub(crate) async fn to_loopback(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = Self::connect(Domain::IPV4, &address.into()).await?;
        // Messages are passed on as they come: waiting for more of them is the sender's choice.
        stream.0.get_ref().set_tcp_nodelay(true)?;
        Ok(stream)
    }

    /// Connects to a port of the parent.
    pub(crate) async fn to_parent(port: u32) -> io::Result<Self> {
        Self::connect(Domain::VSOCK, &SockAddr::vsock(PARENT, port)).await
    }

    async fn connect(domain: Domain, address: &SockAddr) -> io::Result<Self> {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let connected = socket.connect(address);
        let stream = Self::new(socket)?;
        match connected {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {
                stream.0.writable().await?.retain_ready();
                if let Some(error) = stream.0.get_ref().take_error()? {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(stream)
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await?.retain_ready();
        Ok(())
    }

    /// Reads what is there; 0 bytes are the end. `WouldBlock` when nothing is there.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len();
        self.attempt(Direction::Read, |socket| {
            let mut socket = socket;
            let read = socket.read(buffer)?;
            Ok((read, read > 0 && read < length))
        })
    }

    /// Reads once something is there; 0 bytes are the end.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.readable().await?;
            match self.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    /// Writes as much as is taken at once. `WouldBlock` when nothing is taken.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(Direction::Write, |socket| {
            let mut socket = socket;
            let written = socket.write(bytes)?;
            Ok((written, written < bytes.len()))
        })
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.0.writable().await?.retain_ready();
            match self.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// One system call without waiting. It says whether the kernel has nothing more for now.
    fn attempt(
        &self,
        direction: Direction,
        call: impl FnOnce(&Socket) -> io::Result<(usize, bool)>,
    ) -> io::Result<usize> {
        // Polled once, with nobody to wake: what is remembered is whether the kernel said "ready".
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let ready = match direction {
            Direction::Read => self.0.poll_read_ready(&mut context),
            Direction::Write => self.0.poll_write_ready(&mut context),
        };
        let std::task::Poll::Ready(guard) = ready else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let mut guard = guard?;
        match call(guard.get_inner()) {
            Ok((length, exhausted)) => {
                if exhausted {
                    guard.clear_ready();
                }
                Ok(length)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                guard.clear_ready();
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Says that nothing more will be written.
    pub(crate) fn finish_writing(&self) -> io::Result<()> {
        match self.0.get_ref().shutdown(Shutdown::Write) {
            // The other side is gone altogether, which its own direction says.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }

    /// Ends the connection so that the other side does not take it for a whole one, as far as the
    /// family can say so.
    pub(crate) fn reset(self) {
        // vsock has no such option, and ends as it always does.
        let _ = self.0.get_ref().set_linger(Some(Duration::ZERO));
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Read,
    Write,
}

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener(AsyncFd<Socket>);

impl Listener {
    /// Listens at a vsock port.
    pub(crate) fn vsock(port: u32) -> io::Result<Self> {
        let socket = Socket::new(Domain::VSOCK, Type::STREAM, None)?;
        socket.bind(&SockAddr::vsock(libc::VMADDR_CID_ANY, port))?;
        Self::listen(socket)
    }

    fn listen(socket: Socket) -> io::Result<Self> {
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self(sys::register(socket)?))
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        loop {
            let mut guard = self.0.readable().await?;
            match guard.try_io(|socket| socket.get_ref().accept()) {
                Ok(Ok((socket, _))) => return Stream::new(socket),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }
}
