use proptest::prelude::*;

use super::*;

const STARTING: &str = r#"{"schema":1,"event":"starting","release":"0.1.0"}"#;
const STARTED: &str = r#"{"schema":1,"event":"started","boot_ms":812}"#;
const EXITED: &str = r#"{"schema":1,"event":"exited","code":7}"#;

/// Reads the lines in pieces of `size`, to the end of the stream.
fn read(lines: &[&str], size: usize) -> Result<Vec<Event>, StatusError> {
    let mut text = lines.join("\n");
    text.push('\n');
    let mut reader = StatusReader::default();
    let mut events = Vec::new();
    for piece in text.as_bytes().chunks(size) {
        events.extend(reader.push(piece)?);
    }
    reader.finish().map(|()| events)
}

fn refusal(lines: &[&str]) -> String {
    let whole = read(lines, usize::MAX)
        .expect_err("must be refused")
        .to_string();
    let bytes = read(lines, 1).expect_err("must be refused").to_string();
    assert_eq!(whole, bytes);
    whole
}

#[test]
fn every_event_is_read_whatever_the_pieces() {
    let expected = vec![
        Event::Starting {
            release: "0.1.0".to_owned(),
        },
        Event::Started { boot_ms: 812 },
        Event::Ended(Last::Exited { code: 7 }),
    ];
    for size in [1, 2, 7, 4096] {
        let events = read(&[STARTING, STARTED, EXITED], size).unwrap();
        assert_eq!(events, expected);
    }
    let signaled = r#"{"schema":1,"event":"signaled","signal":11}"#;
    let events = read(&[STARTING, STARTED, signaled], 9).unwrap();
    assert_eq!(events[2], Event::Ended(Last::Signaled { signal: 11 }));
}

