//! The packages of two sources.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use enclair_packages::version::Version;
use enclair_recipe::{Lock, LockedPackage};

use super::Movements;
use crate::project::packages::source_packages;

/// What became of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PackageChange {
    /// It has another version.
    Version {
        /// As it was.
        old: LockedPackage,
        /// As it is now.
        new: LockedPackage,
        /// Which of them is the higher one.
        direction: Direction,
    },
    /// It came in.
    Added(LockedPackage),
    /// It is gone.
    Removed(LockedPackage),
    /// Its version is the same, and its content is another.
    Content {
        /// As it was.
        old: LockedPackage,
        /// As it is now.
        new: LockedPackage,
    },
    /// It is the same, from elsewhere or for another reason.
    Origin {
        /// As it was.
        old: LockedPackage,
        /// As it is now.
        new: LockedPackage,
    },
}

/// How two versions compare, by the distribution's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The new one is higher.
    Up,
    /// The new one is lower.
    Down,
    /// They are equal and written differently, or one of them is no version.
    Level,
}

impl PackageChange {
    /// The package: as it is now, or as it was when it is gone.
    pub const fn package(&self) -> &LockedPackage {
        match self {
            Self::Version { new, .. }
            | Self::Added(new)
            | Self::Content { new, .. }
            | Self::Origin { new, .. } => new,
            Self::Removed(old) => old,
        }
    }

    /// The package as it was.
    pub const fn old(&self) -> Option<&LockedPackage> {
        match self {
            Self::Version { old, .. }
            | Self::Removed(old)
            | Self::Content { old, .. }
            | Self::Origin { old, .. } => Some(old),
            Self::Added(_) => None,
        }
    }

    /// What happened, in a word.
    pub const fn text(&self) -> &'static str {
        match self {
            Self::Version { direction, .. } => match direction {
                Direction::Up => "upgraded",
                Direction::Down => "downgraded",
                Direction::Level => "respelled",
            },
            Self::Added(_) => "added",
            Self::Removed(_) => "removed",
            Self::Content { .. } => "ALTERED",
            Self::Origin { .. } => "moved",
        }
    }

    pub(super) const fn registers(&self) -> Movements {
        match self {
            Self::Version { .. } | Self::Added(_) | Self::Removed(_) | Self::Content { .. } => {
                Movements::APPLICATION
            }
            Self::Origin { .. } => Movements::NONE,
        }
    }
}

type Key<'a> = (&'a str, &'a str);

fn by_key(lock: &Lock) -> BTreeMap<Key<'_>, &LockedPackage> {
    let packages = source_packages(lock).iter();
    packages
        .map(|package| ((&*package.name, &*package.arch), package))
        .collect()
}

/// What became of the packages, by name and architecture.
pub(super) fn changes(old: &Lock, new: &Lock) -> Vec<PackageChange> {
    let (old, new) = (by_key(old), by_key(new));
    let keys: BTreeSet<Key<'_>> = old.keys().chain(new.keys()).copied().collect();
    let changes = keys
        .into_iter()
        .filter_map(|key| match (old.get(&key), new.get(&key)) {
            (Some(old), Some(new)) => change(old, new),
            (None, Some(new)) => Some(PackageChange::Added((*new).clone())),
            (Some(old), None) => Some(PackageChange::Removed((*old).clone())),
            (None, None) => None,
        });
    changes.collect()
}

fn change(old: &LockedPackage, new: &LockedPackage) -> Option<PackageChange> {
    if old == new {
        return None;
    }
    let is_version = old.version != new.version;
    let is_content = old.blob != new.blob;
    let direction = direction(&old.version, &new.version);
    let (old, new) = (old.clone(), new.clone());
    Some(if is_version {
        PackageChange::Version {
            old,
            new,
            direction,
        }
    } else if is_content {
        PackageChange::Content { old, new }
    } else {
        PackageChange::Origin { old, new }
    })
}

fn direction(old: &str, new: &str) -> Direction {
    let (Ok(old), Ok(new)) = (Version::parse(old), Version::parse(new)) else {
        return Direction::Level;
    };
    match new.cmp(&old) {
        Ordering::Greater => Direction::Up,
        Ordering::Less => Direction::Down,
        Ordering::Equal => Direction::Level,
    }
}
