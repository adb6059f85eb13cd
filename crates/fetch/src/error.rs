//! What can go wrong between a wish and the store.

use std::fmt;
use std::io;
use std::path::PathBuf;

use enclair_recipe::{Blob, ParseReferenceError, Place};
use thiserror::Error;

use crate::reason::Reason;
use crate::redacted::RedactedUrl;
use crate::summary::Failure;
use crate::template::TemplateError;

/// Content that could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing may be fetched, and it is not there.
    #[error("offline, and not in the store: {}", Names(blobs))]
    Offline {
        /// Name and digest of each.
        blobs: Vec<(String, Blob)>,
    },
    /// Something is to be asked of a network, and none may be used.
    #[error("`{what}` cannot be asked: offline")]
    OfflineQuestion {
        /// The image reference or URL.
        what: String,
    },
    /// Nobody has it.
    #[error("{}", Lists(missing))]
    Missing {
        /// Each piece that nobody gave.
        missing: Vec<Missing>,
    },
    /// An image reference that cannot be one.
    #[error("`{reference}`: not the reference of an image in a registry")]
    Reference {
        /// As it was given.
        reference: String,
        /// What is wrong with it.
        #[source]
        source: ParseReferenceError,
    },
    /// No registry and no mirror has the image.
    #[error("image `{reference}`{}", Indented(failures))]
    Image {
        /// As it was given.
        reference: String,
        /// Who was asked, and why not.
        failures: Vec<Failure>,
    },
    /// A URL without content.
    #[error("{failure}")]
    Url {
        /// The URL, and why not.
        failure: Failure,
    },
    /// No mirror of an archive has a file.
    #[error("`{path}` of archive `{archive}`{}", Indented(failures))]
    Archive {
        /// The archive's symbolic name.
        archive: String,
        /// The path below its root.
        path: String,
        /// Who was asked, and why not.
        failures: Vec<Failure>,
    },
    /// No answer from the daemon.
    #[error("image `{name}` of the Docker daemon at {failure}")]
    Daemon {
        /// The image.
        name: String,
        /// The daemon, and why not.
        failure: Failure,
    },
    /// A setting for the daemon's address that is not followed.
    #[error(
        "`{address}`: not an address of a Docker daemon, expected unix:///PATH or tcp://HOST:PORT"
    )]
    DaemonAddress {
        /// As it was given.
        address: String,
    },
    /// A template in the settings that is none.
    #[error("provider `{template}`")]
    Template {
        /// As it was given.
        template: RedactedUrl,
        /// What is wrong with it.
        #[source]
        source: TemplateError,
    },
    /// A registry or mirror in the settings that is none.
    #[error(
        "registry `{registry}`: not of the form HOST[:PORT], or HOST[:PORT]/PREFIX for a mirror"
    )]
    Registry {
        /// As it was given.
        registry: RedactedUrl,
    },
    /// A file of certificates that cannot be used.
    #[error("`{}`: the certificates cannot be read", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A proxy that cannot be used.
    #[error("{url}: not a proxy")]
    Proxy {
        /// Its URL.
        url: RedactedUrl,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// No HTTP client, for want of certificates.
    #[error("TLS cannot be set up")]
    Client(#[source] reqwest::Error),
    /// No threads or no event queue.
    #[error("the network cannot be set up")]
    Runtime(#[source] io::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] enclair_store::Error),
}

/// A piece of content that nobody gave.
#[derive(Debug, Clone)]
pub struct Missing {
    /// What it is called: the lock entry.
    pub name: String,
    /// What it must be.
    pub blob: Blob,
    /// Where it was found when it was locked.
    pub place: Place,
    /// Who was asked, and why not.
    pub failures: Vec<Failure>,
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Offline { .. } => Some(
                "fetch once without `--offline`, or bring the content with \
                 `enclair store import` from a store that was exported elsewhere",
            ),
            Self::OfflineQuestion { .. } => {
                Some("resolving needs the network; a lock that is up to date needs none")
            }
            Self::Missing { missing } if missing.iter().any(|lost| no_tls(&lost.failures)) => {
                Some(WITHOUT_TLS)
            }
            Self::Missing { missing } if missing.iter().any(Missing::is_of_archive) => {
                Some(VANISHED)
            }
            Self::Archive { failures, .. } if failures.is_empty() => Some(
                "name a mirror of it in the recipe or in `config.toml`, as in \
                 `[archive.debian]` with `mirrors = [\"https://mirror.example/debian\"]`",
            ),
            Self::Archive { .. } => Some(
                "the suite may be gone from there, or have another name; another mirror can be \
                 named in `[archive.NAME]` of the recipe or of `config.toml`",
            ),
            Self::Missing { .. } => Some(
                "a provider of snapshots may still have it; whoever built it before can \
                 `enclair store export` it, and `enclair store import` brings it here",
            ),
            Self::Reference { .. } => {
                Some("write host, name and tag in full, as in `docker.io/library/debian:12`")
            }
            Self::Image { failures, .. } if no_tls(failures) => Some(WITHOUT_TLS),
            Self::Image { .. } => Some(
                "check the name, and for a private image log in with `docker login` or \
                 `podman login`",
            ),
            Self::Daemon { .. } => Some(
                "without a daemon: `docker save NAME -o app.tar` where there is one, and \
                 `docker-archive:app.tar` here",
            ),
            Self::DaemonAddress { .. } => Some(
                "for a daemon elsewhere: `docker save NAME -o app.tar` there, and \
                 `docker-archive:app.tar` here",
            ),
            Self::Template { .. } => Some(
                "variables are {name}, {basename}, {sha256}, {sha1}, {cid}, {epoch} and {date}; \
                 schemes https, http, file and oci",
            ),
            Self::CaFile { .. } => Some("expected a file with certificates in PEM"),
            Self::Client(_) => Some(
                "install the machine's certificates (`ca-certificates`), or name a file that \
                 has those to trust",
            ),
            Self::Proxy { .. } => Some("expected a URL, as in `http://proxy.example:3128`"),
            Self::Url { .. } | Self::Registry { .. } | Self::Runtime(_) | Self::Store(_) => None,
        }
    }
}

