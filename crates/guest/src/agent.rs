//! The agent: the second program of the boot ramdisk, which moves bytes between the application
//! and the parent. It is there only in images whose configuration gives it something to do.
//!
//! Init opens its file before the root is switched and executes the open file, so that no path of
//! the image can stand for it. It runs under a user id of its own with no capability, and is given
//! as open files what it could not open itself:
//!
//! | name | what |
//! |---|---|
//! | `configuration` | the measured configuration |
//! | `started` | a pipe: `ok` and a newline once everything listens, else a sentence that says why not |
//! | `nsm` | the security module, where documents are given out and this machine has one |
//! | `application` | the listening socket that the application's user id alone may connect to |
//! | `output` | the pipe that is the application's standard output and error, where it is sent to the parent |
//! | `life` | a pipe that nobody writes to: its end says that the application has ended |
//! | `clock` | the hypervisor's clock, where the clock is set and this machine has one |
//!
//! Their numbers are its arguments, as in `nsm=7`. Init waits for the pipe, so that the application
//! finds its proxy and its names when it starts.
//!
//! Where the clock is set, the agent has the one capability for that.

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{PermissionsExt, chown, fchown};
use std::os::unix::net::UnixListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use enclair_configuration::{AGENT_ID, Access, Configuration};

use crate::capabilities;
use crate::configuration;
use crate::failure::Failure;
use crate::seccomp;
use crate::sys::privilege::{self, Instruction, install_filter};
use crate::sys::process::{self, Fork, Strings, execute_file};
use crate::sys::{Errno, signal};

const PROGRAM: &str = "/agent";
const DIRECTORY: &str = "/run/enclair";
/// The hypervisor's clock, what its driver calls itself, and where that is said.
const CLOCK: &str = "/dev/ptp0";
const CLOCK_NAME: &str = "KVM virtual PTP";
const CLOCK_NAME_FILE: &str = "/sys/class/ptp/ptp0/clock_name";
const SOCKET: &str = "/run/enclair/attestation.sock";
/// Open files that the agent may have: each connection takes two.
const OPEN_FILES: u64 = 8192;
const NOFILE: u32 = 7;
/// Bytes of the longest sentence that is taken from the pipe.
const MAX_SENTENCE: u64 = 512;
/// `CAP_SYS_TIME`.
const SET_CLOCK: u32 = 25;
/// How long the agent may take to send the last of the application's output.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The pause between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What is opened before the root is switched.
#[derive(Debug)]
pub(crate) struct Agent {
    program: File,
    configuration: File,
    module: Option<File>,
    clock: Option<File>,
    rights: Rights,
}

/// What the agent may do that no other process of its id may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    None,
    SetClock,
}

/// The agent while it runs.
#[derive(Debug)]
pub(crate) struct Running {
    /// Its process id.
    pub(crate) process: i32,
    output: Option<Output>,
}

/// The application's output, where the agent carries it.
#[derive(Debug)]
struct Output {
    /// The application's standard output and error.
    pipe: OwnedFd,
    /// Closed when the application has ended.
    life: OwnedFd,
}

/// Opens what has no path later; `None` for an image without an agent.
pub(crate) fn open(
    configuration: &Configuration,
    module: Option<File>,
) -> Result<Option<Agent>, Failure> {
    let services = &configuration.services;
    if services.is_empty() {
        return Ok(None);
    }
    let open = |path: &str| File::open(path).map_err(Errno::from);
    Ok(Some(Agent {
        program: open(PROGRAM).map_err(|errno| Failure::AgentMissing { errno })?,
        configuration: open(&format!("/{}", configuration::PATH))
            .map_err(|errno| Failure::ConfigurationNotRead { errno })?,
        module: module.filter(|_| services.attestation.is_some()),
        // A machine without one is asked in another way.
        clock: services.clock.then(|| File::open(CLOCK).ok()).flatten(),
        rights: if services.clock {
            Rights::SetClock
        } else {
            Rights::None
        },
    }))
}

