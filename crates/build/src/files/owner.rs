//! Owners and modes: those of the entry, and never those of the disk.

use enclair_tree::{Metadata, Spool, Tree};

use super::Entry;
use super::error::Error;
use super::ground::escaped;
use crate::configuration::read_text;
use crate::user;

/// Permission bits that there are.
const BITS: u16 = 0o7777;
/// Symlinks have all permission bits on every Linux file system.
const LINK: u16 = 0o777;
/// Of files that begin as a program does.
const PROGRAM: u16 = 0o755;
/// Of all other files.
const DATA: u16 = 0o644;

/// Who owns what is laid: `UID:GID` or `USER[:GROUP]`, as USER of a container image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// Takes the text as it is; names get their numbers when an image is there to ask.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Both numbers, where no image needs to be asked.
    fn numbers(&self) -> Option<(u32, u32)> {
        let (uid, gid) = self.0.split_once(':')?;
        Some((uid.parse().ok()?, gid.parse().ok()?))
    }

    fn resolve(&self, to: &str, tree: &Tree, spool: &dyn Spool) -> Result<(u32, u32), Error> {
        let unknown = |source| Error::Owner {
            to: escaped(to),
            source: Box::new(source),
        };
        let text = |path| read_text(tree, spool, path).map_err(unknown);
        let (uid, gid) = match self.numbers() {
            Some(numbers) => numbers,
            None => user::resolve(&self.0, &text("etc/passwd")?, &text("etc/group")?)
                .map(|identity| (identity.uid, identity.gid))
                .map_err(unknown)?,
        };
        // To the kernel, this number is "leave the owner alone".
        if self.0.is_empty() || uid == u32::MAX || gid == u32::MAX {
            return Err(Error::NoOwner {
                to: escaped(to),
                owner: escaped(&self.0),
            });
        }
        Ok((uid, gid))
    }
}

impl Default for Owner {
    fn default() -> Self {
        Self("0:0".to_owned())
    }
}

/// What an entry says about everything that it lays, in numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    uid: u32,
    gid: u32,
    mode: Option<u16>,
    dir_mode: u16,
}

impl Attributes {
    /// Resolves the owner of `entry` against `tree` as the entries before it left it.
    pub(super) fn of(entry: &Entry, tree: &Tree, spool: &dyn Spool) -> Result<Self, Error> {
        let modes = entry.mode.into_iter().chain([entry.dir_mode]);
        if let Some(mode) = modes.into_iter().find(|mode| *mode > BITS) {
            let to = escaped(&entry.to);
            return Err(Error::Mode { to, mode });
        }
        let (uid, gid) = entry.owner.resolve(&entry.to, tree, spool)?;
        Ok(Self {
            uid,
            gid,
            mode: entry.mode,
            dir_mode: entry.dir_mode,
        })
    }

    pub(super) const fn directory(&self) -> Metadata {
        self.with(self.dir_mode)
    }

    pub(super) const fn link(&self) -> Metadata {
        self.with(LINK)
    }

    pub(super) fn file(&self, executable: bool) -> Metadata {
        let default = if executable { PROGRAM } else { DATA };
        self.with(self.mode.unwrap_or(default))
    }

    const fn with(&self, permissions: u16) -> Metadata {
        Metadata {
            uid: self.uid,
            gid: self.gid,
            ..Metadata::new(permissions)
        }
    }
}
