//! From a signed text to a suite that is believed.

use enclair_digest::{Engine as _, Hasher as _, PureRust, Sha256};
use pgp::packet::{Packet, PacketParser, Signature, SignatureType, SignatureVersion};

use super::cleartext::Cleartext;
use super::error::{Error, PacketProblem, SignatureProblem};
use super::fields::{Fields, SyntaxProblem};
use super::fingerprint::Fingerprint;
use super::keys::Keys;
use super::policy::{CLOCK_SKEW, MAX_IN_RELEASE, Policy};
use super::standing::{Signer, created, expiry, has_unknown_condition, is_strong};
use super::table::{IndexFile, Table, read_table};
use super::time::UnixSeconds;

/// Signatures that are looked at. Archives have up to five.
const MAX_SIGNATURES: usize = 32;

/// A signed text that nobody has verified.
#[derive(Debug, Clone)]
pub struct SignedRelease {
    sha256: Sha256,
    cleartext: Cleartext,
    signatures: Vec<Signature>,
}

/// A suite, as its archive signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What was asked for: the directory below `dists`.
    pub asked: String,
    /// `Origin`: who made the archive.
    pub origin: Option<String>,
    /// `Label`.
    pub label: Option<String>,
    /// `Suite`, as in `stable`: a name that moves.
    pub suite: Option<String>,
    /// `Codename`, as in `bookworm`.
    pub codename: Option<String>,
    /// `Version`, as in `12.15`.
    pub version: Option<String>,
    /// `Date`: when it was made.
    pub date: UnixSeconds,
    /// `Valid-Until`.
    pub valid_until: Option<UnixSeconds>,
    /// `Acquire-By-Hash`: whether indexes can be had by their digests.
    pub acquire_by_hash: bool,
    /// `NotAutomatic`: packages are not taken unless they are asked for.
    pub not_automatic: bool,
    /// `ButAutomaticUpgrades`: but what was taken from here is upgraded from here.
    pub but_automatic_upgrades: bool,
    /// `Architectures`.
    pub architectures: Vec<String>,
    /// `Components`.
    pub components: Vec<String>,
    /// What was verified.
    pub checked: Checked,
    table: Table,
}

/// What was verified of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// SHA-256 of the whole `InRelease`.
    pub sha256: Sha256,
    /// The signatures that hold, in the order of the file; at least one.
    pub signatures: Vec<GoodSignature>,
    /// How many signatures were not counted: of unknown keys, or not good.
    pub others: usize,
}

/// A signature that holds, by a key that is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodSignature {
    /// The certificate that is accepted.
    pub certificate: Fingerprint,
    /// The key that signed: the same, or a subkey.
    pub key: Fingerprint,
    /// The digest, as in `SHA512`.
    pub hash: String,
    /// When it was made.
    pub created: UnixSeconds,
}

impl SignedRelease {
    /// Takes an `InRelease` file apart.
    ///
    /// # Errors
    ///
    /// When it is no clear-signed text, or something is around it; when it has more than
    /// [`MAX_IN_RELEASE`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found > MAX_IN_RELEASE {
            return Err(Error::TooLarge {
                found,
                limit: MAX_IN_RELEASE,
            });
        }
        let mut hasher = PureRust.sha256();
        hasher.update(bytes);
        let text = str::from_utf8(bytes).map_err(|error| Error::Utf8 {
            valid: error.valid_up_to(),
        })?;
        let cleartext =
            Cleartext::parse(text).map_err(|(line, problem)| Error::Cleartext { line, problem })?;
        Ok(Self {
            sha256: hasher.finish(),
            signatures: read_signatures(&cleartext.signatures)?,
            cleartext,
        })
    }

    /// SHA-256 of the whole file.
    pub const fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Verifies it: at least one signature by a key that is accepted, and what `policy` asks.
    ///
    /// # Errors
    ///
    /// When no signature is by an accepted key, or the only ones that are do not hold; when it is
    /// of another suite, of another time, or cannot be read.
    pub fn verify(self, keys: &Keys, policy: &Policy<'_>) -> Result<Release, Error> {
        let bytes = self.cleartext.signed_bytes();
        let mut good = Vec::new();
        let mut first_problem = None;
        for signature in &self.signatures {
            let Some(signer) = keys.signer(signature) else {
                continue;
            };
            match verify_signature(signature, signer, &bytes, policy.at) {
                Ok(signature) => good.push(signature),
                Err(problem) => first_problem = first_problem.or(Some(problem)),
            }
        }
        if good.is_empty() {
            return Err(first_problem.unwrap_or_else(|| Error::UnknownKey {
                issuers: self.signatures.iter().map(issuer).collect(),
                accepted: keys.accepted().collect(),
            }));
        }
        let checked = Checked {
            sha256: self.sha256,
            others: self.signatures.len().saturating_sub(good.len()),
            signatures: good,
        };
        Release::read(&self.cleartext.text, checked, policy)
    }
}

