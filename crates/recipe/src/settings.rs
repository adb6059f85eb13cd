//! Where content is fetched from: providers and registries.
//!
//! The same two tables stand in a recipe and in a user's settings file. Neither decides a byte of
//! an image, because what is fetched is known by its digest; so they are not part of a recipe's
//! digest.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostics;
use crate::span::Spanned;

/// `provider` and `registry` of a recipe, or of the settings file `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Asked in this order.
    pub providers: Vec<Provider>,
    /// By host, as in `docker.io` or `localhost:5000`.
    pub registries: BTreeMap<String, Registry>,
}

/// Where content can be had besides the place at which it was locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What it has.
    pub kind: Spanned<ProviderKind>,
    /// Where.
    pub url: Spanned<UrlTemplate>,
}

/// What a provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    /// Anything, by digest.
    Blob,
    /// Blobs of container images.
    Image,
    /// Files that were locked at a URL.
    Url,
}

/// A URL with variables in braces, as in `https://mirror.example/{sha256}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate(String);

/// A variable of a [`UrlTemplate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// `{name}`
    Name,
    /// `{basename}`
    Basename,
    /// `{sha256}`
    Sha256,
    /// `{sha1}`
    Sha1,
    /// `{cid}`
    Cid,
    /// `{epoch}`
    Epoch,
}

/// How a registry is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registry {
    /// Asked in this order, before the registry itself.
    pub mirrors: Vec<Spanned<String>>,
    /// Whether it is reached over plain HTTP.
    pub insecure: Spanned<bool>,
}

impl Settings {
    /// Reads a settings file: the tables `provider` and `registry`, and nothing else.
    ///
    /// # Errors
    ///
    /// Every problem that the document has, each with its place.
    pub fn parse(document: &str) -> Result<Self, Diagnostics> {
        let _ = document;
        Err(Diagnostics::stub())
    }
}

impl UrlTemplate {
    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
