//! `enclair packages`, and files of digests in and out of a lock.
//!
//! A lock is made here as `lock --import` makes it, with a time that is told: the suite in
//! `crates/build/tests` was signed once, and is believed for a while. What follows needs no time.

use std::fs;
use std::path::Path;

use enclair_build::packages::{PackageDocument, PackagesDocument, SCHEMA, SourceDocument};
use enclair_build::{AwsLc, Project, Silent, Tools};
use enclair_fetch::{ArchiveSettings, Fetcher, Settings};
use enclair_packages::sums::{self, Sums};
use enclair_packages_testing::{Deb, sha256};
use enclair_store::Store;
use insta::assert_snapshot;
use serde_json::Value;

use crate::project::{alter, blob_in, commit, git, project, replace};
use crate::schemas::assert_conforms;
use crate::workshop::{Workshop, run};

/// An hour after the suite's date.
const NOW: u64 = 1_795_486_335 + 3600;

const RECIPE: &str = "schema = 1\n[run]\ncommand = [\"/app\"]\n\
    [boot]\nkernel = \"kernel\"\ninit = \"init\"\n\
    [source.packages]\ndistribution = \"debian\"\nsuites = [\"bookworm-updates\"]\n\
    base = \"none\"\ninstall = [\"app\"]\n";

fn debs() -> Vec<Deb> {
    let deb = |name, version, arch| Deb::new(name, version, arch).file("./usr/share/x", name);
    vec![
        deb("app", "1:2.0-3", "amd64").field("Depends", "library (>= 4), base"),
        deb("library", "4.1", "amd64").field("Pre-Depends", "base"),
        deb("base", "12", "all"),
    ]
}

fn digests(debs: &[Deb]) -> String {
    let paths: Vec<_> = debs.iter().map(Deb::pool_path).collect();
    let digests = debs.iter().map(|deb| sha256(&deb.build()));
    sums::write(paths.iter().map(String::as_str).zip(digests)).unwrap()
}

/// A directory that is an archive of the suite and of `debs`.
fn archive(shop: &Workshop, debs: &[Deb]) {
    let suite =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../build/tests/packages/bookworm-updates");
    let [release, index] =
        ["InRelease", "Packages.xz"].map(|name| fs::read(suite.join(name)).unwrap());
    let below = "archive/dists/bookworm-updates";
    shop.write(&format!("{below}/InRelease"), release);
    let digest = sha256(&index);
    shop.write(
        &format!("{below}/main/binary-amd64/by-hash/SHA256/{digest}"),
        index,
    );
    for deb in debs {
        shop.write(&format!("archive/{}", deb.pool_path()), deb.build());
    }
}

/// Makes the lock of `debs`; everything that it needs is in the store afterwards.
fn lock(shop: &Workshop, debs: &[Deb]) {
    archive(shop, debs);
    let archive = ArchiveSettings {
        mirrors: vec![format!("file://{}", shop.path("archive").display())],
        exclusive: true,
    };
    let settings = Settings {
        offline: true,
        archives: [("debian".to_owned(), archive)].into(),
        ..Settings::default()
    };
    let store = Store::open_with(&shop.path("store"), AwsLc).unwrap();
    let fetcher = Fetcher::new(store, settings).unwrap();
    let tools = Tools {
        engine: &AwsLc,
        supply: &fetcher,
        progress: &Silent,
        now: NOW,
    };
    let project = Project::open(&shop.path("enclair.toml"), &|_| false).unwrap();
    let sums = Sums::parse(digests(debs).as_bytes()).unwrap();
    project.import(&sums, (&[], None), &tools).unwrap();
    fs::remove_dir_all(shop.path("archive")).unwrap();
}

fn locked() -> Workshop {
    let shop = project(RECIPE);
    lock(&shop, &debs());
    shop
}

