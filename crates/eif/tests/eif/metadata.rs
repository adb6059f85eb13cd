//! The metadata section.

use enclair_digest::Limits;
use enclair_eif::{BuildMetadata, Error, Metadata};
use serde_json::{Value, json};

use crate::image::METADATA_JSON;

fn metadata() -> Metadata {
    Metadata {
        image_name: "n".into(),
        image_version: "1".into(),
        build_metadata: BuildMetadata {
            build_time: "1970-01-01T00:00:00Z".into(),
            build_tool: "t".into(),
            build_tool_version: "1".into(),
            operating_system: "Linux".into(),
            kernel_version: "6.6.137-94.0.amzn2".into(),
        },
        docker_info: Value::Null,
        custom_metadata: Value::Null,
    }
}

fn parse(json: &[u8]) -> Result<(Metadata, Vec<String>), Error> {
    let (metadata, findings) = Metadata::parse(json, &Limits::default())?;
    let findings = findings
        .iter()
        .map(|finding| format!("{}: {}", finding.kind.id, finding.examples.join("; ")));
    Ok((metadata, findings.collect()))
}

fn edited(from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(METADATA_JSON).unwrap();
    assert!(text.contains(from));
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn the_json_has_the_field_order_of_every_builder() {
    assert_eq!(metadata().to_json(), METADATA_JSON);
    assert_eq!(parse(METADATA_JSON).unwrap(), (metadata(), vec![]));
}

#[test]
fn free_values_are_written_with_sorted_keys() {
    let mut metadata = metadata();
    metadata.custom_metadata = json!({"b": [{"z": 1, "a": "é\n\u{1}"}, null], "a": 1.5, "C": true});
    let json = String::from_utf8(metadata.to_json()).unwrap();
    assert!(
        json.ends_with(
            r#""CustomMetadata":{"C":true,"a":1.5,"b":[{"a":"é\n\u0001","z":1},null]}}"#
        )
    );
    assert_eq!(parse(json.as_bytes()).unwrap(), (metadata, vec![]));
}

#[test]
fn unknown_keys_are_findings() {
    let json = edited(r#""ImageName""#, r#""Evil\n":1,"ImageName""#);
    let (parsed, findings) = parse(&json).unwrap();
    assert_eq!(parsed, metadata());
    assert_eq!(
        findings,
        [
            "eif-metadata-form: metadata",
            r"eif-metadata-unknown-key: Evil\n"
        ]
    );
    let json = edited(r#""BuildTool""#, r#""Host":"h","BuildTool""#);
    let (_, findings) = parse(&json).unwrap();
    assert_eq!(findings[1], "eif-metadata-unknown-key: BuildMetadata.Host");
}

#[test]
fn white_space_and_a_repeated_key_in_a_free_value_are_findings() {
    for json in [
        edited(",", ", "),
        [METADATA_JSON, b"\n"].concat(),
        edited(
            r#""CustomMetadata":null"#,
            r#""CustomMetadata":{"a":1,"a":2}"#,
        ),
    ] {
        assert_eq!(parse(&json).unwrap().1, ["eif-metadata-form: metadata"]);
    }
}

fn refusal(json: &[u8]) -> String {
    let error = parse(json).unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

#[test]
fn every_key_has_to_be_there_once_and_of_its_type() {
    let place = "expected the JSON of an image description";
    assert_eq!(
        refusal(&edited(r#","CustomMetadata":null"#, "")),
        format!(
            "metadata offset 208: {place}: missing field `CustomMetadata` at line 1 column 209"
        )
    );
    assert_eq!(
        refusal(&edited(r#""ImageName":"n""#, r#""ImageName":7"#)),
        format!(
            "metadata offset 13: {place}: invalid type: integer `7`, expected a string at line 1 column 14"
        )
    );
    assert_eq!(
        refusal(&edited(
            r#""ImageName":"n""#,
            r#""ImageName":"n","ImageName":"m""#
        )),
        format!("metadata offset 27: {place}: duplicate field `ImageName` at line 1 column 28")
    );
    assert_eq!(
        refusal(b"\n\n [1]"),
        format!(
            "metadata offset 4: {place}: invalid type: integer `1`, expected a string at line 3 column 3"
        )
    );
}

#[test]
fn an_object_written_as_an_array_is_refused() {
    let array = br#"["n","1",["a","b","c","d","e"],null,null]"#;
    assert!(parse(array).is_err());
}

#[test]
fn more_than_the_limit_is_refused_before_it_is_parsed() {
    let limits = Limits {
        document_bytes: 10,
        ..Limits::default()
    };
    let error = Metadata::parse(METADATA_JSON, &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "metadata: expected at most 10 bytes, found {}",
            METADATA_JSON.len()
        )
    );
}
