//! What this crate can say about packages.

use enclair_finding::Kind;

/// Every kind of finding of this crate, in order of id.
pub const KINDS: [&Kind; 0] = [];
