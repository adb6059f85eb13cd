//! The seeds in `fuzz/corpus/release`: a certificate, and an `InRelease` file behind it. They are
//! made here, so that a good one stays good when the forms change: `UPDATE=1` writes them anew.
#![allow(
    clippy::disallowed_methods,
    reason = "`UPDATE` is read where seeds are written, and nowhere else"
)]

use std::fs;
use std::path::PathBuf;

use enclair_packages::release::Keys;
use enclair_packages_testing::{HashAlgorithm, KeyKind, SubkeyPlan};

use super::*;

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/release")
}

fn seed(plan: &KeyPlan, change: impl FnOnce(&mut Signer<'_>, &mut String)) -> Vec<u8> {
    let key = SigningKey::generate(8, plan);
    let mut signer = Signer::new(&key, MADE);
    let mut text = text(&suite());
    change(&mut signer, &mut text);
    let in_release = clear_signed(&text, &[signer]);
    [key.certificate(), in_release.as_bytes()].concat()
}

fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let plain = KeyPlan::default();
    let of = |kind| KeyPlan {
        kind,
        ..KeyPlan::default()
    };
    let with = |subkey| KeyPlan {
        subkey: Some(subkey),
        ..KeyPlan::default()
    };
    let expired = KeyPlan {
        expires_after: Some(1),
        ..KeyPlan::default()
    };
    let revoked = KeyPlan {
        revoked: Some(1),
        ..KeyPlan::default()
    };
    let unbound = SubkeyPlan {
        back_signature: false,
        ..SubkeyPlan::default()
    };
    let good = seed(&plain, |_, _| {});
    let nothing_signed = good.split(|byte| *byte == b'-').next().unwrap_or_default();
    vec![
        ("bad-certificate-alone", nothing_signed.to_vec()),
        ("bad-cut", good[..good.len() / 2].to_vec()),
        (
            "bad-digest",
            seed(&of(KeyKind::Rsa(2048)), |signer, _| {
                signer.hash = HashAlgorithm::Sha1;
            }),
        ),
        ("bad-expired-key", seed(&expired, |_, _| {})),
        (
            "bad-expired-signature",
            seed(&plain, |signer, _| signer.expires_after = Some(1)),
        ),
        (
            "bad-path",
            seed(&plain, |_, text| *text = text.replace("main/", "../")),
        ),
        ("bad-revoked-key", seed(&revoked, |_, _| {})),
        (
            "bad-suite",
            seed(&plain, |_, text| *text = text.replace("bookworm", "trixie")),
        ),
        ("bad-trailing", [good.as_slice(), b"\n"].concat()),
        ("bad-unbound-subkey", seed(&with(unbound), |_, _| {})),
        ("good-ecdsa", seed(&of(KeyKind::P256), |_, _| {})),
        ("good-plain", good),
        ("good-rsa", seed(&of(KeyKind::Rsa(2048)), |_, _| {})),
        ("good-subkey", seed(&with(SubkeyPlan::default()), |_, _| {})),
    ]
}

/// What the fuzz target does with an input.
fn replay(data: &[u8]) -> Result<Release, Error> {
    let mut windows = data.windows(BEGIN.len());
    let split = windows.position(|window| window == BEGIN);
    let (certificate, in_release) = data.split_at(split.unwrap_or(data.len()));
    let keys = Keys::from_certificates(certificate)?;
    SignedRelease::parse(in_release)?.verify(&keys, &policy())
}

#[test]
fn every_seed_is_what_its_name_says() {
    let is_update = std::env::var_os("UPDATE").is_some_and(|value| value == "1");
    for (name, content) in seeds() {
        let path = folder().join(name);
        if is_update {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &content).unwrap();
        }
        let committed = fs::read(&path).expect(name);
        assert!(
            committed == content,
            "seed {name} differs; UPDATE=1 writes it anew"
        );
    }
    let (mut good, mut bad) = (0, 0);
    for entry in fs::read_dir(folder()).expect("the folder of the seeds") {
        let entry = entry.expect("a seed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let result = replay(&fs::read(entry.path()).expect("a seed's content"));
        if name.starts_with("good-") {
            good += 1;
            result.expect(&name);
        } else {
            bad += 1;
            result.expect_err(&name);
        }
    }
    assert!(good >= 4 && bad >= 10, "{good} good, {bad} bad");
}
