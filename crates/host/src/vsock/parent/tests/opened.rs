//! Streams that the parent opens, with services that say and keep as much as they may.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;
use crate::vsock::stream::MAX_REPLY;

/// Has always something to say, and takes nothing of what it is given until it is let.
#[derive(Debug)]
struct Stubborn {
    kept: Arc<AtomicUsize>,
    takes: bool,
}

impl Service for Stubborn {
    fn receive(&mut self, bytes: &[u8], _reply: &mut VecDeque<u8>) -> Next {
        self.kept.fetch_add(bytes.len(), Ordering::Relaxed);
        Next::Open
    }

    fn finish(&mut self) -> Next {
        Next::Open
    }

    fn waiting(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    fn flush(&mut self) -> Next {
        if self.takes {
            self.kept.store(0, Ordering::Relaxed);
        }
        Next::Open
    }

    fn say(&mut self, room: usize, reply: &mut VecDeque<u8>) -> Next {
        assert!(reply.len() + room <= MAX_REPLY);
        reply.extend(std::iter::repeat_n(0, room));
        Next::Open
    }
}

/// A parent with `count` streams of its own to the ports 0, 1, .. of the guest, and what the
/// service of each keeps.
fn parent_of(count: u32, takes: bool) -> (Parent, Vec<(Ends, Arc<AtomicUsize>)>) {
    let mut parent = Parent::new([]);
    let streams = (0..count).map(|port| {
        let ends = parent.new_ends(port);
        let kept = Arc::default();
        let service = Stubborn {
            kept: Arc::clone(&kept),
            takes,
        };
        parent.open(ends, Box::new(service));
        (ends, kept)
    });
    let streams = streams.collect();
    (parent, streams)
}

fn packet(ends: Ends, op: Op, buf_alloc: u32, payload: &[u8]) -> Packet {
    Packet {
        header: Header {
            src_cid: GUEST_CID,
            dst_cid: PARENT_CID,
            src_port: ends.guest,
            dst_port: ends.parent,
            len: u32::try_from(payload.len()).unwrap(),
            op: op.to_number(),
            kind: TYPE_STREAM,
            buf_alloc,
            ..Header::default()
        },
        payload: payload.to_vec(),
    }
}

#[test]
fn streams_with_something_to_say_take_turns() {
    let (mut parent, streams) = parent_of(4, true);
    for _ in &streams {
        assert_eq!(parent.next(100).unwrap().header.op, Op::Request.to_number());
    }
    assert_eq!(parent.next(100), None);
    for (ends, _) in &streams {
        parent.receive(&packet(*ends, Op::Response, 1 << 20, b""));
    }
    let ports: Vec<_> = (0..8)
        .map(|_| parent.next(100).unwrap().header.dst_port)
        .collect();
    assert_eq!(ports, [0, 1, 2, 3, 0, 1, 2, 3]);
}

#[test]
fn a_stream_that_comes_and_goes_leaves_nothing_in_the_queue() {
    let mut guest = Guest::new(HEARTBEAT_PORT);
    for _ in 0..1000 {
        guest.send(Op::Request);
        guest.send(Op::Reset);
    }
    assert!(guest.parent.queue.is_empty());
    guest.quiet();
}

#[test]
fn what_a_service_has_not_passed_on_outlives_the_stream_and_counts() {
    let (mut parent, streams) = parent_of(1, false);
    let (ends, kept) = &streams[0];
    parent.next(100);
    parent.receive(&packet(*ends, Op::Response, 0, b""));
    parent.receive(&packet(*ends, Op::Data, 0, b"bytes"));
    parent.receive(&packet(*ends, Op::Reset, 0, b""));
    assert_eq!((parent.streams.len(), parent.left.len()), (0, 1));
    assert_eq!(parent.opened, 1);
    assert_ne!(parent.new_ends(ends.guest), *ends);
    parent.wake(*ends);
    assert_eq!(parent.left.len(), 1);
    kept.store(0, Ordering::Relaxed);
    parent.wake(*ends);
    assert_eq!((parent.left.len(), parent.opened), (0, 0));
}

/// Must not be asked for anything once the guest receives no more.
#[derive(Debug)]
struct Unheard {
    asked: Arc<AtomicUsize>,
}

impl Service for Unheard {
    fn receive(&mut self, _bytes: &[u8], _reply: &mut VecDeque<u8>) -> Next {
        Next::Open
    }

