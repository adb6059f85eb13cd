//! Verifies an `InRelease` file of a distribution, for scripts that compare with other programs.
//!
//! ```text
//! release ARCHIVE SUITE FILE SECONDS     as in: debian bookworm InRelease 1783764997
//! ```
#![allow(clippy::print_stdout, reason = "a program for scripts")]

use std::error::Error;

use enclair_packages::release::{Keys, Policy, SignedRelease, UnixSeconds};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [archive, suite, file, at] = arguments.as_slice() else {
        return Err("usage: release ARCHIVE SUITE FILE SECONDS".into());
    };
    let policy = Policy {
        suite,
        at: UnixSeconds(at.parse()?),
        locked: None,
    };
    let keys = Keys::of_archive(archive, suite)?;
    let release = SignedRelease::parse(&std::fs::read(file)?)?.verify(&keys, &policy)?;
    for signature in &release.checked.signatures {
        println!(
            "{} {} {}",
            signature.key, signature.hash, signature.created.0
        );
    }
    for component in ["main", "contrib"] {
        let index = release.index(component, "amd64")?;
        println!(
            "{} {} {}",
            index.sha256,
            index.size,
            release.location(&index)
        );
    }
    Ok(())
}
