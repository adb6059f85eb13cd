//! What is in `blobs/`, by name alone.

use std::ffi::OsStr;
use std::path::PathBuf;

use enclair_digest::Sha256;

use crate::directory::Directory;
use crate::error::Error;

/// Digits of a digest that name a drawer.
pub(crate) const DRAWER_DIGITS: usize = 2;

/// The names in `blobs/sha256/`.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// Those that are digests, sorted.
    pub(crate) blobs: Vec<Sha256>,
    /// What is no blob: paths.
    pub(crate) strange: Vec<PathBuf>,
}

impl Catalogue {
    /// Lists the drawers of a store; no file is opened.
    pub(crate) fn read(blobs: &Directory) -> Result<Self, Error> {
        let mut catalogue = Self::default();
        for name in blobs.names()? {
            let digits = name.to_str().filter(|text| text.len() == DRAWER_DIGITS);
            let drawer = match blobs.child(&name) {
                Ok(Some(drawer)) => drawer,
                Ok(None) => continue,
                Err(Error::Kind { path, .. }) => {
                    catalogue.strange.push(path);
                    continue;
                }
                Err(error) => return Err(error),
            };
            match digits {
                Some(digits) => catalogue.read_drawer(&drawer, digits)?,
                None => catalogue.strange.push(drawer.path().to_owned()),
            }
        }
        catalogue.blobs.sort();
        Ok(catalogue)
    }

    fn read_drawer(&mut self, drawer: &Directory, digits: &str) -> Result<(), Error> {
        for rest in drawer.names()? {
            match digest_of(digits, &rest) {
                Some(sha256) => self.blobs.push(sha256),
                None => self.strange.push(drawer.path_of(&rest)),
            }
        }
        Ok(())
    }
}

/// The digest that the two parts of a blob's place spell, in lower case and no other way.
fn digest_of(digits: &str, rest: &OsStr) -> Option<Sha256> {
    let text = format!("{digits}{}", rest.to_str()?);
    let sha256: Sha256 = text.parse().ok()?;
    (sha256.to_string() == text).then_some(sha256)
}
