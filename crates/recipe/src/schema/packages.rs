//! `[source.packages]` and its tables.

use schemars::JsonSchema;

use super::Artifact;

/// Distribution packages.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Packages {
    /// Whose packages they are: `debian` or `ubuntu`. The others are read and not built yet.
    distribution: Distribution,
    /// Suites by codename, as in `bookworm`.
    suites: Vec<String>,
    /// Parts of the archive; `main`.
    components: Option<Vec<String>>,
    /// Archives besides the distribution's own.
    repository: Option<Vec<Repository>>,
    /// Packages that are asked for: `NAME`, `NAME=VERSION`, or `NAME=7.88*`.
    install: Vec<String>,
    /// Packages that must not come in as dependencies.
    exclude: Option<Vec<String>>,
    /// Whether recommended packages are installed too.
    recommends: Option<bool>,
    /// What is installed without being asked for; `essential`.
    base: Option<Base>,
    /// Whether documentation, manual pages and translations are left out.
    minimal: Option<bool>,
    /// Patterns of paths that are left out, as in `/usr/share/icons/*`.
    path_exclude: Option<Vec<String>>,
    /// Patterns of paths that are kept all the same.
    path_include: Option<Vec<String>>,
    /// What becomes of maintainer scripts; `effects`.
    scripts: Option<Scripts>,
    /// What is done in place of scripts that are not known.
    effects: Option<Effects>,
}

/// An archive of packages besides the distribution's own.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Repository {
    /// What it is called in the lock and in settings.
    name: String,
    /// Where it is, without `dists/`.
    url: Option<String>,
    /// Its suites, as in `bookworm-pgdg`.
    suites: Vec<String>,
    /// Its components; `main`.
    components: Option<Vec<String>>,
    /// The certificates of its keys: a file of the project, or a URL with `sha256`.
    key: Artifact,
}

/// What is done in place of scripts that are not known, in the order of the keys.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Effects {
    /// Groups that are made.
    groups: Option<Vec<SuppliedGroup>>,
    /// Users that are made.
    users: Option<Vec<SuppliedUser>>,
    /// Directories that are made.
    directories: Option<Vec<SuppliedDirectory>>,
    /// Files that are written.
    files: Option<Vec<SuppliedFile>>,
    /// Symlinks that are made.
    links: Option<Vec<SuppliedLink>>,
    /// Modes and owners that are set.
    modes: Option<Vec<SuppliedDirectory>>,
}

/// A group that is made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SuppliedGroup {
    /// Its name.
    name: String,
    /// Its number.
    gid: u32,
}

/// A user that is made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SuppliedUser {
    /// Its name.
    name: String,
    /// Its number.
    uid: u32,
    /// The number of its group; `uid`.
    gid: Option<u32>,
    /// Its directory; `/nonexistent`.
    home: Option<String>,
    /// Its shell; `/usr/sbin/nologin`.
    shell: Option<String>,
    /// Groups that it is also in.
    groups: Option<Vec<String>>,
}

/// A directory that is made, or a path whose mode and owner are set.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SuppliedDirectory {
    /// Absolute path in the image.
    path: String,
    /// Octal permissions.
    mode: Option<String>,
    /// `UID:GID` or `USER[:GROUP]`.
    owner: Option<String>,
}

/// A file that is written.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SuppliedFile {
    /// Absolute path in the image.
    path: String,
    /// The whole content.
    content: String,
    /// Octal permissions; `0644`.
    mode: Option<String>,
    /// `UID:GID` or `USER[:GROUP]`; `0:0`.
    owner: Option<String>,
}

/// A symlink that is made.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SuppliedLink {
    /// Absolute path in the image.
    path: String,
    /// What it leads to.
    target: String,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Base {
    None,
    Essential,
    Required,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
pub(super) enum Distribution {
    Alpine,
    Arch,
    Debian,
    Fedora,
    Ubuntu,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Scripts {
    Effects,
    Refuse,
    Sandbox,
}
