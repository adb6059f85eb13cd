//! `nitro-cli` as it is called: command lines in, output out.
//!
//! `run-enclave` leaves a process behind that holds the enclave. It has a session of its own, so
//! that neither what ends the program nor Ctrl-C of a terminal ends it; and should it keep the
//! program's output open, nobody here waits for that.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::answers::{Described, MAX_OUTPUT, Started, Terminated, parse, parse_started};
use super::error::NitroError;
use crate::process::Child;

/// How long a start may take: memory is given to the enclave and the image is copied there, and the
/// program itself waits a minute and a half or more for the heartbeat.
const START: Duration = Duration::from_mins(10);
/// How long everything else may take. The first description waits until the image is measured.
const OTHER: Duration = Duration::from_mins(2);
/// How often it is asked whether to give up.
const TICK: Duration = Duration::from_millis(100);
/// How long the program may take to end when it is told to.
const GRACE: Duration = Duration::from_secs(2);
/// Bytes of stderr that are kept: the last ones.
const MAX_MESSAGES: usize = 4 << 10;

/// What is to be started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) image: &'a Path,
    pub(crate) name: &'a str,
    pub(crate) cpus: u32,
    pub(crate) memory_mib: u64,
    pub(crate) is_debug: bool,
}

impl Start<'_> {
    /// The arguments behind `run-enclave`.
    fn arguments(self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            "--eif-path".into(),
            self.image.into(),
            "--cpu-count".into(),
            self.cpus.to_string().into(),
            "--memory".into(),
            self.memory_mib.to_string().into(),
            "--enclave-name".into(),
            self.name.into(),
        ];
        if self.is_debug {
            arguments.push("--debug-mode".into());
        }
        arguments
    }
}

/// The program.
#[derive(Debug, Clone)]
pub(crate) struct NitroCli(pub(crate) PathBuf);

impl NitroCli {
    /// Starts an enclave and waits until it has said that it boots. `gives_up` is asked every now
    /// and then.
    pub(crate) fn start(
        &self,
        start: Start<'_>,
        gives_up: &mut dyn FnMut() -> bool,
    ) -> Result<Started, NitroError> {
        let output = self.call("run-enclave", &start.arguments(), START, gives_up)?;
        parse_started(&output)
    }

    /// All enclaves of this machine.
    pub(crate) fn describe(&self) -> Result<Vec<Described>, NitroError> {
        let output = self.call("describe-enclaves", &[], OTHER, &mut || false)?;
        parse("describe-enclaves", &output)
    }

    /// Ends an enclave.
    pub(crate) fn terminate(&self, id: &str) -> Result<(), NitroError> {
        let arguments = ["--enclave-id".into(), id.into()];
        let output = self.call("terminate-enclave", &arguments, OTHER, &mut || false)?;
        let answer: Terminated = parse("terminate-enclave", &output)?;
        if answer.terminated && answer.id == id {
            Ok(())
        } else {
            Err(NitroError::NotTerminated { id: id.to_owned() })
        }
    }

    /// Starts what shows the console of an enclave in debug mode.
    pub(crate) fn console(&self, id: &str) -> Result<Child, NitroError> {
        self.spawn("console", &["--enclave-id".into(), id.into()])
    }

    fn spawn(&self, command: &str, arguments: &[OsString]) -> Result<Child, NitroError> {
        let mut process = Command::new(&self.0);
        process.arg(command).args(arguments);
        Child::spawn(process, &[]).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> NitroError {
        NitroError::Program {
            program: self.0.clone(),
            source,
        }
    }

    /// What the program prints, if it does what it is told.
    fn call(
        &self,
        command: &'static str,
        arguments: &[OsString],
        limit: Duration,
        gives_up: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<u8>, NitroError> {
        let mut child = self.spawn(command, arguments)?;
        let read = read_all(&mut child, limit, gives_up).map_err(|source| self.failed(source))?;
        let (output, messages) = match read {
            Ended::Itself { output, messages } => (output, messages),
            Ended::Late => {
                child.end(GRACE).map_err(|source| self.failed(source))?;
                let seconds = limit.as_secs();
                return Err(NitroError::Silent { command, seconds });
            }
            Ended::GivenUp => {
                child.end(GRACE).map_err(|source| self.failed(source))?;
                return Err(NitroError::GivenUp { command });
            }
            Ended::TooLong => return Err(NitroError::TooLong { command }),
        };
        let exit = child.wait().map_err(|source| self.failed(source))?;
        if exit.success() {
            return Ok(output);
        }
        let messages = String::from_utf8_lossy(&messages).into_owned();
        Err(NitroError::Failed {
            command,
            exit,
            messages,
        })
    }
}

/// How a program came to its end.
enum Ended {
    /// By itself.
    Itself { output: Vec<u8>, messages: Vec<u8> },
    /// It has not, and the time is over.
    Late,
    /// It has not, and is not waited for any more.
    GivenUp,
    /// It has printed too much.
    TooLong,
}

/// Reads until the child has ended, not until its output has.
fn read_all(
    child: &mut Child,
    limit: Duration,
    gives_up: &mut dyn FnMut() -> bool,
) -> io::Result<Ended> {
    let begun = Instant::now();
    let exit = child.exit_descriptor()?;
    let (stdout, stderr) = child.take_output().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut stdout = Pipe::new(stdout)?;
    let mut stderr = Pipe::new(stderr)?;
    loop {
        let has_ended = wait(&exit, &stdout, &stderr)?;
        stdout.read()?;
        stderr.read()?;
        if stdout.bytes.len() > MAX_OUTPUT {
            return Ok(Ended::TooLong);
        }
        let excess = stderr.bytes.len().saturating_sub(MAX_MESSAGES);
        stderr.bytes.drain(..excess);
        if has_ended {
            let (output, messages) = (stdout.bytes, stderr.bytes);
            return Ok(Ended::Itself { output, messages });
        }
        if begun.elapsed() >= limit {
            return Ok(Ended::Late);
        }
        if gives_up() {
            return Ok(Ended::GivenUp);
        }
    }
}

/// Waits a moment for something to happen; says whether the child has ended.
fn wait<A, B>(exit: &OwnedFd, stdout: &Pipe<A>, stderr: &Pipe<B>) -> io::Result<bool>
where
    A: AsFd,
    B: AsFd,
{
    let mut polled = vec![PollFd::new(exit, PollFlags::IN)];
    if !stdout.ended {
        polled.push(PollFd::new(&stdout.source, PollFlags::IN));
    }
    if !stderr.ended {
        polled.push(PollFd::new(&stderr.source, PollFlags::IN));
    }
    let tick = Timespec::try_from(TICK).map_err(|_| io::ErrorKind::InvalidInput)?;
    match poll(&mut polled, Some(&tick)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let exit = polled.first().map(PollFd::revents);
    Ok(exit.is_some_and(|events| !events.is_empty()))
}

/// One of a child's outputs.
struct Pipe<S> {
    source: S,
    bytes: Vec<u8>,
    ended: bool,
}

impl<S: AsFd + Read> Pipe<S> {
    fn new(source: S) -> io::Result<Self> {
        let flags = fcntl_getfl(&source)?;
        fcntl_setfl(&source, flags | OFlags::NONBLOCK)?;
        Ok(Self {
            source,
            bytes: Vec::new(),
            ended: false,
        })
    }

    /// Reads what is there, and somewhat more than anybody wants at most.
    fn read(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        while !self.ended && self.bytes.len() <= MAX_OUTPUT {
            match self.source.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(count) => self
                    .bytes
                    .extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
