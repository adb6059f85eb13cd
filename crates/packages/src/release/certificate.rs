//! Certificates: a primary key, what it says about itself, and its subkeys. Only read here;
//! [`super::standing`] decides what a key may do.

use pgp::packet::{
    Packet, PacketParser, PublicKey, PublicSubkey, Signature, SignatureType, UserId,
};

use super::armor::{Lines, read_block};
use super::error::{CertificateProblem, Error};

/// Bytes of a file of keys. A keyring of an archive has less than a tenth of it.
const MAX_BYTES: usize = 1 << 20;
/// Packets of a file of keys.
const MAX_PACKETS: usize = 4096;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// A certificate, taken apart and not verified.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    pub(super) primary: PublicKey,
    /// Signatures that may be revocations of it.
    pub(super) revocations: Vec<Signature>,
    /// Signatures that may be its own, over it or over it with a user.
    pub(super) own: Vec<(Option<UserId>, Signature)>,
    pub(super) subkeys: Vec<Subkey>,
}

/// A subkey with the signatures behind it.
#[derive(Debug, Clone)]
pub(super) struct Subkey {
    pub(super) key: PublicSubkey,
    pub(super) signatures: Vec<Signature>,
}

/// What the next signature is about.
enum Subject {
    Key,
    User(UserId),
    Subkey,
    /// A photograph, or something else that decides nothing.
    Other,
}

/// Reads every certificate of a file, armored or not.
pub(super) fn read_certificates(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let wrong = |problem| Error::Certificate {
        line: None,
        problem,
    };
    if bytes.len() > MAX_BYTES {
        return Err(wrong(CertificateProblem::TooLarge));
    }
    let certificates = if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        read_packets(bytes).map_err(wrong)?
    } else {
        read_armored(bytes)?
    };
    if certificates.is_empty() {
        return Err(wrong(CertificateProblem::Empty));
    }
    Ok(certificates)
}

/// Blocks with nothing but empty lines between them.
fn read_armored(bytes: &[u8]) -> Result<Vec<Certificate>, Error> {
    let text = str::from_utf8(bytes).map_err(|_| Error::Certificate {
        line: None,
        problem: CertificateProblem::Form,
    })?;
    let text = text.replace("\r\n", "\n");
    let mut lines = Lines::new(&text);
    let mut certificates = Vec::new();
    while let Some(line) = lines.next() {
        let read = match line.trim() {
            "" => continue,
            BEGIN => read_block(&mut lines, END)
                .map_err(CertificateProblem::Armor)
                .and_then(|block| read_packets(&block)),
            _ => Err(CertificateProblem::Form),
        };
        certificates.extend(read.map_err(|problem| Error::Certificate {
            line: Some(lines.line()),
            problem,
        })?);
    }
    Ok(certificates)
}

fn read_packets(bytes: &[u8]) -> Result<Vec<Certificate>, CertificateProblem> {
    let mut certificates = Vec::new();
    let mut subject = Subject::Other;
    for (packet, parsed) in (1..).zip(PacketParser::new(bytes)) {
        if packet > MAX_PACKETS {
            return Err(CertificateProblem::TooLarge);
        }
        let Ok(parsed) = parsed else {
            // Signatures of strangers that nobody can read any more are in many keyrings. A key
            // that cannot be read would be one that is missing.
            if certificates.is_empty() {
                return Err(CertificateProblem::Packet { packet });
            }
            subject = Subject::Other;
            continue;
        };
        if let Some(next) = add(&mut certificates, &subject, parsed, packet)? {
            subject = next;
        }
    }
    Ok(certificates)
}

/// Adds a packet; answers what the signatures behind it are about, when that is something new.
fn add(
    certificates: &mut Vec<Certificate>,
    subject: &Subject,
    parsed: Packet,
    packet: usize,
) -> Result<Option<Subject>, CertificateProblem> {
    if let Packet::PublicKey(primary) = parsed {
        certificates.push(Certificate {
            primary,
            revocations: Vec::new(),
            own: Vec::new(),
            subkeys: Vec::new(),
        });
        return Ok(Some(Subject::Key));
    }
    if matches!(
        parsed,
        Packet::Marker(_) | Packet::Trust(_) | Packet::Padding(_)
    ) {
        return Ok(None);
    }
    if matches!(parsed, Packet::SecretKey(_) | Packet::SecretSubkey(_)) {
        return Err(CertificateProblem::Secret { packet });
    }
    let misplaced = CertificateProblem::Order { packet };
    let last = certificates.last_mut().ok_or(misplaced)?;
    if let Packet::Signature(signature) = parsed {
        last.add_signature(subject, signature);
        Ok(None)
    } else if let Packet::PublicSubkey(key) = parsed {
        last.subkeys.push(Subkey {
            key,
            signatures: Vec::new(),
        });
        Ok(Some(Subject::Subkey))
    } else if let Packet::UserId(user) = parsed {
        Ok(Some(Subject::User(user)))
    } else if matches!(parsed, Packet::UserAttribute(_)) {
        Ok(Some(Subject::Other))
    } else {
        Err(misplaced)
    }
}

impl Certificate {
    fn add_signature(&mut self, subject: &Subject, signature: Signature) {
        match (subject, signature.typ()) {
            (Subject::Key, Some(SignatureType::KeyRevocation)) => self.revocations.push(signature),
            (Subject::Key, Some(SignatureType::Key)) => self.own.push((None, signature)),
            (Subject::User(user), _) if signature.is_certification() => {
                self.own.push((Some(user.clone()), signature));
            }
            (Subject::Subkey, _) => {
                if let Some(subkey) = self.subkeys.last_mut() {
                    subkey.signatures.push(signature);
                }
            }
            _ => {}
        }
    }
}
