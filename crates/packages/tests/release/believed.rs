//! What is accepted, and what is then known.

use enclair_packages::release::{Fingerprint, Keys};
use enclair_packages_testing::{HashAlgorithm, KeyKind, SignatureKind, SubkeyPlan, sha256};

use super::*;

#[test]
fn a_suite_says_what_it_is_and_what_was_checked() {
    let key = key();
    let suite = suite()
        .field("NotAutomatic", "yes")
        .field("ButAutomaticUpgrades", "yes")
        .field("Valid-Until", &date_at(NOW));
    let mut files = Files::default();
    suite.publish(&[Signer::new(&key, MADE)], &mut files);
    let in_release = files.get("dists/bookworm/InRelease").unwrap();
    let release = verify(str::from_utf8(in_release).unwrap(), &key).unwrap();
    assert_eq!(release.suite.as_deref(), Some("stable"));
    assert_eq!(release.codename.as_deref(), Some("bookworm"));
    assert_eq!(release.origin.as_deref(), Some("Synthetic"));
    assert_eq!(release.date, UnixSeconds(MADE.into()));
    assert_eq!(release.valid_until, Some(UnixSeconds(NOW.into())));
    assert_eq!(release.components, ["main"]);
    assert_eq!(release.architectures, ["amd64"]);
    assert!(release.acquire_by_hash && release.not_automatic && release.but_automatic_upgrades);

    assert_eq!(release.checked.sha256, sha256(in_release));
    assert_eq!(release.checked.others, 0);
    let [signature] = release.checked.signatures.as_slice() else {
        panic!("{:?}", release.checked);
    };
    assert_eq!(signature.certificate.to_string(), key.fingerprint());
    assert_eq!(signature.key.to_string(), key.fingerprint());
    assert_eq!(signature.hash, "SHA512");
    assert_eq!(signature.created, UnixSeconds(MADE.into()));

    let index = release.index("main", "amd64").unwrap();
    assert_eq!(index.path, "main/binary-amd64/Packages.xz");
    for path in [
        release.location(&index),
        format!("dists/bookworm/{}", index.path),
    ] {
        let content = files.get(&path).unwrap();
        assert_eq!(index.sha256, sha256(content));
        assert_eq!(index.size, content.len() as u64);
    }
    assert_eq!(release.files().count(), 3);
}

#[test]
fn without_by_hash_an_index_is_at_its_name() {
    let key = key();
    let text = text(&suite().field("Acquire-By-Hash", "no"));
    let release = verify(&signed(&text, &key), &key).unwrap();
    let index = release.index("main", "amd64").unwrap();
    let expected = "dists/bookworm/main/binary-amd64/Packages.xz";
    assert_eq!(release.location(&index), expected);
}

#[test]
fn keys_of_every_accepted_kind_sign() {
    let text = text(&suite());
    let of = |kind| KeyPlan {
        kind,
        ..KeyPlan::default()
    };
    for plan in [of(KeyKind::P256), of(KeyKind::Rsa(2048))] {
        let key = SigningKey::generate(2, &plan);
        verify(&signed(&text, &key), &key).unwrap();
    }
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
        for kind in [SignatureKind::Text, SignatureKind::Binary] {
            let key = key();
            let signer = Signer {
                hash,
                kind,
                ..Signer::new(&key, MADE)
            };
            verify(&clear_signed(&text, &[signer]), &key).unwrap();
        }
    }
}

#[test]
fn a_subkey_signs_for_its_certificate() {
    let plan = KeyPlan {
        signs: false,
        subkey: Some(SubkeyPlan::default()),
        ..KeyPlan::default()
    };
    let key = SigningKey::generate(3, &plan);
    let release = verify(&signed(&text(&suite()), &key), &key).unwrap();
    let signature = release.checked.signatures.first().unwrap();
    assert_eq!(signature.certificate.to_string(), key.fingerprint());
    assert_eq!(signature.key.to_string(), key.signing_fingerprint());
    assert_ne!(signature.key, signature.certificate);
}

