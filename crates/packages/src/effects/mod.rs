//! What is done to a tree instead of running maintainer scripts; each effect has a version.
//!
//! An effect is a small program that does to the tree what a program of Debian would do to a
//! system: `update-alternatives`, `ldconfig`, `adduser`. Some stand for a whole script, some take
//! single commands out of scripts, some do at the end what dpkg's triggers do. What no effect
//! takes is the finding [`crate::findings::SCRIPT_NOT_RUN`].
//!
//! A lock lists the effects with their versions, and [`apply`] applies exactly those: a newer
//! release that does something else does it under a new version. The order is that of
//! [`CATALOGUE`], whatever the order of the list.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::format_collect,
    reason = "the programs of Debian compare names as they are; the texts made here are short"
)]

mod accounts;
mod alternatives;
mod apply;
mod base_files;
mod base_passwd;
mod ca_certificates;
mod file_commands;
mod filesystem;
mod ld_so_cache;
mod merged_usr;
mod nsswitch;
mod options;
mod pam;
mod problem;
mod reviewed;
mod shells;
mod supplied;
#[cfg(test)]
mod testing;
mod tzdata;
mod ucf;
mod users;
mod version;
mod work;

pub use apply::{Applied, Outcome, Reader, Replacement, Request, Review, Unread, apply};
pub use merged_usr::{MERGED, merge_directory, merge_usr};
pub use problem::{EffectError, Problem};
pub use supplied::{
    Supplied, SuppliedFile, SuppliedGroup, SuppliedMode, SuppliedPath, SuppliedUser,
};
pub use version::EffectVersion;
pub use work::{Answer, Invocation, Site};

use work::Work;

/// Something that is done instead of running scripts.
pub struct Effect {
    /// Its name in kebab case, mostly that of the program or package it stands for.
    pub id: &'static str,
    /// The version that this release has.
    pub version: u32,
    /// One sentence without a full stop: what it does.
    pub title: &'static str,
    work: &'static dyn Work,
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

impl Effect {
    /// Its name and version, as a lock lists it.
    pub fn effect_version(&self) -> EffectVersion {
        EffectVersion::new(self.id, self.version)
    }
}

const fn effect(id: &'static str, title: &'static str, work: &'static dyn Work) -> Effect {
    Effect {
        id,
        version: 1,
        title,
        work,
    }
}

/// Every effect of this release, in the order in which they are asked and applied.
pub static CATALOGUE: &[Effect] = &[
    effect(
        "merged-usr",
        "`/bin`, `/lib` and `/sbin` are symlinks into `/usr`",
        &merged_usr::MergedUsr,
    ),
    effect(
        "base-passwd",
        "users and groups from the masters of base-passwd, and their shadow files",
        &base_passwd::BasePasswd,
    ),
    effect(
        "base-files",
        "the directories, symlinks and defaults that base-files makes",
        &base_files::BaseFiles,
    ),
    effect(
        "nsswitch",
        "`/etc/nsswitch.conf`, with the sources of installed packages",
        &nsswitch::Nsswitch,
    ),
    effect("tzdata", "the time zone UTC", &tzdata::Tzdata),
    effect("users", "users and groups that scripts make", &users::Users),
    effect(
        "update-alternatives",
        "symlinks that choose between several programs of one name",
        &alternatives::UpdateAlternatives,
    ),
    effect("shells", "`/etc/shells`", &shells::Shells),
    effect(
        "pam-auth-update",
        "`/etc/pam.d/common-*` from the profiles of packages",
        &pam::PamAuthUpdate,
    ),
    effect(
        "ucf",
        "configuration that a package brings outside of its own files",
        &ucf::Ucf,
    ),
    effect(
        "file-commands",
        "files and directories that scripts make, move and change",
        &file_commands::FileCommands,
    ),
    effect(
        "ca-certificates",
        "the certificates of `/etc/ssl/certs`, as one file and by name",
        &ca_certificates::CaCertificates,
    ),
    effect(
        "ld-so-cache",
        "the cache of the dynamic linker and the symlinks of libraries",
        &ld_so_cache::LdSoCache,
    ),
    effect(
        "supplied",
        "what the recipe supplies, after everything else",
        &supplied::SuppliedEffect,
    ),
];

/// Every effect of this release with its version: what a new lock lists.
pub fn current() -> Vec<EffectVersion> {
    CATALOGUE.iter().map(Effect::effect_version).collect()
}
