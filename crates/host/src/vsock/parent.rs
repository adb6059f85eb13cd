//! The parent's end of vsock: CID 3, its ports, and all streams, whoever has opened them.
//!
//! Packets in, packets out; no memory of the guest, no thread, no socket. The device moves packets
//! between this and the rings. Streams that have something to send take turns, a packet each.
//!
//! Nothing that a guest sends makes this grow without bound: at most [`Port::most`] streams of its
//! own at each port and [`MAX_OPENED`] of ours, of bounded size, and at most [`MAX_RESETS`] answers
//! to packets that belong to no stream, beside one for each stream that ends meanwhile; while
//! [`Parent::is_full`] the device takes no more packets.
//! A stream that is over leaves its service behind while that has something to pass on. Until that
//! is done, no other stream may have the same ends.

use std::collections::{BTreeMap, VecDeque};

use super::packet::{Header, Op, Packet, TYPE_STREAM};
use super::service::{Next, Port, Service};
use super::stream::{BUFFER, Fate, Stream};
use crate::sockets::Streams;

/// The CID of the parent, as an enclave sees it.
pub(crate) const PARENT_CID: u64 = 3;
/// The CID that the enclave gets. Any from 4 on would do.
pub(crate) const GUEST_CID: u64 = 16;
/// Streams at a time that the guest has opened at a port, unless the port says otherwise.
pub(crate) const MAX_ACCEPTED: usize = 64;
/// Streams at a time that we have opened, with the services that are left of such.
pub(crate) const MAX_OPENED: usize = 1024;
/// Resets that may wait for room in the guest's ring.
pub(crate) const MAX_RESETS: usize = 64;
/// Our ports of streams that we open start here: no port that listens is as high.
const FIRST_OPENED: u32 = 1 << 30;

/// The two ends of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ends {
    /// The guest's port.
    pub(crate) guest: u32,
    /// Ours.
    pub(crate) parent: u32,
}

impl Ends {
    const fn is_opened(self) -> bool {
        self.parent >= FIRST_OPENED
    }
}

/// A stream, and whether it stands in the queue of those with something to send.
#[derive(Debug)]
struct Entry {
    stream: Stream,
    queued: bool,
}

/// A port that listens, and how many streams to it there are, with what is left of some.
#[derive(Debug)]
struct Listening {
    port: Box<dyn Port>,
    streams: usize,
}

impl Listening {
    fn new(port: Box<dyn Port>) -> Self {
        Self { port, streams: 0 }
    }
}

/// The parent's end of vsock.
#[derive(Debug)]
pub(crate) struct Parent {
    ports: BTreeMap<u32, Listening>,
    streams: BTreeMap<Ends, Entry>,
    /// How many of the streams are ours, with what is left of some.
    opened: usize,
    queue: VecDeque<Ends>,
    resets: VecDeque<Header>,
    /// What is left of streams that are over.
    left: BTreeMap<Ends, Box<dyn Service>>,
    /// Our port of the next stream that we open.
    next_port: u32,
}

impl Parent {
    /// A parent that listens on these ports.
    pub(crate) fn new(ports: impl IntoIterator<Item = (u32, Box<dyn Port>)>) -> Self {
        let ports = ports.into_iter();
        Self {
            ports: ports
                .map(|(number, port)| (number, Listening::new(port)))
                .collect(),
            streams: BTreeMap::new(),
            opened: 0,
            queue: VecDeque::new(),
            resets: VecDeque::new(),
            left: BTreeMap::new(),
            next_port: FIRST_OPENED,
        }
    }

    /// Streams, and what is left of some.
    #[cfg(test)]
    pub(crate) fn streams(&self) -> usize {
        self.streams.len() + self.left.len()
    }

    /// Whether answers have to be sent before another packet can be taken.
    pub(crate) fn is_full(&self) -> bool {
        self.resets.len() >= MAX_RESETS
    }

    /// Takes a packet from the guest.
    pub(crate) fn receive(&mut self, packet: &Packet) {
        let header = &packet.header;
        // The ring is the guest's alone; another name on the packet is a lie that nobody answers.
        if header.src_cid != GUEST_CID {
            return;
        }
        let op = Op::from_number(header.op);
        let (Some(op), PARENT_CID, TYPE_STREAM) = (op, header.dst_cid, header.kind) else {
            return self.refuse(header);
        };
        let ends = Ends {
            guest: header.src_port,
            parent: header.dst_port,
        };
        let Some(entry) = self.streams.get_mut(&ends) else {
            return self.accept(op, ends, header);
        };
        let fate = entry.stream.receive(op, header, &packet.payload);
        self.conclude(ends, fate);
    }

    fn accept(&mut self, op: Op, ends: Ends, header: &Header) {
        let is_request = op == Op::Request && !self.left.contains_key(&ends);
        let listening = self.ports.get_mut(&ends.parent).filter(|_| is_request);
        let service = listening
            .filter(|listening| listening.streams < listening.port.most())
            .and_then(|listening| listening.port.accept(ends));
        match service {
            Some(service) => self.add(ends, Stream::accepted(service, header)),
            None => self.refuse(header),
        }
    }

