//! Content from registries, HTTP servers and other providers into the store.
//!
//! The only crate with TLS and an asynchronous runtime. It decides nothing: what is needed comes
//! with a digest, and the digest decides whether what came is it. What has no digest yet, a tag,
//! a URL or a suite of an archive, is asked for once, when it is locked.
//!
//! - [`Fetcher`]: fetches; implements [`enclair_recipe::Supply`] with a store.
//! - [`Settings`]: providers, registries, archives, credentials, time-outs. No environment is read.
//! - [`Observer`]: is told of progress.
//! - [`Summary`]: who gave what, and why others did not.
//! - [`Template`]: where a provider has a piece of content.
//! - [`RedactedUrl`]: a URL as it may be shown.
//!
//! # What is not believed
//!
//! Servers, mirrors and registries are hostile. A body is never read beyond the size that it must
//! have, and a document not beyond a limit; heads, redirects, tries and times have limits; a
//! redirect leaves neither TLS nor takes credentials to another host. What is altered, cut or
//! missing at one provider is asked of the next one, and said.

mod archive;
mod daemon;
mod error;
mod fetcher;
mod header;
mod network;
mod observer;
mod reason;
mod redacted;
mod registry;
mod resolve;
mod retry;
mod settings;
mod source;
mod summary;
mod template;
mod transfer;

pub use error::{Error, Missing};
pub use fetcher::Fetcher;
pub use observer::{Observer, Transfer, Unobserved};
pub use reason::{ChallengeProblem, DocumentProblem, Phase, Reason};
pub use redacted::RedactedUrl;
pub use settings::{
    ArchiveSettings, Backoff, Credentials, Provider, Proxies, RegistrySettings, Settings, Timeouts,
};
pub use summary::{Failure, Looked, Outcome, Summary};
pub use template::{Template, TemplateError, Variable};
