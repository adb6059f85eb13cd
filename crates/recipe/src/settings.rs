//! Where content is fetched from: providers, registries and archives of packages.
//!
//! The same tables stand in a recipe and in a user's settings file. None decides a byte of
//! an image, because what is fetched is known by its digest; so they are not part of a recipe's
//! digest.

use std::collections::BTreeMap;

use enclair_configuration::Found;
use thiserror::Error;

use crate::diagnostic::Diagnostics;
use crate::read::{SETTINGS, read_document, read_settings};
use crate::span::Spanned;

/// What may stand in braces. What each stands for is the business of whoever fetches.
const VARIABLES: [&str; 7] = ["name", "basename", "sha256", "sha1", "cid", "epoch", "date"];

/// What repro-get has in two braces for them. It knows no others that mean the same here.
const OF_REPRO_GET: [(&str, &str); 5] = [
    (".Name", "name"),
    (".Basename", "basename"),
    (".SHA256", "sha256"),
    (".CID", "cid"),
    ("timeToDebianSnapshot .Epoch", "date"),
];

/// `provider`, `registry` and `archive` of a recipe, or of the settings file `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Asked in this order.
    pub providers: Vec<Provider>,
    /// By host, as in `docker.io` or `localhost:5000`.
    pub registries: BTreeMap<String, Registry>,
    /// By symbolic name, as in `debian-security`, or the name of a repository of the recipe.
    pub archives: BTreeMap<String, Archive>,
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
    /// Packages, and other files of archives.
    Package,
}

/// A URL with variables in braces, as in `https://mirror.example/{sha256}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate(String);

/// How a registry is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registry {
    /// Asked in this order, before the registry itself.
    pub mirrors: Vec<Spanned<String>>,
    /// Whether it is reached over plain HTTP.
    pub insecure: Spanned<bool>,
}

/// How an archive of packages is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Archive {
    /// URLs of its root, without `dists/` and `pool/`; asked in this order.
    pub mirrors: Vec<Spanned<String>>,
    /// Whether nobody else is asked: no mirror that this machine's own sources name, and no
    /// snapshot.
    pub exclusive: Spanned<bool>,
}

impl Settings {
    /// Reads a settings file: the tables `provider`, `registry` and `archive`, and nothing else.
    ///
    /// # Errors
    ///
    /// Every problem that the document has, each with its place.
    pub fn parse(document: &str) -> Result<Self, Diagnostics> {
        read_document(document, SETTINGS, |reader, table| {
            Some(read_settings(reader, table))
        })
    }
}

/// A text that is no template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseTemplateError {
    /// Another scheme, or none.
    #[error("`{0}` begins with none of `http://`, `https://`, `file://` and `oci://`")]
    Scheme(Found),
    /// No such variable.
    #[error("there is no variable `{{{0}}}`")]
    Variable(Found),
    /// A brace without its other half.
    #[error("a `{{` or `}}` stands alone")]
    Brace,
}

impl ParseTemplateError {
    /// What to do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Scheme(_) => None,
            Self::Variable(_) => {
                Some("there are {name}, {basename}, {sha256}, {sha1}, {cid}, {epoch} and {date}")
            }
            Self::Brace => Some("variables stand in braces, as in `{sha256}`"),
        }
    }
}

/// A template with repro-get's variables under their names here.
fn translated(text: &str) -> Result<String, ParseTemplateError> {
    let mut translated = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{{") {
        let (inner, next) = behind.split_once("}}").ok_or(ParseTemplateError::Brace)?;
        let words: Vec<_> = inner.split_ascii_whitespace().collect();
        let words = words.join(" ");
        let known = OF_REPRO_GET.iter().find(|(theirs, _)| *theirs == words);
        let (_, name) = known.ok_or_else(|| {
            if VARIABLES.contains(&words.as_str()) {
                return ParseTemplateError::Brace;
            }
            ParseTemplateError::Variable(Found::new(inner))
        })?;
        translated.push_str(before);
        translated.push('{');
        translated.push_str(name);
        translated.push('}');
        rest = next;
    }
    translated.push_str(rest);
    Ok(translated)
}

impl UrlTemplate {
    /// Reads a template: its scheme and its variables must be known. What repro-get would have in its
    /// place, `{{.Name}}` and the like, is taken too.
    ///
    /// # Errors
    ///
    /// See [`ParseTemplateError`].
    pub fn parse(text: &str) -> Result<Self, ParseTemplateError> {
        let schemes = ["https://", "http://", "file://", "oci://"];
        if !schemes.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(ParseTemplateError::Scheme(Found::new(text)));
        }
        let text = translated(text)?;
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, next) = behind.split_once('}').ok_or(ParseTemplateError::Brace)?;
            if before.contains('}') || name.contains('{') {
                return Err(ParseTemplateError::Brace);
            }
            if !VARIABLES.contains(&name) {
                return Err(ParseTemplateError::Variable(Found::new(name)));
            }
            rest = next;
        }
        if rest.contains('}') {
            Err(ParseTemplateError::Brace)
        } else {
            Ok(Self(text))
        }
    }

    /// The template as it was written, with variables in one brace.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
