//! When a lock is another recipe's, what is done about it, and locks that are none.

use std::fs;

use serde_json::{Value, json};

use crate::images::application;
use crate::project::{locked_digest, of_files, of_image, project, replace};
use crate::schemas::assert_conforms;
use crate::workshop::{Outcome, Workshop, run, sha256};

fn locked(recipe: &str) -> Workshop {
    let shop = project(recipe);
    shop.enclair("lock").done();
    shop
}

/// Builds as in a run whose environment says `CI=true`.
fn build_in_ci(shop: &Workshop) -> Outcome {
    let mut command = shop.command(["build"]);
    command.env("CI", "true");
    run(command)
}

/// Expects both ways to allow only what is locked to say `problem`, and nothing to be written.
fn expect_refusal(shop: &Workshop, problem: &str) {
    let before = shop.listing();
    let by_flag = shop.enclair("build --locked").refused();
    assert!(by_flag.contains(problem), "{by_flag}");
    assert_eq!(build_in_ci(shop).refused(), by_flag);
    assert_eq!(
        outside_of_the_store(&shop.listing()),
        outside_of_the_store(&before)
    );
}

fn outside_of_the_store(listing: &[String]) -> Vec<&String> {
    let lines = listing.iter();
    lines.filter(|line| !line.starts_with("store")).collect()
}

#[test]
fn a_missing_lock_is_refused_where_only_what_is_locked_may_be_built() {
    expect_refusal(
        &project(&of_files()),
        "caused by: there is no lock `enclair.lock`\n",
    );
}

#[test]
fn the_lock_of_another_recipe_is_refused() {
    let shop = locked(&of_files());
    replace(
        &shop,
        "enclair.toml",
        "[run]",
        "[enclave]\nname = \"other\"\n[run]",
    );
    expect_refusal(
        &shop,
        "`enclair.lock` is not the lock of this recipe: the recipe has changed",
    );
}

#[test]
fn the_lock_of_another_kernel_is_refused() {
    let shop = locked(&of_files());
    shop.write("kernel", "another");
    expect_refusal(&shop, "`kernel` (kernel) has digest sha256:");
}

#[test]
fn the_lock_of_another_image_is_refused() {
    let shop = project(&of_image("oci:image:v1"));
    application().write_oci(&shop, "image");
    shop.enclair("lock").done();
    let mut other = application();
    other.process["Cmd"] = serde_json::json!(["more"]);
    other.write_oci(&shop, "image");
    expect_refusal(
        &shop,
        "`oci:image:v1` is another image than the one that is locked",
    );
}

/// The file comes from an image and not the image from a registry: it is looked at like any other.
#[test]
fn the_lock_of_a_kernel_in_another_image_is_refused() {
    let recipe = of_files().replace(
        "kernel = \"kernel\"",
        "kernel = { image = \"oci:image:v1\", path = \"boot/bzImage\" }",
    );
    let image = |more: &str| {
        let mut kernel = crate::images::bzimage();
        kernel.extend(more.as_bytes());
        crate::images::Container::with([
            crate::tarball::dir("boot"),
            crate::tarball::file("boot/bzImage", kernel),
        ])
    };
    let shop = project(&recipe);
    image("").write_oci(&shop, "image");
    shop.enclair("lock").done();
    let before = locked_digest(&shop, "boot.kernel");
    image("more").write_oci(&shop, "image");
    expect_refusal(
        &shop,
        "`oci:image:v1` (kernel) is another image than the one that is locked",
    );
    shop.enclair("build").done();
    assert_ne!(locked_digest(&shop, "boot.kernel"), before);
}

/// Whoever edits a lock leaves the recipe's digest alone.
#[test]
fn a_lock_that_names_what_the_recipe_does_not_ask_for_is_refused() {
    let shop = locked(&of_files());
    let lock = shop.text("enclair.lock");
    for (written, edited, entry) in [
        ("console=ttyS0", "console=ttyS0 init=/bin/sh", "cmdline"),
        ("epoch = 0", "epoch = 1", ""),
        ("x86_64", "aarch64", "arch"),
        ("    \"runtime-files@1\",\n", "", "rules"),
        ("    \"files@1\",\n", "", "effects"),
        ("file:kernel", "file:init", "boot.kernel"),
    ] {
        let changed = lock.replacen(written, edited, 1);
        assert_ne!(changed, lock, "{written}");
        shop.write("enclair.lock", changed);
        if entry.is_empty() {
            // The recipe says no epoch: the lock does.
            shop.enclair("lock --check").done();
        } else {
            expect_refusal(&shop, &format!("`{entry}` is not what the recipe asks for"));
        }
    }
}