    fn finish(&mut self) -> Next {
        Next::Open
    }

    fn say(&mut self, _room: usize, _reply: &mut VecDeque<u8>) -> Next {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Next::Open
    }
}

#[test]
fn nothing_is_taken_from_a_service_for_a_guest_that_receives_no_more() {
    let mut parent = Parent::new([]);
    let ends = parent.new_ends(7);
    let asked = Arc::default();
    let service = Unheard {
        asked: Arc::clone(&asked),
    };
    parent.open(ends, Box::new(service));
    parent.next(100);
    parent.receive(&packet(ends, Op::Response, 1 << 20, b""));
    parent.wake(ends);
    let before = asked.load(Ordering::Relaxed);
    assert!(before > 0);
    let mut shutdown = packet(ends, Op::Shutdown, 1 << 20, b"");
    shutdown.header.flags = NO_RECEIVE;
    parent.receive(&shutdown);
    parent.wake(ends);
    parent.receive(&packet(ends, Op::CreditUpdate, 1 << 20, b""));
    assert_eq!(asked.load(Ordering::Relaxed), before);
    assert_eq!(parent.streams.len(), 1);
}

#[test]
fn as_many_are_opened_as_may_be_and_the_guest_has_its_own() {
    let (mut parent, streams) = parent_of(u32::try_from(MAX_OPENED).unwrap() - 1, true);
    assert!(parent.can_open());
    let ends = parent.new_ends(7);
    let service = Stubborn {
        kept: Arc::default(),
        takes: true,
    };
    parent.open(ends, Box::new(service));
    assert!(!parent.can_open());
    parent.next(100);
    parent.receive(&packet(streams[0].0, Op::Reset, 0, b""));
    assert!(parent.can_open());
}

fn steps() -> impl Strategy<Value = (usize, u16, u32, u32, u32, usize, usize, u32)> {
    let credit = prop_oneof![Just(0), Just(1 << 18), any::<u32>()];
    let length = prop_oneof![0..70_000_usize, Just(4096)];
    // Most are data and credit, on a stream that is open.
    let op = prop_oneof![2 => Just(2_u16), 6 => Just(5), 2 => 0..9_u16];
    let room = 1..5000_u32;
    (
        0..4_usize,
        op,
        0..4_u32,
        credit,
        any::<u32>(),
        length,
        0..4_usize,
        room,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Whatever a guest does on streams that it was asked for, each keeps no more than two buffers.
    #[test]
    fn no_guest_makes_a_stream_grow(
        takes in any::<bool>(),
        steps in prop::collection::vec(steps(), 0..80),
    ) {
        let (mut parent, streams) = parent_of(4, takes);
        for (index, op, flags, buf_alloc, fwd_cnt, length, gives, room) in steps {
            let (ends, _) = streams[index];
            let mut packet = packet(ends, Op::Data, buf_alloc, &vec![0; length]);
            packet.header.op = op;
            packet.header.flags = flags;
            packet.header.fwd_cnt = fwd_cnt;
            if !parent.is_full() {
                parent.receive(&packet);
            }
            parent.wake(ends);
            for _ in 0..gives {
                let outgoing = parent.has_outgoing();
                prop_assert_eq!(parent.next(room).is_some(), outgoing);
            }
            prop_assert!(parent.queue.len() <= parent.streams.len());
            prop_assert!(parent.resets.len() <= MAX_RESETS + streams.len());
            for (_, kept) in &streams {
                prop_assert!(kept.load(Ordering::Relaxed) <= BUFFER as usize);
            }
        }
    }
}
