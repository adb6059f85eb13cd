//! The two long measurements on threads of their own.
//!
//! PCR0 sees everything and PCR2 nearly everything, so they are two SHA-384 streams over the same
//! bytes that do not depend on each other. Each byte is copied once, into a chunk that both
//! threads share; chunks are used again, so memory stays the same whatever the image's size. The
//! result does not depend on the number of threads: the order of bytes in a stream is the file's.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use enclair_digest::Engine;
use enclair_eif::measure::{ApplicationDigests, ApplicationLane, WholeDigests, WholeLane, join};
use enclair_eif::{Inline, Measure, Measured, SectionKind};

/// Bytes in one chunk.
const CHUNK: usize = 256 << 10;
/// Chunks that may wait in front of a thread.
const QUEUE: usize = 4;

/// How many threads measure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Threads {
    /// The calling thread only.
    One,
    /// One more for each of the two streams.
    #[default]
    Lanes,
}

/// Measures in the calling thread or on two more.
#[derive(Debug)]
pub enum Measurer<E: Engine> {
    /// In the calling thread.
    Inline(Inline<E>),
    /// One thread a stream.
    Threaded(Threaded),
}

impl<E: Engine> Measurer<E> {
    /// Starts measuring an image.
    pub fn new(engine: &E, threads: Threads) -> Self {
        match threads {
            Threads::One => Self::Inline(Inline::new(engine)),
            Threads::Lanes => Self::Threaded(Threaded::new(engine)),
        }
    }
}

impl<E: Engine> Measure for Measurer<E> {
    fn section(&mut self, kind: SectionKind) {
        match self {
            Self::Inline(inline) => inline.section(kind),
            Self::Threaded(threaded) => threaded.section(kind),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Inline(inline) => inline.update(bytes),
            Self::Threaded(threaded) => threaded.update(bytes),
        }
    }

    fn finish(self) -> Measured {
        match self {
            Self::Inline(inline) => inline.finish(),
            Self::Threaded(threaded) => threaded.finish(),
        }
    }
}

/// What a lane's thread is told.
#[derive(Debug, Clone)]
enum Step {
    Section(SectionKind),
    Data(Arc<Vec<u8>>),
}

/// The two lanes, each behind a queue.
#[derive(Debug)]
pub struct Threaded {
    whole: Lane<WholeDigests>,
    application: Lane<ApplicationDigests>,
    gathering: Vec<u8>,
    /// Chunks that were sent, oldest first; those that both lanes let go of are filled again.
    sent: VecDeque<Arc<Vec<u8>>>,
}

#[derive(Debug)]
struct Lane<D> {
    queue: SyncSender<Step>,
    thread: JoinHandle<D>,
}

impl<D: Send + 'static> Lane<D> {
    fn spawn(run: impl FnOnce(Receiver<Step>) -> D + Send + 'static) -> Self {
        let (queue, steps) = sync_channel(QUEUE);
        Self {
            queue,
            thread: std::thread::spawn(move || run(steps)),
        }
    }

    /// A lane only stops listening when it panicked, which [`Self::finish`] passes on.
    fn send(&self, step: Step) {
        drop(self.queue.send(step));
    }

    fn finish(self) -> D {
        drop(self.queue);
        self.thread
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Threaded {
    fn new<E: Engine>(engine: &E) -> Self {
        let (mut whole, mut application) = (WholeLane::new(engine), ApplicationLane::new(engine));
        Self {
            whole: Lane::spawn(move |steps| {
                for step in steps {
                    match step {
                        Step::Section(kind) => whole.section(kind),
                        Step::Data(bytes) => whole.update(&bytes),
                    }
                }
                whole.finish()
            }),
            application: Lane::spawn(move |steps| {
                for step in steps {
                    match step {
                        Step::Section(kind) => application.section(kind),
                        Step::Data(bytes) => application.update(&bytes),
                    }
                }
                application.finish()
            }),
            gathering: Vec::with_capacity(CHUNK),
            sent: VecDeque::new(),
        }
    }

    fn send(&self, step: &Step) {
        self.whole.send(step.clone());
        self.application.send(step.clone());
    }

    fn flush(&mut self) {
        if self.gathering.is_empty() {
            return;
        }
        let empty = self.reclaim();
        let chunk = Arc::new(std::mem::replace(&mut self.gathering, empty));
        self.send(&Step::Data(Arc::clone(&chunk)));
        self.sent.push_back(chunk);
    }

    /// An empty buffer: the oldest chunk when both lanes are done with it, else a new one.
    fn reclaim(&mut self) -> Vec<u8> {
        let oldest = self.sent.pop_front().map(Arc::try_unwrap);
        match oldest {
            Some(Ok(mut buffer)) => {
                buffer.clear();
                buffer
            }
            Some(Err(in_use)) => {
                self.sent.push_front(in_use);
                Vec::with_capacity(CHUNK)
            }
            None => Vec::with_capacity(CHUNK),
        }
    }
}

impl Measure for Threaded {
    fn section(&mut self, kind: SectionKind) {
        self.flush();
        self.send(&Step::Section(kind));
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = CHUNK - self.gathering.len();
            let (head, tail) = bytes.split_at(room.min(bytes.len()));
            self.gathering.extend_from_slice(head);
            bytes = tail;
            if self.gathering.len() == CHUNK {
                self.flush();
            }
        }
    }

    fn finish(mut self) -> Measured {
        self.flush();
        join(self.whole.finish(), self.application.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::AwsLc;

    fn measure(threads: Threads, piece: usize) -> Measured {
        let mut measurer = Measurer::new(&AwsLc, threads);
        let sections = [
            (SectionKind::Kernel, 300_000),
            (SectionKind::CommandLine, 11),
            (SectionKind::Metadata, 90),
            (SectionKind::Ramdisk, 5),
            (SectionKind::Ramdisk, 3 * CHUNK + 1),
            (SectionKind::Ramdisk, 0),
            (SectionKind::Ramdisk, 1000),
        ];
        for (kind, size) in sections {
            measurer.section(kind);
            let data: Vec<u8> = (0..=252_u8).cycle().take(size).collect();
            data.chunks(piece).for_each(|bytes| measurer.update(bytes));
        }
        measurer.finish()
    }

    #[test]
    fn threads_and_piece_sizes_change_nothing() {
        let expected = measure(Threads::One, 4096);
        for piece in [1, 1000, CHUNK, CHUNK + 1, 10 * CHUNK] {
            assert_eq!(
                measure(Threads::Lanes, piece),
                expected,
                "pieces of {piece}"
            );
        }
    }
}
