//! A profile of PAM modules that a package brings: fields and the lines that belong to them.
//!
//! ```text
//! Name: Unix authentication
//! Default: yes
//! Priority: 256
//! Auth-Type: Primary
//! Auth:
//!         [success=end default=ignore]    pam_unix.so try_first_pass
//! Auth-Initial:
//!         [success=end default=ignore]    pam_unix.so
//! ```

use std::collections::BTreeMap;

/// One profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile {
    fields: BTreeMap<String, String>,
}

/// When a profile is for sessions with a person alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interactive {
    /// When it has the field at all: Debian 12.
    Named,
    /// When the field says `yes`: from Debian 13 on.
    Yes,
}

impl Profile {
    /// Reads a profile.
    pub(super) fn parse(text: &str, interactive: Interactive) -> Self {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let mut field = String::new();
        for line in text.lines() {
            if let Some((name, value)) = heading(line) {
                // An older name of the same field.
                name.strip_suffix("-Final")
                    .unwrap_or(name)
                    .clone_into(&mut field);
                fields.insert(field.clone(), value.to_owned());
                continue;
            }
            let line = line.trim();
            let value = fields.entry(field.clone()).or_default();
            if !line.is_empty() {
                if !value.is_empty() {
                    value.push('\n');
                }
                value.push_str(line);
            }
        }
        let mut profile = Self { fields };
        profile.add_noninteractive(interactive);
        profile
    }

    fn add_noninteractive(&mut self, interactive: Interactive) {
        let only = match (self.fields.get("Session-Interactive-Only"), interactive) {
            (None, _) => false,
            (Some(_), Interactive::Named) => true,
            (Some(value), Interactive::Yes) => value == "yes",
        };
        if only {
            return;
        }
        for end in ["-Type", "", "-Initial"] {
            if let Some(value) = self.fields.get(&format!("Session{end}")) {
                let name = format!("Session-noninteractive{end}");
                self.fields.insert(name, value.clone());
            }
        }
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Profiles of a higher priority come first.
    pub(super) fn priority(&self) -> i64 {
        self.field("Priority").trim().parse().unwrap_or(0)
    }

    /// Whether it is taken unless somebody says otherwise.
    pub(super) fn is_default(&self) -> bool {
        self.field("Default") == "yes"
    }

    /// Whether it cannot be taken together with the profile `name`.
    pub(super) fn conflicts_with(&self, name: &str) -> bool {
        let mut others = self.field("Conflicts").split(", ");
        others.any(|other| other == name)
    }

    /// Whether it is disabled: it names a module that exists no more.
    pub(super) fn is_disabled(&self) -> bool {
        self.fields
            .values()
            .any(|value| value.contains("pam_tally"))
    }

    /// The block of the file of `kind` that it has lines in; empty when it has none.
    pub(super) fn block(&self, kind: &str) -> &str {
        self.field(&format!("{kind}-Type"))
    }

    /// Its lines for the file of `kind`: those of the first profile of a block may be others.
    pub(super) fn lines(&self, kind: &str, place: usize) -> &str {
        let first = self.field(&format!("{kind}-Initial"));
        if place == 0 && !first.is_empty() {
            first
        } else {
            self.field(kind)
        }
    }
}

/// A line that begins a field.
fn heading(line: &str) -> Option<(&str, &str)> {
    let (name, value) = match line.split_once(": ").or_else(|| line.split_once(":\t")) {
        Some((name, value)) => (name, value),
        None => (line.trim_end().strip_suffix(':')?, ""),
    };
    let plain = !name.is_empty() && !name.contains(char::is_whitespace);
    plain.then(|| (name, value.trim()))
}
