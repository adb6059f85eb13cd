//! Enclaves of this machine that run in the background: one directory each, with a lock that the
//! process which looks after the enclave holds as long as it lives.
//!
//! | file | what |
//! |---|---|
//! | `lock` | locked (`flock`) while the enclave is looked after; its content is that process's id |
//! | `state.json` | what was said of the enclave last; replaced whole |
//! | `console.log`, `console.old` | its console, 4 MiB each at most; the older half is dropped |
//! | `messages` | what the process said before it was on its own |
//!
//! There is no daemon, and nothing here is believed that a lock does not confirm: after a crash or a
//! new start of the machine nobody holds it, and a process id that somebody else has by then is not
//! signalled. The directory belongs to one user, and to nobody else.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal};
use thiserror::Error;

const LOCK: &str = "lock";
const STATE: &str = "state.json";
const CONSOLE: &str = "console.log";
const OLD_CONSOLE: &str = "console.old";
const MESSAGES: &str = "messages";
/// Bytes of one half of the console that is kept.
const HALF: u64 = 4 << 20;
/// Bytes of a state or of messages that are read.
const MAX_DOCUMENT: u64 = 1 << 20;
/// Characters of the longest name.
const MAX_NAME: usize = 63;
/// The rights of everybody but the owner.
const OTHERS: u32 = 0o077;
/// The pause between two looks at a lock.
const LOOK: Duration = Duration::from_millis(20);

/// Why an enclave cannot be kept, found or ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A name that is none.
    #[error("`{name}`: expected 1 to 63 of a-z, 0-9 and `-`, the first a letter or digit")]
    Name {
        /// The name.
        name: String,
    },
    /// The name is taken.
    #[error("there is an enclave `{name}` already")]
    Taken {
        /// The name.
        name: String,
    },
    /// No such enclave.
    #[error("there is no enclave `{name}`")]
    Missing {
        /// The name.
        name: String,
    },
    /// A directory that others could have made or could change.
    #[error("`{}` must be a directory of this user that nobody else may enter", path.display())]
    Shared {
        /// The directory.
        path: PathBuf,
    },
    /// A file cannot be read, written or locked.
    #[error("`{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It did not end.
    #[error("the enclave `{name}` does not end")]
    Stays {
        /// The name.
        name: String,
    },
}

impl RegistryError {
    /// What to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Taken { .. } => {
                Some("`enclair stop` ends and forgets it; `--name` takes another")
            }
            Self::Missing { .. } => Some("`enclair ps` lists those that there are"),
            Self::Shared { .. } => Some("look at who owns it, and `chmod 700` what is yours"),
            Self::Name { .. } | Self::File { .. } | Self::Stays { .. } => None,
        }
    }
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, RegistryError> {
    let path = path.to_owned();
    result.map_err(|source| RegistryError::File { path, source })
}

/// Where enclaves are kept.
#[derive(Debug)]
pub struct Registry(PathBuf);

impl Registry {
    /// The registry in `directory`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// When it cannot be made, or is not this user's alone.
    pub fn open(directory: PathBuf) -> Result<Self, RegistryError> {
        let mut builder = DirBuilder::new();
        at(
            &directory,
            builder.recursive(true).mode(0o700).create(&directory),
        )?;
        is_ours(&directory)?;
        Ok(Self(directory))
    }

    /// Makes a place for an enclave, and locks it for the process that gets the lock.
    ///
    /// # Errors
    ///
    /// When the name is none, or taken, or files cannot be written.
    pub fn create(&self, name: &str) -> Result<(Entry, File), RegistryError> {
        let entry = self.place(name)?;
        let mut builder = DirBuilder::new();
        match builder.mode(0o700).create(&entry.directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let name = name.to_owned();
                return Err(RegistryError::Taken { name });
            }
            result => at(&entry.directory, result)?,
        }
        let lock = at(&entry.path(LOCK), new_file(&entry.path(LOCK)))?;
        let locked = flock(&lock, FlockOperation::NonBlockingLockExclusive);
        at(&entry.path(LOCK), locked.map_err(io::Error::from))?;
        Ok((entry, lock))
    }

    /// The enclave of that name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn entry(&self, name: &str) -> Result<Entry, RegistryError> {
        let entry = self.place(name)?;
        match is_ours(&entry.directory) {
            Err(RegistryError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let name = name.to_owned();
                Err(RegistryError::Missing { name })
            }
            result => result.map(|()| entry),
        }
    }

    /// All of them, by name.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, RegistryError> {
        let mut entries = Vec::new();
        for found in at(&self.0, fs::read_dir(&self.0))? {
            let name = at(&self.0, found)?.file_name();
            // What is none of ours is left alone.
            entries.extend(name.to_str().and_then(|name| self.entry(name).ok()));
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn place(&self, name: &str) -> Result<Entry, RegistryError> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(known)
            && !name.starts_with('-');
        let name = name.to_owned();
        if !good {
            return Err(RegistryError::Name { name });
        }
        let directory = self.0.join(&name);
        Ok(Entry { name, directory })
    }
}

