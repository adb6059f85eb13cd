//! The seeds in `fuzz/corpus`: what is good becomes a recipe, what is bad does not.

#![allow(
    clippy::expect_used,
    reason = "a test ends where what it is about is missing"
)]

use std::fs;
use std::path::Path;

use enclair_import::{ForeignKind, import};
use enclair_recipe::Recipe;

fn replay(kind: ForeignKind, folder: &str) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let (mut good, mut bad) = (0, 0);
    for entry in fs::read_dir(corpus.join(folder)).expect("the folder of the seeds") {
        let entry = entry.expect("a seed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(entry.path()).expect("a seed's text");
        let imported = import(kind, "file", &text);
        if name.starts_with("good-") {
            good += 1;
            let recipe = imported.expect(&name).recipe;
            Recipe::parse(&recipe).expect(&name);
        } else {
            bad += 1;
            imported.expect_err(&name);
        }
    }
    assert!(good >= 2 && bad >= 8, "{good} good, {bad} bad");
}

#[test]
fn every_dockerfile_is_what_its_name_says() {
    replay(ForeignKind::Dockerfile, "dockerfile");
}

#[test]
fn every_manifest_of_enclaver_is_what_its_name_says() {
    replay(ForeignKind::Enclaver, "enclaver");
}

#[test]
fn every_configuration_of_evervault_is_what_its_name_says() {
    replay(ForeignKind::Evervault, "evervault");
}

#[test]
fn every_configuration_of_caution_is_what_its_name_says() {
    replay(ForeignKind::Caution, "caution");
}
