//! A file of a package: of the one that a recipe names, or of the one that it stands for.
//!
//! Many names stand for others: a metapackage has no file but its change log, and depends on the
//! package that has them. So a file is looked for in the named package, then in those that it depends
//! on, then in theirs; the nearest that have a match decide, and there must be one match.

use std::collections::BTreeSet;

use enclair_digest::Engine;
use enclair_packages::index::RelationKind;
use enclair_packages::solve::{Link, Solution};
use enclair_recipe::{Blob, LockedPackage, LockedSuite};
use enclair_tree::{NodeKind, Tree, read_body};

use super::choose::{Chooser, closure_request, locked, solved};
use super::error::ChoiceError;
use crate::project::error::ProjectError;
use crate::project::inside::{Container, Opened, Opening};

/// How far from the named package is looked.
const MOST_STEPS: usize = 3;
/// How many packages are looked into.
const MOST_PACKAGES: usize = 24;

/// A file that was found.
#[derive(Debug)]
pub(in crate::project) struct PackageFile {
    /// The package that has it.
    pub(in crate::project) package: LockedPackage,
    /// Its path in the package.
    pub(in crate::project) path: String,
    pub(in crate::project) blob: Blob,
    /// The configuration of the kernel, where the package has one.
    pub(in crate::project) kernel_config: Option<Vec<u8>>,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::project) struct Sought<'a> {
    /// The package, as in `install`.
    pub(in crate::project) name: &'a str,
    /// The path, in which `*` stands for any text without a slash.
    pub(in crate::project) pattern: &'a str,
}

impl Sought<'_> {
    /// Finds the file and brings it into the store.
    ///
    /// # Errors
    ///
    /// When no package has it, or more than one file matches.
    pub(in crate::project) fn find<E: Engine>(
        &self,
        chooser: &Chooser,
        opening: &Opening<'_, E>,
    ) -> Result<PackageFile, ProjectError> {
        let universe = chooser.universe();
        let request = closure_request(self.name, chooser.architecture())?;
        let solution = solved(&universe, &request)?;
        let packages = locked(&solution);
        let suites: Vec<_> = chooser.locked_suites().cloned().collect();
        let mut looked = BTreeSet::new();
        let mut level: Vec<usize> = asked(&packages).collect();
        for _ in 0..MOST_STEPS {
            let mut found = Vec::new();
            for place in &level {
                let is_new = looked.insert(*place) && looked.len() <= MOST_PACKAGES;
                let Some(package) = packages.get(*place).filter(|_| is_new) else {
                    continue;
                };
                found.extend(self.look(package, &suites, opening)?);
            }
            match found.len() {
                0 => level = needed(&solution, &level),
                1 => return Ok(found.remove(0)),
                _ => return Err(self.ambiguous(&found)),
            }
        }
        let missing = ChoiceError::NoFile {
            package: self.name.to_owned(),
            path: self.pattern.to_owned(),
            looked: looked
                .iter()
                .filter_map(|place| packages.get(*place))
                .map(|package| package.name.clone())
                .collect(),
        };
        Err(missing.into())
    }

    /// The files of one package that match.
    fn look<E: Engine>(
        &self,
        package: &LockedPackage,
        suites: &[LockedSuite],
        opening: &Opening<'_, E>,
    ) -> Result<Vec<PackageFile>, ProjectError> {
        let supply = opening.tools.supply;
        let failed = |source| ProjectError::Supply { source };
        supply.obtain(&[package.wanted(suites)]).map_err(failed)?;
        let opened = opening.open(Container::Archive(package.blob, &package.name))?;
        let paths = matches(&opened.tree, self.pattern);
        let mut found = Vec::new();
        for path in paths {
            let Some(blob) = opening.keep(&opened, &path)? else {
                continue;
            };
            found.push(PackageFile {
                package: package.clone(),
                path,
                blob,
                kernel_config: kernel_config(&opened),
            });
        }
        Ok(found)
    }

    fn ambiguous(&self, found: &[PackageFile]) -> ProjectError {
        let error = ChoiceError::ManyFiles {
            path: self.pattern.to_owned(),
            found: found
                .iter()
                .map(|file| format!("{} ({})", file.path, file.package.name))
                .collect(),
        };
        error.into()
    }
}

