//! What a fetcher is told: providers, registries, archives, credentials, time-outs. All of it is given;
//! nothing here looks into the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use enclair_recipe::ProviderKind;

/// How content is fetched.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who has content apart from the place where it was found, in the order in which they are
    /// asked.
    pub providers: Vec<Provider>,
    /// How registries are reached, by host as in a reference; `docker.io` is Docker's.
    pub registries: BTreeMap<String, RegistrySettings>,
    /// How archives of packages are reached, by symbolic name.
    pub archives: BTreeMap<String, ArchiveSettings>,
    /// Opens no socket of a network, and asks no resolver.
    pub offline: bool,
    /// Where credentials for registries are looked for.
    pub credentials: Credentials,
    /// The Docker daemon, as in `DOCKER_HOST`; without it, the socket `/var/run/docker.sock`.
    pub docker_host: Option<String>,
    /// A file of PEM certificates that are trusted together with the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Through what servers are reached.
    pub proxies: Proxies,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// How many pieces of content are fetched at once; 0 counts as 1.
    pub parallel: usize,
    /// How often one provider is asked again after a failure that may pass.
    pub retries: u32,
    /// How long is waited before that.
    pub backoff: Backoff,
    /// What `{epoch}` stands for in templates.
    pub epoch: Option<u64>,
    /// The time, in seconds since 1970, for which snapshots of archives are asked when something has
    /// no date yet; without it, none are.
    pub now: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            registries: BTreeMap::new(),
            archives: BTreeMap::new(),
            offline: false,
            credentials: Credentials::default(),
            docker_host: None,
            ca_file: None,
            proxies: Proxies::default(),
            timeouts: Timeouts::default(),
            parallel: 8,
            retries: 3,
            backoff: Backoff::default(),
            epoch: None,
            now: None,
        }
    }
}

/// Somebody who has content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// For which content it is asked.
    pub kind: ProviderKind,
    /// Where it has a piece of content; see [`crate::Template`].
    pub template: String,
}

impl From<&enclair_recipe::Provider> for Provider {
    fn from(provider: &enclair_recipe::Provider) -> Self {
        Self {
            kind: *provider.kind,
            template: provider.url.as_str().to_owned(),
        }
    }
}

/// How one registry is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistrySettings {
    /// `HOST[:PORT][/PREFIX]` of registries that are asked before this one.
    pub mirrors: Vec<String>,
    /// Without TLS.
    pub insecure: bool,
    /// Without credentials: nobody but the user may decide that a password goes over plain HTTP.
    pub anonymous: bool,
}

impl From<&enclair_recipe::Registry> for RegistrySettings {
    fn from(registry: &enclair_recipe::Registry) -> Self {
        Self {
            mirrors: registry
                .mirrors
                .iter()
                .map(|mirror| (**mirror).clone())
                .collect(),
            insecure: *registry.insecure,
            anonymous: false,
        }
    }
}

/// How one archive of packages is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// URLs of its root, of `http`, `https` or `file`, in the order in which they are asked.
    pub mirrors: Vec<String>,
    /// Whether nobody else is asked, such as a snapshot.
    pub exclusive: bool,
}

/// Where credentials are looked for, in this order: Podman's file, then Docker's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// `REGISTRY_AUTH_FILE`: a file in Podman's form, instead of the usual places.
    pub auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, which has `containers/auth.json`.
    pub runtime_dir: Option<PathBuf>,
    /// `DOCKER_CONFIG`: the directory that has `config.json`, instead of `HOME/.docker`.
    pub docker_config: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
}

/// Through what servers are reached, as URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http`.
    pub http: Option<String>,
    /// For `https`.
    pub https: Option<String>,
    /// Hosts and networks that are reached without, as in `NO_PROXY`.
    pub except: Option<String>,
}

/// How long is waited for one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, with TLS.
    pub connect: Duration,
    /// For the whole head of an answer.
    pub head: Duration,
    /// For the next bytes of a body.
    pub idle: Duration,
    /// For all of one answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            head: Duration::from_mins(1),
            idle: Duration::from_secs(30),
            total: Duration::from_hours(2),
        }
    }
}

/// How long is waited before the next try: twice as long each time, and up to half of it more or
/// less, so that many who failed together do not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the first retry.
    pub first: Duration,
    /// At most, also when a server asks for more. Who asks for more than four times as much is
    /// not waited for at all.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_secs(15),
        }
    }
}
