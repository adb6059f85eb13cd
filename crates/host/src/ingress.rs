//! Ingress: TCP connections on this machine, each a stream to a vsock port of the guest.
//!
//! A connection is accepted at once and the guest is asked for a stream; a guest that does not
//! listen answers with a reset, which is what the connection gets, too. What becomes of its bytes
//! then is the business of [`Connection`].
//!
//! Clients are as hostile as the guest: what either does ends its connection only.

mod header;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, RawFd};

use crate::error::Error;
use crate::sockets::connection::Connection;
use crate::sockets::{Sockets, Streams, Token};

/// An address of this machine and the port of the guest that answers there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// Where clients connect. Port 0 lets the kernel choose one.
    pub address: SocketAddr,
    /// The guest's vsock port.
    pub port: u32,
    /// What the guest is told of a client.
    pub client: ClientAddress,
}

/// Whether the guest is told who a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAddress {
    /// It is not: it gets the client's bytes and no others.
    #[default]
    Unknown,
    /// In front of the client's first byte, by the PROXY protocol, version 2.
    ProxyProtocol,
}

/// Everything that listens. The default listens to nothing.
#[derive(Debug, Default)]
pub struct Ingress {
    sockets: Option<Sockets>,
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
        let sockets = Sockets::new().map_err(Error::Supervise)?;
        let mut listeners = Vec::new();
        for (index, &wanted) in publish.iter().enumerate() {
            let address = wanted.address;
            let listen = || {
                let socket = TcpListener::bind(address)?;
                socket.set_nonblocking(true)?;
                sockets.watch_source(&socket, index)?;
                let address = socket.local_addr()?;
                Ok((socket, Publish { address, ..wanted }))
            };
            let (socket, publish) = listen().map_err(|source| Error::Listen { address, source })?;
            listeners.push(Listener {
                socket,
                publish,
                ready: false,
            });
        }
        Ok(Self {
            sockets: Some(sockets),
            listeners,
        })
    }

    /// Where it listens, with the ports that the kernel has chosen.
    pub fn published(&self) -> impl Iterator<Item = Publish> {
        self.listeners.iter().map(|listener| listener.publish)
    }

    /// The descriptor that is readable while there is something for [`Ingress::poll`].
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        self.sockets.as_ref().map(Sockets::descriptor)
    }

    /// The same, to be polled by who has no rings.
    pub(crate) fn source(&self) -> Option<BorrowedFd<'_>> {
        self.sockets.as_ref().map(AsFd::as_fd)
    }

    /// Takes what has happened to sockets to whoever has the streams.
    pub(crate) fn poll(&mut self, streams: &mut impl Streams) {
        let Some(sockets) = &self.sockets else { return };
        for token in sockets.ready() {
            match token {
                Token::Source(index) => {
                    if let Some(listener) = self.listeners.get_mut(index) {
                        listener.ready = true;
                    }
                }
                Token::Stream(ends) => streams.wake(ends),
            }
        }
    }

    /// Accepts connections, as long as there is room for streams. Says whether there was any.
    pub(crate) fn accept(&mut self, streams: &mut impl Streams) -> bool {
        let Some(sockets) = &self.sockets else {
            return false;
        };
        let mut any = false;
        for listener in &mut self.listeners {
            while listener.ready && streams.can_open() {
                let accepted = listener.socket.accept();
                let client = listener.publish.client;
                match accepted.and_then(|(socket, peer)| connection(socket, peer, client)) {
                    Ok(connection) => {
                        let ends = streams.new_ends(listener.publish.port);
                        if sockets.watch_stream(connection.socket(), ends).is_ok() {
                            streams.open(ends, Box::new(connection));
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

fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    client: ClientAddress,
) -> io::Result<Connection> {
    let greeting = match client {
        ClientAddress::Unknown => Vec::new(),
        ClientAddress::ProxyProtocol => header::header(peer, socket.local_addr()?),
    };
    Ok(Connection::new(socket)?.with_greeting(greeting))
}

#[cfg(test)]
mod tests;
