//! Everything that can be wrong with a configuration, one variant each.
//!
//! A place comes first: the byte for what is no JSON, the key for what is no configuration. Keys
//! are written as in `limits.nofile.soft` and `env[3]`. Text that came from the document is
//! escaped and cut, because a document is hostile and errors are printed.

use std::fmt;

use thiserror::Error;

use crate::configuration::{MAX_BYTES, SCHEMA};
use crate::network::WrongRule;

/// Characters of a document that an error repeats.
const SHOWN: usize = 64;

/// Text of a document, escaped and cut for printing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found(String);

impl Found {
    /// Takes `text`, of which the beginning is kept.
    pub fn new(text: &str) -> Self {
        let mut shown: String = text
            .chars()
            .take(SHOWN)
            .flat_map(char::escape_debug)
            .collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push_str("...");
        }
        Self(shown)
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why bytes are no configuration, or why a configuration cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than any configuration may have.
    #[error("the document has {found} bytes; {MAX_BYTES} are the most")]
    TooLarge {
        /// Bytes of the document.
        found: usize,
    },
    /// A byte that is no UTF-8.
    #[error("byte {offset}: expected UTF-8")]
    NotUtf8 {
        /// Where the text ends that is UTF-8.
        offset: usize,
    },
    /// The document is no JSON of the kind that a configuration needs.
    #[error("byte {offset}: expected {expected}, found {found}")]
    Syntax {
        /// Where the reader stopped.
        offset: usize,
        /// What could have stood there.
        expected: &'static str,
        /// What stands there.
        found: Found,
    },
    /// The same key twice in one object.
    #[error("byte {offset}: key `{key}` is there twice")]
    DuplicateKey {
        /// Where the second one begins.
        offset: usize,
        /// The key.
        key: Found,
    },
    /// Keys of an object that do not ascend.
    #[error("byte {offset}: expected keys in ascending order, found `{key}` after `{before}`")]
    KeyOrder {
        /// Where the second key begins.
        offset: usize,
        /// The key that stands too late.
        key: Found,
        /// The key before it.
        before: Found,
    },
    /// A key that this schema does not have.
    #[error("`{key}`: no key of schema {SCHEMA}")]
    UnknownKey {
        /// The key.
        key: Found,
    },
    /// A key that must be there and is not.
    #[error("`{key}`: missing")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// Another version of the document.
    #[error("`schema`: expected {SCHEMA}, found {found}")]
    Schema {
        /// The number in the document.
        found: u64,
    },
    /// A value of another type.
    #[error("`{key}`: expected {expected}, found {found}")]
    WrongType {
        /// The key.
        key: String,
        /// The type that the key has.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// A number outside of its range.
    #[error("`{key}`: expected {least} to {most}, found {found}")]
    OutOfRange {
        /// The key.
        key: String,
        /// The least number.
        least: u64,
        /// The greatest number.
        most: u64,
        /// The number in the document.
        found: u64,
    },
    /// Text with a NUL, which no argument, variable or path can carry.
    #[error("`{key}`: expected text without NUL, found `{found}`")]
    Nul {
        /// The key.
        key: String,
        /// The text.
        found: Found,
    },
    /// No program.
    #[error("`argv`: expected at least one item, and the first not empty")]
    NoProgram,
    /// A working directory that depends on another one.
    #[error("`cwd`: expected an absolute path, found `{found}`")]
    RelativeDirectory {
        /// The path.
        found: Found,
    },
    /// A variable without a name.
    #[error("`{key}`: expected `NAME=value`, found `{found}`")]
    Variable {
        /// The key.
        key: String,
        /// The text.
        found: Found,
    },
    /// A group that says nothing new, or stands in another order.
    #[error("`groups[{index}]`: expected ascending ids without `gid`, found {found}")]
    Groups {
        /// Which group.
        index: usize,
        /// The id.
        found: u32,
    },
    /// More items than a list may have.
    #[error("`{key}`: expected at most {most} items, found {found}")]
    TooMany {
        /// The key.
        key: &'static str,
        /// How many there may be.
        most: usize,
        /// How many there are.
        found: usize,
    },
    /// A port that stands twice, or in another order, or is 0.
    #[error("`ingress[{index}].port`: expected ports from 1 to 65535, ascending, found {found}")]
    Ports {
        /// Which pair.
        index: usize,
        /// The port.
        found: u16,
    },
    /// A way from outside to the agent's own ports.
    #[error("`ingress[{index}].to`: {found} is the agent's own port where there is `egress`")]
    AgentPort {
        /// Which pair.
        index: usize,
        /// The port.
        found: u16,
    },
    /// One vsock port for documents and for the application.
    #[error("`attestation.port`: expected a port that `ingress` does not have, found {found}")]
    AttestationPort {
        /// The port.
        found: u16,
    },
    /// A path that cannot stand in a request of HTTP.
    #[error("`ready.path`: expected `/` and at most 1024 characters of ASCII, found `{found}`")]
    ReadyPath {
        /// The path.
        found: Found,
    },
    /// Text that is no rule.
    #[error("`{key}`: {source}")]
    Rule {
        /// The key.
        key: String,
        /// What is wrong with it.
        source: WrongRule,
    },
    /// A host name that is none.
    #[error(
        "`hostname`: expected 1 to 64 of a-z, A-Z, 0-9, `-` and `.`, the first and the last neither `-` nor `.`, found `{found}`"
    )]
    Hostname {
        /// The name.
        found: Found,
    },
    /// A resource that cannot be limited.
    #[error("`limits.{name}`: no resource of this name")]
    UnknownLimit {
        /// The name.
        name: Found,
    },
    /// A soft limit above its hard one.
    #[error("`limits.{name}`: expected a soft limit of at most the hard one")]
    SoftAboveHard {
        /// The resource.
        name: &'static str,
    },
    /// The same meaning in other bytes.
    #[error(
        "byte {offset}: the document is not in the canonical form of RFC 8785 without defaults"
    )]
    NotCanonical {
        /// The first byte that differs from the canonical form.
        offset: usize,
    },
}
