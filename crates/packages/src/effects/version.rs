//! An effect's name and version, as a lock lists it.

use std::fmt;
use std::str::FromStr;

use super::problem::EffectError;

/// `update-alternatives@1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectVersion {
    id: String,
    version: u32,
}

impl EffectVersion {
    pub(super) fn new(id: &str, version: u32) -> Self {
        Self {
            id: id.to_owned(),
            version,
        }
    }

    /// The name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The version, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }
}

impl fmt::Display for EffectVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

impl FromStr for EffectVersion {
    type Err = EffectError;

    /// Reads `name@1`: small letters, digits and `-`, then a number without leading zeros.
    fn from_str(text: &str) -> Result<Self, EffectError> {
        let error = || EffectError::Syntax {
            text: text.to_owned(),
        };
        let (id, version) = text.split_once('@').ok_or_else(error)?;
        let letters = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
        let number: u32 = version.parse().map_err(|_| error())?;
        if id.is_empty() || !id.chars().all(letters) || number.to_string() != version || number == 0
        {
            return Err(error());
        }
        Ok(Self::new(id, number))
    }
}