/// A directory of this user, and of nobody else.
fn is_ours(directory: &Path) -> Result<(), RegistryError> {
    // Of a symlink, not of what it leads to.
    let found = at(directory, fs::symlink_metadata(directory))?;
    if found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & OTHERS == 0 {
        return Ok(());
    }
    let path = directory.to_owned();
    Err(RegistryError::Shared { path })
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// The place of one enclave.
#[derive(Debug, Clone)]
pub struct Entry {
    name: String,
    directory: PathBuf,
}

impl Entry {
    /// The place that another process of this program has made.
    pub const fn adopt(name: String, directory: PathBuf) -> Self {
        Self { name, directory }
    }

    /// The enclave's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// Says which process looks after the enclave. Called by the one that has the lock.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn claim(&self) -> Result<(), RegistryError> {
        let path = self.path(LOCK);
        at(&path, fs::write(&path, std::process::id().to_string()))
    }

    /// The file for what is said while the enclave is started.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn messages_file(&self) -> Result<File, RegistryError> {
        let path = self.path(MESSAGES);
        at(&path, new_file(&path))
    }

    /// What was said there.
    pub fn messages(&self) -> String {
        let text = read(&self.path(MESSAGES)).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Replaces the state.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write_state(&self, state: &[u8]) -> Result<(), RegistryError> {
        let new = self.path("state.new");
        let replace = || {
            let _ = fs::remove_file(&new);
            new_file(&new)?.write_all(state)?;
            fs::rename(&new, self.path(STATE))
        };
        at(&new, replace())
    }

    /// The state that was written last; `None` before the first.
    pub fn state(&self) -> Option<Vec<u8>> {
        read(&self.path(STATE)).ok()
    }

    /// Whether the enclave is looked after, which is whether it runs.
    pub fn runs(&self) -> bool {
        let Ok(lock) = File::open(self.path(LOCK)) else {
            return false;
        };
        flock(&lock, FlockOperation::NonBlockingLockShared).is_err()
    }

    /// Ends the enclave, and waits until it has ended: asks, and insists after `patience`. Does
    /// nothing to one that has ended.
    ///
    /// # Errors
    ///
    /// When it does not end.
    pub fn stop(&self, patience: Duration) -> Result<(), RegistryError> {
        for signal in [Signal::TERM, Signal::KILL] {
            self.signal(signal);
            let deadline = Instant::now() + patience;
            while self.runs() {
                if Instant::now() >= deadline {
                    break;
                }
                thread::sleep(LOOK);
            }
        }
        if self.runs() {
            let name = self.name.clone();
            return Err(RegistryError::Stays { name });
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        let id = read(&self.path(LOCK)).ok();
        let id = id.and_then(|id| String::from_utf8(id).ok()?.trim().parse().ok());
        let process = id
            .and_then(Pid::from_raw)
            .and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok());
        // Who holds the lock after that is who held it before, so the number is not another's.
        if let Some(process) = process
            && self.runs()
        {
            // It may end by itself in between.
            let _ = pidfd_send_signal(process, signal);
        }
    }

    /// Forgets an enclave that has ended.
    ///
    /// # Errors
    ///
    /// When its files cannot be removed.
    pub fn remove(&self) -> Result<(), RegistryError> {
        at(&self.directory, fs::remove_dir_all(&self.directory))
    }

    /// Where its console goes.
    ///
    /// # Errors
    ///
    /// When the file cannot be made.
    pub fn console(&self) -> Result<KeptConsole, RegistryError> {
        let path = self.path(CONSOLE);
        let file = at(&path, new_file(&path))?;
        let entry = self.clone();
        Ok(KeptConsole {
            entry,
            file,
            size: 0,
            lost: 0,
        })
    }

    /// Gives what is kept of the console to `show`, and with `follow` what comes, until the enclave
    /// has ended.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or `show` fails.
    pub fn read_console(
        &self,
        follow: bool,
        mut show: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), RegistryError> {
        let path = self.path(CONSOLE);
        if let Ok(mut old) = File::open(self.path(OLD_CONSOLE)) {
            at(&path, pass_on(&mut old, &mut show))?;
        }
        let mut file = at(&path, File::open(&path))?;
        loop {
            // Asked before reading: what is written between the two is read in the next round.
            let goes_on = follow && self.runs();
            at(&path, pass_on(&mut file, &mut show))?;
            if let Some(mut next) = at(&path, replaced(&path, &file))? {
                at(&path, pass_on(&mut file, &mut show))?;
                std::mem::swap(&mut file, &mut next);
            } else if goes_on {
                thread::sleep(LOOK * 5);
            } else {
                return Ok(());
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_DOCUMENT)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads to the end that the file has now.
fn pass_on(file: &mut File, show: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = [0; 8192];
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        show(piece.get(..length).unwrap_or_default())?;
    }
}

/// The file that has the name now, if it is another one.
fn replaced(path: &Path, file: &File) -> io::Result<Option<File>> {
    let now = match File::open(path) {
        // Between the two steps by which it is replaced.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result?,
    };
    let same = now.metadata()?.ino() == file.metadata()?.ino();
    Ok((!same).then_some(now))
}

/// A console on its way into two files, the older of which is dropped when the newer is full.
#[derive(Debug)]
pub struct KeptConsole {
    entry: Entry,
    file: File,
    size: u64,
    /// Bytes that the disk did not take, since that was written down last.
    lost: u64,
}

impl KeptConsole {
    /// Keeps the next bytes. What a full disk does not take is lost, and written down as soon as it
    /// takes something again.
    pub fn keep(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if self.size > 0 && self.size.saturating_add(length) > HALF {
            let path = self.entry.path(CONSOLE);
            let _ = fs::rename(&path, self.entry.path(OLD_CONSOLE));
            if let Ok(file) = new_file(&path) {
                (self.file, self.size) = (file, 0);
            }
        }
        if self.lost > 0 {
            let line = format!(
                "\n{} bytes are missing here: the disk was full\n",
                self.lost
            );
            if self.file.write_all(line.as_bytes()).is_ok() {
                self.lost = 0;
            }
        }
        // Part of it may be there; which, a disk that fails does not say.
        if self.lost == 0 && self.file.write_all(bytes).is_ok() {
            self.size = self.size.saturating_add(length);
        } else {
            self.lost = self.lost.saturating_add(length);
        }
    }
}

#[cfg(test)]
mod tests;
