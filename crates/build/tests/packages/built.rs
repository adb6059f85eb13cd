//! From a signed suite to an image: what is in it, what is said of it, and what stops it. Packages
//! are those of a repository of the recipe's own, packed as Ubuntu packs them where nothing else is
//! said; that of the distribution has nothing that is asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use enclair_build::packages::PackagesDocument;
use enclair_build::{Built, Entry, Outcome, extract_to_directory};
use enclair_digest::Limits;
use enclair_packages_testing::{Compression, Files, KeyPlan, Signer, SigningKey, Suite, TarEntry};
use insta::assert_snapshot;

use super::*;

/// When the repository's suite was made.
const MADE: u32 = 1_790_000_000;

/// A package with a file of its own.
pub(super) fn package(name: &str, version: &str) -> Deb {
    Deb::new(name, version, "amd64").file(&format!("./usr/share/doc/{name}/readme"), name)
}

/// A repository that is signed by its own key.
pub(super) struct Repository {
    pub(super) key: SigningKey,
    pub(super) suite: Suite,
}

impl Repository {
    pub(super) fn new(debs: impl IntoIterator<Item = Deb>) -> Self {
        let mut suite = Suite::new("stable", u64::from(MADE));
        for deb in debs {
            suite.add("main", deb.compression(Compression::Zstd));
        }
        Self {
            key: SigningKey::generate(21, &KeyPlan::default()),
            suite,
        }
    }

    /// Signs and publishes the suite as it is.
    pub(super) fn publish(&self, place: &Shelf) {
        let mut files = Files::default();
        self.suite
            .publish(&[Signer::new(&self.key, MADE)], &mut files);
        publish(&files, place);
    }
}

/// Puts the files of a repository where the recipe looks for them.
pub(super) fn publish(files: &Files, shelf: &Shelf) {
    for (path, content) in &files.0 {
        shelf.publish("shop", path, content);
    }
}

/// A project whose recipe asks for packages of the repository, and has `more`.
pub(super) fn shop(repository: &Repository, more: &str) -> (TempDir, Project, Shelf) {
    let shelf = suite();
    repository.publish(&shelf);
    let directory = tempfile::tempdir().unwrap();
    let key = repository.key.certificate();
    fs::write(directory.path().join("shop.pgp"), key).unwrap();
    let recipe = format!(
        "schema = 1\n[run]\ncommand = [\"/usr/bin/app\"]\n\
         [source.packages]\ndistribution = \"debian\"\nsuites = [\"bookworm-updates\"]\n\
         base = \"none\"\ninstall = [\"app\"]\n{more}\n\
         [[source.packages.repository]]\nname = \"shop\"\nurl = \"https://shop.example/debian\"\n\
         suites = [\"stable\"]\ncomponents = [\"main\"]\nkey = \"shop.pgp\"\n"
    );
    let path = directory.path().join("enclair.toml");
    fs::write(&path, recipe).unwrap();
    let project = Project::open(&path, &|_| false).unwrap();
    (directory, project, shelf)
}

fn build(
    directory: &TempDir,
    project: &Project,
    shelf: &Shelf,
) -> Result<Box<Built>, ProjectError> {
    let out = directory.path().join("out");
    match project.build(&options(), &out, &tools(shelf))? {
        Outcome::Built(built) => Ok(built),
        Outcome::UpToDate(_) => panic!("nothing was built before"),
    }
}

/// What the build's `packages.json` says: paths by package.
fn owners(directory: &TempDir) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(directory.path().join("out/packages.json")).unwrap();
    let document: PackagesDocument = serde_json::from_str(&text).unwrap();
    let packages = document.packages.into_iter();
    packages
        .map(|package| (package.name, package.paths))
        .collect()
}

/// Where the root filesystem of the image is.
fn unpacked(directory: &TempDir) -> PathBuf {
    let eif = directory.path().join("out/enclave.eif");
    let into = directory.path().join("unpacked");
    extract_to_directory(&eif, &into, &Limits::default()).unwrap();
    into.join("ramdisk1/rootfs")
}

fn app() -> Deb {
    package("app", "1.0")
        .field("Depends", "library")
        .program("./usr/bin/app", "#!/bin/sh\n")
}

