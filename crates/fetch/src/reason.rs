//! Why one provider did not give what it was asked for, and whether asking again may help.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use enclair_digest::Sha256;
use thiserror::Error;

use crate::template::TemplateError;

/// Why one provider failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Reason {
    /// No connection: no such host, nobody listens, no route.
    #[error("no connection")]
    Connect(#[source] reqwest::Error),
    /// A connection, and no TLS that can be believed.
    #[error("no TLS connection that can be trusted")]
    Tls(#[source] reqwest::Error),
    /// Too long without an answer.
    #[error("timed out {phase}")]
    TimedOut {
        /// What was waited for.
        phase: Phase,
    },
    /// An answer that is no HTTP, or ends in the middle.
    #[error("the answer breaks off or is no HTTP")]
    Broken(#[source] reqwest::Error),
    /// An answer that is not the content.
    #[error("status {status}{}", said(message.as_ref()))]
    Status {
        /// Its number.
        status: u16,
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
        /// What a registry says about it.
        message: Option<String>,
    },
    /// The content ends early.
    #[error("ends after {found} of {expected} bytes")]
    Truncated {
        /// Bytes that it has.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The server announces another size.
    #[error("has {found} bytes, expected {expected}")]
    Size {
        /// Bytes that it has.
        expected: u64,
        /// Bytes that were announced.
        found: u64,
    },
    /// There is more than may be.
    #[error("has more than {limit} bytes")]
    TooLarge {
        /// Bytes that may be.
        limit: u64,
    },
    /// All of it came, and it is something else.
    #[error("has digest sha256:{found}, expected sha256:{expected}")]
    Digest {
        /// What it must be.
        expected: Sha256,
        /// What it is.
        found: Sha256,
    },
    /// A part other than the one that was asked for.
    #[error("answers with another part than the one that was asked for")]
    Range,
    /// One redirect leads to the next.
    #[error("more than {limit} redirects")]
    Redirects {
        /// How many are followed.
        limit: usize,
    },
    /// A redirect that leads nowhere.
    #[error("redirects to nowhere")]
    RedirectTarget,
    /// From TLS to none.
    #[error("redirects from https to http")]
    Downgrade,
    /// A URL that cannot be parsed.
    #[error("is no URL that can be fetched")]
    Url,
    /// A scheme that is not one of ours.
    #[error("scheme `{scheme}`, expected https, http, file or oci")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The template gives no URL.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Credentials are asked for, and there are none or not these.
    #[error("asks for credentials for `{host}`, and has no use for those that were found")]
    Unauthorized {
        /// Who asks.
        host: String,
    },
    /// Credentials are asked for in a way that is not known, or where they could be read.
    #[error("asks for credentials in a way that is not followed: {why}")]
    Challenge {
        /// What is wrong with it.
        why: ChallengeProblem,
    },
    /// The credentials' own file or helper failed.
    #[error("the credentials for `{host}` cannot be had")]
    Credentials {
        /// For whom.
        host: String,
        /// Why.
        #[source]
        source: docker_credential::CredentialRetrievalError,
    },
    /// A local file cannot be read.
    #[error("cannot be read")]
    File(#[source] io::Error),
    /// A document of a registry that is not one.
    #[error("is not a document that a registry gives: {why}")]
    Document {
        /// What is wrong with it.
        why: DocumentProblem,
    },
    /// It is not tried at all.
    #[error("not asked: offline")]
    Offline,
    /// It was tried for something else, and there is nobody.
    #[error("not asked again: there was no connection before")]
    Unreachable,
    /// The store did not take what came.
    #[error("cannot be stored")]
    Store(#[source] enclair_store::Error),
    /// Where it should go did not take what came.
    #[error("cannot be written")]
    Write(#[source] io::Error),
}

/// What was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// A connection.
    Connect,
    /// The head of an answer.
    Head,
    /// The next bytes.
    Idle,
    /// All of it.
    Total,
    /// A program that has credentials.
    Helper,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "when connecting",
            Self::Head => "before the head of an answer was there",
            Self::Idle => "when nothing more came",
            Self::Total => "before all was there",
            Self::Helper => "when a credential helper did not answer",
        })
    }
}

/// What is wrong with a demand for credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChallengeProblem {
    /// Neither Basic nor Bearer.
    #[error("neither Basic nor Bearer")]
    Scheme,
    /// Tokens without TLS for a registry with TLS.
    #[error("its tokens are given without TLS")]
    Plain,
    /// A realm that is no URL.
    #[error("its realm is no URL")]
    Realm,
    /// An answer without a token.
    #[error("the answer has no token")]
    Token,
}

/// What is wrong with a registry's document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DocumentProblem {
    /// No JSON, or not with the fields that must be there.
    #[error("it cannot be parsed")]
    Parse,
    /// A manifest of schema 1.
    #[error("a manifest of schema 1, which has no digests of configuration and layers")]
    Schema1,
    /// Neither a manifest nor an index.
    #[error("media type `{found}`")]
    MediaType {
        /// What it says it is.
        found: String,
    },
    /// A digest that is not SHA-256.
    #[error("digest `{found}`, expected one of SHA-256")]
    DigestForm {
        /// The digest as it is written.
        found: String,
    },
    /// `Docker-Content-Digest` is not the digest of what came.
    #[error("it has digest sha256:{found}, and its own header says {declared}")]
    DeclaredDigest {
        /// What the header says.
        declared: String,
        /// What it is.
        found: Sha256,
    },
    /// Indexes in indexes.
    #[error("more than {limit} indexes are in one another")]
    Depth {
        /// How many may be.
        limit: usize,
    },
    /// None for the architecture.
    #[error("there is none for linux/{architecture} (there are: {available})")]
    Platform {
        /// The architecture that was asked for.
        architecture: &'static str,
        /// What there is.
        available: String,
    },
}