    fn add(&mut self, ends: Ends, stream: Stream) {
        self.count(ends, |count| count.saturating_add(1));
        let queued = false;
        self.streams.insert(ends, Entry { stream, queued });
        self.enqueue(ends);
    }

    /// Does what a stream's fate says.
    fn conclude(&mut self, ends: Ends, fate: Fate) {
        match fate {
            Fate::Lives => self.enqueue(ends),
            Fate::Over => self.remove(ends),
            Fate::Reset => {
                self.remove(ends);
                self.resets.push_back(Header {
                    op: Op::Reset.to_number(),
                    ..header(ends)
                });
            }
        }
    }

    /// Queues a stream that has something to send.
    fn enqueue(&mut self, ends: Ends) {
        if let Some(entry) = self.streams.get_mut(&ends)
            && !entry.queued
            && entry.stream.has_outgoing()
        {
            entry.queued = true;
            self.queue.push_back(ends);
        }
    }

    fn remove(&mut self, ends: Ends) {
        let Some(entry) = self.streams.remove(&ends) else {
            return;
        };
        if entry.queued {
            self.queue.retain(|queued| *queued != ends);
        }
        let mut service = entry.stream.into_service();
        if service.flush() != Next::Reset && service.outlives() {
            self.left.insert(ends, service);
        } else {
            self.count(ends, |count| count.saturating_sub(1));
        }
    }

    /// Changes how many streams there are of the kind that has these ends.
    fn count(&mut self, ends: Ends, change: impl Fn(usize) -> usize) {
        if ends.is_opened() {
            self.opened = change(self.opened);
        } else if let Some(listening) = self.ports.get_mut(&ends.parent) {
            listening.streams = change(listening.streams);
        }
    }

    /// Answers with a reset; a reset is never answered.
    fn refuse(&mut self, header: &Header) {
        if header.op != Op::Reset.to_number() {
            self.resets.push_back(header.to_reset());
        }
    }

    /// Whether there is a packet for the guest.
    pub(crate) fn has_outgoing(&mut self) -> bool {
        !self.resets.is_empty() || self.first_with_outgoing().is_some()
    }

    /// The first of the queue. Those whose turn came to nothing meanwhile lose it.
    fn first_with_outgoing(&mut self) -> Option<(Ends, &mut Entry)> {
        while let Some(&ends) = self.queue.front() {
            match self.streams.get_mut(&ends) {
                Some(entry) if entry.stream.has_outgoing() => break,
                Some(entry) => entry.queued = false,
                None => {}
            }
            self.queue.pop_front();
        }
        let ends = *self.queue.front()?;
        Some((ends, self.streams.get_mut(&ends)?))
    }

    /// The next packet for the guest, with at most `room` bytes of payload.
    pub(crate) fn next(&mut self, room: u32) -> Option<Packet> {
        if let Some(header) = self.resets.pop_front() {
            return Some(Packet {
                header,
                payload: Vec::new(),
            });
        }
        let (ends, entry) = self.first_with_outgoing()?;
        let outgoing = entry.stream.next(room)?;
        let fate = entry.stream.refill();
        entry.queued = false;
        self.queue.pop_front();
        self.conclude(ends, fate);
        let header = Header {
            len: u32::try_from(outgoing.payload.len()).unwrap_or(0),
            op: outgoing.op.to_number(),
            flags: outgoing.flags,
            buf_alloc: BUFFER,
            fwd_cnt: outgoing.fwd_cnt,
            ..header(ends)
        };
        Some(Packet {
            header,
            payload: outgoing.payload,
        })
    }
}

impl Streams for Parent {
    fn can_open(&self) -> bool {
        self.opened < MAX_OPENED
    }

    fn new_ends(&mut self, guest: u32) -> Ends {
        loop {
            let ends = Ends {
                guest,
                parent: self.next_port,
            };
            self.next_port = match self.next_port {
                u32::MAX => FIRST_OPENED,
                port => port.saturating_add(1),
            };
            if !self.streams.contains_key(&ends) && !self.left.contains_key(&ends) {
                return ends;
            }
        }
    }

    fn open(&mut self, ends: Ends, service: Box<dyn Service>) {
        self.add(ends, Stream::opened(service));
    }

    fn wake(&mut self, ends: Ends) {
        if let Some(entry) = self.streams.get_mut(&ends) {
            let fate = entry.stream.wake();
            self.conclude(ends, fate);
        } else if let Some(service) = self.left.get_mut(&ends)
            && (service.flush() == Next::Reset || !service.outlives())
        {
            self.left.remove(&ends);
            self.count(ends, |count| count.saturating_sub(1));
        }
    }
}

/// The header of a packet to the guest, but for what it says.
fn header(ends: Ends) -> Header {
    Header {
        src_cid: PARENT_CID,
        dst_cid: GUEST_CID,
        src_port: ends.parent,
        dst_port: ends.guest,
        kind: TYPE_STREAM,
        ..Header::default()
    }
}

#[cfg(test)]
mod tests;
