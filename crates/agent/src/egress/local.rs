//! Addresses of this machine that stand for names outside: calls of an application that knows no
//! proxy.
//!
//! A name that the rules allow at single ports is given an address of 127.64.0.0/10 when it is asked
//! for first, and something listens there at those ports. A connection is a call for that name. So
//! the application needs no setting, nobody needs a right, and no answer of a resolver outside is
//! believed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::time::Duration;

use enclair_configuration::Host;
use tokio::time::sleep;

use super::{Called, Egress, Target};
use crate::relay::relay;
use crate::stream::{Listener, Stream};

/// Names that have an address.
const MAX_NAMES: u32 = 256;
/// Ports of one name; those beyond are reached through the proxy.
const MAX_PORTS: usize = 8;
/// Below the first address.
const BASE: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 0);
/// How long nothing is accepted after the kernel had no memory or file for a connection.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// What stands for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Address(Ipv4Addr),
    /// No rule allows a call to it at a single port.
    Nowhere,
    /// There are too many names, or the kernel has no more sockets.
    NoRoom,
}

/// The addresses that were given out. They stay to the end of the enclave.
#[derive(Debug)]
pub(super) struct Local {
    egress: Rc<Egress>,
    names: RefCell<BTreeMap<String, Ipv4Addr>>,
}

impl Local {
    pub(super) const fn new(egress: Rc<Egress>) -> Self {
        Self {
            egress,
            names: RefCell::new(BTreeMap::new()),
        }
    }

    /// Whether a name can have an address.
    pub(super) fn is_somewhere(&self, host: &Host) -> bool {
        !self.egress.ports(host).is_empty()
    }

    /// The address of a name, which it gets now if it has none.
    pub(super) fn place(&self, host: &Host) -> Place {
        let mut ports = self.egress.ports(host);
        ports.truncate(MAX_PORTS);
        if ports.is_empty() {
            return Place::Nowhere;
        }
        let name = host.to_string();
        let mut names = self.names.borrow_mut();
        if let Some(address) = names.get(&name) {
            return Place::Address(*address);
        }
        let number = u32::try_from(names.len()).unwrap_or(MAX_NAMES);
        if number >= MAX_NAMES {
            return Place::NoRoom;
        }
        let address = Ipv4Addr::from_bits(BASE.to_bits() + 1 + number);
        match self.listen(host, address, &ports) {
            Ok(()) => {
                names.insert(name, address);
                Place::Address(address)
            }
            Err(_io) => Place::NoRoom,
        }
    }

    fn listen(&self, host: &Host, address: Ipv4Addr, ports: &[u16]) -> io::Result<()> {
        // All of them, before any is served: a name is reachable whole or not at all.
        let listeners: Vec<_> = ports
            .iter()
            .map(|port| Ok((*port, Listener::tcp(SocketAddrV4::new(address, *port))?)))
            .collect::<io::Result<_>>()?;
        for (port, listener) in listeners {
            let target = Target {
                host: host.clone(),
                port,
            };
            tokio::task::spawn_local(serve(Rc::clone(&self.egress), listener, target));
        }
        Ok(())
    }
}

/// Serves one port of one name to the end of the enclave.
async fn serve(egress: Rc<Egress>, listener: Listener, target: Target) {
    let target = Rc::new(target);
    while let Some(permit) = egress.permit().await {
        let Ok(client) = listener.accept().await else {
            sleep(EXHAUSTED).await;
            continue;
        };
        let (egress, target) = (Rc::clone(&egress), Rc::clone(&target));
        tokio::task::spawn_local(async move {
            let _ = converse(&egress, client, &target).await;
            drop(permit);
        });
    }
}

async fn converse(egress: &Egress, client: Stream, target: &Target) -> io::Result<()> {
    match egress.call(target).await {
        Ok(Called { stream, early }) => {
            client.write_all(&early).await?;
            relay(client, stream).await
        }
        // There are no words for it here; an end would look like an answer without bytes.
        Err(_refusal) => {
            client.reset();
            Ok(())
        }
    }
}