impl Missing {
    const fn is_of_archive(&self) -> bool {
        matches!(self.place, Place::Archive { .. })
    }
}

const VANISHED: &str = "an archive drops a version when the next one comes: a snapshot may have it \
     (as a mirror in `[archive.NAME]`, or a provider of kind `package`), and so may a store that it \
     was built from: `enclair store export` there, `enclair store import` here";

const WITHOUT_TLS: &str = "if the registry has no TLS: `--insecure-registry HOST`, or `insecure = \
     true` in its table of the settings; if its certificate is your own: `ENCLAIR_CA_FILE`";

/// Whether somebody was reached and could not be believed.
fn no_tls(failures: &[Failure]) -> bool {
    failures
        .iter()
        .any(|failure| matches!(*failure.reason, Reason::Tls(_)))
}

struct Names<'a>(&'a [(String, Blob)]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, blob)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(
                f,
                "{comma}{name} (sha256:{}, {} bytes)",
                blob.sha256, blob.size
            )?;
        }
        Ok(())
    }
}

struct Lists<'a>(&'a [Missing]);

impl fmt::Display for Lists<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (
            index,
            Missing {
                name,
                blob,
                place: _,
                failures,
            },
        ) in self.0.iter().enumerate()
        {
            let line = if index == 0 { "" } else { "\n" };
            write!(
                f,
                "{line}{name} (sha256:{}, {} bytes)",
                blob.sha256, blob.size
            )?;
            write!(f, "{}", Indented(failures))?;
        }
        Ok(())
    }
}

/// Each failure on a line of its own.
struct Indented<'a>(&'a [Failure]);

impl fmt::Display for Indented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            ": nobody to ask"
        } else {
            ": nobody gave it"
        })?;
        self.0
            .iter()
            .try_for_each(|failure| write!(f, "\n  {failure}"))
    }
}
