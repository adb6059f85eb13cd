//! Projects with their locks, as they were committed when the lock's schema 1 and format 1 were new.
//!
//! A committed lock must build to the same bits for ever: neither a digest here nor a lock in
//! `tests/golden-project` may change. Where `lock` comes to write other decisions, a further project
//! is added beside these, and only the second test follows.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::golden::expect;
use crate::images::{Container, Layer};
use crate::schemas::is_update;
use crate::tarball::{archive, dir, file, symlink as link};
use crate::workshop::Workshop;

/// Name of each project, and SHA-256 of its `enclave.eif`.
const PROJECTS: [(&str, &str); 3] = [
    (
        "files",
        "6b0b2928f22c84acee5b1af8e8a372c97b00c9ffb4c73cac47307bbe493aa07f",
    ),
    (
        "image",
        "9d1fc9dea400ba45744a640e7a40bb48bb4ea6824e85aea46984a98ae39f4bbb",
    ),
    (
        "compressed",
        "1538c2cc22d9f779ebaf3259e52bb1ad0405c0f2f56386a29c081586f191444e",
    ),
];

fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden-project")
        .join(name)
}

/// The image that the project `image` names.
fn image() -> Container {
    let lower = archive([
        dir("etc"),
        file("etc/passwd", "app:x:1000:1001::/:/app\n"),
        file("etc/group", "app:x:1001:\nssl:x:101:app\n"),
        file("etc/hostname", "kept by the recipe"),
        file("app", "#!/bin/sh\nexec true\n").mode(0o755).mtime(7),
        file("gone", "x"),
    ]);
    let upper = archive([
        file(".wh.gone", ""),
        dir("lib"),
        file("lib/nsm.ko", "a module"),
        link("usr", "."),
    ]);
    Container::of([Layer::plain(lower), Layer::plain(upper)]).running(json!({
        "Entrypoint": ["/app"],
        "Cmd": ["--all"],
        "Env": ["PATH=/bin", "LANG=C"],
    }))
}

/// A copy of a project, without anything of the repository around it.
fn copy(name: &str) -> Workshop {
    let shop = Workshop::new();
    copy_directory(&committed(name), Path::new(""), &shop);
    image().write_oci(&shop, "image");
    shop
}

fn copy_directory(from: &Path, to: &Path, shop: &Workshop) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            symlink(fs::read_link(&path).unwrap(), shop.path(to)).unwrap();
        } else if path.is_dir() {
            fs::create_dir(shop.path(&to)).unwrap();
            copy_directory(&path, &to, shop);
        } else {
            shop.write(to.to_str().unwrap(), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_committed_lock_builds_to_the_same_bits_for_ever() {
    for (name, digest) in PROJECTS {
        let shop = copy(name);
        shop.enclair("build --locked --offline").done();
        expect(
            &shop.read("out/enclave.eif"),
            &format!("project-{name}"),
            digest,
        );
    }
}

#[test]
fn lock_writes_what_is_committed() {
    for (name, _) in PROJECTS {
        let shop = copy(name);
        if shop.exists("enclair.lock") {
            fs::remove_file(shop.path("enclair.lock")).unwrap();
        }
        shop.enclair("lock").done();
        let written = shop.text("enclair.lock");
        let path = committed(name).join("enclair.lock");
        if is_update() && !path.exists() {
            fs::write(&path, &written).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), written, "{name}");
    }
}

/// The two differ in nothing but the lock being there.
#[test]
fn an_unlocked_build_gives_the_same_bits_as_a_locked_one() {
    let shop = copy("files");
    fs::remove_file(shop.path("enclair.lock")).unwrap();
    shop.enclair("build").done();
    let (_, digest) = PROJECTS[0];
    assert_eq!(
        crate::workshop::sha256(&shop.read("out/enclave.eif")),
        digest
    );
}
