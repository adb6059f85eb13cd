//! What is not believed and not installed, as a person sees it: every error of a suite, an index, a
//! package, from the lock to the image.

use enclair_build::Entry;
use enclair_packages_testing::{Files, Signer, SigningKey, Suite, TarEntry};
use insta::assert_snapshot;

use super::built::{Repository, package, publish, shop};
use super::*;

fn app() -> Deb {
    package("app", "1.0").program("./usr/bin/app", "#!/bin/sh\n")
}

/// The error of a lock, when the repository's files were changed after they were made.
fn lock_of(change: impl FnOnce(&mut Files)) -> String {
    let repository = Repository::new([app()]);
    let (directory, project, shelf) = shop(&repository, "");
    let mut files = Files::default();
    let signer = Signer::new(&repository.key, 1_790_000_000);
    repository.suite.publish(&[signer], &mut files);
    change(&mut files);
    publish(&files, &shelf);
    let error = project.lock(&[], None, &tools(&shelf)).unwrap_err();
    assert!(!exists(&directory, "enclair.lock"));
    words(&error)
}

/// The error of a build whose packages are `debs`.
fn build_of(debs: impl IntoIterator<Item = Deb>) -> String {
    let (directory, project, shelf) = shop(&Repository::new(debs), "");
    let out = directory.path().join("out");
    let built = project.build(&options(), &out, &tools(&shelf));
    let error = built.unwrap_err();
    assert!(!out.exists());
    words(&error)
}

const IN_RELEASE: &str = "dists/stable/InRelease";

