//! Dials: names resolved and connections made on threads of their own, which end with them.
//!
//! ```text
//! Dials::start        thread of the rings: counts, remembers the deadline, starts a thread
//!   Job::run          | that thread: resolves, asks the rules, connects
//!   Dials::done       | leaves its result, if anybody still waits, and makes the event readable
//! Dialler::poll       thread of the rings: watches new sockets, wakes the streams
//!   Dial::take        the stream takes what is for its own dial
//! ```
//!
//! A result belongs to a number that no other dial gets, not to the ports of a stream: one that
//! comes when its stream is gone is dropped, and its connection closed, whoever has the ports then.
//! A resolver cannot be interrupted, so a thread whose stream is gone or was told `timed-out` counts
//! as a dial until it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::line::{Host, Target};
use super::policy::Egress;
use super::{Denied, Reason};
use crate::sockets::connection::Connection;
use crate::sockets::{Sockets, Streams, Token};
use crate::vsock::parent::Ends;

/// Connections at a time, with those that are being made.
pub(crate) const MAX_CONNECTIONS: usize = 1024;
/// Threads that resolve or connect.
pub(crate) const MAX_DIALS: usize = 64;
/// How long resolving and connecting may take together.
const PATIENCE: Duration = Duration::from_secs(15);
/// What one of several addresses gets of that, where there is as much.
const SHARE: Duration = Duration::from_secs(2);
/// Refusals that are told: a guest must not fill a terminal.
const MAX_DENIED: usize = 16;

/// Hears of refused targets, each once. Called from several threads.
pub(crate) type OnDenied = Box<dyn Fn(Denied) + Send + Sync>;

/// Gives the addresses of a name.
type Resolve = Box<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// What decides about dials.
pub(super) struct Settings {
    pub(super) rules: Egress,
    pub(super) on_denied: OnDenied,
    pub(super) resolve: Resolve,
    pub(super) patience: Duration,
}

impl Settings {
    /// With the resolver of this machine.
    pub(super) fn new(rules: Egress, on_denied: OnDenied) -> Self {
        Self {
            rules,
            on_denied,
            resolve: Box::new(resolve),
            patience: PATIENCE,
        }
    }
}

/// Asks the resolver of this machine, for as long as that takes.
pub(super) fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    let addresses = (name, 0).to_socket_addrs()?;
    Ok(addresses.map(|address| address.ip()).collect())
}

/// Everything about dials that streams and threads share.
pub(super) struct Dials {
    settings: Settings,
    /// Readable when a dial is done. It is watched edge-triggered, so nobody reads it.
    event: OwnedFd,
    /// Readable when the time of the first dial that is left is over; the same.
    timer: OwnedFd,
    state: Mutex<State>,
}

impl fmt::Debug for Dials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dials")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    connections: usize,
    /// Threads that run.
    threads: usize,
    /// The number of the next dial.
    next: u64,
    /// Dials that a stream waits for, by number and so by deadline.
    pending: BTreeMap<u64, Pending>,
    denied: BTreeSet<Denied>,
}

impl State {
    /// When the time of the first dial without a result is over.
    fn next_deadline(&self) -> Option<Instant> {
        let mut left = self.pending.values();
        left.find(|pending| pending.result.is_none())
            .map(|pending| pending.deadline)
    }
}

/// A dial that a stream waits for.
#[derive(Debug)]
struct Pending {
    ends: Ends,
    deadline: Instant,
    /// From its thread.
    done: Option<Result<TcpStream, Reason>>,
    /// For its stream: the connection is watched.
    result: Option<Result<Connection, Reason>>,
}

