//! Why a request comes to no set of packages.

use std::fmt;

use thiserror::Error;

use super::pool::Version;
use super::{Asked, MAX_STEPS};
use crate::index::RelationKind;
use crate::relation::RelationError;

/// A request that comes to no set of packages.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SolveError {
    /// Nothing has this name.
    #[error("`{asked}`: no package has this name in {}", List(places))]
    Unknown {
        /// What was asked for.
        asked: Asked,
        /// Names that are near to it, the nearest first.
        near: Vec<Box<str>>,
        /// Suites and components that were looked in.
        places: Vec<Box<str>>,
    },
    /// A name that several packages provide, and none has.
    #[error("`{name}` is no package, and is provided by {}", List(providers))]
    Virtual {
        /// The name.
        name: Box<str>,
        /// Who provides it, by name.
        providers: Vec<Box<str>>,
    },
    /// The package is there, in other versions.
    #[error("`{asked}`: there is no such version; {}", Versions(found))]
    NoVersion {
        /// What was asked for.
        asked: Asked,
        /// Which versions there are.
        found: Vec<Found>,
    },
    /// A package that is asked for and excluded.
    #[error("`{name}` is asked for and excluded")]
    Excluded {
        /// Its name.
        name: Box<str>,
    },
    /// A package that is asked for in two versions.
    #[error("`{name}` is asked for in two versions, {first} and {second}")]
    TwoVersions {
        /// Its name.
        name: Box<str>,
        /// One version.
        first: Box<str>,
        /// The other version.
        second: Box<str>,
    },
    /// A relation of a package that cannot be read.
    #[error("package `{package}` {version}: the field `{field}` cannot be read")]
    Relation {
        /// The package's name.
        package: Box<str>,
        /// Its version.
        version: Box<str>,
        /// The field.
        field: RelationKind,
        /// Why.
        #[source]
        source: RelationError,
    },
    /// Dependencies that cannot be satisfied.
    #[error("{0}")]
    Unsatisfiable(Box<Failure>),
    /// A request that takes too long to decide.
    #[error("the search for packages was given up after {MAX_STEPS} relations")]
    Limit,
}

impl SolveError {
    /// What to do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { near, .. } if !near.is_empty() => {
                Some(format!("there is {}", List(near)))
            }
            Self::Unknown { .. } => Some("add the suite or component that has it".to_owned()),
            Self::Virtual { .. } => Some("ask for one of them".to_owned()),
            Self::NoVersion { .. } => Some(
                "an ordinary mirror has the newest version only; an archive has more".to_owned(),
            ),
            Self::Unsatisfiable(failure) => failure.hint(),
            Self::Limit => Some("ask for versions or for alternatives by name".to_owned()),
            Self::Excluded { .. } | Self::TwoVersions { .. } | Self::Relation { .. } => None,
        }
    }
}

/// A version of a package, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The version.
    pub version: Box<str>,
    /// The architecture, as in `amd64` or `all`.
    pub architecture: Box<str>,
    /// The suite, as in `debian:bookworm`.
    pub suite: Box<str>,
}

impl Found {
    pub(super) fn of((source, package): &Version<'_>) -> Self {
        Self {
            version: package.version().into(),
            architecture: package.architecture().into(),
            suite: source.suite.into(),
        }
    }
}

/// A package that cannot be installed, and what stands in its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The package's name.
    pub package: Box<str>,
    /// Its version.
    pub version: Box<str>,
    /// What it needs and cannot get, as a field and the relations in it; `None` when the package
    /// itself cannot be installed beside others.
    pub need: Option<(RelationKind, Box<str>)>,
    /// Why none of the alternatives can be installed.
    pub obstacles: Vec<Obstacle>,
    /// Who wants the package, and who wants that one, until one that is asked for.
    pub wanted: Vec<Wanted>,
}

/// Who wants a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who.
    pub by: Box<str>,
    /// In which field.
    pub field: RelationKind,
    /// In which words.
    pub relation: Box<str>,
}