fn asked(packages: &[LockedPackage]) -> impl Iterator<Item = usize> {
    let packages = packages.iter().enumerate();
    packages
        .filter(|(_, package)| package.asked)
        .map(|(place, _)| place)
}

/// The places of the packages that those of `level` depend on.
fn needed(solution: &Solution<'_>, level: &[usize]) -> Vec<usize> {
    let is_needed = |link: &Link| {
        matches!(link.field, RelationKind::PreDepends | RelationKind::Depends)
            && level.contains(&link.by)
    };
    let places = 0..solution.chosen().len();
    places
        .filter(|place| solution.needed_by(*place).iter().any(is_needed))
        .collect()
}

/// The paths of files that match, without a slash in front.
fn matches(tree: &Tree, pattern: &str) -> Vec<String> {
    let files = tree
        .iter()
        .filter(|(_, _, node)| matches!(node.kind, NodeKind::File(_) | NodeKind::Symlink(_)));
    files
        .filter_map(|(path, _, _)| std::str::from_utf8(path.as_bytes()).ok())
        .filter(|path| is_match(path, pattern))
        .map(str::to_owned)
        .collect()
}

/// Whether a path is what a pattern says, part by part.
pub(in crate::project) fn is_match(path: &str, pattern: &str) -> bool {
    let mut parts = path.split('/');
    let mut wanted = pattern
        .trim_start_matches("./")
        .trim_start_matches('/')
        .split('/');
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return true,
            (Some(part), Some(wanted)) if is_part_match(part, wanted) => {}
            _ => return false,
        }
    }
}

/// Whether one part of a path is what one part of a pattern says.
fn is_part_match(part: &str, wanted: &str) -> bool {
    let Some((first, rest)) = wanted.split_once('*') else {
        return part == wanted;
    };
    let Some(mut left) = part.strip_prefix(first) else {
        return false;
    };
    let Some((middle, last)) = rest.rsplit_once('*') else {
        return left.ends_with(rest);
    };
    for text in middle.split('*') {
        match left.split_once(text) {
            Some((_, behind)) => left = behind,
            None => return false,
        }
    }
    left.ends_with(last)
}

/// What a package that has a kernel says of how it was configured.
fn kernel_config(opened: &Opened) -> Option<Vec<u8>> {
    /// Debian's has 250 kB.
    const LIMIT: u64 = 4 << 20;
    let path = matches(&opened.tree, "boot/config-*").into_iter().next()?;
    let path = enclair_tree::TreePath::parse(path.as_bytes()).ok()?;
    match &opened.tree.get(&path)?.kind {
        NodeKind::File(body) => read_body(body, &opened.spool).read_to_vec(LIMIT).ok(),
        NodeKind::Directory
        | NodeKind::Symlink(_)
        | NodeKind::CharacterDevice { .. }
        | NodeKind::BlockDevice { .. }
        | NodeKind::Fifo
        | NodeKind::Socket => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_of_one_part() {
        for (path, pattern) in [
            ("boot/vmlinuz-6.1", "boot/vmlinuz-*"),
            ("boot/vmlinuz-6.1", "/boot/vmlinuz-*"),
            ("boot/vmlinuz-6.1", "*/*"),
            ("a/bcbd", "a/b*b*"),
            ("a/bcbd", "a/*cb*d"),
            ("a", "a"),
            ("a", "a*"),
        ] {
            assert!(is_match(path, pattern), "{path} {pattern}");
        }
        for (path, pattern) in [
            ("boot/vmlinuz-6.1", "*"),
            ("boot/vmlinuz-6.1", "boot/*-7*"),
            ("boot/x/vmlinuz", "boot/*"),
            ("ab", "ab*b"),
            ("aba", "ab*ba"),
            ("a", "b"),
        ] {
            assert!(!is_match(path, pattern), "{path} {pattern}");
        }
    }
}
