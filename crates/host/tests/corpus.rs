//! The seeds in `fuzz/corpus/status`: what is good is read, what is bad is not.

#![allow(
    clippy::expect_used,
    reason = "a test ends where what it is about is missing"
)]

use std::fs;
use std::path::Path;

use enclair_host::{Event, StatusError, StatusReader};

fn read(stream: &[u8]) -> Result<Vec<Event>, StatusError> {
    let mut reader = StatusReader::default();
    let events = reader.push(stream)?;
    reader.finish()?;
    Ok(events)
}

#[test]
fn every_seed_is_what_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/status");
    let (mut good, mut bad) = (0, 0);
    for entry in fs::read_dir(folder).expect("the folder of the seeds") {
        let entry = entry.expect("a seed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let outcome = read(&fs::read(entry.path()).expect("a seed's bytes"));
        if name.starts_with("good-") {
            good += 1;
            let events = outcome.expect(&name);
            assert!(matches!(events.last(), Some(Event::Ended(_))), "{name}");
        } else {
            bad += 1;
            outcome.expect_err(&name);
        }
    }
    assert!(good >= 4 && bad >= 16, "{good} good, {bad} bad");
}
