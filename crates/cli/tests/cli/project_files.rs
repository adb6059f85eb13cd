//! Files of a project in an image: what decides their bytes, and what does not.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use crate::project::{commit, git, of_files, project};
use crate::workshop::Workshop;

const RECIPE: &str = r#"schema = 1

[source]
files = [
    { from = "tree", to = "/srv" },
    { from = "etc", to = "/etc" },
    { from = "tree/data", to = "/owned", owner = "1000:1001", mode = "0640" },
    { from = "tree/data", to = "/named", owner = "app:app" },
    { link = "srv/run", to = "/app" },
]

[[overlay]]
from = "over"
to = "/srv"

[run]
command = ["/app"]

[boot]
kernel = "kernel"
init = "init"
"#;

/// Everything that the recipe names, at `below`.
fn lay_out(shop: &Workshop, below: &str) {
    let write = |name: &str, content: &str| shop.write(&format!("{below}{name}"), content);
    write("enclair.toml", RECIPE);
    write("tree/run", "#!/bin/sh\nexec true\n");
    write("tree/data", "data\n");
    write("tree/deep/tool", "\x7fELF of somebody");
    write("etc/passwd", "app:x:1000:1002::/:/app\n");
    write("etc/group", "app:x:1002:\n");
    write("over/data", "laid over\n");
    write("init", "\x7fELF init");
    shop.write(&format!("{below}kernel"), crate::images::bzimage());
    symlink("../data", shop.path(format!("{below}tree/deep/link"))).unwrap();
}

/// Path, mode and owner of everything that the application has.
fn entries(shop: &Workshop) -> Vec<String> {
    let printed = shop
        .enclair("inspect out/enclave.eif --json --files")
        .done();
    let found: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let entries = found["ramdisks"][1]["files"].as_array().expect("entries");
    let line = |entry: &serde_json::Value| {
        let path = entry["path"].as_str().unwrap();
        let mode = entry["mode"].as_str().unwrap();
        format!("{path} {mode} {}:{}", entry["uid"], entry["gid"])
    };
    entries.iter().map(line).collect()
}

#[test]
fn modes_and_owners_are_those_of_the_recipe() {
    let shop = Workshop::new();
    lay_out(&shop, "");
    shop.enclair("build").done();
    let found = entries(&shop);
    for line in [
        "rootfs/srv 040755 0:0",
        "rootfs/srv/run 100755 0:0",
        "rootfs/srv/data 100644 0:0",
        "rootfs/srv/deep/tool 100755 0:0",
        "rootfs/srv/deep/link 120777 0:0",
        "rootfs/owned 100640 1000:1001",
        "rootfs/named 100644 1000:1002",
        "rootfs/app 120777 0:0",
    ] {
        assert!(
            found.iter().any(|other| other == line),
            "{line}: {found:#?}"
        );
    }
}

#[test]
fn what_git_does_not_track_is_left_out_by_name() {
    let shop = Workshop::new();
    lay_out(&shop, "");
    git(&shop, ".", "init -q");
    git(&shop, ".", "add enclair.toml tree/run tree/data etc over");
    git(&shop, ".", "commit -q -m first");
    let printed = shop.enclair("build").done();
    assert!(
        printed.contains("left out  1: not tracked by git\n    `tree/deep/`\n"),
        "{printed}"
    );
    assert!(printed.contains("files  6 of the project\n"), "{printed}");
    let document = shop.json("out/measurements.json");
    assert_eq!(
        document["left_out"],
        json!({"count": 1, "first": ["tree/deep/"]})
    );
    // Wanted by name, they go in.
    let recipe = RECIPE.replace("to = \"/srv\" },", "to = \"/srv\", untracked = true },");
    shop.write("enclair.toml", recipe);
    let printed = shop.enclair("build").done();
    assert!(!printed.contains("left out"), "{printed}");
    assert!(
        entries(&shop)
            .iter()
            .any(|line| line.contains("rootfs/srv/deep/tool"))
    );
}

#[test]
fn a_binary_of_the_project_is_named_as_what_nobody_can_read() {
    let shop = Workshop::new();
    lay_out(&shop, "");
    let printed = shop.enclair("build").done();
    assert!(
        printed.contains("opaque  `/srv/deep/tool`: taken as binaries, not built from source\n"),
        "{printed}"
    );
    let document = shop.json("out/measurements.json");
    let files = document["files"].as_array().unwrap();
    let opaque: Vec<_> = files
        .iter()
        .filter(|file| !file["opaque"].is_null())
        .collect();
    assert_eq!(opaque.len(), 1, "{files:#?}");
    assert_eq!(opaque[0]["opaque"], "elf");
    assert_eq!(opaque[0]["path"], "/srv/deep/tool");
}

