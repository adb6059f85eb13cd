//! Everything that locked packages need, into the store or a directory.
//!
//! On the way the packages' SHA-1 is learnt, by which an archive of old packages knows them. It helps
//! to find a package and says nothing of what is found; so a lock that has it is equal to one that
//! does not.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use enclair_digest::Engine;
use enclair_recipe::{Lock, LockedPackage, LockedSource, Origin, Sha1Hint, Wanted};
use sha1::{Digest as _, Sha1};

use super::known::{Unread, copy_package};
use super::listing::ListingError;
use crate::enclave::Tools;
use crate::error::Error;
use crate::output::OutputFile;
use crate::project::document::{LockFile, Project};
use crate::project::error::ProjectError;
use crate::project::locked::LockChange;

/// What becomes of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// What is learnt goes into it.
    Learn,
    /// It stays as it is.
    Leave,
}

/// What was downloaded.
#[derive(Debug)]
pub struct Downloaded {
    /// The lock, with what was learnt.
    pub lock: LockFile,
    /// What became of it.
    pub change: LockChange,
    /// How many packages there are, each once.
    pub packages: usize,
    /// Bytes of all of them.
    pub bytes: u64,
    /// The files that were written, in the order of the lock.
    pub files: Vec<PathBuf>,
}

impl Project {
    /// Sees to it that every package of the lock is in the store and, where `directory` is given, a
    /// file there under the last part of its path.
    ///
    /// # Errors
    ///
    /// A lock without packages, a package that cannot be had, and two that would be one file.
    pub fn download<E: Engine>(
        &self,
        directory: Option<&Path>,
        hints: Hints,
        tools: &Tools<'_, E>,
    ) -> Result<Downloaded, ProjectError> {
        let file = self.packages_lock(tools.engine)?;
        let packages = distinct(&file.lock);
        let names = match directory {
            Some(_) => base_names(&packages)?,
            None => BTreeMap::new(),
        };
        let wanted = packages.iter().map(|one| one.wanted(&file.lock.suites));
        let wanted: Vec<Wanted> = wanted.collect();
        let failed = |source| ProjectError::Supply { source };
        tools.supply.obtain(&wanted).map_err(failed)?;
        if let Some(directory) = directory {
            fs::create_dir_all(directory).map_err(|source| Error::Write {
                path: directory.to_owned(),
                source,
            })?;
        }
        let bytes = packages.iter().map(|package| package.blob.size).sum();
        tools.progress.stage("reading packages", Some(bytes));
        let (mut learnt, mut files) = (BTreeMap::new(), Vec::new());
        for (package, wanted) in packages.iter().zip(&wanted) {
            let target = names.get(&package.blob.sha256).zip(directory);
            let target = target.map(|(name, directory)| directory.join(name));
            let learn = hints == Hints::Learn && package.sha1.digits().is_none();
            if target.is_none() && !learn {
                continue;
            }
            let hint = copy(package, (wanted, target.as_deref()), tools)?;
            learnt.insert(package.blob.sha256, hint);
            files.extend(target);
        }
        let count = packages.len();
        let (lock, change) = match hints {
            Hints::Leave => (file, LockChange::Kept),
            Hints::Learn => with_hints(file, &learnt, tools)?,
        };
        Ok(Downloaded {
            lock,
            change,
            packages: count,
            bytes,
            files,
        })
    }
}

/// Each package once, in the order of the lock.
fn distinct(lock: &Lock) -> Vec<LockedPackage> {
    let mut seen = std::collections::BTreeSet::new();
    let packages = lock.packages();
    packages
        .filter(|package| seen.insert(package.blob.sha256))
        .cloned()
        .collect()
}

type ByDigest<T> = BTreeMap<enclair_digest::Sha256, T>;

/// What each package is called as a file.
fn base_names(packages: &[LockedPackage]) -> Result<ByDigest<String>, ListingError> {
    let mut taken: BTreeMap<&str, &LockedPackage> = BTreeMap::new();
    let mut names = BTreeMap::new();
    for package in packages {
        let path = package.file.as_str();
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(first) = taken.insert(name, package) {
            return Err(ListingError::OneName {
                name: name.to_owned(),
                first: first.to_string(),
                second: package.to_string(),
            });
        }
        names.insert(package.blob.sha256, name.to_owned());
    }
    Ok(names)
}

