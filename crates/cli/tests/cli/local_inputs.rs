//! Inputs from this disk: kernels and archives as files, images in every form, and what of them is
//! still there when their files are gone.

use std::fs;

use crate::images::{Container, application, bzimage};
use crate::project::{alter, blob_in, commit, git, locked_digest, of_files, of_image, project};
use crate::tarball::{archive, dir, file};
use crate::workshop::{Workshop, sha256};

/// An archive of an OCI layout, as `oci-archive:` names it.
fn oci_archive(container: &Container) -> Vec<u8> {
    let shop = Workshop::new();
    container.write_oci(&shop, "layout");
    let mut pieces = Vec::new();
    for line in shop.listing() {
        let name = line.split(' ').next().unwrap();
        let Some(inner) = name.strip_prefix("layout/") else {
            continue;
        };
        if shop.path(name).is_dir() {
            pieces.push(dir(inner));
        } else {
            pieces.push(file(inner, shop.read(name)));
        }
    }
    archive(pieces)
}

#[test]
fn every_form_of_an_image_on_this_disk_gives_the_same_root_filesystem() {
    let mut ramdisks = Vec::new();
    for reference in [
        "oci:image:v1",
        "oci:image",
        "oci-archive:image.tar:v1",
        "docker-archive:saved.tar",
    ] {
        let shop = project(&of_image(reference));
        application().write_oci(&shop, "image");
        shop.write("image.tar", oci_archive(&application()));
        shop.write("saved.tar", application().docker_archive());
        let said = shop.enclair("build").said();
        // What lies in the project, others have too.
        assert!(!said.contains("nobody else"), "{said}");
        let before = shop.read("out/enclave.eif");
        ramdisks.push(shop.json("out/measurements.json")["Measurements"]["PCR2"].clone());
        // The store has everything: neither the image nor a network is needed.
        fs::remove_dir_all(shop.path("image")).unwrap();
        fs::remove_file(shop.path("image.tar")).unwrap();
        fs::remove_file(shop.path("saved.tar")).unwrap();
        shop.enclair("build --locked --offline --again").done();
        assert_eq!(shop.read("out/enclave.eif"), before, "{reference}");
        shop.enclair("build --again").done();
        assert_eq!(shop.read("out/enclave.eif"), before, "{reference}");
    }
    assert!(
        ramdisks.windows(2).all(|pair| pair[0] == pair[1]),
        "{ramdisks:#?}"
    );
}

/// Somebody who has cloned a repository with the image in it has a store of his own.
#[test]
fn an_image_of_the_project_needs_nothing_in_the_store() {
    for reference in ["oci:image:v1", "docker-archive:saved.tar"] {
        let recipe = of_image(reference).replace(
            "init = \"init\"",
            &format!("init = {{ image = \"{reference}\", path = \"/app\" }}"),
        );
        let shop = project(&recipe);
        application().write_oci(&shop, "image");
        shop.write("saved.tar", application().docker_archive());
        shop.enclair("build").done();
        let eif = shop.read("out/enclave.eif");
        fs::remove_dir_all(shop.path("store")).unwrap();
        shop.enclair("build --locked --offline --again").done();
        assert_eq!(shop.read("out/enclave.eif"), eif, "{reference}");
        // Nor does it matter when something in the store is damaged.
        let config = application().config().to_string();
        alter(&shop, &blob_in("store", &sha256(config.as_bytes())));
        shop.enclair("build --locked --offline --again").done();
        assert_eq!(shop.read("out/enclave.eif"), eif, "{reference}");
    }
}

#[test]
fn an_archive_of_a_root_filesystem_is_a_source() {
    let recipe = of_files().replace(
        "files = [{ from = \"app\", to = \"/app\" }]",
        "archive = \"root.tar.gz\"",
    );
    let shop = project(&recipe);
    let tar = archive([file("app", "#!/bin/sh\n").mode(0o755)]);
    shop.write(
        "root.tar.gz",
        crate::images::compress(&["gzip", "-9n"], &tar),
    );
    shop.enclair("build").done();
    let digest = sha256(&shop.read("root.tar.gz"));
    assert_eq!(locked_digest(&shop, "source.archive"), digest);
    // A file of the project is in the project, and a change of it is a change.
    shop.write("root.tar.gz", tar);
    let said = shop.enclair("build --locked").refused();
    assert!(
        said.contains("`root.tar.gz` (source) has digest sha256:"),
        "{said}"
    );
    fs::remove_file(shop.path("root.tar.gz")).unwrap();
    let said = shop.enclair("build --locked --offline").refused();
    assert!(
        said.contains("offline, and not in the store: source (sha256:"),
        "{said}"
    );
}

#[test]
fn a_kernel_comes_out_of_an_image_on_this_disk() {
    let recipe = of_files().replace(
        "kernel = \"kernel\"",
        "kernel = { image = \"oci:image:v1\", path = \"boot/bzImage\" }",
    );
    let shop = project(&recipe);
    let image = Container::with([dir("boot"), file("boot/bzImage", bzimage())]);
    image.write_oci(&shop, "image");
    shop.enclair("build").done();
    assert_eq!(locked_digest(&shop, "boot.kernel"), sha256(&bzimage()));
    let from_image = shop.read("out/enclave.eif");
    fs::remove_dir_all(shop.path("image")).unwrap();
    shop.enclair("build --locked --offline --again").done();
    assert_eq!(shop.read("out/enclave.eif"), from_image);
    // And it is the same as the file.
    shop.write("plain.toml", of_files());
    shop.enclair("build -f plain.toml").done();
    assert_eq!(shop.read("out/enclave.eif"), from_image);
}

