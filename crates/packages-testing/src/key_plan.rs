//! What a key shall be like.

use pgp::crypto::hash::HashAlgorithm;

/// An algorithm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519 in the form that `GnuPG` makes.
    #[default]
    Ed25519,
    /// RSA with so many bits. Takes seconds to make from 2048 on.
    Rsa(u32),
    /// ECDSA on P-256.
    P256,
    /// ECDSA on secp256k1, which no archive uses.
    Secp256k1,
}

/// What a certificate shall be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlan {
    /// Algorithm of the primary key.
    pub kind: KeyKind,
    /// When it is made, in seconds since 1970.
    pub created: u32,
    /// When it expires, in seconds from then.
    pub expires_after: Option<u32>,
    /// Whether the primary key says that it signs.
    pub signs: bool,
    /// When it is revoked.
    pub revoked: Option<u32>,
    /// With what its own signatures are made.
    pub hash: HashAlgorithm,
    /// A second key, which then makes the signatures of data.
    pub subkey: Option<SubkeyPlan>,
}

impl KeyPlan {
    /// One key that signs and does not expire.
    pub const PLAIN: Self = Self {
        kind: KeyKind::Ed25519,
        created: 1_600_000_000,
        expires_after: None,
        signs: true,
        revoked: None,
        hash: HashAlgorithm::Sha256,
        subkey: None,
    };
}

impl Default for KeyPlan {
    fn default() -> Self {
        Self::PLAIN
    }
}

/// What a subkey shall be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubkeyPlan {
    /// Algorithm.
    pub kind: KeyKind,
    /// When it is made, in seconds since 1970.
    pub created: u32,
    /// When it expires, in seconds from then.
    pub expires_after: Option<u32>,
    /// Whether its binding says that it signs.
    pub signs: bool,
    /// Whether the subkey itself says that it belongs to the primary key.
    pub back_signature: bool,
    /// When it is revoked.
    pub revoked: Option<u32>,
    /// With what its bindings are made.
    pub hash: HashAlgorithm,
    /// Whether the binding is another primary key's.
    pub stolen: bool,
}

impl Default for SubkeyPlan {
    fn default() -> Self {
        Self {
            kind: KeyKind::default(),
            created: 1_600_000_000,
            expires_after: None,
            signs: true,
            back_signature: true,
            revoked: None,
            hash: HashAlgorithm::Sha256,
            stolen: false,
        }
    }
}
