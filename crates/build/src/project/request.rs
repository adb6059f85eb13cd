//! From a recipe and its lock to a build request. Everything external comes from the lock, the rest
//! from the recipe.

use std::path::Path;

use enclair_configuration::Access;
use enclair_digest::{Engine, Limits};
use enclair_recipe::{
    FileEntry, Grant, Lock, LockedFile, LockedSource, Origin, Owner, Packages, Principal,
    RamdiskCompression, Recipe, RuleVersion, Source,
};

use super::error::ProjectError;
use super::inputs::Inputs;
use super::packages::{effects_of as effects_of_packages, known_effects, packages_source};
use crate::compression::Compression;
use crate::configuration::Surroundings;
use crate::epoch::Epoch;
use crate::files;
use crate::git::commit_time;
use crate::measure::Threads;
use crate::normalise::Rule;
use crate::report::FORMAT;
use crate::request::{BuildRequest, ImageLayout, Process, Provenance, RootSource};

/// The decisions besides rules that a recipe needs, sorted.
pub(super) fn effects_of(recipe: &Recipe) -> Vec<RuleVersion> {
    let encoder = compression_of(recipe).name();
    let takes_mode = |entry: &FileEntry| {
        entry.mode.is_none() && !matches!(entry.content, enclair_recipe::Content::Link(_))
    };
    let mut effects: Vec<_> = files::effects(recipe.files().map(takes_mode))
        .into_iter()
        .chain(encoder)
        .map(str::to_owned)
        .chain(
            packages_of(recipe)
                .into_iter()
                .flat_map(effects_of_packages),
        )
        .filter_map(|name| name.parse().ok())
        .collect();
    effects.sort();
    effects
}

/// The packages that a recipe asks for.
fn packages_of(recipe: &Recipe) -> Option<&Packages> {
    match &recipe.source {
        Source::Packages(packages) => Some(packages.get()),
        Source::Image(_) | Source::Archive(_) | Source::Files(_) | Source::Dockerfile(_) => None,
    }
}

fn compression_of(recipe: &Recipe) -> Compression {
    match *recipe.compression {
        RamdiskCompression::None => Compression::None,
        RamdiskCompression::Gzip => Compression::Gzip,
        RamdiskCompression::Zstd => Compression::Zstd,
    }
}

/// Whether this release builds what the lock was made with.
///
/// # Errors
///
/// A format, rule or effect that it does not know.
pub(super) fn check_decisions(lock: &Lock) -> Result<Vec<Rule>, ProjectError> {
    if lock.format != FORMAT {
        let found = lock.format;
        return Err(ProjectError::Format { found });
    }
    let encoders = [Compression::Gzip, Compression::Zstd].map(Compression::name);
    let files = [files::FILE_MODES, files::FILES];
    let known = encoders.into_iter().flatten().chain(files);
    let known: Vec<_> = known.map(str::to_owned).chain(known_effects()).collect();
    for effect in &lock.effects {
        let name = effect.to_string();
        if !known.contains(&name) {
            let what = "effect";
            return Err(ProjectError::Decision { what, name });
        }
    }
    let rules = lock.rules.iter().map(|rule| {
        let (what, name) = ("rule", rule.to_string());
        name.parse()
            .map_err(|_| ProjectError::Decision { what, name })
    });
    rules.collect()
}

/// How a project is built, as far as neither recipe nor lock says it.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    pub(super) threads: Threads,
    pub(super) provenance: Provenance,
}

/// What to build.
///
/// # Errors
///
/// Decisions that are not known, and an epoch of a commit that is not there.
pub(super) fn request<E: Engine>(
    recipe: &Recipe,
    inputs: &Inputs<'_, E>,
    manner: Manner,
) -> Result<BuildRequest, ProjectError> {
    let lock = inputs.lock;
    let epoch = epoch(lock, inputs.directory)?;
    let content = |entry, file| inputs.content(entry, file);
    let agent = lock.boot.agent.as_ref();
    let module = lock.boot.nsm_module.as_ref();
    Ok(BuildRequest {
        root: root(recipe, inputs, epoch)?,
        files: entries(recipe, inputs),
        process: process(recipe),
        kernel: content("kernel", &lock.boot.kernel),
        init: content("init", &lock.boot.init),
        agent: agent.and_then(|file| content("agent", file)),
        module: module.and_then(|file| content("nsm_module", file)),
        ramdisks: Vec::new(),
        compression: compression_of(recipe),
        surroundings: surroundings(recipe),
        command_line: Some(lock.cmdline.clone()),
        arch: lock.arch,
        epoch,
        name: recipe.enclave.name.get().clone(),
        version: recipe.enclave.version.get().clone(),
        layout: ImageLayout::Enclair,
        rules: check_decisions(lock)?,
        allow: recipe.allow.iter().map(|id| id.get().clone()).collect(),
        limits: Limits {
            unpacked_bytes: *recipe.unpacked,
            ..Limits::default()
        },
        threads: manner.threads,
        directory: inputs.directory.to_owned(),
        provenance: manner.provenance,
    })
}

