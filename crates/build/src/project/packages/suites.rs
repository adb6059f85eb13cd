//! Suites of archives: read, believed, and parsed once.

use std::io::{BufReader, Read};
use std::path::Path;

use enclair_digest::Engine;
use enclair_eif::Arch;
use enclair_packages::index::Index;
use enclair_packages::release::{
    IndexFile, Keys, MAX_IN_RELEASE, Policy, Release, SignedRelease, UnixSeconds,
};
use enclair_recipe::{
    Artifact, Blob, Distribution, LockedSuite, PackageArchive, Place, Repository, SupplyError,
    Wanted,
};

use super::error::ChoiceError;
use crate::content::open_file;
use crate::enclave::Tools;
use crate::request::Content;

/// How long after its date a locked suite is judged again. It was believed when it was locked; its
/// signature is a little younger than its date, and its `Valid-Until` some days.
const JUDGED_AFTER: u64 = 24 * 60 * 60;
/// Bytes of a file with keys.
const KEY_LIMIT: u64 = 1 << 20;
/// What an index in the store's derived files is called, with the version of its form.
const DERIVED: &str = "package-index-1";

/// A suite that was believed.
#[derive(Debug)]
pub(in crate::project) struct Suite {
    pub(super) locked: LockedSuite,
    pub(super) release: Release,
    /// Of each component.
    pub(super) indexes: Vec<Index>,
}

/// Where suites come from.
#[derive(Debug)]
pub(in crate::project) struct Suites<'a, E> {
    pub(in crate::project) tools: &'a Tools<'a, E>,
    /// Where the recipe is.
    pub(in crate::project) directory: &'a Path,
    pub(in crate::project) arch: Arch,
    /// The suites of the lock.
    pub(in crate::project) locked: &'a [LockedSuite],
    /// Whether the newest are looked at in any case.
    pub(in crate::project) update: bool,
    pub(in crate::project) now: UnixSeconds,
}

/// A suite that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked<'a> {
    archive: &'a str,
    suite: &'a str,
    /// What the lock calls it.
    name: String,
    components: Vec<String>,
    /// The repository of the recipe that it is in.
    repository: Option<&'a Repository>,
}

/// The symbolic name of the archive that has a suite.
fn archive_of(distribution: Distribution, suite: &str, arch: Arch) -> &'static str {
    match (distribution, arch) {
        (Distribution::Debian, _) if suite.ends_with("-security") => "debian-security",
        (Distribution::Ubuntu, Arch::X86_64) => "ubuntu",
        (Distribution::Ubuntu, Arch::Aarch64) => "ubuntu-ports",
        (Distribution::Debian | Distribution::Alpine | Distribution::Arch, _) => "debian",
        (Distribution::Fedora, _) => "fedora",
    }
}

/// What distributions call an architecture.
pub(in crate::project) const fn debian_arch(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "amd64",
        Arch::Aarch64 => "arm64",
    }
}

