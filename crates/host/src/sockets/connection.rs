//! A TCP connection behind a stream, whoever has opened either.
//!
//! Bytes that the guest has no room for stay in the kernel's buffer of the socket, and bytes that
//! the socket does not take are credit that the guest does not get: each side slows the other down,
//! and nothing grows. Each half is closed by itself.
//!
//! Where the connection comes from, and who may have one, is decided elsewhere.

use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::vsock::service::{Next, Service};

/// Bytes that are read from a socket at a time.
const CHUNK: usize = 16 << 10;

/// A TCP connection, as the service behind a stream.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
    /// Bytes that the guest gets before the first of the socket.
    greeting: Vec<u8>,
    /// Bytes of the guest that the socket has not taken.
    waiting: VecDeque<u8>,
    /// Reading has not been told to wait since the last event.
    readable: bool,
    /// The guest sends no more.
    guest_finished: bool,
    /// The other end sends no more.
    peer_finished: bool,
}

impl Connection {
    /// Serves `socket`, which must be watched for the stream from before the first call.
    pub(crate) fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Small answers leave at once; whoever wants large packets writes large pieces.
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            greeting: Vec::new(),
            waiting: VecDeque::new(),
            readable: true,
            guest_finished: false,
            peer_finished: false,
        })
    }

    /// The same with bytes in front of the first that is read.
    pub(crate) fn with_greeting(mut self, greeting: Vec<u8>) -> Self {
        self.greeting = greeting;
        self
    }

    /// The socket, to be watched.
    pub(crate) const fn socket(&self) -> &TcpStream {
        &self.socket
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
            // Without it the other end learns of an end and not of a break; there is no third way.
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
        let greeted = room.min(self.greeting.len());
        reply.extend(self.greeting.drain(..greeted));
        let mut left = room.saturating_sub(greeted);
        let mut chunk = [0; CHUNK];
        while self.readable && !self.peer_finished && left > 0 {
            let most = left.min(CHUNK);
            match self.socket.read(chunk.get_mut(..most).unwrap_or_default()) {
                Ok(0) => {
                    self.peer_finished = true;
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