/// That the store has a file says nothing about where the file is from.
#[test]
fn a_lock_cannot_give_a_file_of_an_image_another_digest() {
    let recipe = of_files().replace(
        "init = \"init\"",
        "init = { image = \"oci:image:v1\", path = \"app\" }",
    );
    let shop = project(&recipe);
    application().write_oci(&shop, "image");
    shop.enclair("build").done();
    // Something that is in the store: the image's own configuration.
    let lock = shop.text("enclair.lock");
    let digest = locked_digest(&shop, "boot.init");
    let (_, config) = lock.split_once("config = { sha256 = \"").unwrap();
    let edited = lock.replacen(&digest, &config[..64], 1);
    assert_ne!(edited, lock);
    shop.write("enclair.lock", edited);
    let said = shop.enclair("build --locked --offline -o other").refused();
    assert!(said.contains("`app` of `init` has digest"), "{said}");
    assert!(!shop.exists("other"));
}

#[test]
fn a_path_that_an_image_does_not_have_is_named() {
    let recipe = of_files().replace(
        "kernel = \"kernel\"",
        "kernel = { image = \"oci:image:v1\", path = \"boot/none\" }",
    );
    let shop = project(&recipe);
    application().write_oci(&shop, "image");
    let said = shop.enclair("lock").refused();
    assert!(
        said.contains("there is no file `boot/none` in `oci:image:v1`"),
        "{said}"
    );
    assert!(!shop.exists("enclair.lock"));
}

/// Nobody who has only the repository can build that, and whoever reads the lock sees it.
#[test]
fn a_file_outside_of_the_project_is_flagged_everywhere() {
    let shop = project("");
    shop.write(
        "p/enclair.toml",
        of_files().replace("\"kernel\"", "\"../kernel\""),
    );
    shop.write("p/init", "\x7fELF init");
    shop.write("p/app", "#!/bin/sh\n");
    let note = "note: kernel: nobody else can get `file:../kernel`";
    let printed = shop.enclair("lock p").done();
    assert!(printed.contains(note), "{printed}");
    let lock = shop.text("p/enclair.lock");
    assert!(
        lock.contains("note = [\n    \"kernel: nobody else can get `file:../kernel`\",\n]\n"),
        "{lock}"
    );
    assert_eq!(lock.matches("private = true\n").count(), 1, "{lock}");
    let said = shop.enclair("build p --locked").said();
    assert!(said.contains(note), "{said}");
    let notes = &shop.json("out/measurements.json")["notes"];
    assert_eq!(notes[0], "kernel: nobody else can get `file:../kernel`");
    // It went into the store, which can be exported.
    let before = shop.read("out/enclave.eif");
    fs::remove_file(shop.path("kernel")).unwrap();
    shop.enclair("build p --locked --offline --again").done();
    assert_eq!(shop.read("out/enclave.eif"), before);
}

/// In a repository, what git does not track is nobody else's either.
#[test]
fn what_a_clone_does_not_have_is_flagged() {
    let shop = project(&of_files());
    commit(&shop, ".", "enclair.toml app kernel");
    let lock = shop.enclair("lock").done();
    assert!(
        lock.ends_with("note: init: nobody else can get `file:init`\n"),
        "{lock}"
    );
    git(&shop, ".", "add init");
    let lock = shop.enclair("lock").done();
    assert!(!lock.contains("note:"), "{lock}");
}

/// A pipe in the place of a file would be waited for.
#[test]
fn what_is_no_file_is_refused() {
    let shop = project(&of_files());
    shop.enclair("lock").done();
    fs::remove_file(shop.path("kernel")).unwrap();
    assert_eq!(shop.shell("mkfifo kernel").status, Some(0));
    for arguments in ["lock --check", "lock", "build --locked", "build"] {
        let said = shop.enclair(arguments).refused();
        assert!(
            said.contains("`./kernel` cannot be opened\n  caused by: not a regular file")
                || said.contains("`kernel` cannot be opened\n  caused by: not a regular file"),
            "{said}"
        );
    }
    assert!(!shop.exists("out/enclave.eif"));
}

/// A lock outlives the release that wrote it: the init of that release is an input like others.
#[test]
fn a_carried_part_of_another_release_is_taken_from_the_store_or_named() {
    let shop = project(&of_files().replace("init = \"init\"\n", ""));
    shop.enclair("lock").done();
    let carried = locked_digest(&shop, "boot.init");
    let old = "\x7fELF init of an earlier release";
    let digest = sha256(old.as_bytes());
    let lock = shop.text("enclair.lock");
    let (head, init) = lock.split_once("[boot.init]\n").unwrap();
    let size = init
        .split("size = ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let init = init.replace(&carried, &digest);
    let init = init.replace(&format!("size = {size}"), &format!("size = {}", old.len()));
    shop.write("enclair.lock", format!("{head}[boot.init]\n{init}"));
    let refused = shop.enclair("build --locked --offline");
    assert_eq!((refused.status, &*refused.stdout), (Some(2), ""));
    assert!(
        refused.stderr.contains(&format!(
            "the lock wants the init with digest sha256:{digest}; this enclair carries sha256:{carried}"
        )),
        "{}",
        refused.stderr
    );
    assert!(!shop.exists("out/enclave.eif"));
    shop.write(&format!("blobs/{digest}"), old);
    shop.enclair("store import blobs").done();
    shop.enclair("build --locked --offline").done();
    let document = shop.json("out/measurements.json");
    assert_eq!(document["parts"]["init"], digest, "{:#}", document["parts"]);
    // Without `--locked` it stays as well, until it is asked for.
    shop.enclair("build --again").done();
    assert_eq!(locked_digest(&shop, "boot.init"), digest);
    shop.enclair("lock --update init").done();
    assert_eq!(locked_digest(&shop, "boot.init"), carried);
}
