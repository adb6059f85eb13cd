//! The seeds in `fuzz/corpus/configuration`: what is good is read, what is bad is not.

#![allow(
    clippy::expect_used,
    reason = "a test ends where what it is about is missing"
)]

use std::fs;
use std::path::Path;

use enclair_configuration::Configuration;

#[test]
fn every_seed_is_what_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/configuration");
    let mut good = 0;
    let mut bad = 0;
    for entry in fs::read_dir(folder).expect("the folder of the seeds") {
        let entry = entry.expect("a seed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let document = fs::read(entry.path()).expect("a seed's bytes");
        let parsed = Configuration::parse(&document);
        if name.starts_with("good-") {
            good += 1;
            let written = parsed.expect(&name).to_canonical_json().expect(&name);
            assert_eq!(written, document, "{name}");
        } else {
            bad += 1;
            parsed.expect_err(&name);
        }
    }
    assert!(good >= 2 && bad >= 14, "{good} good, {bad} bad");
}
