//! The parent's end of vsock: CID 3, its ports, and all streams that the guest has opened.
//!
//! Packets in, packets out; no memory of the guest, no thread, no socket. The device moves packets
//! between this and the rings.
//!
//! Nothing that a guest sends makes this grow without bound: at most [`MAX_STREAMS`] streams of
//! bounded size, and at most [`MAX_RESETS`] answers to packets that belong to no stream; while
//! [`Parent::is_full`] the device takes no more packets.

use std::collections::{BTreeMap, VecDeque};

use super::packet::{Header, Op, Packet, TYPE_STREAM};
use super::service::Port;
use super::stream::{BUFFER, Fate, Stream};

/// The CID of the parent, as an enclave sees it.
pub(crate) const PARENT_CID: u64 = 3;
/// The CID that the enclave gets. Any from 4 on would do.
pub(crate) const GUEST_CID: u64 = 16;
/// Streams at a time.
pub(crate) const MAX_STREAMS: usize = 64;
/// Resets that may wait for room in the guest's ring.
pub(crate) const MAX_RESETS: usize = 64;

/// The two ends of a stream: the guest's port, then ours.
type Ends = (u32, u32);

/// The parent's end of vsock.
#[derive(Debug, Default)]
pub(crate) struct Parent {
    ports: BTreeMap<u32, Box<dyn Port>>,
    streams: BTreeMap<Ends, Stream>,
    resets: VecDeque<Header>,
}

impl Parent {
    /// A parent that listens on these ports.
    pub(crate) fn new(ports: impl IntoIterator<Item = (u32, Box<dyn Port>)>) -> Self {
        Self {
            ports: ports.into_iter().collect(),
            ..Self::default()
        }
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
        let ends = (header.src_port, header.dst_port);
        let Some(stream) = self.streams.get_mut(&ends) else {
            return self.open(op, ends, header);
        };
        match stream.receive(op, header, &packet.payload) {
            Fate::Lives => {}
            Fate::Over => drop(self.streams.remove(&ends)),
            Fate::Reset => {
                self.streams.remove(&ends);
                self.refuse(header);
            }
        }
    }

    fn open(&mut self, op: Op, ends: Ends, header: &Header) {
        let is_request = op == Op::Request && self.streams.len() < MAX_STREAMS;
        let port = self.ports.get_mut(&ends.1).filter(|_| is_request);
        match port.and_then(|port| port.accept()) {
            Some(service) => drop(self.streams.insert(ends, Stream::new(service, header))),
            None => self.refuse(header),
        }
    }

    /// Answers with a reset; a reset is never answered.
    fn refuse(&mut self, header: &Header) {
        if header.op != Op::Reset.to_number() {
            self.resets.push_back(header.to_reset());
        }
    }

    /// Whether there is a packet for the guest.
    pub(crate) fn has_outgoing(&self) -> bool {
        !self.resets.is_empty() || self.streams.values().any(Stream::has_outgoing)
    }

    /// The next packet for the guest, with at most `room` bytes of payload.
    pub(crate) fn next(&mut self, room: u32) -> Option<Packet> {
        if let Some(header) = self.resets.pop_front() {
            return Some(Packet {
                header,
                payload: Vec::new(),
            });
        }
        let mut streams = self.streams.iter_mut();
        let (&(guest_port, port), outgoing) =
            streams.find_map(|(ends, stream)| Some((ends, stream.next(room)?)))?;
        let header = Header {
            src_cid: PARENT_CID,
            dst_cid: GUEST_CID,
            src_port: port,
            dst_port: guest_port,
            len: u32::try_from(outgoing.payload.len()).unwrap_or(0),
            kind: TYPE_STREAM,
            op: outgoing.op.to_number(),
            flags: outgoing.flags,
            buf_alloc: BUFFER,
            fwd_cnt: outgoing.fwd_cnt,
        };
        Some(Packet {
            header,
            payload: outgoing.payload,
        })
    }
}

#[cfg(test)]
mod tests;
