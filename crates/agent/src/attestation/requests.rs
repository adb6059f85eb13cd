//! What may be asked of either side, and what is wrong with what is not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use enclair_nsm::{Fields, MAX_FIELD};
use serde_json::{Map, Value};

use super::binding::DOMAIN;
use crate::http::{Answer, Request};

/// Bytes of the longest nonce from outside: twice a digest, and no room for anything else.
const MAX_NONCE: usize = 64;

/// The path for everybody, and the one that other projects have.
const DOCUMENT: &str = "/.well-known/enclair/attestation";
const DOCUMENT_POST: &str = "/attestation";
/// The path of what the parent says of the image.
const MANIFEST: &str = "/.well-known/enclair/manifest";

/// A request of somebody outside.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    Document {
        nonce: Vec<u8>,
        /// Whether the document is wanted inside of JSON.
        json: bool,
    },
    Manifest,
}

impl Outside {
    /// Reads a request.
    pub(crate) fn parse(request: &Request) -> Result<Self, Answer> {
        let (path, query) = request.path_and_query();
        match (request.method(), path) {
            ("GET", MANIFEST) => Ok(Self::Manifest),
            ("GET", DOCUMENT) => Ok(Self::Document {
                nonce: nonce_of_query(query)?,
                json: false,
            }),
            ("POST", DOCUMENT_POST) => Ok(Self::Document {
                nonce: nonce_of_body(request.body())?,
                json: true,
            }),
            (_, DOCUMENT | MANIFEST) => {
                Err(Answer::text(405, "ask with GET\n").with("Allow", "GET"))
            }
            (_, DOCUMENT_POST) => Err(Answer::text(405, "ask with POST\n").with("Allow", "POST")),
            _ => Err(Answer::text(
                404,
                &format!("there are `{DOCUMENT}` and `{MANIFEST}`\n"),
            )),
        }
    }
}

fn wrong(text: &str) -> Answer {
    Answer::text(400, text)
}

/// `nonce=..` and nothing else.
fn nonce_of_query(query: &str) -> Result<Vec<u8>, Answer> {
    match query.split_once('=') {
        Some(("nonce", text)) if !text.contains('&') => {
            let text = percent_decoded(text).ok_or_else(|| wrong("`%` without two digits\n"))?;
            checked_nonce(&text)
        }
        _ => Err(wrong(
            "expected `?nonce=` and a nonce, and no other field: those are the enclave's to choose\n",
        )),
    }
}

/// Bytes of a query, of which base64 may have some that are escaped.
fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('%') {
        let digits = escaped.get(..2)?;
        let byte = u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)?;
        decoded.push_str(plain);
        decoded.push(char::from(byte));
        rest = escaped.get(2..)?;
    }
    decoded.push_str(rest);
    Some(decoded)
}

fn nonce_of_body(body: &[u8]) -> Result<Vec<u8>, Answer> {
    let object = object(body)?;
    match (object.len(), object.get("nonce")) {
        (1, Some(Value::String(text))) => checked_nonce(text),
        _ => Err(wrong(
            "expected `{\"nonce\": \"..\"}` and no other field: those are the enclave's to choose\n",
        )),
    }
}

fn checked_nonce(text: &str) -> Result<Vec<u8>, Answer> {
    let nonce = bytes(text).ok_or_else(|| wrong("a nonce is hexadecimal or base64\n"))?;
    if (1..=MAX_NONCE).contains(&nonce.len()) {
        return Ok(nonce);
    }
    Err(wrong(&format!("a nonce has 1 to {MAX_NONCE} bytes\n")))
}

/// Hexadecimal, if it can be that, else base64 of either alphabet, padded or not.
fn bytes(text: &str) -> Option<Vec<u8>> {
    hexadecimal(text).or_else(|| {
        [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|engine| engine.decode(text).ok())
    })
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let all = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    all.then(|| pairs.map(byte).collect()).flatten()
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Answer> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err(wrong("expected a JSON object\n")),
    }
}

/// A request of the application.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inside {
    /// The SHA-256 of the key that documents for everybody are bound to.
    Bind([u8; 32]),
    Document(Fields),
}

impl Inside {
    /// Reads a request.
    pub(crate) fn parse(request: &Request) -> Result<Self, Answer> {
        match (request.method(), request.path_and_query()) {
            ("PUT", ("/binding", "")) => digest_of_body(request.body()).map(Self::Bind),
            ("POST", ("/document", "")) => fields_of_body(request.body()).map(Self::Document),
            _ => Err(Answer::text(
                404,
                "there are `PUT /binding` and `POST /document`\n",
            )),
        }
    }
}

fn digest_of_body(body: &[u8]) -> Result<[u8; 32], Answer> {
    let object = object(body)?;
    let digest = match (object.len(), object.get("sha256")) {
        (1, Some(Value::String(text))) => hexadecimal(text),
        _ => None,
    };
    digest
        .and_then(|digest| digest.try_into().ok())
        .ok_or_else(|| wrong("expected `{\"sha256\": \"64 hexadecimal digits\"}`\n"))
}

