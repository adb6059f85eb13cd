//! Documents: every error with its message, and hostile bytes.

#![allow(
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test ends where what it is about is missing"
)]

mod services;

use std::collections::BTreeMap;

use enclair_configuration::{Access, Bound, Configuration, Error, Limit, MAX_BYTES, Resource};

const SEVEN: &str =
    r#"{"argv":["/app"],"cwd":"/","env":[],"gid":0,"groups":[],"schema":1,"uid":0}"#;

const ALL: &str = concat!(
    r#"{"argv":["sh","-c","a\n\"b\" \\ / €\u0001"],"cwd":"/srv","env":["B=2","A="],"gid":5,"#,
    r#""groups":[0,4,101],"hostname":"a-1.example","limits":{"core":{"hard":0,"soft":0},"#,
    r#""nofile":{"hard":"unlimited","soft":1024}},"nsm":true,"ramdisks":3,"schema":1,"uid":1000,"#,
    r#""vsock":true}"#
);

/// The seven-key document with one piece exchanged.
fn with(from: &str, to: &str) -> String {
    assert!(SEVEN.contains(from), "{from}");
    SEVEN.replacen(from, to, 1)
}

/// The seven-key document with a key before `schema`.
fn and(key: &str) -> String {
    with("\"schema\"", &format!("{key},\"schema\""))
}

fn message(document: &str) -> String {
    let refused = Configuration::parse(document.as_bytes());
    refused.expect_err(document).to_string()
}

#[test]
fn the_seven_keys_keep_their_bytes() {
    let parsed = Configuration::parse(SEVEN.as_bytes()).unwrap();
    assert_eq!(parsed, Configuration::new(vec!["/app".into()]));
    assert_eq!(parsed.to_canonical_json().unwrap(), SEVEN.as_bytes());
}

#[test]
fn every_key_is_read() {
    let parsed = Configuration::parse(ALL.as_bytes()).unwrap();
    let limit = |soft, hard| Limit { soft, hard };
    assert_eq!(
        parsed,
        Configuration {
            argv: ["sh", "-c", "a\n\"b\" \\ / €\u{1}"]
                .map(String::from)
                .into(),
            cwd: "/srv".into(),
            env: ["B=2", "A="].map(String::from).into(),
            gid: 5,
            groups: vec![0, 4, 101],
            hostname: "a-1.example".into(),
            limits: BTreeMap::from([
                (Resource::Core, limit(Bound::At(0), Bound::At(0))),
                (Resource::Nofile, limit(Bound::At(1024), Bound::Unlimited)),
            ]),
            nsm: Access::Allowed,
            ramdisks: 3,
            uid: 1000,
            vsock: Access::Allowed,
            ..Configuration::new(Vec::new())
        }
    );
    assert_eq!(parsed.to_canonical_json().unwrap(), ALL.as_bytes());
}

