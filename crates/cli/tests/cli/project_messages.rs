//! How failures of projects read: what, where, expected and found, and what to do.

use std::fs;
use std::os::unix::fs::symlink;

use insta::assert_snapshot;

use crate::images::{application, bzimage};
use crate::project::{alter, blob_in, locked_digest, of_files, of_image, project, replace};
use crate::server::Server;
use crate::workshop::{Workshop, run, sha256};

/// The message of a command that fails on a project with this recipe.
fn message(recipe: &str, arguments: &str) -> String {
    project(recipe).enclair(arguments).refused()
}

#[test]
fn a_project_that_is_not_there() {
    assert_snapshot!(Workshop::new().enclair("build").refused(), @r"
    error: there is no recipe `enclair.toml`
    hint: `enclair init` writes one; `enclair build --image REFERENCE` needs none (see --help)
    ");
    assert_snapshot!(Workshop::new().enclair("lock -f none.toml").refused(), @r"
    error: there is no recipe `none.toml`
    hint: `enclair init` writes one; `enclair build --image REFERENCE` needs none (see --help)
    ");
    assert_snapshot!(message(&of_files(), "build --locked"), @r"
    error: `enclair.toml` was not built
      caused by: there is no lock `enclair.lock`
    hint: run `enclair lock` and commit what it writes; with `--locked` or CI=true nothing else is built
    ");
    assert_snapshot!(message(&of_files(), "lock --check"), @r"
    error: the lock of `enclair.toml` cannot be checked
      caused by: there is no lock `enclair.lock`
    hint: run `enclair lock` and commit what it writes; with `--locked` or CI=true nothing else is built
    ");
}

#[test]
fn a_recipe_that_is_wrong_is_shown_with_its_lines() {
    let recipe = of_files().replace("command = [\"/app\"]", "comand = [\"/app\"]\nenv = \"A=1\"");
    assert_snapshot!(message(&recipe, "lock"), @r#"
    error: unknown key `run.comand`
     --> enclair.toml:5:1
      |
    5 | comand = ["/app"]
      | ^^^^^^ no such key
      |
    hint: did you mean `command`?

    error: `run.env`: expected an array, found a string
     --> enclair.toml:6:7
      |
    6 | env = "A=1"
      |       ^^^^^ not an array
    "#);
    let recipe = format!("{}[sign]\ncertificate = \"c\"\nkey = \"k\"\n", of_files());
    assert_snapshot!(message(&recipe, "build"), @r"
    error: `sign` is read and cannot be built yet
     --> enclair.toml:9:1
      |
    9 | [sign]
      | ^^^^^^
      |
    hint: it waits for a later release; leave it out to build what this one can
    ");
    let recipe = of_files().replace("[run]", "[enclave]\nepoch = 1700000000000\n[run]");
    assert_snapshot!(message(&recipe, "build"), @r"
    error: `enclave.epoch`: expected seconds from 0 to 4294967295, found 1700000000000
     --> enclair.toml:5:9
      |
    5 | epoch = 1700000000000
      |         ^^^^^^^^^^^^^
      |
    hint: are these milliseconds? in seconds it is 1700000000
    ");
    let recipe = format!("{}[normalize]\nkeep = [\"times\"]\n", of_files());
    assert_snapshot!(message(&recipe, "lock"), @r#"
    error: there is no rule `times`
      --> enclair.toml:10:9
       |
    10 | keep = ["times"]
       |         ^^^^^^^
       |
    hint: the rules are `runtime-files` and `mtime`
    "#);
    let recipe = of_files().replace("\"app\", to", "\"../app\", to");
    assert_snapshot!(message(&recipe, "lock"), @r#"
    error: `source.files[0].from`: `../app` leads out of the project
     --> enclair.toml:3:19
      |
    3 | files = [{ from = "../app", to = "/app" }]
      |                   ^^^^^^^^ not below the directory of the recipe
      |
    hint: copy it into the project, so that everybody who builds has it
    "#);
    let recipe = format!(
        "schema = 1\n[source]\ndockerfile = \"Dockerfile\"\n{}",
        crate::project::BOOT
    );
    assert_snapshot!(message(&recipe, "build"), @r#"
    error: `source.dockerfile` is read and cannot be built yet
     --> enclair.toml:3:14
      |
    3 | dockerfile = "Dockerfile"
      |              ^^^^^^^^^^^^
      |
    hint: build it with another program, and name the result: `image = "docker-archive:app.tar"`
    "#);
}

#[test]
fn a_lock_that_does_not_fit() {
    let shop = project(&of_files());
    shop.enclair("lock").done();
    let lock = shop.text("enclair.lock");
    shop.write("kernel", "other");
    replace(
        &shop,
        "enclair.toml",
        "[run]",
        "[enclave]\nname = \"n\"\n[run]",
    );
    assert_snapshot!(shop.enclair("build --locked").refused(), @r"
    error: `enclair.toml` was not built
      caused by: `enclair.lock` is not the lock of this recipe: the recipe has changed; `kernel` (kernel) has digest sha256:[sha256], sha256:[sha256] is locked
    hint: run `enclair lock` and look at what changes
    ");
    shop.write("enclair.lock", lock.replace("format = 1", "format = 2"));
    assert_snapshot!(shop.enclair("build").refused(), @r"
    error: `enclair.toml` was not built
      caused by: the lock has format 2, this release knows format 1
    hint: the lock is from a later release of enclair; use that one, or remove the lock and run `enclair lock`
    ");
    shop.write("enclair.lock", lock.replace("mtime@1", "mtime@2"));
    assert_snapshot!(shop.enclair("lock --check").refused(), @r"
    error: the lock of `enclair.toml` cannot be checked
      caused by: the lock has the rule `mtime@2`, which this release does not know
    hint: the lock is from a later release of enclair; use that one, or remove the lock and run `enclair lock`
    ");
    shop.write("enclair.lock", lock.replace("schema = 1", "schema = 3"));
    assert_snapshot!(shop.enclair("lock").refused(), @r"
    error: `enclair.toml` was not locked
      caused by: `enclair.lock` is no lock
      caused by: `schema`: expected 1, found 3
    hint: use the release of enclair that wrote it, or remove it and run `enclair lock`
    ");
    shop.write("enclair.lock", lock.replace("arch", "<<<<<<< main\narch"));
    assert_snapshot!(shop.enclair("lock").refused(), @r"
    error: `enclair.toml` was not locked
      caused by: `enclair.lock` is no lock
      caused by: line 5: a merge left a conflict here
    hint: take either side of the conflict whole, then run `enclair lock`: it resolves what does not fit the recipe
    ");
    shop.write("enclair.lock", lock.replace("epoch = 0", "epoch = 00"));
    assert_snapshot!(shop.enclair("lock").refused(), @r"
    error: `enclair.toml` was not locked
      caused by: `enclair.lock` is no lock
      caused by: line 6: unexpected leading zero, expected nothing
    hint: a lock is not edited by hand; restore it from the repository, or remove it and run `enclair lock`
    ");
}

#[test]
fn inputs_that_cannot_be_had() {
    let recipe = of_files().replace("\"kernel\"\n", "\"none\"\n");
    assert_snapshot!(message(&recipe, "lock"), @r"
    error: `enclair.toml` was not locked
      caused by: `boot.kernel` cannot be locked
      caused by: `./none` cannot be opened
      caused by: No such file or directory (os error 2)
    ");
    assert_snapshot!(message(&of_image("a.example/app:1"), "lock --offline"), @r"
    error: `enclair.toml` was not locked
      caused by: `source` cannot be locked
      caused by: an input cannot be had
      caused by: `a.example/app:1` cannot be asked: offline
    hint: resolving needs the network; a lock that is up to date needs none
    ");
    assert_snapshot!(message(&of_image("oci:none"), "lock"), @r"
    error: `enclair.toml` was not locked
      caused by: `source` cannot be locked
      caused by: `./none/index.json` cannot be opened
      caused by: No such file or directory (os error 2)
    hint: an OCI layout has an `index.json`; is this one?
    ");
    let shop = project(&of_image("docker-archive:app.tar"));
    shop.write("app.tar", application().docker_archive());
    shop.enclair("lock").done();
    fs::remove_file(shop.path("app.tar")).unwrap();
    fs::remove_file(shop.path(blob_in("store", &locked_digest(&shop, "source.image")))).unwrap();
    assert_snapshot!(shop.enclair("build --locked --offline").refused(), @r"
    error: `enclair.toml` was not built
      caused by: an input cannot be had
      caused by: offline, and not in the store: source configuration (sha256:[sha256], 184 bytes)
    hint: fetch once without `--offline`, or bring the content with `enclair store import` from a store that was exported elsewhere
    ");
    let recipe = of_files().replace("\"kernel\"\n", "{ image = \"oci:i\", path = \"k\" }\n");
    let shop = project(&recipe);
    application().write_oci(&shop, "i");
    assert_snapshot!(shop.enclair("lock").refused(), @r"
    error: `enclair.toml` was not locked
      caused by: there is no file `k` in `oci:i`
    hint: the path is that of a file, from the top of the archive or image
    ");
    let recipe = of_files().replace("[run]", "[enclave]\nepoch = \"commit\"\n[run]");
    let said = message(&recipe, "build");
    assert_snapshot!(said, @r"
    error: `enclair.toml` was not built
      caused by: the epoch is that of the commit, and git finds no commit in `.`
    hint: commit first, or give the epoch in seconds
    ");
}

#[test]
fn what_is_at_a_url_is_something_else() {
    let server = Server::new();
    server.put("/k", bzimage());
    let kernel = |more: &str| {
        let artifact = format!("{{ url = \"{}\"{more} }}", server.url("/k"));
        project(&of_files().replace("\"kernel\"", &artifact))
    };
    let said = |shop: &Workshop, arguments: &str| {
        let said = shop.enclair(arguments).refused();
        said.replace(&server.host(), "HOST")
    };
    let other = sha256(b"other");
    let shop = kernel(&format!(", sha256 = \"{other}\""));
    assert_snapshot!(said(&shop, "lock"), @r"
    error: `enclair.toml` was not locked
      caused by: `http://HOST/k` has digest sha256:[sha256], the recipe says sha256:[sha256]
    hint: what is there has changed; look at it before you believe it
    ");
    let shop = kernel("");
    shop.enclair("lock").done();
    fs::remove_dir_all(shop.path("store")).unwrap();
    server.put("/k", "other");
    assert_snapshot!(said(&shop, "build --locked"), @r"
    error: `enclair.toml` was not built
      caused by: an input cannot be had
      caused by: kernel (sha256:[sha256], 8192 bytes): nobody gave it
          http://HOST/k: has 5 bytes, expected 8192
    hint: a provider of snapshots may still have it; whoever built it before can `enclair store export` it, and `enclair store import` brings it here
    ");
    let shop = project(&of_files().replace(
        "\"kernel\"",
        &format!("{{ url = \"{}\" }}", server.url("/none")),
    ));
    assert_snapshot!(said(&shop, "lock"), @r"
    error: `enclair.toml` was not locked
      caused by: `boot.kernel` cannot be locked
      caused by: an input cannot be had
      caused by: http://HOST/none: status 404
    ");
}

#[test]
fn a_carried_part_of_another_release() {
    let shop = project(&of_files().replace("init = \"init\"\n", ""));
    shop.enclair("lock").done();
    let carried = locked_digest(&shop, "boot.init");
    replace(&shop, "enclair.lock", &carried, &sha256(b"other"));
    let said = shop.enclair("build --locked --offline").refused();
    // The release's own size is of no interest.
    let (before, size) = said.split_once("(sha256:[sha256], ").unwrap();
    let (_, behind) = size.split_once(" bytes").unwrap();
    assert_snapshot!(format!("{before}(sha256:[sha256], N bytes{behind}"), @r"
    error: `enclair.toml` was not built
      caused by: the lock wants the init with digest sha256:[sha256]; this enclair carries sha256:[sha256]
      caused by: offline, and not in the store: init (sha256:[sha256], N bytes)
    hint: use the release that made the lock, import its exported store, or take the one of this release with `enclair lock --update kernel init agent`
    ");
}

#[test]
fn files_that_may_not_go_in() {
    let shop = project(&of_files().replace("\"app\", to", "\"tree\", to"));
    assert_snapshot!(shop.enclair("build").refused(), @r"
    error: `enclair.toml` was not built
      caused by: `tree` cannot be read
      caused by: No such file or directory (os error 2)
    ");
    fs::create_dir(shop.path("tree")).unwrap();
    symlink("../app", shop.path("tree/app")).unwrap();
    assert_snapshot!(shop.enclair("build").refused(), @r"
    error: `enclair.toml` was not built
      caused by: `tree/app` is a symlink to `../app`: the target is outside of `from`
    hint: make it relative and below `from`; one that the image shall have is `link` of an entry
    ");
    let shop = project(&of_files());
    fs::remove_file(shop.path("app")).unwrap();
    symlink("kernel", shop.path("app")).unwrap();
    assert_snapshot!(shop.enclair("build").refused(), @r"
    error: `enclair.toml` was not built
      caused by: `app` is a symlink, expected a file or directory of the project
    hint: name the place that it leads to
    ");
    let shop = project(&of_files().replace("to = \"/app\"", "to = \"/app\", owner = \"app\""));
    assert_snapshot!(shop.enclair("build").refused(), @r"
    error: `enclair.toml` was not built
      caused by: to `/app`: the owner is not known
      caused by: the image's /etc/passwd has no user `app`
    hint: give numbers, as in `1000:1000`, or add the account to the image's /etc/passwd or /etc/group
    ");
}

#[test]
fn stores_that_are_none() {
    let shop = project(&of_files());
    shop.write("mine/letter", "to somebody");
    let mut command = shop.command(["lock"]);
    command.env("ENCLAIR_STORE", "mine");
    assert_snapshot!(run(command).refused(), @r"
    error: the store `mine` cannot be used
      caused by: `mine`: is not a store, and not empty
    hint: name an empty directory, or one that does not exist
    ");
    assert_snapshot!(shop.enclair("store import none").refused(), @r"
    error: `none` was not imported
      caused by: `none`: cannot be opened
      caused by: No such file or directory (os error 2)
    ");
    let shop = project(&of_image("oci:image"));
    application().write_oci(&shop, "image");
    shop.enclair("lock").done();
    shop.enclair("store export exported").done();
    let digest = locked_digest(&shop, "source.image");
    assert_snapshot!(shop.enclair("store export exported").refused(), @r"
    error: what `enclair.toml` needs cannot be exported
      caused by: `exported`: exists already
    ");
    alter(&shop, &blob_in("exported", &digest));
    fs::remove_dir_all(shop.path("store")).unwrap();
    let said = shop.enclair("store import exported").refused();
    let (drawer, rest) = digest.split_at(2);
    assert_snapshot!(said.replace(&format!("{drawer}/{rest}"), "BLOB"), @r"
    error: `exported` was not imported
      caused by: not taken: 1 file, the first `exported/blobs/sha256/BLOB`: the content has sha256:[sha256]
    hint: what was altered on its way must be brought again
    ");
}
