//! The JSON documents of `enclair packages`, and of what is asked of a build's `packages.json`.

use enclair_build::{
    Change, Contained, Downloaded, LockChange, LockComparison, LockFile, Movements, PackageChange,
    Why, WhyChain,
};
use enclair_recipe::{LockedPackage, LockedSuite};
use schemars::JsonSchema;
use serde::Serialize;

/// Version of the documents below.
const SCHEMA: u32 = 1;

/// A package.
#[derive(Debug, Serialize, JsonSchema)]
struct PackageDocument {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// Its architecture, as in `amd64` or `all`.
    arch: String,
    /// The suite that it was chosen from, or an archive alone.
    from: String,
    /// Its path in the archive.
    file: String,
    /// Bytes of its file.
    size: u64,
    /// SHA-256 of its file.
    sha256: String,
    /// SHA-1 of its file, where it was learnt.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha1: Option<String>,
}

impl From<&LockedPackage> for PackageDocument {
    fn from(package: &LockedPackage) -> Self {
        Self {
            name: package.name.clone(),
            version: package.version.clone(),
            arch: package.arch.clone(),
            from: package.from.clone(),
            file: package.file.clone(),
            size: package.blob.size,
            sha256: package.blob.sha256.to_string(),
            sha1: package.sha1.digits().map(str::to_owned),
        }
    }
}

/// A suite.
#[derive(Debug, Serialize, JsonSchema)]
struct SuiteDocument {
    /// Distribution or repository, and suite, as in `debian:bookworm`.
    name: String,
    /// The archive that it is in.
    archive: String,
    /// The components that were looked at.
    components: Vec<String>,
    /// `Date` of its Release file, in seconds since 1970.
    date: u64,
    /// SHA-256 of the signed Release file.
    release: String,
    /// The fingerprint of the key that signed it.
    key: String,
}

impl From<&LockedSuite> for SuiteDocument {
    fn from(suite: &LockedSuite) -> Self {
        Self {
            name: suite.name.clone(),
            archive: suite.archive.clone(),
            components: suite.components.clone(),
            date: suite.date,
            release: suite.release.sha256.to_string(),
            key: suite.key.clone(),
        }
    }
}

/// `packages list --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PackagesListDocument {
    /// Version of this document.
    schema: u32,
    /// The lock's file.
    lock: String,
    /// The packages of the source in the order of installation, then those that single files are of.
    packages: Vec<ListedDocument>,
    /// The suites that they were chosen from.
    suites: Vec<SuiteDocument>,
    /// How many packages there are.
    count: usize,
    /// Bytes of all their files.
    bytes: u64,
}

/// A package of a list.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedDocument {
    #[serde(flatten)]
    package: PackageDocument,
    /// `source`, or the entry that is a file of it: `kernel`.
    of: String,
    /// Whether the recipe names it.
    asked: bool,
}

impl PackagesListDocument {
    pub(crate) fn new(file: &LockFile, listed: &[(&'static str, &LockedPackage)]) -> Self {
        let packages = listed.iter().map(|(of, package)| ListedDocument {
            package: PackageDocument::from(*package),
            of: (*of).to_owned(),
            asked: package.asked,
        });
        Self {
            schema: SCHEMA,
            lock: file.path.display().to_string(),
            packages: packages.collect(),
            suites: file.lock.suites.iter().map(SuiteDocument::from).collect(),
            count: listed.len(),
            bytes: listed.iter().map(|(_, package)| package.blob.size).sum(),
        }
    }
}

/// `packages why --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PackagesWhyDocument {
    /// Version of this document.
    schema: u32,
    /// The lock's file.
    lock: String,
    /// The packages of this name, one for each architecture.
    packages: Vec<PackageDocument>,
    /// The shortest ways to them.
    chains: Vec<ChainDocument>,
    /// Entries of the lock that are files of it.
    files: Vec<String>,
}

/// A way to a package.
#[derive(Debug, Serialize, JsonSchema)]
struct ChainDocument {
    /// Name of the package that it begins with.
    name: String,
    /// Its version.
    version: String,
    /// Its architecture.
    arch: String,
    /// Why that one is there: `asked for`, `essential`, `required` or `imported`.
    reason: String,
    /// What each package on the way needs.
    needs: Vec<NeedDocument>,
}

/// What a package needs.
#[derive(Debug, Serialize, JsonSchema)]
struct NeedDocument {
    /// The field: `Depends`.
    field: String,
    /// One group of it.
    relation: String,
    /// Name of the package that meets it.
    name: String,
    /// Its version.
    version: String,
    /// Its architecture.
    arch: String,
}

impl From<&WhyChain> for ChainDocument {
    fn from(chain: &WhyChain) -> Self {
        let needs = chain.needs.iter().map(|need| NeedDocument {
            field: need.field.to_owned(),
            relation: need.relation.clone(),
            name: need.package.name.clone(),
            version: need.package.version.clone(),
            arch: need.package.arch.clone(),
        });
        Self {
            name: chain.package.name.clone(),
            version: chain.package.version.clone(),
            arch: chain.package.arch.clone(),
            reason: chain.reason.text().to_owned(),
            needs: needs.collect(),
        }
    }
}

impl PackagesWhyDocument {
    pub(crate) fn new(file: &LockFile, why: &Why) -> Self {
        Self {
            schema: SCHEMA,
            lock: file.path.display().to_string(),
            packages: why.packages.iter().map(PackageDocument::from).collect(),
            chains: why.chains.iter().map(ChainDocument::from).collect(),
            files: why.files.iter().map(|entry| (*entry).to_owned()).collect(),
        }
    }
}

/// `packages download --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PackagesDownloadDocument {
    /// Version of this document.
    schema: u32,
    /// The lock's file.
    lock: String,
    /// `kept` or `updated`.
    change: &'static str,
    /// How many packages are in the store.
    packages: usize,
    /// Bytes of all of them.
    bytes: u64,
    /// Files that were written.
    files: Vec<String>,
}