/// A piece of the seven-key document, what stands there instead, and the message.
const EXCHANGED: &[(&str, &str, &str)] = &[
    (
        "\"uid\":0",
        "\"uid\":\"0\"",
        "`uid`: expected a number, found a string",
    ),
    (
        "\"uid\":0",
        "\"uid\":null",
        "`uid`: expected a number, found null",
    ),
    (",\"uid\":0", "", "`uid`: missing"),
    ("\"schema\":1,", "", "`schema`: missing"),
    (
        "\"schema\":1",
        "\"schema\":2",
        "`schema`: expected 1, found 2",
    ),
    (
        "[\"/app\"]",
        "\"/app\"",
        "`argv`: expected an array, found a string",
    ),
    (
        "\"/app\"",
        "\"/app\",true",
        "`argv[1]`: expected a string, found a boolean",
    ),
    (
        "[\"/app\"]",
        "[]",
        "`argv`: expected at least one item, and the first not empty",
    ),
    (
        "/app",
        "",
        "`argv`: expected at least one item, and the first not empty",
    ),
    (
        "/app",
        "a\\u0000b",
        "`argv[0]`: expected text without NUL, found `a\\0b`",
    ),
    (
        "\"env\":[]",
        "\"env\":[\"A=\\u0000\"]",
        "`env[0]`: expected text without NUL, found `A=\\0`",
    ),
    (
        "\"env\":[]",
        "\"env\":[\"A=1\",\"B\"]",
        "`env[1]`: expected `NAME=value`, found `B`",
    ),
    (
        "\"env\":[]",
        "\"env\":[\"=1\"]",
        "`env[0]`: expected `NAME=value`, found `=1`",
    ),
    (
        "\"cwd\":\"/\"",
        "\"cwd\":\"srv\"",
        "`cwd`: expected an absolute path, found `srv`",
    ),
    (
        "\"cwd\":\"/\"",
        "\"cwd\":\"\"",
        "`cwd`: expected an absolute path, found ``",
    ),
    (
        "\"cwd\":\"/\"",
        "\"cwd\":\"/\\u0000\"",
        "`cwd`: expected text without NUL, found `/\\0`",
    ),
    (
        "\"uid\":0",
        "\"uid\":4294967294",
        "`uid`: expected 0 to 4294967293, found 4294967294",
    ),
    (
        "\"gid\":0",
        "\"gid\":4294967296",
        "`gid`: expected 0 to 4294967295, found 4294967296",
    ),
    (
        "\"groups\":[]",
        "\"groups\":[0]",
        "`groups[0]`: expected ascending ids without `gid`, found 0",
    ),
    (
        "\"groups\":[]",
        "\"groups\":[4,3]",
        "`groups[1]`: expected ascending ids without `gid`, found 3",
    ),
    (
        "\"groups\":[]",
        "\"groups\":[4,4]",
        "`groups[1]`: expected ascending ids without `gid`, found 4",
    ),
    (
        "\"uid\":0",
        "\"uid\":0,\"uid\":0",
        "byte 75: key `uid` is there twice",
    ),
    (
        "\"uid\":0",
        "\"uid\":0,\"argv\":[]",
        "byte 75: key `argv` is there twice",
    ),
];

/// A key with its value that is added before `schema`, and the message.
const ADDED: &[(&str, &str)] = &[
    (
        "\"hostname\":\"-a\"",
        "`hostname`: expected 1 to 64 of a-z, A-Z, 0-9, `-` and `.`, the first and the last neither `-` nor `.`, found `-a`",
    ),
    (
        "\"limits\":[]",
        "`limits`: expected an object, found an array",
    ),
    (
        "\"limits\":{\"files\":{\"hard\":1,\"soft\":1}}",
        "`limits.files`: no resource of this name",
    ),
    (
        "\"limits\":{\"cpu\":{\"hard\":1,\"soft\":2}}",
        "`limits.cpu`: expected a soft limit of at most the hard one",
    ),
    (
        "\"limits\":{\"cpu\":{\"hard\":1,\"soft\":\"unlimited\"}}",
        "`limits.cpu`: expected a soft limit of at most the hard one",
    ),
    (
        "\"limits\":{\"cpu\":{\"hard\":\"much\",\"soft\":1}}",
        "`limits.cpu.hard`: expected a number or `unlimited`, found a string",
    ),
    (
        "\"limits\":{\"cpu\":{\"soft\":1}}",
        "`limits.cpu.hard`: missing",
    ),
    (
        "\"limits\":{\"cpu\":{\"hard\":1,\"soft\":1,\"unit\":1}}",
        "`limits.cpu.unit`: no key of schema 1",
    ),
    ("\"nsm\":1", "`nsm`: expected a boolean, found a number"),
    ("\"ramdisks\":0", "`ramdisks`: expected 1 to 29, found 0"),
    ("\"ramdisks\":30", "`ramdisks`: expected 1 to 29, found 30"),
    ("\"ports\":[]", "`ports`: no key of schema 1"),
];

