//! Keys that are accepted: those of distributions, which are in this program, and those that a
//! recipe brings.

use pgp::packet::Signature;
use pgp::types::KeyDetails;

use super::certificate::{Certificate, read_certificates};
use super::error::{CertificateProblem, Error};
use super::fingerprint::Fingerprint;
use super::standing::Signer;

/// Which key is accepted for which suite: archive, codename, file, fingerprint.
const TABLE: &str = include_str!("../../data/keys.txt");

/// What the files of the table have in them.
const FILES: [(&str, &[u8]); 11] = [
    (
        "debian-bullseye-archive",
        include_bytes!("../../data/keys/debian-bullseye-archive.gpg"),
    ),
    (
        "debian-bullseye-release",
        include_bytes!("../../data/keys/debian-bullseye-release.gpg"),
    ),
    (
        "debian-bullseye-security",
        include_bytes!("../../data/keys/debian-bullseye-security.gpg"),
    ),
    (
        "debian-bookworm-archive",
        include_bytes!("../../data/keys/debian-bookworm-archive.gpg"),
    ),
    (
        "debian-bookworm-release",
        include_bytes!("../../data/keys/debian-bookworm-release.gpg"),
    ),
    (
        "debian-bookworm-security",
        include_bytes!("../../data/keys/debian-bookworm-security.gpg"),
    ),
    (
        "debian-trixie-archive",
        include_bytes!("../../data/keys/debian-trixie-archive.gpg"),
    ),
    (
        "debian-trixie-release",
        include_bytes!("../../data/keys/debian-trixie-release.gpg"),
    ),
    (
        "debian-trixie-security",
        include_bytes!("../../data/keys/debian-trixie-security.gpg"),
    ),
    (
        "ubuntu-archive-2012",
        include_bytes!("../../data/keys/ubuntu-archive-2012.gpg"),
    ),
    (
        "ubuntu-archive-2018",
        include_bytes!("../../data/keys/ubuntu-archive-2018.gpg"),
    ),
];

/// What stands behind a codename for a part of the same release, which has the same keys.
const PARTS: [&str; 5] = [
    "-security",
    "-updates",
    "-backports",
    "-backports-sloppy",
    "-proposed-updates",
];

/// Certificates by whose keys a suite may be signed.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Certificate>);

impl Keys {
    /// The keys of a suite of an archive that this program knows: `debian`, `debian-security`,
    /// `ubuntu` or `ubuntu-ports`.
    ///
    /// # Errors
    ///
    /// [`Error::NoKeys`] for an archive or a suite that is not in the table.
    pub fn of_archive(archive: &str, suite: &str) -> Result<Self, Error> {
        let mut parts = PARTS.iter();
        let codename = parts.find_map(|part| suite.strip_suffix(part));
        let codename = codename.unwrap_or(suite);
        let mut certificates = Vec::new();
        for row in rows().filter(|row| row.archive == archive && row.codename == codename) {
            certificates.extend(row.certificates()?);
        }
        if certificates.is_empty() {
            return Err(Error::NoKeys {
                archive: archive.to_owned(),
                suite: suite.to_owned(),
            });
        }
        Ok(Self(certificates))
    }

    /// All keys of a file, binary or armored. Whoever calls this has decided that the file is the
    /// right one: by its digest, or because it is a part of the project.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] for a file that is none, or has a secret key.
    pub fn from_certificates(bytes: &[u8]) -> Result<Self, Error> {
        read_certificates(bytes).map(Self)
    }

    /// Only those with a fingerprint that is accepted, so that the file may come from anywhere.
    ///
    /// # Errors
    ///
    /// [`Error::Certificate`] when there is none.
    pub fn only(self, accepted: &[Fingerprint]) -> Result<Self, Error> {
        let mut certificates = self.0;
        certificates.retain(|certificate| {
            let found = Fingerprint::of(&certificate.primary);
            accepted.contains(&found)
        });
        if certificates.is_empty() {
            return Err(Error::Certificate {
                line: None,
                problem: CertificateProblem::Fingerprint,
            });
        }
        Ok(Self(certificates))
    }

