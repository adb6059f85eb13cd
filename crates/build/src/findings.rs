//! What a build can say besides what its parts say. Listed by `enclair explain`.

use enclair_configuration::Configuration;
use enclair_finding::{Findings, Kind, Severity};

/// USER is not root, and the vendor's init starts everything as root.
pub const BOOTSTRAP_IGNORES_USER: Kind = Kind {
    id: "bootstrap-ignores-user",
    severity: Severity::Warning,
    title: "the bootstrap layout cannot say as whom the application runs",
    why: "The vendor's init reads arguments and variables only. An image whose USER is not root \
          runs as root in this layout.",
    fix: "use the default layout, or switch the user in the application itself",
};

/// WORKDIR is not `/`, and the vendor's init starts everything there.
pub const BOOTSTRAP_IGNORES_WORKDIR: Kind = Kind {
    id: "bootstrap-ignores-workdir",
    severity: Severity::Warning,
    title: "the bootstrap layout cannot say where the application starts",
    why: "The vendor's init reads arguments and variables only. An image with a WORKDIR starts in \
          `/` in this layout.",
    fix: "use the default layout, or change the directory in the application itself",
};

/// All kinds of this crate.
pub const KINDS: &[&Kind] = &[&BOOTSTRAP_IGNORES_USER, &BOOTSTRAP_IGNORES_WORKDIR];

/// Names what the bootstrap layout loses of a configuration.
pub(crate) fn check_bootstrap(configuration: &Configuration, findings: &mut Findings) {
    let Configuration {
        uid,
        gid,
        groups,
        cwd,
        ..
    } = configuration;
    if *uid != 0 || *gid != 0 || groups.iter().any(|group| *group != 0) {
        findings.add(&BOOTSTRAP_IGNORES_USER, format_args!("{uid}:{gid}"));
    }
    if cwd != "/" {
        findings.add(&BOOTSTRAP_IGNORES_WORKDIR, cwd);
    }
}