fn said(message: Option<&String>) -> String {
    message.map_or_else(String::new, |message| format!(" ({message})"))
}

impl Reason {
    /// Sorts an error of the HTTP client. Its URL is taken out, because it may have credentials.
    pub(crate) fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_timeout() {
            let phase = if error.is_connect() {
                Phase::Connect
            } else {
                Phase::Idle
            };
            Self::TimedOut { phase }
        } else if is_tls(&error) {
            Self::Tls(error)
        } else if error.is_connect() {
            Self::Connect(error)
        } else {
            Self::Broken(error)
        }
    }

    /// Whether the same provider may do better in a moment.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Connect(_) | Self::TimedOut { .. } | Self::Broken(_) | Self::Truncated { .. } => {
                true
            }
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502..=504),
            Self::Tls(_)
            | Self::Size { .. }
            | Self::TooLarge { .. }
            | Self::Digest { .. }
            | Self::Range
            | Self::Redirects { .. }
            | Self::RedirectTarget
            | Self::Downgrade
            | Self::Url
            | Self::Scheme { .. }
            | Self::Template(_)
            | Self::Unauthorized { .. }
            | Self::Challenge { .. }
            | Self::Credentials { .. }
            | Self::File(_)
            | Self::Document { .. }
            | Self::Offline
            | Self::Unreachable
            | Self::Store(_)
            | Self::Write(_) => false,
        }
    }

    /// Whether it says that nobody is there, whatever is asked for.
    pub(crate) const fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Connect(_)
                | Self::TimedOut {
                    phase: Phase::Connect
                }
        )
    }

    /// How long the server asks to be left alone.
    pub(crate) const fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self {
            *retry_after
        } else {
            None
        }
    }

    /// Whether there is no point in asking anybody else.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Write(_))
    }

    pub(crate) const fn document(why: DocumentProblem) -> Self {
        Self::Document { why }
    }
}

/// TLS's own errors travel as invalid data in an I/O error, which may be in another one.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(inner) = source {
        let mut io = inner.downcast_ref::<io::Error>();
        while let Some(found) = io {
            if found.kind() == io::ErrorKind::InvalidData {
                return error.is_connect();
            }
            // An error in an I/O error is not among its sources.
            io = found.get_ref().and_then(|inner| inner.downcast_ref());
        }
        source = inner.source();
    }
    false
}

/// An error with all its sources in one line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn StdError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            // Wrappers of the network's libraries repeat what is inside of them.
            if text != said {
                write!(f, ": {text}")?;
            }
            said = text;
            source = error.source();
        }
        Ok(())
    }
}