/// Reads a package, into a file where one is wanted. A blob that was altered is fetched again, once.
fn copy<E: Engine>(
    package: &LockedPackage,
    (wanted, target): (&Wanted, Option<&Path>),
    tools: &Tools<'_, E>,
) -> Result<Sha1Hint, ProjectError> {
    let named = |error: Unread| ProjectError::from(error.of(&package.to_string()));
    match copy_once(package, target, tools)? {
        Ok(hint) => return Ok(hint),
        Err(Unread::Altered(_)) => {}
        Err(error) => return Err(named(error)),
    }
    let failed = |source| ProjectError::Supply { source };
    let (supply, again) = (tools.supply, std::slice::from_ref(wanted));
    supply.set_aside(&package.blob.sha256).map_err(failed)?;
    supply.obtain(again).map_err(failed)?;
    copy_once(package, target, tools)?.map_err(named)
}

fn copy_once<E: Engine>(
    package: &LockedPackage,
    target: Option<&Path>,
    tools: &Tools<'_, E>,
) -> Result<Result<Sha1Hint, Unread>, ProjectError> {
    let mut output = Learning {
        sha1: Sha1::new(),
        file: None,
    };
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    if let Some(target) = target {
        output.file = Some(OutputFile::create(target).map_err(failed(target))?);
    }
    if let Err(error) = copy_package(package.blob, tools, &mut output) {
        return Ok(Err(error));
    }
    let Learning { sha1, file } = output;
    if let (Some(file), Some(target)) = (file, target) {
        file.commit().map_err(failed(target))?;
    }
    Ok(Ok(hint_of(sha1)))
}

/// Where a package is copied to.
struct Learning {
    sha1: Sha1,
    file: Option<OutputFile>,
}

impl Write for Learning {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            file.file().write_all(bytes)?;
        }
        self.sha1.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hint_of(sha1: Sha1) -> Sha1Hint {
    let mut digits = String::with_capacity(40);
    for byte in sha1.finalize() {
        // Writing to a String cannot fail.
        let _ = fmt::Write::write_fmt(&mut digits, format_args!("{byte:02x}"));
    }
    Sha1Hint::parse(&digits).unwrap_or_default()
}

/// The lock with what was learnt, written if that is anything.
fn with_hints<E: Engine>(
    file: LockFile,
    learnt: &ByDigest<Sha1Hint>,
    tools: &Tools<'_, E>,
) -> Result<(LockFile, LockChange), ProjectError> {
    let before = file.lock.to_toml();
    let mut lock = file.lock;
    let mut learn = |package: &mut LockedPackage| {
        if package.sha1.digits().is_none()
            && let Some(hint) = learnt.get(&package.blob.sha256)
        {
            package.sha1 = hint.clone();
        }
    };
    if let Some(LockedSource::Packages(packages)) = &mut lock.source {
        packages.packages.iter_mut().for_each(&mut learn);
    }
    let archive = match &mut lock.source {
        Some(LockedSource::Archive(archive)) => Some(archive),
        Some(LockedSource::Image(_) | LockedSource::Packages(_)) | None => None,
    };
    let boot = &mut lock.boot;
    let files = [Some(&mut boot.kernel), Some(&mut boot.init)];
    let optional = [boot.agent.as_mut(), boot.nsm_module.as_mut(), archive];
    let files = files.into_iter().chain(optional);
    for file in files.flatten().chain(&mut lock.files) {
        if let Origin::Package { package, .. } = &mut file.from {
            learn(package);
        }
    }
    let changed = lock.to_toml() != before;
    let file = LockFile::new(&file.path, lock, tools.engine);
    if !changed {
        return Ok((file, LockChange::Kept));
    }
    file.write()?;
    Ok((file, LockChange::Updated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_the_digest_in_hexadecimal() {
        let mut out = Learning {
            sha1: Sha1::new(),
            file: None,
        };
        out.write_all(b"abc").unwrap();
        let hint = hint_of(out.sha1);
        assert_eq!(
            hint.digits(),
            Some("a9993e364706816aba3e25717850c26c9cd0d89d")
        );
    }
}
