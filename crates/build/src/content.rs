//! Opening what goes in, wherever it is: a file as it is now, or a blob that must be what its digest
//! says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use enclair_digest::{Expected, Verified};
use enclair_recipe::{Blob, Supply};

use crate::engine::AwsLc;
use crate::error::Error;
use crate::request::Content;

/// Opens a file of this disk. Anything else there is an error: a pipe would be waited for.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "not a regular file",
    ))
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
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Open { path, source }
        };
        match self {
            // What somebody names on a command line may be a pipe.
            Self::File(path) => Ok(Box::new(File::open(path).map_err(failed(path))?)),
            Self::Pinned { path, blob } => {
                let name = path.display().to_string();
                let file = open_file(path).map_err(failed(path))?;
                Ok(Box::new(verified(file, name, *blob)))
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