impl<E: Engine> Suites<'_, E> {
    /// Every suite of `archive` and of `repositories`, sorted by name.
    ///
    /// # Errors
    ///
    /// One that cannot be had, or is not believed.
    pub(super) fn read(
        &self,
        archive: &PackageArchive,
        repositories: &[Repository],
    ) -> Result<Vec<Suite>, ChoiceError> {
        let mut suites = Vec::new();
        for asked in self.asked(archive, repositories) {
            suites.push(self.suite(&asked)?);
        }
        suites.sort_by(|left, right| left.locked.name.cmp(&right.locked.name));
        Ok(suites)
    }

    /// Those of them that are locked and can be had as they were locked, sorted by name. No other
    /// Release file is looked at.
    ///
    /// # Errors
    ///
    /// One that is not believed, and an index that cannot be read.
    pub(super) fn read_locked(
        &self,
        archive: &PackageArchive,
        repositories: &[Repository],
    ) -> Result<Vec<Suite>, ChoiceError> {
        let mut suites = Vec::new();
        for asked in self.asked(archive, repositories) {
            match self.locked_suite(&asked) {
                Ok(suite) => suites.extend(suite),
                // What it has is known from elsewhere, or is said to be missing.
                Err(ChoiceError::File { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        suites.sort_by(|left, right| left.locked.name.cmp(&right.locked.name));
        Ok(suites)
    }

    fn asked<'a>(
        &self,
        archive: &'a PackageArchive,
        repositories: &'a [Repository],
    ) -> Vec<Asked<'a>> {
        let distribution = *archive.distribution;
        let components = sorted(&archive.components);
        let own = archive.suites.iter().map(|suite| Asked {
            archive: archive_of(distribution, suite, self.arch),
            suite,
            name: format!("{}:{}", distribution.name(), suite.get()),
            components: components.clone(),
            repository: None,
        });
        let others = repositories.iter().flat_map(|repository| {
            repository.suites.iter().map(|suite| Asked {
                archive: &repository.name,
                suite,
                name: format!("{}:{}", repository.name.get(), suite.get()),
                components: sorted(&repository.components),
                repository: Some(repository),
            })
        });
        own.chain(others).collect()
    }

    /// A suite as it was locked; `None` for one that was not.
    fn locked_suite(&self, asked: &Asked<'_>) -> Result<Option<Suite>, ChoiceError> {
        let locked = self.locked.iter().find(|suite| suite.name == asked.name);
        let Some(locked) = locked else {
            return Ok(None);
        };
        let path = format!("dists/{}/InRelease", asked.suite);
        self.obtain(locked.release, (asked.archive, &path, Some(locked.date)))
            .map_err(|source| file_error(asked.archive, &path, source))?;
        let at = UnixSeconds(locked.date).plus(JUDGED_AFTER);
        let release = self.believe(asked, (&path, locked.release), at)?;
        let mut indexes = Vec::new();
        for component in &locked.components {
            indexes.push(self.index(asked, &release, component)?);
        }
        Ok(Some(Suite {
            locked: locked.clone(),
            release,
            indexes,
        }))
    }

    fn suite(&self, asked: &Asked<'_>) -> Result<Suite, ChoiceError> {
        let (release, blob) = self.release(asked)?;
        let mut indexes = Vec::new();
        for component in &asked.components {
            indexes.push(self.index(asked, &release, component)?);
        }
        let key = release.checked.signatures.first();
        Ok(Suite {
            locked: LockedSuite {
                name: asked.name.clone(),
                archive: asked.archive.to_owned(),
                components: asked.components.clone(),
                date: release.date.0,
                release: blob,
                key: key.map_or_else(String::new, |good| good.certificate.to_string()),
            },
            release,
            indexes,
        })
    }

    /// The locked Release file where there is one that can still be had, else the newest.
    fn release(&self, asked: &Asked<'_>) -> Result<(Release, Blob), ChoiceError> {
        let path = format!("dists/{}/InRelease", asked.suite);
        let locked = self.locked.iter().find(|suite| suite.name == asked.name);
        if let Some(locked) = locked.filter(|_| !self.update) {
            let place = (asked.archive, path.as_str(), Some(locked.date));
            if self.obtain(locked.release, place).is_ok() {
                let at = UnixSeconds(locked.date).plus(JUDGED_AFTER);
                let release = self.believe(asked, (&path, locked.release), at)?;
                return Ok((release, locked.release));
            }
        }
        let supply = self.tools.supply;
        let blob = supply
            .resolve_archive_file(asked.archive, &path, MAX_IN_RELEASE)
            .map_err(|source| file_error(asked.archive, &path, source))?;
        let release = self.believe(asked, (&path, blob), self.now)?;
        Ok((release, blob))
    }

    fn believe(
        &self,
        asked: &Asked<'_>,
        (path, blob): (&str, Blob),
        at: UnixSeconds,
    ) -> Result<Release, ChoiceError> {
        let bytes = self.bytes(asked.archive, path, blob)?;
        let wrong = |source| ChoiceError::Release {
            suite: asked.name.clone(),
            source: Box::new(source),
        };
        let keys = match asked.repository {
            Some(repository) => Keys::from_certificates(&self.key(repository)?),
            None => Keys::of_archive(asked.archive, asked.suite),
        };
        let locked = self.locked.iter().find(|suite| suite.name == asked.name);
        let policy = Policy {
            suite: asked.suite,
            at,
            locked: locked.map(|suite| UnixSeconds(suite.date)),
        };
        let signed = SignedRelease::parse(&bytes).map_err(wrong)?;
        signed.verify(&keys.map_err(wrong)?, &policy).map_err(wrong)
    }

    /// The certificates of a repository's keys.
    fn key(&self, repository: &Repository) -> Result<Vec<u8>, ChoiceError> {
        let failed = |source| ChoiceError::Key {
            repository: repository.name.get().clone(),
            source,
        };
        let mut bytes = Vec::new();
        match repository.key.get() {
            Artifact::Url { url, sha256, .. } => {
                let supply = self.tools.supply;
                let blob = supply.resolve_url(url, KEY_LIMIT).map_err(failed)?;
                if let Some(expected) = sha256.as_deref().filter(|it| **it != blob.sha256) {
                    return Err(ChoiceError::OtherKey {
                        repository: repository.name.get().clone(),
                        expected: *expected,
                        found: blob.sha256,
                    });
                }
                bytes = self.bytes(&repository.name, url, blob)?;
            }
            // The recipe's reader takes no other forms.
            Artifact::File { path }
            | Artifact::Image { path, .. }
            | Artifact::Package { path, .. } => {
                let file = open_file(&self.directory.join(path.get()));
                file.and_then(|file| file.take(KEY_LIMIT).read_to_end(&mut bytes))
                    .map_err(|error| failed(error.into()))?;
            }
        }
        Ok(bytes)
    }

    /// The index of a component: as it was parsed before, else parsed and kept.
    fn index(
        &self,
        asked: &Asked<'_>,
        release: &Release,
        component: &str,
    ) -> Result<Index, ChoiceError> {
        let file = release
            .index(component, debian_arch(self.arch))
            .map_err(|source| ChoiceError::Release {
                suite: asked.name.clone(),
                source: Box::new(source),
            })?;
        let supply = self.tools.supply;
        let kept = supply.derived(DERIVED, &file.sha256);
        if let Some(index) = kept.and_then(|kept| Index::from_bytes(&kept, &file.sha256).ok()) {
            return Ok(index);
        }
        let index = self.parse(asked, release, &file)?;
        supply.keep_derived(DERIVED, &file.sha256, &index.to_bytes(&file.sha256));
        Ok(index)
    }

    fn parse(
        &self,
        asked: &Asked<'_>,
        release: &Release,
        file: &IndexFile,
    ) -> Result<Index, ChoiceError> {
        let path = release.location(file);
        let blob = Blob {
            sha256: file.sha256,
            size: file.size,
        };
        let place = (asked.archive, path.as_str(), Some(release.date.0));
        self.obtain(blob, place)
            .map_err(|source| file_error(asked.archive, &path, source))?;
        let stored = self.open(asked.archive, &path, blob)?;
        Index::read(BufReader::with_capacity(256 << 10, stored)).map_err(|source| {
            ChoiceError::Index {
                suite: asked.name.clone(),
                file: file.path.clone(),
                source: Box::new(source),
            }
        })
    }

    fn obtain(
        &self,
        blob: Blob,
        (archive, path, date): (&str, &str, Option<u64>),
    ) -> Result<(), SupplyError> {
        self.tools.supply.obtain(&[Wanted {
            blob,
            name: path.to_owned(),
            place: Place::Archive {
                archive: archive.to_owned(),
                path: path.to_owned(),
                date,
            },
        }])
    }

    fn bytes(&self, archive: &str, path: &str, blob: Blob) -> Result<Vec<u8>, ChoiceError> {
        let mut stored = self.open(archive, path, blob)?;
        let mut bytes = Vec::new();
        stored
            .read_to_end(&mut bytes)
            .map_err(|source| ChoiceError::Read {
                archive: archive.to_owned(),
                file: path.to_owned(),
                source,
            })?;
        Ok(bytes)
    }

    /// A blob of the store, compared with its digest as it is read.
    fn open(
        &self,
        archive: &str,
        path: &str,
        blob: Blob,
    ) -> Result<Box<dyn Read + Send>, ChoiceError> {
        let content = Content::Blob {
            blob,
            name: path.to_owned(),
        };
        content
            .open(self.tools.supply)
            .map_err(|source| file_error(archive, path, source.into()))
    }
}

fn sorted(words: &[enclair_recipe::Spanned<String>]) -> Vec<String> {
    let mut words: Vec<_> = words.iter().map(|word| word.get().clone()).collect();
    words.sort();
    words
}

fn file_error(archive: &str, file: &str, source: SupplyError) -> ChoiceError {
    ChoiceError::File {
        archive: archive.to_owned(),
        file: file.to_owned(),
        source,
    }
}
