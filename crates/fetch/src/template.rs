//! Templates: where a provider has a piece of content.
//!
//! | variable | stands for |
//! |---|---|
//! | `{sha256}` | the digest, in hexadecimal |
//! | `{cid}` | the digest as a CID of version 1 of one raw block, as gateways of IPFS take it |
//! | `{name}` | the path of the URL where it was found, without the first slash; or the repository; or the path in an archive of packages |
//! | `{basename}` | the last part of `{name}` |
//! | `{epoch}` | the one time of the image, in seconds since 1970 |
//! | `{date}` | when snapshots of an archive have it, as in `20260711T161637Z` |
//! | `{sha1}` | SHA-1 of the content, which nothing records so far |
//!
//! A template with a variable that is not known for a piece of content is passed over for it, and
//! says so: a URL with a hole in it would ask for something else.

use enclair_recipe::Place;
use reqwest::Url;
use thiserror::Error;

use enclair_recipe::Wanted;

use crate::archive::snapshot_time;

/// A variable's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variable {
    /// `{name}`.
    Name,
    /// `{basename}`.
    Basename,
    /// `{sha256}`.
    Sha256,
    /// `{sha1}`.
    Sha1,
    /// `{cid}`.
    Cid,
    /// `{epoch}`.
    Epoch,
    /// `{date}`.
    Date,
}

impl Variable {
    /// Its name between the braces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Basename => "basename",
            Self::Sha256 => "sha256",
            Self::Sha1 => "sha1",
            Self::Cid => "cid",
            Self::Epoch => "epoch",
            Self::Date => "date",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [
            Self::Name,
            Self::Basename,
            Self::Sha256,
            Self::Sha1,
            Self::Cid,
            Self::Epoch,
            Self::Date,
        ]
        .into_iter()
        .find(|variable| variable.as_str() == name)
    }
}

/// Why a template gives no URL for a piece of content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A brace without its other half.
    #[error("a `{{` or `}}` stands alone")]
    Brace,
    /// No such variable.
    #[error("there is no variable `{{{name}}}`")]
    NoSuch {
        /// What stands between the braces.
        name: String,
    },
    /// The variable has no value for this content.
    #[error("skipped: `{{{}}}` is not known for this content", variable.as_str())]
    Unknown {
        /// The variable.
        variable: Variable,
    },
}

/// A template, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Variable),
}

/// The values of the variables for one piece of content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Values {
    name: Option<String>,
    sha256: String,
    cid: String,
    epoch: Option<u64>,
    date: Option<String>,
}

impl Values {
    pub(crate) fn of(wanted: &Wanted, epoch: Option<u64>) -> Self {
        let sha256 = &wanted.blob.sha256;
        Self {
            name: name_of(&wanted.place),
            sha256: sha256.to_string(),
            cid: cid(sha256.as_bytes()),
            epoch,
            date: snapshot_time(&wanted.place),
        }
    }

    fn value(&self, variable: Variable) -> Option<String> {
        match variable {
            Variable::Name => self.name.clone(),
            Variable::Basename => {
                let name = self.name.as_deref()?;
                Some(name.rsplit('/').next().unwrap_or(name).to_owned())
            }
            Variable::Sha256 => Some(self.sha256.clone()),
            Variable::Sha1 => None,
            Variable::Cid => Some(self.cid.clone()),
            Variable::Epoch => self.epoch.map(|epoch| epoch.to_string()),
            Variable::Date => self.date.clone(),
        }
    }
}

/// The path at a host; nothing where there is none or where it would lead upwards.
fn name_of(place: &Place) -> Option<String> {
    let name = match place {
        Place::Archive { path, .. } => path.clone(),
        Place::Anywhere => return None,
        Place::Url(url) => Url::parse(url).ok()?.path().trim_matches('/').to_owned(),
        Place::Repository(repository) => repository.split_once('/')?.1.to_owned(),
    };
    let upwards = |part: &str| part.is_empty() || part == "." || part == "..";
    (!name.split('/').any(upwards)).then_some(name)
}

/// CID of version 1, codec `raw` (0x55), multihash of SHA-256 (0x12, 32 bytes), in lower-case base 32.
fn cid(sha256: &[u8; 32]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::from("b");
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in [0x01, 0x55, 0x12, 0x20].iter().chain(sha256) {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(digit(ALPHABET, bits >> held));
        }
        bits &= (1 << held) - 1;
    }
    if held > 0 {
        text.push(digit(ALPHABET, bits << (5 - held)));
    }
    text
}

