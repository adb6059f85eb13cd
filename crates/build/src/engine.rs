//! The builder's digest engine: AWS-LC, which measures at the speed of the CPU's own instructions.
//!
//! The same bits as [`enclair_digest::PureRust`], and about as fast on CPUs with AVX2 and SHA
//! instructions. What counts is that it is another implementation: what it measures when an image
//! is built, the pure-Rust engine measures when the image is verified. It is C code, so it stays on
//! the building side.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, SHA384};
use enclair_digest::{Engine, Hasher, Sha256, Sha384};

/// AWS-LC through the crate `aws-lc-rs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AwsLc;

/// A running SHA-256.
#[derive(Clone)]
pub struct AwsLcSha256(Context);

/// A running SHA-384.
#[derive(Clone)]
pub struct AwsLcSha384(Context);

impl Engine for AwsLc {
    type Sha256 = AwsLcSha256;
    type Sha384 = AwsLcSha384;

    fn sha256(&self) -> Self::Sha256 {
        AwsLcSha256(Context::new(&SHA256))
    }

    fn sha384(&self) -> Self::Sha384 {
        AwsLcSha384(Context::new(&SHA384))
    }
}

impl Hasher for AwsLcSha256 {
    type Output = Sha256;

    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self) -> Sha256 {
        Sha256::from_bytes(leading(self.0.finish().as_ref()))
    }
}

impl Hasher for AwsLcSha384 {
    type Output = Sha384;

    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self) -> Sha384 {
        Sha384::from_bytes(leading(self.0.finish().as_ref()))
    }
}

/// The digest's bytes as an array; the algorithm fixes the length, the library's type does not.
fn leading<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes
        .iter_mut()
        .zip(digest)
        .for_each(|(to, from)| *to = *from);
    bytes
}

impl fmt::Debug for AwsLcSha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsLcSha256")
    }
}

impl fmt::Debug for AwsLcSha384 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsLcSha384")
    }
}

#[cfg(test)]
mod tests {
    use enclair_digest::PureRust;

    use super::*;

    #[test]
    fn both_engines_give_the_same_digests() {
        for length in [0_usize, 1, 111, 112, 128, 4096, 100_003] {
            let bytes: Vec<u8> = (0..=250_u8).cycle().take(length).collect();
            let (mut ours, mut pure) = (AwsLc.sha384(), PureRust.sha384());
            ours.update(&bytes);
            Hasher::update(&mut pure, &bytes);
            assert_eq!(ours.finish(), pure.finish());
            let (mut ours, mut pure) = (AwsLc.sha256(), PureRust.sha256());
            ours.update(&bytes);
            Hasher::update(&mut pure, &bytes);
            assert_eq!(ours.finish(), pure.finish());
        }
    }
}