/// The socket of the application, made by init because the agent may give nothing away.
pub(crate) fn listen(configuration: &Configuration) -> Result<Option<UnixListener>, Failure> {
    if configuration.services.attestation.is_none() {
        return Ok(None);
    }
    let make = || {
        fs::create_dir_all(DIRECTORY)?;
        let socket = UnixListener::bind(SOCKET)?;
        fs::set_permissions(SOCKET, Permissions::from_mode(0o600))?;
        chown(SOCKET, Some(configuration.uid), Some(configuration.gid))?;
        std::io::Result::Ok(socket)
    };
    let failed = |error: std::io::Error| Failure::FileNotWritten {
        path: SOCKET,
        errno: error.into(),
    };
    make().map(Some).map_err(failed)
}

impl Agent {
    /// Starts it and waits until it listens.
    pub(crate) fn start(
        self,
        configuration: &Configuration,
        application: Option<UnixListener>,
    ) -> Result<Running, Failure> {
        let failed = |errno: Errno| Failure::AgentNotStarted {
            reason: errno.to_string(),
        };
        let (reading, writing) = process::pipe().map_err(failed)?;
        let pipes = configuration.services.logs.then(|| output(configuration));
        let (output, read) = pipes.transpose().map_err(failed)?.unzip();
        let (pipe, life) = read.unzip();
        let is_hypervisors = |_: &File| {
            let name = fs::read_to_string(CLOCK_NAME_FILE).unwrap_or_default();
            name.trim_end() == CLOCK_NAME
        };
        let files = Files(vec![
            ("configuration", Some(self.configuration.into())),
            ("started", Some(writing)),
            ("nsm", self.module.map(OwnedFd::from)),
            ("application", application.map(OwnedFd::from)),
            ("output", pipe),
            ("life", life),
            (
                "clock",
                self.clock.filter(is_hypervisors).map(OwnedFd::from),
            ),
        ]);
        let arguments = Strings::new(files.arguments());
        let filter = seccomp::program(Access::Allowed);
        match process::fork().map_err(failed)? {
            Fork::Child => {
                let errno = become_agent(&self.program, &arguments, &files, &filter, self.rights);
                files.say(&format!("it cannot be executed: {errno}"));
                process::end(127)
            }
            Fork::Parent(process) => {
                drop(files);
                wait(reading).map(|()| Running { process, output })
            }
        }
    }
}

/// The pipes of the output: what init keeps, and what the agent reads.
fn output(configuration: &Configuration) -> Result<(Output, (OwnedFd, OwnedFd)), Errno> {
    let (read, pipe) = process::pipe()?;
    // The application may open its standard streams again, by `/dev/stdout`.
    fchown(&pipe, Some(configuration.uid), Some(configuration.gid))?;
    let (read_life, life) = process::pipe()?;
    Ok((Output { pipe, life }, (read, read_life)))
}

impl Running {
    /// What the application has as its standard output and error; `None` for the console.
    pub(crate) fn output(&self) -> Option<&OwnedFd> {
        self.output.as_ref().map(|output| &output.pipe)
    }

    /// Lets it send the rest of the output, but not for long. The application has ended.
    pub(crate) fn finish(self) {
        let Some(Output { pipe, life }) = self.output else {
            return;
        };
        drop((pipe, life));
        let deadline = Instant::now() + LAST_WORDS;
        while Instant::now() < deadline {
            match process::reap() {
                Ok(Some((process, _))) if process == self.process => return,
                Ok(Some(_)) => {}
                Ok(None) => sleep(LOOK),
                Err(_) => return,
            }
        }
    }
}

