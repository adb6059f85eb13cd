//! From a recipe's packages and those that are locked to what a root filesystem is made of.

use enclair_packages::effects::{
    self, EffectVersion, Supplied, SuppliedFile, SuppliedGroup, SuppliedMode, SuppliedPath,
    SuppliedUser,
};
use enclair_packages::root::{Action, PathFilter, database};
use enclair_packages::scripts::{OnNotRun, ignored};
use enclair_recipe::{Lock, LockedPackages, Mode, Owner, Packages, Scripts, Spanned};

use super::error::ChoiceError;
use super::suites::debian_arch;
use crate::epoch::Epoch;
use crate::packages::{PackagesSource, SCRIPT_SANDBOX, Undone};
use crate::project::request::owner_text;

/// Where a recipe says nothing else.
const DIRECTORY_MODE: u16 = 0o755;
const FILE_MODE: u16 = 0o644;
const OWNER: &str = "0:0";
const HOME: &str = "/nonexistent";
const SHELL: &str = "/usr/sbin/nologin";

/// The decisions that a root filesystem of packages needs, as a lock lists them.
pub(in crate::project) fn effects_of(packages: &Packages) -> Vec<String> {
    let mut effects = known_effects();
    if !is_filtered(packages) {
        effects.retain(|effect| effect != PathFilter::MINIMAL_VERSION);
    }
    if *packages.scripts != Scripts::Sandbox {
        effects.retain(|effect| effect != SCRIPT_SANDBOX);
    }
    effects
}

/// Every such decision that this release knows.
pub(in crate::project) fn known_effects() -> Vec<String> {
    let (list, version) = ignored::LIST;
    let others = [
        database::VERSION.to_owned(),
        PathFilter::MINIMAL_VERSION.to_owned(),
        SCRIPT_SANDBOX.to_owned(),
        format!("{list}@{version}"),
    ];
    let effects = effects::current();
    let effects = effects.iter().map(EffectVersion::to_string);
    effects.chain(others).collect()
}

fn is_filtered(packages: &Packages) -> bool {
    let patterns = packages.path_exclude.iter().chain(&packages.path_include);
    *packages.minimal || patterns.count() > 0
}

/// Which paths of packages come.
///
/// # Errors
///
/// [`ChoiceError::Pattern`].
pub(in crate::project) fn filter_of(packages: &Packages) -> Result<PathFilter, ChoiceError> {
    let mut filter = if *packages.minimal {
        PathFilter::minimal()
    } else {
        PathFilter::default()
    };
    for (action, patterns) in [
        (Action::Exclude, &packages.path_exclude),
        (Action::Include, &packages.path_include),
    ] {
        for pattern in patterns {
            let added = filter.add(action, pattern);
            added.map_err(|source| ChoiceError::Pattern { source })?;
        }
    }
    Ok(filter)
}

/// What the root filesystem of `lock` is made of. Effects are those that the lock lists.
///
/// # Errors
///
/// [`ChoiceError::Pattern`].
pub(in crate::project) fn packages_source(
    packages: &Packages,
    locked: &LockedPackages,
    lock: &Lock,
    epoch: Epoch,
) -> Result<PackagesSource, ChoiceError> {
    let current = effects::current();
    let is_listed = |effect: &EffectVersion| {
        let text = effect.to_string();
        lock.effects.iter().any(|listed| listed.to_string() == text)
    };
    Ok(PackagesSource {
        packages: locked.packages.clone(),
        suites: lock.suites.clone(),
        architecture: debian_arch(lock.arch).to_owned(),
        filter: filter_of(packages)?,
        effects: current.into_iter().filter(is_listed).collect(),
        supplied: supplied(&packages.effects),
        undone: match *packages.scripts {
            Scripts::Refuse => Undone::Report(OnNotRun::Refuse),
            Scripts::Effects => Undone::Report(OnNotRun::Warn),
            Scripts::Sandbox => Undone::Run(i64::from(epoch.0)),
        },
    })
}

fn supplied(asked: &enclair_recipe::Supplied) -> Supplied {
    let groups = asked.groups.iter().map(|group| SuppliedGroup {
        name: group.name.get().clone(),
        gid: *group.gid,
    });
    let directories = asked.directories.iter();
    let files = asked.files.iter().map(|file| SuppliedFile {
        place: place(
            &file.path,
            (file.mode.as_ref(), FILE_MODE),
            file.owner.as_ref(),
        ),
        content: file.content.as_bytes().to_vec(),
    });
    let links = asked.links.iter();
    let modes = asked.modes.iter().map(|one| SuppliedMode {
        path: one.path.get().clone(),
        mode: one.mode.as_ref().map(|mode| mode.bits()),
        owner: one.owner.as_deref().map(owner_text),
    });
    Supplied {
        groups: groups.collect(),
        users: asked.users.iter().map(user).collect(),
        directories: directories
            .map(|one| {
                place(
                    &one.path,
                    (one.mode.as_ref(), DIRECTORY_MODE),
                    one.owner.as_ref(),
                )
            })
            .collect(),
        files: files.collect(),
        links: links
            .map(|link| (link.path.get().clone(), link.target.get().clone()))
            .collect(),
        modes: modes.collect(),
    }
}

fn user(user: &enclair_recipe::SuppliedUser) -> SuppliedUser {
    let text = |text: &Option<Spanned<String>>, otherwise: &str| {
        text.as_deref().map_or(otherwise, String::as_str).to_owned()
    };
    SuppliedUser {
        name: user.name.get().clone(),
        uid: *user.uid,
        gid: user.gid.as_deref().copied().unwrap_or(*user.uid),
        home: text(&user.home, HOME),
        shell: text(&user.shell, SHELL),
        gecos: String::new(),
        groups: user
            .groups
            .iter()
            .map(|group| group.get().clone())
            .collect(),
    }
}

fn place(
    path: &Spanned<String>,
    (mode, otherwise): (Option<&Spanned<Mode>>, u16),
    owner: Option<&Spanned<Owner>>,
) -> SuppliedPath {
    SuppliedPath {
        path: path.get().clone(),
        mode: mode.map_or(otherwise, |mode| mode.bits()),
        owner: owner.map_or_else(|| OWNER.to_owned(), |owner| owner_text(owner)),
    }
}
