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

/// Every kind of finding of this crate, in order of id.
pub const KINDS: [&Kind; 3] = [&MEMBER_IGNORED, &PATH_EXCLUDED, &PATH_REPLACED];