/// Open files by name, for the agent alone.
struct Files(Vec<(&'static str, Option<OwnedFd>)>);

impl Files {
    fn open(&self) -> impl Iterator<Item = (&'static str, RawFd)> {
        let files = self.0.iter();
        files.filter_map(|(name, file)| Some((*name, file.as_ref()?.as_raw_fd())))
    }

    /// `agent`, and one argument for each file.
    fn arguments(&self) -> Vec<CString> {
        let files = self.open().map(|(name, file)| format!("{name}={file}"));
        ["agent".to_owned()]
            .into_iter()
            .chain(files)
            .filter_map(|argument| CString::new(argument).ok())
            .collect()
    }

    /// Writes to the pipe, in a child that does not become the agent.
    fn say(&self, sentence: &str) {
        let files = self.0.iter();
        let started = files.filter(|(name, _)| *name == "started");
        for file in started.filter_map(|(_, file)| file.as_ref()?.try_clone().ok()) {
            // If init is gone there is nobody to tell.
            let _ = File::from(file).write_all(sentence.as_bytes());
        }
    }
}

/// Returns only with what went wrong.
fn become_agent(
    program: &File,
    arguments: &Strings,
    files: &Files,
    filter: &[Instruction],
    rights: Rights,
) -> Errno {
    let kept = match rights {
        Rights::None => 0,
        Rights::SetClock => 1 << SET_CLOCK,
    };
    let prepare = || {
        process::new_session()?;
        process::set_limit(NOFILE, OPEN_FILES, OPEN_FILES)?;
        capabilities::limit(kept)?;
        privilege::set_groups(&[])?;
        privilege::set_gid(AGENT_ID)?;
        privilege::set_uid(AGENT_ID)?;
        capabilities::drop_to(kept)?;
        if kept != 0 {
            privilege::pass_capability(SET_CLOCK)?;
        }
        install_filter(filter)?;
        files.open().try_for_each(|(_, file)| process::pass(file))?;
        signal::unblock_all()
    };
    match prepare() {
        Ok(()) => execute_file(program, arguments, &Strings::new(Vec::new())),
        Err(errno) => errno,
    }
}

/// Reads the pipe to its end.
fn wait(reading: OwnedFd) -> Result<(), Failure> {
    let mut sentence = Vec::new();
    let read = File::from(reading)
        .take(MAX_SENTENCE)
        .read_to_end(&mut sentence);
    let reason = match (read, sentence.as_slice()) {
        (Ok(_), b"ok\n") => return Ok(()),
        (Ok(0), _) => "it ended before it listened".to_owned(),
        (Ok(_), sentence) => String::from_utf8_lossy(sentence).trim_end().to_owned(),
        (Err(error), _) => Errno::from(error).to_string(),
    };
    Err(Failure::AgentNotStarted { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(bytes: &[u8]) -> Result<(), String> {
        let (reading, writing) = process::pipe().unwrap();
        File::from(writing).write_all(bytes).unwrap();
        wait(reading).map_err(|failure| failure.to_string())
    }

    #[test]
    fn only_one_word_means_that_it_listens() {
        assert_eq!(hear(b"ok\n"), Ok(()));
        let reason = |reason: &str| Err(format!("the agent cannot be started: {reason}"));
        assert_eq!(hear(b""), reason("it ended before it listened"));
        assert_eq!(hear(b"ok"), reason("ok"));
        assert_eq!(
            hear(b"port 53: address in use\n"),
            reason("port 53: address in use")
        );
        assert_eq!(hear(&[b'x'; 600]), reason(&"x".repeat(512)));
    }

    #[test]
    fn arguments_say_which_file_is_which() {
        let null = || File::open("/dev/null").map(OwnedFd::from).unwrap();
        let files = Files(vec![
            ("configuration", Some(null())),
            ("nsm", None),
            ("application", Some(null())),
        ]);
        let numbers: Vec<_> = files.open().map(|(_, file)| file).collect();
        let [configuration, application] = numbers.try_into().unwrap();
        let arguments: Vec<_> = files
            .arguments()
            .into_iter()
            .map(|argument| argument.into_string().unwrap())
            .collect();
        assert_eq!(
            arguments,
            [
                "agent".to_owned(),
                format!("configuration={configuration}"),
                format!("application={application}")
            ]
        );
    }
}
