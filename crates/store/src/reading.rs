//! Digesting a file that is there.

use std::io::{self, ErrorKind, Read};

use enclair_digest::{Engine, Hasher, Sha256};

use crate::incoming::PIECE;

/// Reads to the end: the digest. `seen` is told of every piece.
pub(crate) fn digest_file<E: Engine>(
    engine: &E,
    content: &mut dyn Read,
    mut seen: impl FnMut(u64),
) -> io::Result<Sha256> {
    let mut hasher = engine.sha256();
    let mut piece = vec![0; PIECE];
    loop {
        match content.read(&mut piece) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => {
                hasher.update(piece.get(..read).unwrap_or_default());
                seen(u64::try_from(read).unwrap_or(u64::MAX));
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
}
