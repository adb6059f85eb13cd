use std::sync::{Arc, Mutex};

use super::super::packet::{NO_RECEIVE, NO_SEND};
use super::super::service::{HeartbeatPort, Next, Service, StatusBytes, StatusPort};
use super::super::stream::BUFFER;
use super::super::{HEARTBEAT_PORT, STATUS_PORT};
use super::*;

mod hostile;
mod opened;

/// The port of a service that says everything twice.
const ECHO_PORT: u32 = 7;
/// The guest's port in most tests.
const GUEST_PORT: u32 = 1024;

#[derive(Debug)]
struct EchoPort;

impl Port for EchoPort {
    fn accept(&mut self, _ends: Ends) -> Option<Box<dyn Service>> {
        Some(Box::new(Echo))
    }
}

#[derive(Debug)]
struct Echo;

impl Service for Echo {
    fn receive(&mut self, bytes: &[u8], reply: &mut VecDeque<u8>) -> Next {
        reply.extend(bytes);
        reply.extend(bytes);
        Next::Open
    }

    fn finish(&mut self) -> Next {
        Next::Close
    }
}

/// A parent, and the guest's side of a stream to it.
struct Guest {
    parent: Parent,
    heard: Arc<Mutex<Vec<StatusBytes>>>,
    from: u32,
    to: u32,
    buffer: u32,
    taken: u32,
}

impl Guest {
    fn new(to: u32) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearer = {
            let heard = Arc::clone(&heard);
            Box::new(move |bytes: StatusBytes| {
                let next = match &bytes {
                    StatusBytes::More(bytes) if bytes == b"bad" => Next::Reset,
                    StatusBytes::More(bytes) if bytes == b"enough" => Next::Close,
                    StatusBytes::More(_) | StatusBytes::End => Next::Open,
                };
                heard.lock().unwrap().push(bytes);
                next
            })
        };
        Self {
            parent: Parent::new([
                (HEARTBEAT_PORT, Box::new(HeartbeatPort) as Box<dyn Port>),
                (STATUS_PORT, Box::new(StatusPort::new(hearer))),
                (ECHO_PORT, Box::new(EchoPort)),
            ]),
            heard,
            from: GUEST_PORT,
            to,
            buffer: 256 << 10,
            taken: 0,
        }
    }

    fn header(&self, op: Op) -> Header {
        Header {
            src_cid: GUEST_CID,
            dst_cid: PARENT_CID,
            src_port: self.from,
            dst_port: self.to,
            kind: TYPE_STREAM,
            op: op.to_number(),
            buf_alloc: self.buffer,
            fwd_cnt: self.taken,
            ..Header::default()
        }
    }

    fn send(&mut self, op: Op) {
        let header = self.header(op);
        self.send_as(header);
    }

    fn send_as(&mut self, header: Header) {
        self.parent.receive(&Packet {
            header,
            payload: Vec::new(),
        });
    }

    fn say(&mut self, bytes: &[u8]) {
        let mut header = self.header(Op::Data);
        header.len = u32::try_from(bytes.len()).unwrap();
        self.parent.receive(&Packet {
            header,
            payload: bytes.to_vec(),
        });
    }

    fn shut_down(&mut self, flags: u32) {
        let header = Header {
            flags,
            ..self.header(Op::Shutdown)
        };
        self.send_as(header);
    }

    /// The next packet, which must go to this guest's end of the stream.
    fn next(&mut self) -> Option<(Op, Packet)> {
        let outgoing = self.parent.has_outgoing();
        let packet = self.parent.next(4096);
        assert_eq!(packet.is_some(), outgoing);
        let packet = packet?;
        let header = packet.header;
        assert_eq!((header.src_cid, header.dst_cid), (PARENT_CID, GUEST_CID));
        assert_eq!((header.src_port, header.dst_port), (self.to, self.from));
        assert_eq!(header.len as usize, packet.payload.len());
        Some((Op::from_number(header.op).unwrap(), packet))
    }

    fn next_op(&mut self) -> Option<Op> {
        Some(self.next()?.0)
    }

    fn connect(&mut self) {
        self.send(Op::Request);
        let (op, packet) = self.next().unwrap();
        assert_eq!(op, Op::Response);
        assert_eq!(packet.header.buf_alloc, BUFFER);
        self.quiet();
    }

    fn quiet(&mut self) {
        assert!(!self.parent.has_outgoing());
        assert_eq!(self.next(), None);
    }
}

