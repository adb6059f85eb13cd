//! All streams between the enclave and this machine, on one thread.
//!
//! ```text
//! listeners of the ports  -> a service each: status, the agent's word, calls   vsock::service, egress
//! connections of `-p`     -> a socket to the enclave each                      ingress
//! connections of a call   -> behind the service that has asked for them        egress
//! ```
//!
//! What the services do is what they do for an emulated machine. The enclave is as hostile as
//! there, and so are its neighbours: the ports are open to every enclave of the instance, and a
//! connection of another context id is closed before a byte of it is read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::mem;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with};

use super::error::NitroError;
use super::link::{Fate, Link};
use super::wire::Wire;
use crate::egress::Dialler;
use crate::ingress::Ingress;
use crate::sockets::{Sockets, Streams, Token};
use crate::vsock::parent::{Ends, MAX_OPENED};
use crate::vsock::service::{Next, Port, Service};

/// Connections of one port that are accepted before others have their turn.
const ACCEPTED: usize = 64;

/// Who has begun a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The enclave, at the listener with this index.
    Enclave(usize),
    /// Somebody here.
    Parent,
}

/// A port that listens.
#[derive(Debug)]
struct Door {
    listener: OwnedFd,
    port: Box<dyn Port>,
    /// Streams, with the services that are left of some.
    streams: usize,
    /// There may be a connection that nobody has accepted.
    ready: bool,
}

/// All streams.
#[derive(Debug)]
pub(super) struct Relay<W> {
    wire: W,
    /// The enclave.
    cid: u32,
    sockets: Sockets,
    doors: Vec<Door>,
    links: BTreeMap<Ends, (Origin, Link)>,
    /// Streams that have more to do at once.
    busy: BTreeSet<Ends>,
    /// What is left of streams that are over.
    left: BTreeMap<Ends, (Origin, Box<dyn Service>)>,
    /// How many of all these are ours.
    opened: usize,
    /// The number of the next stream; 0 is no stream's.
    next: u32,
    /// Connections of others than the enclave.
    strangers: u64,
}

impl<W: Wire> Relay<W> {
    /// Listens at the ports. Nothing is accepted before [`Relay::serve`]: the kernel keeps
    /// connections until it is known who the enclave is.
    pub(super) fn bind(
        wire: W,
        ports: impl IntoIterator<Item = (u32, Box<dyn Port>)>,
    ) -> Result<Self, NitroError> {
        let failed = |port| move |source| NitroError::Listen { port, source };
        let sockets = Sockets::new().map_err(failed(0))?;
        let mut doors = Vec::new();
        for (number, port) in ports {
            let listener = wire.listen(number).map_err(failed(number))?;
            sockets
                .watch_source(&listener, doors.len())
                .map_err(failed(number))?;
            doors.push(Door {
                listener,
                port,
                streams: 0,
                ready: true,
            });
        }
        Ok(Self {
            wire,
            cid: 0,
            sockets,
            doors,
            links: BTreeMap::new(),
            busy: BTreeSet::new(),
            left: BTreeMap::new(),
            opened: 0,
            next: 1,
            strangers: 0,
        })
    }

    /// Serves the enclave `cid` until `stop` is readable. Gives the number of connections that were
    /// refused because they were not the enclave's.
    pub(super) fn serve(
        mut self,
        cid: u32,
        mut ingress: Ingress,
        mut dialler: Dialler,
        stop: &OwnedFd,
    ) -> io::Result<u64> {
        self.cid = cid;
        loop {
            self.take_events();
            self.accept();
            ingress.poll(&mut self);
            ingress.accept(&mut self);
            dialler.poll(&mut self);
            for ends in mem::take(&mut self.busy) {
                self.turn(ends, Link::turn);
            }
            if self.wait(&ingress, &dialler, stop)? {
                return Ok(self.strangers);
            }
        }
    }

