//! The machine's clock, set by the hypervisor where it can be asked, else by the parent.
//!
//! | who | how | what is believed |
//! |---|---|---|
//! | the hypervisor | the clock of `/dev/ptp0`, if its driver is KVM's | everything: it could stop the enclave's clock anyway |
//! | the parent | one stream to its port 9005 for each question: `time` and a newline, and `time SECONDS NANOSECONDS` and a newline | see below |
//!
//! The parent is not trusted, and an enclave that takes its time from it has been told so by the
//! measured configuration. What bounds a parent that lies, or a clock that jumps:
//!
//! - the first answer sets the clock forward by any amount, before the application starts;
//! - after that, ten minutes pass between two answers, and one moves the clock by at most an hour
//!   forward and a second back;
//! - no answer, the first included, moves it back by more than a second;
//! - an answer that took longer than half a second is not used.
//!
//! What is cut is said on the console.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::lines;
use crate::stream::Stream;
use crate::sys;

/// The port of the parent.
const PORT: u32 = 9005;
/// The time between two questions.
const INTERVAL: Duration = Duration::from_mins(10);
/// How long the parent may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer may have taken for it to be used.
const FRESH: Duration = Duration::from_millis(500);
/// Bytes of the longest answer: `time`, two numbers of 64 bits.
const MAX_ANSWER: usize = 48;

const SECOND: i128 = 1_000_000_000;
/// Differences below are left alone: they are in the way that an answer takes.
const NOTHING: i128 = SECOND / 200;
const MOST_BACK: i128 = -SECOND;
const MOST_FORWARD: i128 = 3600 * SECOND;

/// Who is asked.
#[derive(Debug)]
pub(crate) enum Clock {
    Hypervisor(File),
    Parent,
}

/// Which answer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    First,
    Later,
}

impl Clock {
    /// `device` is the hypervisor's clock, where this machine has one.
    pub(crate) fn new(device: Option<OwnedFd>) -> Self {
        device.map_or(Self::Parent, |device| Self::Hypervisor(File::from(device)))
    }

    /// Sets the clock for the first time. A parent that does not answer is no failure.
    pub(crate) async fn set_first(&self) {
        self.set(Answer::First).await;
    }

    /// Keeps it right to the end of the enclave.
    pub(crate) async fn keep(self) {
        loop {
            sleep(INTERVAL).await;
            self.set(Answer::Later).await;
        }
    }

    async fn set(&self, answer: Answer) {
        match self.difference().await {
            Ok(difference) => {
                let step = self.step(difference, answer);
                if step != difference && difference.abs() >= NOTHING {
                    lines::clock(format_args!(
                        "it should move by {} ms, and moves by {} ms",
                        difference / 1_000_000,
                        step / 1_000_000
                    ));
                }
                if step != 0
                    && let Err(error) = move_by(step)
                {
                    lines::clock(format_args!("it cannot be set: {error}"));
                }
            }
            Err(error) => lines::clock(format_args!("nobody says the time: {error}")),
        }
    }

    /// How far the clock is behind, in nanoseconds.
    async fn difference(&self) -> io::Result<i128> {
        match self {
            Self::Hypervisor(device) => Ok(sys::device_clock(device)? - sys::machine_clock()?),
            Self::Parent => timeout(PATIENCE, ask()).await?,
        }
    }

    /// What becomes of a difference.
    fn step(&self, difference: i128, answer: Answer) -> i128 {
        if difference.abs() < NOTHING {
            return 0;
        }
        let forward = match (self, answer) {
            (Self::Hypervisor(_), _) | (_, Answer::First) => i128::MAX,
            (Self::Parent, Answer::Later) => MOST_FORWARD,
        };
        difference.clamp(MOST_BACK, forward)
    }
}

fn move_by(step: i128) -> io::Result<()> {
    sys::set_machine_clock(sys::machine_clock()? + step)
}

/// Asks the parent.
async fn ask() -> io::Result<i128> {
    let stream = Stream::to_parent(PORT).await?;
    difference_by(&stream).await
}

