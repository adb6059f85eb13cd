//! Keys: a certificate and the secret behind it, made of a seed.
//!
//! They are put together packet by packet, because what makes keys for people takes the time from
//! the clock and does not make what it should not.

use pgp::composed::KeyType;
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, PacketTrait, PubKeyInner, PublicKey, PublicSubkey, RevocationCode, SecretKey,
    SecretSubkey, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::types::{
    Duration, KeyDetails as _, KeyVersion, PacketHeaderVersion, Password, SigningKey as Signing,
    Tag, Timestamp,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::key_plan::{KeyKind, KeyPlan, SubkeyPlan};

/// A key that signs, and its certificate.
#[derive(Debug, Clone)]
pub struct SigningKey {
    primary: SecretKey,
    subkey: Option<SecretSubkey>,
    certificate: Vec<u8>,
    certification: Vec<u8>,
}

impl SigningKey {
    /// Makes a key. The same seed and plan give the same one.
    ///
    /// # Panics
    ///
    /// When there can be no such key.
    pub fn generate(seed: u64, plan: &KeyPlan) -> Self {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let (inner, secret) = material(&mut random, plan.kind, plan.created);
        let public = PublicKey::from_inner(inner).expect("a public key");
        let primary = SecretKey::new(public, secret).expect("a secret key");
        let mut certificate = Vec::new();
        write(&mut certificate, primary.public_key());
        if let Some(revoked) = plan.revoked {
            write(&mut certificate, &revocation(&primary, plan, revoked));
        }
        let name = format!("Synthetic {seed} <archive@example.org>");
        let user = UserId::from_str(PacketHeaderVersion::default(), name).expect("a user");
        write(&mut certificate, &user);
        let mut certification = Vec::new();
        write(&mut certification, &certify(&primary, plan, &user));
        certificate.extend_from_slice(&certification);
        let subkey = plan.subkey.as_ref().map(|plan| {
            let (inner, secret) = material(&mut random, plan.kind, plan.created);
            let public = PublicSubkey::from_inner(inner).expect("a public key");
            let subkey = SecretSubkey::new(public, secret).expect("a secret key");
            let stranger = Self::stranger(&mut random);
            let owner = if plan.stolen { &stranger } else { &primary };
            write(&mut certificate, subkey.public_key());
            write(&mut certificate, &binding(owner, &subkey, plan));
            if let Some(revoked) = plan.revoked {
                write(
                    &mut certificate,
                    &subkey_revocation(&primary, &subkey, plan, revoked),
                );
            }
            subkey
        });
        Self {
            primary,
            subkey,
            certificate,
            certification,
        }
    }

    fn stranger(random: &mut ChaCha20Rng) -> SecretKey {
        let (inner, secret) = material(random, KeyKind::default(), 1);
        let public = PublicKey::from_inner(inner).expect("a public key");
        SecretKey::new(public, secret).expect("a secret key")
    }

    /// The certificate, in binary form.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// The packet of the secret key, which nobody should give away.
    pub fn secret(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, &self.primary);
        bytes
    }

    /// The packet by which the key says who it is: a good signature, and not of a text.
    pub fn certification(&self) -> &[u8] {
        &self.certification
    }

    /// Fingerprint of the primary key, in upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.primary.fingerprint())
    }

    /// Fingerprint of the key that makes signatures: the subkey's, where there is one.
    pub fn signing_fingerprint(&self) -> String {
        match &self.subkey {
            Some(subkey) => format!("{:X}", subkey.fingerprint()),
            None => self.fingerprint(),
        }
    }

    /// A signature over bytes by the key that makes signatures.
    pub(crate) fn sign(&self, plan: &DataSignature, bytes: &[u8]) -> Signature {
        match &self.subkey {
            Some(subkey) => plan.sign(subkey, bytes),
            None => plan.sign(&self.primary, bytes),
        }
    }
}

/// What a signature over data shall be like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataSignature {
    pub(crate) kind: SignatureType,
    pub(crate) hash: HashAlgorithm,
    pub(crate) created: u32,
    pub(crate) expires_after: Option<u32>,
}

impl DataSignature {
    fn sign(&self, key: &impl Signing, bytes: &[u8]) -> Signature {
        let expiration = self.expires_after.map(Duration::from_secs);
        let expiration = expiration.map(SubpacketData::SignatureExpirationTime);
        let more = expiration.into_iter().collect();
        configuration(key, self.kind, (self.hash, self.created), more)
            .sign(key, &Password::empty(), bytes)
            .expect("a signature")
    }
}

