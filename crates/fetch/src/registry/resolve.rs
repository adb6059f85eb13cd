//! From a reference to a manifest: the first registry that answers, the entry for the
//! architecture, and the configuration, which has the last word on what the image is for.
//!
//! Manifests of schema 1 are refused: they name layers by digests that nothing covers. A document
//! that is an index and a manifest at once is refused too, because two readers would see two
//! images in it.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::thread;

use enclair_digest::{Engine, Hasher, PureRust, Sha256};
use enclair_eif::Arch;
use enclair_recipe::{Blob, Place, RegistryReference, Version, Wanted};
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest, Platform};
use reqwest::header::{CONTENT_TYPE, HeaderName};
use serde::Deserialize;

use super::endpoint::{Endpoint, endpoints};
use super::message;
use crate::error::Error;
use crate::fetcher::Fetcher;
use crate::network::Request;
use crate::reason::{DocumentProblem, Reason};
use crate::retry::Tries;
use crate::summary::{Failure, Looked, Outcome};

/// Bytes of a manifest, index or configuration; registries have the same limit for what is pushed.
pub(super) const MANIFEST_BYTES: usize = 4 << 20;

/// What is accepted as a manifest. Without it, a registry may convert to schema 1.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";

const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

const IMAGES: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// Indexes in indexes; real ones are one or two deep.
const MAX_DEPTH: usize = 4;

/// Documents that are read for one reference.
const MAX_DOCUMENTS: usize = 32;

static CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A manifest or an index, as it came.
struct Document {
    bytes: Vec<u8>,
    sha256: Sha256,
    /// What whoever named it says it is.
    media_type: Option<String>,
}

/// A document, parsed.
enum Parsed {
    Index(Box<ImageIndex>),
    Image(Box<ImageManifest>),
}

impl<E: Engine> Fetcher<E> {
    /// Resolves an image reference; see [`enclair_recipe::Supply::resolve_image`].
    ///
    /// # Errors
    ///
    /// [`Error::Image`] with who was asked and what they answered, [`Error::Reference`],
    /// [`Error::OfflineQuestion`], and those of [`Fetcher::obtain`] for configuration and manifest.
    pub fn resolve_image(&self, reference: &str, arch: Arch) -> Result<Blob, Error> {
        let parsed: RegistryReference = reference.parse().map_err(|source| Error::Reference {
            reference: reference.to_owned(),
            source,
        })?;
        let asked = endpoints(&parsed.name(), self.settings()).unwrap_or_default();
        let version = parsed.version();
        let (document, provider) = match self.known(version)? {
            Some(document) => (document, "the store".to_owned()),
            None if self.settings().offline => {
                return Err(Error::OfflineQuestion {
                    what: reference.to_owned(),
                });
            }
            None => self.ask_all(reference, &asked, version)?,
        };
        let mut choice = Choice {
            fetcher: self,
            reference,
            repository: parsed.name(),
            provider,
            arch,
            left: MAX_DOCUMENTS,
            available: BTreeSet::new(),
        };
        let found = choice.visit(&document, 0)?;
        let found = found.ok_or_else(|| choice.no_platform())?;
        if matches!(version, Version::Digest(_)) {
            // What the digest names: by it anybody can see that the manifest is meant.
            let kept = self.store().add(&mut document.bytes.as_slice());
            kept.map_err(Error::Store)?;
        }
        Ok(found)
    }

    /// What a digest names, if the store has it.
    fn known(&self, version: &Version) -> Result<Option<Document>, Error> {
        let Version::Digest(sha256) = version else {
            return Ok(None);
        };
        let Some(size) = self.store().blob_size(sha256).map_err(Error::Store)? else {
            return Ok(None);
        };
        let blob = Blob {
            sha256: *sha256,
            size,
        };
        Ok(self.read(&blob)?.map(|bytes| Document {
            bytes,
            sha256: *sha256,
            media_type: None,
        }))
    }

