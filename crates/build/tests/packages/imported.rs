//! Packages that are taken over by their digests.

use enclair_build::LockChange;
use enclair_recipe::Lock;

use super::*;

/// What `ca-certificates` of the suite needs and the suite does not have.
fn besides() -> [Deb; 2] {
    [
        deb("libc6", "2.36-9+deb12u13", "amd64"),
        deb("cdebconf", "0.270", "all").field("Provides", "debconf-2.0"),
    ]
}

fn whole() -> Vec<String> {
    let mut lines = vec![line(OPENSSL), line(CA_CERTIFICATES), line(LIBSSL3)];
    lines.extend(besides().iter().map(line_of));
    lines
}

fn names(file: &LockFile) -> Vec<String> {
    let packages = packages(file).iter();
    packages
        .map(|package| {
            let asked = if package.asked { " asked" } else { "" };
            format!("{package} from {}{asked}", package.from)
        })
        .collect()
}

#[test]
fn exactly_these_packages_are_locked_in_the_order_of_installation() {
    let (directory, project) = project("base = \"none\"\ninstall = [\"ca-certificates=2023*\"]");
    let shelf = suite();
    let [libc6, cdebconf] = besides();
    // One is in the store, and the other where its path says.
    shelf.store_deb(&libc6);
    shelf.publish("debian", &cdebconf.pool_path(), &cdebconf.build());
    let import = |lines: &[String]| project.import(&sums(lines), (&[], None), &tools(&shelf));
    let (file, change) = import(&whole()).unwrap();
    assert_eq!(change, LockChange::Created);
    assert_eq!(
        names(&file),
        [
            "cdebconf 0.270 all from debian",
            "libc6 2.36-9+deb12u13 amd64 from debian",
            "libssl3 3.0.17-1~deb12u2 amd64 from debian:bookworm-updates",
            "openssl 3.0.17-1~deb12u2 amd64 from debian:bookworm-updates",
            "ca-certificates 20230311+deb12u1 all from debian:bookworm-updates asked",
        ]
    );
    let libssl3 = &packages(&file)[2];
    assert_eq!(libssl3.file, LIBSSL3.0);
    assert_eq!(libssl3.blob.size, 2_027_428);
    assert_eq!(packages(&file)[1].blob.size, libc6.build().len() as u64);
    assert_eq!(file.lock.suites.len(), 1);
    let text = fs::read_to_string(directory.path().join("enclair.lock")).unwrap();
    assert_eq!(Lock::parse(&text).unwrap(), file.lock);

    // The order of the file does not count, and neither does what the suite has meanwhile.
    let mut other = whole();
    other.reverse();
    let (again, change) = import(&other).unwrap();
    assert_eq!((again.digest, change), (file.digest, LockChange::Kept));
    // What was imported stays as long as the recipe asks for the same.
    shelf.close_archives();
    let (kept, change) = project.lock(&[], None, &tools(&shelf)).unwrap();
    assert_eq!((kept.digest, change), (file.digest, LockChange::Kept));
    assert!(project.check_lock(&AwsLc).unwrap().1.is_empty());
}

/// What an import says that is refused.
fn refused(packages: &str, lines: &[String], prepare: impl FnOnce(&Shelf)) -> String {
    let (directory, project) = project(packages);
    let shelf = suite();
    for deb in besides() {
        shelf.store_deb(&deb);
    }
    prepare(&shelf);
    let imported = project.import(&sums(lines), (&[], None), &tools(&shelf));
    let error = imported.unwrap_err();
    assert!(!exists(&directory, "enclair.lock"));
    words(&error)
}

const NONE: &str = "base = \"none\"\ninstall = [\"openssl\"]";

#[test]
fn what_is_missing_is_named_and_nothing_is_added() {
    let lines = [line(OPENSSL), line(LIBSSL3)];
    assert_eq!(
        refused(NONE, &lines, |_| {}),
        "these packages (2) are not a root filesystem for this recipe: libssl3 Depends `libc6 (>= 2.34)`; \
         openssl Depends `libc6 (>= 2.34)`"
    );
    let lines = [line_of(&besides()[0])];
    assert_eq!(
        refused(NONE, &lines, |_| {}),
        "these packages (1) are not a root filesystem for this recipe: the recipe asks for `openssl`"
    );
    let asked = "base = \"none\"\ninstall = [\"openssl=3.1*\"]\nexclude = [\"cdebconf\"]";
    assert_eq!(
        refused(asked, &whole(), |_| {}),
        "these packages (5) are not a root filesystem for this recipe: the recipe asks for `openssl=3.1*`; \
         the recipe excludes `cdebconf`"
    );
    let based = "base = \"required\"\ninstall = [\"openssl\"]";
    assert_eq!(
        refused(based, &whole(), |_| {}),
        "these packages (5) are not a root filesystem for this recipe: `base = \"required\"` asks for \
         `tzdata`"
    );
}