#[test]
fn the_heartbeat_is_answered_and_the_stream_ends() {
    let mut guest = Guest::new(HEARTBEAT_PORT);
    guest.connect();
    guest.say(&[0xb7]);
    let (op, packet) = guest.next().unwrap();
    assert_eq!((op, packet.payload), (Op::Data, vec![0xb7]));
    assert_eq!(packet.header.fwd_cnt, 1, "what was taken is told");
    guest.shut_down(NO_RECEIVE | NO_SEND);
    assert_eq!(guest.next_op(), Some(Op::Reset));
    guest.quiet();
    assert!(guest.parent.streams.is_empty());
}

#[test]
fn another_heartbeat_is_reset() {
    for bytes in [&b"\xb6"[..], b"\xb7\xb7", b"GET / HTTP/1.1\r\n"] {
        let mut guest = Guest::new(HEARTBEAT_PORT);
        guest.connect();
        guest.say(bytes);
        assert_eq!(guest.next_op(), Some(Op::Reset));
        guest.quiet();
        assert!(guest.parent.streams.is_empty());
    }
}

#[test]
fn the_status_is_heard_to_its_end_and_closed() {
    let mut guest = Guest::new(STATUS_PORT);
    guest.connect();
    guest.say(b"one");
    guest.say(b"two");
    guest.quiet();
    guest.shut_down(NO_SEND);
    // Our half is closed too, which is how the guest knows that it has been heard.
    let (op, packet) = guest.next().unwrap();
    assert_eq!(
        (op, packet.header.flags),
        (Op::Shutdown, NO_RECEIVE | NO_SEND)
    );
    assert_eq!(packet.header.fwd_cnt, 6);
    guest.quiet();
    guest.send(Op::Reset);
    guest.quiet();
    assert!(guest.parent.streams.is_empty());
    let heard = guest.heard.lock().unwrap();
    let more = |bytes: &[u8]| StatusBytes::More(bytes.to_vec());
    assert_eq!(*heard, [more(b"one"), more(b"two"), StatusBytes::End]);
}

#[test]
fn the_status_port_takes_one_stream_in_all() {
    let mut guest = Guest::new(STATUS_PORT);
    guest.connect();
    guest.from += 1;
    guest.send(Op::Request);
    assert_eq!(guest.next_op(), Some(Op::Reset));
    guest.from -= 1;
    guest.send(Op::Reset);
    guest.send(Op::Request);
    assert_eq!(guest.next_op(), Some(Op::Reset));
    guest.quiet();
}

#[test]
fn a_hearer_may_reset_or_close() {
    let mut guest = Guest::new(STATUS_PORT);
    guest.connect();
    guest.say(b"bad");
    assert_eq!(guest.next_op(), Some(Op::Reset));
    assert!(guest.parent.streams.is_empty());
    let mut guest = Guest::new(STATUS_PORT);
    guest.connect();
    guest.say(b"enough");
    assert_eq!(guest.next_op(), Some(Op::Shutdown));
    // What comes after that was not asked for.
    guest.say(b"more");
    assert_eq!(guest.next_op(), Some(Op::Reset));
    guest.quiet();
}