impl Dials {
    fn new(settings: Settings) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self {
            settings,
            event: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
            timer: timerfd_create(TimerfdClockId::Monotonic, flags)?,
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics with half of a change done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a dial for the stream with these ends.
    pub(super) fn start(self: &Arc<Self>, ends: Ends, target: Target) -> Result<Dial, Reason> {
        if self.settings.rules == Egress::Off {
            self.deny(&target, None);
            return Err(Reason::NotAllowed);
        }
        let deadline = Instant::now() + self.settings.patience;
        let dial = self.register(ends, deadline).ok_or(Reason::TooMany)?;
        let job = Job {
            dials: Arc::clone(self),
            number: dial.number,
            deadline,
            target,
        };
        let named = thread::Builder::new().name("enclair-dial".to_owned());
        if named.spawn(move || job.run()).is_err() {
            self.state().threads -= 1;
            return Err(Reason::TooMany);
        }
        Ok(dial)
    }

    /// Counts a dial, unless there are too many.
    fn register(self: &Arc<Self>, ends: Ends, deadline: Instant) -> Option<Dial> {
        let mut state = self.state();
        if state.connections >= MAX_CONNECTIONS || state.threads >= MAX_DIALS {
            return None;
        }
        let number = state.next;
        let is_first = state.next_deadline().is_none();
        state.connections += 1;
        state.threads += 1;
        state.next += 1;
        let pending = Pending {
            ends,
            deadline,
            done: None,
            result: None,
        };
        state.pending.insert(number, pending);
        drop(state);
        if is_first {
            self.arm(deadline);
        }
        let dials = Arc::clone(self);
        Some(Dial { dials, number })
    }

    /// Sets the timer.
    fn arm(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let value = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            // A timer that is set to nothing never ends.
            tv_nsec: left.subsec_nanos().max(1).into(),
        };
        let once = Itimerspec {
            it_interval: zero,
            it_value: value,
        };
        // An error could only say that this is no timer, or that the time is none.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once);
    }

    /// Takes the result of a thread that ends.
    fn done(&self, number: u64, result: Result<TcpStream, Reason>) {
        let mut state = self.state();
        state.threads -= 1;
        if let Some(pending) = state.pending.get_mut(&number) {
            pending.done = Some(result);
        }
        drop(state);
        // It could fail only if the counter were full, and then it is readable.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }

    /// Gives each dial that is done, or whose time is over, its result; says whose they are.
    fn conclude(&self, sockets: &Sockets) -> Vec<Ends> {
        let now = Instant::now();
        let mut state = self.state();
        let mut ready = Vec::new();
        for pending in state.pending.values_mut() {
            let is_late = now >= pending.deadline;
            if let Some(done) = pending.done.take() {
                let ends = pending.ends;
                let watched = done.and_then(|socket| watch(sockets, socket, ends));
                pending.result = Some(watched);
            } else if is_late && pending.result.is_none() {
                pending.result = Some(Err(Reason::TimedOut));
            }
            if pending.result.is_some() {
                ready.push(pending.ends);
            }
        }
        if let Some(deadline) = state.next_deadline() {
            self.arm(deadline);
        }
        ready
    }

    /// Tells of a refused target, once and not for ever.
    fn deny(&self, target: &Target, address: Option<IpAddr>) {
        let denied = Denied {
            target: target.to_string(),
            address,
        };
        let mut state = self.state();
        let is_told = state.denied.len() < MAX_DENIED && state.denied.insert(denied.clone());
        drop(state);
        if is_told {
            (self.settings.on_denied)(denied);
        }
    }

    /// Whether somebody still waits for a dial.
    fn is_wanted(&self, number: u64) -> bool {
        self.state().pending.contains_key(&number)
    }

    /// Threads that run, and connections.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.threads, state.connections)
    }

    /// Counts connections that there are not.
    #[cfg(test)]
    pub(super) fn occupy(&self, connections: usize) {
        self.state().connections += connections;
    }
}

/// Serves a new socket with those of other streams.
fn watch(sockets: &Sockets, socket: TcpStream, ends: Ends) -> Result<Connection, Reason> {
    let connection = Connection::new(socket).map_err(|error| Reason::of(&error))?;
    match sockets.watch_stream(connection.socket(), ends) {
        Ok(()) => Ok(connection),
        // There is no memory for another.
        Err(_) => Err(Reason::TooMany),
    }
}

/// A stream's claim to a dial, and later to its connection. Both count until it is dropped.
#[derive(Debug)]
pub(super) struct Dial {
    dials: Arc<Dials>,
    number: u64,
}

