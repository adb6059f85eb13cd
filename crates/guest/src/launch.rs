//! Starting the application: a new process that gives up its rights step by step and becomes the
//! program.
//!
//! The order matters: limits may be raised only with rights, the bounding set be lowered only with
//! rights, ids be changed only with rights; the working directory and the program are looked up
//! with the application's own. A step that fails is told to init through a pipe, as its number, an
//! index and the error; the pipe closes without a word when the program runs.
//!
//! A program without `/` in its name is searched in the PATH of the configuration, as `execvp`
//! does: directories in their order, one that may not be searched or a file that may not be
//! executed is remembered and passed over. Unlike `execvp`, a file that is no program is not given
//! to a shell.

use std::env::set_current_dir;
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use enclair_configuration::{Configuration, Resource};

use crate::capabilities;
use crate::failure::Failure;
use crate::identity;
use crate::limits;
use crate::seccomp;
use crate::sys::privilege::{Instruction, install_filter};
use crate::sys::process::{self, Fork, Strings, execute};
use crate::sys::{Errno, signal};

/// What a child could not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Process,
    Limit(Resource),
    Ids,
    Capabilities,
    Filter,
    Directory,
    Program,
    /// The program is there and the kernel says that it is not.
    Interpreter,
}

/// Everything that the child needs, made before it exists.
struct Launch<'a> {
    configuration: &'a Configuration,
    arguments: Strings,
    environment: Strings,
    /// Where the program may be, in order.
    candidates: Vec<CString>,
    filter: Vec<Instruction>,
    output: Option<&'a OwnedFd>,
}

/// Starts the application. Gives its process id once the program runs.
///
/// Its standard output and error are `output`, or the console.
pub(crate) fn start(
    configuration: &Configuration,
    output: Option<&OwnedFd>,
) -> Result<i32, Failure> {
    let launch = Launch {
        configuration,
        arguments: Strings::new(strings(&configuration.argv)),
        environment: Strings::new(strings(&configuration.env)),
        candidates: strings(&candidates(configuration)),
        filter: seccomp::program(configuration.vsock),
        output,
    };
    let not_started = |errno| Failure::NotStarted { errno };
    let (reading, writing) = process::pipe().map_err(not_started)?;
    match process::fork().map_err(not_started)? {
        Fork::Child => {
            let (step, errno) = launch.become_program();
            // If init is gone there is nobody to tell.
            let _ = File::from(writing).write_all(&encode(step, errno));
            process::end(127)
        }
        Fork::Parent(child) => {
            drop(writing);
            match receive(reading).map_err(not_started)? {
                None => Ok(child),
                Some((step, errno)) => Err(failure(configuration, step, errno)),
            }
        }
    }
}

/// The configuration has no NUL in it: its parser refuses that.
fn strings(texts: &[String]) -> Vec<CString> {
    let texts = texts.iter();
    texts
        .filter_map(|text| CString::new(text.as_str()).ok())
        .collect()
}

/// Paths at which the program may be.
fn candidates(configuration: &Configuration) -> Vec<String> {
    let program = configuration.argv.first().map_or("", String::as_str);
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    let path = configuration
        .env
        .iter()
        .find_map(|variable| variable.strip_prefix("PATH="));
    let directories = path.into_iter().flat_map(|path| path.split(':'));
    let join = |directory: &str| match directory {
        // An empty item of PATH is the working directory.
        "" => format!("./{program}"),
        directory => format!("{directory}/{program}"),
    };
    directories.map(join).collect()
}

