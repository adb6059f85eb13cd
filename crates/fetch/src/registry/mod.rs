//! Registries: the pull half of the OCI distribution specification 1.1, and Docker's before it.
//!
//! Three requests are all of it: a manifest by tag or digest, a blob by digest, a token. They are
//! made with the crate's own bounded HTTP; `docs/decisions/0006-registry-requests.md` says why.

mod credentials;
mod endpoint;
mod resolve;
mod session;

pub(crate) use endpoint::{Endpoint, check_registries, endpoints};
pub(crate) use session::Sessions;

use serde::Deserialize;

/// What a registry or a daemon says about an error, shortened to one line of text.
pub(crate) fn message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        errors: Vec<Entry>,
        message: Option<String>,
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    const LONGEST: usize = 200;
    let body: Body = serde_json::from_slice(body).ok()?;
    let text = match body.errors.first() {
        Some(entry) => format!("{}: {}", entry.code, entry.message),
        None => body.message?,
    };
    let line = text.chars().map(|character| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    });
    Some(line.take(LONGEST).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_without_control_characters() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no\u001b[2Jway\nat all"}]}"#;
        assert_eq!(message(body).unwrap(), "DENIED: no [2Jway at all");
        assert_eq!(
            message(br#"{"message":"no such image"}"#).unwrap(),
            "no such image"
        );
        assert_eq!(message(b"<html>"), None);
        assert_eq!(message(b"{}"), None);
    }
}
