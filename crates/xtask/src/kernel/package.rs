//! The source package: downloaded with the machine's own apt-get, checked, unpacked.
//!
//! Nothing is unpacked before size and digest are those of the lock, so what the package holds is
//! trusted as much as the lock is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::lock::SourceLock;
use crate::error::Error;
use crate::{files, program, say};

/// A directory that is removed at the end, also when the run fails.
pub(super) fn work_directory(parent: &Path) -> Result<TempDir, Error> {
    let failed = |source| Error::io(parent, source);
    fs::create_dir_all(parent).map_err(failed)?;
    tempfile::Builder::new()
        .prefix("kernel-")
        .tempdir_in(parent)
        .map_err(failed)
}

/// Asks apt-get for exactly the locked version.
pub(super) fn download(lock: &SourceLock, directory: &Path) -> Result<PathBuf, Error> {
    let wanted = format!("{}={}", lock.package, lock.version);
    say(&format!("downloading {wanted}"));
    let mut command = Command::new("apt-get");
    command
        .args(["--quiet", "download", &wanted])
        .current_dir(directory)
        .env("LC_ALL", "C");
    match program::output(&mut command) {
        Ok(_) => Ok(directory.join(&lock.file)),
        Err(Error::FailedSaying { output, .. }) if has_left(&output) => Err(Error::LeftTheMirror {
            package: lock.package.clone(),
            version: lock.version.clone(),
            sha256: lock.sha256,
            archive: lock.archive.clone(),
        }),
        Err(error) => Err(error),
    }
}

/// Whether apt-get says that no source has the version, apart from any other failure.
///
/// A list that is older than the mirror still names a file which is gone: that is a 404.
fn has_left(output: &str) -> bool {
    let unknown = |line: &str| {
        line.starts_with("E: Version ") && line.ends_with("was not found")
            || line.starts_with("E: Unable to locate package")
            || line.starts_with("E: Can't find a source to download version")
    };
    let gone = |line: &str| line.starts_with("E: Failed to fetch") && line.contains("404");
    output.lines().any(|line| unknown(line) || gone(line))
}

/// Compares size and digest with the lock's.
pub(super) fn check(lock: &SourceLock, package: &Path) -> Result<(), Error> {
    let (found, size) = files::digest(package)?;
    let path = || package.to_owned();
    if size != lock.size {
        return Err(Error::PackageSize {
            path: path(),
            expected: lock.size,
            found: size,
        });
    }
    if found != lock.sha256 {
        return Err(Error::PackageDigest {
            path: path(),
            expected: lock.sha256,
            found,
        });
    }
    Ok(())
}

/// Unpacks the package and the archive in it; gives the top of the source.
pub(super) fn unpack(package: &Path, directory: &Path) -> Result<PathBuf, Error> {
    say("unpacking");
    let unpacked = directory.join("package");
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.arg("--extract").arg(package).arg(&unpacked);
    program::run(&mut dpkg)?;
    let archive = only(&unpacked.join("usr/src"))?;
    let source = directory.join("source");
    fs::create_dir(&source).map_err(|error| Error::io(&source, error))?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--no-same-owner");
    tar.arg("--file")
        .arg(&archive)
        .arg("--directory")
        .arg(&source);
    program::run(&mut tar)?;
    // Both together are larger than what is compiled.
    fs::remove_dir_all(&unpacked).map_err(|error| Error::io(&unpacked, error))?;
    only(&source)
}

/// The one entry of a directory.
fn only(directory: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::io(directory, source);
    let mut entries = fs::read_dir(directory).map_err(failed)?;
    let (first, second) = (entries.next(), entries.next());
    match (first, second) {
        (Some(entry), None) => Ok(entry.map_err(failed)?.path()),
        _ => Err(failed(std::io::Error::other("expected one entry"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(content: &[u8]) -> SourceLock {
        let text = |text: &str| text.to_owned();
        SourceLock {
            package: text("linux-source-0"),
            version: text("0.1-1"),
            file: text("linux-source-0_0.1-1_all.deb"),
            size: content.len() as u64,
            sha256: files::digest_of(content),
            archive: text("https://snapshot.debian.org/file/0"),
            linux: text("0.1"),
            compiler: text("gcc"),
            linker: text("ld"),
            compressor: text("gzip"),
        }
    }

    #[test]
    fn a_package_is_taken_only_with_the_locked_size_and_digest() {
        let directory = tempfile::tempdir().unwrap();
        let package = directory.path().join("package");
        fs::write(&package, b"content").unwrap();
        check(&lock(b"content"), &package).unwrap();
        let longer = check(&lock(b"content."), &package).unwrap_err();
        assert!(matches!(longer, Error::PackageSize { .. }), "{longer}");
        let other = check(&lock(b"contend"), &package).unwrap_err();
        assert!(matches!(other, Error::PackageDigest { .. }), "{other}");
        let (expected, found) = (lock(b"contend").sha256, lock(b"content").sha256);
        for digest in [expected, found] {
            assert!(other.to_string().contains(&digest.to_string()), "{other}");
        }
    }

    #[test]
    fn a_version_that_is_gone_is_told_from_a_network_that_is_down() {
        let left = [
            "E: Version '0.1-1' for 'linux-source-0' was not found",
            "W: x\nE: Unable to locate package linux-source-0",
            "E: Failed to fetch http://mirror.example/x.deb  404  Not Found [IP: 192.0.2.1 80]",
        ];
        for output in left {
            assert!(has_left(output), "{output}");
        }
        let other = [
            "E: Failed to fetch http://mirror.example/x.deb  Could not connect to 192.0.2.1:80",
            "E: You don't have enough free space",
            "",
        ];
        for output in other {
            assert!(!has_left(output), "{output}");
        }
    }

    #[test]
    fn a_directory_with_none_or_two_entries_is_not_what_was_expected() {
        let directory = tempfile::tempdir().unwrap();
        assert!(only(directory.path()).is_err());
        fs::write(directory.path().join("a"), b"").unwrap();
        assert_eq!(only(directory.path()).unwrap(), directory.path().join("a"));
        fs::write(directory.path().join("b"), b"").unwrap();
        assert!(only(directory.path()).is_err());
    }

    #[test]
    fn apt_get_is_really_asked() {
        let directory = tempfile::tempdir().unwrap();
        match download(&lock(b""), directory.path()) {
            Err(Error::LeftTheMirror { version, .. }) => assert_eq!(version, "0.1-1"),
            // Without apt-get on the machine, that is what is said.
            Err(Error::Start { program, .. }) => assert_eq!(program, "apt-get"),
            other => panic!("{other:?}"),
        }
    }
}
