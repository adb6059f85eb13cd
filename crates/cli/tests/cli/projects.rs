//! A build from a recipe: when it locks, when it measures, and when there is nothing to do.

use std::fs;
use std::os::unix::fs::symlink;

use crate::images::application;
use crate::project::{git, of_files, of_image, project, registers, replace, settle};
use crate::workshop::Workshop;

const UP_TO_DATE: &str = "up to date (not measured again)";

/// A project that was built, and lies still.
fn built(recipe: &str, prepare: impl FnOnce(&Workshop)) -> Workshop {
    let shop = project(recipe);
    prepare(&shop);
    settle();
    shop.enclair("build").done();
    shop
}

fn is_up_to_date(shop: &Workshop) -> bool {
    shop.enclair("build").said().contains(UP_TO_DATE)
}

/// Makes a change and expects a build, and none after it.
fn expect_build(shop: &Workshop, what: &str, change: impl FnOnce(&Workshop)) {
    assert!(is_up_to_date(shop), "before {what}");
    change(shop);
    settle();
    assert!(!is_up_to_date(shop), "{what} changed nothing");
}

#[test]
fn the_first_build_writes_the_lock_and_says_so() {
    let shop = project(&of_files());
    let said = shop.enclair("build").said();
    assert!(
        said.contains("locked  `enclair.lock` is new; commit it"),
        "{said}"
    );
    let lock = shop.text("enclair.lock");
    assert!(
        lock.starts_with("# Written by `enclair lock`, not by hand.\nschema = 1\nformat = 1\n"),
        "{lock}"
    );
    // The same lock that `lock` writes.
    fs::remove_file(shop.path("enclair.lock")).unwrap();
    let printed = shop.enclair("lock").done();
    assert!(
        printed.starts_with("`enclair.lock` is new\nkernel      file:kernel  sha256:"),
        "{printed}"
    );
    assert_eq!(shop.text("enclair.lock"), lock);
    assert!(
        shop.enclair("lock")
            .done()
            .starts_with("`enclair.lock` is as it was\n")
    );
}

#[test]
fn a_build_that_would_change_nothing_prints_the_same_registers() {
    let shop = project(&of_files());
    settle();
    let first = registers(&shop.enclair("build").done());
    assert_eq!(first.lines().count(), 3, "{first}");
    let eif = shop.read("out/enclave.eif");
    let again = shop.enclair("build");
    assert_eq!(again.status, Some(0));
    assert_eq!(again.stderr, format!("{UP_TO_DATE}\n"));
    assert_eq!(again.stdout, first);
    assert_eq!(
        shop.enclair("build --json").done(),
        shop.text("out/measurements.json")
    );
    // Measured, with the same result.
    let measured = shop.enclair("build --again");
    assert_eq!(measured.stderr, "");
    assert_eq!(registers(&measured.stdout), first);
    assert_eq!(shop.read("out/enclave.eif"), eif);
}

#[test]
fn whatever_a_build_depends_on_makes_it_build() {
    let recipe = "schema = 1\n[source]\nfiles = [{ from = \"tree\", to = \"/tree\" }]\n\
        [run]\ncommand = [\"/tree/app\"]\n[boot]\nkernel = \"kernel\"\ninit = \"init\"\n\
        nsm_module = \"../nsm.ko\"\n";
    // The module is outside of the project.
    let shop = project("");
    shop.write("p/enclair.toml", recipe);
    shop.write("p/tree/app", "#!/bin/sh\n");
    shop.write("p/tree/deep/data", "data");
    shop.write("nsm.ko", "a module");
    for name in ["kernel", "init"] {
        fs::copy(shop.path(name), shop.path("p").join(name)).unwrap();
    }
    settle();
    let build = || shop.enclair("build p -o out").said();
    build();
    assert!(build().contains(UP_TO_DATE));
    let changes: [(&str, &dyn Fn()); 11] = [
        ("content", &|| shop.write("p/tree/deep/data", "Data")),
        ("a new file", &|| shop.write("p/tree/new", "")),
        ("a name", &|| {
            fs::rename(shop.path("p/tree/new"), shop.path("p/tree/old")).unwrap();
        }),
        ("a removal", &|| {
            fs::remove_file(shop.path("p/tree/old")).unwrap();
        }),
        ("a symlink", &|| {
            symlink("app", shop.path("p/tree/link")).unwrap();
        }),
        ("the recipe", &|| {
            replace(
                &shop,
                "p/enclair.toml",
                "[run]",
                "[enclave]\nname = \"n\"\n[run]",
            );
        }),
        ("the kernel", &|| {
            let mut kernel = shop.read("p/kernel");
            kernel.push(0);
            shop.write("p/kernel", kernel);
        }),
        ("the module", &|| shop.write("nsm.ko", "A module")),
        ("the lock", &|| {
            fs::remove_file(shop.path("p/enclair.lock")).unwrap();
        }),
        ("the image", &|| shop.write("out/enclave.eif", "x")),
        ("the registers", &|| {
            fs::remove_file(shop.path("out/enclave.pcrs")).unwrap();
        }),
    ];
    for (what, change) in changes {
        change();
        settle();
        assert!(!build().contains(UP_TO_DATE), "{what} changed nothing");
        assert!(build().contains(UP_TO_DATE), "after {what}");
    }
}

