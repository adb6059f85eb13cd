//! `enclair store`: where it is, what is in it, what leaves it and how it travels.

use std::fs::{self, File, FileTimes};
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::images::application;
use crate::project::{alter, blob_in, locked_digest, of_image, project, settle};
use crate::schemas::assert_conforms;
use crate::workshop::{Workshop, run, sha256};

/// A locked project whose image is in the store: manifest, configuration, one layer.
fn locked() -> Workshop {
    let shop = project(&of_image("oci:image:v1"));
    application().write_oci(&shop, "image");
    shop.enclair("lock").done();
    shop
}

/// The document that a command prints, which is as its schema says.
fn document(shop: &Workshop, schema: &str, arguments: &str) -> Value {
    let found = serde_json::from_str(&shop.enclair(arguments).done()).unwrap();
    assert_conforms(schema, &found);
    found
}

/// Puts content into the store that no lock names.
fn put(shop: &Workshop, content: &str) -> String {
    let digest = sha256(content.as_bytes());
    shop.write(&format!("blobs/{digest}"), content);
    shop.enclair("store import blobs").done();
    fs::remove_dir_all(shop.path("blobs")).unwrap();
    digest
}

/// As if a blob had come long ago.
fn age(shop: &Workshop, digest: &str) {
    let file = File::open(shop.path(blob_in("store", digest))).unwrap();
    file.set_times(FileTimes::new().set_modified(UNIX_EPOCH))
        .unwrap();
}

fn has(shop: &Workshop, digest: &str) -> bool {
    shop.exists(&blob_in("store", digest))
}

#[test]
fn the_place_of_the_store_follows_the_environment() {
    let shop = Workshop::new();
    let path = |set: &[(&str, &str)]| {
        let mut command = shop.command(["store", "path"]);
        command.env_remove("ENCLAIR_STORE");
        command.envs(set.iter().copied());
        run(command).done()
    };
    let home = shop.path("home");
    let home = home.display();
    assert_eq!(path(&[]), format!("{home}/.cache/enclair\n"));
    let cache = shop.path("cache");
    let cache = cache.to_str().unwrap();
    assert_eq!(
        path(&[("XDG_CACHE_HOME", cache)]),
        format!("{cache}/enclair\n")
    );
    // The specification has relative paths ignored.
    assert_eq!(
        path(&[("XDG_CACHE_HOME", "cache")]),
        format!("{home}/.cache/enclair\n")
    );
    assert_eq!(
        path(&[("ENCLAIR_STORE", "here"), ("XDG_CACHE_HOME", cache)]),
        "here\n"
    );
    let mut command = shop.command(["store", "path"]);
    command.env_remove("ENCLAIR_STORE").env_remove("HOME");
    assert!(run(command).refused().contains("set ENCLAIR_STORE or HOME"));
}

#[test]
fn a_directory_with_something_else_in_it_is_no_store() {
    let shop = locked();
    shop.write("mine/letter", "to somebody");
    let mut command = shop.command(["build"]);
    command.env("ENCLAIR_STORE", "mine");
    let said = run(command).refused();
    assert!(said.contains("the store `mine` cannot be used"), "{said}");
    assert_eq!(shop.names("mine"), ["letter"]);
}

#[test]
fn size_counts_what_is_there() {
    let shop = locked();
    let found = document(&shop, "store-size", "store size --json");
    assert_eq!(found["blobs"]["files"], 3, "{found:#}");
    assert_eq!(found["locks"], 1);
    assert_eq!(found["path"], shop.path("store").to_str().unwrap());
    let printed = shop.enclair("store size").done();
    assert!(printed.starts_with("blobs            3  "), "{printed}");
}

#[test]
fn verify_finds_an_altered_blob_and_moves_it_only_when_asked_to() {
    let shop = locked();
    let found = document(&shop, "store-verify", "store verify --json");
    assert_eq!(
        (&found["right"]["files"], &found["altered"]),
        (&json!(3), &json!([]))
    );
    let digest = locked_digest(&shop, "source.image");
    let blob = blob_in("store", &digest);
    alter(&shop, &blob);
    let outcome = shop.enclair("store verify");
    assert_eq!(outcome.status, Some(1), "{}", outcome.stderr);
    assert!(
        outcome.stdout.starts_with("2 blobs, "),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome.stdout.contains("altered  `") && outcome.stdout.contains("the content has sha256:")
    );
    assert!(shop.exists(&blob));
    let outcome = shop.enclair("store verify --set-aside --json");
    assert_eq!(outcome.status, Some(1));
    let found: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_conforms("store-verify", &found);
    assert_eq!(found["aside"].as_array().unwrap().len(), 1, "{found:#}");
    assert!(!shop.exists(&blob));
    assert_eq!(shop.enclair("store verify").status, Some(0));
    // The image is still on this disk, and brings back what is missing.
    shop.enclair("lock --update source").done();
    assert!(shop.exists(&blob));
}