    /// Fingerprints of the certificates.
    pub fn accepted(&self) -> impl Iterator<Item = Fingerprint> {
        let certificates = self.0.iter();
        certificates.map(|certificate| Fingerprint::of(&certificate.primary))
    }

    /// The key that a signature says it is by.
    pub(super) fn signer(&self, signature: &Signature) -> Option<Signer<'_>> {
        self.0.iter().find_map(|certificate| {
            if is_by(signature, &certificate.primary) {
                return Some(Signer::Primary(certificate));
            }
            let mut subkeys = certificate.subkeys.iter();
            let subkey = subkeys.find(|subkey| is_by(signature, &subkey.key))?;
            Some(Signer::Subkey(certificate, subkey))
        })
    }
}

/// A fingerprint decides where there is one; the short id only where there is not.
fn is_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        let id = key.legacy_key_id();
        signature
            .issuer_key_id()
            .into_iter()
            .any(|found| *found == id)
    } else {
        let fingerprint = key.fingerprint();
        fingerprints.into_iter().any(|found| *found == fingerprint)
    }
}

impl Signer<'_> {
    /// Of the key itself.
    pub(super) fn fingerprint(self) -> Fingerprint {
        match self {
            Self::Primary(certificate) => Fingerprint::of(&certificate.primary),
            Self::Subkey(_, subkey) => Fingerprint::of(&subkey.key),
        }
    }

    /// Of its certificate.
    pub(super) fn certificate(self) -> Fingerprint {
        match self {
            Self::Primary(certificate) | Self::Subkey(certificate, _) => {
                Fingerprint::of(&certificate.primary)
            }
        }
    }
}

/// A row of the table.
struct Row {
    archive: &'static str,
    codename: &'static str,
    file: &'static str,
    fingerprint: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        Some(Row {
            archive: words.next()?,
            codename: words.next()?,
            file: words.next()?,
            fingerprint: words.next()?,
        })
    })
}

impl Row {
    /// What its file has, as far as that has the row's fingerprint: the table decides, not the
    /// file.
    fn certificates(&self) -> Result<Vec<Certificate>, Error> {
        let wrong = |problem| Error::Certificate {
            line: None,
            problem,
        };
        let file = FILES.iter().find(|(name, _)| *name == self.file);
        let (_, bytes) = file.ok_or(wrong(CertificateProblem::Empty))?;
        let fingerprint = Fingerprint::parse(self.fingerprint);
        let fingerprint = fingerprint.map_err(|_| wrong(CertificateProblem::Fingerprint))?;
        Keys::from_certificates(bytes)?
            .only(&[fingerprint])
            .map(|keys| keys.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn table_and_files_agree() {
        let mut used = BTreeSet::new();
        let mut count = 0;
        for row in rows() {
            let certificates = row.certificates().unwrap();
            assert_eq!(certificates.len(), 1, "{}", row.file);
            let found = Fingerprint::of(&certificates[0].primary);
            assert_eq!(found.to_string(), row.fingerprint, "{}", row.file);
            used.insert(row.file);
            count += 1;
        }
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(count, lines.count(), "a line is no row");
        let files: BTreeSet<_> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            files, used,
            "a file that no row names, or the other way round"
        );
    }

    #[test]
    fn parts_of_a_release_have_its_keys() {
        let count = |archive, suite| Keys::of_archive(archive, suite).map(|keys| keys.0.len());
        assert_eq!(count("debian", "bookworm").unwrap(), 2);
        assert_eq!(count("debian", "bookworm-updates").unwrap(), 2);
        assert_eq!(count("debian", "bookworm-backports-sloppy").unwrap(), 2);
        assert_eq!(count("debian-security", "bookworm-security").unwrap(), 1);
        assert_eq!(count("ubuntu", "noble-security").unwrap(), 1);
        assert_eq!(count("ubuntu-ports", "jammy").unwrap(), 1);
        assert_eq!(count("ubuntu", "bionic").unwrap(), 2);
        for (archive, suite) in [
            ("debian", "stable"),
            ("debian", "bookworm-security-updates"),
            ("debian", "noble"),
            ("elsewhere", "bookworm"),
        ] {
            assert!(
                matches!(count(archive, suite), Err(Error::NoKeys { .. })),
                "{suite}"
            );
        }
    }
}
