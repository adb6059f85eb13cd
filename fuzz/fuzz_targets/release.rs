//! A certificate and an `InRelease` file behind it: what is verified lists files that lie below
//! its suite, and is verified again.

#![no_main]

use enclair_packages::release::{Keys, Policy, SignedRelease, UnixSeconds};
use libfuzzer_sys::fuzz_target;

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

fuzz_target!(|data: &[u8]| {
    let mut windows = data.windows(BEGIN.len());
    let split = windows.position(|window| window == BEGIN);
    let (certificate, in_release) = data.split_at(split.unwrap_or(data.len()));
    let keys = Keys::from_certificates(certificate);
    let signed = SignedRelease::parse(in_release);
    let (Ok(keys), Ok(signed)) = (keys, signed) else {
        return;
    };
    let policy = Policy {
        suite: "bookworm",
        at: UnixSeconds(1_700_000_000),
        locked: None,
    };
    let Ok(release) = signed.clone().verify(&keys, &policy) else {
        return;
    };
    assert!(!release.checked.signatures.is_empty());
    for file in release.files() {
        assert!(!file.path.starts_with('/') && !file.path.split('/').any(|part| part == ".."));
        assert!(release.location(&file).starts_with("dists/bookworm/"));
    }
    assert_eq!(signed.verify(&keys, &policy).ok(), Some(release));
});
