//! What is known of packages that were chosen already: their control data, as a universe of its own.
//!
//! ```text
//! locked package -> the suites as they were locked: the same name, version and digest
//!                -> else its own control file, out of the store
//! ```
//!
//! Whichever it is, it is about the package with this digest: a suite that has another file under the
//! same name and version knows nothing of it.

use std::collections::BTreeMap;
use std::io::{BufReader, Read as _, Write};

use enclair_digest::{Bounded, Engine, Expected, Sha256, Verified};
use enclair_packages::control::Control;
use enclair_packages::deb;
use enclair_packages::index::{Gathering, Index, MAX_PACKAGE_SIZE, Package, PackageFile};
use enclair_packages::solve::{Pin, Source, Universe};
use enclair_recipe::{Blob, LockedPackage, Supply};

use super::listing::ListingError;
use super::suites::Suite;
use crate::enclave::Tools;

/// Bytes that are read from a package at once.
const BUFFER: usize = 64 << 10;

/// Packages, and what their control files say.
#[derive(Debug, Default)]
pub(in crate::project) struct Known {
    /// By where they are from: a suite or an archive.
    indexes: BTreeMap<String, Index>,
}

impl Known {
    /// Finds out what is known of `packages`. The suites may be fewer than they are from.
    ///
    /// # Errors
    ///
    /// A package that no suite has and that is not in the store, and one that cannot be read or is
    /// another than it is called.
    pub(in crate::project) fn of<E: Engine>(
        packages: &[LockedPackage],
        suites: &[Suite],
        tools: &Tools<'_, E>,
    ) -> Result<Self, ListingError> {
        let mut collecting = Collecting::default();
        for package in packages {
            if let Some(found) = in_suites(package, suites) {
                collecting.add(&package.from, &found)?;
                continue;
            }
            let read = read_package(package.blob.sha256, tools)
                .map_err(|error| error.of(&package.to_string()))?;
            let control = &read.control;
            let (version, arch) = (control.version().as_str(), control.architecture());
            if (control.name(), version, arch)
                != (&*package.name, &*package.version, &*package.arch)
            {
                return Err(ListingError::OtherPackage {
                    package: package.to_string(),
                    found: format!("{} {version} {arch}", control.name()),
                });
            }
            collecting.add_control(&package.from, control, (&package.file, package.blob))?;
        }
        collecting.finish()
    }

    /// All of them, each in the suite or archive that it is from.
    pub(in crate::project) fn universe(&self) -> Universe<'_> {
        Universe::new(self.indexes.iter().map(|(from, index)| Source {
            suite: from,
            component: "",
            pin: Pin::Normal,
            index,
        }))
    }
}

/// Packages that come together.
#[derive(Debug, Default)]
pub(in crate::project) struct Collecting {
    by_origin: BTreeMap<String, Gathering>,
}

impl Collecting {
    /// Takes a package of an index.
    ///
    /// # Errors
    ///
    /// See [`Gathering::add`].
    pub(in crate::project) fn add(
        &mut self,
        from: &str,
        package: &Package<'_>,
    ) -> Result<(), ListingError> {
        let gathering = self.by_origin.entry(from.to_owned()).or_default();
        gathering.add(package).map_err(unusable)
    }

    /// Takes a package by its control file.
    ///
    /// # Errors
    ///
    /// See [`Gathering::add_control`].
    pub(in crate::project) fn add_control(
        &mut self,
        from: &str,
        control: &Control,
        (path, blob): (&str, Blob),
    ) -> Result<(), ListingError> {
        let gathering = self.by_origin.entry(from.to_owned()).or_default();
        let Blob { sha256, size } = blob;
        let file = PackageFile { path, size, sha256 };
        gathering.add_control(control, file).map_err(unusable)
    }