/// As the keys of some archives are: there is nothing newer.
#[test]
fn a_key_may_vouch_for_itself_with_sha1() {
    let plan = KeyPlan {
        kind: KeyKind::Rsa(2048),
        hash: HashAlgorithm::Sha1,
        ..KeyPlan::default()
    };
    let key = SigningKey::generate(4, &plan);
    verify(&signed(&text(&suite()), &key), &key).unwrap();
}

#[test]
fn one_good_signature_is_enough() {
    let (key, stranger) = (key(), SigningKey::generate(5, &KeyPlan::default()));
    let text = text(&suite());
    let expired = Signer {
        expires_after: Some(1),
        ..Signer::new(&key, MADE)
    };
    let signers = [
        Signer::new(&stranger, MADE),
        expired,
        Signer::new(&key, MADE),
    ];
    let release = verify(&clear_signed(&text, &signers), &key).unwrap();
    assert_eq!(release.checked.signatures.len(), 1);
    assert_eq!(release.checked.others, 2);
}

#[test]
fn a_part_of_a_release_has_the_name_that_its_archive_gives_it() {
    let key = key();
    for (asked, suite_name, codename) in [
        ("bookworm", "oldstable", "bookworm"),
        (
            "bookworm-security",
            "oldstable-security",
            "bookworm-security",
        ),
        ("noble", "noble", "noble"),
        ("noble-updates", "noble-updates", "noble"),
        ("nodistro", "nodistro", ""),
    ] {
        let suite = suite()
            .field("Suite", suite_name)
            .field("Codename", codename);
        let policy = Policy {
            suite: asked,
            ..policy()
        };
        let in_release = signed(&text(&suite), &key);
        let release = verify_with(&in_release, &keys_of(&key), &policy).unwrap();
        assert_eq!(release.asked, asked);
    }
}

#[test]
fn the_same_date_as_in_the_lock_is_not_older() {
    let key = key();
    let policy = Policy {
        locked: Some(UnixSeconds(MADE.into())),
        ..policy()
    };
    let in_release = signed(&text(&suite()), &key);
    verify_with(&in_release, &keys_of(&key), &policy).unwrap();
}

#[test]
fn clocks_may_differ_a_little() {
    let key = key();
    let suite = suite().field("Date", &date_at(NOW + 300));
    let signer = Signer::new(&key, NOW + 300);
    verify(&clear_signed(&text(&suite), &[signer]), &key).unwrap();
}

#[test]
fn keys_are_judged_for_the_time_that_is_asked_for() {
    let plan = KeyPlan {
        expires_after: Some(NOW - 1_600_000_000),
        ..KeyPlan::default()
    };
    let key = SigningKey::generate(6, &plan);
    let in_release = signed(&text(&suite()), &key);
    let before = Policy {
        at: UnixSeconds(u64::from(NOW) - 1),
        ..policy()
    };
    verify_with(&in_release, &keys_of(&key), &before).unwrap();
    verify(&in_release, &key).unwrap_err();
}

#[test]
fn a_certificate_may_be_armored_and_come_from_anywhere() {
    use base64::Engine as _;

    let (key, stranger) = (key(), SigningKey::generate(5, &KeyPlan::default()));
    let armored = |key: &SigningKey| {
        let encoded = base64::engine::general_purpose::STANDARD.encode(key.certificate());
        format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\r\nComment: x\r\n\r\n{encoded}\r\n\
             -----END PGP PUBLIC KEY BLOCK-----\r\n"
        )
    };
    let both = format!("{}\n{}", armored(&stranger), armored(&key));
    let keys = Keys::from_certificates(both.as_bytes()).unwrap();
    assert_eq!(keys.accepted().count(), 2);
    let accepted = Fingerprint::parse(&key.fingerprint()).unwrap();
    let keys = keys.only(&[accepted]).unwrap();
    let text = text(&suite());
    verify_with(&signed(&text, &key), &keys, &policy()).unwrap();
    verify_with(&signed(&text, &stranger), &keys, &policy()).unwrap_err();
}
