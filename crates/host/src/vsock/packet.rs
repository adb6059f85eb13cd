//! One vsock packet as a value: a header of 44 bytes, little-endian, and its payload.
//!
//! | offset | type | field | |
//! |---|---|---|---|
//! | 0 | u64 | `src_cid` | who sent it |
//! | 8 | u64 | `dst_cid` | who it is for |
//! | 16, 20 | u32 | `src_port`, `dst_port` | |
//! | 24 | u32 | `len` | bytes of payload |
//! | 28 | u16 | `type` | 1: stream |
//! | 30 | u16 | `op` | [`Op`] |
//! | 32 | u32 | `flags` | of a SHUTDOWN: 1 receives no more, 2 sends no more |
//! | 36 | u32 | `buf_alloc` | size of the sender's receive buffer |
//! | 40 | u32 | `fwd_cnt` | bytes that the sender's reader has taken, modulo 2^32 |
//!
//! Source: the virtio specification 1.2, section 5.10. Nothing here touches guest memory.

/// Size of a header in bytes.
pub(crate) const HEADER_SIZE: usize = 44;
/// Payload that one packet may have, as in Linux.
pub(crate) const MAX_PAYLOAD: u32 = 64 << 10;
/// The only type of socket that is served.
pub(crate) const TYPE_STREAM: u16 = 1;
/// SHUTDOWN: the sender receives no more.
pub(crate) const NO_RECEIVE: u32 = 1;
/// SHUTDOWN: the sender sends no more.
pub(crate) const NO_SEND: u32 = 2;

/// What a packet asks for, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Request,
    Response,
    Reset,
    Shutdown,
    Data,
    CreditUpdate,
    CreditRequest,
}

impl Op {
    /// The operation of a number; `None` for one that the specification does not have.
    pub(crate) const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Request),
            2 => Some(Self::Response),
            3 => Some(Self::Reset),
            4 => Some(Self::Shutdown),
            5 => Some(Self::Data),
            6 => Some(Self::CreditUpdate),
            7 => Some(Self::CreditRequest),
            _ => None,
        }
    }

    /// The number in a header.
    pub(crate) const fn to_number(self) -> u16 {
        match self {
            Self::Request => 1,
            Self::Response => 2,
            Self::Reset => 3,
            Self::Shutdown => 4,
            Self::Data => 5,
            Self::CreditUpdate => 6,
            Self::CreditRequest => 7,
        }
    }
}

/// A header, every field as it stands there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) src_cid: u64,
    pub(crate) dst_cid: u64,
    pub(crate) src_port: u32,
    pub(crate) dst_port: u32,
    pub(crate) len: u32,
    pub(crate) kind: u16,
    pub(crate) op: u16,
    pub(crate) flags: u32,
    pub(crate) buf_alloc: u32,
    pub(crate) fwd_cnt: u32,
}

impl Header {
    /// The header in `bytes`. Any 44 bytes are one; what they mean is the caller's to judge.
    pub(crate) fn parse(bytes: &[u8; HEADER_SIZE]) -> Self {
        let mut fields = Fields(bytes);
        Self {
            src_cid: u64::from_le_bytes(fields.take()),
            dst_cid: u64::from_le_bytes(fields.take()),
            src_port: u32::from_le_bytes(fields.take()),
            dst_port: u32::from_le_bytes(fields.take()),
            len: u32::from_le_bytes(fields.take()),
            kind: u16::from_le_bytes(fields.take()),
            op: u16::from_le_bytes(fields.take()),
            flags: u32::from_le_bytes(fields.take()),
            buf_alloc: u32::from_le_bytes(fields.take()),
            fwd_cnt: u32::from_le_bytes(fields.take()),
        }
    }

    /// The 44 bytes of this header.
    pub(crate) fn encode(&self) -> Vec<u8> {
        [
            &self.src_cid.to_le_bytes()[..],
            &self.dst_cid.to_le_bytes(),
            &self.src_port.to_le_bytes(),
            &self.dst_port.to_le_bytes(),
            &self.len.to_le_bytes(),
            &self.kind.to_le_bytes(),
            &self.op.to_le_bytes(),
            &self.flags.to_le_bytes(),
            &self.buf_alloc.to_le_bytes(),
            &self.fwd_cnt.to_le_bytes(),
        ]
        .concat()
    }

    /// The reset that answers this packet: back to where it came from.
    pub(crate) const fn to_reset(self) -> Self {
        Self {
            src_cid: self.dst_cid,
            dst_cid: self.src_cid,
            src_port: self.dst_port,
            dst_port: self.src_port,
            len: 0,
            kind: self.kind,
            op: Op::Reset.to_number(),
            flags: 0,
            buf_alloc: 0,
            fwd_cnt: 0,
        }
    }
}

/// Takes fixed pieces from the front of a header's bytes.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes; zeros behind the end, where no field is.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((field, rest)) => {
                self.0 = rest;
                *field
            }
            None => [0; N],
        }
    }
}

/// A header and its payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_the_bytes_of_the_specification() {
        let header = Header {
            src_cid: 16,
            dst_cid: 3,
            src_port: 0x0102_0304,
            dst_port: 9001,
            len: 5,
            kind: TYPE_STREAM,
            op: Op::Data.to_number(),
            flags: NO_SEND,
            buf_alloc: 0x4_0000,
            fwd_cnt: 0xfffe_fdfc,
        };
        let bytes: [u8; HEADER_SIZE] = [
            16, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4, 3, 2, 1, 0x29, 0x23, 0, 0, 5, 0, 0,
            0, 1, 0, 5, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0xfc, 0xfd, 0xfe, 0xff,
        ];
        assert_eq!(header.encode(), bytes);
        assert_eq!(Header::parse(&bytes), header);
    }

    #[test]
    fn every_operation_has_its_number() {
        for number in 0..=u16::from(u8::MAX) {
            match Op::from_number(number) {
                Some(op) => assert_eq!(op.to_number(), number),
                None => assert!(number == 0 || number > 7),
            }
        }
    }
}
