//! The environment, read in one place. Nothing in it decides a byte of an image but
//! `SOURCE_DATE_EPOCH`, and that only where no lock does.
//!
//! | variable | what it says |
//! |---|---|
//! | `ENCLAIR_STORE` | where the store is, instead of `enclair` in the cache directory |
//! | `XDG_CACHE_HOME`, `XDG_CONFIG_HOME`, `HOME` | where caches and settings are |
//! | `XDG_RUNTIME_DIR`, `XDG_STATE_HOME`, `HOME` | where enclaves that run in the background are kept |
//! | `CI` | `true`: as with `--locked` |
//! | `SOURCE_DATE_EPOCH` | the epoch of a recipe or an image that says none |
//! | `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, `XDG_RUNTIME_DIR` | where credentials are |
//! | `DOCKER_HOST` | the Docker daemon |
//! | `ENCLAIR_APT_SOURCES` | where this machine's apt sources are, instead of `/etc/apt` |
//! | `ENCLAIR_CA_FILE` | certificates that are trusted besides the machine's |
//! | `http_proxy`, `https_proxy`, `no_proxy` | in either case, as other programs read them |
#![allow(
    clippy::disallowed_methods,
    reason = "the environment is read here and passed on as values"
)]

use std::env::{var, var_os};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use enclair_build::Epoch;
use enclair_fetch::{Credentials, Proxies};

/// A variable that names a path; an empty one names none.
fn path(name: &str) -> Option<PathBuf> {
    var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn text(names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| var(name).ok().filter(|value| !value.is_empty()))
}

/// A directory of this program below the one that `variable` names, or below `HOME`.
fn directory(variable: &str, below_home: &str) -> Option<PathBuf> {
    // The specification of these variables ignores relative paths.
    let base = path(variable).filter(|path| path.is_absolute());
    let base = base.or_else(|| path("HOME").map(|home| home.join(below_home)));
    base.map(|base| base.join("enclair"))
}

/// Where the store is.
pub(crate) fn store() -> anyhow::Result<PathBuf> {
    path("ENCLAIR_STORE")
        .or_else(|| directory("XDG_CACHE_HOME", ".cache"))
        .ok_or_else(|| anyhow!("there is no place for the store: set ENCLAIR_STORE or HOME"))
}

/// Where enclaves that run in the background are kept: it is gone with the machine's next start,
/// as they are, where there is such a directory.
pub(crate) fn enclaves() -> anyhow::Result<PathBuf> {
    path("XDG_RUNTIME_DIR")
        .filter(|path| path.is_absolute())
        .map(|path| path.join("enclair"))
        .or_else(|| directory("XDG_STATE_HOME", ".local/state"))
        .map(|directory| directory.join("enclaves"))
        .ok_or_else(|| anyhow!("there is no place for enclaves: set XDG_RUNTIME_DIR or HOME"))
}

/// The user's settings file.
pub(crate) fn settings() -> Option<PathBuf> {
    directory("XDG_CONFIG_HOME", ".config").map(|directory| directory.join("config.toml"))
}

/// Whether this is a run whose inputs must be locked.
pub(crate) fn is_ci() -> bool {
    var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// `SOURCE_DATE_EPOCH`.
pub(crate) fn epoch() -> anyhow::Result<Option<Epoch>> {
    let Ok(value) = var("SOURCE_DATE_EPOCH") else {
        return Ok(None);
    };
    value
        .parse()
        .map(Some)
        .with_context(|| "SOURCE_DATE_EPOCH cannot be used")
}

/// What tells this program from another build of the same version: size and time of its file.
pub(crate) fn program() -> String {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let file = file.map(|file| (file.len(), file.modified().ok()));
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), file.ok())
}

/// The time so long ago; `None` for a clock that does not go that far back.
pub(crate) fn ago(age: std::time::Duration) -> Option<std::time::SystemTime> {
    std::time::SystemTime::now().checked_sub(age)
}

/// The time, in seconds since 1970; nothing for a clock before that.
pub(crate) fn now() -> Option<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().map(|since| since.as_secs())
}

/// The directory with this machine's apt sources.
pub(crate) fn apt_sources() -> PathBuf {
    path("ENCLAIR_APT_SOURCES").unwrap_or_else(|| PathBuf::from("/etc/apt"))
}

/// Where credentials for registries are.
pub(crate) fn credentials() -> Credentials {
    Credentials {
        auth_file: path("REGISTRY_AUTH_FILE"),
        runtime_dir: path("XDG_RUNTIME_DIR"),
        docker_config: path("DOCKER_CONFIG"),
        home: path("HOME"),
    }
}

/// The Docker daemon.
pub(crate) fn docker_host() -> Option<String> {
    text(&["DOCKER_HOST"])
}

/// Certificates that are trusted besides the machine's.
pub(crate) fn ca_file() -> Option<PathBuf> {
    path("ENCLAIR_CA_FILE")
}

/// Through what servers are reached.
pub(crate) fn proxies() -> Proxies {
    Proxies {
        // In upper case a server could be made to set it by a request's header.
        http: text(&["http_proxy"]),
        https: text(&["https_proxy", "HTTPS_PROXY"]),
        except: text(&["no_proxy", "NO_PROXY"]),
    }
}
