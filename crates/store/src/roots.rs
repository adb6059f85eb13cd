//! What is still needed, and by whom: each lock that uses the store registers the digests it names.
//!
//! A registration is a file in `names/`, named by the digest of the lock's path. It holds as long as
//! something has that path; the lock itself is not read.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use enclair_digest::{Engine, Hasher, Sha256};
use rustix::fs::OFlags;

use crate::error::{Action, Error};
use crate::layout::Temporary;
use crate::lock::Share;
use crate::store::Store;

/// Bytes of a registration: room for 900 000 digests.
const LIMIT: u64 = 64 << 20;
const LOCK_FIELD: &str = "lock ";
const DIGEST_FIELD: &str = "sha256:";

/// A lock and what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The lock's absolute path.
    pub lock: PathBuf,
    /// The blobs that it names.
    pub digests: BTreeSet<Sha256>,
}

impl<E: Engine> Store<E> {
    /// Registers what a lock needs, in place of what it needed before. Register first and fetch
    /// afterwards: [`Store::gc`] then leaves every blob alone from the moment it is there.
    ///
    /// # Errors
    ///
    /// [`Error::RelativeLock`], and those of the file system.
    pub fn remember(&self, lock: &Path, digests: &BTreeSet<Sha256>) -> Result<(), Error> {
        let name = self.registration(lock)?;
        let text = written(lock, digests);
        let Temporary {
            mut file,
            name: from,
        } = self.layout.temporary()?;
        let incoming = &self.layout.incoming;
        let path = incoming.path_of(&from);
        file.write_all(text.as_bytes())
            .map_err(Error::io(&path, Action::Write))?;
        file.sync_all().map_err(Error::io(&path, Action::Sync))?;
        let _lock = self.layout.lock(Share::Shared)?;
        incoming.rename(&from, &self.layout.names, &name)?;
        self.layout.names.sync()
    }

    /// Drops what a lock registered; whether it had.
    ///
    /// # Errors
    ///
    /// [`Error::RelativeLock`], and those of the file system.
    pub fn forget(&self, lock: &Path) -> Result<bool, Error> {
        let name = self.registration(lock)?;
        let _lock = self.layout.lock(Share::Shared)?;
        self.layout.names.remove(&name)
    }

    /// Everything that is registered, whether the locks are still there or not.
    ///
    /// # Errors
    ///
    /// [`Error::Registration`] for a file in `names/` that is none, and those of the file system.
    pub fn roots(&self) -> Result<Vec<Root>, Error> {
        let mut roots = Vec::new();
        for name in self.layout.names.names()? {
            roots.extend(self.read_registration(&name)?);
        }
        roots.sort_by(|left, right| left.lock.cmp(&right.lock));
        Ok(roots)
    }

    /// The name that the registration of a lock has.
    pub(crate) fn registration(&self, lock: &Path) -> Result<String, Error> {
        if lock.is_relative() {
            return Err(Error::RelativeLock {
                path: lock.to_owned(),
            });
        }
        let mut hasher = self.engine.sha256();
        hasher.update(lock.as_os_str().as_bytes());
        Ok(hasher.finish().to_string())
    }

    /// Reads a registration, or nothing where it is gone.
    fn read_registration(&self, name: &OsStr) -> Result<Option<Root>, Error> {
        let Some(file) = self.layout.names.open_file(name, OFlags::RDONLY)? else {
            return Ok(None);
        };
        let path = self.layout.names.path_of(name);
        let mut text = Vec::new();
        let read = file
            .take(LIMIT)
            .read_to_end(&mut text)
            .map_err(Error::io(&path, Action::Read))?;
        let wrong = |line| Error::Registration {
            path: path.clone(),
            line,
        };
        if u64::try_from(read).is_ok_and(|read| read >= LIMIT) {
            return Err(wrong(1));
        }
        let root = parse(&text).map_err(wrong)?;
        // The name keeps two locks apart, so a copy under another name is not one of ours.
        if self.registration(&root.lock)?.as_str() == name {
            Ok(Some(root))
        } else {
            Err(wrong(1))
        }
    }
}

impl Root {
    /// Whether the lock is there. Only a path that certainly leads to nothing is not: a directory
    /// that may not be looked into proves nothing.
    pub fn has_lock(&self) -> bool {
        match self.lock.symlink_metadata() {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
        }
    }
}

/// A registration as text: the path, percent-encoded, then a digest a line, sorted.
fn written(lock: &Path, digests: &BTreeSet<Sha256>) -> String {
    let mut text = LOCK_FIELD.to_owned();
    for byte in lock.as_os_str().as_bytes() {
        // Writing to a string does not fail.
        let _ = match byte {
            b'%' | 0..=0x1f | 0x7f..=0xff => write!(text, "%{byte:02x}"),
            _ => write!(text, "{}", char::from(*byte)),
        };
    }
    text.push('\n');
    for sha256 in digests {
        let _ = writeln!(text, "{DIGEST_FIELD}{sha256}");
    }
    text
}

/// Reads what [`written`] wrote, or gives the line that is something else.
fn parse(text: &[u8]) -> Result<Root, usize> {
    let text = std::str::from_utf8(text).map_err(|_| 1_usize)?;
    let mut lines = text.split_terminator('\n').zip(1_usize..);
    let lock = lines
        .next()
        .and_then(|(line, _)| line.strip_prefix(LOCK_FIELD))
        .and_then(decoded)
        .ok_or(1_usize)?;
    let mut digests = BTreeSet::new();
    for (line, number) in lines {
        let digits = line.strip_prefix(DIGEST_FIELD).ok_or(number)?;
        digests.insert(digits.parse().map_err(|_| number)?);
    }
    // One that was cut short may end in the middle of a line, which is then no digest, or behind one.
    let root = Root { lock, digests };
    if written(&root.lock, &root.digests) == text {
        Ok(root)
    } else {
        Err(1)
    }
}

fn decoded(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_reads_back_whatever_the_path() {
        let paths: [&[u8]; 3] = [
            b"/a/enclair.lock",
            b"/a b/%41\n\xff.lock",
            "/\u{e4}".as_bytes(),
        ];
        for path in paths {
            let root = Root {
                lock: PathBuf::from(OsStr::from_bytes(path)),
                digests: [Sha256::from_bytes([7; 32]), Sha256::from_bytes([8; 32])].into(),
            };
            let text = written(&root.lock, &root.digests);
            assert!(text.is_ascii());
            assert_eq!(parse(text.as_bytes()), Ok(root));
        }
    }

    #[test]
    fn the_wrong_line_is_named() {
        let good = written(Path::new("/a"), &[Sha256::from_bytes([7; 32])].into());
        let cut = good.len() - 5;
        assert_eq!(parse(&good.as_bytes()[..cut]), Err(2));
        assert_eq!(parse(b""), Err(1));
        assert_eq!(parse(b"lock relative\n"), Err(1));
        assert_eq!(parse(b"lock /a%4\n"), Err(1));
        assert_eq!(parse(b"lock /a\nsha256:zz\n"), Err(2));
        assert_eq!(parse(b"lock /a"), Err(1));
    }
}
