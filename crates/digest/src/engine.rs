//! Which implementation computes a digest: a parameter, so that the builder can use a fast one
//! and the verifier one without C code.

use std::fmt::Debug;

use sha2::Digest as _;

use crate::{Sha256, Sha384};

/// A running digest.
///
/// `Clone` is part of the contract: PCR1's content is a prefix of PCR0's, so measuring both in one
/// pass means copying the state where the first ramdisk ends.
pub trait Hasher: Clone + Debug + Send + 'static {
    /// The digest that this hasher gives.
    type Output;

    /// Adds bytes.
    fn update(&mut self, bytes: &[u8]);

    /// The digest of everything added.
    fn finish(self) -> Self::Output;
}

/// A family of hashers.
pub trait Engine: Clone + Debug + Send + Sync + 'static {
    /// The SHA-256 hasher.
    type Sha256: Hasher<Output = Sha256>;
    /// The SHA-384 hasher.
    type Sha384: Hasher<Output = Sha384>;

    /// A SHA-256 hasher that has seen nothing.
    fn sha256(&self) -> Self::Sha256;
    /// A SHA-384 hasher that has seen nothing.
    fn sha384(&self) -> Self::Sha384;
}

/// The engine without C code, from the `RustCrypto` project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PureRust;

impl Engine for PureRust {
    type Sha256 = sha2::Sha256;
    type Sha384 = sha2::Sha384;

    fn sha256(&self) -> Self::Sha256 {
        sha2::Sha256::new()
    }

    fn sha384(&self) -> Self::Sha384 {
        sha2::Sha384::new()
    }
}

impl Hasher for sha2::Sha256 {
    type Output = Sha256;

    fn update(&mut self, bytes: &[u8]) {
        sha2::Digest::update(self, bytes);
    }

    fn finish(self) -> Sha256 {
        Sha256::from_bytes(self.finalize().into())
    }
}

impl Hasher for sha2::Sha384 {
    type Output = Sha384;

    fn update(&mut self, bytes: &[u8]) {
        sha2::Digest::update(self, bytes);
    }

    fn finish(self) -> Sha384 {
        Sha384::from_bytes(self.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one-block messages of the FIPS 180-4 examples.
    #[test]
    fn abc_gives_the_published_digests() {
        let mut sha256 = PureRust.sha256();
        Hasher::update(&mut sha256, b"abc");
        assert_eq!(
            sha256.finish().to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let mut sha384 = PureRust.sha384();
        Hasher::update(&mut sha384, b"abc");
        assert_eq!(
            sha384.finish().to_string(),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed\
             8086072ba1e7cc2358baeca134c825a7"
        );
    }

    #[test]
    fn a_clone_continues_on_its_own() {
        let mut first = PureRust.sha384();
        Hasher::update(&mut first, b"a");
        let prefix = first.clone();
        Hasher::update(&mut first, b"b");
        assert_ne!(prefix.finish(), first.finish());
    }
}