impl Launch<'_> {
    /// Returns only with what went wrong.
    fn become_program(&self) -> (Step, Errno) {
        match self.prepare() {
            Err(failed) => failed,
            Ok(()) => self.execute(),
        }
    }

    fn prepare(&self) -> Result<(), (Step, Errno)> {
        let at = |step| move |errno| (step, errno);
        let rights = capabilities::of(self.configuration.uid);
        // Everything that init has open closes itself when the program starts.
        process::new_session().map_err(at(Step::Process))?;
        if let Some(output) = self.output {
            let replace = |stream| process::replace_stream(output, stream);
            [1, 2]
                .into_iter()
                .try_for_each(replace)
                .map_err(at(Step::Process))?;
        }
        limits::set(self.configuration)
            .map_err(|(resource, errno)| (Step::Limit(resource), errno))?;
        capabilities::limit(rights).map_err(at(Step::Capabilities))?;
        identity::take(self.configuration).map_err(at(Step::Ids))?;
        capabilities::drop_to(rights).map_err(at(Step::Capabilities))?;
        install_filter(&self.filter).map_err(at(Step::Filter))?;
        set_current_dir(&self.configuration.cwd)
            .map_err(|error| (Step::Directory, error.into()))?;
        // Last: from here on a signal ends this process, as it ends every program.
        signal::unblock_all().map_err(at(Step::Process))
    }

    fn execute(&self) -> (Step, Errno) {
        let mut last = Errno(libc::ENOENT);
        for path in &self.candidates {
            let errno = execute(path, &self.arguments, &self.environment);
            let there = path.to_str().is_ok_and(|path| fs::metadata(path).is_ok());
            match errno.0 {
                libc::ENOENT if there => return (Step::Interpreter, errno),
                libc::ENOENT | libc::ENOTDIR => {}
                libc::EACCES => last = errno,
                _ => return (Step::Program, errno),
            }
        }
        (Step::Program, last)
    }
}

/// Number of the step, index of the resource, error.
fn encode(step: Step, Errno(errno): Errno) -> [u8; 6] {
    let (number, index) = match step {
        Step::Process => (0, 0),
        Step::Limit(resource) => {
            let index = Resource::ALL.iter().position(|known| *known == resource);
            (
                1,
                index
                    .and_then(|index| u8::try_from(index).ok())
                    .unwrap_or(0),
            )
        }
        Step::Ids => (2, 0),
        Step::Capabilities => (3, 0),
        Step::Filter => (4, 0),
        Step::Directory => (5, 0),
        Step::Program => (6, 0),
        Step::Interpreter => (7, 0),
    };
    let [a, b, c, d] = errno.to_le_bytes();
    [number, index, a, b, c, d]
}

fn decode([number, index, a, b, c, d]: [u8; 6]) -> Option<(Step, Errno)> {
    let step = match number {
        0 => Step::Process,
        1 => Step::Limit(*Resource::ALL.get(usize::from(index))?),
        2 => Step::Ids,
        3 => Step::Capabilities,
        4 => Step::Filter,
        5 => Step::Directory,
        6 => Step::Program,
        7 => Step::Interpreter,
        _ => return None,
    };
    Some((step, Errno(i32::from_le_bytes([a, b, c, d]))))
}

/// Waits until the child says what it could not do, or runs, or has ended.
fn receive(reading: OwnedFd) -> Result<Option<(Step, Errno)>, Errno> {
    let mut message = Vec::new();
    File::from(reading).read_to_end(&mut message)?;
    match message.as_slice() {
        [] => Ok(None),
        message => {
            let message = message.try_into().ok().and_then(decode);
            message.map(Some).ok_or(Errno(libc::EPROTO))
        }
    }
}