#[test]
fn a_current_lock_is_accepted() {
    let shop = locked(&of_files());
    let lock = shop.text("enclair.lock");
    shop.enclair("build --locked").done();
    build_in_ci(&shop).done();
    assert_eq!(shop.text("enclair.lock"), lock);
}

#[test]
fn how_a_recipe_is_spelled_does_not_make_its_lock_stale() {
    let shop = locked(&of_files());
    shop.enclair("build --locked -o first").done();
    for other in [
        of_files().replace('\n', "\r\n"),
        format!("# first\n{}# last\n", of_files()),
        format!(
            "{BOOT}[run]\ncommand = [ '/app', ]\n[[source.files]]\nto = \"/app\"\nfrom = \"app\"\n"
        ),
        of_files().replace(
            "[run]",
            "[enclave]\nname = \"enclave\"\nepoch = 0\n[run]\nenv = []",
        ),
        format!(
            "{}[limits]\nunpacked = \"1G\"\n[registry.\"a.example\"]\ninsecure = true\n",
            of_files()
        ),
    ] {
        shop.write("enclair.toml", &other);
        shop.enclair("build --locked").done();
        assert_eq!(shop.read("out/enclave.eif"), shop.read("first/enclave.eif"));
        assert_eq!(shop.enclair("lock --check").status, Some(0), "{other}");
    }
}

/// The same tables as `of_files` has, in another order.
const BOOT: &str =
    "schema = 1\n[boot]\ninit = { file = \"init\" }\nkernel = { file = \"kernel\" }\n";

/// A CR that a checkout has put into the lock is none of its content.
#[test]
fn a_lock_with_other_line_ends_is_the_same_lock() {
    let shop = locked(&of_files());
    shop.enclair("build --locked").done();
    let lock = shop.json("out/measurements.json")["lock"].clone();
    shop.write(
        "enclair.lock",
        shop.text("enclair.lock").replace('\n', "\r\n"),
    );
    shop.enclair("build --locked").done();
    assert_eq!(shop.json("out/measurements.json")["lock"], lock);
}

#[test]
fn lock_check_answers_with_its_status_and_changes_nothing() {
    let shop = locked(&of_files());
    let current = shop.enclair("lock --check");
    assert_eq!(current.status, Some(0));
    assert_eq!(current.stdout, "`enclair.lock` is current\n");
    let lock = shop.text("enclair.lock");
    replace(
        &shop,
        "enclair.toml",
        "[run]",
        "[enclave]\nname = \"other\"\n[run]",
    );
    shop.write("kernel", "another");
    let stale = shop.enclair("lock --check");
    assert_eq!(stale.status, Some(1), "{}", stale.stderr);
    assert!(
        stale.stdout.starts_with(
            "stale  the recipe has changed\nstale  `kernel` (kernel) has digest sha256:"
        ),
        "{}",
        stale.stdout
    );
    assert_eq!(shop.text("enclair.lock"), lock);
    fs::remove_file(shop.path("enclair.lock")).unwrap();
    shop.enclair("lock --check").refused();
    assert!(!shop.exists("enclair.lock"));
}

#[test]
fn the_documents_of_lock_are_as_their_schema_says() {
    let shop = project(&of_files());
    let document = |arguments: &str, status: i32| {
        let outcome = shop.enclair(arguments);
        assert_eq!(outcome.status, Some(status), "{}", outcome.stderr);
        let found: Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_conforms("lock", &found);
        found
    };
    let found = document("lock --json", 0);
    assert_eq!(found["change"], "created");
    assert_eq!(found["sha256"], sha256(&shop.read("enclair.lock")));
    assert_eq!(found["entries"][0]["name"], "kernel");
    assert_eq!(found["entries"][0]["from"], "file:kernel");
    assert_eq!(found["entries"][0]["sha256"], sha256(&shop.read("kernel")));
    assert_eq!(document("lock --json", 0)["change"], "kept");
    let found = document("lock --check --json", 0);
    assert_eq!((found.get("change"), &found["stale"]), (None, &json!([])));
    shop.write("kernel", "another");
    let found = document("lock --check --json", 1);
    assert_eq!(found["stale"].as_array().unwrap().len(), 1, "{found:#}");
    assert_eq!(document("lock --json", 0)["change"], "updated");
}

