//! Rings as a guest lays them out, sound and hostile.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use vm_memory::{Bytes as _, GuestAddress};

use super::*;
use crate::egress::{self, Egress};
use crate::vsock::packet::{Op, TYPE_STREAM};
use crate::vsock::parent::PARENT_CID;
use crate::vsock::service::{HeartbeatPort, Port};
use crate::vsock::{EGRESS_PORT, HEARTBEAT_PORT};

const MEMORY: u64 = 0x10_0000;
const MEMORY_SIZE: usize = 0x10_0000;
const SIZE: u16 = 8;
const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// Where a ring's three parts are, by ring.
fn place(ring: usize) -> (u64, u64, u64) {
    let base = 0x1_0000 * (ring as u64 + 1);
    (base, base + 0x1000, base + 0x2000)
}

/// A device with its rings in memory of its own.
struct Bench {
    device: Device,
    memory: GuestMemoryMmap,
    vrings: [VringRwLock; 2],
    stops: Receiver<Stop>,
    offered: [u16; 2],
}

impl Bench {
    fn new() -> Self {
        Self::with(Egress::Off)
    }

    fn with(rules: Egress) -> Self {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), MEMORY_SIZE)]).unwrap();
        let shared = GuestMemoryAtomic::new(memory.clone());
        let (sender, stops) = channel();
        let (calls, dialler) = egress::open(rules, Box::new(drop)).unwrap();
        let parent = Parent::new([
            (HEARTBEAT_PORT, Box::new(HeartbeatPort) as Box<dyn Port>),
            (EGRESS_PORT, Box::new(calls)),
        ]);
        let on_stop = Box::new(move |why| sender.send(why).unwrap());
        let vrings = [0, 1].map(|ring| {
            let vring = VringRwLock::new(shared.clone(), SIZE).unwrap();
            let (table, available, used) = place(ring);
            vring.set_queue_size(SIZE);
            vring.set_queue_info(table, available, used).unwrap();
            vring.set_queue_ready(true);
            vring.set_enabled(true);
            vring
        });
        Self {
            device: Device::new(parent, Ingress::default(), dialler, shared, on_stop),
            memory,
            vrings,
            stops,
            offered: [0, 0],
        }
    }

    fn describe(&self, ring: usize, index: u16, (address, len, flags, next): (u64, u32, u16, u16)) {
        let at = GuestAddress(place(ring).0 + u64::from(index) * 16);
        let bytes = [
            &address.to_le_bytes()[..],
            &len.to_le_bytes(),
            &flags.to_le_bytes(),
            &next.to_le_bytes(),
        ];
        self.memory.write_slice(&bytes.concat(), at).unwrap();
    }

    /// Offers the chain that begins at `index`.
    fn offer(&mut self, ring: usize, index: u16) {
        let (_, available, _) = place(ring);
        let offered = &mut self.offered[ring];
        let slot = available + 4 + u64::from(*offered % SIZE) * 2;
        *offered = offered.wrapping_add(1);
        let (count, available) = (*offered, GuestAddress(available + 2));
        self.memory.write_obj(index, GuestAddress(slot)).unwrap();
        self.memory.write_obj(count, available).unwrap();
    }

    /// Offers a packet in one buffer at 0x8000.
    fn send(&mut self, header: &Header, payload: &[u8]) {
        let bytes = [&header.encode(), payload].concat();
        self.memory
            .write_slice(&bytes, GuestAddress(0x8000))
            .unwrap();
        let len = u32::try_from(bytes.len()).unwrap();
        self.describe(SEND, 0, (0x8000, len, 0, 0));
        self.offer(SEND, 0);
    }

    fn receive_into(&mut self, index: u16, address: u64, len: u32) {
        self.describe(RECEIVE, index, (address, len, WRITE, 0));
        self.offer(RECEIVE, index);
    }

    fn kick(&mut self) {
        self.device
            .handle_event(1, EventSet::IN, &self.vrings, 0)
            .unwrap();
    }

    fn used(&self, ring: usize) -> u16 {
        let used = GuestAddress(place(ring).2 + 2);
        self.memory.read_obj(used).unwrap()
    }

    fn received(&self, address: u64) -> Header {
        let mut bytes = [0; HEADER_SIZE];
        self.memory
            .read_slice(&mut bytes, GuestAddress(address))
            .unwrap();
        Header::parse(&bytes)
    }

    /// What the device said when it stopped.
    fn fault(&self) -> String {
        match self.stops.try_recv() {
            Ok(Stop::Fault(error)) => error.to_string(),
            other => panic!("expected a fault, found {other:?}"),
        }
    }
}

fn header(op: Op) -> Header {
    Header {
        src_cid: GUEST_CID,
        dst_cid: PARENT_CID,
        src_port: 1024,
        dst_port: HEARTBEAT_PORT,
        kind: TYPE_STREAM,
        op: op.to_number(),
        buf_alloc: 1 << 18,
        ..Header::default()
    }
}

