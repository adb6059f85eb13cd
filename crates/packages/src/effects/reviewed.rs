//! Whether an effect was made from the script that it stands for.
//!
//! An effect that stands for a whole script would go on standing for it when the next release of
//! the package does something else. So each lists digests of the scripts that it was made from,
//! and any other is the finding [`crate::findings::SCRIPT_NOT_REVIEWED`].
//!
//! The digest is over the script without comments and empty lines, since tools that build packages
//! write their version numbers into comments.

use enclair_digest::{Engine, Hasher, PureRust, Sha256};

/// The digest of a script by what it does.
pub(super) fn digest(script: &[u8]) -> Sha256 {
    let lines = script.split(|byte| *byte == b'\n');
    let lines = lines
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let code = lines.filter(|line| !line.starts_with(b"#"));
    let code: Vec<&[u8]> = code.collect();
    let mut hasher = PureRust.sha256();
    hasher.update(&code.join(&b'\n'));
    hasher.finish()
}