fn library() -> Deb {
    package("library", "2.0-1").file("./lib/library.so", "code")
}

#[test]
fn packages_become_a_root_filesystem_with_records_of_them() {
    let (directory, project, shelf) = shop(&Repository::new([app(), library()]), "");
    let built = build(&directory, &project, &shelf).unwrap();
    assert_eq!(built.report.packages, Some(2));
    let root = unpacked(&directory);
    let link = fs::read_link(root.join("lib")).unwrap();
    assert_eq!(link.to_str(), Some("usr/lib"));
    let code = fs::read_to_string(root.join("usr/lib/library.so")).unwrap();
    assert_eq!(code, "code");
    let status = fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
    assert!(status.contains("Package: library\nStatus: install ok installed\n"));
    let paths = owners(&directory);
    assert_eq!(paths["app"], ["usr/bin/app", "usr/share/doc/app/readme"]);
    assert_eq!(
        paths["library"],
        ["usr/lib/library.so", "usr/share/doc/library/readme"]
    );
}

#[test]
fn the_same_lock_gives_the_same_image_elsewhere() {
    let repository = Repository::new([app(), library()]);
    let [first, second] = [0, 1].map(|_| {
        let (directory, project, shelf) = shop(&repository, "");
        let built = build(&directory, &project, &shelf).unwrap();
        let packages = fs::read(directory.path().join("out/packages.json")).unwrap();
        (built.report.eif.sha256.clone(), packages)
    });
    assert_eq!(first, second);
}

#[test]
fn what_is_left_out_is_said() {
    let more = "path_exclude = [\"/usr/share/doc/*\", \"*.so\"]";
    let (directory, project, shelf) = shop(&Repository::new([app(), library()]), more);
    let built = build(&directory, &project, &shelf).unwrap();
    let ids: Vec<_> = built
        .report
        .findings
        .iter()
        .map(|one| one.kind.id)
        .collect();
    assert_eq!(ids, ["package-path-excluded"]);
    assert_eq!(owners(&directory)["app"], ["usr/bin/app"]);
    let effects: Vec<_> = built
        .lock
        .lock
        .effects
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        effects.contains(&"path-exclude@1".to_owned()),
        "{effects:?}"
    );
}

#[test]
fn a_later_image_without_packages_has_no_list_of_them() {
    let (directory, project, shelf) = shop(&Repository::new([app(), library()]), "");
    build(&directory, &project, &shelf).unwrap();
    fs::write(directory.path().join("app"), "app").unwrap();
    let recipe = "schema = 1\n[run]\ncommand = [\"/app\"]\n[[source.files]]\nfrom = \"app\"\nto = \"/app\"\nmode = \"0755\"\n";
    let path = directory.path().join("enclair.toml");
    fs::write(&path, recipe).unwrap();
    let project = Project::open(&path, &|_| false).unwrap();
    build(&directory, &project, &shelf).unwrap();
    assert!(!exists(&directory, "out/packages.json"));
    assert!(exists(&directory, "out/measurements.json"));
}

fn scripted() -> Deb {
    app().script("postinst", "#!/bin/sh\nset -e\nfrobnicate --all\n")
}

#[test]
fn what_a_script_would_do_is_told() {
    let (directory, project, shelf) = shop(&Repository::new([scripted(), library()]), "");
    let built = build(&directory, &project, &shelf).unwrap();
    let mut findings = built.report.findings.iter();
    let finding = findings
        .find(|one| one.kind.id == "script-not-run")
        .unwrap();
    assert_eq!(finding.examples, ["app postinst line 3: frobnicate --all"]);
}

#[test]
fn what_a_script_would_do_stops_the_build_where_that_is_asked_for() {
    let more = "scripts = \"refuse\"";
    let (directory, project, shelf) = shop(&Repository::new([scripted(), library()]), more);
    let error = build(&directory, &project, &shelf).unwrap_err();
    assert_snapshot!(words(&error), @"findings that stop a build: script-not-run (1: `app postinst line 3: frobnicate --all`)");
    assert!(!exists(&directory, "out"));
}

