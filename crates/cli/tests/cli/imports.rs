//! `enclair init`: the template, and recipes from other tools' files.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::images::{application, bzimage};
use crate::project::replace;
use crate::schemas::assert_conforms;
use crate::workshop::Workshop;

#[test]
fn the_template_locks_once_it_names_a_source() {
    let shop = Workshop::new();
    let printed = shop.enclair("init").done();
    assert_eq!(printed, "`enclair.toml` is written\n");
    let said = shop.enclair("lock --offline").refused();
    assert!(
        said.contains("`docker.io/library/debian:12` cannot be asked: offline"),
        "{said}"
    );
    let template = shop.text("enclair.toml");
    // Each of the sources that are commented out, in place of the first.
    shop.write("build/app", "#!/bin/sh\n");
    shop.write("rootfs.tar.gz", "any bytes");
    application().write_oci(&shop, "build/layout");
    for source in ["image = \"oci:", "archive = ", "files = "] {
        let recipe = template.replace("\nimage = \"docker", "\n# image = \"docker");
        let recipe = recipe.replace(&format!("## {source}"), source);
        assert_ne!(recipe, template, "{source}");
        shop.write(
            "enclair.toml",
            recipe.replace("build/layout:app", "build/layout:v1"),
        );
        shop.enclair("lock").done();
    }
}

#[test]
fn a_recipe_that_is_there_is_not_written_over() {
    let shop = Workshop::new();
    shop.write("enclair.toml", "mine");
    shop.write("Dockerfile", "FROM a.example/b\n");
    for arguments in ["init", "init --from Dockerfile"] {
        let said = shop.enclair(arguments).refused();
        assert_eq!(
            said,
            "error: `enclair.toml` is there already; `--force` writes it anew\n"
        );
        assert_eq!(shop.text("enclair.toml"), "mine");
    }
    shop.enclair("init --from Dockerfile --force").done();
    assert!(
        shop.text("enclair.toml")
            .contains("image = \"a.example/b\"")
    );
    // A file that cannot be taken over leaves what is there.
    shop.write("Dockerfile", "nothing\n");
    let before = shop.text("enclair.toml");
    shop.enclair("init --from Dockerfile --force").refused();
    assert_eq!(shop.text("enclair.toml"), before);
}

/// The directories in `tests/import`, and the foreign file in each.
fn fixtures() -> Vec<(PathBuf, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/import");
    let mut found = Vec::new();
    for kind in fs::read_dir(top).unwrap() {
        for case in fs::read_dir(kind.unwrap().path()).unwrap() {
            let case = case.unwrap().path();
            let names = fs::read_dir(&case).unwrap();
            let mut names = names.map(|name| name.unwrap().file_name().into_string().unwrap());
            let name = names.find(|name| !name.starts_with("expected.")).unwrap();
            found.push((case, name));
        }
    }
    found
}

/// A workshop with the recipe of a fixture.
fn imported(case: &Path, name: &str) -> Workshop {
    let shop = Workshop::new();
    shop.write(name, fs::read(case.join(name)).unwrap());
    let outcome = shop.enclair(&format!("init --from {name}"));
    assert_eq!(outcome.status, Some(0), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "`enclair.toml` is written\n");
    // A line for each note, with what is said about it, and one with what comes next.
    let notes = fs::read_to_string(case.join("expected.notes")).unwrap();
    let expected = notes
        .lines()
        .filter(|line| line.starts_with("line "))
        .count();
    assert_eq!(
        outcome.stderr.lines().count(),
        expected + 1,
        "{}",
        outcome.stderr
    );
    shop
}

#[test]
fn every_foreign_file_becomes_its_recipe() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 15);
    for (case, name) in fixtures {
        let shop = imported(&case, &name);
        let expected = fs::read_to_string(case.join("expected.toml")).unwrap();
        assert_eq!(shop.text("enclair.toml"), expected, "{}", case.display());
        let printed = shop
            .enclair(&format!("init --from {name} --force --json"))
            .done();
        let document: Value = serde_json::from_str(&printed).unwrap();
        assert_conforms("init", &document);
        let fields = document["fields"].as_array().unwrap();
        assert!(!fields.is_empty(), "{}", case.display());
    }
}