fn read_signatures(packets: &[u8]) -> Result<Vec<Signature>, Error> {
    let mut signatures = Vec::new();
    for (packet, parsed) in (1..).zip(PacketParser::new(packets)) {
        let wrong = |problem| Err(Error::Packet { packet, problem });
        if packet > MAX_SIGNATURES {
            return wrong(PacketProblem::TooMany);
        }
        match parsed {
            Ok(Packet::Signature(signature)) => signatures.push(signature),
            Ok(_) => return wrong(PacketProblem::Kind),
            Err(_) => return wrong(PacketProblem::Damaged),
        }
    }
    if signatures.is_empty() {
        return Err(Error::Packet {
            packet: 1,
            problem: PacketProblem::Damaged,
        });
    }
    Ok(signatures)
}

/// Whom a signature says that it is by.
fn issuer(signature: &Signature) -> String {
    let fingerprint = signature.issuer_fingerprint().into_iter().next();
    let id = signature.issuer_key_id().into_iter().next();
    match (fingerprint, id) {
        (Some(fingerprint), _) => format!("{fingerprint:X}"),
        (None, Some(id)) => id.to_string().to_uppercase(),
        (None, None) => "somebody who does not say who".to_owned(),
    }
}

fn verify_signature(
    signature: &Signature,
    signer: Signer<'_>,
    bytes: &str,
    at: UnixSeconds,
) -> Result<GoodSignature, Error> {
    let key = signer.fingerprint();
    let check = || -> Result<(UnixSeconds, String), SignatureProblem> {
        let hash = check_form(signature)?;
        let verified = match signer {
            Signer::Primary(certificate) => {
                signature.verify(&certificate.primary, bytes.as_bytes())
            }
            Signer::Subkey(_, subkey) => signature.verify(&subkey.key, bytes.as_bytes()),
        };
        verified.map_err(|_| SignatureProblem::Bad)?;
        Ok((check_times(signature, signer, at)?, hash))
    };
    let (created, hash) = check().map_err(|problem| Error::Signature {
        key: key.clone(),
        problem,
    })?;
    signer.check(at).map_err(|problem| Error::Key {
        key: key.clone(),
        problem,
    })?;
    Ok(GoodSignature {
        certificate: signer.certificate(),
        key,
        hash,
        created,
    })
}

/// What a signature must be before it is worth verifying; and its digest's name.
fn check_form(signature: &Signature) -> Result<String, SignatureProblem> {
    let hash = signature.hash_alg().ok_or(SignatureProblem::Kind)?;
    if !is_strong(hash) {
        return Err(SignatureProblem::Digest {
            found: hash.to_string(),
        });
    }
    let is_of_text = matches!(
        signature.typ(),
        Some(SignatureType::Text | SignatureType::Binary)
    );
    // What older ones say is not all signed.
    let is_complete = matches!(
        signature.version(),
        SignatureVersion::V4 | SignatureVersion::V6
    );
    if !is_of_text || !is_complete {
        return Err(SignatureProblem::Kind);
    }
    if has_unknown_condition(signature) {
        return Err(SignatureProblem::Critical);
    }
    Ok(hash.to_string())
}

fn check_times(
    signature: &Signature,
    signer: Signer<'_>,
    at: UnixSeconds,
) -> Result<UnixSeconds, SignatureProblem> {
    let created = created(signature).ok_or(SignatureProblem::NoTime)?;
    if created > at.plus(CLOCK_SKEW) {
        return Err(SignatureProblem::Future { created, at });
    }
    let key = signer.created();
    if created < key {
        return Err(SignatureProblem::BeforeKey { created, key });
    }
    match expiry(signature) {
        Some(expired) if expired <= at => Err(SignatureProblem::Expired { expired, at }),
        _ => Ok(created),
    }
}