#[test]
fn whatever_is_not_ours_is_reset_to_where_it_came_from() {
    let mut guest = Guest::new(9005);
    guest.send(Op::Request);
    assert_eq!(
        guest.next_op(),
        Some(Op::Reset),
        "a port without a listener"
    );
    guest.to = HEARTBEAT_PORT;
    for op in [
        Op::Response,
        Op::Shutdown,
        Op::Data,
        Op::CreditUpdate,
        Op::CreditRequest,
    ] {
        guest.send(op);
        assert_eq!(guest.next_op(), Some(Op::Reset), "{op:?} without a stream");
    }
    let request = guest.header(Op::Request);
    for header in [
        Header {
            dst_cid: 2,
            ..request
        },
        Header {
            dst_cid: GUEST_CID,
            ..request
        },
        Header { kind: 2, ..request },
        Header { op: 0, ..request },
        Header { op: 8, ..request },
    ] {
        guest.send_as(header);
        let packet = guest.parent.next(4096).unwrap();
        assert_eq!(packet.header, header.to_reset());
        assert_eq!(packet.header.dst_cid, GUEST_CID);
        guest.quiet();
    }
    // A reset is not answered, and neither is what pretends to come from elsewhere.
    guest.send(Op::Reset);
    guest.send_as(Header {
        src_cid: 5,
        ..request
    });
    guest.quiet();
    assert!(guest.parent.streams.is_empty());
}

#[test]
fn a_second_request_ends_the_stream() {
    for op in [Op::Request, Op::Response] {
        let mut guest = Guest::new(ECHO_PORT);
        guest.connect();
        guest.send(op);
        assert_eq!(guest.next_op(), Some(Op::Reset));
        assert!(guest.parent.streams.is_empty());
    }
}

#[test]
fn no_more_is_sent_than_the_guest_has_room_for() {
    let mut guest = Guest::new(ECHO_PORT);
    guest.buffer = 10;
    guest.connect();
    guest.say(b"0123456789");
    let (op, packet) = guest.next().unwrap();
    assert_eq!((op, &*packet.payload), (Op::Data, &b"0123456789"[..]));
    // Asked once, not for ever.
    assert_eq!(guest.next_op(), Some(Op::CreditRequest));
    guest.quiet();
    guest.taken = 4;
    guest.send(Op::CreditUpdate);
    assert_eq!(guest.next().unwrap().1.payload, b"0123");
    assert_eq!(guest.next_op(), Some(Op::CreditRequest));
    guest.quiet();
    // A buffer that shrinks below what is under way gives no credit, and no overflow.
    guest.buffer = 2;
    guest.send(Op::CreditUpdate);
    assert_eq!(guest.next_op(), Some(Op::CreditRequest));
    guest.quiet();
    // Nor does a guest that claims to have taken more than was sent.
    guest.taken = 1000;
    guest.send(Op::CreditUpdate);
    assert_eq!(guest.next_op(), Some(Op::CreditRequest));
    guest.buffer = 100;
    guest.taken = 14;
    guest.send(Op::CreditUpdate);
    assert_eq!(guest.next().unwrap().1.payload, b"456789");
    guest.quiet();
}

#[test]
fn a_packet_is_no_longer_than_the_room_in_the_ring() {
    let mut guest = Guest::new(ECHO_PORT);
    guest.connect();
    guest.say(&[1; 5000]);
    let mut lengths = Vec::new();
    while let Some((_, packet)) = guest.next() {
        lengths.push(packet.payload.len());
    }
    assert_eq!(lengths, [4096, 4096, 1808]);
}

#[test]
fn credit_is_told_when_it_is_asked_for_and_when_it_runs_low() {
    let mut guest = Guest::new(STATUS_PORT);
    guest.connect();
    guest.send(Op::CreditRequest);
    let (op, packet) = guest.next().unwrap();
    assert_eq!((op, packet.header.fwd_cnt), (Op::CreditUpdate, 0));
    guest.quiet();
    let half = vec![b' '; BUFFER as usize / 2 - 1];
    guest.say(&half);
    guest.quiet();
    guest.say(b" ");
    let (op, packet) = guest.next().unwrap();
    assert_eq!((op, packet.header.fwd_cnt), (Op::CreditUpdate, BUFFER / 2));
    guest.quiet();
}

