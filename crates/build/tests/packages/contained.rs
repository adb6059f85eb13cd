//! The packages that a root filesystem contains already.

use enclair_build::{Contained, ContainedRequest, Rootfs, contained_packages};
use enclair_digest::Limits;
use enclair_eif::Arch;
use enclair_recipe::Distribution;

use super::*;

const OS_RELEASE: &str = "ID=debian\nVERSION_CODENAME=bookworm\n";

fn installed(packages: &[(&str, &str, &str)]) -> String {
    packages
        .iter()
        .fold(String::new(), |text, (name, version, arch)| {
            text + &format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: {arch}\n\
                 Version: {version}\n\n"
            )
        })
}

fn root(packages: &[(&str, &str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let dpkg = root.path().join("var/lib/dpkg");
    fs::create_dir_all(&dpkg).unwrap();
    fs::write(dpkg.join("status"), installed(packages)).unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/os-release"), OS_RELEASE).unwrap();
    root
}

fn request<'a>(root: &TempDir, scratch: &'a TempDir) -> ContainedRequest<'a> {
    ContainedRequest {
        rootfs: Rootfs::Directory(root.path().to_owned()),
        minus: None,
        arch: Arch::X86_64,
        distribution: None,
        suites: vec!["bookworm-updates".to_owned()],
        components: vec!["main".to_owned()],
        limits: Limits::default(),
        scratch: scratch.path(),
    }
}

fn names(contained: &Contained) -> Vec<String> {
    contained.packages.iter().map(ToString::to_string).collect()
}

fn missing(contained: &Contained) -> Vec<String> {
    let missing = contained.missing.iter();
    missing
        .map(|missing| format!("{}: {}", missing.package, missing.reason))
        .collect()
}

#[test]
fn packages_are_found_in_their_own_version_or_not_at_all() {
    let root = root(&[
        ("tzdata", "2024a-0+deb12u1", "all"),
        ("openssl", "3.0.17-1~deb12u2", "amd64"),
        ("libssl3", "3.0.17-1~deb12u2", "amd64"),
        ("libssl3", "3.0.17-1~deb12u2", "i386"),
        ("bash", "5.2.15-2+b8", "amd64"),
    ]);
    let scratch = tempfile::tempdir().unwrap();
    let shelf = suite();
    let found = contained_packages(&request(&root, &scratch), &tools(&shelf)).unwrap();
    assert_eq!(
        names(&found),
        [
            "libssl3 3.0.17-1~deb12u2 amd64",
            "openssl 3.0.17-1~deb12u2 amd64"
        ]
    );
    assert_eq!(found.packages[0].blob.sha256.to_string(), LIBSSL3.1);
    assert_eq!(
        missing(&found),
        [
            "bash 5.2.15-2+b8 amd64: no suite has a package of this name",
            "libssl3 3.0.17-1~deb12u2 i386: no suite has a package of this name",
            "tzdata 2024a-0+deb12u1 all: the suites have 2025b-0+deb12u1",
        ]
    );
    assert_eq!(found.suites.len(), 1);
}

#[test]
fn what_a_base_has_in_the_same_version_does_not_count() {
    let openssl = ("openssl", "3.0.17-1~deb12u2", "amd64");
    let libssl3 = ("libssl3", "3.0.17-1~deb12u2", "amd64");
    let all = root(&[openssl, libssl3]);
    let base = root(&[openssl, ("libssl3", "3.0.15", "amd64")]);
    let scratch = tempfile::tempdir().unwrap();
    let request = ContainedRequest {
        minus: Some(Rootfs::Directory(base.path().to_owned())),
        ..request(&all, &scratch)
    };
    let found = contained_packages(&request, &tools(&suite())).unwrap();
    assert_eq!(names(&found), ["libssl3 3.0.17-1~deb12u2 amd64"]);
    assert_eq!((found.subtracted, found.missing.len()), (1, 0));
}

#[test]
fn an_archive_is_read_like_a_directory() {
    let packages = installed(&[("openssl", "3.0.17-1~deb12u2", "amd64")]);
    let entries = [
        enclair_packages_testing::TarEntry::file("./var/lib/dpkg/status", packages),
        enclair_packages_testing::TarEntry::file("./usr/lib/os-release", OS_RELEASE),
    ];
    let scratch = tempfile::tempdir().unwrap();
    let archive = scratch.path().join("root.tar");
    fs::write(&archive, enclair_packages_testing::tar(&entries)).unwrap();
    let empty = root(&[]);
    let request = ContainedRequest {
        rootfs: Rootfs::of(archive.to_str().unwrap()).unwrap(),
        ..request(&empty, &scratch)
    };
    let found = contained_packages(&request, &tools(&suite())).unwrap();
    assert_eq!(names(&found), ["openssl 3.0.17-1~deb12u2 amd64"]);
}

/// The suites of the release are what is looked in where nothing is said.
#[test]
fn the_release_says_where_packages_are_from() {
    let root = root(&[("openssl", "1", "amd64")]);
    let scratch = tempfile::tempdir().unwrap();
    let unsaid = |distribution| ContainedRequest {
        suites: Vec::new(),
        distribution,
        ..request(&root, &scratch)
    };
    let shelf = suite();
    let error = contained_packages(&unsaid(None), &tools(&shelf)).unwrap_err();
    assert_eq!(
        words(&error),
        "the packages cannot be locked\n`dists/bookworm/InRelease` of `debian` cannot be had\n\
         `dists/bookworm/InRelease` is not in `debian`"
    );
    let ubuntu = unsaid(Some(Distribution::Ubuntu));
    let error = contained_packages(&ubuntu, &tools(&shelf)).unwrap_err();
    assert!(words(&error).contains("does not say which release"));
}
