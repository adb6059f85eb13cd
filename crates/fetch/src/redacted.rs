//! URLs as they are shown: without what would let a reader of a log in.
//!
//! User and password go, and so do the values of the query, in which stores of objects carry
//! signatures that are as good as a password. What is no URL is shown up to the first sign of
//! either.

use std::fmt;

use reqwest::Url;

/// A URL whose text hides credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(String);

impl RedactedUrl {
    /// Takes a URL as somebody wrote it.
    pub fn new(text: &str) -> Self {
        match Url::parse(text) {
            // `user:password@host` is a URL to a parser, with `user` as its scheme.
            Ok(url) if !url.cannot_be_a_base() => Self::of(&url),
            Ok(_) | Err(_) => Self(cut(text)),
        }
    }

    pub(crate) fn of(url: &Url) -> Self {
        let mut shown = url.clone();
        // Both fail only for URLs that cannot have what is removed.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_fragment(None);
        if url.query().is_some() {
            shown.set_query(Some("..."));
        }
        Self(shown.into())
    }
}

/// Without what is before an `@` or behind a `?`.
fn cut(text: &str) -> String {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    match (path.split_once("://"), path.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) if !path.starts_with('/') => rest.to_owned(),
        _ => path.to_owned(),
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedactedUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_password_and_signatures_are_not_shown() {
        for (text, shown) in [
            ("https://u:secret@h/p?sig=secret#secret", "https://h/p?..."),
            ("https://secret@h:8443/p", "https://h:8443/p"),
            ("https://h/p", "https://h/p"),
            ("https://u:secret@h:notaport/p", "https://h:notaport/p"),
            ("u:secret@h/p?x=secret", "h/p"),
            ("file:///a/b@c", "file:///a/b@c"),
        ] {
            let url = RedactedUrl::new(text);
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("secret"));
        }
    }
}