/// Nothing beside the foreign file is there, and no network: what is elsewhere is put in its place.
#[test]
fn every_imported_recipe_is_locked_as_far_as_it_can_be() {
    let (mut images, mut dockerfiles, mut others) = (0, 0, 0);
    for (case, name) in fixtures() {
        let shop = imported(&case, &name);
        let recipe = shop.text("enclair.toml");
        let case = case.display();
        let line = recipe.lines().find(|line| {
            ["image = ", "dockerfile = ", "archive = "]
                .iter()
                .any(|key| line.starts_with(key))
        });
        match line {
            Some(line) if line.starts_with("dockerfile") => {
                dockerfiles += 1;
                let said = shop.enclair("lock --offline").said();
                let note =
                    "note: what the Dockerfile names is not locked: it is read and not built yet";
                assert!(said.contains(note), "{case}: {said}");
                let said = shop.enclair("build --locked --offline").refused();
                assert!(
                    said.contains("`source.dockerfile` is read and cannot be built yet"),
                    "{case}: {said}"
                );
                assert!(
                    said.contains(line) && said.contains("docker-archive:app.tar"),
                    "{case}: {said}"
                );
                assert!(!shop.exists("out"), "{case}");
                continue;
            }
            Some(line) if line.starts_with("image") => {
                images += 1;
                shop.enclair("lock --offline").refused();
                application().write_oci(&shop, "local");
                replace(&shop, "enclair.toml", line, "image = \"oci:local:v1\"");
            }
            Some(_) => {
                others += 1;
                shop.write("rootfs.tar.xz", "any bytes");
            }
            None => others += 1,
        }
        let outcome = shop.enclair("lock --offline");
        assert_eq!(outcome.status, Some(0), "{case}: {}", outcome.stderr);
        assert_eq!(shop.enclair("lock --check").status, Some(0), "{case}");
    }
    assert!(
        images > 4 && dockerfiles > 4 && others > 1,
        "{images} {dockerfiles} {others}"
    );
}

/// The way that a recipe of a Dockerfile describes.
#[test]
fn a_dockerfile_is_built_elsewhere_and_its_image_is_named() {
    let shop = Workshop::new();
    shop.write("Dockerfile", "FROM a.example/b:1\nRUN make\n");
    shop.enclair("init --from Dockerfile").done();
    shop.write("app.tar", application().docker_archive());
    replace(
        &shop,
        "enclair.toml",
        "\ndockerfile = \"Dockerfile\"",
        "\nimage = \"docker-archive:app.tar\"",
    );
    shop.write("kernel", bzimage());
    let recipe = shop.text("enclair.toml");
    shop.write(
        "enclair.toml",
        format!("{recipe}\n[boot]\nkernel = \"kernel\"\n"),
    );
    shop.enclair("build --offline").done();
}

#[test]
fn what_is_no_foreign_file_is_refused() {
    let shop = Workshop::new();
    shop.write("letter", "Dear Sir");
    let said = shop.enclair("init --from letter").refused();
    assert!(
        said.contains("is none of Dockerfile, enclaver.yaml, enclave.toml and caution.hcl"),
        "{said}"
    );
    shop.write("enclaver.yaml", "[");
    shop.enclair("init --from enclaver.yaml").refused();
    shop.write("Dockerfile", "x".repeat((1 << 20) + 1));
    let said = shop.enclair("init --from Dockerfile").refused();
    assert!(
        said.contains("has 1048577 bytes, at most 1048576 are read"),
        "{said}"
    );
    let said = shop.enclair("init --from none").refused();
    assert!(said.contains("No such file"), "{said}");
    assert!(!shop.exists("enclair.toml"));
}
