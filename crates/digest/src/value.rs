//! The digest newtypes: fixed size, lower-case hex in text, any case accepted when parsed.
//!
//! Upper-case input is accepted because the field's tools print both, and comparing hex text with
//! regard to case is a mistake that made verifiers reject genuine enclaves.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Text that is not a digest of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseDigestError {
    /// The number of characters does not fit the algorithm.
    #[error("a {algorithm} digest has {expected} hexadecimal digits, found {found} characters")]
    Length {
        /// Name of the algorithm that was asked for.
        algorithm: &'static str,
        /// Digits that such a digest has.
        expected: usize,
        /// Characters that were given.
        found: usize,
    },
    /// A character is not a hexadecimal digit.
    #[error("`{character}` at position {position} is not a hexadecimal digit")]
    Digit {
        /// The character as it was given.
        character: char,
        /// Its position, from 0, in characters.
        position: usize,
    },
}

fn parse_hex<const N: usize>(
    algorithm: &'static str,
    text: &str,
) -> Result<[u8; N], ParseDigestError> {
    let expected = N.saturating_mul(2);
    let found = text.chars().count();
    if found != expected {
        return Err(ParseDigestError::Length {
            algorithm,
            expected,
            found,
        });
    }
    let mut nibbles = Vec::with_capacity(expected);
    for (position, character) in text.chars().enumerate() {
        let digit = character
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok());
        nibbles.push(digit.ok_or(ParseDigestError::Digit {
            character,
            position,
        })?);
    }
    let mut bytes = [0_u8; N];
    for (byte, pair) in bytes.iter_mut().zip(nibbles.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |value, nibble| (value << 4) | nibble);
    }
    Ok(bytes)
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $length:literal, $algorithm:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Size of the digest in bytes.
            pub const LEN: usize = $length;

            /// Takes bytes that a hasher computed, or that a format stores in binary.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The digest in binary.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($algorithm, ":{}"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse_hex($algorithm, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digest!(
    /// A SHA-256 digest (FIPS 180-4): names blobs, layers and files.
    Sha256,
    32,
    "sha256"
);
digest!(
    /// A SHA-384 digest (FIPS 180-4): what a Nitro enclave measures with.
    Sha384,
    48,
    "sha384"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_any_case_is_accepted() {
        let text = "00ff".repeat(16);
        let digest: Sha256 = text.parse().unwrap();
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Sha256>().unwrap(), digest);
        assert_eq!(format!("{digest:?}"), format!("sha256:{text}"));
    }

    #[test]
    fn a_wrong_length_and_a_wrong_digit_are_named() {
        assert_eq!(
            "abc".parse::<Sha384>(),
            Err(ParseDigestError::Length {
                algorithm: "sha384",
                expected: 96,
                found: 3
            })
        );
        let text = format!("{}g", "0".repeat(63));
        assert_eq!(
            text.parse::<Sha256>(),
            Err(ParseDigestError::Digit {
                character: 'g',
                position: 63
            })
        );
        // Characters are counted, not bytes: no slice can fall inside one.
        assert!("é".repeat(64).parse::<Sha256>().is_err());
    }
}