fn material(
    random: &mut ChaCha20Rng,
    kind: KeyKind,
    created: u32,
) -> (PubKeyInner, pgp::types::SecretParams) {
    let kind = match kind {
        KeyKind::Ed25519 => KeyType::Ed25519Legacy,
        KeyKind::Rsa(bits) => KeyType::Rsa(bits),
        KeyKind::P256 => KeyType::ECDSA(ECCCurve::P256),
        KeyKind::Secp256k1 => KeyType::ECDSA(ECCCurve::Secp256k1),
    };
    let (public, secret) = kind.generate(random).expect("a key");
    let created = Timestamp::from_secs(created);
    let inner = PubKeyInner::new(KeyVersion::V4, kind.to_alg(), created, None, public);
    (inner.expect("a public key"), secret)
}

fn configuration(
    key: &impl Signing,
    kind: SignatureType,
    (hash, created): (HashAlgorithm, u32),
    more: Vec<SubpacketData>,
) -> SignatureConfig {
    let mut configuration = SignatureConfig::v4(kind, key.algorithm(), hash);
    let mut data = vec![
        SubpacketData::SignatureCreationTime(Timestamp::from_secs(created)),
        SubpacketData::IssuerFingerprint(key.fingerprint()),
    ];
    data.extend(more);
    let subpacket = |data| Subpacket::regular(data).expect("a subpacket");
    configuration.hashed_subpackets = data.into_iter().map(subpacket).collect();
    let issuer = SubpacketData::IssuerKeyId(key.legacy_key_id());
    configuration.unhashed_subpackets = vec![subpacket(issuer)];
    configuration
}

fn key_properties(signs: bool, expires_after: Option<u32>) -> Vec<SubpacketData> {
    let mut flags = KeyFlags::default();
    flags.set_sign(signs);
    let expiration = expires_after.map(Duration::from_secs);
    let mut properties = vec![SubpacketData::KeyFlags(flags)];
    properties.extend(expiration.map(SubpacketData::KeyExpirationTime));
    properties
}

fn certify(key: &SecretKey, plan: &KeyPlan, user: &UserId) -> Signature {
    let properties = key_properties(plan.signs, plan.expires_after);
    let times = (plan.hash, plan.created);
    configuration(key, SignatureType::CertPositive, times, properties)
        .sign_certification(key, key.public_key(), &Password::empty(), Tag::UserId, user)
        .expect("a certification")
}

fn revocation(key: &SecretKey, plan: &KeyPlan, created: u32) -> Signature {
    let reason = SubpacketData::RevocationReason(RevocationCode::KeyCompromised, "gone".into());
    let times = (plan.hash, created);
    configuration(key, SignatureType::KeyRevocation, times, vec![reason])
        .sign_key(key, &Password::empty(), key.public_key())
        .expect("a revocation")
}

fn binding(owner: &SecretKey, subkey: &SecretSubkey, plan: &SubkeyPlan) -> Signature {
    let times = (plan.hash, plan.created);
    let mut properties = key_properties(plan.signs, plan.expires_after);
    if plan.back_signature {
        let back = configuration(subkey, SignatureType::KeyBinding, times, Vec::new())
            .sign_primary_key_binding(
                subkey,
                subkey.public_key(),
                &Password::empty(),
                owner.public_key(),
            )
            .expect("a back signature");
        properties.push(SubpacketData::EmbeddedSignature(Box::new(back)));
    }
    configuration(owner, SignatureType::SubkeyBinding, times, properties)
        .sign_subkey_binding(
            owner,
            owner.public_key(),
            &Password::empty(),
            subkey.public_key(),
        )
        .expect("a binding")
}

fn subkey_revocation(
    key: &SecretKey,
    subkey: &SecretSubkey,
    plan: &SubkeyPlan,
    created: u32,
) -> Signature {
    let reason = SubpacketData::RevocationReason(RevocationCode::KeySuperseded, "gone".into());
    let times = (plan.hash, created);
    configuration(key, SignatureType::SubkeyRevocation, times, vec![reason])
        .sign_subkey_binding(
            key,
            key.public_key(),
            &Password::empty(),
            subkey.public_key(),
        )
        .expect("a revocation")
}

pub(crate) fn write(bytes: &mut Vec<u8>, packet: &impl PacketTrait) {
    packet
        .to_writer_with_header(bytes)
        .expect("memory takes it");
}
