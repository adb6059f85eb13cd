//! Relations between packages (Debian policy, chapter 7), as in `Depends`.
//!
//! ```text
//! libc6 (>= 2.34), python3:any | python2, gcc [amd64 !i386] <!nocheck>
//!
//! list         groups with `,` between them: each has to hold
//! group        alternatives with `|` between them: one has to hold
//! alternative  NAME [:ARCHITECTURE] [(OPERATOR VERSION)] [ARCHITECTURES] <PROFILES>..
//! ```
//!
//! Not here: whether a relation holds. That is [`crate::solve`]'s to say, because it depends on
//! Multi-Arch and on what provides what.
//!
//! The surprise: `<` and `>` are obsolete, and mean `<=` and `>=`. Empty groups, as a comma at the
//! end leaves them, are passed over as dpkg and apt do; empty alternatives are refused.

mod error;
mod parse;
#[cfg(test)]
mod tests;

use std::fmt;

pub use error::{RelationError, RelationProblem};

use crate::version::Version;

/// A list of groups, each of which has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Relations(Vec<Group>);

impl Relations {
    /// Reads a field such as `Depends`.
    ///
    /// # Errors
    ///
    /// When it is no list of relations: what, and at which byte.
    pub fn parse(text: &str) -> Result<Self, RelationError> {
        parse::relations(text).map(Self)
    }

    /// The groups, in the order of the field.
    pub fn groups(&self) -> &[Group] {
        &self.0
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every relation of every group: what a field without alternatives, such as `Conflicts` or
    /// `Provides`, is a list of.
    pub fn iter(&self) -> impl Iterator<Item = &Relation> {
        self.0.iter().flat_map(Group::alternatives)
    }
}

/// Alternatives, one of which has to hold. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group(Vec<Relation>);

impl Group {
    /// The alternatives, in the order of preference.
    pub fn alternatives(&self) -> &[Relation] {
        &self.0
    }

    /// The group with the alternatives that `keep` says, if there are any.
    pub(crate) fn filtered(&self, keep: impl Fn(&Relation) -> bool) -> Option<Self> {
        let kept: Vec<_> = self.0.iter().filter(|one| keep(one)).cloned().collect();
        (!kept.is_empty()).then_some(Self(kept))
    }
}

/// One relation to a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The name of a package, real or virtual.
    pub name: Box<str>,
    /// Of which architecture the package has to be, where that is said.
    pub qualifier: Option<Qualifier>,
    /// Which versions are meant; all of them where nothing is said.
    pub constraint: Option<Constraint>,
    /// On which architectures the relation counts, everywhere when empty. Only source packages
    /// have this.
    pub architectures: Vec<Term>,
    /// In which build profiles the relation counts: in those where every term of one list holds,
    /// always when empty. Only source packages have this.
    pub profiles: Vec<Vec<Term>>,
}

/// The architecture behind the name of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Qualifier {
    /// `:any`: the package may be of any architecture, if it allows that.
    Any,
    /// `:native`: the architecture that is built on. Only source packages have this.
    Native,
    /// Exactly this architecture.
    Architecture(Box<str>),
}

/// An operator and a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// How the package's version has to compare.
    pub operator: Operator,
    /// With which version.
    pub version: Version,
}

impl Constraint {
    /// Whether `version` is one of those that are meant.
    pub fn admits(&self, version: &Version) -> bool {
        self.operator.admits(version.cmp(&self.version))
    }
}

/// How versions have to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`, and the obsolete `<`
    EarlierEqual,
    /// `=`
    Equal,
    /// `>=`, and the obsolete `>`
    LaterEqual,
    /// `>>`
    Later,
}

impl Operator {
    /// Whether a version that compares like this with the constraint's is one that is meant.
    pub const fn admits(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Earlier => order.is_lt(),
            Self::EarlierEqual => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::LaterEqual => order.is_ge(),
            Self::Later => order.is_gt(),
        }
    }

    /// How it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierEqual => "<=",
            Self::Equal => "=",
            Self::LaterEqual => ">=",
            Self::Later => ">>",
        }
    }
}

/// An architecture or a build profile, wanted or, with `!`, unwanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// It has to be this one.
    Is(Box<str>),
    /// It must not be this one.
    Not(Box<str>),
}

impl fmt::Display for Relations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(f, &self.0, ", ")
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_joined(f, &self.0, " | ")
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.qualifier {
            None => {}
            Some(Qualifier::Any) => f.write_str(":any")?,
            Some(Qualifier::Native) => f.write_str(":native")?,
            Some(Qualifier::Architecture(name)) => write!(f, ":{name}")?,
        }
        if let Some(constraint) = &self.constraint {
            write!(f, " ({constraint})")?;
        }
        if !self.architectures.is_empty() {
            f.write_str(" [")?;
            write_joined(f, &self.architectures, " ")?;
            f.write_str("]")?;
        }
        for terms in &self.profiles {
            f.write_str(" <")?;
            write_joined(f, terms, " ")?;
            f.write_str(">")?;
        }
        Ok(())
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operator.as_str(), self.version)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(name) => f.write_str(name),
            Self::Not(name) => write!(f, "!{name}"),
        }
    }
}

fn write_joined<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}
