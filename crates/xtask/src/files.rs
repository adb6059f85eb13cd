//! Files of the workspace: where they are, what their digest is, how one is replaced.

use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use enclair_digest::{Engine as _, Hasher as _, PureRust, Sha256};

use crate::error::Error;

/// The top of the workspace that this program was compiled in.
pub(crate) fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

/// Digest and size in bytes of a file.
pub(crate) fn digest(path: &Path) -> Result<(Sha256, u64), Error> {
    let mut file = File::open(path).map_err(|source| Error::io(path, source))?;
    let mut hasher = PureRust.sha256();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(|source| Error::io(path, source))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((hasher.finish(), size));
        };
        hasher.update(bytes);
        size += bytes.len() as u64;
    }
}

/// Digest of bytes in memory.
pub(crate) fn digest_of(bytes: &[u8]) -> Sha256 {
    let mut hasher = PureRust.sha256();
    hasher.update(bytes);
    hasher.finish()
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::io(path, source))
}

pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::io(path, source))
}

/// Replaces `path`, whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let failed = |source| Error::io(path, source);
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(".xtask-")
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    // What was asked for when the file was made was subject to the umask.
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)
}

/// A line as `sha256sum` writes it.
pub(crate) fn sum_line(digest: Sha256, name: &str) -> String {
    format!("{digest}  {name}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_comes_with_the_size() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        let bytes = vec![b'x'; 200_000];
        write(&path, &bytes, 0o755).unwrap();
        assert_eq!(digest(&path).unwrap(), (digest_of(&bytes), 200_000));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
    }

    #[test]
    fn an_empty_file_has_the_digest_of_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("empty");
        write(&path, b"", 0o644).unwrap();
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(digest(&path).unwrap().0.to_string(), expected);
    }

    #[test]
    fn the_workspace_is_the_one_with_the_kits() {
        assert!(workspace().join("boot/kernel").is_dir());
    }
}
