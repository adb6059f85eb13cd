//! Opening what goes in, wherever it is: a file as it is now, or a blob that must be what its digest
//! says.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use enclair_digest::{Expected, Verified};
use enclair_recipe::{Blob, Supply};

use crate::engine::AwsLc;
use crate::error::Error;
use crate::request::Content;

fn open_file(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::Open {
        path: path.to_owned(),
        source,
    })
}

fn verified<R: Read>(inner: R, name: String, blob: Blob) -> Verified<R, AwsLc> {
    let expected = Expected {
        name,
        digest: blob.sha256,
        size: Some(blob.size),
    };
    Verified::new(inner, &AwsLc, expected)
}

impl Content {
    /// What it is called in messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) | Self::Pinned { path, .. } => path.display().to_string(),
            Self::Blob { name, .. } => name.clone(),
        }
    }

    /// Opens it. A blob is compared with its digest as it is read, so it must be read to its end.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub(crate) fn open(&self, supply: &dyn Supply) -> Result<Box<dyn Read + Send>, Error> {
        match self {
            Self::File(path) => Ok(Box::new(open_file(path)?)),
            Self::Pinned { path, blob } => {
                let name = path.display().to_string();
                Ok(Box::new(verified(open_file(path)?, name, *blob)))
            }
            Self::Blob { blob, name } => {
                let stored = supply
                    .open(&blob.sha256)
                    .map_err(|source| Error::Supply { source })?;
                Ok(Box::new(verified(stored, name.clone(), *blob)))
            }
        }
    }
}