impl Dial {
    /// The result, once.
    pub(super) fn take(&self) -> Option<Result<Connection, Reason>> {
        let mut state = self.dials.state();
        let result = state.pending.get_mut(&self.number)?.result.take()?;
        state.pending.remove(&self.number);
        Some(result)
    }
}

impl Drop for Dial {
    fn drop(&mut self) {
        let mut state = self.dials.state();
        state.connections -= 1;
        let pending = state.pending.remove(&self.number);
        // A connection is closed without the lock.
        drop(state);
        drop(pending);
    }
}

/// What one thread does.
struct Job {
    dials: Arc<Dials>,
    number: u64,
    deadline: Instant,
    target: Target,
}

impl Job {
    fn run(self) {
        let result = self
            .addresses()
            .and_then(|addresses| self.connect(&addresses));
        self.dials.done(self.number, result);
    }

    /// The addresses that may be tried, in order.
    fn addresses(&self) -> Result<Vec<IpAddr>, Reason> {
        let settings = &self.dials.settings;
        let found = match &self.target.host {
            Host::Parent => return Ok(vec![Ipv4Addr::LOCALHOST.into()]),
            Host::Address(address) => vec![*address],
            // Whatever a resolver's error says, there is no address.
            Host::Name(name) => (settings.resolve)(name).unwrap_or_default(),
        };
        let first = *found.first().ok_or(Reason::NotFound)?;
        let allowed = found.into_iter();
        let allowed: Vec<_> = allowed.filter(|a| settings.rules.allows(*a)).collect();
        if allowed.is_empty() {
            self.dials.deny(&self.target, Some(first));
            return Err(Reason::NotAllowed);
        }
        Ok(allowed)
    }

    /// Connects to the first address that answers. One that does not leaves time for the others.
    fn connect(&self, addresses: &[IpAddr]) -> Result<TcpStream, Reason> {
        let mut reason = Reason::TimedOut;
        for (index, address) in addresses.iter().enumerate() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.dials.is_wanted(self.number) {
                return Err(Reason::TimedOut);
            }
            let others = u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
            let share = (left / others).max(SHARE).min(left);
            let address = SocketAddr::new(*address, self.target.port);
            match TcpStream::connect_timeout(&address, share).and_then(with_another) {
                Ok(socket) => return Ok(socket),
                Err(error) => reason = Reason::of(&error),
            }
        }
        Err(reason)
    }
}

/// Refuses a socket that the kernel has connected with itself, as it may where nobody listens and
/// the port is one of those that it chooses from.
fn with_another(socket: TcpStream) -> io::Result<TcpStream> {
    if socket.local_addr()? == socket.peer_addr()? {
        return Err(Errno::CONNREFUSED.into());
    }
    Ok(socket)
}

/// What the thread of the rings has to do about dials.
#[derive(Debug)]
pub(crate) struct Dialler {
    sockets: Sockets,
    dials: Arc<Dials>,
}

impl Dialler {
    pub(super) fn new(settings: Settings) -> io::Result<Self> {
        let sockets = Sockets::new()?;
        let dials = Dials::new(settings)?;
        sockets.watch_source(&dials.event, 0)?;
        sockets.watch_source(&dials.timer, 1)?;
        let dials = Arc::new(dials);
        Ok(Self { sockets, dials })
    }

    pub(super) const fn dials(&self) -> &Arc<Dials> {
        &self.dials
    }

    #[cfg(test)]
    pub(super) const fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// The descriptor that is readable while there is something for [`Dialler::poll`].
    pub(crate) fn descriptor(&self) -> RawFd {
        self.sockets.descriptor()
    }

    /// The same, to be polled by who has no rings.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.sockets.as_fd()
    }

    /// Takes what has happened to dials and their connections to whoever has the streams.
    pub(crate) fn poll(&mut self, streams: &mut impl Streams) {
        for token in self.sockets.ready() {
            match token {
                Token::Source(_) => {
                    for ends in self.dials.conclude(&self.sockets) {
                        streams.wake(ends);
                    }
                }
                Token::Stream(ends) => streams.wake(ends),
            }
        }
    }
}