    /// A document of the store; nothing, and the blob set aside, when it is not what it should be.
    fn read(&self, blob: &Blob) -> Result<Option<Vec<u8>>, Error> {
        if !usize::try_from(blob.size).is_ok_and(|size| size <= MANIFEST_BYTES) {
            return Ok(None);
        }
        let opened = self.store().read_blob(&blob.sha256, Some(blob.size));
        let mut bytes = Vec::new();
        let read = opened.map_err(Error::Store)?.read_to_end(&mut bytes);
        if read.is_ok() {
            return Ok(Some(bytes));
        }
        self.store().set_aside(&blob.sha256).map_err(Error::Store)?;
        Ok(None)
    }

    /// Asks one registry after the other; the first answer counts.
    fn ask_all(
        &self,
        reference: &str,
        endpoints: &[Endpoint],
        version: &Version,
    ) -> Result<(Document, String), Error> {
        self.network()?;
        let mut failures = Vec::new();
        let mut found = None;
        for endpoint in endpoints {
            let mut tries = Tries::new(self.settings(), 0);
            match self.ask_often(endpoint, version, &mut tries) {
                Ok(document) => {
                    found = Some((document, endpoint.to_string()));
                    break;
                }
                Err(reason) => failures.push(Failure {
                    provider: endpoint.to_string(),
                    reason: Arc::new(reason),
                    tries: tries.made(),
                }),
            }
        }
        let outcome = match &found {
            Some((document, provider)) => Outcome::Provided {
                provider: provider.clone(),
                bytes: u64::try_from(document.bytes.len()).unwrap_or(u64::MAX),
            },
            None => Outcome::Missing,
        };
        self.note(Looked {
            name: reference.to_owned(),
            sha256: found.as_ref().map(|(document, _)| document.sha256),
            outcome,
            failures: failures.clone(),
        });
        found.ok_or_else(|| Error::Image {
            reference: reference.to_owned(),
            failures,
        })
    }

    fn ask_often(
        &self,
        endpoint: &Endpoint,
        version: &Version,
        tries: &mut Tries,
    ) -> Result<Document, Reason> {
        loop {
            match self.ask_once(endpoint, version) {
                Ok(document) => return Ok(document),
                Err(reason) => match tries.next(&reason, 0) {
                    Some(wait) => thread::sleep(wait),
                    None => return Err(reason),
                },
            }
        }
    }

    fn ask_once(&self, endpoint: &Endpoint, version: &Version) -> Result<Document, Reason> {
        let text = match version {
            Version::Tag(tag) => tag.clone(),
            Version::Digest(digest) => format!("sha256:{digest}"),
        };
        let url = endpoint.url("manifests", &text).ok_or(Reason::Url)?;
        let request = Request::get(url).accepting(MANIFESTS);
        let answer = self.sessions().send(self.started()?, endpoint, request)?;
        if answer.status() != 200 {
            return Err(answer.failure(message));
        }
        let declared = answer.header(&CONTENT_DIGEST).map(str::to_owned);
        let media_type = answer.header(&CONTENT_TYPE).map(essence);
        let bytes = answer.document(MANIFEST_BYTES)?;
        let found = digest(&bytes);
        if let Version::Digest(expected) = version
            && *expected != found
        {
            return Err(Reason::Digest {
                expected: *expected,
                found,
            });
        }
        check_declared(declared, found)?;
        let document = Document {
            bytes,
            sha256: found,
            media_type,
        };
        // A registry that gives no document at all must not be the first that answers.
        document.parse().map(|_| document)
    }
}

fn digest(bytes: &[u8]) -> Sha256 {
    let mut hasher = PureRust.sha256();
    Hasher::update(&mut hasher, bytes);
    Hasher::finish(hasher)
}

/// Compares what came with the header. One of another algorithm says nothing.
fn check_declared(declared: Option<String>, found: Sha256) -> Result<(), Reason> {
    let Some(declared) = declared else {
        return Ok(());
    };
    match declared.strip_prefix("sha256:") {
        Some(digest) if digest.parse() != Ok(found) => {
            Err(Reason::document(DocumentProblem::DeclaredDigest {
                declared,
                found,
            }))
        }
        _ => Ok(()),
    }
}