async fn difference_by(stream: &Stream) -> io::Result<i128> {
    let asked = Instant::now();
    stream.write_all(b"time\n").await?;
    let mut answer = Vec::new();
    let mut piece = [0; MAX_ANSWER];
    while !answer.ends_with(b"\n") {
        let read = stream.read(&mut piece).await?;
        answer.extend_from_slice(piece.get(..read).unwrap_or_default());
        if read == 0 || answer.len() > MAX_ANSWER {
            return Err(io::Error::other("the parent's answer is none"));
        }
    }
    let took = asked.elapsed();
    let now = sys::machine_clock()?;
    let told = parse(&answer).ok_or_else(|| io::Error::other("the parent's answer is none"))?;
    if took > FRESH {
        return Err(io::Error::other("the parent's answer took too long"));
    }
    // The answer was given half of the way ago.
    let half = i128::try_from(took.as_nanos() / 2).unwrap_or_default();
    Ok(told + half - now)
}

/// Nanoseconds since 1970.
fn parse(answer: &[u8]) -> Option<i128> {
    let text = str::from_utf8(answer).ok()?;
    let rest = text.strip_prefix("time ")?.strip_suffix('\n')?;
    let (seconds, nanoseconds) = rest.split_once(' ')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(seconds) || !digits(nanoseconds) {
        return None;
    }
    // Seconds of 32 bits, which is until 2106, and what every program of the application can read.
    let seconds: u32 = seconds.parse().ok()?;
    let nanoseconds: u32 = nanoseconds.parse().ok()?;
    (nanoseconds < 1_000_000_000).then(|| i128::from(seconds) * SECOND + i128::from(nanoseconds))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::thread;

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn the_parent_moves_the_clock_by_little_and_never_far_back() {
        let parent = Clock::Parent;
        let year = 365 * 24 * 3600 * SECOND;
        for (difference, first, later) in [
            (0, 0, 0),
            (NOTHING - 1, 0, 0),
            (-NOTHING, -NOTHING, -NOTHING),
            (SECOND, SECOND, SECOND),
            (year, year, MOST_FORWARD),
            (-year, -SECOND, -SECOND),
            (i128::MAX, i128::MAX, MOST_FORWARD),
        ] {
            assert_eq!(parent.step(difference, Answer::First), first);
            assert_eq!(parent.step(difference, Answer::Later), later);
        }
        let device = File::open("/dev/null").unwrap();
        let hypervisor = Clock::Hypervisor(device);
        assert_eq!(hypervisor.step(year, Answer::Later), year);
        assert_eq!(hypervisor.step(-year, Answer::Later), -SECOND);
    }

    #[test]
    fn an_answer_has_one_form() {
        assert_eq!(parse(b"time 1 5\n"), Some(SECOND + 5));
        assert_eq!(
            parse(b"time 4294967295 999999999\n"),
            Some(4_294_967_295 * SECOND + 999_999_999)
        );
        for wrong in [
            &b""[..],
            b"time 1 5",
            b"time 1\n",
            b"time  1 5\n",
            b"time -1 5\n",
            b"time +1 5\n",
            b"time 4294967296 0\n",
            b"time 1 1000000000\n",
            b"time 1 5 \n",
            b"TIME 1 5\n",
            b"time \xff 5\n",
            b"time  \n",
        ] {
            assert_eq!(parse(wrong), None);
        }
    }

    async fn told(answer: &'static [u8]) -> io::Result<i128> {
        let (ours, mut parent) = UnixStream::pair().unwrap();
        let parent = thread::spawn(move || {
            let mut question = [0; 5];
            parent.read_exact(&mut question).unwrap();
            assert_eq!(&question, b"time\n");
            parent.write_all(answer).unwrap();
        });
        let stream = Stream::new(socket2::Socket::from(OwnedFd::from(ours))).unwrap();
        let result = difference_by(&stream).await;
        parent.join().unwrap();
        result
    }

    #[test]
    fn a_parent_is_asked_and_nonsense_is_no_time() {
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            // 2100, which is far enough from now to say that it is ahead.
            let ahead = told(b"time 4102444800 0\n").await.unwrap();
            assert!(ahead > 365 * 24 * 3600 * SECOND);
            for nonsense in [&b"time 1\n"[..], b"", &[b'x'; 100]] {
                assert!(told(nonsense).await.is_err());
            }
        });
    }
}