#[test]
fn an_application_may_be_started_again() {
    let restarting =
        |rest: &str| format!(r#"{{"schema":1,"event":"restarting","restart":1,{rest}}}"#);
    for (rest, failed) in [
        (r#""code":7"#, Failed::Exited(7)),
        (r#""signal":9"#, Failed::Signaled(9)),
    ] {
        let line = restarting(rest);
        let events = read(&[STARTING, STARTED, &line, STARTED, EXITED], 3).unwrap();
        assert_eq!(events[2], Event::Restarting { restart: 1, failed });
    }
    let line = restarting(r#""code":7"#);
    assert_eq!(
        refusal(&[STARTING, STARTED, &line, EXITED]),
        "status line 4: `exited` has no place after `restarting`"
    );
    assert_eq!(
        refusal(&[STARTING, &line]),
        "status line 2: `restarting` has no place before `started`"
    );
    for wrong in [r#""code":7,"signal":9"#, r#""signal":0"#] {
        let line = restarting(wrong);
        assert!(
            refusal(&[STARTING, STARTED, &line]).starts_with("status line 3: expected a signal")
        );
    }
    let failed = r#"{"schema":1,"event":"failed","failure":"exec","status":3,"message":"x"}"#;
    assert!(read(&[STARTING, STARTED, &line, failed], 5).is_ok());
}

#[test]
fn init_may_fail_before_and_after_the_application_runs() {
    let failed = r#"{"schema":1,"event":"failed","failure":"exec","status":3,"message":"x\ny"}"#;
    let last = Event::Ended(Last::Failed {
        failure: "exec".to_owned(),
        status: 3,
        message: "x\ny".to_owned(),
    });
    assert_eq!(read(&[STARTING, failed], 5).unwrap()[1], last);
    assert_eq!(read(&[STARTING, STARTED, failed], 5).unwrap()[2], last);
    assert_eq!(
        refusal(&[failed]),
        "status line 1: `failed` has no place before `starting`"
    );
}

#[test]
fn a_line_that_is_no_event_is_refused() {
    for line in [
        "",
        "hello",
        "{}",
        "[]",
        r#"{"schema":1,"event":"rebooting"}"#,
        r#"{"schema":1,"event":"starting"}"#,
        r#"{"event":"starting","release":"1"}"#,
        r#"{"schema":1,"event":"starting","release":"1","more":0}"#,
        r#"{"schema":1,"event":"starting","release":"1"} x"#,
        r#"{"schema":1,"schema":1,"event":"starting","release":"1"}"#,
        r#"{"schema":-1,"event":"starting","release":"1"}"#,
    ] {
        let message = refusal(&[line]);
        assert_eq!(message, "status line 1: not an event of schema 1", "{line}");
    }
    for line in [
        r#"{"schema":1,"event":"exited","code":256}"#,
        r#"{"schema":1,"event":"exited","code":-1}"#,
        r#"{"schema":1,"event":"exited","code":"7"}"#,
        r#"{"schema":1,"event":"exited","code":7.0}"#,
    ] {
        let message = refusal(&[STARTING, STARTED, line]);
        assert_eq!(message, "status line 3: not an event of schema 1", "{line}");
    }
}

#[test]
fn numbers_have_their_ranges() {
    for found in [0, 65] {
        let line = format!(r#"{{"schema":1,"event":"signaled","signal":{found}}}"#);
        let message = refusal(&[STARTING, STARTED, &line]);
        assert_eq!(
            message,
            format!("status line 3: expected a signal from 1 to 64, found {found}")
        );
    }
    let message = refusal(&[r#"{"schema":2,"event":"starting","release":"1"}"#]);
    assert_eq!(message, "status line 1: expected schema 1, found 2");
}

#[test]
fn a_line_that_is_too_long_is_refused_before_its_end() {
    let message = refusal(&[&"x".repeat(MAX_LINE + 1)]);
    assert_eq!(message, "status line 1: longer than 4096 bytes");
    let mut reader = StatusReader::default();
    assert!(reader.push(&[b' '; MAX_LINE]).is_ok());
    assert!(matches!(
        reader.push(b" "),
        Err(StatusError::TooLong { line: 1 })
    ));
    // The longest line that there may be is read.
    let release = "r".repeat(MAX_LINE - STARTING.len() + "0.1.0".len());
    let longest = STARTING.replace("0.1.0", &release);
    assert_eq!(longest.len(), MAX_LINE);
    assert!(read(&[&longest, STARTED, EXITED], 100).is_ok());
}

#[test]
fn events_have_an_order() {
    for (lines, expected) in [
        (
            &[STARTED][..],
            "status line 1: `started` has no place before `starting`",
        ),
        (
            &[STARTING, STARTING],
            "status line 2: `starting` has no place before `started`",
        ),
        (
            &[STARTING, STARTED, STARTED],
            "status line 3: `started` has no place after `started`",
        ),
        (
            &[STARTING, EXITED],
            "status line 2: `exited` has no place before `started`",
        ),
    ] {
        assert_eq!(refusal(lines), expected);
    }
}

#[test]
fn nothing_follows_the_last_event() {
    for more in [EXITED, STARTED, "x", ""] {
        let message = refusal(&[STARTING, STARTED, EXITED, more]);
        assert_eq!(message, "status line 4: nothing may follow the last event");
    }
    let mut reader = StatusReader::default();
    let text = format!("{STARTING}\n{STARTED}\n{EXITED}\n");
    reader.push(text.as_bytes()).unwrap();
    // Without a newline, too.
    assert!(matches!(
        reader.push(b"y"),
        Err(StatusError::AfterLast { line: 4 })
    ));
}

#[test]
fn a_stream_that_ends_early_has_no_status() {
    let early = "the status stream ended without a last event";
    assert_eq!(refusal(&[STARTING]), early);
    assert_eq!(refusal(&[STARTING, STARTED]), early);
    let mut reader = StatusReader::default();
    assert!(reader.finish().is_err());
    reader
        .push(format!("{STARTING}\n{STARTED}\n{EXITED}").as_bytes())
        .unwrap();
    assert!(reader.finish().is_err(), "the last line has no newline");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, size in 1..64_usize) {
        let mut reader = StatusReader::default();
        for piece in bytes.chunks(size) {
            if reader.push(piece).is_err() {
                break;
            }
        }
        prop_assert!(reader.rest.len() <= MAX_LINE);
    }
}
