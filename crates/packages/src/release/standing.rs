//! Whether a key may sign at a time: what its owner says of it, as far as that is proved.

use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{KeyFlags, Signature, SignatureConfig, SignatureType, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{
    Duration, EcdsaPublicParams, EddsaLegacyPublicParams, KeyDetails, PublicParams, Tag,
    VerifyingKey,
};

use super::certificate::{Certificate, Subkey};
use super::error::KeyProblem;
use super::policy::CLOCK_SKEW;
use super::time::UnixSeconds;

/// Bits of the smallest RSA key that is accepted.
const MIN_RSA_BITS: u16 = 2048;

/// A key that signatures of data are verified with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Signer<'a> {
    Primary(&'a Certificate),
    Subkey(&'a Certificate, &'a Subkey),
}

/// The digests that cannot be forged.
pub(super) const fn is_strong(hash: HashAlgorithm) -> bool {
    matches!(
        hash,
        HashAlgorithm::Sha256
            | HashAlgorithm::Sha384
            | HashAlgorithm::Sha512
            | HashAlgorithm::Sha3_256
            | HashAlgorithm::Sha3_512
    )
}

/// Whether a signature depends on something that is not known here. Only what is hashed counts.
pub(super) fn has_unknown_condition(signature: &Signature) -> bool {
    let subpackets = signature.config().into_iter();
    let mut subpackets = subpackets.flat_map(SignatureConfig::hashed_subpackets);
    subpackets.any(|subpacket| {
        let is_unknown = matches!(
            subpacket.data,
            SubpacketData::Experimental(..)
                | SubpacketData::Other(..)
                | SubpacketData::Notation(_)
                | SubpacketData::RegularExpression(_)
        );
        subpacket.is_critical && is_unknown
    })
}

/// When a signature was made.
pub(super) fn created(signature: &Signature) -> Option<UnixSeconds> {
    let created = signature.created()?;
    Some(UnixSeconds(created.as_secs().into()))
}

/// When a signature expires, if it does.
pub(super) fn expiry(signature: &Signature) -> Option<UnixSeconds> {
    let after = signature.signature_expiration_time()?.as_secs();
    let created = created(signature)?;
    (after > 0).then(|| created.plus(after.into()))
}

impl Signer<'_> {
    /// Whether it may sign at `at`.
    pub(super) fn check(self, at: UnixSeconds) -> Result<(), KeyProblem> {
        match self {
            Self::Primary(certificate) => {
                let own = check_primary(certificate, at)?;
                check_purpose(own)
            }
            Self::Subkey(certificate, subkey) => {
                check_primary(certificate, at)?;
                check_subkey(certificate, subkey, at)
            }
        }
    }

    /// When the key was made.
    pub(super) fn created(self) -> UnixSeconds {
        match self {
            Self::Primary(certificate) => made(&certificate.primary),
            Self::Subkey(_, subkey) => made(&subkey.key),
        }
    }
}

fn made(key: &impl KeyDetails) -> UnixSeconds {
    UnixSeconds(key.created_at().as_secs().into())
}

/// The newest signature of its own that says what the key is for.
fn check_primary(certificate: &Certificate, at: UnixSeconds) -> Result<&Signature, KeyProblem> {
    let key = &certificate.primary;
    check_key(key, at)?;
    // A revocation counts from the beginning, whatever it says of its time: who has the key may
    // write any time.
    let mut revocations = certificate.revocations.iter();
    if revocations.any(|revocation| revocation.verify_key(key).is_ok()) {
        return Err(KeyProblem::Revoked);
    }
    let mut own: Vec<_> = certificate.own.iter().collect();
    own.sort_by_key(|(_, signature)| std::cmp::Reverse(created(signature)));
    let newest = own.into_iter().find(|(user, signature)| {
        is_self_signature(signature, at)
            && match user {
                Some(user) => signature
                    .verify_certification(key, Tag::UserId, user)
                    .is_ok(),
                None => signature.verify_key(key).is_ok(),
            }
    });
    let (_, newest) = newest.ok_or(KeyProblem::Unsigned)?;
    check_expiry(key, newest, at)?;
    Ok(newest)
}

/// SHA-1 is let pass: the key is known by its fingerprint, and what it says of itself can only
/// take something away. The keys of some archives have nothing else.
fn is_self_signature(signature: &Signature, at: UnixSeconds) -> bool {
    let hash = signature.hash_alg();
    hash.is_some_and(|hash| is_strong(hash) || hash == HashAlgorithm::Sha1) && holds(signature, at)
}

