//! A download of a known blob, which may be interrupted and goes on later.
//!
//! The bytes lie in `partial/` under the digest that they will have. Whoever has the lock of that
//! file is the one that downloads; the file that is complete and right is renamed, and those who
//! waited for the lock find that it is no partial any more. Nothing of it is believed before
//! [`Partial::commit`] has digested all of it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use enclair_digest::{Engine, Hasher, PureRust, Sha256};
use rustix::fs::{Mode, OFlags};

use crate::error::{Action, Error};
use crate::incoming::{PIECE, length};
use crate::layout::Layout;
use crate::lock::{Wait, lock_file};
use crate::store::Store;

/// The answer to who wants to download a blob.
#[derive(Debug)]
pub enum Claim<E: Engine = PureRust> {
    /// It is there, with the expected size. Whoever reads it compares its digest.
    Present,
    /// It is not, and this handle alone may bring it.
    Partial(Partial<E>),
}

/// A download that this handle alone may go on with. Dropped, it stays for the next one.
#[derive(Debug)]
pub struct Partial<E: Engine = PureRust> {
    layout: Arc<Layout>,
    engine: E,
    sha256: Sha256,
    size: u64,
    name: String,
    /// Has the lock. Apart from `file`, because a file can be locked before it can be written to.
    _lock: File,
    file: File,
    len: u64,
    hasher: E::Sha256,
    /// Bytes that `hasher` has seen.
    digested: u64,
}

impl<E: Engine> Partial<E> {
    pub(crate) fn claim(
        store: &Store<E>,
        sha256: &Sha256,
        size: u64,
        wait: Wait,
    ) -> Result<Option<Claim<E>>, Error> {
        let layout = &store.layout;
        let name = sha256.to_string();
        loop {
            if layout.blob_size(sha256)? == Some(size) {
                return Ok(Some(Claim::Present));
            }
            let flags = OFlags::RDONLY | OFlags::CREATE;
            // Nothing that could be created: the store itself was removed.
            let path = layout.partial.path_of(&name);
            let gone = || Error::io(&path, Action::Open)(io::Error::from(io::ErrorKind::NotFound));
            let lock = layout.partial.open_file(&name, flags)?.ok_or_else(gone)?;
            if !lock_file(&lock, &layout.partial.path_of(&name), wait)? {
                return Ok(None);
            }
            if !layout.partial.is_named(&name, &lock)? {
                continue;
            }
            // Between the look for the blob and the lock another process may have completed it.
            if layout.blob_size(sha256)? == Some(size) {
                layout.partial.remove(&name)?;
                return Ok(Some(Claim::Present));
            }
            let partial = Self::open(store, lock, (*sha256, size))?;
            return Ok(Some(Claim::Partial(partial)));
        }
    }

    /// Opens the file that `lock` locks for writing, and looks at what is there.
    fn open(store: &Store<E>, lock: File, blob: (Sha256, u64)) -> Result<Self, Error> {
        let (sha256, size) = blob;
        let layout = &store.layout;
        let name = sha256.to_string();
        let path = layout.partial.path_of(&name);
        // A process that was killed while it committed leaves a file that is read-only already.
        rustix::fs::fchmod(&lock, Mode::from_raw_mode(0o600))
            .map_err(Error::io(&path, Action::Write))?;
        let gone = || Error::io(&path, Action::Open)(io::Error::from(io::ErrorKind::NotFound));
        let file = layout.partial.open_file(&name, OFlags::RDWR)?;
        let file = file.ok_or_else(gone)?;
        let metadata = file.metadata().map_err(Error::io(&path, Action::Open))?;
        let mut partial = Self {
            layout: Arc::clone(layout),
            engine: store.engine.clone(),
            sha256,
            size,
            name,
            _lock: lock,
            file,
            len: metadata.len(),
            hasher: store.engine.sha256(),
            digested: 0,
        };
        if partial.len > size {
            partial.restart()?;
        }
        Ok(partial)
    }

