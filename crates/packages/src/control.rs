//! Control files (Debian policy, chapter 5): paragraphs of fields.
//!
//! Not here: what a field means. Versions are read by [`crate::version`], relations by
//! [`crate::relation`].
//!
//! ```text
//! Package: tini            name, colon, value; blanks around the value do not count
//! Description: a program   a value goes on in lines that begin with a blank or a tab
//!  that does one thing
//!                          an empty line ends the paragraph; several end it once
//! ```
//!
//! - [`Paragraphs`]: every paragraph of a file, borrowed from it.
//! - [`Control`]: the one paragraph of a package, owned, with a valid name, version and
//!   architecture.
//!
//! Stricter than policy, as dpkg is: no comments, no field twice, and no line of blanks alone,
//! which some readers take for the end of a paragraph and others do not. The text is UTF-8, and
//! has no NUL.

mod error;
mod name;
mod paragraph;
#[cfg(test)]
mod tests;

pub use error::{ControlError, NameError};
pub use name::{MAX_NAME, check_architecture, check_name};
pub use paragraph::{Field, MAX_FIELDS, Paragraph, Paragraphs};

use crate::relation::{RelationError, Relations};
use crate::version::Version;

/// The control paragraph of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    fields: Vec<(Box<str>, Box<str>)>,
    name: Box<str>,
    version: Version,
    architecture: Box<str>,
}

impl Control {
    /// Reads the one paragraph in `text`, the file `control` of a package.
    ///
    /// Size is the caller's to bound: everything is kept.
    ///
    /// # Errors
    ///
    /// When `text` breaks the rules of control files, has no paragraph or several, or lacks
    /// `Package`, `Version` or `Architecture` or has one that no package can have.
    pub fn parse(text: &[u8]) -> Result<Self, ControlError> {
        let mut paragraphs = Paragraphs::new(text);
        let first = paragraphs.next().ok_or(ControlError::Empty)??;
        match paragraphs.next() {
            None => Self::from_paragraph(&first),
            Some(Err(error)) => Err(error),
            Some(Ok(second)) => Err(ControlError::Several {
                line: second.line(),
            }),
        }
    }

    /// A copy of `paragraph`, once it is that of a package.
    ///
    /// # Errors
    ///
    /// When `Package`, `Version` or `Architecture` is missing or no package can have it.
    pub fn from_paragraph(paragraph: &Paragraph<'_>) -> Result<Self, ControlError> {
        let name = paragraph.require("Package")?;
        check_name(name.value()).map_err(|source| ControlError::Name {
            line: name.line(),
            field: "Package",
            value: name.value().into(),
            source,
        })?;
        let version = paragraph.require("Version")?;
        let architecture = paragraph.require("Architecture")?;
        check_architecture(architecture.value()).map_err(|source| ControlError::Name {
            line: architecture.line(),
            field: "Architecture",
            value: architecture.value().into(),
            source,
        })?;
        Ok(Self {
            name: name.value().into(),
            version: Version::parse(version.value()).map_err(|source| ControlError::Version {
                line: version.line(),
                source,
            })?,
            architecture: architecture.value().into(),
            fields: paragraph
                .fields()
                .iter()
                .map(|field| (field.name().into(), field.value().into()))
                .collect(),
        })
    }

    /// The package's name, checked by [`check_name`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The package's version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The package's architecture, as in `amd64` or `all`, checked by [`check_architecture`].
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The value of a field, whose name may be in any case. Lines after the first are as they
    /// were written, with the blank at their beginning.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Names and values in the order of the file.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The relations in a field such as `Depends`; none when there is no such field.
    ///
    /// # Errors
    ///
    /// When the field is no list of relations.
    pub fn relations(&self, field: &str) -> Result<Relations, RelationError> {
        self.field(field)
            .map_or_else(|| Ok(Relations::default()), Relations::parse)
    }
}
