//! How a user names a container image: in a registry, on this disk, or in the local daemon.
//!
//! Names of a registry follow the grammar of Docker's references, and are completed at once:
//! `debian:12` is `docker.io/library/debian:12`, and that is how it is displayed. What is before
//! the first slash is a host when it has a dot, a colon or an upper-case letter, or is
//! `localhost`; else it belongs to the repository.
//!
//! The surprise: a name with a tag and a digest is refused, although Docker takes it. There the
//! digest decides and the tag says nothing, and a reader cannot see that.

mod error;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use enclair_digest::Sha256;

pub use error::ParseReferenceError;

use crate::path::leaves_project;

/// The registry of names without a host.
const DEFAULT_HOST: &str = "docker.io";
/// Another name of it.
const DEFAULT_HOST_ALIAS: &str = "index.docker.io";
/// Where that registry has names without a slash.
const DEFAULT_FOLDER: &str = "library/";
/// The tag of names that have none.
const DEFAULT_TAG: &str = "latest";
/// Bytes of the longest host and repository together.
const MAX_NAME: usize = 255;
/// Bytes of the longest tag.
const MAX_TAG: usize = 128;

/// A parsed image reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageReference {
    /// `HOST/NAME:TAG` or `HOST/NAME@sha256:HEX`, an image of a registry.
    Registry(RegistryReference),
    /// `oci:DIR[:TAG]`, a directory in OCI image layout.
    OciLayout {
        /// The directory.
        path: PathBuf,
        /// The tag; `None` when there is only one image.
        name: Option<String>,
    },
    /// `oci-archive:FILE[:TAG]`, such a directory in a tar archive.
    OciArchive {
        /// The archive.
        path: PathBuf,
        /// The tag; `None` when there is only one image.
        name: Option<String>,
    },
    /// `docker-archive:FILE[:NAME:TAG]`, as `docker save` writes it.
    DockerArchive {
        /// The archive.
        path: PathBuf,
        /// Name and tag; `None` when there is only one image.
        name: Option<String>,
    },
    /// `docker-daemon:NAME[:TAG]`, an image of the local Docker daemon.
    DockerDaemon {
        /// What the daemon calls it.
        name: String,
    },
}

/// An image of a registry, completed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryReference {
    host: String,
    repository: String,
    version: Version,
}

/// Which image of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// What the registry says that the tag is.
    Tag(String),
    /// The manifest, or the list of manifests, with this digest.
    Digest(Sha256),
}

impl ImageReference {
    /// The directory or file, for images on this disk.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::OciLayout { path, name: _ }
            | Self::OciArchive { path, name: _ }
            | Self::DockerArchive { path, name: _ } => Some(path),
            Self::Registry(_) | Self::DockerDaemon { .. } => None,
        }
    }

    /// Whether nobody else can get it: an image outside of the project's directory, or of the
    /// local Docker daemon.
    pub fn is_private(&self) -> bool {
        match self {
            Self::Registry(_) => false,
            Self::DockerDaemon { .. } => true,
            Self::OciLayout { path, name: _ }
            | Self::OciArchive { path, name: _ }
            | Self::DockerArchive { path, name: _ } => leaves_project(&path.to_string_lossy()),
        }
    }
}

impl FromStr for ImageReference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(ParseReferenceError::Empty);
        }
        if text.contains("://") {
            return Err(ParseReferenceError::Scheme(text.to_owned()));
        }
        let (transport, rest) = text.split_once(':').unwrap_or((text, ""));
        match transport {
            "oci" => local(text, rest).map(|(path, name)| Self::OciLayout { path, name }),
            "oci-archive" => local(text, rest).map(|(path, name)| Self::OciArchive { path, name }),
            "docker-archive" => {
                local(text, rest).map(|(path, name)| Self::DockerArchive { path, name })
            }
            "docker-daemon" if rest.is_empty() => {
                Err(ParseReferenceError::DaemonName(text.to_owned()))
            }
            "docker-daemon" => Ok(Self::DockerDaemon {
                name: rest.to_owned(),
            }),
            _ => match nearly_transport(text, transport) {
                Some(meant) => Err(ParseReferenceError::Transport {
                    reference: text.to_owned(),
                    found: transport.to_owned(),
                    meant,
                }),
                None => text.parse().map(Self::Registry),
            },
        }
    }
}

/// The transport that was meant by a mistyped one. Without this it would be the name of an image of
/// somebody else's registry, which would be asked for it.
fn nearly_transport(text: &str, transport: &str) -> Option<&'static str> {
    if transport.len() == text.len() || transport.contains('/') {
        return None;
    }
    let transports = ["oci", "oci-archive", "docker-archive", "docker-daemon"];
    transports
        .into_iter()
        .find(|known| strsim::damerau_levenshtein(known, transport) == 1)
}

/// Path and name behind a transport.
fn local(text: &str, rest: &str) -> Result<(PathBuf, Option<String>), ParseReferenceError> {
    // The path ends at the first colon, as in the field's other tools.
    let (path, name) = match rest.split_once(':') {
        Some((path, name)) if !name.is_empty() => (path, Some(name.to_owned())),
        Some((path, _)) => (path, None),
        None => (rest, None),
    };
    if path.is_empty() {
        return Err(ParseReferenceError::Path(text.to_owned()));
    }
    Ok((PathBuf::from(path), name))
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, path, name) = match self {
            Self::Registry(reference) => return reference.fmt(f),
            Self::DockerDaemon { name } => return write!(f, "docker-daemon:{name}"),
            Self::OciLayout { path, name } => ("oci", path, name),
            Self::OciArchive { path, name } => ("oci-archive", path, name),
            Self::DockerArchive { path, name } => ("docker-archive", path, name),
        };
        write!(f, "{transport}:{}", path.display())?;
        name.as_ref().map_or(Ok(()), |name| write!(f, ":{name}"))
    }
}

