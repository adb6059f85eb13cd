//! Fingerprints of keys: what a key is known by.

use std::fmt;

use thiserror::Error;

/// The digest of a public key: 20 bytes (SHA-1) of a key of version 4, 32 (SHA-256) of one of
/// version 6.
///
/// SHA-1 is no danger here: whoever wants another key to be taken for this one needs a second
/// preimage, not a collision.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(Box<[u8]>);

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected 40 or 64 hexadecimal digits")]
pub struct ParseFingerprintError;

impl Fingerprint {
    /// Reads hexadecimal digits in either case.
    ///
    /// # Errors
    ///
    /// When there are not 40 or 64 of them and nothing else.
    pub fn parse(text: &str) -> Result<Self, ParseFingerprintError> {
        if !matches!(text.len(), 40 | 64) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseFingerprintError);
        }
        let (pairs, _) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs.iter().map(|pair| {
            let pair = str::from_utf8(pair).map_err(|_| ParseFingerprintError)?;
            u8::from_str_radix(pair, 16).map_err(|_| ParseFingerprintError)
        });
        bytes.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn of(key: &impl pgp::types::KeyDetails) -> Self {
        Self(key.fingerprint().as_bytes().into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_digits_and_nothing_else() {
        let text = "4CB50190207B4758A3F73A796ED0E7B82643E131";
        for text in [text, &text.to_lowercase()] {
            let parsed = Fingerprint::parse(text).unwrap();
            assert_eq!(parsed.to_string(), text.to_uppercase());
        }
        for wrong in ["", "4CB5", &text.replace('1', " "), &text.replace('1', "+")] {
            assert_eq!(
                Fingerprint::parse(wrong),
                Err(ParseFingerprintError),
                "{wrong}"
            );
        }
        assert!(Fingerprint::parse(&"ab".repeat(32)).is_ok());
    }
}