impl PackagesDownloadDocument {
    pub(crate) fn new(downloaded: &Downloaded) -> Self {
        let files = downloaded.files.iter();
        Self {
            schema: SCHEMA,
            lock: downloaded.lock.path.display().to_string(),
            change: match downloaded.change {
                LockChange::Kept => "kept",
                LockChange::Created | LockChange::Updated => "updated",
            },
            packages: downloaded.packages,
            bytes: downloaded.bytes,
            files: files.map(|path| path.display().to_string()).collect(),
        }
    }
}

/// `packages diff --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PackagesDiffDocument {
    /// Version of this document.
    schema: u32,
    /// The earlier lock, as it was named.
    old: String,
    /// The later lock.
    new: String,
    /// Whether they say the same.
    equal: bool,
    /// What became of packages, by name and architecture.
    packages: Vec<PackageChangeDocument>,
    /// Everything else that is another, in the order of a lock.
    others: Vec<ChangeDocument>,
    /// Which registers all of it moves.
    registers: RegistersDocument,
}

/// What became of a package.
#[derive(Debug, Serialize, JsonSchema)]
struct PackageChangeDocument {
    /// `upgraded`, `downgraded`, `respelled`, `added`, `removed`, `altered` (the same version with
    /// another content) or `moved`.
    change: String,
    /// The package as it was; absent when it was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<PackageDocument>,
    /// The package as it is; absent when it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<PackageDocument>,
}

/// Another value of something.
#[derive(Debug, Serialize, JsonSchema)]
struct ChangeDocument {
    /// What it is called in a lock.
    what: String,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<String>,
    /// Which registers it moves.
    registers: RegistersDocument,
}

/// `stays`, `may move` or `moves` for each register.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
struct RegistersDocument {
    /// The whole image.
    pcr0: &'static str,
    /// The boot environment.
    pcr1: &'static str,
    /// The application.
    pcr2: &'static str,
}

impl From<Movements> for RegistersDocument {
    fn from(movements: Movements) -> Self {
        Self {
            pcr0: movements.pcr0.text(),
            pcr1: movements.pcr1.text(),
            pcr2: movements.pcr2.text(),
        }
    }
}

impl PackagesDiffDocument {
    pub(crate) fn new((old, new): (&str, &str), comparison: &LockComparison) -> Self {
        let package = |change: &PackageChange| PackageChangeDocument {
            change: change.text().to_lowercase(),
            old: change.old().map(PackageDocument::from),
            new: (!matches!(change, PackageChange::Removed(_)))
                .then(|| PackageDocument::from(change.package())),
        };
        let other = |change: &Change| ChangeDocument {
            what: change.what.clone(),
            old: change.old.clone(),
            new: change.new.clone(),
            registers: change.registers.into(),
        };
        Self {
            schema: SCHEMA,
            old: old.to_owned(),
            new: new.to_owned(),
            equal: comparison.is_equal(),
            packages: comparison.packages.iter().map(package).collect(),
            others: comparison.others.iter().map(other).collect(),
            registers: comparison.registers.into(),
        }
    }
}

/// `packages from-image --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PackagesFromImageDocument {
    /// Version of this document.
    schema: u32,
    /// The root filesystem, as it was named.
    root: String,
    /// The packages that were found, in the order in which they would be installed.
    packages: Vec<PackageDocument>,
    /// The suites that were looked in.
    suites: Vec<SuiteDocument>,
    /// Packages that were not found.
    missing: Vec<MissingDocument>,
    /// How many packages the other root filesystem has too.
    subtracted: usize,
}

/// A package that was not found.
#[derive(Debug, Serialize, JsonSchema)]
struct MissingDocument {
    /// Its name.
    name: String,
    /// Its version, as it is installed.
    version: String,
    /// Its architecture.
    arch: String,
    /// Why, in a sentence.
    reason: String,
}

impl PackagesFromImageDocument {
    pub(crate) fn new(root: &str, contained: &Contained) -> Self {
        let missing = contained.missing.iter().map(|missing| MissingDocument {
            name: missing.package.name.clone(),
            version: missing.package.version.clone(),
            arch: missing.package.architecture.clone(),
            reason: missing.reason.to_string(),
        });
        let packages = contained.packages.iter();
        Self {
            schema: SCHEMA,
            root: root.to_owned(),
            packages: packages.map(PackageDocument::from).collect(),
            suites: contained.suites.iter().map(SuiteDocument::from).collect(),
            missing: missing.collect(),
            subtracted: contained.subtracted,
        }
    }
}

/// `explain /PATH --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplainPathDocument {
    /// Version of this document.
    schema: u32,
    /// The path, as it was asked for.
    path: String,
    /// The packages that have it; several for a directory.
    packages: Vec<OwnerDocument>,
}

/// A package that has a path.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OwnerDocument {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its architecture.
    pub(crate) arch: String,
    /// Name of the source package that it was built from.
    pub(crate) source: String,
    /// Version of the source package.
    pub(crate) source_version: String,
    /// SHA-256 of its file.
    pub(crate) sha256: String,
    /// How many files of it the path means: 1 for a file.
    pub(crate) files: usize,
}

impl ExplainPathDocument {
    pub(crate) fn new(path: &str, packages: Vec<OwnerDocument>) -> Self {
        Self {
            schema: SCHEMA,
            path: path.to_owned(),
            packages,
        }
    }
}
