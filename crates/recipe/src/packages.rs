//! `[source.packages]`: which packages of a distribution make the root filesystem.
//!
//! Names and patterns are text here; which packages they come to is the resolver's business. What a
//! recipe supplies in place of maintainer scripts (`effects`) is typed, because it decides bytes.

use enclair_digest::{Engine, Hasher, PureRust, Sha256};

use crate::canonical::canonical_packages;
use crate::recipe::{Artifact, Mode, Owner};
use crate::span::Spanned;

/// `[source.packages]`: distribution packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// Where they are chosen from.
    pub archive: PackageArchive,
    /// Archives besides the distribution's own, each with the key that it is believed by.
    pub repositories: Vec<Repository>,
    /// Packages that are asked for, as in `curl` and `curl=7.88*`; at least one.
    pub install: Vec<Spanned<String>>,
    /// Packages that must not come in as dependencies.
    pub exclude: Vec<Spanned<String>>,
    /// Whether recommended packages are installed too.
    pub recommends: Spanned<bool>,
    /// What is installed without being asked for.
    pub base: Spanned<Base>,
    /// Whether documentation, manual pages and translations are left out.
    pub minimal: Spanned<bool>,
    /// Patterns of paths that are left out, as dpkg's `path-exclude`.
    pub path_exclude: Vec<Spanned<String>>,
    /// Patterns of paths that are kept all the same, as dpkg's `path-include`.
    pub path_include: Vec<Spanned<String>>,
    /// What becomes of maintainer scripts.
    pub scripts: Spanned<Scripts>,
    /// What is done in place of scripts that are not known.
    pub effects: Supplied,
}

impl Packages {
    /// The digest of everything that decides which packages are chosen and what becomes of them.
    pub fn digest(&self) -> Sha256 {
        let mut hasher = PureRust.sha256();
        hasher.update(&canonical_packages(self));
        hasher.finish()
    }
}

/// Suites of a distribution, and what is looked at in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageArchive {
    /// Whose packages they are.
    pub distribution: Spanned<Distribution>,
    /// Suites by codename, as in `bookworm`; at least one.
    pub suites: Vec<Spanned<String>>,
    /// Parts of the archive, as in `main`; at least one.
    pub components: Vec<Spanned<String>>,
}

/// An archive of packages besides the distribution's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// What it is called in the lock and in settings.
    pub name: Spanned<String>,
    /// Where it is, without `dists/`; settings may say another place.
    pub url: Option<Spanned<String>>,
    /// Its suites.
    pub suites: Vec<Spanned<String>>,
    /// Its components.
    pub components: Vec<Spanned<String>>,
    /// The certificates of the keys that it is signed with: a file of the project, or one at a URL
    /// with a digest.
    pub key: Spanned<Artifact>,
}

/// A distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distribution {
    /// `alpine`; not built yet.
    Alpine,
    /// `arch`; not built yet.
    Arch,
    /// `debian`
    Debian,
    /// `fedora`; not built yet.
    Fedora,
    /// `ubuntu`
    Ubuntu,
}

impl Distribution {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alpine => "alpine",
            Self::Arch => "arch",
            Self::Debian => "debian",
            Self::Fedora => "fedora",
            Self::Ubuntu => "ubuntu",
        }
    }
}

/// What is installed without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Base {
    /// Nothing but what is asked for, and what that depends on. `none`.
    None,
    /// The packages that others need not name: `Essential: yes`. `essential`.
    #[default]
    Essential,
    /// Those, and `Priority: required`. `required`.
    Required,
}

impl Base {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Essential => "essential",
            Self::Required => "required",
        }
    }
}

/// What becomes of maintainer scripts of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Scripts {
    /// None is run: known effects are applied, unknown ones are findings. `effects`.
    #[default]
    Effects,
    /// The same, and an unknown one stops the build. `refuse`.
    Refuse,
    /// They are run without a network, `sandbox`.
    Sandbox,
}

impl Scripts {
    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Effects => "effects",
            Self::Refuse => "refuse",
            Self::Sandbox => "sandbox",
        }
    }
}

/// `[source.packages.effects]`: what a recipe does in place of scripts, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Supplied {
    /// Groups that are made.
    pub groups: Vec<SuppliedGroup>,
    /// Users that are made.
    pub users: Vec<SuppliedUser>,
    /// Directories that are made.
    pub directories: Vec<SuppliedDirectory>,
    /// Files that are written.
    pub files: Vec<SuppliedFile>,
    /// Symlinks that are made.
    pub links: Vec<SuppliedLink>,
    /// Modes and owners that are set.
    pub modes: Vec<SuppliedMode>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedGroup {
    /// Its name.
    pub name: Spanned<String>,
    /// Its number.
    pub gid: Spanned<u32>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedUser {
    /// Its name, and that of its group when no group has the number `gid`.
    pub name: Spanned<String>,
    /// Its number.
    pub uid: Spanned<u32>,
    /// The number of its group; `uid` where it is not said.
    pub gid: Option<Spanned<u32>>,
    /// Its directory; `/nonexistent` where it is not said.
    pub home: Option<Spanned<String>>,
    /// Its shell; `/usr/sbin/nologin` where it is not said.
    pub shell: Option<Spanned<String>>,
    /// Groups that it is also in, by name.
    pub groups: Vec<Spanned<String>>,
}

/// A directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedDirectory {
    /// Absolute.
    pub path: Spanned<String>,
    /// Its permissions; 0755 where they are not said.
    pub mode: Option<Spanned<Mode>>,
    /// Its owner; 0:0 where it is not said.
    pub owner: Option<Spanned<Owner>>,
}

/// A file with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedFile {
    /// Absolute.
    pub path: Spanned<String>,
    /// The whole content.
    pub content: Spanned<String>,
    /// Its permissions; 0644 where they are not said.
    pub mode: Option<Spanned<Mode>>,
    /// Its owner; 0:0 where it is not said.
    pub owner: Option<Spanned<Owner>>,
}

/// A symlink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedLink {
    /// Absolute.
    pub path: Spanned<String>,
    /// What it leads to, as it is written.
    pub target: Spanned<String>,
}

/// Permissions and an owner for a path that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedMode {
    /// Absolute.
    pub path: Spanned<String>,
    /// New permissions.
    pub mode: Option<Spanned<Mode>>,
    /// A new owner.
    pub owner: Option<Spanned<Owner>>,
}
