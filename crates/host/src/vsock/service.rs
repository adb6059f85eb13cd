//! What the parent does with a stream that the guest has opened, by port.
//!
//! | port | what | here |
//! |---|---|---|
//! | 9000 | heartbeat: one byte 0xB7, and the same back | [`Heartbeat`] |
//! | 9001 | status: lines of JSON, one stream in an enclave's life | [`Status`] |
//! | 9006 | the agent's word that the application can be reached, one stream too | [`Status`] |
//! | 9002 | the application's output | [`Output`] |
//! | 9003 | calls to outside | [`crate::egress`] |
//! | 9005 | `time` and a newline, and the time | [`QuestionPort`] |
//! | 9007 | `manifest` and a newline, and what is said of the image | [`QuestionPort`] |
//!
//! A service is a value that is given bytes and gives bytes, and never waits. Those of the table
//! take everything at once; one with a socket behind it keeps what the socket does not take, and is
//! told when that has changed ([`Service::flush`], [`Service::say`]).

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::parent::{Ends, MAX_ACCEPTED};

/// What becomes of a stream after a service has seen what there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It stays open.
    Open,
    /// The service says no more, and still listens.
    Finish,
    /// It is closed once the reply has been sent.
    Close,
    /// It is ended at once; the guest broke the protocol of this port.
    Reset,
}

/// One stream, as the parent sees it.
pub(crate) trait Service: Send + Sync + fmt::Debug {
    /// Takes `bytes`; what it has to say goes behind `reply`.
    fn receive(&mut self, bytes: &[u8], reply: &mut VecDeque<u8>) -> Next;

    /// The guest sends no more.
    fn finish(&mut self) -> Next;

    /// Bytes received that have not gone where they belong. The guest gets no credit for them.
    fn waiting(&self) -> usize {
        0
    }

    /// Moves on what waits, as far as that goes now.
    fn flush(&mut self) -> Next {
        Next::Open
    }

    /// Whether there is something left to do when the stream is over.
    fn outlives(&self) -> bool {
        self.waiting() > 0
    }

    /// Puts at most `room` bytes, of which nobody asked, behind `reply`.
    fn say(&mut self, _room: usize, _reply: &mut VecDeque<u8>) -> Next {
        Next::Open
    }
}

/// A port on which the parent listens.
pub(crate) trait Port: Send + Sync + fmt::Debug {
    /// A stream with these ends, that the guest opens; `None` refuses it.
    fn accept(&mut self, ends: Ends) -> Option<Box<dyn Service>>;

    /// Streams at a time, with the services that are left of such.
    fn most(&self) -> usize {
        MAX_ACCEPTED
    }
}

/// The byte by which an enclave says that it has booted.
const HEARTBEAT: u8 = 0xb7;

/// The heartbeat port. May be called more than once: a guest may try again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeartbeatPort;

impl Port for HeartbeatPort {
    fn accept(&mut self, _ends: Ends) -> Option<Box<dyn Service>> {
        Some(Box::new(Heartbeat))
    }
}

/// One heartbeat.
#[derive(Debug)]
struct Heartbeat;

impl Service for Heartbeat {
    fn receive(&mut self, bytes: &[u8], reply: &mut VecDeque<u8>) -> Next {
        if bytes == [HEARTBEAT] {
            reply.push_back(HEARTBEAT);
            Next::Open
        } else {
            Next::Reset
        }
    }

    fn finish(&mut self) -> Next {
        Next::Close
    }
}

/// What a listener is told of the status stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusBytes {
    /// The next bytes.
    More(Vec<u8>),
    /// The guest sends no more.
    End,
}

/// Hears the status stream; says whether it goes on.
pub(crate) type Hearer = Box<dyn FnMut(StatusBytes) -> Next + Send + Sync>;

/// A port of one stream, and no second one: status, and the agent's word.
pub(crate) struct StatusPort(Option<Hearer>);

impl StatusPort {
    /// A port whose stream `hearer` listens to.
    pub(crate) fn new(hearer: Hearer) -> Self {
        Self(Some(hearer))
    }
}

impl fmt::Debug for StatusPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = self.0.is_none();
        f.debug_struct("StatusPort").field("taken", &taken).finish()
    }
}

impl Port for StatusPort {
    fn accept(&mut self, _ends: Ends) -> Option<Box<dyn Service>> {
        Some(Box::new(Status(self.0.take()?)))
    }
}

/// The status stream.
struct Status(Hearer);

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Status")
    }
}

impl Service for Status {
    fn receive(&mut self, bytes: &[u8], _reply: &mut VecDeque<u8>) -> Next {
        (self.0)(StatusBytes::More(bytes.to_vec()))
    }

    fn finish(&mut self) -> Next {
        (self.0)(StatusBytes::End);
        Next::Close
    }
}

/// Gives the answer to a question; nothing where there is none.
pub(crate) type Answer = Box<dyn Fn() -> Option<Vec<u8>> + Send + Sync>;

/// A port at which one line is asked and one answer given, on each stream.
#[derive(Clone)]
pub(crate) struct QuestionPort {
    /// The line, with its newline.
    question: &'static [u8],
    answer: Arc<Answer>,
}