/// A media type without its parameters.
fn essence(value: &str) -> String {
    let essence = value.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

impl Document {
    fn parse(&self) -> Result<Parsed, Reason> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Shape {
            schema_version: u64,
            media_type: Option<String>,
            manifests: Option<serde::de::IgnoredAny>,
            config: Option<serde::de::IgnoredAny>,
            layers: Option<serde::de::IgnoredAny>,
        }
        let unparsable = |_| Reason::document(DocumentProblem::Parse);
        let shape: Shape = serde_json::from_slice(&self.bytes).map_err(unparsable)?;
        if shape.schema_version == 1 {
            return Err(Reason::document(DocumentProblem::Schema1));
        }
        let is_image = shape.config.is_some() || shape.layers.is_some();
        let is_index = shape.manifests.is_some();
        let says = shape.media_type.or_else(|| self.media_type.clone());
        let says_one_of = |types: &[&str]| {
            // Documents of OCI may leave the type out, and servers of files know none.
            says.as_deref().is_none_or(|says| {
                types.contains(&says) || matches!(says, "application/json" | "text/plain")
            })
        };
        if shape.schema_version == 2 && is_index && !is_image && says_one_of(&INDEXES) {
            let index = serde_json::from_slice(&self.bytes).map_err(unparsable)?;
            return Ok(Parsed::Index(Box::new(index)));
        }
        if shape.schema_version == 2 && is_image && !is_index && says_one_of(&IMAGES) {
            let image = serde_json::from_slice(&self.bytes).map_err(unparsable)?;
            return Ok(Parsed::Image(Box::new(image)));
        }
        let found = says.unwrap_or_else(|| "none".to_owned());
        let found = found.escape_default().take(100).collect();
        Err(Reason::document(DocumentProblem::MediaType { found }))
    }
}

/// The way from a document to the manifest for one architecture.
struct Choice<'a, E: Engine> {
    fetcher: &'a Fetcher<E>,
    reference: &'a str,
    repository: String,
    /// Who gave the first document.
    provider: String,
    arch: Arch,
    /// Documents that may still be read.
    left: usize,
    /// Platforms that were seen.
    available: BTreeSet<String>,
}

