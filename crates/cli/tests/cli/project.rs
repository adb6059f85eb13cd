//! Recipes with what they name, as a workshop; and the repositories that some of them lie in.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::images::bzimage;
use crate::workshop::{Outcome, Workshop};

/// The boot environment of every project here: small files, instead of those that are carried.
pub(crate) const BOOT: &str = "[boot]\nkernel = \"kernel\"\ninit = \"init\"\n";

/// A recipe of one script.
pub(crate) fn of_files() -> String {
    format!(
        "schema = 1\n[source]\nfiles = [{{ from = \"app\", to = \"/app\" }}]\n\
         [run]\ncommand = [\"/app\"]\n{BOOT}"
    )
}

/// A recipe of the container image `reference`.
pub(crate) fn of_image(reference: &str) -> String {
    format!("schema = 1\n[source]\nimage = \"{reference}\"\n{BOOT}")
}

/// A project with `recipe`, and with a kernel, an init and a script that it may name.
pub(crate) fn project(recipe: &str) -> Workshop {
    let shop = Workshop::new();
    shop.write("kernel", bzimage());
    shop.write("init", "\x7fELF init");
    shop.write("app", "#!/bin/sh\necho hello\n");
    shop.write("enclair.toml", recipe);
    shop
}

/// The digest of a key's value in the lock: the first `sha256` below the header `table`.
pub(crate) fn locked_digest(shop: &Workshop, table: &str) -> String {
    let lock = shop.text("enclair.lock");
    let header = format!("[{table}]\n");
    let (_, below) = lock.split_once(&header).expect("the table is in the lock");
    let (_, digest) = below.split_once("sha256 = \"").unwrap();
    digest[..64].to_owned()
}

/// Where a blob is in a store.
pub(crate) fn blob_in(store: &str, digest: &str) -> String {
    let (drawer, rest) = digest.split_at(2);
    format!("{store}/blobs/sha256/{drawer}/{rest}")
}

/// Damages a blob, as a failing disk would.
pub(crate) fn alter(shop: &Workshop, blob: &str) {
    let mut content = shop.read(blob);
    content[0] ^= 1;
    // Blobs cannot be written to.
    fs::remove_file(shop.path(blob)).unwrap();
    shop.write(blob, content);
}

/// Long enough ago that a file's times tell whether it was changed since.
pub(crate) fn settle() {
    sleep(Duration::from_millis(60));
}

/// Changes one place of a file of the project.
pub(crate) fn replace(shop: &Workshop, name: &str, from: &str, to: &str) {
    let text = shop.text(name);
    assert_eq!(text.matches(from).count(), 1, "`{from}` in {name}:\n{text}");
    shop.write(name, text.replace(from, to));
}

/// The lines of a build's summary that are registers.
pub(crate) fn registers(summary: &str) -> String {
    let lines = summary.split_inclusive('\n');
    lines.filter(|line| line.contains(" PCR")).collect()
}

/// Git, as a person called T at one moment.
pub(crate) fn git(shop: &Workshop, directory: &str, arguments: &str) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
        .args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"])
        .args(["-c", "init.defaultBranch=main"])
        .arg("-C")
        .arg(shop.path(directory))
        .args(arguments.split(' '))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .output()
        .expect("git is needed");
    assert!(output.status.success(), "git {arguments}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Makes the directory a repository with one commit of the files `names`.
pub(crate) fn commit(shop: &Workshop, directory: &str, names: &str) {
    git(shop, directory, "init -q");
    git(shop, directory, &format!("add {names}"));
    git(shop, directory, "commit -q -m first");
}

impl Outcome {
    /// What a run that has to succeed printed on stderr.
    pub(crate) fn said(self) -> String {
        assert_eq!(self.status, Some(0), "stderr: {}", self.stderr);
        self.stderr
    }
}
