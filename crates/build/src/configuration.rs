//! The measured configuration: what init starts, as canonical JSON (RFC 8785).
//!
//! One file, `etc/enclair/enclave.json`, specified in `docs/formats/image.md`. Canonical means
//! that equal configurations have equal bytes: keys in order, no white space, one way to write a
//! string. The fields below are declared in that order and hold integers and text only, for which
//! `serde_json`'s compact form is the canonical one; a test compares it with the rules.

use enclair_digest::Limits;
use enclair_tree::{NodeKind, Spool, Tree, TreePath, read_body};
use oci_spec::image::ImageConfiguration;
use serde::Serialize;

use crate::error::Error;
use crate::user;

/// What container runtimes search for a program when the image does not say.
const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The application's process. Fields are in the order of their names: see the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// Program and arguments: ENTRYPOINT, then CMD.
    pub argv: Vec<String>,
    /// Working directory, absolute.
    pub cwd: String,
    /// `NAME=value`, in the image's order.
    pub env: Vec<String>,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: Vec<u32>,
    /// Version of this document.
    pub schema: u32,
    /// User id.
    pub uid: u32,
}

impl Configuration {
    /// What `image` says should run, with names resolved against its root filesystem.
    ///
    /// # Errors
    ///
    /// No program, a user or group that is not defined, a relative working directory, a NUL in
    /// an argument or variable.
    pub fn of_image(
        image: &ImageConfiguration,
        tree: &Tree,
        spool: &dyn Spool,
    ) -> Result<Self, Error> {
        let config = image.config().clone().unwrap_or_default();
        let part = |part: &Option<Vec<String>>| part.clone().unwrap_or_default();
        let argv = [part(config.entrypoint()), part(config.cmd())].concat();
        if argv.first().is_none_or(String::is_empty) {
            return Err(Error::NoProgram);
        }
        let identity = user::resolve(
            config.user().as_deref().unwrap_or_default(),
            &read_text(tree, spool, "etc/passwd")?,
            &read_text(tree, spool, "etc/group")?,
        )?;
        let cwd = config.working_dir().clone().filter(|cwd| !cwd.is_empty());
        let cwd = cwd.unwrap_or_else(|| "/".to_owned());
        if !cwd.starts_with('/') {
            return Err(Error::RelativeDirectory { path: cwd });
        }
        let env = complete_environment(part(config.env()), identity.home.as_deref());
        if let Some(text) = argv.iter().chain(&env).find(|text| text.contains('\0')) {
            return Err(Error::NulInProcess { text: text.clone() });
        }
        let user::Identity {
            uid,
            gid,
            groups,
            home: _,
        } = identity;
        Ok(Self {
            argv,
            cwd,
            env,
            gid,
            groups,
            schema: 1,
            uid,
        })
    }

    /// The bytes that are measured.
    ///
    /// # Errors
    ///
    /// None that this type can cause; the serializer's is passed on rather than hidden.
    pub fn to_canonical_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|source| Error::Serialize { source })
    }
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
fn read_text(tree: &Tree, spool: &dyn Spool, path: &str) -> Result<String, Error> {
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

    fn configuration(argv: &[&str], env: &[&str]) -> Configuration {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Configuration {
            argv: owned(argv),
            cwd: "/".into(),
            env: owned(env),
            gid: 0,
            groups: vec![4, 101],
            schema: 1,
            uid: 1000,
        }
    }

    #[test]
    fn the_bytes_are_canonical_json() {
        let json = configuration(
            &["/bin/sh", "-c", "a\n\"b\"\\\u{1}\u{7f}/\u{20ac}"],
            &["A=1"],
        )
        .to_canonical_json()
        .unwrap();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "{\"argv\":[\"/bin/sh\",\"-c\",\"a\\n\\\"b\\\"\\\\\\u0001\u{7f}/\u{20ac}\"],\
             \"cwd\":\"/\",\"env\":[\"A=1\"],\"gid\":0,\"groups\":[4,101],\"schema\":1,\
             \"uid\":1000}"
        );
    }

    #[test]
    fn keys_are_in_canonical_order_and_a_parsed_document_gives_the_same_bytes() {
        let json = configuration(&["x"], &["B=2", "A=1"])
            .to_canonical_json()
            .unwrap();
        // serde_json's own map is sorted by key.
        let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(serde_json::to_vec(&value).unwrap(), json);
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
