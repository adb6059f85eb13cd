//! The text of a `Release` file, as fields and a table.

use std::fmt::Write as _;

use crate::files::sha256;
use crate::time::date;

/// A `Release` file. Its text has the fields in order, and then the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseText {
    /// Fields of one line.
    pub fields: Vec<(String, String)>,
    /// The table `SHA256`: digest as it is written, size, path.
    pub sha256: Vec<(String, u64, String)>,
    /// The name of that table: another one hides it.
    pub table: String,
}

impl ReleaseText {
    /// The fields that every archive has, for a suite that is named `suite` besides its codename.
    pub fn new(codename: &str, suite: &str, made: u64) -> Self {
        let text = Self {
            fields: Vec::new(),
            sha256: Vec::new(),
            table: "SHA256".to_owned(),
        };
        text.field("Origin", "Synthetic")
            .field("Label", "Synthetic")
            .field("Suite", suite)
            .field("Codename", codename)
            .field("Date", &date(made))
            .field("Acquire-By-Hash", "yes")
    }

    /// Says a field, instead of what it was.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Says a field, instead of what it was.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// Lists a file, by what is in it.
    ///
    /// # Panics
    ///
    /// When it has more bytes than can be.
    pub fn list(&mut self, path: &str, content: &[u8]) {
        let size = u64::try_from(content.len()).expect("a length");
        let digest = sha256(content).to_string();
        self.sha256.push((digest, size, path.to_owned()));
    }

    /// The text.
    ///
    /// # Panics
    ///
    /// Never: memory takes it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.fields {
            writeln!(text, "{name}: {value}").expect("memory takes it");
        }
        writeln!(text, "{}:", self.table).expect("memory takes it");
        for (digest, size, path) in &self.sha256 {
            writeln!(text, " {digest} {size:>8} {path}").expect("memory takes it");
        }
        text
    }
}