impl QuestionPort {
    /// A port that answers `question`.
    pub(crate) fn new(question: &'static [u8], answer: Answer) -> Self {
        let answer = Arc::new(answer);
        Self { question, answer }
    }
}

impl fmt::Debug for QuestionPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let question = String::from_utf8_lossy(self.question);
        f.debug_tuple("QuestionPort").field(&question).finish()
    }
}

impl Port for QuestionPort {
    fn accept(&mut self, _ends: Ends) -> Option<Box<dyn Service>> {
        let (port, heard) = (self.clone(), Vec::new());
        Some(Box::new(Question { port, heard }))
    }
}

/// One stream of such a port.
#[derive(Debug)]
struct Question {
    port: QuestionPort,
    heard: Vec<u8>,
}

impl Service for Question {
    fn receive(&mut self, bytes: &[u8], reply: &mut VecDeque<u8>) -> Next {
        let question = self.port.question;
        let room = question.len().saturating_sub(self.heard.len());
        if bytes.len() > room {
            return Next::Reset;
        }
        self.heard.extend_from_slice(bytes);
        if self.heard == question {
            return match (self.port.answer)() {
                Some(answer) => {
                    reply.extend(answer);
                    Next::Close
                }
                None => Next::Reset,
            };
        }
        if question.starts_with(&self.heard) {
            Next::Open
        } else {
            Next::Reset
        }
    }

    fn finish(&mut self) -> Next {
        Next::Close
    }
}

/// The application's output on its way to who shows it.
///
/// What nobody takes in time is lost, and that is told: a terminal that is stopped must hold up
/// neither the enclave nor the other streams.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pieces: SyncSender<Vec<u8>>,
    lost: Arc<AtomicUsize>,
}

/// Where it comes out.
#[derive(Debug)]
pub(crate) struct OutputPieces {
    /// Ends when nobody can send any more.
    pub(crate) pieces: Receiver<Vec<u8>>,
    lost: Arc<AtomicUsize>,
}

/// Both ends, with room for so many pieces.
pub(crate) fn output(room: usize) -> (Output, OutputPieces) {
    let (sender, pieces) = sync_channel(room);
    let lost = Arc::new(AtomicUsize::new(0));
    let output = Output {
        pieces: sender,
        lost: Arc::clone(&lost),
    };
    (output, OutputPieces { pieces, lost })
}

impl OutputPieces {
    /// Bytes that were lost since this was asked last.
    pub(crate) fn take_lost(&self) -> usize {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

/// The port of the application's output. Streams follow each other when one breaks off.
impl Port for Output {
    fn accept(&mut self, _ends: Ends) -> Option<Box<dyn Service>> {
        Some(Box::new(self.clone()))
    }
}

/// One stream of it.
impl Service for Output {
    fn receive(&mut self, bytes: &[u8], _reply: &mut VecDeque<u8>) -> Next {
        if self.pieces.try_send(bytes.to_vec()).is_err() {
            self.lost.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        Next::Open
    }

    fn finish(&mut self) -> Next {
        Next::Close
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends = Ends {
        guest: 1,
        parent: 2,
    };

    fn ask(pieces: &[&[u8]]) -> (Next, Vec<u8>) {
        let answer: Answer = Box::new(|| Some(b"time 1 2\n".to_vec()));
        let mut port = QuestionPort::new(b"time\n", answer);
        let mut service = port.accept(ENDS).unwrap();
        let (mut reply, mut next) = (VecDeque::new(), Next::Open);
        for piece in pieces {
            next = service.receive(piece, &mut reply);
        }
        (next, reply.into())
    }

    #[test]
    fn one_question_has_one_answer() {
        let answered = (Next::Close, b"time 1 2\n".to_vec());
        assert_eq!(ask(&[b"time\n"]), answered);
        assert_eq!(ask(&[b"ti", b"m", b"e\n"]), answered);
        assert_eq!(ask(&[b"ti"]), (Next::Open, Vec::new()));
        for wrong in [&b"x"[..], b"time\n\n", b"timer", b"TIME\n", &[0; 9000]] {
            assert_eq!(ask(&[wrong]), (Next::Reset, Vec::new()));
        }
        let mut silent = QuestionPort::new(b"a\n", Box::new(|| None));
        let mut service = silent.accept(ENDS).unwrap();
        assert_eq!(service.receive(b"a\n", &mut VecDeque::new()), Next::Reset);
    }

    #[test]
    fn output_that_nobody_takes_is_a_number() {
        let (mut port, pieces) = output(2);
        let mut service = port.accept(ENDS).unwrap();
        for _ in 0..1000 {
            let next = service.receive(b"12345", &mut VecDeque::new());
            assert_eq!(next, Next::Open);
        }
        let taken: Vec<_> = pieces.pieces.try_iter().collect();
        assert_eq!(taken, [b"12345", b"12345"]);
        assert_eq!(pieces.take_lost(), 998 * 5);
        // What is lost at the very end is told, too.
        for _ in 0..3 {
            service.receive(b"12345", &mut VecDeque::new());
        }
        assert_eq!(service.finish(), Next::Close);
        drop((service, port));
        assert_eq!(pieces.pieces.iter().count(), 2);
        assert_eq!(pieces.take_lost(), 5);
        assert_eq!(pieces.take_lost(), 0);
    }
}
