//! What is done in place of scripts, before and after packages are unpacked.

use enclair_packages::deb::Package;
use enclair_packages::effects::{self, MERGED, Request, merge_directory, merge_usr};
use enclair_packages::root::{Diversion, Root};
use enclair_packages::scripts::{PackageReport, ScriptReader, findings, late_diversions, report};
use enclair_tree::{Metadata, Tree, TreePath};

use super::error::PackagesError;
use super::{PackagesSource, Undone};
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

/// What came of scripts.
pub(super) struct AppliedScripts {
    /// The diversions that were declared after unpacking.
    pub(super) diversions: Vec<Diversion>,
    /// What was done of each package's scripts and what was not.
    pub(super) reports: Vec<PackageReport>,
}

/// Applies the effects that the lock lists, and reports what is not done.
pub(super) fn apply(
    source: &PackagesSource,
    root: &mut Root,
    spool: &mut FileSpool,
) -> Result<AppliedScripts, PackagesError> {
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
    if let Undone::Report(on_not_run) = source.undone {
        root.findings.merge(findings(&reports, on_not_run));
    }
    Ok(AppliedScripts {
        diversions: late_diversions(&root.packages, &applied),
        reports,
    })
}
