//! Paths of an archive and what is there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use enclair_digest::{Engine as _, Hasher as _, PureRust, Sha256};

/// The files of one archive, by path, as a mirror has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl Files {
    /// Puts a file there, instead of the one that was there.
    pub fn put(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), content.into());
    }

    /// What is at a path.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// What is at a path, to be altered.
    pub fn get_mut(&mut self, path: &str) -> Option<&mut Vec<u8>> {
        self.0.get_mut(path)
    }

    /// Takes a file away.
    pub fn remove(&mut self, path: &str) -> Option<Vec<u8>> {
        self.0.remove(path)
    }

    /// Writes every file below `directory`, for a server or for `file:` URLs.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn write_to(&self, directory: &Path) -> io::Result<()> {
        for (path, content) in &self.0 {
            let path = directory.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> Sha256 {
    let mut hasher = PureRust.sha256();
    hasher.update(bytes);
    hasher.finish()
}
