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

use crate::counters::{Counter, count};
use crate::lines;
use crate::ports;
use crate::relay::relay;
use crate::stream::{Listener, Stream};

/// Connections at the same time, of all ports together. Those beyond wait in the kernel.
const MAX_CONNECTIONS: usize = 1024;
/// How long a vsock port that something else has is left alone.
const TAKEN: Duration = Duration::from_secs(1);

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
        let (mut first, mut told) = (true, false);
        loop {
            ports::opened(self.pair.to).await;
            match Listener::vsock(self.pair.port.into()) {
                Ok(listener) => {
                    if std::mem::take(&mut first) {
                        self.opened.add_permits(1);
                    }
                    self.serve_open(&listener).await;
                }
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        lines::not_listening(self.pair.port, &error);
                    }
                    sleep(TAKEN).await;
                }
            }
        }
    }

    /// Serves it until the application's port is closed.
    async fn serve_open(&self, listener: &Listener) {
        loop {
            let (outside, right) = listener.accept(&self.connections).await;
            let inside = match Stream::to_loopback(self.pair.to).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return,
                result => result,
            };
            let Ok(inside) = inside else { continue };
            count(Counter::Connections);
            tokio::spawn(async move {
                // How a connection ends is for its two sides to know.
                let _ = relay(outside, inside).await;
                drop(right);
            });
        }
    }
}
