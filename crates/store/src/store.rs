//! An open store: blobs in and out.

use std::fs::{File, FileTimes};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use enclair_digest::{Engine, Expected, PureRust, Sha256, Verified};

use crate::catalogue::Catalogue;
use crate::error::{Action, Error};
use crate::incoming::Incoming;
use crate::layout::{Layout, split};
use crate::lock::Wait;
use crate::partial::{Claim, Partial};

/// An open store. A clone is the same store; every process and thread may have its own.
#[derive(Debug, Clone)]
pub struct Store<E: Engine = PureRust> {
    pub(crate) layout: Arc<Layout>,
    pub(crate) engine: E,
}

impl Store {
    /// Opens the store at `root`, and makes what is missing, for its owner alone.
    ///
    /// # Errors
    ///
    /// [`Error::Version`] for a layout that is not known, [`Error::NotAStore`] for a directory with
    /// something else in it, and those of the file system.
    pub fn open(root: &Path) -> Result<Self, Error> {
        Self::open_with(root, PureRust)
    }
}

impl<E: Engine> Store<E> {
    /// [`Store::open`] with another implementation of the digest.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_with(root: &Path, engine: E) -> Result<Self, Error> {
        Ok(Self {
            layout: Arc::new(Layout::open(root)?),
            engine,
        })
    }

    /// Where the store is, as it was named.
    pub fn root(&self) -> &Path {
        self.layout.root.path()
    }

    /// Where a blob is or would be, for messages and for people.
    pub fn blob_path(&self, sha256: &Sha256) -> PathBuf {
        let (drawer, rest) = split(sha256);
        self.layout.blobs.path().join(drawer).join(rest)
    }

    /// The size of a blob, where the store has it. Says nothing of its content.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`Error::Kind`] when something else has its place.
    pub fn blob_size(&self, sha256: &Sha256) -> Result<Option<u64>, Error> {
        self.layout.blob_size(sha256)
    }

    /// The digests of all blobs that the store has, sorted. Says nothing of their content.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn digests(&self) -> Result<Vec<Sha256>, Error> {
        Ok(Catalogue::read(&self.layout.blobs)?.blobs)
    }

    /// Opens a blob. The content is not compared with anything: whoever reads it must, as
    /// [`Store::read_blob`] does.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`], [`Error::Kind`] when something else has its place, and those of the file
    /// system.
    pub fn open_blob(&self, sha256: &Sha256) -> Result<File, Error> {
        self.layout
            .open_blob(sha256)?
            .ok_or(Error::Missing { sha256: *sha256 })
    }

    /// Opens a blob for reading, with a reader that compares digest and size at the end. Nothing is
    /// proved before that: call [`Verified::finish`].
    ///
    /// # Errors
    ///
    /// Those of [`Store::open_blob`]. What differs is an error of the reader, a
    /// [`enclair_digest::ContentError`]; [`Store::set_aside`] takes such a blob away.
    pub fn read_blob(
        &self,
        sha256: &Sha256,
        size: Option<u64>,
    ) -> Result<Verified<File, E>, Error> {
        let file = self.open_blob(sha256)?;
        let expected = Expected {
            name: format!("sha256:{sha256}"),
            digest: *sha256,
            size,
        };
        Ok(Verified::new(file, &self.engine, expected))
    }

    /// Starts content whose digest is not known yet. Nothing is limited: put a
    /// [`enclair_digest::Bounded`] in front of what a stranger sends.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn incoming(&self) -> Result<Incoming<E>, Error> {
        Incoming::start(self, None)
    }

    /// Starts content that must be `sha256`, and have `size` bytes where that is known. A write
    /// beyond the size is refused at once.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn expect(&self, sha256: &Sha256, size: Option<u64>) -> Result<Incoming<E>, Error> {
        Incoming::start(self, Some((*sha256, size)))
    }

    /// Puts everything that a reader has into the store: digest and size.
    ///
    /// # Errors
    ///
    /// [`Error::Source`] for those of the reader, and those of the file system. Nothing is left.
    pub fn add(&self, content: &mut dyn Read) -> Result<(Sha256, u64), Error> {
        self.incoming()?.fill(content)
    }

    /// Claims a blob that is to be downloaded, and waits while another process is at it. Whoever
    /// comes second then finds it present, or goes on where the other one stopped.
    ///
    /// A blob that is there with another size is not believed: it counts as absent, and is replaced
    /// when the download is complete.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`Error::Kind`] when something else has its place.
    pub fn partial(&self, sha256: &Sha256, size: u64) -> Result<Claim<E>, Error> {
        loop {
            // With `Wait::Forever` the first round already has an answer.
            if let Some(claim) = Partial::claim(self, sha256, size, Wait::Forever)? {
                return Ok(claim);
            }
        }
    }

    /// [`Store::partial`] without waiting: nothing while another process is at it.
    ///
    /// # Errors
    ///
    /// As [`Store::partial`].
    pub fn try_partial(&self, sha256: &Sha256, size: u64) -> Result<Option<Claim<E>>, Error> {
        Partial::claim(self, sha256, size, Wait::No)
    }

    /// Notes that a blob was used at a time, for [`Store::gc`]. A blob that is put into the store has
    /// the time of the file system. Whether the blob was there.
    ///
    /// # Errors
    ///
    /// Those of the file system, such as that of a store that can only be read.
    pub fn stamp(&self, sha256: &Sha256, at: SystemTime) -> Result<bool, Error> {
        let Some(file) = self.layout.open_blob(sha256)? else {
            return Ok(false);
        };
        file.set_times(FileTimes::new().set_modified(at))
            .map_err(Error::io(self.blob_path(sha256), Action::Write))?;
        Ok(true)
    }
}