#[test]
fn only_what_is_named_is_updated() {
    let recipe = of_files()
        .replace("\"kernel\"\n", "{ url = \"URL/k\" }\n")
        .replace("init = \"init\"", "init = { url = \"URL/i\" }");
    let server = crate::server::Server::new();
    server.put("/k", crate::images::bzimage());
    server.put("/i", "\x7fELF init");
    let shop = project(&recipe.replace("URL", &server.url("")));
    shop.enclair("lock").done();
    let digests = || ["boot.kernel", "boot.init"].map(|table| locked_digest(&shop, table));
    let [kernel, init] = digests();
    server.put("/k", "another kernel");
    server.put("/i", "another init");
    let asked = server.asked();
    shop.enclair("lock").done();
    shop.enclair("lock --update source").done();
    assert_eq!(digests(), [kernel.clone(), init.clone()]);
    assert_eq!(server.asked(), asked, "nothing is asked for that is locked");
    shop.enclair("lock --update init").done();
    let [same, other] = digests();
    assert_eq!(same, kernel);
    assert_ne!(other, init);
    shop.enclair("lock --update kernel init agent").done();
    assert_ne!(digests()[0], kernel);
    let said = shop.enclair("lock --update agents").refused();
    assert!(said.contains("a lock has no entry `agents`"), "{said}");
}

/// Whatever is done with the project: a lock of a later release is neither built from nor replaced.
#[test]
fn decisions_of_another_release_are_refused_and_left_alone() {
    let cases = [
        (
            "format = 1",
            "format = 2",
            "the lock has format 2, this release knows format 1",
        ),
        (
            "\"mtime@1\"",
            "\"mtime@7\"",
            "the lock has the rule `mtime@7`, which this release does not know",
        ),
        (
            "\"mtime@1\"",
            "\"other@1\"",
            "the lock has the rule `other@1`, which this release does not know",
        ),
        (
            "\"file-modes@1\"",
            "\"file-modes@2\"",
            "the lock has the effect `file-modes@2`, which this release does not know",
        ),
    ];
    for (from, to, problem) in cases {
        let shop = locked(&of_files());
        replace(&shop, "enclair.lock", from, to);
        let lock = shop.text("enclair.lock");
        for arguments in ["build --locked", "build", "lock", "lock --check"] {
            let said = shop.enclair(arguments).refused();
            assert!(said.contains(problem), "{arguments}: {said}");
            assert!(
                said.contains("hint: the lock is from a later release of enclair; use that one, "),
                "{arguments}: {said}"
            );
            assert_eq!(shop.text("enclair.lock"), lock, "{arguments}");
        }
        assert!(!shop.exists("out/enclave.eif"));
    }
}

#[test]
fn another_schema_and_a_merge_conflict_are_told_with_what_to_do() {
    let conflict = "<<<<<<< ours\nepoch = 0\n=======\nepoch = 1\n>>>>>>> theirs\n";
    let cases = [
        (
            ("schema = 1\n", "schema = 2\n"),
            "`schema`: expected 1, found 2",
            "hint: use the release of enclair that wrote it, or remove it and run `enclair lock`",
        ),
        (
            ("epoch = 0\n", conflict),
            "a merge left a conflict here",
            "hint: take either side of the conflict whole, then run `enclair lock`",
        ),
        (
            ("epoch = 0\n", "epoch  = 0\n"),
            "not in the canonical form",
            "hint: a lock is not edited by hand",
        ),
    ];
    for ((from, to), problem, hint) in cases {
        let shop = locked(&of_files());
        replace(&shop, "enclair.lock", from, to);
        let lock = shop.text("enclair.lock");
        for arguments in ["build --locked", "build", "lock --check", "lock"] {
            let said = shop.enclair(arguments).refused();
            assert!(
                said.contains("caused by: `enclair.lock` is no lock\n"),
                "{said}"
            );
            assert!(said.contains(problem) && said.contains(hint), "{said}");
            assert_eq!(shop.text("enclair.lock"), lock, "{arguments}");
        }
    }
}
