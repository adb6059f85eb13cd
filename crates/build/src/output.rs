//! Output files that appear whole or not at all.
//!
//! A file is written without a name (`O_TMPFILE`), synchronised, linked under a temporary name and
//! renamed. A process that is killed while writing leaves nothing behind; a full disk is an error
//! and leaves the old file in place. File systems without `O_TMPFILE` get a named temporary file,
//! which a kill can leave behind, never under the final name.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags, fallocate};
use tempfile::TempPath;

use crate::error::Error;

/// A file under construction that will be `target`.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    target: PathBuf,
    /// The name it has meanwhile, where the file system cannot do without one.
    name: Option<TempPath>,
}

impl OutputFile {
    /// Starts a file that [`Self::commit`] will name `target`.
    ///
    /// # Errors
    ///
    /// When nothing can be created in the directory of `target`.
    pub fn create(target: &Path) -> io::Result<Self> {
        let directory = directory_of(target);
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match rustix::fs::openat(CWD, directory, flags, Mode::from_raw_mode(0o666)) {
            Ok(descriptor) => Ok(Self {
                file: File::from(descriptor),
                target: target.to_owned(),
                name: None,
            }),
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR) => Self::named(target),
            Err(error) => Err(error.into()),
        }
    }

    fn named(target: &Path) -> io::Result<Self> {
        let named = tempfile::Builder::new()
            .prefix(".enclair-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .tempfile_in(directory_of(target))?;
        let (file, name) = named.into_parts();
        Ok(Self {
            file,
            target: target.to_owned(),
            name: Some(name),
        })
    }

    /// The file, for writing.
    pub const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Takes the room for a file of `len` bytes, where the file system can do that: it then need
    /// not look for some with every block that is written. No promise: writing can still fail, and
    /// says so.
    pub fn reserve(&self, len: u64) {
        fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, len).ok();
    }

    /// Waits until everything in the file is on the disk.
    ///
    /// # Errors
    ///
    /// When the disk cannot take it.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Gives the file its name, after everything in it is on the disk.
    ///
    /// # Errors
    ///
    /// When the disk cannot take it; the file that had the name before is then untouched.
    pub fn commit(self) -> io::Result<()> {
        self.sync()?;
        let name = match self.name {
            Some(name) => Some(name),
            None => link(&self.file, &self.target)?,
        };
        if let Some(name) = name {
            name.persist(&self.target).map_err(|error| error.error)?;
        }
        File::open(directory_of(&self.target))?.sync_all()
    }
}

/// Gives a nameless file its name, or a temporary one beside `target` where a file has that name
/// already: a link cannot replace a file, a rename can.
fn link(file: &File, target: &Path) -> io::Result<Option<TempPath>> {
    let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link_to =
        |path: &Path| rustix::fs::linkat(CWD, &descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW);
    match link_to(target) {
        Ok(()) => return Ok(None),
        Err(rustix::io::Errno::EXIST) => (),
        Err(error) => return Err(error.into()),
    }
    let name = format!(".enclair-{}-{}", std::process::id(), file.as_raw_fd());
    let path = directory_of(target).join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => (),
    }
    link_to(&path)?;
    TempPath::try_from_path(path).map(Some)
}

/// Works with a directory, which is made for it. When that fails, a directory that was not there
/// before and has nothing in it is gone again.
pub(crate) fn in_directory<T, F: From<Error>>(
    directory: &Path,
    work: impl FnOnce() -> Result<T, F>,
) -> Result<T, F> {
    let is_new = !directory.exists();
    fs::create_dir_all(directory).map_err(|source| Error::Write {
        path: directory.to_owned(),
        source,
    })?;
    let done = work();
    if done.is_err() && is_new {
        drop(fs::remove_dir(directory));
    }
    done
}

/// The directory that will hold `target`: `.` for a bare name.
pub(crate) fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn nothing_has_the_name_before_commit_and_all_of_it_after() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("image");
        let mut output = OutputFile::create(&target).unwrap();
        output.file().write_all(b"half").unwrap();
        assert!(!target.exists());
        output.file().write_all(b" and half").unwrap();
        output.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"half and half");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_abandoned_file_leaves_the_old_one_and_nothing_else() {
        for start in [OutputFile::create, OutputFile::named] {
            let directory = tempfile::tempdir().unwrap();
            let target = directory.path().join("image");
            fs::write(&target, b"old").unwrap();
            let mut output = start(&target).unwrap();
            output.file().write_all(b"new").unwrap();
            drop(output);
            assert_eq!(fs::read(&target).unwrap(), b"old");
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_named_temporary_file_replaces_the_old_one_too() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("image");
        fs::write(&target, b"old").unwrap();
        let mut output = OutputFile::named(&target).unwrap();
        output.file().write_all(b"new").unwrap();
        output.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
