//! Complete image references: `HOST/NAME:TAG`, `HOST/NAME@sha256:HEX`, or both.

use enclair_digest::Sha256;

use super::endpoint::is_name;

/// An image reference, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// `HOST/NAME`.
    pub(crate) repository: String,
    /// Which of its images. With a digest the tag says nothing.
    pub(crate) which: Which,
}

/// Which image of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    Tag(String),
    Digest(Sha256),
}

/// Parses a complete reference.
pub(crate) fn parse(text: &str) -> Option<Reference> {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => {
            let digest: Sha256 = digest.strip_prefix("sha256:")?.parse().ok()?;
            (rest, Some(digest))
        }
        None => (text, None),
    };
    let (host, rest) = rest.split_once('/')?;
    let (name, tag) = match rest.split_once(':') {
        Some((name, tag)) => (name, Some(tag)),
        None => (rest, None),
    };
    if host.is_empty() || !is_name(name) || !tag.is_none_or(is_tag) {
        return None;
    }
    let which = match (digest, tag) {
        (Some(digest), _) => Which::Digest(digest),
        (None, Some(tag)) => Which::Tag(tag.to_owned()),
        (None, None) => return None,
    };
    Some(Reference {
        repository: format!("{host}/{name}"),
        which,
    })
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = tag.bytes().next().is_some_and(word);
    first
        && tag.len() <= 128
        && tag
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_complete_or_none() {
        let digest = "ab".repeat(32);
        let reference = parse("localhost:5000/a/b:1.0-x").unwrap();
        assert_eq!(reference.repository, "localhost:5000/a/b");
        assert_eq!(reference.which, Which::Tag("1.0-x".into()));
        let both = parse(&format!("h/a:1@sha256:{digest}")).unwrap();
        assert_eq!(both.which, Which::Digest(digest.parse().unwrap()));
        for wrong in [
            "a",
            "h/a",
            "h/a:",
            "h/a:.x",
            "h/A:1",
            "/a:1",
            "h/a@sha512:00",
            "h/a:1/../x",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
