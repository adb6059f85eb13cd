//! The seeds in `fuzz/corpus`: what is good is read, what is bad is not.

use std::fs;
use std::path::Path;

use enclair_packages::scripts::{Script, commands};

use crate::system::{System, call};

#[test]
fn every_script_is_what_its_name_says() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/maintainer-script");
    let (mut good, mut bad) = (0, 0);
    for entry in fs::read_dir(corpus).expect("the folder of the seeds") {
        let entry = entry.expect("a seed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let script = fs::read(entry.path()).expect("a seed's text");
        let found = commands(&script, &call(Script::Postinst), &System::default());
        if name.starts_with("good-") {
            good += 1;
            found.expect(&name);
        } else {
            bad += 1;
            found.expect_err(&name);
        }
    }
    assert!(good >= 6 && bad >= 10, "{good} good, {bad} bad");
}
