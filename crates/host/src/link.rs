//! The socket between QEMU and the device, connected before QEMU is started.
//!
//! The back-end crate only accepts connections, and a socket that accepts needs a name. So it gets
//! one where nobody else can enter, both ends are connected at once, and the name is removed before
//! anything else happens. QEMU inherits its end. A name in the abstract space would leave nothing
//! behind either, but anybody on the machine could connect to it first and pose as the guest.

use std::fs;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use vhost::vhost_user::Listener;
use vhost_user_backend::VhostUserDaemon;
use vm_memory::{GuestMemoryAtomic, GuestMemoryMmap};
use vmm_sys_util::epoll::EventSet;

use crate::device::{Device, OnStop, SOCKETS};
use crate::egress::Dialler;
use crate::error::Error;
use crate::ingress::Ingress;
use crate::vsock::parent::Parent;

type Daemon = VhostUserDaemon<Arc<Mutex<Device>>>;

/// A device that waits for QEMU, and QEMU's end of its socket.
pub(crate) struct Link {
    daemon: Daemon,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl Link {
    /// Starts the device; its socket has a name in `directory` for a moment.
    pub(crate) fn start(
        parent: Parent,
        ingress: Ingress,
        dialler: Dialler,
        on_stop: OnStop,
        directory: &Path,
    ) -> Result<(Self, UnixStream), Error> {
        let (listener, qemu) = connect(directory).map_err(|source| Error::Scratch {
            directory: directory.to_owned(),
            source,
        })?;
        let memory = GuestMemoryAtomic::new(GuestMemoryMmap::new());
        let sockets = ingress
            .descriptor()
            .into_iter()
            .chain([dialler.descriptor()]);
        let device = Device::new(parent, ingress, dialler, memory.clone(), on_stop);
        let device = Arc::new(Mutex::new(device));
        let backend = |error: vhost_user_backend::Error| Error::Backend {
            reason: error.to_string(),
        };
        let mut daemon =
            Daemon::new("enclair-vsock".to_owned(), device, memory).map_err(backend)?;
        let threads = daemon.get_epoll_handlers();
        let thread = threads.first().ok_or_else(|| Error::Backend {
            reason: "no thread serves the rings".to_owned(),
        })?;
        for descriptor in sockets {
            thread
                .register_listener(descriptor, EventSet::IN, u64::from(SOCKETS))
                .map_err(Error::Supervise)?;
        }
        daemon
            .start(&mut Listener::from(listener))
            .map_err(backend)?;
        Ok((Self { daemon }, qemu))
    }

    /// Serves until QEMU hangs up.
    ///
    /// # Errors
    ///
    /// When the two do not understand each other.
    pub(crate) fn serve(mut self) -> Result<(), Error> {
        use vhost::vhost_user::Error as Vhost;
        use vhost_user_backend::Error as Backend;
        match self.daemon.wait() {
            // How it looks when QEMU ends, in the middle of a message or not.
            Ok(()) | Err(Backend::HandleRequest(Vhost::Disconnected | Vhost::PartialMessage)) => {
                Ok(())
            }
            Err(error) => Err(Error::Backend {
                reason: error.to_string(),
            }),
        }
    }
}

/// A listener with one connection in its queue, and the other end of that.
fn connect(directory: &Path) -> io::Result<(UnixListener, UnixStream)> {
    let name = directory.join("vsock");
    let listener = UnixListener::bind(&name)?;
    let connected = UnixStream::connect(&name);
    fs::remove_file(&name)?;
    Ok((listener, connected?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_leaves_nothing_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let (listener, _qemu) = connect(directory.path()).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        listener.accept().unwrap();
    }
}
