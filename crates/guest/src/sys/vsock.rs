//! A stream to the parent, in which nothing waits longer than it is told to.

use std::fs::File;
use std::io::Read;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Instant;

use super::{Errno, check};

/// `AF_VSOCK` in an address.
const FAMILY: libc::sa_family_t = 40;

/// The size of an argument, as socket calls take it.
#[allow(
    clippy::cast_possible_truncation,
    reason = "addresses and options have a few bytes"
)]
const fn length_of<T>() -> libc::socklen_t {
    mem::size_of::<T>() as libc::socklen_t
}

/// A connected stream socket that does not block. Waiting is by `poll` up to a deadline; what is
/// not done by then is `ETIMEDOUT`.
#[derive(Debug)]
pub(crate) struct Stream(File);

impl Stream {
    /// Connects to a port of a context id.
    pub(crate) fn connect(cid: u32, port: u32, deadline: Instant) -> Result<Self, Errno> {
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: the call takes no pointer.
        let fd = check(unsafe { libc::socket(libc::AF_VSOCK, kind, 0) })?;
        // SAFETY: the descriptor is new and nobody else's.
        let stream = Self::from(unsafe { OwnedFd::from_raw_fd(fd) });
        // SAFETY: all zeros is a valid sockaddr_vm.
        let mut address: libc::sockaddr_vm = unsafe { mem::zeroed() };
        address.svm_family = FAMILY;
        address.svm_cid = cid;
        address.svm_port = port;
        let length = length_of::<libc::sockaddr_vm>();
        // SAFETY: pointer and length are of one address of the socket's family.
        let connected = check(unsafe { libc::connect(fd, (&raw const address).cast(), length) });
        match connected {
            Ok(_) => Ok(stream),
            Err(Errno(libc::EINPROGRESS)) => {
                stream.wait(libc::POLLOUT, deadline)?;
                stream.pending_error()?;
                Ok(stream)
            }
            Err(errno) => Err(errno),
        }
    }

    /// What a connection that was in progress ended with.
    fn pending_error(&self) -> Result<(), Errno> {
        let mut error: libc::c_int = 0;
        let mut length = length_of::<libc::c_int>();
        // SAFETY: the option is an int, and pointer and length are of one.
        check(unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_ERROR,
                (&raw mut error).cast(),
                &raw mut length,
            )
        })?;
        if error == 0 {
            Ok(())
        } else {
            Err(Errno(error))
        }
    }

    fn wait(&self, events: libc::c_short, deadline: Instant) -> Result<(), Errno> {
        let mut poll = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events,
            revents: 0,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up: a wait of 0 ms would turn a wait into a question.
        let left = left.as_millis().saturating_add(1);
        let left = libc::c_int::try_from(left).unwrap_or(libc::c_int::MAX);
        // SAFETY: one pollfd of ours.
        match check(unsafe { libc::poll(&raw mut poll, 1, left) })? {
            0 => Err(Errno(libc::ETIMEDOUT)),
            _ => Ok(()),
        }
    }

    /// Sends all of `bytes`.
    pub(crate) fn send(&self, mut bytes: &[u8], deadline: Instant) -> Result<(), Errno> {
        while !bytes.is_empty() {
            // SAFETY: pointer and length are of one slice, which the call only reads. Without
            // MSG_NOSIGNAL a closed peer would leave a SIGPIPE for the application.
            let sent = check(unsafe {
                libc::send(
                    self.0.as_raw_fd(),
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    libc::MSG_NOSIGNAL,
                )
            });
            match sent {
                Ok(sent) => bytes = bytes.get(sent.unsigned_abs()..).unwrap_or_default(),
                Err(Errno(libc::EAGAIN)) => self.wait(libc::POLLOUT, deadline)?,
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Receives what is there, at least a byte; 0 bytes are the end.
    pub(crate) fn receive(&self, buffer: &mut [u8], deadline: Instant) -> Result<usize, Errno> {
        loop {
            match (&self.0).read(buffer).map_err(Errno::from) {
                Err(Errno(libc::EAGAIN)) => self.wait(libc::POLLIN, deadline)?,
                result => return result,
            }
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&self) -> Result<(), Errno> {
        // SAFETY: the call takes no pointer.
        check(unsafe { libc::shutdown(self.0.as_raw_fd(), libc::SHUT_WR) }).map(drop)
    }
}

impl From<OwnedFd> for Stream {
    /// Takes a connected socket that does not block.
    fn from(socket: OwnedFd) -> Self {
        Self(File::from(socket))
    }
}
