//! What a guest says, on the status channel and on the console: pieces of any size mean the same, and
//! nothing of it reaches a terminal as a control character.

#![no_main]

use enclair_host::{Console, Event, StatusError, StatusReader};
use libfuzzer_sys::fuzz_target;

fn read(pieces: &[&[u8]]) -> Result<Vec<Event>, StatusError> {
    let mut reader = StatusReader::default();
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(reader.push(piece)?);
    }
    reader.finish()?;
    Ok(events)
}

fn show(pieces: &[&[u8]]) -> String {
    let mut console = Console::default();
    let mut text: String = pieces.iter().map(|piece| console.push(piece)).collect();
    text.push_str(&console.finish());
    text
}

fuzz_target!(|data: &[u8]| {
    let bytes: Vec<&[u8]> = data.chunks(1).collect();
    match (read(&[data]), read(&bytes)) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(_), Err(_)) => {}
        (whole, pieces) => panic!("{whole:?} {pieces:?}"),
    }
    let shown = show(&[data]);
    assert_eq!(shown, show(&bytes));
    let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    assert!(shown.chars().all(harmless), "{shown:?}");
});