/// Why one alternative cannot be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// No package has or provides the name.
    NoPackage {
        /// The name.
        name: Box<str>,
        /// Suites and components that were looked in.
        places: Vec<Box<str>>,
    },
    /// There are other versions, or ones for other architectures.
    NoVersion {
        /// The relation.
        relation: Box<str>,
        /// What there is.
        found: Vec<Found>,
        /// What of that would do, and is no candidate.
        fitting: Option<Found>,
    },
    /// The request excludes it.
    Excluded {
        /// The package's name.
        name: Box<str>,
    },
    /// It cannot be installed together with another one.
    Conflict {
        /// The package's name.
        name: Box<str>,
        /// With which package.
        with: Box<str>,
        /// Which of the two says so, in which field and words; `None` when they are one package for
        /// two architectures.
        said: Option<Wanted>,
        /// Who wants the other one, until one that is asked for.
        wanted: Vec<Wanted>,
    },
    /// Something that it needs cannot be installed.
    Failed(Box<Failure>),
    /// It was tried in other company, and did not work there.
    Tried {
        /// The package's name.
        name: Box<str>,
    },
}

impl Failure {
    /// What to do about it, where there is something.
    fn hint(&self) -> Option<String> {
        self.obstacles.iter().find_map(|obstacle| match obstacle {
            Obstacle::Excluded { name } => Some(format!(
                "do not exclude `{name}`, or ask for an alternative"
            )),
            Obstacle::NoPackage { .. } => Some("add the suite or component that has it".to_owned()),
            Obstacle::NoVersion {
                relation,
                fitting: Some(fitting),
                ..
            } => {
                let name = relation.split([' ', ':']).next().unwrap_or_default();
                Some(format!(
                    "ask for `{name}={}` too, of {}",
                    fitting.version, fitting.suite
                ))
            }
            Obstacle::Failed(failure) => failure.hint(),
            Obstacle::NoVersion { .. } | Obstacle::Conflict { .. } | Obstacle::Tried { .. } => None,
        })
    }
}

/// How many alternatives and steps a message names.
const SHOWN: usize = 6;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.need {
            Some((field, relation)) => write!(
                f,
                "`{}` {} needs `{relation}` ({field}): ",
                self.package, self.version
            )?,
            None => write!(
                f,
                "`{}` {} cannot be installed: ",
                self.package, self.version
            )?,
        }
        for (number, obstacle) in self.obstacles.iter().take(SHOWN).enumerate() {
            let separator = if number == 0 { "" } else { "; " };
            write!(f, "{separator}{obstacle}")?;
        }
        write_wanted(f, &self.package, &self.wanted)
    }
}

fn write_wanted(f: &mut fmt::Formatter<'_>, package: &str, wanted: &[Wanted]) -> fmt::Result {
    for (number, wanted) in wanted.iter().take(SHOWN).enumerate() {
        if number == 0 {
            write!(f, "; `{package}` is wanted by `{}`", wanted.by)?;
        } else {
            write!(f, ", that by `{}`", wanted.by)?;
        }
    }
    Ok(())
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPackage { name, places } => {
                write!(f, "nothing has or provides `{name}` in {}", List(places))
            }
            Self::NoVersion {
                relation, found, ..
            } if found.is_empty() => {
                write!(f, "nothing provides `{relation}` in that version")
            }
            Self::NoVersion { found, .. } => write!(f, "{}", Versions(found)),
            Self::Excluded { name } => write!(f, "`{name}` is excluded"),
            Self::Conflict {
                name,
                with,
                said: Some(said),
                wanted,
            } => {
                write!(
                    f,
                    "`{name}` cannot be installed with `{with}`, because `{}` ",
                    said.by
                )?;
                write!(f, "has `{}: {}`", said.field, said.relation)?;
                write_wanted(f, with, wanted)
            }
            Self::Conflict { name, with, .. } => write!(
                f,
                "`{name}` cannot be installed for a second architecture beside `{with}`"
            ),
            Self::Failed(failure) => write!(f, "{failure}"),
            Self::Tried { name } => write!(f, "with `{name}` nothing fits together"),
        }
    }
}

/// Words of a sentence.
struct List<'a>(&'a [Box<str>]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.iter().take(SHOWN);
        for (number, word) in shown.enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(f, "{separator}`{word}`")?;
        }
        if self.0.len() > SHOWN {
            f.write_str(" and others")?;
        }
        Ok(())
    }
}

/// Which versions there are, by suite.
struct Versions<'a>(&'a [Found]);

impl fmt::Display for Versions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, found) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if number == 0 { "" } else { ", " };
            write!(
                f,
                "{separator}in {} there is {}",
                found.suite, found.version
            )?;
            if found.architecture.as_ref() != "all" {
                write!(f, " for {}", found.architecture)?;
            }
        }
        Ok(())
    }
}