/// A whole document, and the message.
const WHOLE: &[(&str, &str)] = &[
    ("[]", "`the document`: expected an object, found an array"),
    ("{}", "`schema`: missing"),
    (
        "{\"uid\":0,\"argv\":[]}",
        "byte 9: expected keys in ascending order, found `argv` after `uid`",
    ),
];

#[test]
fn what_is_wrong_is_said_with_its_key() {
    let long = "m".repeat(70);
    let cut = format!("`{}...`: no key of schema 1", &long[..64]);
    let exchanged = EXCHANGED
        .iter()
        .map(|(from, to, message)| (with(from, to), *message));
    let added = ADDED.iter().map(|(key, message)| (and(key), *message));
    let whole = WHOLE
        .iter()
        .map(|(document, message)| ((*document).to_owned(), *message));
    let long = [(and(&format!("\"{long}\":1")), cut.as_str())];
    for (document, expected) in exchanged.chain(added).chain(whole).chain(long) {
        assert_eq!(message(&document), expected, "{document}");
    }
}

#[test]
fn another_schema_is_named_before_its_new_keys_are() {
    let document = and("\"new\":1").replace("\"schema\":1", "\"schema\":2");
    let document = document.replace("\"new\":1,", "");
    assert_eq!(
        message(&document.replace("\"uid\"", "\"that\":1,\"uid\"")),
        "`schema`: expected 1, found 2"
    );
}

#[test]
fn the_same_meaning_in_other_bytes_is_refused_where_it_differs() {
    let cases = [
        (with(",\"cwd\"", ", \"cwd\""), 17),
        (format!(" {SEVEN}"), 0),
        (format!("{SEVEN}\n"), SEVEN.len()),
        (with("/app", "\\/app"), 10),
        (with("/app", "\\u0061"), 10),
        (with("/app", "\\u000a"), 11),
        (and("\"hostname\":\"enclave\""), 57),
        (and("\"limits\":{}"), 57),
        (and("\"nsm\":false"), 57),
        (and("\"ramdisks\":2"), 57),
        (SEVEN.replace('}', ",\"vsock\":false}"), 74),
    ];
    for (document, offset) in cases {
        let error = Configuration::parse(document.as_bytes()).unwrap_err();
        assert_eq!(error, Error::NotCanonical { offset }, "{document}");
    }
}

/// What is no JSON of this kind, and the message.
const NO_JSON: &[(&str, &str)] = &[
    (
        "",
        "byte 0: expected an object, array, string, integer, `true` or `false`, found the end",
    ),
    ("{", "byte 1: expected a key, found the end"),
    ("{\"a\"1}", "byte 4: expected `:`, found 1"),
    ("{\"a\":1", "byte 6: expected `,` or `}`, found the end"),
    ("{\"a\":1,}", "byte 7: expected a key, found }"),
    ("{\"a\":[1 2]}", "byte 8: expected `,` or `]`, found 2"),
    (
        "{\"a\":[1,]}",
        "byte 8: expected an object, array, string, integer, `true` or `false`, found ]",
    ),
    ("{\"a\":tru}", "byte 8: expected true, found }"),
    (
        "{\"a\":-1}",
        "byte 5: expected an object, array, string, integer, `true` or `false`, found -",
    ),
    (
        "{\"a\":01}",
        "byte 6: expected an integer from 0 to 9007199254740991, found 1",
    ),
    (
        "{\"a\":1.0}",
        "byte 6: expected an integer from 0 to 9007199254740991, found .",
    ),
    (
        "{\"a\":1e3}",
        "byte 6: expected an integer from 0 to 9007199254740991, found e",
    ),
    (
        "{\"a\":9007199254740992}",
        "byte 20: expected an integer from 0 to 9007199254740991, found 2",
    ),
    (
        "{\"a\":\"\n\"}",
        "byte 6: expected a character of a string, found \\n",
    ),
    (
        "{\"a\":\"",
        "byte 6: expected a character of a string, found the end",
    ),
    ("{\"a\":\"\\x\"}", "byte 7: expected an escape, found x"),
    (
        "{\"a\":\"\\u12g4\"}",
        "byte 10: expected a hexadecimal digit, found g",
    ),
    (
        "{\"a\":\"\\ud800\"}",
        "byte 7: expected a character, not half of a surrogate pair, found u",
    ),
    (
        "{\"a\":\"\\ud800\\u0041\"}",
        "byte 7: expected a character, not half of a surrogate pair, found u",
    ),
    (
        "{\"a\":\"\\udc00\"}",
        "byte 7: expected a character, not half of a surrogate pair, found u",
    ),
    ("[[[[[", "byte 4: expected at most 4 levels, found ["),
    ("{} x", "byte 3: expected the end of the document, found x"),
];

