//! The application's output: from the pipe that is its standard output and error to the parent's
//! port 9002, byte by byte.
//!
//! The application is never held up. What the parent does not take is kept, the newest
//! [`MAX_KEPT`] bytes of it; older lines are lost, and a line in their place says how much. After a
//! parent has broken off, what may not have arrived is sent once more on the next stream.
//!
//! When the application has ended, init closes its end of `life`: what is in the pipe then is the
//! last, and the agent ends when the parent has it, or after a second.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::task::coop::consume_budget;
use tokio::time::{sleep, timeout};

use crate::counters::{Counter, add};
use crate::stream::Stream;
use crate::sys;

/// The port of the parent.
const PORT: u32 = 9002;
/// Bytes that are kept while the parent does not take them.
const MAX_KEPT: usize = 256 * 1024;
/// Bytes that are read, and sent, at once.
const PIECE: usize = 16 * 1024;
/// How long the parent may take to accept a stream.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first and the longest pause before the parent is tried again.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);
/// How long the parent may take to read to the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What has been read and has not been sent.
#[derive(Debug, Default)]
struct Kept {
    bytes: VecDeque<u8>,
    /// Bytes that were lost since the last line about it.
    lost: usize,
    /// What was sent last does not end a line.
    unfinished: bool,
    /// Nothing more is read.
    ended: bool,
}

/// What is sent at once. It is lost no more, and comes back if it cannot be sent.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    /// That so many bytes were lost here.
    Lost(usize),
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        if self.bytes.len() <= MAX_KEPT {
            return;
        }
        let surplus = self.bytes.len().saturating_sub(MAX_KEPT);
        // Whole lines go, if there is an end of one.
        let rest = self.bytes.iter().skip(surplus);
        let line = rest.take(PIECE).position(|byte| *byte == b'\n');
        let lost = surplus.saturating_add(line.map_or(0, |end| end.saturating_add(1)));
        self.bytes.drain(..lost);
        self.lost = self.lost.saturating_add(lost);
        add(Counter::OutputLost, u64::try_from(lost).unwrap_or(u64::MAX));
    }

    fn is_empty(&self) -> bool {
        self.lost == 0 && self.bytes.is_empty()
    }

    /// Takes the next piece.
    fn next(&mut self) -> Piece {
        match std::mem::take(&mut self.lost) {
            0 => Piece::Bytes(self.bytes.drain(..PIECE.min(self.bytes.len())).collect()),
            lost => Piece::Lost(lost),
        }
    }

    /// What is sent for a piece. A line about a loss is one of its own.
    fn text(&self, piece: &Piece) -> Vec<u8> {
        let before = if self.unfinished { "\n" } else { "" };
        match piece {
            Piece::Bytes(bytes) => bytes.clone(),
            Piece::Lost(lost) => {
                format!("{before}enclair-agent: {lost} bytes were lost\n").into_bytes()
            }
        }
    }

    /// A piece has been sent.
    fn arrived(&mut self, piece: &Piece) {
        self.unfinished = match piece {
            Piece::Bytes(bytes) => bytes.last() != Some(&b'\n'),
            Piece::Lost(_) => false,
        };
    }

    /// A piece has not been sent, or not all of it.
    fn put_back(&mut self, piece: Piece) {
        match piece {
            // As many bytes more than are kept as one piece has, until something is pushed.
            Piece::Bytes(bytes) => bytes
                .into_iter()
                .rev()
                .for_each(|byte| self.bytes.push_front(byte)),
            Piece::Lost(lost) => self.lost = self.lost.saturating_add(lost),
        }
    }
}

/// The application's output on its way.
#[derive(Debug)]
pub(crate) struct Logs {
    pipe: AsyncFd<File>,
    kept: RefCell<Kept>,
    changed: Notify,
}

impl Logs {
    /// Starts to carry what comes out of `pipe`, until `life` ends.
    pub(crate) fn start(pipe: OwnedFd, life: OwnedFd) -> io::Result<()> {
        let logs = Rc::new(Self::new(pipe)?);
        let life = open(life)?;
        tokio::task::spawn_local(Rc::clone(&logs).read());
        tokio::task::spawn_local({
            let logs = Rc::clone(&logs);
            async move {
                // Nobody writes to it, so it is readable at its end.
                let _ = life.readable().await;
                logs.end();
            }
        });
        tokio::task::spawn_local(async move {
            logs.send().await;
            sys::end();
        });
        Ok(())
    }

    fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            pipe: open(pipe)?,
            kept: RefCell::default(),
            changed: Notify::new(),
        })
    }

    /// Keeps everything that comes, to the end of the pipe.
    async fn read(self: Rc<Self>) {
        while let Ok(mut readable) = self.pipe.readable().await {
            match readable.try_io(|_| self.read_piece()) {
                // Every process that could write has ended; init has an end of it, too.
                Ok(Ok(0)) => return,
                Ok(Err(error)) if error.kind() != io::ErrorKind::Interrupted => return,
                Ok(_) | Err(_) => {}
            }
            consume_budget().await;
        }
    }

    /// Keeps one piece, if there is something.
    fn read_piece(&self) -> io::Result<usize> {
        let mut piece = [0; PIECE];
        let read = self.pipe.get_ref().read(&mut piece)?;
        let bytes = piece.get(..read).unwrap_or_default();
        self.kept.borrow_mut().push(bytes);
        self.changed.notify_one();
        Ok(read)
    }

    /// Keeps what is left in the pipe, and nothing after it.
    fn end(&self) {
        while self.read_piece().is_ok_and(|read| read > 0) {}
        self.kept.borrow_mut().ended = true;
        self.changed.notify_one();
    }

    /// Waits until there is something to send. `false` at the end.
    async fn more(&self) -> bool {
        loop {
            {
                let kept = self.kept.borrow();
                if !kept.is_empty() {
                    return true;
                }
                if kept.ended {
                    return false;
                }
            }
            self.changed.notified().await;
        }
    }

    /// Sends everything, to the end.
    async fn send(&self) {
        let mut pause = FIRST;
        while self.more().await {
            if let Ok(Ok(stream)) = timeout(PATIENCE, Stream::to_parent(PORT)).await {
                pause = FIRST;
                if self.send_to(&stream).await.is_ok() {
                    return;
                }
            }
            if self.kept.borrow().ended {
                return;
            }
            sleep(pause).await;
            pause = LONGEST.min(pause.saturating_mul(2));
        }
    }

    /// Sends everything on one stream, and its end.
    async fn send_to(&self, stream: &Stream) -> io::Result<()> {
        while self.more().await {
            let piece = self.kept.borrow_mut().next();
            let text = self.kept.borrow().text(&piece);
            let sent = stream.write_all(&text).await;
            let mut kept = self.kept.borrow_mut();
            match sent {
                Ok(()) => kept.arrived(&piece),
                Err(error) => {
                    kept.put_back(piece);
                    return Err(error);
                }
            }
        }
        stream.finish_writing()?;
        timeout(LAST_WORDS, stream.drain()).await?
    }
}

fn open(file: OwnedFd) -> io::Result<AsyncFd<File>> {
    sys::do_not_wait(&file)?;
    sys::register(File::from(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes everything, as text.
    fn sent(kept: &mut Kept) -> Vec<u8> {
        let mut text = Vec::new();
        while !kept.is_empty() {
            let piece = kept.next();
            text.extend(kept.text(&piece));
            kept.arrived(&piece);
        }
        text
    }

    #[test]
    fn the_newest_lines_are_kept_and_the_loss_is_told() {
        let mut kept = Kept::default();
        let line = format!("{:099}\n", 0);
        let count = 2 * MAX_KEPT / line.len();
        for _ in 0..count {
            kept.push(line.as_bytes());
            assert!(kept.bytes.len() <= MAX_KEPT);
        }
        let lost = kept.lost;
        assert_eq!(lost % line.len(), 0);
        let text = String::from_utf8(sent(&mut kept)).unwrap();
        let (told, rest) = text.split_once('\n').unwrap();
        assert_eq!(told, format!("enclair-agent: {lost} bytes were lost"));
        assert!(rest.starts_with("000"));
        assert_eq!(rest.len() + lost, count * line.len());
    }

    #[test]
    fn what_is_on_its_way_is_not_lost_and_a_loss_has_a_line_of_its_own() {
        let mut kept = Kept::default();
        kept.push(b"the beginning of ");
        let piece = kept.next();
        // While it was sent, so much came that some of it was dropped.
        kept.push(&vec![b'x'; MAX_KEPT + 5]);
        kept.arrived(&piece);
        assert_eq!(piece, Piece::Bytes(b"the beginning of ".to_vec()));
        let text = sent(&mut kept);
        assert!(text.starts_with(b"\nenclair-agent: 5 bytes were lost\nxxx"));
        assert_eq!(
            text.len(),
            b"\nenclair-agent: 5 bytes were lost\n".len() + MAX_KEPT
        );
    }

    #[test]
    fn what_could_not_be_sent_is_sent_again() {
        let mut kept = Kept::default();
        kept.push(b"abc");
        let piece = kept.next();
        kept.push(b"def");
        kept.put_back(piece);
        kept.lost = 7;
        let piece = kept.next();
        assert_eq!(piece, Piece::Lost(7));
        kept.put_back(piece);
        assert_eq!(sent(&mut kept), b"enclair-agent: 7 bytes were lost\nabcdef");
    }
}
