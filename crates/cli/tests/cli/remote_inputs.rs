//! Inputs at URLs, from a server of the test's own: what is fetched, what is not fetched again, and
//! what happens to content that is not what was locked.

use std::fs;

use crate::images::{bzimage, compress};
use crate::project::{alter, blob_in, locked_digest, of_files, project};
use crate::server::Server;
use crate::tarball::{archive, dir, file, symlink};
use crate::workshop::{Workshop, sha256};

/// A project whose kernel is the artifact that `kernel` says; `URL` in it is the server's.
fn with_kernel(server: &Server, kernel: &str) -> Workshop {
    let kernel = kernel.replace("URL", &server.url(""));
    project(&of_files().replace("\"kernel\"", &kernel))
}

fn blob(digest: &str) -> String {
    blob_in("store", digest)
}

fn package() -> Vec<u8> {
    let tar = archive([
        dir("boot"),
        file("boot/vmlinuz-1", bzimage()),
        symlink("vmlinuz", "boot/vmlinuz-1"),
    ]);
    compress(&["gzip", "-9n"], &tar)
}

#[test]
fn a_file_at_a_url_is_fetched_once() {
    let server = Server::new();
    server.put("/kernel", bzimage());
    let digest = sha256(&bzimage());
    for kernel in [
        "{ url = \"URL/kernel\" }".to_owned(),
        format!("{{ url = \"URL/kernel\", sha256 = \"{digest}\" }}"),
    ] {
        let shop = with_kernel(&server, &kernel);
        let said = shop.enclair("build").said();
        assert!(said.contains("fetched  "), "{said}");
        assert_eq!(locked_digest(&shop, "boot.kernel"), digest);
        let asked = server.asked();
        for arguments in [
            "build --again",
            "build --again --offline",
            "lock",
            "lock --offline",
        ] {
            shop.enclair(arguments).done();
        }
        assert_eq!(
            server.asked(),
            asked,
            "{kernel}: what is locked is not asked for"
        );
    }
}

#[test]
fn a_file_in_an_archive_at_a_url_is_taken_out_and_kept() {
    let server = Server::new();
    server.put("/package.tar.gz", package());
    let shop = with_kernel(
        &server,
        "{ url = \"URL/package.tar.gz\", path = \"boot/vmlinuz-1\" }",
    );
    shop.enclair("build").done();
    assert_eq!(locked_digest(&shop, "boot.kernel"), sha256(&bzimage()));
    let lock = shop.text("enclair.lock");
    assert!(
        lock.contains(&format!(
            "path = \"boot/vmlinuz-1\"\ncontainer = {{ sha256 = \"{}\", size = {} }}\n",
            sha256(&package()),
            package().len()
        )),
        "{lock}"
    );
    let eif = shop.read("out/enclave.eif");
    // The file alone is enough, and so is the archive alone.
    for gone in [sha256(&package()), sha256(&bzimage())] {
        fs::remove_file(shop.path(blob(&gone))).unwrap();
        shop.enclair("build --locked --again").done();
        assert_eq!(shop.read("out/enclave.eif"), eif);
    }
}

/// Links in an archive lead where they would lead in a root filesystem.
#[test]
fn a_file_in_an_archive_is_found_over_symlinks() {
    let server = Server::new();
    server.put("/package.tar.gz", package());
    for path in ["vmlinuz", "/vmlinuz", "/boot/vmlinuz-1"] {
        let kernel = format!("{{ url = \"URL/package.tar.gz\", path = \"{path}\" }}");
        let shop = with_kernel(&server, &kernel);
        shop.enclair("lock").done();
        assert_eq!(
            locked_digest(&shop, "boot.kernel"),
            sha256(&bzimage()),
            "{path}"
        );
        assert!(
            shop.text("enclair.lock")
                .contains(&format!("path = \"{path}\"\n"))
        );
    }
}

#[test]
fn a_path_that_an_archive_does_not_have_is_named() {
    let server = Server::new();
    server.put("/package.tar.gz", package());
    let shop = with_kernel(
        &server,
        "{ url = \"URL/package.tar.gz\", path = \"boot/none\" }",
    );
    let said = shop.enclair("lock").refused();
    let url = server.url("/package.tar.gz");
    assert!(
        said.contains(&format!("there is no file `boot/none` in `{url}`")),
        "{said}"
    );
    assert!(said.contains("hint: the path is that of a file"), "{said}");
    assert!(!shop.exists("enclair.lock"));
}

