//! Inside: from a process like any other to the first one of namespaces of its own, with the root
//! filesystem as its root.

use std::fs;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_change,
    mount_remount, unmount,
};
use rustix::process::{Signal, pivot_root, set_parent_process_death_signal, umask};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use crate::disk::{fill, send};
use crate::stream::read_line;
use crate::sys::{Side, fork, kill_all, unshare, wait_any};
use crate::tracer::{self, End};
use crate::{DONE, Job, NOT_SET_UP, SCRIPT_FAILED, Script};

/// What every machine has. Nothing else of the machine's own devices is there.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Where the root filesystem is put together. It is hidden by that, in this namespace alone.
const GROUND: &str = "/tmp";
/// The host's name.
const HOST: &[u8] = b"localhost";
/// What every script has in its environment.
const ENVIRONMENT: [(&str, &str); 7] = [
    (
        "PATH",
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
    ("TZ", "UTC"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
    ("DPKG_MAINTSCRIPT_DEBUG", "0"),
];

/// Runs the job that stands on the standard input, in the filesystem that follows it, and writes the
/// filesystem that it leaves to the standard output. Only for the child that [`run`](crate::run)
/// starts.
pub fn inside() -> ExitCode {
    match enter() {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(NOT_SET_UP)
        }
    }
}

/// The caller shows the last of what was printed.
fn complain(problem: &str) {
    // There is nobody else to be told.
    let _ = writeln!(io::stderr(), "{problem}");
}

fn step<T>(name: &str, result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))
}

/// The outer half: a user namespace, then the others, whose first process is the child.
fn enter() -> io::Result<u8> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    step("a user namespace", unshare(libc::CLONE_NEWUSER))?;
    // The caller gives ids when it sees this, and then sends the job.
    io::stdout().write_all(b"u")?;
    io::stdout().flush()?;
    let mut input = BufReader::with_capacity(1 << 20, io::stdin().lock());
    let job: Job = read_line(&mut input)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    step(
        "group 0",
        set_thread_gid(rustix::process::Gid::ROOT).map_err(Into::into),
    )?;
    step("no groups", set_thread_groups(&[]).map_err(Into::into))?;
    step(
        "user 0",
        set_thread_uid(rustix::process::Uid::ROOT).map_err(Into::into),
    )?;
    // A change of the user takes it away.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let flags = libc::CLONE_NEWNS
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWPID;
    step("namespaces", unshare(flags))?;
    match step("a process", fork())? {
        Side::Child => Ok(match work(&job, &mut input) {
            Ok(None) => DONE,
            Ok(Some(problem)) => {
                complain(&problem);
                SCRIPT_FAILED
            }
            Err(error) => {
                complain(&error.to_string());
                NOT_SET_UP
            }
        }),
        Side::Parent(child) => wait_for(child),
    }
}

fn wait_for(child: libc::pid_t) -> io::Result<u8> {
    while let Some((pid, status)) = wait_any()? {
        if pid == child {
            let exit = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
            let exit = exit.and_then(|exit| u8::try_from(exit).ok());
            return Ok(exit.unwrap_or(NOT_SET_UP));
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// The first process of the namespaces. Gives what is to be said of a script that failed.
fn work(job: &Job, input: &mut dyn io::BufRead) -> io::Result<Option<String>> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    step(
        "the host's name",
        rustix::system::sethostname(HOST).map_err(Into::into),
    )?;
    umask(rustix::fs::Mode::from_raw_mode(0));
    let root = Path::new(GROUND);
    step("a file system in memory", make_ground(root, job.limit))?;
    let stamps = step("the root filesystem", fill(root, input))?;
    io::copy(&mut input.take(1), &mut io::sink())?;
    umask(rustix::fs::Mode::from_raw_mode(0o022));
    let mounted = step("file systems of the kernel", Mounted::make(root))?;
    step("another root", change_root(root))?;
    for script in &job.scripts {
        if let Err(how) = run_script(script, job.time) {
            return Ok(Some(format!("{} {how}", script.name)));
        }
    }
    kill_all();
    step("file systems of the kernel", mounted.take_away())?;
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    step("the result", send(Path::new("/"), &stamps, &mut out))?;
    out.flush()?;
    Ok(None)
}

fn make_ground(root: &Path, limit: u64) -> io::Result<()> {
    let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", flags)?;
    let options = std::ffi::CString::new(format!("mode=0755,size={limit}"))?;
    mount(
        "tmpfs",
        root,
        "tmpfs",
        MountFlags::empty(),
        options.as_c_str(),
    )?;
    Ok(())
}

/// What is mounted beside the root filesystem while scripts run, by its path in it. What the root
/// filesystem has at these places is hidden and stays as it is.
struct Mounted {
    directories: Vec<&'static str>,
    /// Those that were made for it.
    made: Vec<PathBuf>,
}

impl Mounted {
    fn make(root: &Path) -> io::Result<Self> {
        let mut mounted = Self {
            directories: Vec::new(),
            made: Vec::new(),
        };
        for name in ["dev", "proc", "run", "tmp"] {
            let at = root.join(name);
            if fs::symlink_metadata(&at).is_err() {
                fs::create_dir(&at)?;
                mounted.made.push(Path::new("/").join(name));
            }
            let (kind, options) = match name {
                "proc" => ("proc", None),
                "tmp" => ("tmpfs", Some(c"mode=1777")),
                _ => ("tmpfs", Some(c"mode=0755")),
            };
            let flags = MountFlags::NOSUID | MountFlags::NODEV;
            step(
                name,
                mount(kind, &at, kind, flags, options).map_err(Into::into),
            )?;
            mounted.directories.push(name);
        }
        for name in DEVICES {
            let at = root.join("dev").join(name);
            fs::write(&at, "")?;
            step(name, bind_device(name, &at))?;
        }
        Ok(mounted)
    }

    /// Called with the new root.
    fn take_away(self) -> io::Result<()> {
        for name in self.directories.into_iter().rev() {
            unmount(Path::new("/").join(name), UnmountFlags::DETACH)?;
        }
        self.made.into_iter().try_for_each(fs::remove_dir)
    }
}

/// Puts a device of the machine at `at`, where it can be used and not changed.
fn bind_device(name: &str, at: &Path) -> io::Result<()> {
    mount_bind(Path::new("/dev").join(name), at)?;
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NOEXEC;
    Ok(mount_remount(at, flags, c"")?)
}

fn change_root(root: &Path) -> io::Result<()> {
    std::env::set_current_dir(root)?;
    // The old root lies over the new one then, and is taken away from there: pivot_root(2).
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

/// Runs one script, or says how it did not end well.
fn run_script(script: &Script, time: i64) -> Result<(), String> {
    let mut command = Command::new(&script.path);
    command
        .args(&script.arguments)
        .env_clear()
        .envs(ENVIRONMENT)
        .env("SOURCE_DATE_EPOCH", time.to_string())
        .envs(script.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        // The standard output is the result's.
        .stdout(io::stderr());
    match tracer::run(&mut command, time) {
        Ok(End::Exit(0)) => Ok(()),
        Ok(End::Exit(status)) => Err(format!("ended with status {status}")),
        Ok(End::Signal(signal)) => Err(format!("ended by signal {signal}")),
        Err(error) => Err(format!("cannot be run: {error}")),
    }
}