    /// Waits until there is something to do; says whether that is to stop.
    fn wait(&self, ingress: &Ingress, dialler: &Dialler, stop: &OwnedFd) -> io::Result<bool> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // A door that is still ready has more connections than one turn takes.
        let is_busy = !self.busy.is_empty() || self.doors.iter().any(|door| door.ready);
        let sources = [
            Some(self.sockets.as_fd()),
            Some(dialler.as_fd()),
            ingress.source(),
        ];
        let mut polled = vec![PollFd::new(stop, PollFlags::IN)];
        let sources = sources.into_iter().flatten();
        polled.extend(sources.map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN)));
        match poll(&mut polled, is_busy.then_some(&now)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let stop = polled.first().map(PollFd::revents);
        Ok(stop.is_some_and(|events| !events.is_empty()))
    }

    /// Takes what has happened to the sockets of the enclave's side.
    fn take_events(&mut self) {
        let tokens: Vec<_> = self.sockets.ready().collect();
        for token in tokens {
            match token {
                Token::Source(index) => {
                    if let Some(door) = self.doors.get_mut(index) {
                        door.ready = true;
                    }
                }
                Token::Stream(ends) => self.turn(ends, Link::awake),
            }
        }
    }

    /// Accepts what has come to the listeners.
    fn accept(&mut self) {
        for index in 0..self.doors.len() {
            for _ in 0..ACCEPTED {
                if !self.accept_one(index) {
                    break;
                }
            }
        }
    }

    /// Accepts one connection; says whether there may be another.
    fn accept_one(&mut self, index: usize) -> bool {
        let Some(door) = self.doors.get_mut(index).filter(|door| door.ready) else {
            return false;
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = match accept_with(&door.listener, flags) {
            Ok(socket) => socket,
            Err(Errno::INTR | Errno::CONNABORTED | Errno::CONNRESET) => return true,
            // None is left; or there are too many open files, and the next event tries again.
            Err(_) => {
                door.ready = false;
                return false;
            }
        };
        if self.wire.peer(&socket).ok() != Some(self.cid) {
            self.strangers = self.strangers.saturating_add(1);
            return true;
        }
        let ends = self.new_ends(0);
        let Some(door) = self.doors.get_mut(index) else {
            return false;
        };
        if door.streams < door.port.most()
            && self.sockets.watch_stream(&socket, ends).is_ok()
            && let Some(service) = door.port.accept(ends)
        {
            self.add(ends, Origin::Enclave(index), Link::new(socket, service));
        }
        true
    }

    fn add(&mut self, ends: Ends, origin: Origin, link: Link) {
        self.count(origin, |count| count.saturating_add(1));
        self.links.insert(ends, (origin, link));
        self.busy.insert(ends);
    }

    /// Lets a stream do something, and does what its fate says.
    fn turn(&mut self, ends: Ends, what: impl FnOnce(&mut Link) -> Fate) {
        let Some((_, link)) = self.links.get_mut(&ends) else {
            return;
        };
        match what(link) {
            Fate::Waits => {}
            Fate::Busy => {
                self.busy.insert(ends);
            }
            Fate::Over => self.remove(ends),
        }
    }

    fn remove(&mut self, ends: Ends) {
        let Some((origin, link)) = self.links.remove(&ends) else {
            return;
        };
        self.busy.remove(&ends);
        // There may be room, or an open file, for what was not accepted.
        for door in &mut self.doors {
            door.ready = true;
        }
        let mut service = link.into_service();
        if service.flush() != Next::Reset && service.outlives() {
            self.left.insert(ends, (origin, service));
        } else {
            self.count(origin, |count| count.saturating_sub(1));
        }
    }

    /// Changes how many streams of a kind there are.
    fn count(&mut self, origin: Origin, change: impl Fn(usize) -> usize) {
        match origin {
            Origin::Parent => self.opened = change(self.opened),
            Origin::Enclave(index) => {
                if let Some(door) = self.doors.get_mut(index) {
                    door.streams = change(door.streams);
                }
            }
        }
    }
}

impl<W: Wire> Streams for Relay<W> {
    fn can_open(&self) -> bool {
        self.opened < MAX_OPENED
    }

    /// The number of a stream stands where an emulated machine has a port: the kernel chooses ours,
    /// and may give one again when a stream is over for it and not for us.
    fn new_ends(&mut self, guest: u32) -> Ends {
        loop {
            let parent = self.next;
            self.next = self.next.checked_add(1).unwrap_or(1);
            let ends = Ends { guest, parent };
            if !self.links.contains_key(&ends) && !self.left.contains_key(&ends) {
                return ends;
            }
        }
    }

    fn open(&mut self, ends: Ends, service: Box<dyn Service>) {
        // Without a stream the connection is reset, as it is when the enclave refuses.
        let Ok(socket) = self.wire.connect(self.cid, ends.guest) else {
            return;
        };
        if self.sockets.watch_stream(&socket, ends).is_ok() {
            self.add(ends, Origin::Parent, Link::new(socket, service));
        }
    }

    fn wake(&mut self, ends: Ends) {
        if self.links.contains_key(&ends) {
            self.turn(ends, Link::wake);
        } else if let Some((origin, service)) = self.left.get_mut(&ends)
            && (service.flush() == Next::Reset || !service.outlives())
        {
            let origin = *origin;
            self.left.remove(&ends);
            self.count(origin, |count| count.saturating_sub(1));
        }
    }
}
