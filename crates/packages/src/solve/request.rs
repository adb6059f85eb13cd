//! What is asked for.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::control::{NameError, check_architecture, check_name};
use crate::index::{Package, RelationKind};

/// A set of packages that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The architecture of the system, as in `amd64`.
    pub architecture: Box<str>,
    /// What is asked for, in any order.
    pub install: Vec<Asked>,
    /// Names of packages that must not come in. They are left out of the base, and nobody's
    /// dependency is satisfied by one.
    pub exclude: Vec<Box<str>>,
    /// What is installed besides.
    pub base: Base,
    /// Whether recommended packages are installed too.
    pub recommends: Recommends,
}

/// Which packages are there without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Base {
    /// None.
    None,
    /// Those with `Essential: yes`.
    Essential,
    /// Those with `Essential: yes` or `Priority: required`.
    Required,
}

impl Base {
    pub(super) fn has(self, package: &Package<'_>) -> bool {
        let required = package.priority() == crate::index::Priority::Required;
        match self {
            Self::None => false,
            Self::Essential => package.is_essential(),
            Self::Required => package.is_essential() || required,
        }
    }
}

/// What becomes of `Recommends`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Recommends {
    /// Left out.
    Leave,
    /// Installed where that is possible.
    Install,
}

impl Recommends {
    /// Whether relations of this kind ask for packages.
    pub(super) const fn asks(self, kind: RelationKind) -> bool {
        match kind {
            RelationKind::PreDepends | RelationKind::Depends => true,
            RelationKind::Recommends => matches!(self, Self::Install),
            RelationKind::Provides
            | RelationKind::Conflicts
            | RelationKind::Breaks
            | RelationKind::Replaces => false,
        }
    }
}

/// A package that is asked for: `NAME[:ARCHITECTURE][=VERSION | /SUITE]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asked {
    /// The package's name.
    pub name: Box<str>,
    /// Its architecture, if that is not the system's.
    pub architecture: Option<Box<str>>,
    /// Which of its versions.
    pub choice: Choice,
}

/// Which version of a package is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// The candidate: of the highest priority, and of those the highest.
    Candidate,
    /// `=VERSION`: this text exactly.
    Version(Box<str>),
    /// `=BEGINNING*`: one whose text begins like this.
    Beginning(Box<str>),
    /// `/SUITE`: one of this suite, and with it what it needs from there.
    Suite(Box<str>),
}

/// A text that asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AskedError {
    /// A name that no package can have.
    #[error("`{asked}` begins with no name of a package")]
    Name {
        /// The whole text.
        asked: Box<str>,
        /// Why.
        #[source]
        source: NameError,
    },
    /// An architecture that is none.
    #[error("`{asked}`: what is behind the colon is no architecture")]
    Architecture {
        /// The whole text.
        asked: Box<str>,
        /// Why.
        #[source]
        source: NameError,
    },
    /// Nothing behind `=`, or a character that no version has.
    #[error("`{asked}`: what is behind `=` is no version, and no beginning of one with a `*`")]
    Version {
        /// The whole text.
        asked: Box<str>,
    },
    /// Nothing behind `/`.
    #[error("`{asked}`: what is behind `/` is no suite")]
    Suite {
        /// The whole text.
        asked: Box<str>,
    },
}

impl FromStr for Asked {
    type Err = AskedError;

    fn from_str(text: &str) -> Result<Self, AskedError> {
        let asked = || Box::from(text);
        let end = text.find(['=', '/']).unwrap_or(text.len());
        let (package, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let (name, architecture) = match package.split_once(':') {
            Some((name, architecture)) => (name, Some(architecture)),
            None => (package, None),
        };
        check_name(name).map_err(|source| AskedError::Name {
            asked: asked(),
            source,
        })?;
        if let Some(architecture) = architecture {
            check_architecture(architecture).map_err(|source| AskedError::Architecture {
                asked: asked(),
                source,
            })?;
        }
        Ok(Self {
            name: name.into(),
            architecture: architecture.filter(|name| *name != "native").map(Box::from),
            choice: Choice::parse(rest, asked)?,
        })
    }
}

impl Choice {
    fn parse(text: &str, asked: impl Fn() -> Box<str>) -> Result<Self, AskedError> {
        if let Some(suite) = text.strip_prefix('/') {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-.:_+".contains(c);
            return if !suite.is_empty() && suite.chars().all(allowed) {
                Ok(Self::Suite(suite.into()))
            } else {
                Err(AskedError::Suite { asked: asked() })
            };
        }
        let Some(version) = text.strip_prefix('=') else {
            return Ok(Self::Candidate);
        };
        let beginning = version.strip_suffix('*');
        let plain = beginning.unwrap_or(version);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-.:+~".contains(c);
        if plain.is_empty() || !plain.chars().all(allowed) {
            return Err(AskedError::Version { asked: asked() });
        }
        Ok(match beginning {
            Some(beginning) => Self::Beginning(beginning.into()),
            None => Self::Version(version.into()),
        })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(architecture) = &self.architecture {
            write!(f, ":{architecture}")?;
        }
        match &self.choice {
            Choice::Candidate => Ok(()),
            Choice::Version(version) => write!(f, "={version}"),
            Choice::Beginning(beginning) => write!(f, "={beginning}*"),
            Choice::Suite(suite) => write!(f, "/{suite}"),
        }
    }
}
