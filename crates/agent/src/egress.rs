//! Calls to outside, under the measured rules.
//!
//! A call is a name or an address, and a port. The rules are asked here, before a byte leaves; what
//! they allow is handed to the parent by name, which finds out who answers there. So the rules say
//! whom the application may ask for, and not who answers: that is the parent's word, and only TLS in
//! the application can tell.
//!
//! | module | how the application calls |
//! |---|---|
//! | `proxy` | by a proxy of HTTP or SOCKS at 127.0.0.1:3128, as `http_proxy` and its kin say |
//! | `names`, `local` | as if there were a network: names have addresses of this machine |
//!
//! | module | what it reads |
//! |---|---|
//! | `http`, `body`, `exchange` | requests of HTTP, how far their bodies go, and one with its answer |
//! | `socks` | requests of SOCKS5 |
//! | `inbox` | the beginning of a stream, with a bound |
//! | `parent` | the parent's answer to a call |
//! | `readers` | what all of them, and those of `attestation`, make of bytes, for `fuzz/` |

mod body;
mod exchange;
mod http;
mod inbox;
mod local;
mod names;
mod parent;
mod proxy;
pub mod readers;
mod socks;
#[cfg(test)]
mod tests;

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use enclair_configuration::{EgressRule, Host, deciding_rule};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::counters::{Counter, count};
use crate::error::Error;
use crate::lines::{self, Asked};
use crate::stream::{Listener, Stream};

use self::local::Local;
use self::names::Names;
use self::parent::Parent;
use self::proxy::Proxy;

/// Connections at the same time, however they are asked for. Those beyond wait.
const MAX_CONNECTIONS: usize = 1024;

/// Calls that the parent is making at the same time. It refuses more than 64.
const MAX_DIALS: usize = 64;

/// How long a call waits until the parent makes fewer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What every way to call shares.
#[derive(Debug)]
pub(crate) struct Egress {
    rules: Vec<EgressRule>,
    parent: Parent,
    connections: Arc<Semaphore>,
    dials: Semaphore,
}

/// Whom the application calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host {
            Host::Address(address) if address.is_ipv6() => write!(f, "[{address}]:{port}"),
            Host::Address(_) | Host::Name(_) | Host::Parent => write!(f, "{host}:{port}"),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    /// The measured rules say so: the one that decided, or none that fits.
    Denied(Option<String>),
    /// The parent says so.
    Parent(Reason),
}

/// What the parent says of a call that it does not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    NotAllowed,
    NotFound,
    Refused,
    TimedOut,
    TooMany,
    /// It cannot be reached, or the parent does not speak the protocol.
    Unreachable,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied(Some(rule)) => return write!(f, "denied by the rule `{rule}`"),
            Self::Denied(None) => "denied: no rule of the enclave allows it",
            Self::Parent(Reason::NotAllowed) => "the parent does not allow it",
            Self::Parent(Reason::NotFound) => "the parent finds no such name",
            Self::Parent(Reason::Refused) => "nobody listens there",
            Self::Parent(Reason::TimedOut) => "it did not answer in time",
            Self::Parent(Reason::TooMany) => "the parent makes too many calls already",
            Self::Parent(Reason::Unreachable) => "it cannot be reached",
        })
    }
}

/// A connection to outside, and the bytes of it that have been read already.
#[derive(Debug)]
struct Called {
    stream: Stream,
    early: Vec<u8>,
}

impl Egress {
    fn new(rules: Vec<EgressRule>, parent: Parent) -> Self {
        Self {
            rules,
            parent,
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            dials: Semaphore::new(MAX_DIALS),
        }
    }

    /// The next connection of the application, and the right to it.
    async fn accept(&self, listener: &Listener) -> (Stream, OwnedSemaphorePermit) {
        let (client, right) = listener.accept(&self.connections).await;
        // A connection that cannot be told so is gone, which its reader notices.
        let _ = client.send_at_once();
        (client, right)
    }

    /// What the rules say, in the log too when they deny.
    fn decide(&self, target: &Target) -> Result<(), Refusal> {
        let rule = deciding_rule(&self.rules, &target.host, target.port);
        if rule.is_some_and(EgressRule::allows) {
            return Ok(());
        }
        count(Counter::Denied);
        lines::denied(Asked::Connect(target), rule);
        Err(Refusal::Denied(rule.map(ToString::to_string)))
    }

    /// Calls, if the rules allow it.
    async fn call(&self, target: &Target) -> Result<Called, Refusal> {
        self.decide(target)?;
        count(Counter::Calls);
        // Held until the parent has answered.
        let Ok(_dial) = timeout(PATIENCE, self.dials.acquire()).await else {
            return Err(Refusal::Parent(Reason::TooMany));
        };
        self.parent.call(target).await.map_err(Refusal::Parent)
    }

    /// The single ports that rules allow for `host`, ascending: those a listener can stand for.
    fn ports(&self, host: &Host) -> Vec<u16> {
        let named = self.rules.iter().flat_map(|rule| rule.named_ports(host));
        let allowed =
            |port: &u16| deciding_rule(&self.rules, host, *port).is_some_and(EgressRule::allows);
        let mut ports: Vec<_> = named.filter(allowed).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// The rule to name when `host` has no such port: the one that denies it, or the one that
    /// allows it at every port or a range of them.
    fn rule_without_port(&self, host: &Host) -> Option<&EgressRule> {
        let rules = &self.rules;
        // No list of ports has a 0 in it, so a rule that fits there is about every port.
        let every = deciding_rule(rules, host, 0);
        let mut named = rules.iter().flat_map(|rule| rule.named_ports(host));
        every
            .or_else(|| named.find_map(|port| deciding_rule(rules, host, port)))
            .or_else(|| {
                let mut rules = rules.iter();
                rules.find(|rule| rule.allows() && rule.concerns(host))
            })
    }
}

/// Starts every way to call.
pub(crate) fn start(rules: Vec<EgressRule>) -> Result<(), Error> {
    let egress = Rc::new(Egress::new(rules, Parent::Vsock));
    let proxy = Proxy::listen(proxy::ADDRESS, Rc::clone(&egress))
        .map_err(|source| Error::Proxy { source })?;
    let names = Names::listen(names::ADDRESS, Local::new(egress))
        .map_err(|source| Error::Names { source })?;
    tokio::task::spawn_local(proxy.serve());
    names.serve();
    Ok(())
}