fn digit(alphabet: &[u8; 32], bits: u32) -> char {
    let index = usize::try_from(bits & 31).unwrap_or_default();
    alphabet.get(index).copied().map_or('a', char::from)
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// When a brace stands alone or a variable does not exist.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, next) = behind.split_once('}').ok_or(TemplateError::Brace)?;
            let variable = Variable::parse(name).ok_or_else(|| TemplateError::NoSuch {
                name: name.to_owned(),
            })?;
            push_text(&mut parts, before)?;
            parts.push(Part::Variable(variable));
            rest = next;
        }
        push_text(&mut parts, rest)?;
        Ok(Self(parts))
    }

    /// The template with its variables replaced.
    pub(crate) fn expand(&self, values: &Values) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Variable(variable) => {
                    let unknown = TemplateError::Unknown {
                        variable: *variable,
                    };
                    text.push_str(&values.value(*variable).ok_or(unknown)?);
                }
            }
        }
        Ok(text)
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::Brace);
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use enclair_digest::{Engine, Hasher, PureRust};
    use enclair_recipe::Blob;
    use proptest::prelude::*;

    use super::*;

    fn wanted(place: Place) -> Wanted {
        let mut hasher = PureRust.sha256();
        Hasher::update(&mut hasher, b"hello");
        Wanted {
            blob: Blob {
                sha256: hasher.finish(),
                size: 5,
            },
            name: "kernel".into(),
            place,
        }
    }

    fn expand(template: &str, place: Place) -> Result<String, TemplateError> {
        Template::parse(template)?.expand(&Values::of(&wanted(place), Some(7)))
    }

    #[test]
    fn variables_stand_for_what_is_known() {
        let url = || Place::Url("https://u:p@h/a/b.tar?x=1".into());
        let repository = || Place::Repository("docker.io/library/debian".into());
        assert_eq!(expand("f:/{name}", url()).unwrap(), "f:/a/b.tar");
        assert_eq!(expand("{basename}@{epoch}", url()).unwrap(), "b.tar@7");
        assert_eq!(
            expand("x/{name}", repository()).unwrap(),
            "x/library/debian"
        );
        let archive = |date| Place::Archive {
            archive: "debian".into(),
            path: "pool/main/h/hello/hello_1_all.deb".into(),
            date,
        };
        assert_eq!(
            expand("{date}/{name}", archive(Some(1_783_764_997))).unwrap(),
            "20260711T161637Z/pool/main/h/hello/hello_1_all.deb"
        );
        assert_eq!(
            expand("{basename}", archive(None)).unwrap(),
            "hello_1_all.deb"
        );
        assert!(expand("{date}", archive(None)).is_err());
        let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(expand("{sha256}", Place::Anywhere).unwrap(), digest);
        // What `ipfs add --cid-version=1 --raw-leaves` says of a file with `hello` in it.
        assert_eq!(
            expand("{cid}", Place::Anywhere).unwrap(),
            "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        let unknown = |variable| Err(TemplateError::Unknown { variable });
        assert_eq!(expand("{sha1}", Place::Anywhere), unknown(Variable::Sha1));
        assert_eq!(expand("{name}", Place::Anywhere), unknown(Variable::Name));
        let upwards = Place::Repository("h/a/../b".into());
        assert_eq!(expand("{name}", upwards), unknown(Variable::Name));
        for alone in ["{", "}", "a{sha256", "sha256}", "{sha256}}"] {
            assert_eq!(Template::parse(alone), Err(TemplateError::Brace), "{alone}");
        }
        assert!(matches!(
            Template::parse("{md5}"),
            Err(TemplateError::NoSuch { .. })
        ));
    }

    proptest! {
        #[test]
        fn text_without_variables_stays_itself(text in "[^{}]{0,40}") {
            prop_assert_eq!(expand(&text, Place::Anywhere), Ok(text));
        }

        #[test]
        fn no_template_leaves_a_brace(text in "([a-z/:]|\\{|\\}|\\{sha256\\}|\\{name\\}|\\{epoch\\}){0,12}") {
            if let Ok(url) = expand(&text, Place::Url("http://h/{x}/y".into())) {
                let braces = url.contains(['{', '}']);
                prop_assert!(!braces);
            }
        }
    }
}