#[test]
fn what_is_no_json_is_refused_where_it_stops() {
    for (document, expected) in NO_JSON {
        assert_eq!(&message(document), expected, "{document}");
    }
    let error = Configuration::parse(b"{\"a\":\"\xff\"}").unwrap_err();
    assert_eq!(error.to_string(), "byte 6: expected UTF-8");
}

#[test]
fn a_document_has_a_size_in_both_directions() {
    let error = Configuration::parse(&vec![b'['; MAX_BYTES + 1]).unwrap_err();
    assert_eq!(
        error,
        Error::TooLarge {
            found: MAX_BYTES + 1
        }
    );
    let mut configuration = Configuration::new(vec!["x".repeat(MAX_BYTES)]);
    assert!(matches!(
        configuration.to_canonical_json(),
        Err(Error::TooLarge { found: _ })
    ));
    let room = MAX_BYTES - SEVEN.len() + "/app".len();
    configuration.argv = vec!["x".repeat(room)];
    let document = configuration.to_canonical_json().unwrap();
    assert_eq!(document.len(), MAX_BYTES);
    assert_eq!(Configuration::parse(&document).unwrap(), configuration);
}

#[test]
fn a_deep_or_wide_document_ends_soon() {
    for document in [
        "[".repeat(MAX_BYTES),
        "{\"a\":".repeat(MAX_BYTES / 5),
        format!("[{}", "0,".repeat(MAX_BYTES / 2 - 1)),
    ] {
        Configuration::parse(document.as_bytes()).unwrap_err();
    }
    // Many keys: ascending, and one that is there twice at the end.
    let keys: Vec<_> = (0..100_000).map(|key| format!("\"{key:06}\":0")).collect();
    let document = format!("{{{}}}", keys.join(","));
    assert!(document.len() > MAX_BYTES);
    let document = format!("{{{},\"000000\":0}}", keys[..80_000].join(","));
    assert!(message(&document).ends_with("key `000000` is there twice"));
}

#[test]
fn every_prefix_and_every_flipped_bit_is_refused_or_means_something_else() {
    let original = Configuration::parse(ALL.as_bytes()).unwrap();
    for length in 0..ALL.len() {
        Configuration::parse(&ALL.as_bytes()[..length]).unwrap_err();
    }
    for index in 0..ALL.len() {
        for bit in 0..8 {
            let mut document = ALL.as_bytes().to_vec();
            document[index] ^= 1 << bit;
            if let Ok(changed) = Configuration::parse(&document) {
                assert_ne!(changed, original, "byte {index}, bit {bit}");
                assert_eq!(changed.to_canonical_json().unwrap(), document);
            }
        }
    }
}

#[test]
fn serde_json_reads_what_is_written() {
    let value: serde_json::Value = serde_json::from_str(ALL).unwrap();
    assert_eq!(value["argv"][2], "a\n\"b\" \\ / €\u{1}");
    // Its own map is sorted, and its strings are those of RFC 8785.
    assert_eq!(serde_json::to_string(&value).unwrap(), ALL);
}
