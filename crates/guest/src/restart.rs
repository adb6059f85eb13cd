//! Starting an application again that has failed, where the measured configuration says how often.
//!
//! A failure is an end by a signal, or with a code that is not 0. Pauses double, so that an
//! application that fails at once does not keep the machine busy. What the application has started is
//! ended first: it would have the ports and files of the new one.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::console;
use crate::failure::Failure;
use crate::sys::process::{Ended, reap};
use crate::sys::signal;

/// The first and the longest pause.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
/// How long processes may take to end.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause between two looks.
const LOOK: Duration = Duration::from_millis(2);
/// The kernel's own processes are the children of this one.
const KERNEL: i32 = 2;

/// How often an application may still be started again.
#[derive(Debug)]
pub(crate) struct Restarts {
    most: u32,
    done: u32,
}

/// One more start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Restart {
    /// Which one, from 1.
    pub(crate) number: u32,
    /// How long to wait before it.
    pub(crate) pause: Duration,
}

impl Restarts {
    pub(crate) const fn new(most: u32) -> Self {
        Self { most, done: 0 }
    }

    /// What follows an end; `None` where that is the end of the enclave.
    pub(crate) fn next(&mut self, ended: Ended) -> Option<Restart> {
        if ended == Ended::Exited(0) || self.done >= self.most {
            return None;
        }
        let doubled = 2_u32.saturating_pow(self.done.min(16));
        self.done += 1;
        Some(Restart {
            number: self.done,
            pause: FIRST.saturating_mul(doubled).min(LONGEST),
        })
    }
}

/// Ends everything that the application has left, and reaps it. The agent stays; its end is a
/// failure here too.
pub(crate) fn clear(agent: Option<i32>) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        while let Ok(Some((process, ended))) = reap() {
            if Some(process) == agent {
                return Err(Failure::AgentEnded { ended });
            }
        }
        let left = processes(agent);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            console::say(&format!("{} processes do not end and stay", left.len()));
            return Ok(());
        }
        for process in left {
            // One that has ended by itself in the meantime takes none.
            let _ = signal::send(process, libc::SIGKILL);
        }
        sleep(LOOK);
    }
}

/// Processes that are neither init's own, the agent's, nor the kernel's.
fn processes(agent: Option<i32>) -> Vec<i32> {
    let own = [Some(1), Some(KERNEL), agent];
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|process| !own.contains(&Some(*process)))
        .filter(|process| parent(*process).is_some_and(|parent| parent != KERNEL))
        .collect()
}

fn parent(process: i32) -> Option<i32> {
    parent_in(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The parent in a line of `/proc/N/stat`. The name before it may have spaces and brackets.
fn parent_in(stat: &str) -> Option<i32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_followed_by_as_many_starts_as_there_may_be() {
        let mut restarts = Restarts::new(9);
        let mut pauses = Vec::new();
        while let Some(Restart { number, pause }) = restarts.next(Ended::Signaled(9)) {
            pauses.push(pause.as_millis());
            assert_eq!(usize::try_from(number).unwrap(), pauses.len());
        }
        assert_eq!(
            pauses,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        assert_eq!(Restarts::new(0).next(Ended::Exited(1)), None);
        assert_eq!(Restarts::new(5).next(Ended::Exited(0)), None);
        assert!(Restarts::new(5).next(Ended::Exited(1)).is_some());
    }

    #[test]
    fn the_parent_of_a_process_is_found_behind_any_name() {
        assert_eq!(parent_in("7 (a) b) S 3 4 5"), Some(3));
        assert_eq!(parent_in("7 ()) S 2 4 5"), Some(2));
        assert_eq!(parent_in("7 (a"), None);
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(parent(own).is_some());
    }
}
