//! `packages.json`: which package every file of the root filesystem comes from.

use std::collections::BTreeSet;

use enclair_digest::Sha256;
use enclair_packages::root::Root;
use enclair_recipe::LockedPackage;
use enclair_tree::Escaped;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::Laid;

/// Version of the document.
pub const SCHEMA: u32 = 1;

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "packages.json")]
pub struct PackagesDocument {
    /// Version of this document.
    pub schema: u32,
    /// The packages in the order of installation.
    pub packages: Vec<PackageDocument>,
}

/// A package and what it brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackageDocument {
    /// Name of the package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, as in `amd64` or `all`.
    pub architecture: String,
    /// The source package that it was built from.
    pub source: SourceDocument,
    /// SHA-256 of the package file, in hexadecimal.
    #[schemars(with = "String")]
    pub sha256: Sha256,
    /// What it brought and what is still there, without directories: paths in the root filesystem
    /// without a leading `/`, unusual bytes escaped, sorted.
    pub paths: Vec<String>,
}

/// A source package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceDocument {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl PackagesDocument {
    /// Describes `root`, whose packages are `locked`, in the same order.
    pub(super) fn new(root: &Root, locked: &[LockedPackage]) -> Self {
        let mut packages: Vec<PackageDocument> = locked
            .iter()
            .zip(&root.packages)
            .map(|(locked, installed)| PackageDocument {
                name: locked.name.clone(),
                version: locked.version.clone(),
                architecture: locked.arch.clone(),
                source: SourceDocument::new(installed.control.field("Source"), locked),
                sha256: locked.blob.sha256,
                paths: Vec::new(),
            })
            .collect();
        for (path, index) in root.owners() {
            let there = root.tree.get(path);
            if let Some(package) = packages.get_mut(index)
                && there.is_some_and(|node| !node.is_directory())
            {
                package.paths.push(Escaped(path.as_bytes()).to_string());
            }
        }
        let schema = SCHEMA;
        Self { schema, packages }
    }

    /// Leaves out the paths of files that were laid over those of packages.
    pub(crate) fn leave_out(&mut self, laid: &Laid) {
        let files = laid
            .files
            .iter()
            .map(|file| file.path.trim_start_matches('/'));
        let replaced: BTreeSet<&str> = files.collect();
        for package in &mut self.packages {
            package
                .paths
                .retain(|path| !replaced.contains(path.as_str()));
        }
    }
}

impl SourceDocument {
    /// From the field `Source`: `NAME` or `NAME (VERSION)`. What it does not say is as for the
    /// package itself.
    fn new(field: Option<&str>, package: &LockedPackage) -> Self {
        let (name, version) = match field {
            None => (package.name.as_str(), None),
            Some(field) => match field.split_once('(') {
                Some((name, version)) => (name.trim(), Some(version.trim_end_matches(')').trim())),
                None => (field.trim(), None),
            },
        };
        Self {
            name: name.to_owned(),
            version: version.unwrap_or(&package.version).to_owned(),
        }
    }
}