impl<E: Engine> Choice<'_, E> {
    /// The manifest that a document is, or leads to.
    fn visit(&mut self, document: &Document, depth: usize) -> Result<Option<Blob>, Error> {
        match document.parse().map_err(|reason| self.fail(reason))? {
            Parsed::Image(image) => self.check(document, &image),
            Parsed::Index(_) if depth == MAX_DEPTH => {
                Err(self.fail(Reason::document(DocumentProblem::Depth {
                    limit: MAX_DEPTH,
                })))
            }
            Parsed::Index(index) => self.search(&index, depth),
        }
    }

    fn search(&mut self, index: &ImageIndex, depth: usize) -> Result<Option<Blob>, Error> {
        for descriptor in self.candidates(index) {
            let Some(left) = self.left.checked_sub(1) else {
                break;
            };
            self.left = left;
            let blob = blob_of(descriptor).map_err(|reason| self.fail(reason))?;
            let document = Document {
                bytes: self.bring("manifest", &blob)?,
                sha256: blob.sha256,
                media_type: Some(descriptor.media_type().to_string()),
            };
            if let Some(found) = self.visit(&document, depth.saturating_add(1))? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Entries that may lead to the architecture: first those that say so, the plainest variant
    /// before others, then those that say nothing. Attestations say `unknown/unknown`.
    fn candidates<'i>(&mut self, index: &'i ImageIndex) -> Vec<&'i Descriptor> {
        let mut candidates = Vec::new();
        for descriptor in index.manifests() {
            let known = |types: &[&str]| types.contains(&descriptor.media_type().as_ref());
            if !known(&INDEXES) && !known(&IMAGES) {
                continue;
            }
            match descriptor.platform() {
                Some(platform) if is_attestation(platform) => {}
                Some(platform) => {
                    self.see(
                        &platform.os().to_string(),
                        &platform.architecture().to_string(),
                    );
                    if self.is_for(&platform.os().to_string(), platform) {
                        candidates.push((rank(platform), descriptor));
                    }
                }
                None => candidates.push((u8::MAX, descriptor)),
            }
        }
        candidates.sort_by_key(|(rank, _)| *rank);
        candidates
            .into_iter()
            .map(|(_, descriptor)| descriptor)
            .collect()
    }

    fn is_for(&self, os: &str, platform: &Platform) -> bool {
        os == "linux" && platform.architecture().to_string() == oci_architecture(self.arch)
    }

    fn see(&mut self, os: &str, architecture: &str) {
        const MOST: usize = 16;
        if self.available.len() < MOST {
            let text = format!("{os}/{architecture}");
            let shown = text.escape_default().take(40).collect();
            self.available.insert(shown);
        }
    }

    /// Looks into the configuration, and keeps the manifest if it is for the architecture.
    fn check(&mut self, document: &Document, image: &ImageManifest) -> Result<Option<Blob>, Error> {
        #[derive(Deserialize)]
        struct Configuration {
            os: String,
            architecture: String,
        }
        for layer in image.layers() {
            blob_of(layer).map_err(|reason| self.fail(reason))?;
        }
        let blob = blob_of(image.config()).map_err(|reason| self.fail(reason))?;
        let bytes = self.bring("configuration", &blob)?;
        let unparsable = |_| Reason::document(DocumentProblem::Parse);
        let parsed = serde_json::from_slice(&bytes).map_err(unparsable);
        let Configuration { os, architecture } = parsed.map_err(|reason| self.fail(reason))?;
        if os != "linux" || architecture != oci_architecture(self.arch) {
            self.see(&os, &architecture);
            return Ok(None);
        }
        let kept = self.fetcher.store().add(&mut document.bytes.as_slice());
        let (sha256, size) = kept.map_err(Error::Store)?;
        Ok(Some(Blob { sha256, size }))
    }

    /// Brings a document of the repository into the store and reads it.
    fn bring(&self, what: &str, blob: &Blob) -> Result<Vec<u8>, Error> {
        let limit = u64::try_from(MANIFEST_BYTES).unwrap_or(u64::MAX);
        if blob.size > limit {
            return Err(self.fail(Reason::TooLarge { limit }));
        }
        let wanted = Wanted {
            blob: *blob,
            name: format!("{what} of {}", self.reference),
            place: Place::Repository(self.repository.clone()),
        };
        // What the store had may turn out to be another; what was fetched then does not.
        for _ in 0..2 {
            self.fetcher.obtain(std::slice::from_ref(&wanted))?;
            if let Some(bytes) = self.fetcher.read(blob)? {
                return Ok(bytes);
            }
        }
        Err(self.fail(Reason::document(DocumentProblem::Parse)))
    }

    fn fail(&self, reason: Reason) -> Error {
        Error::Image {
            reference: self.reference.to_owned(),
            failures: vec![Failure {
                provider: self.provider.clone(),
                reason: Arc::new(reason),
                tries: 1,
            }],
        }
    }

    fn no_platform(&self) -> Error {
        let available: Vec<_> = self.available.iter().map(String::as_str).collect();
        self.fail(Reason::document(DocumentProblem::Platform {
            architecture: oci_architecture(self.arch),
            available: if available.is_empty() {
                "none that says so".to_owned()
            } else {
                available.join(", ")
            },
        }))
    }
}

fn is_attestation(platform: &Platform) -> bool {
    platform.os().to_string() == "unknown" && platform.architecture().to_string() == "unknown"
}

/// The variant that every CPU of the architecture has comes first.
fn rank(platform: &Platform) -> u8 {
    match platform.variant().as_deref() {
        None | Some("" | "v1" | "v8") => 0,
        Some(_) => 1,
    }
}

/// The name that container images have for an architecture.
const fn oci_architecture(arch: Arch) -> &'static str {
    match arch {
        Arch::X86_64 => "amd64",
        Arch::Aarch64 => "arm64",
    }
}

fn blob_of(descriptor: &Descriptor) -> Result<Blob, Reason> {
    let text = descriptor.digest().to_string();
    let digest = text
        .strip_prefix("sha256:")
        .and_then(|hex| hex.parse().ok());
    let sha256 = digest.ok_or_else(|| {
        let found = text.escape_default().take(100).collect();
        Reason::document(DocumentProblem::DigestForm { found })
    })?;
    Ok(Blob {
        sha256,
        size: descriptor.size(),
    })
}
