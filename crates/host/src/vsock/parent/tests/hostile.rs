//! Packets that no guest of good will sends, on streams that the guest opens.

use proptest::prelude::*;

use super::*;

/// Headers that are near enough to the rules to get past the first checks.
fn packets() -> impl Strategy<Value = Packet> {
    let cids = prop_oneof![8 => Just(PARENT_CID), 1 => any::<u64>()];
    let ports = prop_oneof![
        Just(HEARTBEAT_PORT),
        Just(STATUS_PORT),
        Just(ECHO_PORT),
        any::<u32>()
    ];
    let bytes = prop::collection::vec(any::<u8>(), 0..70_000);
    let credit = prop_oneof![Just(0), Just(1 << 18), any::<u32>()];
    let fields = (
        cids,
        0..80_u32,
        ports,
        0..9_u16,
        0..4_u32,
        credit,
        any::<u32>(),
        bytes,
    );
    fields.prop_map(
        |(dst_cid, src_port, dst_port, op, flags, buf_alloc, fwd_cnt, payload)| Packet {
            header: Header {
                src_cid: GUEST_CID,
                dst_cid,
                src_port,
                dst_port,
                len: u32::try_from(payload.len()).unwrap(),
                kind: TYPE_STREAM,
                op,
                flags,
                buf_alloc,
                fwd_cnt,
            },
            payload,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_guest_makes_the_parent_grow(
        steps in prop::collection::vec((packets(), 0..4_usize, 1..5000_u32), 0..60)
    ) {
        let mut guest = Guest::new(0);
        for (packet, gives, room) in steps {
            if !guest.parent.is_full() {
                guest.parent.receive(&packet);
            }
            for _ in 0..gives {
                prop_assert_eq!(guest.parent.has_outgoing(), {
                    let next = guest.parent.next(room);
                    if let Some(packet) = &next {
                        prop_assert!(packet.payload.len() <= room as usize);
                        prop_assert_eq!(packet.header.len as usize, packet.payload.len());
                    }
                    next.is_some()
                });
            }
            prop_assert!(guest.parent.streams.len() <= MAX_ACCEPTED);
            prop_assert!(guest.parent.resets.len() <= MAX_RESETS);
        }
    }
}
