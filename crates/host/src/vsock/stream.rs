//! One stream between the guest and a service: its state, its credits, what it sends next.
//!
//! Both sides grant credit: a sender never has more bytes under way than the other's buffer holds
//! (`buf_alloc - (sent - fwd_cnt)`, modulo 2^32). A service takes bytes at once, so our buffer is
//! always empty, and `fwd_cnt` is what was received; the guest hears of it in every packet and,
//! when half of the buffer is used up, in a packet of its own.
//!
//! A guest that breaks a rule loses the stream: what it can make us keep is [`MAX_REPLY`].

use super::packet::{Header, NO_RECEIVE, NO_SEND, Op};
use super::service::{Next, Service};

/// The receive buffer that we tell the guest of.
pub(crate) const BUFFER: u32 = 64 << 10;
/// Bytes that may wait for credit; a service that says more has no reader.
const MAX_REPLY: usize = 64 << 10;

/// A SHUTDOWN of both halves.
const BOTH: u32 = NO_RECEIVE | NO_SEND;

/// Whether a stream lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It does.
    Lives,
    /// It is over, and the guest knows.
    Over,
    /// It is over, and the guest is told by a reset.
    Reset,
}

/// How far closing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// Not begun.
    No,
    /// Wanted, once everything has been sent.
    Wanted,
    /// The guest has been told and answers with a reset.
    Told,
}

/// What a stream sends next: an operation, its flags, its payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) op: Op,
    pub(crate) flags: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) fwd_cnt: u32,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    service: Box<dyn Service>,
    /// The answer to the request has not been sent.
    answers: bool,
    closing: Closing,
    /// What the guest does no more: [`NO_RECEIVE`], [`NO_SEND`].
    guest_shut: u32,
    reply: Vec<u8>,
    /// Bytes received, which is what has been taken.
    received: u32,
    /// The value of `received` that the guest knows.
    told: u32,
    owes_credit: bool,
    /// Bytes sent.
    sent: u32,
    guest_buffer: u32,
    guest_taken: u32,
    /// The guest has been asked for credit since it last said anything.
    asked: bool,
}

impl Stream {
    /// A stream that the guest has asked for with `request`.
    pub(crate) fn new(service: Box<dyn Service>, request: &Header) -> Self {
        Self {
            service,
            answers: true,
            closing: Closing::No,
            guest_shut: 0,
            reply: Vec::new(),
            received: 0,
            told: 0,
            owes_credit: false,
            sent: 0,
            guest_buffer: request.buf_alloc,
            guest_taken: request.fwd_cnt,
            asked: false,
        }
    }

    /// Takes a packet that the guest sent on this stream.
    pub(crate) fn receive(&mut self, op: Op, header: &Header, payload: &[u8]) -> Fate {
        self.guest_buffer = header.buf_alloc;
        self.guest_taken = header.fwd_cnt;
        self.asked = false;
        match op {
            Op::Data => self.take(payload),
            Op::Shutdown => self.guest_shuts_down(header.flags),
            Op::CreditUpdate => Fate::Lives,
            Op::CreditRequest => {
                self.owes_credit = true;
                Fate::Lives
            }
            Op::Reset => Fate::Over,
            // Neither has a place on a stream that is open.
            Op::Request | Op::Response => Fate::Reset,
        }
    }

    fn take(&mut self, payload: &[u8]) -> Fate {
        let Ok(count) = u32::try_from(payload.len()) else {
            return Fate::Reset;
        };
        let beyond = self.received.wrapping_sub(self.told);
        let within = beyond.checked_add(count).is_some_and(|sum| sum <= BUFFER);
        if self.guest_shut & NO_SEND != 0 || self.closing != Closing::No || !within {
            return Fate::Reset;
        }
        self.received = self.received.wrapping_add(count);
        if self.received.wrapping_sub(self.told) >= BUFFER / 2 {
            self.owes_credit = true;
        }
        let next = self.service.receive(payload, &mut self.reply);
        if self.guest_shut & NO_RECEIVE != 0 {
            self.reply.clear();
        }
        match next {
            Next::Open if self.reply.len() > MAX_REPLY => Fate::Reset,
            Next::Open => Fate::Lives,
            Next::Close => {
                self.closing = Closing::Wanted;
                Fate::Lives
            }
            Next::Reset => Fate::Reset,
        }
    }

    fn guest_shuts_down(&mut self, flags: u32) -> Fate {
        let finishes = flags & !self.guest_shut & NO_SEND != 0;
        self.guest_shut |= flags;
        if self.guest_shut & NO_RECEIVE != 0 {
            self.reply.clear();
        }
        if finishes {
            self.service.finish();
            if self.closing == Closing::No {
                self.closing = Closing::Wanted;
            }
        }
        // Both sides are done: the reset is the last word of a stream that ends well, too.
        if self.guest_shut & BOTH == BOTH {
            Fate::Reset
        } else {
            Fate::Lives
        }
    }

    /// Bytes that the guest has room for.
    fn credit(&self) -> u32 {
        let under_way = self.sent.wrapping_sub(self.guest_taken);
        self.guest_buffer.saturating_sub(under_way)
    }

    /// What there is to send, with at most `room` bytes of payload. Taking it counts as sending.
    pub(crate) fn next(&mut self, room: u32) -> Option<Outgoing> {
        let (op, flags, payload) = self.choose(room)?;
        self.told = self.received;
        self.owes_credit = false;
        Some(Outgoing {
            op,
            flags,
            payload,
            fwd_cnt: self.received,
        })
    }

    fn choose(&mut self, room: u32) -> Option<(Op, u32, Vec<u8>)> {
        if self.answers {
            self.answers = false;
            return Some((Op::Response, 0, Vec::new()));
        }
        if !self.reply.is_empty() {
            let most = self.credit().min(room);
            let count = self.reply.len().min(usize::try_from(most).unwrap_or(0));
            if count > 0 {
                let payload: Vec<u8> = self.reply.drain(..count).collect();
                self.sent = self.sent.wrapping_add(u32::try_from(count).unwrap_or(0));
                return Some((Op::Data, 0, payload));
            }
            if !self.asked {
                self.asked = true;
                return Some((Op::CreditRequest, 0, Vec::new()));
            }
        } else if self.closing == Closing::Wanted {
            self.closing = Closing::Told;
            return Some((Op::Shutdown, BOTH, Vec::new()));
        }
        self.owes_credit.then(|| (Op::CreditUpdate, 0, Vec::new()))
    }

    /// Whether [`Stream::next`] would give something for any room above zero.
    pub(crate) fn has_outgoing(&self) -> bool {
        let sends = !self.reply.is_empty() && (self.credit() > 0 || !self.asked);
        let closes = self.reply.is_empty() && self.closing == Closing::Wanted;
        self.answers || sends || closes || self.owes_credit
    }
}
