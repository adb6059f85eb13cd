//! Where content comes from, as seen by whoever needs it: digests in, readers out.
//!
//! `enclair-build` knows what it needs and `enclair-fetch` knows how to get it; neither knows the
//! other. This module is what they have in common. It opens nothing itself.

use std::error::Error;
use std::fmt::Debug;
use std::io::{Read, Write};

use enclair_digest::Sha256;
use enclair_eif::Arch;

/// Why something could not be supplied. The error is the supplier's own.
pub type SupplyError = Box<dyn Error + Send + Sync + 'static>;

/// Digest and size of a piece of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    /// SHA-256 of the content.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// Where the content of a lock entry was found when it was locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere but in the store, or at providers that have content by digest.
    Anywhere,
    /// At a URL.
    Url(String),
    /// In a registry's repository, as in `docker.io/library/debian`; manifests and blobs alike.
    Repository(String),
    /// In an archive of packages, at a path: a package, or a file of its index.
    Archive {
        /// The archive's symbolic name, as in `debian-security`.
        archive: String,
        /// The path below the archive's root, as in `pool/main/h/hello/hello_2.10-3_amd64.deb`.
        path: String,
        /// When the archive had it there, in seconds since 1970: snapshots are asked for this time.
        date: Option<u64>,
    },
}

/// A piece of content that is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// What it must be.
    pub blob: Blob,
    /// What it is called in messages: the lock entry, as in `source layer 2`.
    pub name: String,
    /// Where it was found when it was locked. Providers may have it elsewhere.
    pub place: Place,
}

/// A store that content can be got into.
///
/// Nothing that is read from it is believed: whoever opens a blob compares it with its digest as
/// it is read.
pub trait Supply: Debug {
    /// Sees to it that all of `wanted` is in the store, from wherever it can be had.
    ///
    /// # Errors
    ///
    /// When one of them cannot be had: its name, its digest, who was asked and what they answered.
    fn obtain(&self, wanted: &[Wanted]) -> Result<(), SupplyError>;

    /// As [`obtain`](Self::obtain), and tells `there` of each piece of `wanted` by its place when it
    /// is in the store, in any order. The others are fetched while `there` is at work.
    ///
    /// # Errors
    ///
    /// Those of [`obtain`](Self::obtain); pieces that could be had may have been told of.
    fn obtain_each(
        &self,
        wanted: &[Wanted],
        there: &mut dyn FnMut(usize),
    ) -> Result<(), SupplyError> {
        self.obtain(wanted)?;
        (0..wanted.len()).for_each(there);
        Ok(())
    }

    /// Opens a blob of the store.
    ///
    /// # Errors
    ///
    /// When it is not there.
    fn open(&self, sha256: &Sha256) -> Result<Box<dyn Read + Send>, SupplyError>;

    /// Puts content into the store.
    ///
    /// # Errors
    ///
    /// Those of the reader and of the disk.
    fn keep(&self, content: &mut dyn Read) -> Result<Blob, SupplyError>;

    /// Takes a blob out of the store whose content turned out to be another. It is kept aside for
    /// whoever wants to know what happened.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    fn set_aside(&self, sha256: &Sha256) -> Result<(), SupplyError>;

    /// Asks a registry what `reference` (`HOST/NAME:TAG` or `HOST/NAME@sha256:HEX`, complete) is
    /// now, and brings the manifest for `arch` and its configuration into the store, and the document
    /// that a digest in `reference` names. The answer is the manifest.
    ///
    /// # Errors
    ///
    /// When no registry or mirror answers, when there is no such image, none for `arch`, or one
    /// that is not what its digest says.
    fn resolve_image(&self, reference: &str, arch: Arch) -> Result<Blob, SupplyError>;

    /// Brings what is at a URL into the store.
    ///
    /// # Errors
    ///
    /// When it cannot be had, or has more than `limit` bytes.
    fn resolve_url(&self, url: &str, limit: u64) -> Result<Blob, SupplyError>;

    /// Brings a file of an archive of packages into the store whose digest is not known, such as a
    /// signed Release file.
    ///
    /// # Errors
    ///
    /// When no mirror of the archive has it, or it has more than `limit` bytes.
    fn resolve_archive_file(
        &self,
        archive: &str,
        path: &str,
        limit: u64,
    ) -> Result<Blob, SupplyError>;

    /// What was computed from the blob `of` before and kept; `None` where it was not, or cannot be
    /// read. `kind` says what it is, with a version. Nothing of it is believed.
    fn derived(&self, kind: &str, of: &Sha256) -> Option<Vec<u8>>;

    /// Keeps what was computed from the blob `of`, if that can be done.
    fn keep_derived(&self, kind: &str, of: &Sha256, content: &[u8]);

    /// Asks the local Docker daemon for an image, as the archive that `docker save` writes.
    ///
    /// # Errors
    ///
    /// When there is no daemon or no such image.
    fn save_daemon_image(&self, name: &str, archive: &mut dyn Write) -> Result<(), SupplyError>;
}

/// A supply that has nothing and asks nobody: for what needs no content but files on this disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSupply;

impl NoSupply {
    fn nothing<T>() -> Result<T, SupplyError> {
        Err("there is no store, and nothing is fetched".into())
    }
}

impl Supply for NoSupply {
    fn obtain(&self, wanted: &[Wanted]) -> Result<(), SupplyError> {
        if wanted.is_empty() {
            return Ok(());
        }
        Self::nothing()
    }

    fn open(&self, _: &Sha256) -> Result<Box<dyn Read + Send>, SupplyError> {
        Self::nothing()
    }

    fn keep(&self, _: &mut dyn Read) -> Result<Blob, SupplyError> {
        Self::nothing()
    }

    fn set_aside(&self, _: &Sha256) -> Result<(), SupplyError> {
        Self::nothing()
    }

    fn resolve_image(&self, _: &str, _: Arch) -> Result<Blob, SupplyError> {
        Self::nothing()
    }

    fn resolve_url(&self, _: &str, _: u64) -> Result<Blob, SupplyError> {
        Self::nothing()
    }

    fn resolve_archive_file(&self, _: &str, _: &str, _: u64) -> Result<Blob, SupplyError> {
        Self::nothing()
    }

    fn derived(&self, _: &str, _: &Sha256) -> Option<Vec<u8>> {
        None
    }

    fn keep_derived(&self, _: &str, _: &Sha256, _: &[u8]) {}

    fn save_daemon_image(&self, _: &str, _: &mut dyn Write) -> Result<(), SupplyError> {
        Self::nothing()
    }
}
