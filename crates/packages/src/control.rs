//! Control files (Debian policy, chapter 5): paragraphs of fields.

use std::fmt;

/// One paragraph that describes a package: fields in their order.
///
/// Placeholder of the branch `unpack`: replaced by the parser of the branch `solve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    fields: Vec<(String, String)>,
}

/// Text that is not one paragraph of fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlError {
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: not a field", self.line)
    }
}

impl std::error::Error for ControlError {}

impl Control {
    /// Parses the only paragraph of `text`.
    ///
    /// # Errors
    ///
    /// The first line that is no field and continues none.
    pub fn parse(text: &str) -> Result<Self, ControlError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (index, line) in text.trim_end_matches('\n').lines().enumerate() {
            let error = ControlError {
                line: index.saturating_add(1),
            };
            if line.starts_with([' ', '\t']) {
                let (_, value) = fields.last_mut().ok_or(error)?;
                value.push('\n');
                value.push_str(line);
            } else {
                let (name, value) = line.split_once(':').ok_or(error)?;
                fields.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        Ok(Self { fields })
    }

    /// The value of a field, without regard to the case of its name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Every field in its order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The field `Package`.
    pub fn name(&self) -> &str {
        self.field("Package").unwrap_or_default()
    }

    /// The field `Version`.
    pub fn version(&self) -> &str {
        self.field("Version").unwrap_or_default()
    }

    /// The field `Architecture`.
    pub fn architecture(&self) -> &str {
        self.field("Architecture").unwrap_or_default()
    }
}