#[test]
fn gc_keeps_what_a_lock_needs_and_what_is_new() {
    let shop = locked();
    let needed = locked_digest(&shop, "source.image");
    let (old, new) = (put(&shop, "old"), put(&shop, "new"));
    age(&shop, &needed);
    age(&shop, &old);
    let found = document(&shop, "store-gc", "store gc --json");
    assert_eq!(
        (&found["removed"]["files"], &found["kept"]["files"]),
        (&json!(1), &json!(4))
    );
    assert!(has(&shop, &needed) && has(&shop, &new) && !has(&shop, &old));
    shop.enclair("build --locked --offline").done();
    // A lock that is gone needs nothing.
    fs::remove_file(shop.path("enclair.lock")).unwrap();
    age(&shop, &needed);
    let found = document(&shop, "store-gc", "store gc --json");
    assert_eq!(found["forgotten"].as_array().unwrap().len(), 1, "{found:#}");
    assert!(!has(&shop, &needed) && has(&shop, &new));
}

#[test]
fn gc_all_empties_the_store() {
    let shop = locked();
    put(&shop, "more");
    settle();
    let printed = shop.enclair("store gc --all").done();
    assert!(printed.starts_with("removed  4 blobs, "), "{printed}");
    let found = document(&shop, "store-size", "store size --json");
    assert_eq!(
        (&found["blobs"]["files"], &found["locks"]),
        (&json!(0), &json!(0))
    );
    // Nothing is lost that cannot be had again.
    shop.enclair("lock --update source").done();
    shop.enclair("build --locked").done();
}

/// Another person, another machine: the repository and the export are all that there is.
#[test]
fn an_exported_store_is_all_that_a_build_needs() {
    let shop = project("");
    let recipe = of_image("oci:image:v1").replace("\"kernel\"", "\"../kernel\"");
    shop.write("p/enclair.toml", recipe.replace("init = \"init\"\n", ""));
    let inner = Workshop::new();
    application().write_oci(&inner, "image");
    let copy = format!("cp -r '{}' p/image", inner.path("image").display());
    assert_eq!(shop.shell(&copy).status, Some(0));
    shop.enclair("build p").done();
    let eif = shop.read("out/enclave.eif");
    let printed = shop
        .enclair("store export exported -f p/enclair.toml")
        .done();
    // Manifest, configuration, layer, kernel, init.
    assert!(printed.starts_with("exported  5 blobs, "), "{printed}");
    assert_eq!(
        shop.names("exported/files"),
        ["enclair.lock", "enclair.toml"]
    );

    let other = Workshop::new();
    for name in ["enclair.toml", "enclair.lock"] {
        other.write(&format!("q/{name}"), shop.read(format!("p/{name}")));
    }
    let copy = format!(
        "cp -r '{}' given && chmod -R a-w given",
        shop.path("exported").display()
    );
    assert_eq!(other.shell(&copy).status, Some(0));
    let mut command = other.command(["build", "q", "--locked", "--offline"]);
    command.env("ENCLAIR_STORE", other.path("given"));
    run(command).done();
    assert_eq!(other.read("out/enclave.eif"), eif);
    assert_eq!(other.shell("chmod -R u+w given").status, Some(0));

    // Imported it is as good, and what is damaged is not taken.
    let third = Workshop::new();
    for name in ["enclair.toml", "enclair.lock"] {
        third.write(&format!("q/{name}"), shop.read(format!("p/{name}")));
    }
    let from = other.path("given");
    let from = from.to_str().unwrap();
    let found = document(
        &third,
        "store-import",
        &format!("store import {from} --json"),
    );
    assert_eq!(
        (&found["taken"]["files"], &found["present"]["files"]),
        (&json!(5), &json!(0))
    );
    third.enclair("build q --locked --offline").done();
    assert_eq!(third.read("out/enclave.eif"), eif);
    let found = document(
        &third,
        "store-import",
        &format!("store import {from} --json"),
    );
    assert_eq!(
        (&found["taken"]["files"], &found["present"]["files"]),
        (&json!(0), &json!(5))
    );
}

#[test]
fn a_damaged_export_is_not_taken() {
    let shop = locked();
    shop.enclair("store export exported").done();
    let digest = locked_digest(&shop, "source.image");
    alter(&shop, &blob_in("exported", &digest));
    fs::remove_dir_all(shop.path("store")).unwrap();
    let said = shop.enclair("store import exported").refused();
    assert!(
        said.contains("`exported` was not imported")
            && said.contains("not taken: 1 file, the first `exported/blobs/sha256/"),
        "{said}"
    );
    assert!(!has(&shop, &digest));
}

#[test]
fn only_a_current_lock_is_exported_and_nothing_is_written_over() {
    let shop = locked();
    shop.write("there/file", "x");
    let said = shop.enclair("store export there").refused();
    assert!(said.contains("`there`: exists already"), "{said}");
    shop.write(
        "enclair.toml",
        format!("{}[enclave]\nname = \"n\"\n", of_image("oci:image:v1")),
    );
    let said = shop.enclair("store export exported").refused();
    assert!(
        said.contains("`enclair.lock` is not the lock of this recipe: the recipe has changed"),
        "{said}"
    );
    fs::remove_file(shop.path("enclair.lock")).unwrap();
    shop.enclair("store export exported").refused();
    assert!(!shop.exists("exported"));
}