fn fields_of_body(body: &[u8]) -> Result<Fields, Answer> {
    let mut fields = Fields::default();
    for (name, value) in object(body)? {
        let field = match name.as_str() {
            "user_data" => &mut fields.user_data,
            "nonce" => &mut fields.nonce,
            "public_key" => &mut fields.public_key,
            _ => {
                return Err(wrong(
                    "there are `user_data`, `nonce` and `public_key`, each in base64\n",
                ));
            }
        };
        let bytes = match &value {
            Value::String(text) => STANDARD.decode(text).ok(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        };
        let bytes = bytes.ok_or_else(|| wrong(&format!("`{name}`: expected base64\n")))?;
        if bytes.len() > MAX_FIELD {
            return Err(wrong(&format!("`{name}`: at most {MAX_FIELD} bytes\n")));
        }
        *field = Some(bytes);
    }
    let taken = |data: &Vec<u8>| data.starts_with(DOMAIN.strip_suffix(b"1\0").unwrap_or(DOMAIN));
    if fields.user_data.as_ref().is_some_and(taken) {
        return Err(wrong(
            "`user_data` may not begin with `enclair/`, which is what the agent's own begins with\n",
        ));
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str) -> Result<Vec<u8>, u16> {
        let request = Request::for_test("GET", target, b"");
        Outside::parse(&request)
            .map(nonce)
            .map_err(|answer| answer.status())
    }

    fn nonce(outside: Outside) -> Vec<u8> {
        match outside {
            Outside::Document { nonce, .. } => nonce,
            Outside::Manifest => Vec::new(),
        }
    }

    fn post(body: &[u8]) -> Result<Vec<u8>, u16> {
        let request = Request::for_test("POST", DOCUMENT_POST, body);
        Outside::parse(&request)
            .map(nonce)
            .map_err(|answer| answer.status())
    }

    #[test]
    fn a_nonce_is_read_in_both_forms() {
        let with = |nonce: &str| get(&format!("{DOCUMENT}?nonce={nonce}"));
        assert_eq!(with("00ff"), Ok(vec![0, 255]));
        assert_eq!(with("AP8="), Ok(vec![0, 255]));
        assert_eq!(with("AP8"), Ok(vec![0, 255]));
        assert_eq!(with("AP8%3D"), Ok(vec![0, 255]));
        assert_eq!(with("-_8"), Ok(vec![0xfb, 255]));
        assert_eq!(with("%2B/8"), Ok(vec![0xfb, 255]));
        assert_eq!(with(&"ab".repeat(64)), Ok(vec![0xab; 64]));
        assert_eq!(post(b"{\"nonce\":\"AP8=\"}"), Ok(vec![0, 255]));
    }

    #[test]
    fn nothing_but_a_nonce_is_taken_from_outside() {
        for query in [
            "",
            "?",
            "?nonce=",
            "?nonce=00&public_key=00",
            "?public_key=00&nonce=00",
            "?nonce=00&nonce=01",
            "?nonce=%zz",
            "?nonce=%2",
            "?nonce=%ff",
            "?nonce=!",
            "?nonce=0",
            "?Nonce=00",
            "?user_data=00",
        ] {
            assert_eq!(get(&format!("{DOCUMENT}{query}")), Err(400), "{query}");
        }
        assert_eq!(
            get(&format!("{DOCUMENT}?nonce={}", "ab".repeat(65))),
            Err(400)
        );
        assert_eq!(get("/"), Err(404));
        assert_eq!(get("/attestation?nonce=00"), Err(405));
        for body in [
            &b""[..],
            b"{}",
            b"[]",
            b"{\"nonce\":1}",
            b"{\"nonce\":\"AP8=\",\"public_key\":\"AP8=\"}",
            b"{\"nonce\":\"AP8=\",\"user_data\":null}",
            b"{\"nonce\":\"AP8=\"}x",
            b"\xff",
        ] {
            assert_eq!(post(body), Err(400));
        }
    }

    fn inside(method: &str, path: &str, body: &str) -> Result<Inside, u16> {
        let request = Request::for_test(method, path, body.as_bytes());
        Inside::parse(&request).map_err(|answer| answer.status())
    }

    #[test]
    fn the_application_chooses_every_field_but_the_word_of_the_agent() {
        let fields = inside(
            "POST",
            "/document",
            r#"{"user_data":"AAE=","nonce":"","public_key":"Ag=="}"#,
        );
        let expected = Fields {
            user_data: Some(vec![0, 1]),
            nonce: Some(Vec::new()),
            public_key: Some(vec![2]),
        };
        assert_eq!(fields, Ok(Inside::Document(expected)));
        let none = inside("POST", "/document", "{}");
        assert_eq!(none, Ok(Inside::Document(Fields::default())));
        // `enclair/1` and a NUL, `enclair/2`, and a field too long.
        let long = STANDARD.encode([0; MAX_FIELD + 1]);
        for body in [
            r#"{"user_data":"ZW5jbGFpci8xAA=="}"#,
            r#"{"user_data":"ZW5jbGFpci8y"}"#,
            r#"{"user_data":"?"}"#,
            r#"{"other":""}"#,
            &format!("{{\"nonce\":\"{long}\"}}"),
        ] {
            assert_eq!(inside("POST", "/document", body), Err(400), "{body}");
        }
        assert_eq!(inside("GET", "/document", ""), Err(404));
    }

    #[test]
    fn a_key_is_registered_by_its_digest() {
        let put = |digest: &str| inside("PUT", "/binding", &format!("{{\"sha256\":\"{digest}\"}}"));
        assert_eq!(put(&"0f".repeat(32)), Ok(Inside::Bind([15; 32])));
        for digest in ["", "0f", &"0f".repeat(33), &"0g".repeat(32)] {
            assert_eq!(put(digest), Err(400));
        }
    }
}
