//! Sockets of every family in one type, so that bytes between two of them need one function.
//!
//! A socket does not block; what would is waited for. The surprise: after a read that did not fill
//! the buffer, or a write that was not taken whole, the kernel is not asked again until it says that
//! something has changed. That saves a system call for each message, and is sound because the
//! kernel says so at every change, also at one that happens in between.

use std::future::poll_fn;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::consume_budget;
use tokio::time::sleep;

use crate::sys;

/// The parent's context id.
const PARENT: u32 = 3;
/// Connections that the kernel holds before they are accepted.
const BACKLOG: i32 = 1024;
/// How long nothing is accepted after the kernel had no memory or file for a connection.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Stream {
    socket: AsyncFd<Socket>,
    /// Tells who waits to write that nothing more will be read: see [`Stream::note_end`].
    ended: Notify,
}

impl Stream {
    /// Takes a connected socket.
    pub(crate) fn new(socket: Socket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: sys::register(socket)?,
            ended: Notify::new(),
        })
    }

    /// Connects to a port of this machine's loopback.
    pub(crate) async fn to_loopback(port: u16) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = Self::connect(Domain::IPV4, &address.into()).await?;
        stream.send_at_once()?;
        Ok(stream)
    }

    /// Has a TCP connection pass messages on as they come: waiting for more of them is the
    /// sender's choice.
    pub(crate) fn send_at_once(&self) -> io::Result<()> {
        self.socket.get_ref().set_tcp_nodelay(true)
    }

    #[cfg(test)]
    pub(crate) fn sends_at_once(&self) -> bool {
        self.socket.get_ref().tcp_nodelay().is_ok_and(|it| it)
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
                stream.socket.writable().await?.retain_ready();
                if let Some(error) = stream.socket.get_ref().take_error()? {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        Ok(stream)
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<Readable<'_>> {
        self.socket.readable().await.map(Readable)
    }

    /// Reads once something is there; 0 bytes are the end.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.readable().await?.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
        }
    }

    /// Writes as much as is taken at once; nothing when nothing is taken.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self
            .socket
            .try_io(Interest::WRITABLE, |mut socket| socket.write(bytes));
        match written {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = match self.writable().await? {
                Some(mut guard) => {
                    let written = guard.try_io(|socket| socket.get_ref().write(bytes));
                    if matches!(written, Ok(Ok(written)) if written < bytes.len()) {
                        guard.clear_ready();
                    }
                    written.unwrap_or(Ok(0))?
                }
                None => match self.socket.get_ref().write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                    result => result?,
                },
            };
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until something may be written, or until the end of what is read: `None`.
    async fn writable(&self) -> io::Result<Option<AsyncFdReadyGuard<'_, Socket>>> {
        let (mut writable, mut ended) = (pin!(self.socket.writable()), pin!(self.ended.notified()));
        poll_fn(|context| {
            if let Poll::Ready(guard) = writable.as_mut().poll(context) {
                return Poll::Ready(guard.map(Some));
            }
            ended.as_mut().poll(context).map(|()| Ok(None))
        })
        .await
    }

    /// Has whoever waits to write try again, because the end of what is read has come.
    ///
    /// It may be the end of both ways. The kernel says of a vsock that was reset while there were
    /// bytes to read that it can be read, and never that it can be written; a write fails.
    pub(crate) fn note_end(&self) {
        self.ended.notify_one();
    }

    /// Says that nothing more will be written.
    pub(crate) fn finish_writing(&self) -> io::Result<()> {
        match self.socket.get_ref().shutdown(Shutdown::Write) {
            // The other side is gone altogether, which its own direction says.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }

    /// Reads to the end and keeps nothing.
    pub(crate) async fn drain(&self) -> io::Result<()> {
        let mut ignored = [0; 512];
        while self.read(&mut ignored).await? > 0 {
            // One that never stops to send would keep the thread from all others, and from the
            // time limit of whoever waits for this.
            consume_budget().await;
        }
        Ok(())
    }

    /// Ends the connection so that the other side does not take it for a whole one, as far as the
    /// family can say so.
    pub(crate) fn reset(self) {
        // vsock has no such option, and ends as it always does.
        let _ = self.socket.get_ref().set_linger(Some(Duration::ZERO));
    }
}

/// A socket of which the kernel has said that something is there.
#[derive(Debug)]
pub(crate) struct Readable<'a>(AsyncFdReadyGuard<'a, Socket>);

impl Readable<'_> {
    /// Reads what is there; 0 bytes are the end. `WouldBlock` when nothing is there after all.
    pub(crate) fn read(mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len();
        let read = self.0.try_io(|socket| socket.get_ref().read(buffer));
        let read = read.unwrap_or_else(|_would_block| Err(io::ErrorKind::WouldBlock.into()))?;
        if (1..length).contains(&read) {
            self.0.clear_ready();
        }
        Ok(read)
    }
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

    /// Listens at an address of the loopback.
    pub(crate) fn tcp(address: SocketAddrV4) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from(address).into())?;
        Self::listen(socket)
    }

    #[cfg(test)]
    pub(crate) fn port(&self) -> u16 {
        let address = self.0.get_ref().local_addr().ok();
        let address = address.and_then(|address| address.as_socket());
        address.map_or(0, |address| address.port())
    }

    /// Takes a listening socket that init has made.
    pub(crate) fn adopt(socket: OwnedFd) -> io::Result<Self> {
        let socket = Socket::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Self(sys::register(socket)?))
    }

    fn listen(socket: Socket) -> io::Result<Self> {
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self(sys::register(socket)?))
    }

    /// Waits until there may be a connection. It stays with the kernel until it is accepted.
    async fn incoming(&self) -> io::Result<Incoming<'_>> {
        self.0.readable().await.map(Incoming)
    }

    /// The next connection, and the right to it.
    ///
    /// The right is asked for when somebody is there, and not before: thousands of listeners that
    /// nobody calls would else hold all rights.
    pub(crate) async fn accept(&self, rights: &Arc<Semaphore>) -> (Stream, OwnedSemaphorePermit) {
        loop {
            if let Ok(incoming) = self.incoming().await
                && let Ok(right) = Arc::clone(rights).acquire_owned().await
            {
                match incoming.accept() {
                    Ok(stream) => return (stream, right),
                    Err(error) if is_nothing(&error) => continue,
                    Err(_exhausted) => {}
                }
            }
            sleep(EXHAUSTED).await;
        }
    }
}

/// Whether an error of `accept` means that there was no connection after all, or is none any more.
fn is_nothing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted
    )
}

/// A listening socket of which the kernel has said that a connection is there.
#[derive(Debug)]
struct Incoming<'a>(AsyncFdReadyGuard<'a, Socket>);

impl Incoming<'_> {
    /// Accepts it. `WouldBlock` when none is there after all.
    fn accept(mut self) -> io::Result<Stream> {
        let accepted = self.0.try_io(|socket| socket.get_ref().accept());
        let accepted =
            accepted.unwrap_or_else(|_would_block| Err(io::ErrorKind::WouldBlock.into()));
        Stream::new(accepted?.0)
    }
}