    /// All that were taken.
    ///
    /// # Errors
    ///
    /// Two packages of one name, version and architecture.
    pub(in crate::project) fn finish(self) -> Result<Known, ListingError> {
        let mut indexes = BTreeMap::new();
        for (from, gathering) in self.by_origin {
            indexes.insert(from, gathering.finish().map_err(unusable)?);
        }
        Ok(Known { indexes })
    }
}

fn unusable(source: enclair_packages::index::IndexError) -> ListingError {
    ListingError::Unusable {
        source: Box::new(source),
    }
}

/// The package in a suite's index, where that has the very same.
fn in_suites<'a>(locked: &LockedPackage, suites: &'a [Suite]) -> Option<Package<'a>> {
    let indexes = suites.iter().flat_map(|suite| &suite.indexes);
    let mut packages = indexes.flat_map(|index| index.named(&locked.name));
    packages.find(|package| {
        package.sha256() == locked.blob.sha256
            && package.version() == locked.version
            && package.architecture() == locked.arch
            && package.size() == locked.blob.size
    })
}

/// A package of the store.
#[derive(Debug)]
pub(in crate::project) struct ReadPackage {
    pub(in crate::project) control: Control,
    pub(in crate::project) blob: Blob,
}

/// Why a package of the store was not read.
#[derive(Debug)]
pub(in crate::project) enum Unread {
    Absent(enclair_recipe::SupplyError),
    /// Its content is another.
    Altered(std::io::Error),
    Deb(Box<deb::DebError>),
    /// It was read, and its copy cannot be written.
    Written(std::io::Error),
}

impl Unread {
    /// The error for what is called `package`.
    pub(in crate::project) fn of(self, package: &str) -> ListingError {
        let package = package.to_owned();
        match self {
            Self::Absent(source) => ListingError::Absent { package, source },
            Self::Altered(source) => ListingError::Altered { package, source },
            Self::Deb(source) => ListingError::Package { package, source },
            Self::Written(source) => ListingError::Written { package, source },
        }
    }
}

/// Reads the control file of a package of the store, and all of the package for its digest.
///
/// # Errors
///
/// One that is not there, is altered, or is no package.
pub(in crate::project) fn read_package<E: Engine>(
    sha256: Sha256,
    tools: &Tools<'_, E>,
) -> Result<ReadPackage, Unread> {
    let supply: &dyn Supply = tools.supply;
    let stored = supply.open(&sha256).map_err(Unread::Absent)?;
    let expected = Expected {
        name: format!("sha256:{sha256}"),
        digest: sha256,
        size: None,
    };
    let verified = Verified::new(stored, tools.engine, expected);
    let bounded = Bounded::new(verified, MAX_PACKAGE_SIZE);
    let mut reader = BufReader::with_capacity(BUFFER, bounded);
    let control = deb::read_control(&mut reader);
    let mut bounded = reader.into_inner();
    // What is not the package by its digest fails in some way of its own, which would mislead.
    let rest = std::io::copy(&mut bounded, &mut std::io::sink());
    rest.map_err(Unread::Altered)?;
    let size = bounded.bytes_read();
    bounded.into_inner().finish().map_err(Unread::Altered)?;
    let control = control.map_err(|error| Unread::Deb(Box::new(error)))?;
    let blob = Blob { sha256, size };
    Ok(ReadPackage { control, blob })
}

/// Copies a package of the store, compared with its digest.
///
/// # Errors
///
/// One that is not there or is altered, and those of `out`.
pub(in crate::project) fn copy_package<E: Engine>(
    blob: Blob,
    tools: &Tools<'_, E>,
    out: &mut dyn Write,
) -> Result<(), Unread> {
    let stored = tools.supply.open(&blob.sha256).map_err(Unread::Absent)?;
    let expected = Expected {
        name: format!("sha256:{}", blob.sha256),
        digest: blob.sha256,
        size: Some(blob.size),
    };
    let mut verified = Verified::new(stored, tools.engine, expected);
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = verified.read(&mut buffer).map_err(Unread::Altered)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        tools.progress.advance(count as u64);
        out.write_all(bytes).map_err(Unread::Written)?;
    }
}
