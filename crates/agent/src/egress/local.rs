//! Addresses of this machine that stand for names outside: calls of an application that knows no
//! proxy.
//!
//! A name that the rules allow at single ports is given an address of 127.64.0.0/10 when it is asked
//! for first, and something listens there at those ports. A connection is a call for that name. So
//! the application needs no setting, nobody needs a right, and no answer of a resolver outside is
//! believed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use enclair_configuration::{EgressRule, Host};

use super::{Called, Egress, Target};
use crate::lines::{self, NoRoom};
use crate::relay::relay;
use crate::stream::{Listener, Stream};

/// Names that have an address.
const MAX_NAMES: usize = 1024;
/// Ports of one name; those beyond are reached through the proxy.
const MAX_PORTS: usize = 16;
/// Listeners of all names together. The agent may have 8192 open files, of which 4096 are for
/// connections from outside and to it.
const MAX_LISTENERS: usize = 2048;
/// Below the first address.
const BASE: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 0);
/// Addresses of 127.64.0.0/10, without the first and the last.
const MAX_ADDRESSES: u32 = (1 << 22) - 2;

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
    listeners: Cell<usize>,
    /// The address that was tried last, as its distance from `BASE`.
    last: Cell<u32>,
}

impl Local {
    pub(super) const fn new(egress: Rc<Egress>) -> Self {
        Self {
            egress,
            names: RefCell::new(BTreeMap::new()),
            listeners: Cell::new(0),
            last: Cell::new(0),
        }
    }

    /// With addresses that no other test has, nor another process that tests the same.
    #[cfg(test)]
    pub(super) fn for_test(egress: Rc<Egress>) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};

        static TESTS: AtomicU32 = AtomicU32::new(0);
        let local = Self::new(egress);
        let test = TESTS.fetch_add(1, Ordering::Relaxed) % 64;
        local
            .last
            .set(((std::process::id() % (1 << 12)) << 10) + test * 16);
        local
    }

    /// Whether a name can have an address; else the rule that is the reason, if there is one.
    pub(super) fn check(&self, host: &Host) -> Result<(), Option<&EgressRule>> {
        if self.egress.ports(host).is_empty() {
            return Err(self.egress.rule_without_port(host));
        }
        Ok(())
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
        let listeners = self.listeners.get().saturating_add(ports.len());
        if names.len() >= MAX_NAMES || listeners > MAX_LISTENERS {
            lines::no_room(host, NoRoom::TooMany);
            return Place::NoRoom;
        }
        let address = self.next(&names);
        match self.listen(host, address, &ports) {
            Ok(()) => {
                self.listeners.set(listeners);
                names.insert(name, address);
                Place::Address(address)
            }
            Err((port, error)) => {
                lines::no_room(host, NoRoom::Port(port, &error));
                Place::NoRoom
            }
        }
    }

    /// An address that no name has. One at which something else listens is tried once and then
    /// passed over, so that it is in the way of one question and not of every name.
    fn next(&self, names: &BTreeMap<String, Ipv4Addr>) -> Ipv4Addr {
        loop {
            self.last.set(self.last.get() % MAX_ADDRESSES + 1);
            let address = Ipv4Addr::from_bits(BASE.to_bits() + self.last.get());
            // There are fewer names than addresses, so this ends.
            if !names.values().any(|known| *known == address) {
                return address;
            }
        }
    }

    /// Listens at all `ports` of an address; the first at which that cannot be is the error.
    fn listen(
        &self,
        host: &Host,
        address: Ipv4Addr,
        ports: &[u16],
    ) -> Result<(), (u16, io::Error)> {
        // All of them, before any is served: a name is reachable whole or not at all.
        let listeners: Vec<_> = ports
            .iter()
            .map(|&port| {
                let listener = Listener::tcp(SocketAddrV4::new(address, port));
                listener.map_or_else(|error| Err((port, error)), |it| Ok((port, it)))
            })
            .collect::<Result<_, _>>()?;
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
    loop {
        let (client, permit) = egress.accept(&listener).await;
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tokio::runtime::Builder;
    use tokio::task::LocalSet;

    use super::super::tests::egress_of;
    use super::*;

    /// Runs `test` where listeners can be made, and ends those.
    fn with(rules: &[&str], test: impl FnOnce(&Local)) {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let local = Local::for_test(Rc::new(egress_of(rules, 1)));
        LocalSet::new().block_on(&runtime, async { test(&local) });
    }

    fn place(local: &Local, name: &str) -> Place {
        local.place(&name.parse().unwrap())
    }

    fn address(number: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(BASE.to_bits() + number)
    }

    #[test]
    fn names_and_listeners_are_bounded_and_what_was_given_stays() {
        with(&["*.e.org:18451,18452", "*.f.org:18451"], |local| {
            let first = local.last.get() + 1;
            assert_eq!(place(local, "a.e.org"), Place::Address(address(first)));
            local.listeners.set(MAX_LISTENERS - 1);
            assert_eq!(place(local, "b.e.org"), Place::NoRoom);
            assert_eq!(place(local, "b.f.org"), Place::Address(address(first + 1)));
            assert_eq!(place(local, "c.f.org"), Place::NoRoom);
            local.listeners.set(0);
            for number in 2..MAX_NAMES {
                let own = Ipv4Addr::new(127, 1, 0, 0);
                local.names.borrow_mut().insert(number.to_string(), own);
            }
            assert_eq!(place(local, "c.f.org"), Place::NoRoom);
            assert_eq!(place(local, "a.e.org"), Place::Address(address(first)));
        });
    }

    #[test]
    fn an_address_that_somebody_else_has_is_passed_over() {
        with(&["*.g.org:18453,18454"], |local| {
            let first = local.last.get() + 1;
            let _other = TcpListener::bind((address(first), 18454)).unwrap();
            assert_eq!(place(local, "a.g.org"), Place::NoRoom);
            // Nothing is left of what did not come about.
            assert!(TcpListener::bind((address(first), 18453)).is_ok());
            assert_eq!(place(local, "a.g.org"), Place::Address(address(first + 1)));
        });
    }

    #[test]
    fn behind_the_last_address_is_the_first_that_no_name_has() {
        let local = Local::new(Rc::new(egress_of(&[], 1)));
        local.last.set(MAX_ADDRESSES - 1);
        let names = [("a".to_owned(), address(1)), ("b".to_owned(), address(3))].into();
        let next = || local.next(&names).to_string();
        assert_eq!(next(), "127.127.255.254");
        assert_eq!(next(), "127.64.0.2");
        assert_eq!(next(), "127.64.0.4");
    }

    #[test]
    fn a_name_has_so_many_ports_and_no_more() {
        let ports: Vec<_> = (0..17).map(|number| (18461 + number).to_string()).collect();
        with(&[&format!("h.org:{}", ports.join(","))], |local| {
            let first = address(local.last.get() + 1);
            assert_eq!(place(local, "h.org"), Place::Address(first));
            assert_eq!(local.listeners.get(), MAX_PORTS);
            assert!(TcpListener::bind((first, 18476)).is_err());
            assert!(TcpListener::bind((first, 18477)).is_ok());
        });
    }
}
