//! A directory with inputs in which the program is run.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use enclair_digest::{Engine as _, Hasher as _, PureRust};
use tempfile::TempDir;

/// The longest that the program may think about a malformed input.
const PATIENCE: Duration = Duration::from_secs(2);

/// A temporary directory. Everything in it is named relative to it.
pub(crate) struct Workshop(TempDir);

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) elapsed: Duration,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn text(&self, name: impl AsRef<Path>) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn json(&self, name: impl AsRef<Path>) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// The names in a directory, sorted.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(directory)).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// Everything below the directory, a line each: path, mode, content.
    pub(crate) fn listing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        list(self.0.path(), self.0.path(), &mut lines);
        lines.sort();
        lines
    }

    /// The program, with this directory as its own and nothing of the tester's settings.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enclair"));
        self.place(&mut command);
        command.args(arguments);
        command
    }

    /// A shell that has the program as `$ENCLAIR`.
    pub(crate) fn shell(&self, script: &str) -> Outcome {
        let mut command = Command::new("sh");
        self.place(&mut command);
        command.arg("-c").arg(script);
        command.env("ENCLAIR", env!("CARGO_BIN_EXE_enclair"));
        run(command)
    }

    fn place(&self, command: &mut Command) {
        command
            .current_dir(self.0.path())
            .env_remove("SOURCE_DATE_EPOCH")
            .env_remove("CI")
            .env("ENCLAIR_STORE", self.path("store"))
            .env("HOME", self.path("home"))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("DOCKER_CONFIG")
            .env_remove("DOCKER_HOST")
            .env_remove("REGISTRY_AUTH_FILE")
            // No mirror of this machine's is asked, nor shown.
            .env("ENCLAIR_APT_SOURCES", self.path("apt"))
            .env_remove("ENCLAIR_CA_FILE")
            .env_remove("http_proxy")
            .env_remove("https_proxy")
            .env_remove("HTTPS_PROXY")
            // The directory above may be a repository.
            .env("GIT_CEILING_DIRECTORIES", self.0.path())
            .env("GIT_DIR", self.path("no-repository"))
            .stdin(Stdio::null());
    }

    /// Runs the program. The arguments are separated by spaces.
    pub(crate) fn enclair(&self, arguments: &str) -> Outcome {
        self.enclair_with(arguments.split(' '))
    }

    pub(crate) fn enclair_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Outcome {
        run(self.command(arguments))
    }
}

pub(crate) fn run(mut command: Command) -> Outcome {
    let start = Instant::now();
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Outcome {
        status: status.code(),
        stdout: String::from_utf8(stdout).expect("stdout is text"),
        stderr: String::from_utf8(stderr).expect("stderr is text"),
        elapsed: start.elapsed(),
    }
}

impl Outcome {
    /// The message of a run that has to fail as the program promises to fail.
    pub(crate) fn refused(self) -> String {
        let Self {
            status,
            stdout,
            stderr,
            elapsed,
        } = self;
        assert_eq!(status, Some(2), "stdout: {stdout}\nstderr: {stderr}");
        assert_eq!(stdout, "", "results of a failure");
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
        let start = stderr.find("error: ").unwrap_or_else(|| panic!("{stderr}"));
        assert!(start == 0 || stderr[..start].ends_with('\n'), "{stderr}");
        assert!(elapsed < PATIENCE, "{elapsed:?}: {stderr}");
        shorten_digests(&stderr[start..])
    }

    /// What a run that has to succeed printed.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.status, Some(0), "stderr: {}", self.stderr);
        self.stdout
    }
}

/// Digests are of no interest in a message that is compared as a whole.
fn shorten_digests(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| !c.is_ascii_hexdigit());
        let (run, behind) = from.split_at(end.unwrap_or(from.len()));
        let shown = if run.len() == 64 { "[sha256]" } else { run };
        let _ = write!(short, "{before}{shown}");
        rest = behind;
    }
    short + rest
}

fn list(root: &Path, directory: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_symlink() {
            fs::read_link(&path).unwrap().display().to_string()
        } else if metadata.is_file() {
            sha256(&fs::read(&path).unwrap())
        } else {
            String::new()
        };
        let name = path.strip_prefix(root).unwrap().display();
        lines.push(format!("{name} {:o} {content}", metadata.mode()));
        if metadata.is_dir() {
            list(root, &path, lines);
        }
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut hasher = PureRust.sha256();
    hasher.update(bytes);
    hasher.finish().to_string()
}

pub(crate) fn sha384(bytes: &[u8]) -> String {
    let mut hasher = PureRust.sha384();
    hasher.update(bytes);
    hasher.finish().to_string()
}