/// The symlink stays as it is, and so does everything about it.
#[test]
fn a_kernel_behind_a_symlink_is_looked_at() {
    let shop = built(&of_files(), |shop| {
        fs::rename(shop.path("kernel"), shop.path("bzImage")).unwrap();
        symlink("bzImage", shop.path("kernel")).unwrap();
    });
    let before = shop.text("enclair.lock");
    expect_build(&shop, "the kernel", |shop| {
        let mut kernel = shop.read("bzImage");
        kernel.push(0);
        shop.write("bzImage", kernel);
    });
    assert_ne!(shop.text("enclair.lock"), before);
}

#[test]
fn a_new_image_at_the_same_place_is_locked_anew_by_a_build() {
    let shop = built(&of_image("oci:image:v1"), |shop| {
        application().write_oci(shop, "image");
    });
    let (lock, eif) = (shop.text("enclair.lock"), shop.read("out/enclave.eif"));
    let mut other = application();
    other.process["Cmd"] = serde_json::json!(["more"]);
    other.write_oci(&shop, "image");
    settle();
    let said = shop.enclair("build").said();
    assert!(
        said.contains("locked  `enclair.lock` has changed; commit it"),
        "{said}"
    );
    assert_ne!(shop.text("enclair.lock"), lock);
    assert_ne!(shop.read("out/enclave.eif"), eif);
}

/// What is staged is tracked, so that a file may go in without any change to it.
#[test]
fn a_file_that_git_begins_to_track_makes_a_build() {
    let recipe = of_files().replace("\"app\", to = \"/app\"", "\"tree\", to = \"/\"");
    let shop = built(&recipe, |shop| {
        shop.write("tree/app", "#!/bin/sh\n");
        shop.write("tree/other", "x");
        git(shop, ".", "init -q");
        git(shop, ".", "add tree/app enclair.toml");
        git(shop, ".", "commit -q -m first");
    });
    expect_build(&shop, "the index", |shop| {
        git(shop, ".", "add tree/other");
    });
    let document = shop.json("out/measurements.json");
    assert_eq!(
        document["files"].as_array().unwrap().len(),
        2,
        "{document:#}"
    );
}

#[test]
fn recipes_beside_each_other_have_locks_of_their_own() {
    let shop = project(&of_files());
    shop.write(
        "other.toml",
        of_files().replace("[run]", "[enclave]\nepoch = 7\n[run]"),
    );
    shop.enclair("build").done();
    shop.enclair("build -f other.toml -o other").done();
    assert!(shop.exists("other.lock"));
    assert_ne!(shop.read("out/enclave.eif"), shop.read("other/enclave.eif"));
    // The same project from another directory.
    fs::create_dir(shop.path("elsewhere")).unwrap();
    let mut command = shop.command(["build", "..", "--again", "--locked"]);
    command.current_dir(shop.path("elsewhere"));
    crate::workshop::run(command).done();
    assert_eq!(
        shop.read("out/enclave.eif"),
        shop.read("elsewhere/out/enclave.eif")
    );
}