fn root<E: Engine>(
    recipe: &Recipe,
    inputs: &Inputs<'_, E>,
    epoch: Epoch,
) -> Result<RootSource, ProjectError> {
    Ok(match (&inputs.lock.source, packages_of(recipe)) {
        (Some(LockedSource::Packages(locked)), Some(packages)) => {
            let source = packages_source(packages, locked, inputs.lock, epoch)?;
            RootSource::Packages(Box::new(source))
        }
        (Some(LockedSource::Image(image)), _) => RootSource::Locked(image.clone()),
        (Some(LockedSource::Archive(file)), _) => inputs
            .content("source", file)
            .map_or(RootSource::Empty, RootSource::Archive),
        // A lock of packages for a recipe of something else is stale, and is not built.
        (Some(LockedSource::Packages(_)) | None, _) => RootSource::Empty,
    })
}

fn epoch(lock: &Lock, directory: &Path) -> Result<Epoch, ProjectError> {
    match lock.epoch {
        enclair_recipe::Epoch::Seconds(seconds) => Ok(Epoch(seconds)),
        enclair_recipe::Epoch::Commit => {
            commit_time(directory).ok_or_else(|| ProjectError::NoCommit {
                path: directory.to_owned(),
            })
        }
    }
}

fn process(recipe: &Recipe) -> Process {
    let run = &recipe.run;
    let texts = |texts: &[enclair_recipe::Spanned<String>]| {
        texts.iter().map(|text| text.get().clone()).collect()
    };
    Process {
        command: run.command.as_ref().map(|command| texts(command.get())),
        env: texts(&run.env),
        user: run.user.as_ref().map(|user| user.get().clone()),
        workdir: run.workdir.as_ref().map(|path| path.get().clone()),
    }
}

fn surroundings(recipe: &Recipe) -> Surroundings {
    let run = &recipe.run;
    let access = |grant| {
        if run.grants(grant) {
            Access::Allowed
        } else {
            Access::Denied
        }
    };
    Surroundings {
        services: recipe.services(),
        hostname: Some(run.hostname.get().clone()),
        limits: run
            .limits
            .iter()
            .map(|(resource, limit)| (*resource, **limit))
            .collect(),
        nsm: access(Grant::Nsm),
        restart: *run.restart,
        vsock: access(Grant::Vsock),
    }
}

/// Files that are laid into the image. The lock has one for each that is from elsewhere, in their
/// order; a lock that has not is stale, and is not built.
fn entries<E: Engine>(recipe: &Recipe, inputs: &Inputs<'_, E>) -> Vec<files::Entry> {
    let mut locked = inputs.lock.files.iter();
    let entries = recipe.files().filter_map(|entry| {
        let what = match &entry.content {
            enclair_recipe::Content::Project(from) => files::What::From(from.get().into()),
            enclair_recipe::Content::Link(target) => files::What::Link(target.get().clone()),
            enclair_recipe::Content::Artifact(_) => files::What::Kept(kept(locked.next()?)),
        };
        Some(laid(entry, what))
    });
    entries.collect()
}

/// A file of the store, and what it is called: the last part of its path where it was found.
fn kept(file: &LockedFile) -> files::Kept {
    let path = match &file.from {
        Origin::Url { inside: None, url } => url.split(['?', '#']).next().unwrap_or_default(),
        Origin::Url {
            inside: Some(inside),
            url: _,
        } => &inside.path,
        Origin::Image { path, .. } | Origin::Package { path, .. } | Origin::File(path) => path,
        Origin::Carried => "",
    };
    let (name, origin) = (path.rsplit('/').next().unwrap_or_default(), &file.from);
    files::Kept {
        blob: file.blob,
        name: name.to_owned(),
        from: match origin {
            Origin::Url { inside: None, .. } | Origin::Carried | Origin::File(_) => {
                origin.to_string()
            }
            Origin::Url { .. } | Origin::Image { .. } | Origin::Package { .. } => {
                format!("{origin}, {path}")
            }
        },
    }
}

fn laid(entry: &FileEntry, what: files::What) -> files::Entry {
    files::Entry {
        what,
        to: entry.to.get().clone(),
        owner: files::Owner::new(owner_text(&entry.owner)),
        mode: entry.mode.as_ref().map(|mode| mode.get().bits()),
        dir_mode: entry.dir_mode.get().bits(),
        untracked: *entry.untracked,
    }
}

/// `USER` or `USER:GROUP`.
pub(super) fn owner_text(owner: &Owner) -> String {
    let text = |principal: &Principal| match principal {
        Principal::Id(id) => id.to_string(),
        Principal::Name(name) => name.clone(),
    };
    match &owner.group {
        None => text(&owner.user),
        Some(group) => format!("{}:{}", text(&owner.user), text(group)),
    }
}
