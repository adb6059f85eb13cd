//! One stream between the guest and a service: its state, its credits, what it sends next.
//!
//! Both sides grant credit: a sender never has more bytes under way than the other's buffer holds
//! (`buf_alloc - (sent - fwd_cnt)`, modulo 2^32). Our `fwd_cnt` is what the service behind the
//! stream has taken, which is less than what was received when that is a socket with a slow reader.
//! The guest hears of it in every packet and, when half of the buffer is used up, in a packet of
//! its own.
//!
//! A stream begins with a request of the guest's, which is answered, or with one of ours, after
//! which nothing but the guest's answer is taken. Either side may close one half before the other.
//!
//! A guest that breaks a rule loses the stream: what it can make us keep is [`MAX_REPLY`] one way
//! and [`BUFFER`] the other.

use std::collections::VecDeque;

use super::packet::{Header, NO_RECEIVE, NO_SEND, Op};
use super::service::{Next, Service};

/// The receive buffer that we tell the guest of.
pub(crate) const BUFFER: u32 = 64 << 10;
/// Bytes that may wait for credit; a service that says more has no reader, and one that can wait
/// is not asked for more.
pub(crate) const MAX_REPLY: usize = 64 << 10;

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

/// How far opening has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// We have to ask the guest.
    Asks,
    /// The guest has been asked.
    Asked,
    /// The guest has asked and has to be answered.
    Answers,
    /// Done.
    Open,
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
    opening: Opening,
    /// What the guest does no more: [`NO_RECEIVE`], [`NO_SEND`].
    guest_shut: u32,
    /// What we do no more, once the reply has been sent.
    shut: u32,
    /// What of that the guest has been told.
    shut_told: u32,
    reply: VecDeque<u8>,
    /// Bytes received.
    received: u32,
    /// Bytes taken, as the guest knows.
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
    pub(crate) fn accepted(service: Box<dyn Service>, request: &Header) -> Self {
        Self {
            guest_buffer: request.buf_alloc,
            guest_taken: request.fwd_cnt,
            ..Self::new(service, Opening::Answers)
        }
    }

    /// A stream that the guest is asked for.
    pub(crate) fn opened(service: Box<dyn Service>) -> Self {
        Self::new(service, Opening::Asks)
    }

    fn new(service: Box<dyn Service>, opening: Opening) -> Self {
        Self {
            service,
            opening,
            guest_shut: 0,
            shut: 0,
            shut_told: 0,
            reply: VecDeque::new(),
            received: 0,
            told: 0,
            owes_credit: false,
            sent: 0,
            guest_buffer: 0,
            guest_taken: 0,
            asked: false,
        }
    }

    /// The service, for what it still has to do when the stream is over.
    pub(crate) fn into_service(self) -> Box<dyn Service> {
        self.service
    }

    /// Takes a packet that the guest sent on this stream.
    pub(crate) fn receive(&mut self, op: Op, header: &Header, payload: &[u8]) -> Fate {
        self.guest_buffer = header.buf_alloc;
        self.guest_taken = header.fwd_cnt;
        self.asked = false;
        match (op, self.opening) {
            (Op::Reset, _) => Fate::Over,
            (Op::Response, Opening::Asked) => {
                self.opening = Opening::Open;
                self.ask_service()
            }
            // Neither has a place on a stream that is open, and nothing has one on a stream that
            // the guest has not agreed to.
            (_, Opening::Asks | Opening::Asked) | (Op::Request | Op::Response, _) => Fate::Reset,
            (Op::Data, _) => self.take(payload),
            (Op::Shutdown, _) => self.guest_shuts_down(header.flags),
            (Op::CreditUpdate, _) => self.ask_service(),
            (Op::CreditRequest, _) => {
                self.owes_credit = true;
                Fate::Lives
            }
        }
    }

    fn take(&mut self, payload: &[u8]) -> Fate {
        let Ok(count) = u32::try_from(payload.len()) else {
            return Fate::Reset;
        };
        let beyond = self.received.wrapping_sub(self.told);
        let within = beyond.checked_add(count).is_some_and(|sum| sum <= BUFFER);
        if self.guest_shut & NO_SEND != 0 || self.shut & NO_RECEIVE != 0 || !within {
            return Fate::Reset;
        }
        self.received = self.received.wrapping_add(count);
        let next = self.service.receive(payload, &mut self.reply);
        self.follow(next)
    }

    /// The service's socket may have changed: it takes what waits and says what there is.
    pub(crate) fn wake(&mut self) -> Fate {
        let next = self.service.flush();
        let fate = self.follow(next);
        if fate == Fate::Lives && self.opening == Opening::Open {
            self.ask_service()
        } else {
            fate
        }
    }

    /// Asks the service for what it has to say, as long as there is room for it.
    fn ask_service(&mut self) -> Fate {
        let room = MAX_REPLY.saturating_sub(self.reply.len());
        // What is taken from a service for a guest that receives no more would be lost.
        if room == 0 || self.shut & NO_SEND != 0 || self.guest_shut & NO_RECEIVE != 0 {
            return Fate::Lives;
        }
        let next = self.service.say(room, &mut self.reply);
        self.follow(next)
    }

    /// What follows from what the service wants next.
    fn follow(&mut self, next: Next) -> Fate {
        if self.taken().wrapping_sub(self.told) >= BUFFER / 2 {
            self.owes_credit = true;
        }
        if self.guest_shut & NO_RECEIVE != 0 {
            self.reply.clear();
        }
        match next {
            Next::Open if self.reply.len() > MAX_REPLY => return Fate::Reset,
            Next::Open => {}
            Next::Finish => self.shut |= NO_SEND,
            Next::Close => self.shut |= BOTH,
            Next::Reset => return Fate::Reset,
        }
        Fate::Lives
    }

    fn guest_shuts_down(&mut self, flags: u32) -> Fate {
        let finishes = flags & !self.guest_shut & NO_SEND != 0;
        self.guest_shut |= flags;
        let mut fate = Fate::Lives;
        if finishes {
            let next = self.service.finish();
            fate = self.follow(next);
        }
        if self.guest_shut & NO_RECEIVE != 0 {
            self.reply.clear();
        }
        // Both sides are done: the reset is the last word of a stream that ends well, too.
        if self.guest_shut & BOTH == BOTH {
            fate = Fate::Reset;
        }
        if finishes && fate == Fate::Lives {
            // A service may answer what was said with its end.
            fate = self.ask_service();
        }
        fate
    }

    /// Bytes that the service has taken.
    fn taken(&self) -> u32 {
        let waiting = u32::try_from(self.service.waiting()).unwrap_or(u32::MAX);
        self.received.wrapping_sub(waiting)
    }

    /// Bytes that the guest has room for.
    fn credit(&self) -> u32 {
        let under_way = self.sent.wrapping_sub(self.guest_taken);
        self.guest_buffer.saturating_sub(under_way)
    }

    /// What there is to send, with at most `room` bytes of payload. Taking it counts as sending.
    pub(crate) fn next(&mut self, room: u32) -> Option<Outgoing> {
        let (op, flags, payload) = self.choose(room)?;
        let fwd_cnt = self.taken();
        self.told = fwd_cnt;
        self.owes_credit = false;
        Some(Outgoing {
            op,
            flags,
            payload,
            fwd_cnt,
        })
    }

    fn choose(&mut self, room: u32) -> Option<(Op, u32, Vec<u8>)> {
        match self.opening {
            Opening::Asks => {
                self.opening = Opening::Asked;
                return Some((Op::Request, 0, Vec::new()));
            }
            Opening::Asked => return None,
            Opening::Answers => {
                self.opening = Opening::Open;
                return Some((Op::Response, 0, Vec::new()));
            }
            Opening::Open => {}
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
        } else if self.shut != self.shut_told {
            self.shut_told = self.shut;
            return Some((Op::Shutdown, self.shut, Vec::new()));
        }
        self.owes_credit.then(|| (Op::CreditUpdate, 0, Vec::new()))
    }

    /// Gets more to say when what there was has been sent; a service that waits has it ready.
    pub(crate) fn refill(&mut self) -> Fate {
        if self.opening == Opening::Open && self.reply.is_empty() {
            self.ask_service()
        } else {
            Fate::Lives
        }
    }

    /// Whether [`Stream::next`] would give something for any room above zero.
    pub(crate) fn has_outgoing(&self) -> bool {
        let sends = !self.reply.is_empty() && (self.credit() > 0 || !self.asked);
        let shuts = self.reply.is_empty() && self.shut != self.shut_told;
        match self.opening {
            Opening::Asks | Opening::Answers => true,
            Opening::Asked => false,
            Opening::Open => sends || shuts || self.owes_credit,
        }
    }
}
