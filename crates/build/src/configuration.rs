//! From a container image's configuration to the measured one: names become numbers, and what a
//! container runtime would add is added.
//!
//! What the measured configuration is, and its bytes, belongs to `enclair-configuration`, which
//! init reads it with.

use std::collections::BTreeMap;

use enclair_configuration::{Access, Configuration, Limit, PROXY_PORT, Resource, Services};
use enclair_digest::Limits;
use enclair_tree::{NodeKind, Spool, Tree, TreePath, read_body};
use oci_spec::image::ImageConfiguration;

use crate::error::Error;
use crate::request::Process;
use crate::user;

/// What container runtimes search for a program when the image does not say.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is measured about the application's process and a container image does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// What the agent does for the application; the pairs of `ingress` in any order.
    pub services: Services,
    /// The host's name; `None` for the default.
    pub hostname: Option<String>,
    /// Resource limits.
    pub limits: BTreeMap<Resource, Limit>,
    /// Whether the application may open `/dev/nsm`.
    pub nsm: Access,
    /// How often the application is started again when it fails.
    pub restart: u32,
    /// Whether the application may use vsock.
    pub vsock: Access,
}

/// What should run: as `image` says, or as `process` says instead, with names resolved against the
/// root filesystem.
///
/// # Errors
///
/// No program, a user or group that is not defined, a relative working directory, a NUL in
/// an argument or variable.
pub(crate) fn configuration_of(
    image: &ImageConfiguration,
    process: &Process,
    tree: &Tree,
    spool: &dyn Spool,
) -> Result<Configuration, Error> {
    let config = image.config().clone().unwrap_or_default();
    let part = |part: &Option<Vec<String>>| part.clone().unwrap_or_default();
    let of_image = || [part(config.entrypoint()), part(config.cmd())].concat();
    let argv = process.command.clone().unwrap_or_else(of_image);
    if argv.first().is_none_or(String::is_empty) {
        return Err(Error::NoProgram);
    }
    let identity = user::resolve(
        process
            .user
            .as_ref()
            .or(config.user().as_ref())
            .map_or("", String::as_str),
        &read_text(tree, spool, "etc/passwd")?,
        &read_text(tree, spool, "etc/group")?,
    )?;
    let cwd = process.workdir.as_ref().or(config.working_dir().as_ref());
    let cwd = cwd.cloned().filter(|cwd| !cwd.is_empty());
    let cwd = cwd.unwrap_or_else(|| "/".to_owned());
    if !cwd.starts_with('/') {
        return Err(Error::RelativeDirectory { path: cwd });
    }
    let env = complete_environment(
        environment(part(config.env()), &process.env),
        identity.home.as_deref(),
    );
    if let Some(text) = argv.iter().chain(&env).find(|text| text.contains('\0')) {
        return Err(Error::NulInProcess { text: text.clone() });
    }
    let user::Identity {
        uid,
        gid,
        groups,
        home: _,
    } = identity;
    Ok(Configuration {
        cwd,
        env,
        gid,
        groups,
        uid,
        ..Configuration::new(argv)
    })
}

/// Adds what the image does not say: `ramdisks` is how many the enclave's image has.
pub(crate) fn complete(
    mut configuration: Configuration,
    surroundings: &Surroundings,
    ramdisks: u32,
) -> Configuration {
    let Surroundings {
        services,
        hostname,
        limits,
        nsm,
        restart,
        vsock,
    } = surroundings;
    if let Some(hostname) = hostname {
        configuration.hostname.clone_from(hostname);
    }
    configuration.limits.clone_from(limits);
    (configuration.nsm, configuration.vsock) = (*nsm, *vsock);
    configuration.ramdisks = ramdisks;
    configuration.restart = *restart;
    configuration.services.clone_from(services);
    configuration.services.ingress.sort_unstable();
    if !services.egress.is_empty() {
        add_proxy(&mut configuration.env);
    }
    configuration
}

/// Adds the variables that programs ask for a proxy, where neither image nor recipe sets them.
fn add_proxy(env: &mut Vec<String>) {
    for (name, value) in [
        ("http_proxy", format!("http://127.0.0.1:{PROXY_PORT}")),
        ("https_proxy", format!("http://127.0.0.1:{PROXY_PORT}")),
        ("all_proxy", format!("socks5h://127.0.0.1:{PROXY_PORT}")),
        ("no_proxy", "localhost,127.0.0.1,::1".to_owned()),
    ] {
        let is_set = |variable: &String| {
            let set = variable.split('=').next().unwrap_or_default();
            set.eq_ignore_ascii_case(name)
        };
        if !env.iter().any(is_set) {
            env.push(format!("{name}={value}"));
        }
    }
}

/// Replaces variables in their places; new ones follow in their order.
fn environment(mut env: Vec<String>, changes: &[String]) -> Vec<String> {
    let name = |variable: &str| variable.split('=').next().map(str::to_owned);
    for change in changes {
        match env.iter_mut().find(|old| name(old) == name(change)) {
            Some(old) => old.clone_from(change),
            None => env.push(change.clone()),
        }
    }
    env
}

/// Adds what a container runtime adds: PATH in front and HOME behind, where the image sets none.
fn complete_environment(mut env: Vec<String>, home: Option<&str>) -> Vec<String> {
    let sets = |env: &[String], name: &str| env.iter().any(|entry| entry.starts_with(name));
    if !sets(&env, "PATH=") {
        env.insert(0, DEFAULT_PATH.to_owned());
    }
    if !sets(&env, "HOME=") {
        env.push(format!(
            "HOME={}",
            home.filter(|home| !home.is_empty()).unwrap_or("/")
        ));
    }
    env
}

/// A text file of the image, following symlinks inside it; empty when there is none.
pub(crate) fn read_text(tree: &Tree, spool: &dyn Spool, path: &str) -> Result<String, Error> {
    let Some(NodeKind::File(body)) = tree
        .lookup(&TreePath::parse(path.as_bytes())?)
        .map(|node| &node.kind)
    else {
        return Ok(String::new());
    };
    let bytes = read_body(body, spool)
        .read_to_vec(Limits::default().document_bytes)
        .map_err(|source| Error::Read {
            name: path.to_owned(),
            source,
        })?;
    // Lossy: a line that is not UTF-8 defines no name that an image's configuration could use.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_replaced_where_it_stands_and_a_new_one_follows() {
        let of_image = vec!["A=1".to_owned(), "B=2".into(), "AB=3".into()];
        let changes = ["B=".to_owned(), "C=x=y".into(), "A=0".into()];
        assert_eq!(
            environment(of_image, &changes),
            ["A=0", "B=", "AB=3", "C=x=y"]
        );
    }

    #[test]
    fn path_and_home_are_added_only_where_the_image_sets_none() {
        let env = complete_environment(vec!["A=1".into()], Some("/home/app"));
        assert_eq!(env, [DEFAULT_PATH, "A=1", "HOME=/home/app"]);
        let given = vec!["HOME=/x".to_owned(), "PATH=/y".to_owned()];
        assert_eq!(
            complete_environment(given.clone(), Some("/home/app")),
            given
        );
        assert_eq!(
            complete_environment(vec!["PATH=/y".into()], None),
            ["PATH=/y", "HOME=/"]
        );
    }
}