/// The document of a command that ends with `status`, which is as its schema says.
fn document(shop: &Workshop, status: i32, arguments: &str) -> Value {
    let outcome = shop.enclair(&format!("{arguments} --json"));
    assert_eq!(outcome.status, Some(status), "{}", outcome.stderr);
    let found = serde_json::from_str(&outcome.stdout).unwrap();
    let name = arguments.split(' ').take(2).collect::<Vec<_>>().join("-");
    assert_conforms(&name, &found);
    found
}

/// A text in which digests are short.
fn short(text: &str) -> String {
    let digests: Vec<_> = debs()
        .iter()
        .map(|deb| sha256(&deb.build()).to_string())
        .collect();
    let names = ["[app]", "[library]", "[base]"];
    let pairs = digests.iter().zip(names);
    pairs.fold(text.to_owned(), |text, (digest, name)| {
        text.replace(digest, name)
    })
}

/// The words of a line but for sizes.
fn without_size(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let is_unit = |word: Option<&&str>| matches!(word, Some(&("B" | "KiB")));
    let kept = words
        .iter()
        .enumerate()
        .filter(|(place, word)| !is_unit(Some(word)) && !is_unit(words.get(place + 1)));
    kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

#[test]
fn locked_packages_are_listed() {
    let shop = locked();
    let listed = shop.enclair("packages list").done();
    // A size depends on the encoder of the machine that makes the packages.
    let plain: Vec<_> = listed.lines().map(without_size).collect();
    assert_snapshot!(plain.join("\n"), @r"
    base 12 all debian
    library 4.1 amd64 debian
    app 1:2.0-3 amd64 debian asked for
    3 packages,
    debian:bookworm-updates main 2026-11-24T02:12:15Z key B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8
    ");
    let found = document(&shop, 0, "packages list");
    let names: Vec<_> = found["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            (
                package["name"].as_str().unwrap(),
                package["asked"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(names, [("base", false), ("library", false), ("app", true)]);
    assert_eq!(found["count"], 3);
    assert_eq!(found["packages"][2]["version"], "1:2.0-3");
    assert_eq!(found["packages"][2]["of"], "source");
    let size: u64 = debs().iter().map(|deb| deb.build().len() as u64).sum();
    assert_eq!(found["bytes"], size);
}

#[test]
fn a_lock_without_packages_has_none_to_list() {
    let recipe = crate::project::of_files();
    let shop = project(&recipe);
    assert_snapshot!(shop.enclair("packages list").refused(), @r"
    error: the packages of `enclair.toml` cannot be listed
      caused by: there is no lock `enclair.lock`
    hint: run `enclair lock` and commit what it writes; with `--locked` or CI=true nothing else is built
    ");
    shop.enclair("lock").done();
    assert_snapshot!(shop.enclair("packages list").refused(), @r"
    error: the packages of `enclair.toml` cannot be listed
      caused by: `enclair.lock` locks no packages
    hint: packages are those of `source.packages` in the recipe
    ");
    assert_eq!(
        shop.enclair("packages download").refused(),
        shop.enclair("packages list")
            .refused()
            .replace("listed", "had")
    );
}

#[test]
fn a_package_is_explained_from_the_store_alone() {
    let shop = locked();
    assert_snapshot!(shop.enclair("packages why base --offline").done(), @r"
    base 12 all, from debian
      app 1:2.0-3 (asked for)
        Depends `base`: base 12
    ");
    assert_snapshot!(shop.enclair("packages why library . --offline").done(), @r"
    library 4.1 amd64, from debian
      app 1:2.0-3 (asked for)
        Depends `library (>= 4)`: library 4.1
    ");
    let found = document(&shop, 0, "packages why library --offline");
    assert_eq!(found["chains"][0]["reason"], "asked for");
    assert_eq!(found["chains"][0]["needs"][0]["name"], "library");
    assert_snapshot!(shop.enclair("packages why libary").refused(), @r"
    error: `libary` cannot be explained
      caused by: `libary` is not among the 3 locked packages
    hint: there is library
    ");
    assert_snapshot!(shop.enclair("packages why x").refused(), @r"
    error: `x` cannot be explained
      caused by: `x` is not among the 3 locked packages
    hint: `enclair packages list` lists them
    ");
}

#[test]
fn packages_become_files_and_the_lock_is_equal_to_what_it_was() {
    let shop = locked();
    let before = shop.text("enclair.lock");
    let mut command = shop.command(["packages", "download", "--offline"]);
    command.env("CI", "true");
    run(command).done();
    assert_eq!(shop.text("enclair.lock"), before);

    let outcome = shop.enclair("packages download --dir debs --offline");
    assert_snapshot!(outcome.stderr, @"locked  `enclair.lock` has the packages' SHA-1 now, and is equal otherwise");
    let done = outcome.done();
    assert!(done.starts_with("debs  3 packages, "), "{done}");
    assert_eq!(
        shop.names("debs"),
        [
            "app_2.0-3_amd64.deb",
            "base_12_all.deb",
            "library_4.1_amd64.deb"
        ]
    );
    for deb in debs() {
        let path = deb.pool_path();
        let name = path.rsplit('/').next().unwrap();
        assert_eq!(shop.read(format!("debs/{name}")), deb.build(), "{name}");
    }
    shop.write("before.lock", before);
    assert_eq!(shop.text("enclair.lock").matches("sha1 = ").count(), 3);
    assert_eq!(
        shop.enclair("packages diff before.lock enclair.lock")
            .done(),
        "the locks are equal\n"
    );
    let found = document(&shop, 0, "packages download --offline");
    assert_eq!(found["change"], "kept");
    assert_eq!(found["packages"], 3);
}

#[test]
fn a_package_that_nobody_has_is_named() {
    let shop = locked();
    let digest = sha256(&debs()[0].build()).to_string();
    alter(&shop, &blob_in("store", &digest));
    let message = shop
        .enclair("packages download --dir debs --offline")
        .refused();
    assert!(message.contains("app 1:2.0-3 amd64"), "{message}");
    assert!(!shop.exists("debs/app_2.0-3_amd64.deb"));
}

#[test]
fn what_became_of_packages_is_told_with_the_registers_that_move() {
    let shop = locked();
    shop.write("old.lock", shop.text("enclair.lock"));
    let mut others = debs();
    others[0] = Deb::new("app", "1:2.0-4", "amd64").field("Depends", "base");
    others[1] = Deb::new("base", "12", "all").file("./usr/bin/other", "other");
    others[2] = Deb::new("extra", "0.1", "all");
    lock(&shop, &others);
    let outcome = shop.enclair("packages diff old.lock .");
    assert_eq!(outcome.status, Some(1));
    let mut text = short(&outcome.stdout);
    let altered = sha256(&others[1].build()).to_string();
    text = text.replace(&altered, "[other base]");
    assert_snapshot!(text, @r"
    upgraded  app      amd64  1:2.0-3 -> 1:2.0-4
    ALTERED   base     all    12: the version is the same, and sha256:[base] is now sha256:[other base]
    added     extra    all    0.1
    removed   library  amd64  4.1
    PCR0  moves
    PCR1  stays
    PCR2  moves
    ");
    let found = document(&shop, 1, "packages diff old.lock enclair.lock");
    assert_eq!(found["equal"], false);
    assert_eq!(found["packages"][1]["change"], "altered");
    assert_eq!(found["packages"][2]["new"]["name"], "extra");
    assert!(found["packages"][2].get("old").is_none());
    assert_eq!(found["registers"]["PCR1"], "stays");
    let back = document(&shop, 1, "packages diff enclair.lock old.lock");
    assert_eq!(back["packages"][0]["change"], "downgraded");
    assert_eq!(
        document(&shop, 0, "packages diff . enclair.lock")["equal"],
        true
    );
}

#[test]
fn a_lock_of_a_commit_is_compared() {
    let shop = locked();
    commit(&shop, ".", "enclair.lock");
    git(&shop, ".", "tag v1");
    let diff = |old: &str, new: &str| {
        let mut command = shop.command(["packages", "diff", old, new]);
        command.env_remove("GIT_DIR");
        run(command)
    };
    assert_eq!(diff("v1:enclair.lock", ".").done(), "the locks are equal\n");
    replace(&shop, "enclair.lock", "cmdline = \"", "cmdline = \"quiet ");
    let outcome = diff("v1:./enclair.lock", "enclair.lock");
    assert_eq!(outcome.status, Some(1));
    assert!(
        outcome.stdout.starts_with("changed  cmdline: "),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome
            .stdout
            .ends_with("PCR0  moves\nPCR1  moves\nPCR2  stays\n")
    );
    assert_snapshot!(diff("v2:enclair.lock", ".").refused(), @r"
    error: `v2:enclair.lock` cannot be compared
      caused by: git gives no file `v2:enclair.lock`
    hint: paths begin at the top of the repository, or with `./`: `v1.2:./enclair.lock`
    ");
    assert_snapshot!(diff("none.lock", ".").refused(), @r"
    error: `none.lock` cannot be compared
      caused by: there is no lock `./none.lock`
    hint: run `enclair lock` and commit what it writes; with `--locked` or CI=true nothing else is built
    ");
    assert!(diff("--output=x:y", ".").status == Some(2));
    assert!(!shop.exists("x:y"));
}

#[test]
fn digests_go_out_of_a_lock_and_come_into_another() {
    let shop = locked();
    let text = digests(&debs());
    assert_eq!(shop.enclair("lock --export-sha256sums -").done(), text);
    let done = shop
        .enclair("lock --export-sha256sums SHA256SUMS-amd64")
        .done();
    assert_eq!(done, "SHA256SUMS-amd64  3 packages\n");
    assert_eq!(shop.text("SHA256SUMS-amd64"), text);
    // Everything is in the store, and the suite is locked.
    let before = shop.text("enclair.lock");
    let outcome = shop.enclair("lock --import SHA256SUMS-amd64 --offline");
    assert!(outcome.done().starts_with("`enclair.lock` is as it was\n"));
    assert_eq!(shop.text("enclair.lock"), before);
    let less: String = text
        .lines()
        .filter(|line| !line.contains("/library_"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    shop.write("less", less);
    assert_snapshot!(shop.enclair("lock --import less --offline").refused(), @r"
    error: `enclair.toml` was not locked
      caused by: these packages (2) are not a root filesystem for this recipe: app Depends `library (>= 4)`
    hint: the lock is exactly what the file says; a base image's packages belong into it too: `enclair packages from-image` lists them
    ");
    assert_eq!(shop.text("enclair.lock"), before);
}

#[test]
fn a_file_of_digests_that_is_none_is_refused_with_its_line() {
    let shop = locked();
    let message = |content: &str| {
        shop.write("sums", content);
        shop.enclair("lock --import sums --offline").refused()
    };
    let digest = "a".repeat(64);
    assert_snapshot!(message(&format!("# x\n{digest}  pool/../../etc/x.deb\n")), @r"
    error: `sums` is no file of digests
      caused by: line 2: `pool/../../etc/x.deb` is no path in an archive: it has an empty part, `.` or `..`
    ");
    assert_snapshot!(message(&format!("{digest} pool/x.deb\n")), @r"
    error: `sums` is no file of digests
      caused by: line 1: expected a digest, two blanks and a path
    hint: lines are those that `sha256sum` writes for text files: 64 digits, two blanks, and a path such as `pool/main/h/hello/hello_2.10-3_amd64.deb`
    ");
    assert_snapshot!(message(&format!("{digest}  v3.16/main/x86_64/bash-5.1.16-r2.apk\n")), @r"
    error: `sums` is no file of digests
      caused by: line 1: this is a package of Alpine; only packages of Debian and Ubuntu are read
    ");
    let unfound = message(&format!("{digest}  pool/x_1_all.deb\n"));
    assert!(
        unfound.contains("line 1: `pool/x_1_all.deb` with digest sha256:[sha256] cannot be had"),
        "{unfound}"
    );
    let outcome = shop.enclair("lock --import absent --offline").refused();
    assert!(outcome.contains("`absent` cannot be read"), "{outcome}");
}

#[test]
fn a_root_filesystem_that_does_not_say_what_it_has_is_refused() {
    let shop = Workshop::new();
    shop.write("root/etc/hostname", "x");
    assert_snapshot!(shop.enclair("packages from-image root --offline").refused(), @r"
    error: the packages of `root` cannot be listed
      caused by: `root` has neither `var/lib/dpkg/status` nor `var/lib/dpkg/status.d`
    hint: only images of Debian and Ubuntu say which packages they have
    ");
    shop.write(
        "root/var/lib/dpkg/status",
        "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
    );
    assert_snapshot!(shop.enclair("packages from-image root --offline").refused(), @r"
    error: the packages of `root` cannot be listed
      caused by: `root` does not say which release of Debian or Ubuntu it is
    hint: say it: `--distribution debian --suite bookworm`
    ");
    shop.write(
        "root/etc/os-release",
        "ID=debian\nVERSION_CODENAME=bookworm\n",
    );
    let message = shop.enclair("packages from-image root --offline").refused();
    assert!(
        message.contains("`dists/bookworm/InRelease` of `debian` cannot be had"),
        "{message}"
    );
    shop.write("root/var/lib/dpkg/status", "Package: a\nStatus: nonsense\n");
    assert_snapshot!(shop.enclair("packages from-image root --offline").refused(), @r"
    error: the packages of `root` cannot be listed
      caused by: `var/lib/dpkg/status` of `root` is no list of packages
      caused by: line 2: `nonsense` is no state of a package
    ");
}

fn built(shop: &Workshop) {
    let package = |name: &str, paths: &[&str]| PackageDocument {
        name: name.to_owned(),
        version: "1:2.0-3".to_owned(),
        architecture: "amd64".to_owned(),
        source: SourceDocument {
            name: format!("{name}-source"),
            version: "1:2.0".to_owned(),
        },
        sha256: sha256(name.as_bytes()),
        paths: paths.iter().map(|path| (*path).to_owned()).collect(),
    };
    let document = PackagesDocument {
        schema: SCHEMA,
        packages: vec![
            package("app", &["usr/bin/app", "usr/share/doc/app/copyright"]),
            package(
                "library",
                &["usr/lib/liblibrary.so.4", "usr/share/doc/library/copyright"],
            ),
        ],
    };
    shop.write("out/packages.json", serde_json::to_vec(&document).unwrap());
}

#[test]
fn a_path_of_an_image_is_explained_by_its_package() {
    let shop = Workshop::new();
    assert_snapshot!(shop.enclair("explain /bin/app").refused(), @"error: there is no `out/packages.json`: only a build of packages writes one (`-o` says where)");
    built(&shop);
    let digest = sha256(b"app").to_string();
    let found = shop.enclair("explain /bin/app").done();
    assert_eq!(
        shop.enclair("explain /usr//bin/app").done().lines().nth(1),
        found.lines().nth(1)
    );
    assert_snapshot!(found.replace(&digest, "[app]"), @r"
    /bin/app
      app 1:2.0-3 amd64, source app-source 1:2.0  sha256:[app]
    ");
    let below = shop.enclair("explain /usr/share").done();
    assert_eq!(below.lines().count(), 3, "{below}");
    let found: Value =
        serde_json::from_str(&shop.enclair("explain /lib/liblibrary.so.4 --json").done()).unwrap();
    assert_conforms("explain-path", &found);
    assert_eq!(found["packages"][0]["name"], "library");
    assert_eq!(found["packages"][0]["files"], 1);
    assert_snapshot!(shop.enclair("explain /etc/passwd").refused(), @"error: no package of `out/packages.json` has `/etc/passwd`: it is from the recipe, from an effect, or not there");
    shop.write("out/packages.json", "{\"schema\": 2, \"packages\": []}");
    assert_snapshot!(shop.enclair("explain /etc/passwd").refused(), @"error: `out/packages.json` has schema 2, this release reads schema 1");
}
