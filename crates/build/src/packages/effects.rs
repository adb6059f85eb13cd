//! What is done in place of scripts, before and after packages are unpacked.

use enclair_packages::deb::Package;
use enclair_packages::effects::{self, MERGED, Request, merge_directory, merge_usr};
use enclair_packages::root::{Diversion, Root};
use enclair_packages::scripts::{ScriptReader, findings, late_diversions, report};
use enclair_tree::{Metadata, Tree, TreePath};

use super::PackagesSource;
use super::error::PackagesError;
use crate::spool::FileSpool;

/// The effect that [`base`] is.
const MERGED_USR: &str = "merged-usr";

/// The tree that packages are unpacked over: an empty one, or one with merged `/usr`.
pub(super) fn base(source: &PackagesSource, packages: &[Package]) -> Result<Tree, PackagesError> {
    let mut tree = Tree::new(Metadata::new(0o755));
    if !source.effects.iter().any(|one| one.id() == MERGED_USR) {
        return Ok(tree);
    }
    merge_usr(&mut tree, &source.architecture).map_err(PackagesError::Base)?;
    for name in MERGED {
        let directory = TreePath::from_archive(name.as_bytes()).unwrap_or_default();
        let mut entries = packages.iter().flat_map(|package| &package.entries);
        if entries.any(|entry| entry.path.starts_with(&directory)) {
            merge_directory(&mut tree, name).map_err(PackagesError::Base)?;
        }
    }
    Ok(tree)
}

/// Applies the effects that the lock lists, and reports what is not done. What comes back are the
/// diversions that were declared after unpacking.
pub(super) fn apply(
    source: &PackagesSource,
    root: &mut Root,
    spool: &mut FileSpool,
) -> Result<Vec<Diversion>, PackagesError> {
    let reader = ScriptReader::new(&root.packages);
    let request = Request {
        effects: &source.effects,
        architecture: &source.architecture,
        reader: &reader,
        supplied: &source.supplied,
    };
    let applied = effects::apply(&request, root, spool).map_err(PackagesError::Effects)?;
    let reports = report(&root.packages, &applied);
    root.findings.merge(applied.findings(&root.packages));
    root.findings.merge(findings(&reports, source.on_not_run));
    Ok(late_diversions(&root.packages, &applied))
}