#[test]
fn a_signature_of_another_key() {
    let other = SigningKey::generate(5, &enclair_packages_testing::KeyPlan::default());
    let suite = Repository::new([app()]).suite;
    let found = lock_of(|files| suite.publish(&[Signer::new(&other, 1_790_000_000)], files));
    let found = found.replace(&other.fingerprint(), "[other]");
    assert_snapshot!(found, @r"
    the packages cannot be locked
    `shop:stable` is not believed
    is signed by [other], and none of them is accepted (accepted: 71BD7F635C11166E41CDE08147579448BFFCDA13)
    ");
}

#[test]
fn a_signature_of_another_text() {
    let found = lock_of(|files| {
        let text = files.get_mut(IN_RELEASE).unwrap();
        let at = text.windows(6).position(|word| word == b"stable").unwrap();
        text[at] = b'S';
    });
    assert_snapshot!(found, @r"
    the packages cannot be locked
    `shop:stable` is not believed
    the signature by 71BD7F635C11166E41CDE08147579448BFFCDA13: it is not of this text
    ");
}

#[test]
fn no_signature() {
    let found = lock_of(|files| files.put(IN_RELEASE, "Suite: stable\n"));
    assert_snapshot!(found, @r"
    the packages cannot be locked
    `shop:stable` is not believed
    line 1: expected `-----BEGIN PGP SIGNED MESSAGE-----`: this is no signed text, or something stands before it
    ");
}

#[test]
fn a_signature_that_has_expired() {
    let repository = Repository::new([app()]);
    let mut signer = Signer::new(&repository.key, 1_790_000_000);
    signer.expires_after = Some(60);
    let found = lock_of(|files| repository.suite.publish(&[signer], files));
    assert_snapshot!(found.replace(&repository.key.fingerprint(), "[key]"), @r"
    the packages cannot be locked
    `shop:stable` is not believed
    the signature by [key]: it expired Mon, 21 Sep 2026 14:14:20 UTC; now it is Tue, 24 Nov 2026 03:12:15 UTC
    ");
}

#[test]
fn the_release_of_another_suite() {
    let repository = Repository::new([app()]);
    let mut suite = Suite::new("testing", 1_790_000_000);
    suite.directory = repository.suite.directory.clone();
    let signer = Signer::new(&repository.key, 1_790_000_000);
    let found = lock_of(|files| suite.publish(&[signer], files));
    assert_snapshot!(found, @r"
    the packages cannot be locked
    `shop:stable` is not believed
    `stable` is the name that a suite has for a while: the one that has it now is `testing`
    ");
}

#[test]
fn a_release_older_than_the_locked_one() {
    let mut repository = Repository::new([app()]);
    let (_directory, project, shelf) = shop(&repository, "");
    let (locked, _) = project.lock(&[], None, &tools(&shelf)).unwrap();
    repository.suite.release = Suite::new("stable", 1_790_000_000 - 1).release;
    repository.publish(&shelf);
    let error = project.lock(&[Entry::Source], None, &tools(&shelf));
    assert_snapshot!(words(&error.unwrap_err()), @r"
    the packages cannot be locked
    `shop:stable` is not believed
    has the date Mon, 21 Sep 2026 14:13:19 UTC, which is before that of the lock, Mon, 21 Sep 2026 14:13:20 UTC
    ");
    assert_eq!(project.locked(&AwsLc).unwrap().unwrap().lock, locked.lock);
}

#[test]
fn an_index_with_another_digest() {
    let found = lock_of(|files| {
        let paths: Vec<String> = files.0.keys().cloned().collect();
        for path in paths.iter().filter(|path| path.contains("binary-amd64")) {
            let text = files.get_mut(path).unwrap();
            text.push(b'\n');
        }
    });
    assert_snapshot!(found, @r"
    the packages cannot be locked
    `dists/stable/main/binary-amd64/by-hash/SHA256/4009a7beb287e30c3d1dab317ad6f5daef857477f79185a7022841e4fe134d94` of `shop` cannot be had
    `dists/stable/main/binary-amd64/by-hash/SHA256/4009a7beb287e30c3d1dab317ad6f5daef857477f79185a7022841e4fe134d94` is in no archive
    ");
}

#[test]
fn a_package_with_another_digest() {
    let repository = Repository::new([app()]);
    let (_directory, project, shelf) = shop(&repository, "");
    project.lock(&[], None, &tools(&shelf)).unwrap();
    let path = format!("pool/main/{}", app().pool_path());
    shelf.publish("shop", &path, b"something else");
    let out = tempfile::tempdir().unwrap();
    let built = project.build(&options(), out.path(), &tools(&shelf));
    assert_snapshot!(words(&built.unwrap_err()), @r"
    an input cannot be had
    `app 1.0 amd64` is in no archive
    ");
}

#[test]
fn a_package_that_calls_itself_something_else() {
    let mut other = app();
    other
        .fields
        .iter_mut()
        .find(|(name, _)| name == "Version")
        .unwrap()
        .1 = "9".to_owned();
    let repository = Repository::new([app()]);
    let (_directory, project, shelf) = shop(&repository, "");
    let (locked, _) = project.lock(&[], None, &tools(&shelf)).unwrap();
    let digest = packages(&locked)[0].blob.sha256.to_string();
    let path = project.lock_path();
    let blob = shelf.store_deb(&other);
    let text = fs::read_to_string(&path).unwrap();
    let size = packages(&locked)[0].blob.size.to_string();
    let text = text.replace(&digest, &blob.sha256.to_string());
    let text = text.replace(
        &format!("size = {size}, sha256"),
        &format!("size = {}, sha256", blob.size),
    );
    fs::write(&path, text).unwrap();
    let out = tempfile::tempdir().unwrap();
    let built = project.build(&options(), out.path(), &tools(&shelf));
    assert_snapshot!(words(&built.unwrap_err()), @r"
    package `app 1.0` cannot be read
    `Version` is `9`, `1.0` was expected
    ");
}

#[test]
fn dependencies_that_cannot_be() {
    let app = app().field("Depends", "library (>= 2)");
    let library = package("library", "1.9");
    let (_directory, project, shelf) = shop(&Repository::new([app, library]), "");
    let error = project.lock(&[], None, &tools(&shelf)).unwrap_err();
    assert_snapshot!(words(&error), @r"
    the packages cannot be locked
    no set of packages is what the recipe asks for
    `app` 1.0 needs `library (>= 2)` (Depends): in shop:stable there is 1.9 for amd64
    ");
}

#[test]
fn members_that_lead_elsewhere() {
    let names = ["../etc/passwd", "./usr/../../x", "/etc/passwd"];
    let found = names.map(|name| build_of([app().entry(TarEntry::file(name, "x"))]));
    assert_snapshot!(found.join("\n\n"), @r"
    package `app 1.0` cannot be read
    member `data.tar.zst`: the archive cannot be read
    offset 2048: the name `../etc/passwd` has a `..` component

    package `app 1.0` cannot be read
    member `data.tar.zst`: the archive cannot be read
    offset 2048: the name `./usr/../../x` has a `..` component

    package `app 1.0` cannot be read
    member `data.tar.zst`: the archive cannot be read
    offset 2048: the name `/etc/passwd` is absolute
    ");
}

#[test]
fn one_path_of_two_packages() {
    let app = app().field("Depends", "library");
    let library = package("library", "1").program("./usr/bin/app", "mine");
    assert_snapshot!(build_of([app, library]), @r"
    the packages cannot be unpacked
    package `app`: `usr/bin/app` is in package `library` too
    ");
}

#[test]
fn a_pattern_that_is_none() {
    let (_directory, project, shelf) =
        shop(&Repository::new([app()]), "path_exclude = [\"/usr/[a\"]");
    let error = project.lock(&[], None, &tools(&shelf)).unwrap_err();
    assert_snapshot!(words(&error), @r"
    the packages cannot be locked
    paths cannot be left out like this
    pattern `/usr/[a`: the `[` has no `]`, or has a class in it
    ");
}
