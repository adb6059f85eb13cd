//! Where a repository is: its registry's mirrors, then the registry.

use std::fmt;

use reqwest::Url;

use crate::error::Error;
use crate::redacted::RedactedUrl;
use crate::settings::Settings;

/// Docker's registry has another name in references than on the network.
const DOCKER: &str = "docker.io";
const DOCKER_HOST: &str = "registry-1.docker.io";

/// One repository at one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The host as it stands in references, settings and files of credentials.
    pub(crate) host: String,
    /// The name below the host.
    pub(crate) name: String,
    /// `https://HOST/v2/`.
    base: Url,
    /// Whether credentials are kept from it.
    pub(crate) anonymous: bool,
}

impl Endpoint {
    fn new(host: &str, name: &str, settings: &Settings) -> Option<Self> {
        let registry = settings.registries.get(host);
        let insecure = registry.is_some_and(|registry| registry.insecure);
        let scheme = if insecure { "http" } else { "https" };
        let reached = if host == DOCKER { DOCKER_HOST } else { host };
        let base = Url::parse(&format!("{scheme}://{reached}/v2/")).ok()?;
        // A host is nothing but a host: no user, no path that swallows what follows.
        let plain = base.username().is_empty() && base.path() == "/v2/" && base.query().is_none();
        (plain && is_name(name)).then(|| Self {
            host: host.to_owned(),
            name: name.to_owned(),
            base,
            anonymous: registry.is_some_and(|registry| registry.anonymous),
        })
    }

    /// The URL of a document or blob: `kind` is `manifests` or `blobs`, `which` a tag or digest.
    pub(crate) fn url(&self, kind: &str, which: &str) -> Option<Url> {
        self.base
            .join(&format!("{}/{kind}/{which}", self.name))
            .ok()
    }

    /// Whether a URL is at the same server.
    pub(crate) fn is_at(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// Whether it is reached with TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.base.scheme() == "https"
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registry {}/{}", self.host, self.name)
    }
}

/// Everybody who may have a repository, in the order in which they are asked; nothing when it is
/// no repository.
pub(crate) fn endpoints(repository: &str, settings: &Settings) -> Option<Vec<Endpoint>> {
    let (host, name) = repository.split_once('/')?;
    let own = Endpoint::new(host, name, settings)?;
    let mirrors = settings.registries.get(host).map(|own| &own.mirrors);
    let mirrors = mirrors.into_iter().flatten();
    let mirrors = mirrors.filter_map(|mirror| mirrored(mirror, name, settings));
    Some(mirrors.chain([own]).collect())
}

/// Where a mirror has a repository.
fn mirrored(mirror: &str, name: &str, settings: &Settings) -> Option<Endpoint> {
    let mirror = mirror.strip_suffix('/').unwrap_or(mirror);
    match mirror.split_once('/') {
        Some((host, prefix)) => Endpoint::new(host, &format!("{prefix}/{name}"), settings),
        None => Endpoint::new(mirror, name, settings),
    }
}

/// Refuses a host or a mirror that would be passed over without a word later.
pub(crate) fn check_registries(settings: &Settings) -> Result<(), Error> {
    let wrong = |text: &str| Error::Registry {
        registry: RedactedUrl::new(text),
    };
    for (host, registry) in &settings.registries {
        Endpoint::new(host, "a", settings).ok_or_else(|| wrong(host))?;
        for mirror in &registry.mirrors {
            mirrored(mirror, "a", settings).ok_or_else(|| wrong(mirror))?;
        }
    }
    Ok(())
}

/// The specification's names: components of lower-case letters and digits, with single signs
/// between them. So nothing of a name can be another part of a URL.
pub(crate) fn is_name(name: &str) -> bool {
    let component = |part: &str| {
        let edge = |byte: Option<u8>| {
            byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let inner = |byte: u8| edge(Some(byte)) || matches!(byte, b'.' | b'_' | b'-');
        edge(part.bytes().next())
            && edge(part.bytes().last())
            && part.bytes().all(inner)
            && !part.contains("..")
    };
    name.len() <= 255 && name.split('/').all(component)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::RegistrySettings;

    #[test]
    fn mirrors_come_first_and_only_hosts_are_hosts() {
        let mut settings = Settings::default();
        let mut with = |host: &str, mirrors: &[&str], insecure| {
            let mirrors = mirrors.iter().map(ToString::to_string).collect();
            let registry = RegistrySettings {
                mirrors,
                insecure,
                anonymous: false,
            };
            settings.registries.insert(host.into(), registry);
        };
        with("docker.io", &["cache:5000/hub/", "mirror"], false);
        with("cache:5000", &["never"], true);
        let found = endpoints("docker.io/library/debian", &settings).unwrap();
        let urls: Vec<_> = found
            .iter()
            .map(|endpoint| endpoint.url("manifests", "12").unwrap().to_string())
            .collect();
        assert_eq!(
            urls,
            [
                "http://cache:5000/v2/hub/library/debian/manifests/12",
                "https://mirror/v2/library/debian/manifests/12",
                "https://registry-1.docker.io/v2/library/debian/manifests/12",
            ]
        );
        check_registries(&settings).unwrap();
        for mirror in ["u@evil", "https://mirror", "m/A", "m?x", ""] {
            let mut settings = Settings::default();
            let mirrors = vec![mirror.to_owned()];
            let registry = RegistrySettings {
                mirrors,
                insecure: false,
                anonymous: false,
            };
            settings.registries.insert("docker.io".into(), registry);
            assert!(check_registries(&settings).is_err(), "{mirror}");
        }
        for wrong in [
            "debian", "h/", "h/A", "h/a/../b", "h/a?b", "u:p@h/a", "h/a//b", "h/a%2f",
        ] {
            assert_eq!(endpoints(wrong, &Settings::default()), None, "{wrong}");
        }
    }
}
