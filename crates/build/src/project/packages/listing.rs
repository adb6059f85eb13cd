//! What can go wrong with packages that are chosen already: listed, explained, downloaded, taken over
//! from another tool or from an image.

use std::io;
use std::path::PathBuf;

use enclair_digest::Sha256;
use enclair_packages::deb::DebError;
use enclair_packages::index::IndexError;
use enclair_packages::installed::InstalledError;
use enclair_packages::solve::SolveError;
use enclair_packages::sums::SumsError;
use enclair_recipe::SupplyError;
use thiserror::Error;

/// How many things a message names.
const SHOWN: usize = 12;

/// Packages that are chosen already, and cannot be worked with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListingError {
    /// A lock without packages.
    #[error("`{path}` locks no packages", path = path.display())]
    NoPackages {
        /// The lock.
        path: PathBuf,
    },
    /// A package that is not in the lock.
    #[error("`{name}` is not among the {count} locked packages")]
    NotLocked {
        /// What was asked about.
        name: String,
        /// How many there are.
        count: usize,
        /// Names that are near to it.
        near: Vec<String>,
    },
    /// A package that is not in the store.
    #[error("nothing is known of `{package}`: no suite that can be had lists it")]
    Absent {
        /// The package.
        package: String,
        /// Why the package itself cannot be read.
        #[source]
        source: SupplyError,
    },
    /// A package whose content is another than its digest says.
    #[error("`{package}` in the store cannot be read")]
    Altered {
        /// The package.
        package: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that is no package.
    #[error("`{package}` is no package that can be read")]
    Package {
        /// What it is called.
        package: String,
        /// Why.
        #[source]
        source: Box<DebError>,
    },
    /// A package that is another than it is called.
    #[error("`{package}` is another package inside: {found}")]
    OtherPackage {
        /// What the lock calls it.
        package: String,
        /// What it is, escaped.
        found: String,
    },
    /// Control data that no lock could take.
    #[error("the packages cannot be listed")]
    Unusable {
        /// Why.
        #[source]
        source: Box<IndexError>,
    },
    /// A set that is none.
    #[error("the packages do not go together")]
    Set {
        /// Why.
        #[source]
        source: Box<SolveError>,
    },
    /// A copy of a package cannot be written.
    #[error("the copy of `{package}` cannot be written")]
    Written {
        /// The package.
        package: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Two packages that would be one file.
    #[error("two packages would be the file `{name}`: {first} and {second}")]
    OneName {
        /// The last part of their paths.
        name: String,
        /// One package.
        first: String,
        /// The other one.
        second: String,
    },
    /// A recipe without `source.packages`.
    #[error("`{path}` has no `source.packages` that packages could be locked for", path = path.display())]
    OtherSource {
        /// The recipe.
        path: PathBuf,
    },
    /// A file of digests that cannot be read or written.
    #[error("the digests of packages cannot be taken")]
    Sums {
        /// Why.
        #[from]
        source: SumsError,
    },
    /// A package that no suite lists and nobody has.
    #[error("line {line}: `{path}` with digest sha256:{sha256} cannot be had")]
    Unfound {
        /// Where it stands, from 1.
        line: u32,
        /// Its path in the archive.
        path: String,
        /// What it must be.
        sha256: Sha256,
        /// Why.
        #[source]
        source: SupplyError,
    },
    /// An archive has another file there.
    #[error(
        "line {line}: `{path}` in the archive has digest sha256:{found}, not sha256:{expected}"
    )]
    OtherDigest {
        /// Where it stands, from 1.
        line: u32,
        /// Its path in the archive.
        path: String,
        /// What it must be.
        expected: Sha256,
        /// What is there.
        found: Sha256,
    },
    /// A package for another machine.
    #[error("`{package}` is not for {architecture}")]
    Architecture {
        /// The package.
        package: String,
        /// What the recipe is for.
        architecture: &'static str,
    },
    /// A set of packages that is not what the recipe asks for, or lacks something.
    #[error(
        "these packages ({count}) are not a root filesystem for this recipe: {}",
        Shown(problems)
    )]
    NotWhole {
        /// How many packages there are.
        count: usize,
        /// What is wrong, by name.
        problems: Vec<String>,
        /// What may be done about it.
        hint: &'static str,
    },
    /// A root filesystem that does not say what it has.
    #[error("`{root}` has neither `var/lib/dpkg/status` nor `var/lib/dpkg/status.d`")]
    NoStatus {
        /// The image or directory.
        root: String,
    },
    /// A list of packages that cannot be read.
    #[error("`{file}` of `{root}` is no list of packages")]
    Status {
        /// The image or directory.
        root: String,
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: InstalledError,
    },
    /// A file of a root filesystem that cannot be read.
    #[error("`{file}` of `{root}` cannot be read")]
    RootFile {
        /// The image or directory.
        root: String,
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A root filesystem that does not say which suites it is from.
    #[error("`{root}` does not say which release of Debian or Ubuntu it is")]
    NoRelease {
        /// The image or directory.
        root: String,
    },
    /// A lock of a commit that git does not give.
    #[error("git gives no file `{name}`")]
    Revision {
        /// `REVISION:PATH`.
        name: String,
    },
}

impl ListingError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotLocked { near, .. } if !near.is_empty() => {
                return Some(format!("there is {}", near.join(", ")));
            }
            Self::NotLocked { .. } => "`enclair packages list` lists them",
            Self::NoPackages { .. } => "packages are those of `source.packages` in the recipe",
            Self::Absent { .. } => "`enclair packages download` brings all of them into the store",
            Self::OneName { .. } => "leave `--dir` out: the store keeps both",
            Self::OtherSource { .. } => {
                "a recipe that says `[source.packages]` with `install` and `suites` takes them over"
            }
            Self::Unfound { .. } => {
                "a `provider` in the settings, or `enclair store import` of a directory with the \
                 packages, may have it"
            }
            Self::OtherDigest { .. } => {
                "it was built anew under its name, or altered; look at who changed it before you \
                 believe it"
            }
            Self::NotWhole { hint, .. } => hint,
            Self::NoStatus { .. } => {
                "only images of Debian and Ubuntu say which packages they have"
            }
            Self::NoRelease { .. } => "say it: `--distribution debian --suite bookworm`",
            Self::Revision { .. } => {
                "paths begin at the top of the repository, or with `./`: `v1.2:./enclair.lock`"
            }
            Self::Sums { source } => return source.hint().map(str::to_owned),
            Self::Altered { .. }
            | Self::Package { .. }
            | Self::OtherPackage { .. }
            | Self::Unusable { .. }
            | Self::Set { .. }
            | Self::Written { .. }
            | Self::Architecture { .. }
            | Self::Status { .. }
            | Self::RootFile { .. } => return None,
        };
        Some(text.to_owned())
    }
}

/// Some things by name, and how many there are besides.
struct Shown<'a>(&'a [String]);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown: Vec<_> = self.0.iter().take(SHOWN).map(String::as_str).collect();
        f.write_str(&shown.join("; "))?;
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