fn failure(configuration: &Configuration, step: Step, errno: Errno) -> Failure {
    let program = configuration.argv.first().cloned().unwrap_or_default();
    match (step, errno.0) {
        (Step::Process, _) => Failure::NotStarted { errno },
        (Step::Limit(resource), _) => Failure::LimitNotSet { resource, errno },
        (Step::Ids, _) => Failure::IdsNotSet { errno },
        (Step::Capabilities, _) => Failure::CapabilitiesNotDropped { errno },
        (Step::Filter, _) => Failure::FilterNotInstalled { errno },
        (Step::Directory, _) => Failure::DirectoryNotEntered {
            path: configuration.cwd.clone(),
            errno,
        },
        (Step::Interpreter, _) => Failure::InterpreterNotFound { program },
        (Step::Program, libc::ENOENT | libc::ENOTDIR) => Failure::ProgramNotFound { program },
        (Step::Program, libc::EACCES | libc::EPERM) => Failure::ProgramNotExecutable { program },
        (Step::Program, libc::ENOEXEC) => Failure::ProgramFormat { program },
        (Step::Program, libc::E2BIG) => Failure::ArgumentsTooLong,
        (Step::Program, _) => Failure::ProgramNotStarted { program, errno },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(program: &str, env: &[&str]) -> Configuration {
        Configuration {
            env: env.iter().map(|variable| (*variable).to_owned()).collect(),
            ..Configuration::new(vec![program.to_owned()])
        }
    }

    #[test]
    fn a_program_is_searched_where_path_says_and_in_its_order() {
        let found = |program, env: &[&str]| candidates(&configuration(program, env));
        let env = ["XPATH=/no", "PATH=/a:relative::/b/", "PATH=/second"];
        assert_eq!(
            found("app", &env),
            ["/a/app", "relative/app", "./app", "/b//app"]
        );
        assert_eq!(found("/x/app", &env), ["/x/app"]);
        assert_eq!(found("./app", &env), ["./app"]);
        assert_eq!(found("app", &["PATHS=/a"]), Vec::<String>::new());
    }

    #[test]
    fn what_a_child_says_is_what_init_hears() {
        let limits = Resource::ALL.map(Step::Limit);
        let others = [
            Step::Process,
            Step::Ids,
            Step::Capabilities,
            Step::Filter,
            Step::Directory,
            Step::Program,
            Step::Interpreter,
        ];
        for step in limits.into_iter().chain(others) {
            let errno = Errno(libc::ENOENT);
            assert_eq!(decode(encode(step, errno)), Some((step, errno)));
        }
        assert_eq!(decode([8, 0, 0, 0, 0, 0]), None);
        assert_eq!(decode([1, 16, 0, 0, 0, 0]), None);
    }

    #[test]
    fn a_message_that_is_cut_is_no_silence() {
        let hear = |bytes: &[u8]| {
            let (reading, writing) = process::pipe().unwrap();
            File::from(writing).write_all(bytes).unwrap();
            receive(reading)
        };
        assert_eq!(hear(&[]), Ok(None));
        assert_eq!(
            hear(&[0, 0, 5, 0, 0, 0]),
            Ok(Some((Step::Process, Errno(5))))
        );
        assert_eq!(hear(&[0, 0, 5]), Err(Errno(libc::EPROTO)));
    }

    #[test]
    fn errors_of_the_last_step_are_told_apart() {
        let configuration = configuration("app", &[]);
        let id = |errno| failure(&configuration, Step::Program, Errno(errno)).id();
        assert_eq!(id(libc::ENOENT), "program-not-found");
        assert_eq!(id(libc::EACCES), "program-not-executable");
        assert_eq!(id(libc::ENOEXEC), "program-format");
        assert_eq!(id(libc::E2BIG), "arguments-too-long");
        assert_eq!(id(libc::ENOMEM), "program-not-started");
    }

    /// The search, in a process of its own that becomes the program.
    #[test]
    fn execution_passes_over_what_is_missing_and_remembers_what_is_forbidden() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name).to_str().unwrap().to_owned();
        fs::write(at("text"), "no program").unwrap();
        fs::write(at("lost"), "#!/no/such/interpreter\n").unwrap();
        fs::write(at("forbidden"), "#!/bin/sh\n").unwrap();
        for name in ["text", "lost"] {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(at(name), mode).unwrap();
        }
        let try_all = |paths: &[String]| {
            let configuration = configuration("app", &[]);
            let launch = Launch {
                configuration: &configuration,
                arguments: Strings::new(Vec::new()),
                environment: Strings::new(Vec::new()),
                candidates: strings(paths),
                filter: Vec::new(),
                output: None,
            };
            launch.execute()
        };
        let not_found = (Step::Program, Errno(libc::ENOENT));
        assert_eq!(try_all(&[at("a"), at("text/b"), at("c")]), not_found);
        let forbidden = (Step::Program, Errno(libc::EACCES));
        assert_eq!(try_all(&[at("forbidden"), at("a")]), forbidden);
        let format = (Step::Program, Errno(libc::ENOEXEC));
        assert_eq!(try_all(&[at("a"), at("text"), at("b")]), format);
        let interpreter = (Step::Interpreter, Errno(libc::ENOENT));
        assert_eq!(try_all(&[at("lost"), at("text")]), interpreter);
        assert_eq!(try_all(&[]), not_found);
    }
}
