//! The key that documents for everybody are bound to.
//!
//! A document without a key proves that such an enclave exists, and not that one talks to it. The
//! application registers the SHA-256 of the key that its clients see (the `SubjectPublicKeyInfo` of
//! its TLS certificate), and `user_data` then says:
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 9 | `enclair/1` and a NUL: nobody else's `user_data` begins so |
//! | 10 | 0: no key is bound; 1: one is |
//! | 11 to 42 | the digest, where one is bound |
//!
//! The first key stays. A second one is refused, so that code that takes over the application later
//! cannot quietly move its clients to a key of its own.

use std::cell::Cell;

/// The word that `user_data` of the agent begins with, and that of the application may not.
pub(crate) const DOMAIN: &[u8] = b"enclair/1\0";

/// The key, once there is one.
#[derive(Debug, Default)]
pub(crate) struct Binding(Cell<Option<[u8; 32]>>);

/// What came of registering a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// It is the key now.
    Now,
    /// It was already.
    Before,
    /// Another one is, and stays.
    ToAnother,
}

impl Binding {
    /// Registers the digest of a key.
    pub(crate) fn bind(&self, digest: [u8; 32]) -> Bound {
        match self.0.get() {
            None => {
                self.0.set(Some(digest));
                Bound::Now
            }
            Some(bound) if bound == digest => Bound::Before,
            Some(_) => Bound::ToAnother,
        }
    }

    /// What documents for everybody carry.
    pub(crate) fn user_data(&self) -> Vec<u8> {
        match self.0.get() {
            None => [DOMAIN, &[0]].concat(),
            Some(digest) => [DOMAIN, &[1], &digest].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_stays() {
        let binding = Binding::default();
        assert_eq!(binding.user_data(), b"enclair/1\0\0");
        assert_eq!(binding.bind([7; 32]), Bound::Now);
        assert_eq!(binding.bind([8; 32]), Bound::ToAnother);
        assert_eq!(binding.bind([7; 32]), Bound::Before);
        assert_eq!(
            binding.user_data(),
            [&b"enclair/1\0\x01"[..], &[7; 32]].concat()
        );
    }
}
