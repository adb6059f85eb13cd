//! Connections from outside: a vsock port, and the port of 127.0.0.1 behind it.
//!
//! The vsock port is open exactly while the application's is, as far as the agent knows. A
//! connection that comes too early is refused by the kernel, as it would be without an agent, and
//! nobody waits for bytes that nobody would read.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::ports;
use crate::relay::relay;
use crate::stream::{Listener, Stream};

/// Connections at the same time, of all ports together. Those beyond wait in the kernel.
const MAX_CONNECTIONS: usize = 1024;
/// How long nothing is accepted after the kernel had no memory or file for a connection.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// The connections that all ports together may still take.
pub(crate) fn limit() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_CONNECTIONS))
}

/// One pair of ports.
#[derive(Debug)]
pub(crate) struct Ingress {
    pair: enclair_configuration::Ingress,
    connections: Arc<Semaphore>,
    /// Gets a permit when the pair is open for the first time.
    opened: Arc<Semaphore>,
}

impl Ingress {
    pub(crate) const fn new(
        pair: enclair_configuration::Ingress,
        connections: Arc<Semaphore>,
        opened: Arc<Semaphore>,
    ) -> Self {
        Self {
            pair,
            connections,
            opened,
        }
    }

    /// Serves the pair to the end of the enclave.
    pub(crate) async fn serve(self) {
        let mut first = true;
        loop {
            ports::opened(self.pair.to).await;
            if let Err(_closed) = self.serve_open(&mut first).await {
                // Looked at again from the beginning, but not in a loop without a pause.
                sleep(EXHAUSTED).await;
            }
        }
    }

    /// Serves it until the application's port is closed.
    async fn serve_open(&self, first: &mut bool) -> io::Result<()> {
        let listener = Listener::vsock(self.pair.port.into())?;
        if std::mem::take(first) {
            self.opened.add_permits(1);
        }
        loop {
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else {
                return Ok(());
            };
            let outside = match listener.accept().await {
                Ok(outside) => outside,
                Err(error) if is_exhausted(&error) => {
                    sleep(EXHAUSTED).await;
                    continue;
                }
                // A connection that was gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            let inside = match Stream::to_loopback(self.pair.to).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    return Err(error);
                }
                result => result,
            };
            let Ok(inside) = inside else { continue };
            tokio::spawn(async move {
                // How a connection ends is for its two sides to know.
                let _ = relay(outside, inside).await;
                drop(permit);
            });
        }
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    error
        .raw_os_error()
        .is_some_and(|errno| exhausted.contains(&errno))
}
