//! Whether a lock is that of a recipe.
//!
//! The digest in the lock says for which recipe it was made, and whoever edits a lock leaves that
//! alone. So what follows from the recipe without asking anybody is compared too: a lock that names
//! another image than its recipe, or another command line, is refused by name.

use enclair_recipe::{
    Artifact, Lock, LockedFile, LockedPackage, LockedSource, Origin, PackageArchive, Recipe,
    Source, Spanned,
};

use super::archives::archive_of;
use super::packages::is_match;
use super::request::effects_of;
use crate::normalise::Rule;
use crate::parts::default_command_line;

/// The whole kernel command line.
pub(super) fn command_line(recipe: &Recipe) -> String {
    let enclave = &recipe.enclave;
    let whole = enclave.cmdline.as_deref().map(String::as_str);
    let whole = whole.unwrap_or_else(|| default_command_line(*enclave.arch));
    match enclave.cmdline_append.as_deref() {
        Some(words) => format!("{whole} {words}"),
        None => whole.to_owned(),
    }
}

/// The rules of the format without those that are kept off.
pub(super) fn rules(recipe: &Recipe) -> impl Iterator<Item = Rule> {
    let off = &recipe.normalize.keep;
    Rule::FORMAT
        .into_iter()
        .filter(|rule| off.iter().all(|id| *id.get() != rule.id()))
}

/// Whether a locked file is what the recipe asks for, however it was resolved.
pub(super) fn asks_for(artifact: Option<&Artifact>, locked: &LockedFile, source: &Source) -> bool {
    match (artifact, &locked.from) {
        (None, Origin::Carried) => true,
        (Some(Artifact::File { path }), Origin::File(known)) => path.get() == known,
        (Some(Artifact::Url { url, path, sha256 }), Origin::Url { url: known, inside }) => {
            let known_path = inside.as_ref().map(|inside| &inside.path);
            let there = inside
                .as_ref()
                .map_or(&locked.blob, |inside| &inside.container);
            // A digest that was added to the recipe must hold for what is locked.
            let holds = sha256
                .as_deref()
                .is_none_or(|wanted| *wanted == there.sha256);
            url.get() == known && path.as_deref() == known_path && holds
        }
        (Some(Artifact::Image { reference, path }), Origin::Image { image, path: known }) => {
            **reference == image.from && path.get() == known
        }
        (
            Some(artifact @ Artifact::Package { name, path, .. }),
            Origin::Package {
                asked,
                package,
                path: known,
            },
        ) => name.get() == asked && is_match(known, path) && is_from(package, artifact, source),
        _ => false,
    }
}

/// Whether a package is of a suite that `artifact` is chosen from: those that it names itself, else
/// those of the source, with the repositories of the recipe.
fn is_from(package: &LockedPackage, artifact: &Artifact, source: &Source) -> bool {
    let (of, suite) = package.from.split_once(':').unwrap_or_default();
    let has = |name: &str, suites: &[Spanned<String>]| {
        name == of && suites.iter().any(|it| it.get() == suite)
    };
    let is_archive = |archive: &PackageArchive| has(archive.distribution.name(), &archive.suites);
    let repositories = match (artifact, source) {
        (Artifact::Package { archive: None, .. }, Source::Packages(packages)) => {
            packages.repositories.as_slice()
        }
        _ => &[],
    };
    archive_of(artifact, source).is_some_and(is_archive)
        || repositories
            .iter()
            .any(|repository| has(repository.name.get(), &repository.suites))
}

/// Entries of the lock that the recipe does not ask for, a sentence each.
pub(super) fn departures(recipe: &Recipe, lock: &Lock) -> Vec<String> {
    let enclave = &recipe.enclave;
    let boot = &recipe.boot;
    let module = boot.nsm_module.as_deref();
    let asked = |artifact, file| asks_for(artifact, file, &recipe.source);
    let entries = [
        ("arch", lock.arch == *enclave.arch),
        (
            "epoch",
            enclave.epoch.span().is_none() || lock.epoch == *enclave.epoch,
        ),
        ("cmdline", lock.cmdline == command_line(recipe)),
        (
            "rules",
            rules(recipe)
                .map(Rule::id)
                .eq(lock.rules.iter().map(|rule| rule.id.as_str())),
        ),
        ("effects", lock.effects == effects_of(recipe)),
        (
            "boot.kernel",
            asked(boot.kernel.as_deref(), &lock.boot.kernel),
        ),
        ("boot.init", asked(boot.init.as_deref(), &lock.boot.init)),
        (
            "boot.agent",
            match &lock.boot.agent {
                Some(file) => !recipe.services().is_empty() && asked(boot.agent.as_deref(), file),
                None => recipe.services().is_empty(),
            },
        ),
        (
            "boot.nsm_module",
            match &lock.boot.nsm_module {
                Some(file) => module.is_some() && asked(module, file),
                None => module.is_none(),
            },
        ),
        ("source", is_source(&recipe.source, lock.source.as_ref())),
        ("files", are_files(recipe, &lock.files)),
    ];
    entries
        .into_iter()
        .filter(|(_, agrees)| !agrees)
        .map(|(entry, _)| format!("`{entry}` is not what the recipe asks for"))
        .collect()
}

/// One locked file for each that is from elsewhere, in the same order.
fn are_files(recipe: &Recipe, locked: &[LockedFile]) -> bool {
    let asked: Vec<_> = recipe.file_artifacts().collect();
    let mut pairs = asked.iter().zip(locked);
    asked.len() == locked.len()
        && pairs.all(|(artifact, file)| asks_for(Some(artifact.get()), file, &recipe.source))
}

fn is_source(asked: &Source, locked: Option<&LockedSource>) -> bool {
    match (asked, locked) {
        (Source::Image(reference), Some(LockedSource::Image(image))) => **reference == image.from,
        (Source::Archive(artifact), Some(LockedSource::Archive(file))) => {
            asks_for(Some(artifact.get()), file, asked)
        }
        (Source::Packages(packages), Some(LockedSource::Packages(locked))) => {
            packages.digest() == locked.request
        }
        (Source::Files(_) | Source::Dockerfile(_), None) => true,
        _ => false,
    }
}