#[test]
fn packages_that_do_not_go_together_are_refused() {
    let foe = deb("foe", "1", "all").field("Conflicts", "openssl (<< 4)");
    let mut lines = whole();
    lines.push(line_of(&foe));
    assert_eq!(
        refused(NONE, &lines, |shelf| {
            shelf.store_deb(&foe);
        }),
        "these packages (6) are not a root filesystem for this recipe: foe Conflicts `openssl (<< 4)` \
         (openssl)"
    );
    let older = deb("openssl", "1.1", "amd64");
    let mut lines = whole();
    lines.push(line_of(&older));
    assert_eq!(
        refused(NONE, &lines, |shelf| {
            shelf.store_deb(&older);
        }),
        "the packages do not go together\n\
         `openssl` is asked for in two versions, 1.1 and 3.0.17-1~deb12u2"
    );
    let foreign = deb("libc6", "2.36", "i386");
    let lines = [line_of(&foreign)];
    assert_eq!(
        refused(NONE, &lines, |shelf| {
            shelf.store_deb(&foreign);
        }),
        "`libc6 2.36 i386` is not for amd64"
    );
}

#[test]
fn a_digest_is_never_replaced_by_what_an_archive_has() {
    let digits = "ab".repeat(32);
    // The suite has this path, and another digest.
    let lines = [line((OPENSSL.0, &digits))];
    assert_eq!(
        refused(NONE, &lines, |_| {}),
        format!(
            "line 1: `{}` with digest sha256:{digits} cannot be had\n`{}` is not in `debian`",
            OPENSSL.0, OPENSSL.0
        )
    );
    let other = deb("openssl", "3", "amd64").build();
    let publish = |shelf: &Shelf| shelf.publish("debian", OPENSSL.0, &other);
    assert_eq!(
        refused(NONE, &lines, publish),
        format!(
            "line 1: `{}` in the archive has digest sha256:{}, not sha256:{digits}",
            OPENSSL.0,
            enclair_packages_testing::sha256(&other)
        )
    );
    let security = "pool/updates/main/o/openssl/openssl_3_amd64.deb";
    let text = refused(NONE, &[line((security, &digits))], |_| {});
    assert!(text.ends_with("is not in `debian-security`"), "{text}");
}

#[test]
fn what_is_no_package_is_refused_by_its_path() {
    let digest = enclair_packages_testing::sha256(b"no package").to_string();
    let lines = [line(("pool/x/x_1_all.deb", &digest))];
    let text = refused(NONE, &lines, |shelf| {
        shelf.store(b"no package");
    });
    assert!(
        text.starts_with("`pool/x/x_1_all.deb` is no package that can be read\noffset 0:"),
        "{text}"
    );
}

#[test]
fn a_blob_that_was_altered_is_set_aside_and_had_again() {
    let (_directory, project) = project(NONE);
    let shelf = suite();
    let mut blobs = Vec::new();
    for deb in besides() {
        blobs.push(shelf.store_deb(&deb));
        shelf.publish("debian", &deb.pool_path(), &deb.build());
    }
    shelf.alter(&blobs[0].sha256);
    project
        .import(&sums(&whole()), (&[], None), &tools(&shelf))
        .unwrap();
    assert_eq!(shelf.aside(), [blobs[0].sha256]);
}

#[test]
fn only_a_recipe_of_packages_takes_them_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("enclair.toml");
    fs::write(&path, "schema = 1\n[source]\nimage = \"debian:12\"\n").unwrap();
    let project = Project::open(&path, &|_| false).unwrap();
    let error = project.import(&sums(&[]), (&[], None), &tools(&Shelf::default()));
    let text = words(&error.unwrap_err());
    assert!(
        text.ends_with("has no `source.packages` that packages could be locked for"),
        "{text}"
    );
}
