//! dpkg's `status` of a stranger's root filesystem: what is listed has names and versions.

#![no_main]

use enclair_packages::control::{check_architecture, check_name};
use enclair_packages::installed::{Source, parse_installed};
use enclair_packages::version::Version;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for source in [Source::Status, Source::StatusD] {
        for package in parse_installed(data, source).unwrap_or_default() {
            check_name(&package.name).expect("a name");
            check_architecture(&package.architecture).expect("an architecture");
            Version::parse(&package.version).expect("a version");
        }
    }
});
