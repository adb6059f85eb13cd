//! Credentials from the files of Podman and Docker, and from the helpers that they name.
//!
//! The files are looked for where the settings say, never where the environment does. A helper is
//! a program of the user's, and gets a limited time: some wait for a window that nobody sees.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};

use super::endpoint::Endpoint;
use crate::reason::{Phase, Reason};
use crate::settings::Credentials;

/// Bytes of a file of credentials.
const FILE_BYTES: u64 = 1 << 20;

const HELPER_TIME: Duration = Duration::from_mins(1);

impl Credentials {
    /// Podman's files, then Docker's.
    fn files(&self) -> (Vec<PathBuf>, Option<PathBuf>) {
        let podman = match (&self.auth_file, &self.runtime_dir, &self.home) {
            (Some(file), _, _) => vec![file.clone()],
            (None, runtime, home) => {
                let runtime = runtime.as_ref().map(|dir| dir.join("containers/auth.json"));
                let home = home
                    .as_ref()
                    .map(|dir| dir.join(".config/containers/auth.json"));
                runtime.into_iter().chain(home).collect()
            }
        };
        let home = || self.home.as_ref().map(|home| home.join(".docker"));
        let docker = self.docker_config.clone().or_else(home);
        (podman, docker.map(|dir| dir.join("config.json")))
    }

    /// The credentials for a repository, if there are any.
    pub(super) fn find(&self, endpoint: &Endpoint) -> Result<Option<DockerCredential>, Reason> {
        let (podman, docker) = self.files();
        for path in podman {
            // Podman has credentials for parts of a registry too; the longest name counts.
            let mut keys = names(endpoint);
            keys.push(key(&endpoint.host));
            if let Some(found) = look(&path, keys, &endpoint.host)? {
                return Ok(Some(found));
            }
        }
        match docker {
            Some(path) => look(&path, vec![key(&endpoint.host)], &endpoint.host),
            None => Ok(None),
        }
    }
}

/// What a registry is called in these files.
fn key(host: &str) -> String {
    match host {
        "docker.io" => "https://index.docker.io/v1/".to_owned(),
        host => host.to_owned(),
    }
}

/// `HOST/A/B`, `HOST/A`.
fn names(endpoint: &Endpoint) -> Vec<String> {
    let mut name = endpoint.name.as_str();
    let mut names = vec![format!("{}/{name}", endpoint.host)];
    while let Some((shorter, _)) = name.rsplit_once('/') {
        name = shorter;
        names.push(format!("{}/{name}", endpoint.host));
    }
    names
}

fn look(path: &Path, keys: Vec<String>, host: &str) -> Result<Option<DockerCredential>, Reason> {
    let failed = |source| Reason::Credentials {
        host: host.to_owned(),
        source,
    };
    let Some(content) = read(path).map_err(failed)? else {
        return Ok(None);
    };
    for key in keys {
        match ask(content.clone(), key)? {
            Ok(credential) => return Ok(Some(credential)),
            Err(error) if is_none(&error) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(None)
}

/// The file's content; nothing where there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, CredentialRetrievalError> {
    let Ok(file) = File::open(path) else {
        return Ok(None);
    };
    let mut content = Vec::new();
    file.take(FILE_BYTES)
        .read_to_end(&mut content)
        .map_err(|_| CredentialRetrievalError::ConfigReadError)?;
    Ok((!content.is_empty()).then_some(content))
}

type Found = Result<DockerCredential, CredentialRetrievalError>;

/// Looks a key up, in a thread that is left alone when a helper does not come back.
fn ask(content: Vec<u8>, key: String) -> Result<Found, Reason> {
    let (answer, answered) = mpsc::channel();
    thread::spawn(move || {
        let found = docker_credential::get_credential_from_reader(content.as_slice(), &key);
        // Nobody waits any more when this fails.
        let _ = answer.send(found);
    });
    answered
        .recv_timeout(HELPER_TIME)
        .map_err(|_| Reason::TimedOut {
            phase: Phase::Helper,
        })
}

/// Helpers have no status of their own for "I have none".
fn is_none(error: &CredentialRetrievalError) -> bool {
    let none = |said: &String| said.contains("credentials not found");
    if let CredentialRetrievalError::HelperFailure { stdout, stderr, .. } = error {
        none(stdout) || none(stderr)
    } else {
        *error == CredentialRetrievalError::NoCredentialConfigured
    }
}
