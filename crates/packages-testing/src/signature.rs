//! Signatures of texts, and texts with signatures around them.

use std::fmt::Write as _;

use base64::Engine as _;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::SignatureType;

use crate::key::{DataSignature, SigningKey, write};

/// What a signature is of. In a clear-signed text both are made over the same bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SignatureKind {
    /// A text, as archives have it.
    #[default]
    Text,
    /// Bytes.
    Binary,
}

/// A key, and how it signs.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// The key.
    pub key: &'a SigningKey,
    /// When, in seconds since 1970.
    pub created: u32,
    /// When the signature expires, in seconds from then.
    pub expires_after: Option<u32>,
    /// With what.
    pub hash: HashAlgorithm,
    /// Of what.
    pub kind: SignatureKind,
}

impl<'a> Signer<'a> {
    /// Signs a text at this time with SHA-512, for ever.
    pub const fn new(key: &'a SigningKey, created: u32) -> Self {
        Self {
            key,
            created,
            expires_after: None,
            hash: HashAlgorithm::Sha512,
            kind: SignatureKind::Text,
        }
    }
}

/// The packets of signatures over a text, as they stand below a clear-signed one.
pub fn signatures(text: &str, signers: &[Signer<'_>]) -> Vec<u8> {
    let canonical = canonical(text);
    let mut packets = Vec::new();
    for signer in signers {
        let plan = DataSignature {
            kind: match signer.kind {
                SignatureKind::Text => SignatureType::Text,
                SignatureKind::Binary => SignatureType::Binary,
            },
            hash: signer.hash,
            created: signer.created,
            expires_after: signer.expires_after,
        };
        write(&mut packets, &signer.key.sign(&plan, canonical.as_bytes()));
    }
    packets
}

/// A clear-signed text, as an `InRelease` file is one.
pub fn clear_signed(text: &str, signers: &[Signer<'_>]) -> String {
    let hashes = signers.iter().map(|signer| signer.hash.to_string());
    clear_text(
        text,
        &hashes.collect::<Vec<_>>(),
        &signatures(text, signers),
    )
}

/// A clear-signed text with any packets for signatures, and names of digests above it.
///
/// # Panics
///
/// Never: memory takes it.
pub fn clear_text(text: &str, hashes: &[String], packets: &[u8]) -> String {
    let mut signed = String::from("-----BEGIN PGP SIGNED MESSAGE-----\n");
    for hash in hashes {
        writeln!(signed, "Hash: {hash}").expect("memory takes it");
    }
    signed.push('\n');
    for line in text.lines() {
        let escape = if line.starts_with('-') { "- " } else { "" };
        writeln!(signed, "{escape}{line}").expect("memory takes it");
    }
    signed.push_str("-----BEGIN PGP SIGNATURE-----\n\n");
    let encoded = base64::engine::general_purpose::STANDARD.encode(packets);
    for line in encoded.as_bytes().chunks(64) {
        writeln!(signed, "{}", String::from_utf8_lossy(line)).expect("memory takes it");
    }
    signed.push_str("-----END PGP SIGNATURE-----\n");
    signed
}

/// The bytes that are signed: lines without the blanks at their ends, and CRLF between them.
fn canonical(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim_end_matches([' ', '\t']));
    lines.collect::<Vec<_>>().join("\r\n")
}