#[test]
fn another_digest_than_the_recipe_says_is_refused() {
    let server = Server::new();
    server.put("/kernel", bzimage());
    let wrong = sha256(b"what it was");
    let shop = with_kernel(
        &server,
        &format!("{{ url = \"URL/kernel\", sha256 = \"{wrong}\" }}"),
    );
    let refused = shop.enclair("lock");
    assert_eq!((refused.status, &*refused.stdout), (Some(2), ""));
    let url = server.url("/kernel");
    let found = sha256(&bzimage());
    assert!(
        refused.stderr.contains(&format!(
            "`{url}` has digest sha256:{found}, the recipe says sha256:{wrong}"
        )),
        "{}",
        refused.stderr
    );
    assert!(!shop.exists("enclair.lock"));
}

/// A digest that comes into the recipe later holds for what is locked already.
#[test]
fn a_digest_that_is_added_to_the_recipe_is_compared() {
    let server = Server::new();
    server.put("/kernel", bzimage());
    let shop = with_kernel(&server, "{ url = \"URL/kernel\" }");
    shop.enclair("lock").done();
    let recipe = shop.text("enclair.toml");
    let with_digest = |digest: &str| {
        let url = server.url("/kernel");
        recipe.replace(&url, &format!("{url}\", sha256 = \"{digest}"))
    };
    shop.write("enclair.toml", with_digest(&sha256(&bzimage())));
    let asked = server.asked();
    shop.enclair("lock").done();
    assert_eq!(server.asked(), asked);
    shop.write("enclair.toml", with_digest(&sha256(b"other")));
    let lock = shop.text("enclair.lock");
    shop.enclair("lock").refused();
    assert_eq!(shop.text("enclair.lock"), lock);
}

#[test]
fn an_altered_blob_is_set_aside_and_fetched_again() {
    let server = Server::new();
    server.put("/kernel", bzimage());
    let digest = sha256(&bzimage());
    let shop = with_kernel(&server, "{ url = \"URL/kernel\" }");
    shop.enclair("build").done();
    let eif = shop.read("out/enclave.eif");
    alter(&shop, &blob(&digest));
    let altered = shop.read(blob(&digest));
    shop.enclair("build --locked --again").done();
    assert_eq!(shop.read("out/enclave.eif"), eif);
    assert_eq!(shop.read(blob(&digest)), bzimage());
    let aside = shop.names("store/aside");
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(shop.read(format!("store/aside/{}", aside[0])), altered);
}

#[test]
fn an_altered_blob_is_an_error_where_nothing_may_be_fetched() {
    let server = Server::new();
    server.put("/kernel", bzimage());
    let digest = sha256(&bzimage());
    let shop = with_kernel(&server, "{ url = \"URL/kernel\" }");
    shop.enclair("lock").done();
    alter(&shop, &blob(&digest));
    let refused = shop.enclair("build --locked --offline");
    assert_eq!((refused.status, &*refused.stdout), (Some(2), ""));
    assert!(
        refused.stderr.contains(&format!(
            "sha256:{digest} in the store was altered; it is set aside"
        )),
        "{}",
        refused.stderr
    );
    assert!(
        refused
            .stderr
            .contains("hint: fetch once without `--offline`"),
        "{}",
        refused.stderr
    );
    assert!(!shop.exists("out"));
}

/// Somebody changed what is at the URL: the lock does not follow.
#[test]
fn content_that_changed_at_its_url_is_refused() {
    let server = Server::new();
    server.put("/kernel", bzimage());
    let shop = with_kernel(&server, "{ url = \"URL/kernel\" }");
    shop.enclair("lock").done();
    server.put("/kernel", "another kernel");
    fs::remove_dir_all(shop.path("store")).unwrap();
    let refused = shop.enclair("build --locked");
    assert_eq!((refused.status, &*refused.stdout), (Some(2), ""));
    let digest = sha256(&bzimage());
    assert!(refused.stderr.contains(&digest), "{}", refused.stderr);
    assert!(!shop.exists("out/enclave.eif"));
    assert!(!shop.exists(&blob(&digest)) && !shop.exists(&blob(&sha256(b"another kernel"))));
}

#[test]
fn what_is_not_there_is_refused_and_nothing_is_written() {
    let server = Server::new();
    let shop = with_kernel(&server, "{ url = \"URL/kernel\" }");
    let refused = shop.enclair("lock");
    assert_eq!((refused.status, &*refused.stdout), (Some(2), ""));
    let said = refused.stderr.replace(&server.host(), "HOST");
    assert!(
        said.contains("`boot.kernel` cannot be locked") && said.contains("404"),
        "{said}"
    );
    assert!(!shop.exists("enclair.lock"));
    let refused = shop.enclair("lock --offline");
    assert_eq!(refused.status, Some(2));
    assert!(
        refused.stderr.contains("cannot be asked: offline"),
        "{}",
        refused.stderr
    );
    assert_eq!(server.asked(), 1);
}
