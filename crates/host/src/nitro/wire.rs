//! The sockets between this machine and a real enclave.
//!
//! Everything behind a [`Wire`] works with descriptors of connected stream sockets, so that tests
//! have it with Unix sockets. What is in [`Vsock`] is all that needs the real thing.

#![allow(
    unsafe_code,
    reason = "an address of AF_VSOCK has no safe interface: its bytes are written and read here"
)]

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque, SocketAddrStorage};
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketFlags, SocketType, bind, connect, getpeername, listen,
    socket_with,
};

/// Connections that wait to be accepted, also while the enclave boots.
const BACKLOG: i32 = 256;

/// Makes the sockets.
pub(crate) trait Wire: fmt::Debug + Send {
    /// A socket that does not block and listens at a port of this machine.
    fn listen(&self, port: u32) -> io::Result<OwnedFd>;

    /// A socket that does not block and is connected, or about to be, with a port of the enclave.
    fn connect(&self, cid: u32, port: u32) -> io::Result<OwnedFd>;

    /// The context id at the other end of a connected socket.
    fn peer(&self, socket: &OwnedFd) -> io::Result<u32>;
}

/// The real thing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vsock;

/// `VMADDR_CID_ANY`.
const ANY: u32 = u32::MAX;

fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(
        AddressFamily::VSOCK,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

impl Wire for Vsock {
    fn listen(&self, port: u32) -> io::Result<OwnedFd> {
        let listener = socket()?;
        bind(&listener, &Address::new(ANY, port))?;
        listen(&listener, BACKLOG)?;
        Ok(listener)
    }

    fn connect(&self, cid: u32, port: u32) -> io::Result<OwnedFd> {
        let stream = socket()?;
        match connect(&stream, &Address::new(cid, port)) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(stream),
            Err(error) => Err(error.into()),
        }
    }

    fn peer(&self, socket: &OwnedFd) -> io::Result<u32> {
        let address = getpeername(socket.as_fd())?;
        let address = address.as_ref().and_then(Address::read);
        address
            .map(|address| address.cid)
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// `struct sockaddr_vm` of the kernel.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Address {
    family: u16,
    reserved: u16,
    port: u32,
    cid: u32,
    flags: u8,
    zero: [u8; 3],
}

/// Its size, which the kernel insists on.
const SIZE: SocketAddrLen = 16;
const _: () = assert!(size_of::<Address>() == 16);

impl Address {
    const fn new(cid: u32, port: u32) -> Self {
        Self {
            family: AddressFamily::VSOCK.as_raw(),
            reserved: 0,
            port,
            cid,
            flags: 0,
            zero: [0; 3],
        }
    }

    /// An address that the kernel has given; `None` for one of another family.
    fn read(any: &SocketAddrAny) -> Option<Self> {
        if any.address_family() != AddressFamily::VSOCK || any.addr_len() < SIZE {
            return None;
        }
        let storage: *const SocketAddrStorage = any.as_ptr();
        // SAFETY: the storage is aligned for every address and has at least SIZE bytes that the
        // kernel has written, and every bit pattern is an `Address`.
        Some(unsafe { storage.cast::<Self>().read() })
    }
}

// SAFETY: `f` gets a pointer to this very value, which lives through the call, and its size; it is
// laid out as the kernel's `sockaddr_vm`.
unsafe impl SocketAddrArg for Address {
    unsafe fn with_sockaddr<R>(
        &self,
        f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R,
    ) -> R {
        f((&raw const *self).cast(), SIZE)
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::getsockname;

    use super::*;

    #[test]
    fn an_address_is_what_the_kernel_reads() {
        let any = Address::new(16, 9001).as_any();
        assert_eq!(any.address_family(), AddressFamily::VSOCK);
        let read = Address::read(&any).unwrap();
        assert_eq!((read.cid, read.port), (16, 9001));
        let other = SocketAddrAny::from(std::net::SocketAddr::from(([127, 0, 0, 1], 9001)));
        assert!(Address::read(&other).is_none());
    }

    /// A kernel without vsock cannot say whether a listener is right.
    #[test]
    fn a_listener_has_the_port_where_the_kernel_has_vsock() {
        // Another test, or a person, may have one port; not this one too.
        let listener = match Vsock.listen(0x7e57_0000 | std::process::id() & 0xffff) {
            Ok(listener) => listener,
            Err(error) => {
                let error = Errno::from_io_error(&error);
                assert_eq!(error, Some(Errno::AFNOSUPPORT), "why there is none");
                return;
            }
        };
        let name = Address::read(&getsockname(&listener).unwrap()).unwrap();
        assert_eq!(name.port >> 16, 0x7e57);
        assert_eq!(name.cid, ANY);
    }
}