fn data(len: u32) -> Header {
    Header {
        len,
        ..header(Op::Data)
    }
}

#[test]
fn packets_go_through_the_rings_both_ways() {
    let mut bench = Bench::new();
    bench.receive_into(0, 0x9000, 4096);
    bench.send(&header(Op::Request), b"");
    bench.kick();
    assert_eq!(bench.received(0x9000).op, Op::Response.to_number());
    // The answer waits until the guest has a buffer for it.
    bench.send(&data(1), b"\xb7");
    bench.kick();
    assert_eq!((bench.used(SEND), bench.used(RECEIVE)), (2, 1));
    bench.receive_into(1, 0xa000, 4096);
    bench.kick();
    assert_eq!(bench.used(RECEIVE), 2);
    assert_eq!(bench.received(0xa000).op, Op::Data.to_number());
    let answer: u8 = bench.memory.read_obj(GuestAddress(0xa000 + 44)).unwrap();
    assert_eq!(answer, 0xb7);
    assert!(bench.stops.try_recv().is_err());
}

#[test]
fn a_connection_that_was_made_is_told_by_the_event_of_sockets() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let line = format!("connect host {}\n", listener.local_addr().unwrap().port());
    let mut bench = Bench::with(Egress::On(Vec::new()));
    let to_egress = |header: Header| Header {
        dst_port: EGRESS_PORT,
        ..header
    };
    bench.receive_into(0, 0x9000, 4096);
    bench.send(&to_egress(header(Op::Request)), b"");
    bench.kick();
    let len = u32::try_from(line.len()).unwrap();
    bench.receive_into(1, 0xa000, 4096);
    bench.send(&to_egress(data(len)), line.as_bytes());
    bench.kick();
    listener.accept().unwrap();
    let begin = Instant::now();
    while bench.used(RECEIVE) < 2 {
        assert!(begin.elapsed() < Duration::from_secs(20));
        bench
            .device
            .handle_event(SOCKETS, EventSet::IN, &bench.vrings, 0)
            .unwrap();
    }
    let mut answer = [0; 3];
    let place = GuestAddress(0xa000 + 44);
    bench.memory.read_slice(&mut answer, place).unwrap();
    assert_eq!(&answer, b"ok\n");
    // A device that has stopped has nothing that could wake its thread.
    bench.device.stop_vring(0).unwrap();
    assert!(bench.device.dialler.is_none());
}

#[test]
fn a_packet_may_lie_in_several_buffers() {
    let mut bench = Bench::new();
    bench.receive_into(0, 0x9000, 4096);
    bench.send(&header(Op::Request), b"");
    bench.kick();
    // Header in two pieces, payload in a third.
    let bytes = [&data(1).encode()[..], b"\xb7"].concat();
    bench
        .memory
        .write_slice(&bytes, GuestAddress(0x8000))
        .unwrap();
    bench.describe(SEND, 0, (0x8000, 20, NEXT, 3));
    bench.describe(SEND, 3, (0x8014, 24, NEXT, 5));
    bench.describe(SEND, 5, (0x802c, 1, 0, 0));
    bench.offer(SEND, 0);
    // So may the answer.
    bench.describe(RECEIVE, 1, (0xa000, 10, WRITE | NEXT, 2));
    bench.describe(RECEIVE, 2, (0xb000, 100, WRITE, 0));
    bench.offer(RECEIVE, 1);
    bench.kick();
    let answer: u8 = bench.memory.read_obj(GuestAddress(0xb000 + 34)).unwrap();
    assert_eq!(answer, 0xb7);
}

#[test]
fn rings_that_are_not_ready_are_left_alone() {
    let mut bench = Bench::new();
    bench.vrings[RECEIVE].set_queue_ready(false);
    bench.send(&header(Op::Request), b"");
    bench.kick();
    assert_eq!((bench.used(SEND), bench.used(RECEIVE)), (1, 0));
    assert!(bench.stops.try_recv().is_err());
}

#[test]
fn lengths_that_lie_are_faults() {
    let declared = "a packet declares";
    for (len, payload, expected) in [
        (2, &b"x"[..], "2 bytes, 1 follow"),
        (u32::MAX, b"x", "4294967295 bytes, 1 follow"),
    ] {
        let mut bench = Bench::new();
        bench.send(&data(len), payload);
        bench.kick();
        let fault = bench.fault();
        assert!(
            fault.contains(declared) && fault.contains(expected),
            "{fault}"
        );
        // Nothing is served after that.
        bench.send(&header(Op::Request), b"");
        bench.kick();
        assert_eq!(bench.used(SEND), 0);
    }
    let mut bench = Bench::new();
    bench.describe(SEND, 0, (0x8000, 0x2_0000, 0, 0));
    let header = data(MAX_PAYLOAD + 1);
    bench
        .memory
        .write_slice(&header.encode(), GuestAddress(0x8000))
        .unwrap();
    bench.offer(SEND, 0);
    bench.kick();
    assert!(bench.fault().contains("65537 bytes, 131028 follow"));
}