impl Release {
    fn read(text: &str, checked: Checked, policy: &Policy<'_>) -> Result<Self, Error> {
        let fields = Fields::parse(text)?;
        let date = |name: &str| {
            let value = fields.get(name);
            let date = value.map(|value| {
                UnixSeconds::parse(value.text).ok_or(Error::Syntax {
                    line: value.line,
                    problem: SyntaxProblem::Date,
                })
            });
            date.transpose()
        };
        let table = fields.get("sha256").ok_or(Error::NoSha256)?;
        let release = Self {
            asked: policy.suite.to_owned(),
            origin: fields.text("origin"),
            label: fields.text("label"),
            suite: fields.text("suite"),
            codename: fields.text("codename"),
            version: fields.text("version"),
            date: date("date")?.ok_or(Error::Missing { field: "Date" })?,
            valid_until: date("valid-until")?,
            acquire_by_hash: fields.boolean("acquire-by-hash")?,
            not_automatic: fields.boolean("notautomatic")?,
            but_automatic_upgrades: fields.boolean("butautomaticupgrades")?,
            architectures: fields.words("architectures"),
            components: fields.words("components"),
            checked,
            table: read_table(table)?,
        };
        release.check_name(policy.suite)?;
        release.check_times(policy)?;
        Ok(release)
    }

    /// The codename is what was asked for. Where an archive has one codename for a release and all
    /// that belongs to it (`noble` for `noble-updates`), its `Suite` is. Without a codename there
    /// is only the `Suite`.
    fn check_name(&self, asked: &str) -> Result<(), Error> {
        let suite = self.suite.as_deref().unwrap_or_default();
        let codename = self.codename.as_deref().unwrap_or(suite);
        let is_part = asked
            .strip_prefix(codename)
            .is_some_and(|part| part.starts_with('-'));
        if codename == asked || (suite == asked && is_part) {
            return Ok(());
        }
        let asked = asked.to_owned();
        Err(if suite == asked {
            Error::Alias {
                asked,
                codename: codename.to_owned(),
            }
        } else {
            Error::Suite {
                asked,
                suite: suite.to_owned(),
                codename: codename.to_owned(),
            }
        })
    }

    fn check_times(&self, policy: &Policy<'_>) -> Result<(), Error> {
        let (date, at) = (self.date, policy.at);
        if date > at.plus(CLOCK_SKEW) {
            return Err(Error::Future { date, at });
        }
        if let Some(until) = self.valid_until.filter(|until| *until < at) {
            return Err(Error::Outdated { until, at });
        }
        match policy.locked {
            Some(locked) if date < locked => Err(Error::Older { date, locked }),
            _ => Ok(()),
        }
    }

    /// The index of a component's packages for an architecture, in the compression that is the
    /// smallest.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn index(&self, component: &str, architecture: &str) -> Result<IndexFile, Error> {
        let path = format!("{component}/binary-{architecture}/Packages");
        let file = [".xz", ".zst", ".gz", ""]
            .iter()
            .find_map(|suffix| self.file(&format!("{path}{suffix}")));
        file.ok_or_else(|| Error::NotListed {
            suite: self.asked.clone(),
            component: component.to_owned(),
            architecture: architecture.to_owned(),
            components: self.components.clone(),
            architectures: self.architectures.clone(),
        })
    }

    /// A file that is listed, by its path below the suite's directory.
    pub fn file(&self, path: &str) -> Option<IndexFile> {
        let (size, sha256) = self.table.get(path)?;
        Some(IndexFile {
            path: path.to_owned(),
            size: *size,
            sha256: *sha256,
        })
    }

    /// Every file that is listed, in order of path.
    pub fn files(&self) -> impl Iterator<Item = IndexFile> {
        self.table.iter().map(|(path, (size, sha256))| IndexFile {
            path: path.clone(),
            size: *size,
            sha256: *sha256,
        })
    }

    /// Where a listed file is, from the archive's root: by its digest where the archive has it so,
    /// because what is at its name may be another by then.
    pub fn location(&self, file: &IndexFile) -> String {
        let IndexFile { path, sha256, .. } = file;
        let suite = &self.asked;
        match path.rsplit_once('/') {
            Some((parent, _)) if self.acquire_by_hash => {
                format!("dists/{suite}/{parent}/by-hash/SHA256/{sha256}")
            }
            _ => format!("dists/{suite}/{path}"),
        }
    }
}