/// Whether a signature is of this time and without unknown conditions.
fn holds(signature: &Signature, at: UnixSeconds) -> bool {
    created(signature).is_some_and(|created| created <= at.plus(CLOCK_SKEW))
        && expiry(signature).is_none_or(|expiry| at < expiry)
        && !has_unknown_condition(signature)
}

fn check_subkey(
    certificate: &Certificate,
    subkey: &Subkey,
    at: UnixSeconds,
) -> Result<(), KeyProblem> {
    let (primary, key) = (&certificate.primary, &subkey.key);
    check_key(key, at)?;
    let of = |kind| {
        let signatures = subkey.signatures.iter();
        signatures.filter(move |signature| signature.typ() == Some(kind))
    };
    let mut revocations = of(SignatureType::SubkeyRevocation);
    if revocations.any(|revocation| revocation.verify_subkey_binding(primary, key).is_ok()) {
        return Err(KeyProblem::Revoked);
    }
    let mut bindings: Vec<_> = of(SignatureType::SubkeyBinding).collect();
    bindings.sort_by_key(|binding| std::cmp::Reverse(created(binding)));
    let newest = bindings.into_iter().find(|binding| {
        binding.hash_alg().is_some_and(is_strong)
            && holds(binding, at)
            && binding.verify_subkey_binding(primary, key).is_ok()
    });
    let newest = newest.ok_or(KeyProblem::Unbound)?;
    check_expiry(key, newest, at)?;
    check_purpose(newest)?;
    let back = newest.embedded_signature().filter(|back| {
        back.hash_alg().is_some_and(is_strong)
            && holds(back, at)
            && back.verify_primary_key_binding(key, primary).is_ok()
    });
    back.map(|_| ()).ok_or(KeyProblem::BackSignature)
}

/// A key is for what the flags say. One that says nothing is for everything, as old ones are.
fn check_purpose(signature: &Signature) -> Result<(), KeyProblem> {
    let flags = signature.config().and_then(|config| {
        config.hashed_subpackets().find_map(|subpacket| {
            if let SubpacketData::KeyFlags(flags) = &subpacket.data {
                Some(flags)
            } else {
                None
            }
        })
    });
    if flags.is_none_or(KeyFlags::sign) {
        Ok(())
    } else {
        Err(KeyProblem::Purpose)
    }
}

fn check_expiry(
    key: &impl KeyDetails,
    signature: &Signature,
    at: UnixSeconds,
) -> Result<(), KeyProblem> {
    let after = signature.key_expiration_time().map_or(0, Duration::as_secs);
    let expired = made(key).plus(after.into());
    if after > 0 && expired <= at {
        return Err(KeyProblem::Expired { expired, at });
    }
    Ok(())
}

/// What holds for every key: its algorithm, and that it is there already.
fn check_key(key: &(impl VerifyingKey + Serialize), at: UnixSeconds) -> Result<(), KeyProblem> {
    let created = made(key);
    if created > at.plus(CLOCK_SKEW) {
        return Err(KeyProblem::Future { created, at });
    }
    match refused_algorithm(key) {
        None => Ok(()),
        Some(found) => Err(KeyProblem::Algorithm { found }),
    }
}

/// What a key is made with, when that is not accepted.
fn refused_algorithm(key: &impl KeyDetails) -> Option<String> {
    let parameters = key.public_params();
    if let PublicParams::RSA(parameters) = parameters {
        // A number of OpenPGP has its bits before it.
        let bytes = parameters.to_bytes().unwrap_or_default();
        let bits = bytes
            .first_chunk()
            .map_or(0, |bits| u16::from_be_bytes(*bits));
        return (bits < MIN_RSA_BITS).then(|| format!("RSA with {bits} bits"));
    }
    let is_accepted = matches!(
        parameters,
        PublicParams::EdDSALegacy(EddsaLegacyPublicParams::Ed25519 { .. })
            | PublicParams::Ed25519(_)
            | PublicParams::ECDSA(
                EcdsaPublicParams::P256 { .. }
                    | EcdsaPublicParams::P384 { .. }
                    | EcdsaPublicParams::P521 { .. },
            )
    );
    let algorithm = key.algorithm();
    if is_accepted {
        None
    } else if algorithm == PublicKeyAlgorithm::ECDSA {
        Some("ECDSA on another curve".to_owned())
    } else if algorithm == PublicKeyAlgorithm::DSA {
        Some("DSA".to_owned())
    } else {
        Some(format!("algorithm {}", u8::from(algorithm)))
    }
}
