//! What this crate can say about packages.

use enclair_finding::{Kind, Severity};

/// A member of a package file that its format says may be passed over.
pub const MEMBER_IGNORED: Kind = Kind {
    id: "package-member-ignored",
    severity: Severity::Note,
    title: "a package file has a member that is passed over",
    why: "names that begin with `_` are kept for additions such as signatures inside of a package; \
          they are covered by the package's digest and put nothing into the root filesystem",
    fix: "nothing",
};

/// A path that was left out by a rule.
pub const PATH_EXCLUDED: Kind = Kind {
    id: "package-path-excluded",
    severity: Severity::Note,
    title: "a path of a package is left out",
    why: "the recipe, or its preset `minimal`, excludes documentation and the like; dpkg's lists of \
          files still name it",
    fix: "nothing, unless the application reads it: include the path, or do without `minimal`",
};

/// A path that two packages have.
pub const PATH_REPLACED: Kind = Kind {
    id: "package-path-replaced",
    severity: Severity::Note,
    title: "two packages have a path, and one replaces the other's",
    why: "the field `Replaces` of one of them says so; dpkg decides in the same way",
    fix: "nothing",
};

/// A maintainer script that an effect stands for, in a release that the effect was not made from.
pub const SCRIPT_NOT_REVIEWED: Kind = Kind {
    id: "script-not-reviewed",
    severity: Severity::Note,
    title: "an effect stands for a maintainer script that it was not made from",
    why: "a few packages, such as base-files, are configured by an effect and not by reading their \
          script; this release of the script is another than those that were looked at, and may do \
          something more",
    fix: "nothing, as a rule: look at the script if something of the package is missing",
};

/// A command of a maintainer script that no effect stands for.
pub const SCRIPT_NOT_RUN: Kind = Kind {
    id: "script-not-run",
    severity: Severity::Warning,
    title: "a command of a maintainer script is not run, and nothing is done instead",
    why: "scripts of packages are read and not run; what most of them do is done by effects or \
          needs not be done in an enclave, and this command is neither, so that something of the \
          package may not work",
    fix: "if the application needs it, supply what it makes in `[source.packages.effects]`; if not, \
          nothing",
};

/// [`SCRIPT_NOT_RUN`] where a recipe has `scripts = "refuse"`.
pub const SCRIPT_NOT_RUN_REFUSED: Kind = Kind {
    severity: Severity::Error,
    ..SCRIPT_NOT_RUN
};

/// A maintainer script of which nothing is known.
pub const SCRIPT_NOT_READ: Kind = Kind {
    id: "script-not-read",
    severity: Severity::Warning,
    title: "a maintainer script is not read, and nothing is done instead",
    why: "only scripts of a POSIX shell are read, and only as far as they are understood: what \
          this one would do is not known",
    fix: "look at what it does, and supply what the application needs of it in \
          `[source.packages.effects]`",
};

/// [`SCRIPT_NOT_READ`] where a recipe has `scripts = "refuse"`.
pub const SCRIPT_NOT_READ_REFUSED: Kind = Kind {
    severity: Severity::Error,
    ..SCRIPT_NOT_READ
};

/// A maintainer script that was run in a sandbox.
pub const SCRIPT_RUN: Kind = Kind {
    id: "script-run",
    severity: Severity::Note,
    title: "a maintainer script was run in a sandbox",
    why: "the recipe has `scripts = \"sandbox\"`, and this script does something that no effect does; \
          random numbers, or an order that is left to chance, would make its result another each time",
    fix: "build twice, and compare; what differs is supplied in `[source.packages.effects]`",
};

/// Every kind of finding of this crate, in order of id.
pub const KINDS: [&Kind; 7] = [
    &MEMBER_IGNORED,
    &PATH_EXCLUDED,
    &PATH_REPLACED,
    &SCRIPT_NOT_READ,
    &SCRIPT_NOT_REVIEWED,
    &SCRIPT_NOT_RUN,
    &SCRIPT_RUN,
];