    /// The blob that it will be.
    pub const fn sha256(&self) -> &Sha256 {
        &self.sha256
    }

    /// Bytes that the blob has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that are there already; the download goes on behind them.
    #[expect(clippy::len_without_is_empty, reason = "a position, not a collection")]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Reads what is there already, from the beginning. For the blob's own digest this is not
    /// needed: [`Partial::commit`] sees to that.
    pub const fn reader(&self) -> PartialReader<'_> {
        PartialReader {
            file: &self.file,
            position: 0,
            end: self.len,
        }
    }

    /// Adds bytes behind those that are there.
    ///
    /// # Errors
    ///
    /// [`Error::Size`] when the blob would become too long, and those of the disk. Either way what
    /// was there before stays, and nothing is added.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let found = self.len.saturating_add(length(bytes));
        if found > self.size {
            return Err(self.wrong_size(found));
        }
        self.catch_up()?;
        if let Err(error) = self.file.write_all_at(bytes, self.len) {
            // A full disk may have taken a part. `commit` looks again, should this fail too.
            let _ = self.file.set_len(self.len);
            return Err(Error::io(self.path(), Action::Write)(error));
        }
        self.hasher.update(bytes);
        self.len = found;
        self.digested = found;
        Ok(())
    }

    /// Throws away what is there and begins again, as for a server that cannot continue.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.file
            .set_len(0)
            .map_err(Error::io(self.path(), Action::Write))?;
        self.len = 0;
        self.digested = 0;
        self.hasher = self.engine.sha256();
        Ok(())
    }

    /// Compares all of it with the blob's digest and makes it the blob. When this returns, the blob
    /// is on the disk under its name.
    ///
    /// # Errors
    ///
    /// [`Error::Size`] when something is missing; what is there stays, to be continued.
    /// [`Error::Digest`] when it is something else; nothing is left of it. And those of the disk.
    pub fn commit(mut self) -> Result<(), Error> {
        if self.len != self.size {
            return Err(self.wrong_size(self.len));
        }
        self.catch_up()?;
        let found = self.hasher.clone().finish();
        if found != self.sha256 {
            let expected = self.sha256;
            self.discard()?;
            return Err(Error::Digest { expected, found });
        }
        // What a failed write left behind the end was never digested.
        self.file
            .set_len(self.size)
            .map_err(Error::io(self.path(), Action::Write))?;
        let from = (&self.layout.partial, self.name.as_str());
        self.layout.publish(from, &self.file, &self.sha256)
    }

    /// Throws it away, file and all.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn discard(self) -> Result<(), Error> {
        self.layout.partial.remove(&self.name).map(drop)
    }

    /// Digests what was there before this handle: once, and not before it is needed.
    fn catch_up(&mut self) -> Result<(), Error> {
        if self.digested == self.len {
            return Ok(());
        }
        let mut reader = PartialReader {
            file: &self.file,
            position: self.digested,
            end: self.len,
        };
        let mut piece = vec![0; PIECE];
        loop {
            let read = match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io(self.path(), Action::Read)(error)),
            };
            self.hasher.update(piece.get(..read).unwrap_or_default());
        }
        self.digested = reader.position;
        Ok(())
    }

    fn path(&self) -> std::path::PathBuf {
        self.layout.partial.path_of(&self.name)
    }

    const fn wrong_size(&self, found: u64) -> Error {
        Error::Size {
            sha256: self.sha256,
            expected: self.size,
            found,
        }
    }
}

/// Reads what a [`Partial`] has, from the beginning to where it ended when this was made.
#[derive(Debug)]
pub struct PartialReader<'a> {
    file: &'a File,
    position: u64,
    end: u64,
}

impl Read for PartialReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let read = match buffer.get_mut(..room) {
            Some(part) if room > 0 => self.file.read_at(part, self.position)?,
            _ => return Ok(0),
        };
        if read == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let step = u64::try_from(read).unwrap_or(u64::MAX);
        self.position = self.position.saturating_add(step);
        Ok(read)
    }
}