impl RegistryReference {
    /// The registry's host, with the port if it has one: `docker.io`, `localhost:5000`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository at that host: `library/debian`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Host and repository: `docker.io/library/debian`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// Which image of the repository.
    pub const fn version(&self) -> &Version {
        &self.version
    }
}

impl FromStr for RegistryReference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_image_id(text) {
            return Err(ParseReferenceError::ImageId(text.to_owned()));
        }
        let (name, version) = split_version(text)?;
        let (host, repository) = split_host(name);
        if !is_host(host) {
            return Err(ParseReferenceError::Host {
                reference: text.to_owned(),
                host: host.to_owned(),
            });
        }
        check_repository(text, repository)?;
        let folder = match (host, repository.contains('/')) {
            (DEFAULT_HOST, false) => DEFAULT_FOLDER,
            _ => "",
        };
        let reference = Self {
            host: host.to_owned(),
            repository: format!("{folder}{repository}"),
            version,
        };
        match reference.name().len() {
            found if found > MAX_NAME => Err(ParseReferenceError::Length {
                reference: text.to_owned(),
                found,
            }),
            _ => Ok(reference),
        }
    }
}

impl fmt::Display for RegistryReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.repository)?;
        match &self.version {
            Version::Tag(tag) => write!(f, ":{tag}"),
            Version::Digest(digest) => write!(f, "@sha256:{digest}"),
        }
    }
}

fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Takes tag or digest off the end. A colon before the last slash belongs to a port.
fn split_version(text: &str) -> Result<(&str, Version), ParseReferenceError> {
    let reference = || text.to_owned();
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let last = name.rsplit('/').next().unwrap_or(name);
    let tag = last.split_once(':').map(|(_, tag)| tag);
    match (tag, digest) {
        (Some(_), Some(_)) => Err(ParseReferenceError::TagAndDigest {
            reference: reference(),
        }),
        (None, Some(digest)) => {
            let hex =
                digest
                    .strip_prefix("sha256:")
                    .ok_or_else(|| ParseReferenceError::Algorithm {
                        reference: reference(),
                    })?;
            let digest = hex.parse().map_err(|source| ParseReferenceError::Digest {
                reference: reference(),
                source,
            })?;
            Ok((name, Version::Digest(digest)))
        }
        (Some(tag), None) if is_tag(tag) => {
            let end = name.len().saturating_sub(tag.len()).saturating_sub(1);
            let tag = Version::Tag(tag.to_owned());
            Ok((name.get(..end).unwrap_or_default(), tag))
        }
        (Some(tag), None) => Err(ParseReferenceError::Tag {
            reference: reference(),
            tag: tag.to_owned(),
        }),
        (None, None) => Ok((name, Version::Tag(DEFAULT_TAG.to_owned()))),
    }
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    tag.len() <= MAX_TAG
        && tag.as_bytes().first().is_some_and(is_word)
        && tag
            .bytes()
            .all(|byte| is_word(&byte) || byte == b'.' || byte == b'-')
}

/// Host and repository of a name.
fn split_host(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((DEFAULT_HOST_ALIAS, rest)) => (DEFAULT_HOST, rest),
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.contains(|letter: char| letter.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        Some(_) | None => (DEFAULT_HOST, name),
    }
}

/// Whether `host` is a name or an address, with an optional port.
pub(crate) fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, "")) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
        Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
            return port.strip_prefix(':').is_some_and(is_port);
        }
        Some(_) => return false,
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    port.is_none_or(is_port) && name.split('.').all(is_host_part)
}

fn is_port(port: &str) -> bool {
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    digits && port.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_host_part(part: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = part.as_bytes();
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    bytes.iter().all(known) && edge(bytes.first()) && edge(bytes.last())
}

fn check_repository(reference: &str, repository: &str) -> Result<(), ParseReferenceError> {
    if repository.split('/').all(is_repository_part) {
        return Ok(());
    }
    let (reference, repository) = (reference.to_owned(), repository.to_owned());
    let lower = repository.to_ascii_lowercase();
    if lower != repository && lower.split('/').all(is_repository_part) {
        return Err(ParseReferenceError::UpperCase {
            reference,
            repository,
        });
    }
    Err(ParseReferenceError::Repository {
        reference,
        repository,
    })
}

/// Words of `a-z` and `0-9`, and between them `.`, `_`, `__` or any number of `-`.
fn is_repository_part(part: &str) -> bool {
    let is_word = |byte: char| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut rest = part;
    loop {
        let separator = rest.trim_start_matches(is_word);
        if separator.len() == rest.len() {
            return false;
        }
        if separator.is_empty() {
            return true;
        }
        rest = separator.trim_start_matches(|letter| !is_word(letter));
        let separator = separator.strip_suffix(rest).unwrap_or_default();
        let is_known =
            matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
        if !is_known {
            return false;
        }
    }
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
