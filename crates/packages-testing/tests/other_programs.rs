//! What is made here is what it says, in the eyes of the programs that others use.
#![allow(clippy::expect_used, reason = "a test ends where a program is missing")]

use std::path::Path;
use std::process::Command;

use enclair_packages_testing::{
    Compression, Deb, Files, KeyKind, KeyPlan, SignatureKind, Signer, SigningKey, SubkeyPlan,
    Suite, TarEntry,
};

const NOW: u32 = 1_700_000_000;

/// Standard output of a program that must succeed.
fn run(program: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("GNUPGHOME", directory)
        .output()
        .expect(program);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &errors
}

#[test]
fn dpkg_reads_packages() {
    let directory = tempfile::tempdir().unwrap();
    let long = format!("./usr/share/{}", "x".repeat(120));
    for compression in [Compression::Gzip, Compression::Xz, Compression::Zstd] {
        let package = Deb::new("hello", "1:2.0-1", "amd64")
            .field("Depends", "libc6")
            .script("postinst", "#!/bin/sh\n")
            .directory("./usr/")
            .file(&long, "long")
            .entry(TarEntry::symlink("./usr/link", "share"))
            .compression(compression);
        std::fs::write(directory.path().join("a.deb"), package.build()).unwrap();
        let fields = run("dpkg-deb", &["--field", "a.deb"], directory.path());
        assert!(fields.contains("Version: 1:2.0-1\n"), "{fields}");
        let listed = run("dpkg-deb", &["--contents", "a.deb"], directory.path());
        assert!(listed.contains(&long), "{listed}");
        assert!(listed.contains("./usr/link -> share"), "{listed}");
        let control = run(
            "dpkg-deb",
            &["--info", "a.deb", "postinst"],
            directory.path(),
        );
        assert_eq!(control, "#!/bin/sh\n");
    }
}

#[test]
fn gpg_verifies_signatures() {
    let directory = tempfile::tempdir().unwrap();
    let with_subkey = KeyPlan {
        subkey: Some(SubkeyPlan::default()),
        ..KeyPlan::default()
    };
    let of = |kind| KeyPlan {
        kind,
        ..KeyPlan::default()
    };
    let plans = [
        KeyPlan::default(),
        with_subkey,
        of(KeyKind::P256),
        of(KeyKind::Rsa(2048)),
    ];
    for (seed, plan) in (1..).zip(plans) {
        for kind in [SignatureKind::Text, SignatureKind::Binary] {
            let key = SigningKey::generate(seed, &plan);
            let signer = Signer {
                kind,
                ..Signer::new(&key, NOW)
            };
            let mut suite = Suite::new("bookworm", NOW.into()).field("Description", "-- dashes  ");
            suite.add("main", Deb::new("hello", "1", "all"));
            let mut files = Files::default();
            suite.publish(&[signer], &mut files);
            files.put("key.gpg", key.certificate());
            files.write_to(directory.path()).unwrap();
            let said = run(
                "gpgv",
                &["--keyring", "./key.gpg", "dists/bookworm/InRelease"],
                directory.path(),
            );
            assert!(said.contains("Good signature"), "{plan:?}: {said}");
            assert!(
                said.contains(&key.signing_fingerprint()),
                "{plan:?}: {said}"
            );
        }
    }
}
