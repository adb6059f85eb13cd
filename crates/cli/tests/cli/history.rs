//! `enclair log`: which images a repository has recorded.

use serde_json::Value;

use crate::project::{commit, git, of_files, project};
use crate::schemas::assert_conforms;
use crate::workshop::Workshop;

fn log(shop: &Workshop, more: &str) -> Vec<Value> {
    let printed = shop.enclair(&format!("log --json{more}")).done();
    let document = serde_json::from_str(&printed).unwrap();
    assert_conforms("log", &document);
    document["images"].as_array().unwrap().clone()
}

#[test]
fn each_release_is_listed_with_its_tags_and_its_lock() {
    let shop = project(&of_files());
    shop.enclair("build").done();
    commit(
        &shop,
        ".",
        "enclair.toml enclair.lock app out/measurements.json",
    );
    let first = git(&shop, ".", "rev-parse HEAD");
    git(&shop, ".", "tag v1");
    git(&shop, ".", "tag -a v1-signed -m same");
    shop.write("app", "#!/bin/sh\necho other\n");
    shop.enclair("build").done();
    git(&shop, ".", "commit -q -a -m second");
    let images = log(&shop, "");
    assert_eq!(images.len(), 2);
    let old = images
        .iter()
        .find(|image| image["commit"] == first)
        .unwrap();
    let new = images
        .iter()
        .find(|image| image["commit"] != first)
        .unwrap();
    assert_eq!(old["tags"], serde_json::json!(["v1", "v1-signed"]));
    assert_eq!(new["tags"], serde_json::json!([]));
    let document = shop.json("out/measurements.json");
    for (register, name) in [("pcr0", "PCR0"), ("pcr1", "PCR1"), ("pcr2", "PCR2")] {
        assert_eq!(new[register], document["Measurements"][name]);
    }
    assert_eq!(new["lock"], document["lock"]);
    assert_eq!(new["path"], "out/measurements.json");
    // The boot environment is the same, the application is not.
    assert_eq!(old["pcr1"], new["pcr1"]);
    assert_ne!(old["pcr2"], new["pcr2"]);
    let printed = shop.enclair("log").done();
    assert!(
        printed.contains(&format!(
            "{first}  v1  v1-signed\n    out/measurements.json\n    PCR0  "
        )),
        "{printed}"
    );
    assert_eq!(log(&shop, " --measurements out/measurements.json"), images);
    assert_eq!(log(&shop, " --measurements other.json"), [Value::Null; 0]);
}

#[test]
fn a_repository_without_images_says_how_to_begin() {
    let shop = project(&of_files());
    let said = shop.enclair("log").refused();
    assert_eq!(
        said,
        "error: `.` has no history of images\n  caused by: git finds no repository with a commit here\n"
    );
    commit(&shop, ".", "enclair.toml");
    let outcome = shop.enclair("log");
    assert_eq!((outcome.status, &*outcome.stdout), (Some(0), ""));
    assert_eq!(
        outcome.stderr,
        "no commit has a measurements.json\nhint: commit out/measurements.json with each release\n"
    );
}

/// Names and tags come from a stranger's repository.
#[test]
fn control_characters_of_a_repository_do_not_reach_the_terminal() {
    let shop = project(&of_files());
    let text = r#"{"Measurements":{"PCR0":"\u001b[31m","PCR1":"b","PCR2":"c"}}"#;
    shop.write("measurements.json", text);
    commit(&shop, ".", "measurements.json");
    git(&shop, ".", "tag \u{202e}v1");
    let printed = shop.enclair("log").done();
    assert!(!printed.contains(['\u{1b}', '\u{202e}']), "{printed:?}");
    shop.write("measurements.json", "{}");
    git(&shop, ".", "commit -q -a -m broken");
    let said = shop.enclair("log").refused();
    assert!(said.contains("is no measurements.json"), "{said}");
}