#[test]
fn buffers_that_are_too_small_are_faults() {
    for len in [0, 43] {
        let mut bench = Bench::new();
        bench.describe(SEND, 0, (0x8000, len, 0, 0));
        bench.offer(SEND, 0);
        bench.kick();
        let expected = format!("vsock ring 1: expected a buffer of 44 bytes or more, found {len}");
        assert_eq!(bench.fault(), expected);
    }
    for len in [0, 43, 44] {
        let mut bench = Bench::new();
        bench.receive_into(0, 0x9000, len);
        bench.send(&header(Op::Request), b"");
        bench.kick();
        let expected = format!("vsock ring 0: expected a buffer of 44 bytes or more, found {len}");
        assert_eq!(bench.fault(), expected);
    }
    // Of the other kind: readable where we write, writable where we read.
    let mut bench = Bench::new();
    bench.describe(SEND, 0, (0x8000, 44, WRITE, 0));
    bench.offer(SEND, 0);
    bench.kick();
    assert!(bench.fault().ends_with("found 0"));
}

#[test]
fn rings_and_buffers_outside_of_memory_are_faults() {
    for (address, len) in [
        (MEMORY - 10, 44),
        (MEMORY, 44),
        (u64::MAX - 20, 44),
        (0, u32::MAX),
    ] {
        let mut bench = Bench::new();
        bench.describe(SEND, 0, (address, len, 0, 0));
        bench.offer(SEND, 0);
        bench.kick();
        assert_eq!(bench.fault(), "vsock ring 1: the guest's ring is not valid");
    }
    // More buffers on offer than the ring has.
    let mut bench = Bench::new();
    let (_, available, _) = place(SEND);
    bench
        .memory
        .write_obj(SIZE + 1, GuestAddress(available + 2))
        .unwrap();
    bench.kick();
    assert_eq!(bench.fault(), "vsock ring 1: the guest's ring is not valid");
    // A used ring that cannot be written.
    let mut bench = Bench::new();
    let (table, available, _) = place(SEND);
    bench.vrings[SEND]
        .set_queue_info(table, available, MEMORY)
        .unwrap();
    bench.send(&header(Op::Request), b"");
    bench.kick();
    assert_eq!(bench.fault(), "vsock ring 1: the guest's ring is not valid");
}

#[test]
fn chains_without_an_end_end() {
    let mut bench = Bench::new();
    bench.describe(SEND, 0, (0x8000, 1, NEXT, 0));
    bench.offer(SEND, 0);
    bench.kick();
    assert!(bench.fault().starts_with("vsock ring 1"));
    // An index beyond the table.
    let mut bench = Bench::new();
    bench.offer(SEND, 999);
    bench.kick();
    assert!(bench.fault().starts_with("vsock ring 1"));
}

#[test]
fn rings_that_are_taken_away_end_the_device() {
    let mut bench = Bench::new();
    bench.device.stop_vring(0).unwrap();
    bench.device.stop_vring(1).unwrap();
    assert!(matches!(bench.stops.try_recv(), Ok(Stop::Rings)));
    assert!(bench.stops.try_recv().is_err());
    bench.send(&header(Op::Request), b"");
    bench.kick();
    assert_eq!(bench.used(SEND), 0);
}

#[test]
fn the_configuration_is_the_guests_cid() {
    let bench = Bench::new();
    assert_eq!(bench.device.get_config(0, 8), GUEST_CID.to_le_bytes());
    assert_eq!(bench.device.get_config(0, 4), &GUEST_CID.to_le_bytes()[..4]);
    assert_eq!(bench.device.get_config(4, 8), b"");
    assert_eq!(bench.device.get_config(u32::MAX, u32::MAX), b"");
}

proptest! {
    #[test]
    fn no_ring_makes_the_device_panic(
        descriptors in prop::collection::vec(
            (0..MEMORY + 100, 0..5000_u32, prop_oneof![Just(0), Just(NEXT), Just(WRITE),
            Just(WRITE | NEXT), Just(INDIRECT), any::<u16>()], 0..SIZE + 1), 16),
        heads in prop::collection::vec((0..2_usize, 0..SIZE + 1), 0..20),
        op in 0..9_u16,
    ) {
        let mut bench = Bench::new();
        for (index, descriptor) in (0_u16..).zip(descriptors) {
            bench.describe(usize::from(index / SIZE), index % SIZE, descriptor);
        }
        let sent = Header { op, ..data(1) };
        bench.memory.write_slice(&sent.encode(), GuestAddress(0x8000)).unwrap();
        for (ring, head) in heads {
            bench.offer(ring, head);
            bench.kick();
        }
    }
}