#[test]
fn the_recipe_supplies_what_a_script_would_have_made() {
    let more = r#"
[source.packages.effects]
groups = [{ name = "shared", gid = 500 }]
users = [{ name = "app", uid = 400, groups = ["shared"] }]
directories = [{ path = "/var/lib/app", owner = "app:shared", mode = "0750" }]
files = [{ path = "/etc/app.conf", content = "x = 1\n" }]
links = [{ path = "/opt/app", target = "../usr/bin/app" }]
modes = [{ path = "/usr/bin/app", owner = "app:app" }]
"#;
    let (directory, project, shelf) = shop(&Repository::new([app(), library()]), more);
    build(&directory, &project, &shelf).unwrap();
    let root = unpacked(&directory);
    let passwd = fs::read_to_string(root.join("etc/passwd")).unwrap();
    assert_eq!(passwd, "app:x:400:400::/nonexistent:/usr/sbin/nologin\n");
    let group = fs::read_to_string(root.join("etc/group")).unwrap();
    assert_eq!(group, "shared:x:500:app\napp:x:400:\n");
    assert_eq!(
        fs::read_to_string(root.join("etc/app.conf")).unwrap(),
        "x = 1\n"
    );
    let target = fs::read_link(root.join("opt/app")).unwrap();
    assert_eq!(target.to_str(), Some("../usr/bin/app"));
    let entries = directory.path().join("unpacked/ramdisk1.entries.jsonl");
    let entries = fs::read_to_string(entries).unwrap();
    let entry_of = |path: &str| {
        let wanted = format!("\"rootfs/{path}\"");
        entries
            .lines()
            .find(|line| line.contains(&wanted))
            .unwrap()
            .to_owned()
    };
    for (path, parts) in [
        ("usr/bin/app", ["\"uid\":400", "\"gid\":400", "0755"]),
        ("var/lib/app", ["\"uid\":400", "\"gid\":500", "0750"]),
    ] {
        let line = entry_of(path);
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
}

#[test]
fn files_belong_to_users_of_the_image_and_to_nobody_else() {
    let entry = TarEntry::file("./srv/data", "x").owner((1234, 1234), "keeper", "keeper");
    let repository = Repository::new([app().entry(entry), library()]);
    let (directory, project, shelf) = shop(&repository, "");
    let error = build(&directory, &project, &shelf).unwrap_err();
    assert_snapshot!(words(&error), @r"
    the packages cannot be unpacked
    package `app`: `srv/data` belongs to user `keeper`, which does not exist
    ");
    let more = "[source.packages.effects]\nusers = [{ name = \"keeper\", uid = 300 }]";
    let (directory, project, shelf) = shop(&repository, more);
    build(&directory, &project, &shelf).unwrap();
}

#[test]
fn an_overlay_takes_a_file_from_its_package() {
    let (directory, _, shelf) = shop(&Repository::new([app(), library()]), "");
    fs::write(directory.path().join("other"), "other").unwrap();
    let path = directory.path().join("enclair.toml");
    let mut recipe = fs::read_to_string(&path).unwrap();
    recipe.push_str("[[overlay]]\nfrom = \"other\"\nto = \"/usr/bin/app\"\nmode = \"0755\"\n");
    fs::write(&path, recipe).unwrap();
    let project = Project::open(&path, &|_| false).unwrap();
    build(&directory, &project, &shelf).unwrap();
    assert_eq!(owners(&directory)["app"], ["usr/share/doc/app/readme"]);
}

fn tool() -> Deb {
    package("tool", "7.1").program("./usr/bin/tool", "#!/bin/sh\nexit 0\n")
}

/// An overlay of one file of a package.
fn laid(path: &str) -> String {
    format!("[[overlay]]\nfrom = {{ package = \"tool\", path = \"{path}\" }}\nto = \"/opt/\"\n")
}

#[test]
fn one_file_of_a_package_is_laid_without_the_package() {
    let repository = Repository::new([app(), library(), tool()]);
    let (directory, project, shelf) = shop(&repository, &laid("/usr/bin/t*"));
    let built = build(&directory, &project, &shelf).unwrap();
    let lock = &built.lock.lock;
    let [file] = &lock.files[..] else {
        panic!("{:?}", lock.files);
    };
    assert_eq!(file.package().unwrap().version, "7.1");
    let laid = &built.report.laid.files[0];
    assert_eq!(
        (&*laid.from, &*laid.mode),
        ("package:tool, usr/bin/tool", "0755")
    );
    let root = unpacked(&directory);
    let program = fs::read_to_string(root.join("opt/tool")).unwrap();
    assert_eq!(program, "#!/bin/sh\nexit 0\n");
    assert!(!owners(&directory).contains_key("tool"));
    let status = fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
    assert!(!status.contains("Package: tool"));
    // Nothing of it is asked for again as long as the recipe asks for the same.
    shelf.close_archives();
    let (kept, _) = project.lock(&[], None, &tools(&shelf)).unwrap();
    assert_eq!(kept.lock, *lock);
}

#[test]
fn a_laid_file_must_be_there_and_be_what_the_lock_says() {
    let repository = Repository::new([app(), library(), tool()]);
    let (directory, project, shelf) = shop(&repository, &laid("/usr/bin/other"));
    let error = build(&directory, &project, &shelf).unwrap_err();
    assert_snapshot!(words(&error), @r"
    the packages cannot be locked
    no file `/usr/bin/other` is in `tool`; looked in tool
    ");
    let (directory, project, shelf) = shop(&repository, &laid("/usr/bin/tool"));
    let (file, _) = project.lock(&[], None, &tools(&shelf)).unwrap();
    let mut lock = file.lock;
    lock.files[0].blob = shelf.store(b"#!/bin/sh\nexit 1\n");
    fs::write(project.lock_path(), lock.to_toml()).unwrap();
    let error = build(&directory, &project, &shelf).unwrap_err();
    assert_snapshot!(words(&error), @"`usr/bin/tool` of `files` has digest sha256:306c6ca7407560340797866e077e053627ad409277d1b9da58106fce4cf717cb, the lock says sha256:275239824e00e61b0a220e61a41791c7e9b4bd726f8b0c27077a338f8131c9dc");
    lock.files.clear();
    fs::write(project.lock_path(), lock.to_toml()).unwrap();
    let error = project.current_lock(&enclair_digest::PureRust).unwrap_err();
    assert!(words(&error).ends_with("`files` is not what the recipe asks for"));
}

#[test]
fn a_lock_stays_until_an_update_is_asked_for() {
    let mut repository = Repository::new([app(), library()]);
    let (directory, project, shelf) = shop(&repository, "");
    let first = build(&directory, &project, &shelf).unwrap();
    repository.suite.add("main", package("library", "3.0"));
    let date = u64::from(MADE) + 3600;
    repository.suite.release = Suite::new("stable", date).release;
    repository.publish(&shelf);
    let versions = |file: &LockFile| -> Vec<String> {
        packages(file)
            .iter()
            .map(|one| one.version.clone())
            .collect()
    };
    let (kept, _) = project.lock(&[], None, &tools(&shelf)).unwrap();
    assert_eq!(kept.lock, first.lock.lock);
    let (updated, _) = project
        .lock(&[Entry::Source], None, &tools(&shelf))
        .unwrap();
    assert_eq!(versions(&updated), ["3.0", "1.0"]);
}

#[test]
fn diversions_are_recorded_whenever_they_are_declared() {
    let divert = |path: &str| format!("#!/bin/sh\nset -e\ndpkg-divert --no-rename --add {path}\n");
    let app = app()
        .script("preinst", &divert("/lib/library.so"))
        .script("postinst", &divert("/etc/late"));
    let (directory, project, shelf) = shop(&Repository::new([app, library()]), "");
    build(&directory, &project, &shelf).unwrap();
    let root = unpacked(&directory);
    let code = fs::read_to_string(root.join("usr/lib/library.so.distrib")).unwrap();
    assert_eq!(code, "code");
    let recorded = fs::read_to_string(root.join("var/lib/dpkg/diversions")).unwrap();
    assert_eq!(
        recorded,
        "/lib/library.so\n/lib/library.so.distrib\napp\n\
         /etc/late\n/etc/late.distrib\napp\n"
    );
}