#[test]
fn a_symlink_out_of_the_project_is_refused() {
    for (target, problem) in [
        ("/etc/passwd", "`tree/out` is a symlink to `/etc/passwd`"),
        (
            "../../outside",
            "`tree/out` is a symlink to `../../outside`",
        ),
    ] {
        let shop = Workshop::new();
        lay_out(&shop, "p/");
        symlink(target, shop.path("p/tree/out")).unwrap();
        let said = shop.enclair("build p").refused();
        assert!(said.contains(problem), "{said}");
        assert!(!shop.exists("out/enclave.eif"));
    }
    let shop = project(&of_files());
    fs::rename(shop.path("app"), shop.path("real")).unwrap();
    symlink("real", shop.path("app")).unwrap();
    let said = shop.enclair("build").refused();
    assert!(
        said.contains("`app` is a symlink, expected a file or directory of the project"),
        "{said}"
    );
}

#[test]
fn a_path_out_of_the_project_is_refused_when_the_recipe_is_read() {
    for from in ["../app", "tree/../../app", "/etc/passwd", ".git/config"] {
        let shop = project(&of_files().replace("from = \"app\"", &format!("from = \"{from}\"")));
        shop.enclair("build").refused();
        assert!(!shop.exists("out/enclave.eif"));
    }
}

/// Two people, one commit: nothing of the disk, of the clock and of the person is in the image.
#[test]
fn two_checkouts_of_one_commit_give_the_same_image() {
    let shop = Workshop::new();
    lay_out(&shop, "first/");
    shop.enclair("lock first").done();
    commit(&shop, "first", ".");
    let path = shop.path("elsewhere/a longer name");
    let script = format!(
        "umask 077 && git clone -q first '{}' && cd '{}' && find . -path ./.git -prune -o \
         -exec touch -h -d '2001-02-03 04:05:06' {{}} +",
        path.display(),
        path.display()
    );
    let mut command = std::process::Command::new("sh");
    command.arg("-c").arg(script).current_dir(shop.path("."));
    assert!(command.status().unwrap().success());
    // Another order in the directory: a file is made anew, last.
    let data = path.join("tree/data");
    let content = fs::read(&data).unwrap();
    fs::remove_file(&data).unwrap();
    fs::write(path.join("tree/later"), "untracked").unwrap();
    fs::write(&data, content).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o600)).unwrap();
    shop.enclair("build first --locked -o one").done();
    shop.enclair_with(["build", "elsewhere/a longer name", "--locked", "-o", "two"])
        .done();
    assert_eq!(shop.read("one/enclave.eif"), shop.read("two/enclave.eif"));
    let (mut one, mut two) = (
        shop.json("one/measurements.json"),
        shop.json("two/measurements.json"),
    );
    let left_out = two["left_out"].take();
    assert_eq!(left_out["first"], json!(["tree/later"]));
    one["left_out"].take();
    assert_eq!(one, two);
}

#[test]
fn measurements_say_where_the_image_comes_from() {
    let shop = Workshop::new();
    lay_out(&shop, "deep/p/");
    shop.enclair("lock deep/p").done();
    commit(&shop, ".", "deep");
    let head = git(&shop, ".", "rev-parse HEAD");
    shop.enclair("build deep/p --locked").done();
    let document = shop.json("out/measurements.json");
    assert_eq!(
        document["lock"],
        crate::workshop::sha256(&shop.read("deep/p/enclair.lock"))
    );
    assert_eq!(document["recipe"], "deep/p/enclair.toml");
    assert_eq!(
        document["repository"],
        json!({"commit": head, "dirty": false})
    );
    shop.write("deep/p/tree/data", "changed");
    shop.enclair("build deep/p --locked").done();
    let document = shop.json("out/measurements.json");
    assert_eq!(
        document["repository"],
        json!({"commit": head, "dirty": true})
    );
    // Outside of a repository there is a name and no more.
    let shop = project(&of_files());
    shop.enclair("build").done();
    let document = shop.json("out/measurements.json");
    assert_eq!(document["recipe"], "enclair.toml");
    assert!(document.get("repository").is_none());
}
