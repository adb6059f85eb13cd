//! What several tools have in common: images that are built elsewhere, and reasons that fit more
//! than one of them.

use crate::document::Leaf;
use crate::draft::{Draft, Key};
use crate::error::{Error, Shown};
use crate::note::NoteKind;

pub(crate) const MACHINE: &str = "how much of a machine an enclave gets is said when it is run: \
     `enclair run --cpus N --memory MIB`";
pub(crate) const DEBUG: &str = "debug mode is chosen when an enclave is run; the image is the same";
pub(crate) const TLS: &str = "nothing ends TLS in front of the application; it does that itself, \
     and `overlay` puts files into the image";
pub(crate) const REGISTERS: &str = "registers of the image that the other tool built; those of \
     this one are in `measurements.json`";
pub(crate) const FIREWALL: &str = "a rule of the machine outside, not of the image";

/// Whether a reference is one that a registry could have, and what a recipe calls it.
///
/// `oci:1.2` names the image `oci` elsewhere, and a directory in a recipe. A tag beside a digest
/// means nothing, and a recipe refuses it.
pub(crate) fn image_reference(reference: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"./:@_-".contains(&byte);
    if reference.is_empty() || !reference.bytes().all(allowed) || reference.contains("://") {
        return None;
    }
    let transports = ["oci:", "oci-archive:", "docker-archive:", "docker-daemon:"];
    if transports.iter().any(|start| reference.starts_with(start)) {
        return Some(format!("docker.io/library/{reference}"));
    }
    if let Some((name, digest)) = reference.split_once('@') {
        return Some(format!("{}@{digest}", without_tag(name)));
    }
    Some(reference.to_owned())
}

/// A name without `:TAG` behind its last slash.
fn without_tag(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        Some(_) | None => name,
    }
}

/// What becomes of an image's reference: it is taken, and the lock pins what has no digest.
pub(crate) fn image_taken(reference: &str) -> NoteKind {
    match reference.split_once('@') {
        Some((name, _)) if without_tag(name) != name => {
            NoteKind::changed("`source.image` without the tag: the digest alone decides")
        }
        Some(_) => NoteKind::taken("`source.image`"),
        None => NoteKind::taken(
            "`source.image`; it has no digest, and `enclair lock` pins what it is today",
        ),
    }
}

/// Says above `source.dockerfile` how the image is built until this release's successor does it.
pub(crate) fn explain_dockerfile(draft: &mut Draft, path: &str) {
    let shown = Shown::new(path);
    let name = if path.contains(|c: char| !c.is_ascii_alphanumeric() && !"./_-".contains(c)) {
        "Dockerfile"
    } else {
        shown.as_str()
    };
    draft.comment(
        Key::Dockerfile,
        "Enclair does not build Dockerfiles in this release. Until it does, build the image:",
    );
    draft.comment(
        Key::Dockerfile,
        format!("    docker build -f {name} -t app . && docker save -o app.tar app"),
    );
    draft.comment(
        Key::Dockerfile,
        "and write `image = \"docker-archive:app.tar\"` instead of `dockerfile`:",
    );
}

/// The Dockerfile that another tool builds, as `source.dockerfile` names it.
pub(crate) fn dockerfile_path(leaf: &Leaf) -> Result<String, Error> {
    let path = leaf.text()?;
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(leaf.wrong("a path below the recipe"));
    }
    Ok(project_path(path))
}

/// A name for `enclave.name`.
pub(crate) fn name(leaf: &Leaf) -> Result<&str, Error> {
    let name = leaf.text()?;
    if name.contains(char::is_control) {
        return Err(leaf.wrong("a name on one line"));
    }
    Ok(name)
}

/// Whether a recipe takes this for a user or a group: a name, or a number that the kernel has.
pub(crate) fn is_principal(text: &str) -> bool {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<u32>().is_ok_and(|id| id < u32::MAX);
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$".contains(&byte);
    text.bytes().all(known) && !text.starts_with(['-', '.'])
}

/// Path of a project's file as a recipe spells it: without `./` in front.
pub(crate) fn project_path(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::{image_reference, project_path};

    #[test]
    fn references() {
        let reference = |text| image_reference(text);
        assert_eq!(reference("debian:13"), Some("debian:13".to_owned()));
        assert_eq!(
            reference("oci:1.2"),
            Some("docker.io/library/oci:1.2".to_owned())
        );
        assert_eq!(
            reference("host:5000/a:1@sha256:00"),
            Some("host:5000/a@sha256:00".to_owned())
        );
        assert_eq!(
            reference("host:5000/a@sha256:00"),
            Some("host:5000/a@sha256:00".to_owned())
        );
        for bad in ["", "a b", "https://x/y", "a\nb", "$X"] {
            assert_eq!(reference(bad), None, "{bad}");
        }
    }

    #[test]
    fn paths() {
        assert_eq!(project_path("./a//b/"), "a/b");
        assert_eq!(project_path("."), ".");
        assert_eq!(project_path("/x"), "x");
    }
}
