//! Images of the local Docker daemon, as the archive that `docker save` writes.
//!
//! The daemon speaks HTTP at a Unix socket. Its answer has no digest to compare with: who builds
//! from it builds from what this machine happens to have, and the lock says so.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use enclair_digest::Engine;
use reqwest::Url;

use crate::error::Error;
use crate::fetcher::Fetcher;
use crate::network::{Network, Request};
use crate::reason::Reason;
use crate::redacted::RedactedUrl;
use crate::registry::message;
use crate::summary::Failure;

/// Where a daemon listens that was not told otherwise.
const SOCKET: &str = "/var/run/docker.sock";

impl<E: Engine> Fetcher<E> {
    /// Writes the archive of an image of the Docker daemon; see
    /// [`enclair_recipe::Supply::save_daemon_image`].
    ///
    /// # Errors
    ///
    /// [`Error::Daemon`] with what was tried, and [`Error::DaemonAddress`].
    pub fn save_daemon_image(&self, name: &str, archive: &mut dyn Write) -> Result<(), Error> {
        let address = self.settings().docker_host.as_deref();
        let failed = |provider: String, reason: Reason| Error::Daemon {
            name: name.to_owned(),
            failure: Failure {
                provider,
                reason: Arc::new(reason),
                tries: 1,
            },
        };
        let socket = match address.map(|address| address.split_once("://")) {
            None => Some(SOCKET),
            Some(Some(("unix", path))) => Some(path),
            Some(Some(("tcp" | "http", _))) => None,
            Some(_) => return Err(unknown(address)),
        };
        if let Some(path) = socket {
            let network = Network::at_socket(Path::new(path), self.settings().timeouts)?;
            let saved = save(&network, "http://docker", name, archive);
            return saved.map_err(|reason| failed(path.to_owned(), reason));
        }
        let address = address.unwrap_or_default();
        let shown = RedactedUrl::new(address).to_string();
        if self.settings().offline {
            return Err(failed(shown, Reason::Offline));
        }
        let base = address.replacen("tcp://", "http://", 1);
        save(self.network()?, &base, name, archive).map_err(|reason| failed(shown, reason))
    }
}

fn unknown(address: Option<&str>) -> Error {
    Error::DaemonAddress {
        address: RedactedUrl::new(address.unwrap_or_default()).to_string(),
    }
}

fn save(network: &Network, base: &str, name: &str, archive: &mut dyn Write) -> Result<(), Reason> {
    let mut answer = network.send(Request::get(image_url(base, name)?))?;
    if answer.status() != 200 {
        return Err(answer.failure(message));
    }
    while let Some(chunk) = answer.chunk()? {
        archive.write_all(chunk.as_ref()).map_err(Reason::Write)?;
    }
    archive.flush().map_err(Reason::Write)
}

/// `/images/NAME/get`, where slashes of the name are slashes of the path.
fn image_url(base: &str, name: &str) -> Result<Url, Reason> {
    let mut url = Url::parse(base).map_err(|_| Reason::Url)?;
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Reason::Url);
    }
    url.path_segments_mut()
        .map_err(|()| Reason::Url)?
        .pop_if_empty()
        .push("images")
        .extend(name.split('/'))
        .push("get");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_inside_of_its_place_in_the_path() {
        let url = |name| image_url("http://docker", name).map(String::from);
        assert_eq!(
            url("h:5000/a/b:1").unwrap(),
            "http://docker/images/h:5000/a/b:1/get"
        );
        assert_eq!(
            url("a?b#c d").unwrap(),
            "http://docker/images/a%3Fb%23c%20d/get"
        );
        assert!(url("a/../b").is_err());
        assert!(url("").is_err());
    }
}