#[test]
fn a_guest_that_ignores_our_credit_loses_the_stream() {
    let mut guest = Guest::new(STATUS_PORT);
    guest.connect();
    guest.say(&vec![0; BUFFER as usize]);
    assert!(!guest.parent.streams.is_empty());
    guest.say(b"x");
    assert_eq!(guest.next_op(), Some(Op::Reset));
    assert!(guest.parent.streams.is_empty());
}

#[test]
fn counters_wrap() {
    let mut guest = Guest::new(STATUS_PORT);
    guest.connect();
    let piece = vec![0; BUFFER as usize];
    // 2^32 bytes and some more; each piece uses the whole buffer up.
    for _ in 0..=(1_u64 << 32) / u64::from(BUFFER) {
        guest.heard.lock().unwrap().clear();
        guest.say(&piece);
        assert_eq!(guest.next_op(), Some(Op::CreditUpdate));
    }
    guest.quiet();
}

#[test]
fn a_half_that_is_closed_stays_closed() {
    // The guest sends no more, and says something all the same.
    let mut guest = Guest::new(ECHO_PORT);
    guest.buffer = 4;
    guest.connect();
    guest.say(b"abcd");
    guest.shut_down(NO_SEND);
    guest.say(b"x");
    assert_eq!(guest.next_op(), Some(Op::Reset));
    // The guest receives no more: what waits for it is dropped.
    let mut guest = Guest::new(ECHO_PORT);
    guest.connect();
    guest.say(b"abcd");
    guest.shut_down(NO_RECEIVE);
    guest.quiet();
    guest.shut_down(NO_SEND);
    assert_eq!(guest.next_op(), Some(Op::Reset));
    guest.quiet();
}

#[test]
fn what_waits_is_sent_before_our_half_is_closed() {
    let mut guest = Guest::new(ECHO_PORT);
    guest.buffer = 4;
    guest.connect();
    guest.say(b"abcd");
    guest.shut_down(NO_SEND);
    assert_eq!(guest.next().unwrap().1.payload, b"abcd");
    assert_eq!(guest.next_op(), Some(Op::CreditRequest));
    guest.quiet();
    guest.taken = 4;
    guest.send(Op::CreditUpdate);
    assert_eq!(guest.next().unwrap().1.payload, b"abcd");
    assert_eq!(guest.next_op(), Some(Op::Shutdown));
    guest.quiet();
}

#[test]
fn a_service_that_nobody_reads_is_reset() {
    let mut guest = Guest::new(ECHO_PORT);
    guest.buffer = 0;
    guest.connect();
    guest.say(&vec![0; 30_000]);
    assert_eq!(guest.next_op(), Some(Op::CreditRequest));
    guest.say(&vec![0; 30_000]);
    assert_eq!(guest.next_op(), Some(Op::Reset));
    assert!(guest.parent.streams.is_empty());
}

#[test]
fn there_are_so_many_streams_and_no_more() {
    let mut guest = Guest::new(HEARTBEAT_PORT);
    for _ in 0..MAX_ACCEPTED {
        guest.connect();
        guest.from += 1;
    }
    guest.send(Op::Request);
    assert_eq!(guest.next_op(), Some(Op::Reset));
    guest.from = GUEST_PORT;
    guest.send(Op::Reset);
    guest.connect();
}

#[test]
fn resets_that_nobody_takes_stop_the_guest() {
    let mut guest = Guest::new(1);
    for _ in 0..MAX_RESETS {
        assert!(!guest.parent.is_full());
        guest.send(Op::Request);
    }
    assert!(guest.parent.is_full());
    assert_eq!(guest.next_op(), Some(Op::Reset));
    assert!(!guest.parent.is_full());
}
