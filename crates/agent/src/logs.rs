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
    /// Bytes that were taken out of it, from the first on.
    begin: u64,
    /// Bytes that were lost since the last line about it.
    lost: usize,
    /// Nothing more is read.
    ended: bool,
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
        self.remove(lost);
        self.lost = self.lost.saturating_add(lost);
        add(Counter::OutputLost, u64::try_from(lost).unwrap_or(u64::MAX));
    }

    fn remove(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.begin = self.begin.saturating_add(count);
    }

    /// The next bytes, and where they end.
    fn next(&mut self) -> (Vec<u8>, u64) {
        if self.lost > 0 {
            let line = format!("enclair-agent: {} bytes were lost\n", self.lost);
            self.lost = 0;
            return (line.into_bytes(), self.begin);
        }
        let bytes: Vec<_> = self.bytes.iter().take(PIECE).copied().collect();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        (bytes, self.begin.saturating_add(length))
    }

    /// Takes out what has arrived, as far as it is still there.
    fn arrived(&mut self, end: u64) {
        let count = end.saturating_sub(self.begin);
        self.remove(usize::try_from(count).unwrap_or(usize::MAX));
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
                if !kept.bytes.is_empty() || kept.lost > 0 {
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
            let (bytes, end) = self.kept.borrow_mut().next();
            stream.write_all(&bytes).await?;
            self.kept.borrow_mut().arrived(end);
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

    #[test]
    fn the_newest_lines_are_kept_and_the_loss_is_told() {
        let mut kept = Kept::default();
        let line = format!("{:099}\n", 0);
        for _ in 0..(2 * MAX_KEPT / line.len()) {
            kept.push(line.as_bytes());
            assert!(kept.bytes.len() <= MAX_KEPT);
        }
        let (told, end) = kept.next();
        kept.arrived(end);
        let lost: usize = String::from_utf8(told)
            .unwrap()
            .strip_prefix("enclair-agent: ")
            .unwrap()
            .strip_suffix(" bytes were lost\n")
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(lost % line.len(), 0);
        let mut sent = 0;
        while !kept.bytes.is_empty() {
            let (bytes, end) = kept.next();
            assert!(sent > 0 || bytes.starts_with(b"000"));
            sent += bytes.len();
            kept.arrived(end);
        }
        assert_eq!(sent + lost, 2 * MAX_KEPT / line.len() * line.len());
    }

    #[test]
    fn what_was_lost_on_its_way_is_not_taken_out_twice() {
        let mut kept = Kept::default();
        kept.push(b"abc");
        let (bytes, end) = kept.next();
        assert_eq!((bytes.as_slice(), end), (&b"abc"[..], 3));
        // While it was sent, so much came that it was dropped.
        kept.push(&vec![b'x'; MAX_KEPT]);
        kept.lost = 0;
        kept.arrived(end);
        assert_eq!(kept.bytes.len(), MAX_KEPT);
        assert!(kept.bytes.iter().all(|byte| *byte == b'x'));
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let mut kept = Kept::default();
        kept.push(&vec![b'x'; MAX_KEPT + 10]);
        assert_eq!((kept.bytes.len(), kept.lost), (MAX_KEPT, 10));
    }
}
