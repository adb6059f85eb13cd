//! A recipe that is being written: keys in the order of the format, each with comments that say
//! where its value came from.
//!
//! What this release does not build is written as a comment that becomes the key when its `#` is
//! removed. Such a line has no space behind the `#`; a remark has one. So the two can be told
//! apart, by people and by the tests.

use std::collections::BTreeMap;

use toml_writer::TomlStringBuilder;

use crate::error::{Error, Shown};
use crate::kind::ForeignKind;

/// Columns of a comment.
const WIDTH: usize = 96;

/// Lines of the foreign file that one remark names.
const ORIGINS: usize = 16;

/// A key of the recipe, in the order in which keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Name,
    Arch,
    Image,
    Archive,
    Dockerfile,
    Command,
    Env,
    User,
    Workdir,
    Ingress,
    Egress,
    Certificate,
    Signer,
}

/// A table of the recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Enclave,
    Source,
    Run,
    Network,
    Sign,
}

impl Table {
    const ALL: [Self; 5] = [
        Self::Enclave,
        Self::Source,
        Self::Run,
        Self::Network,
        Self::Sign,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Enclave => "enclave",
            Self::Source => "source",
            Self::Run => "run",
            Self::Network => "network",
            Self::Sign => "sign",
        }
    }

    /// Why its keys are comments, where they are.
    const fn waits(self) -> Option<&'static str> {
        match self {
            Self::Enclave | Self::Source | Self::Run | Self::Network => None,
            Self::Sign => Some(
                "Images are not signed in this release. When they are, remove the `#` in front of \
                 these lines:",
            ),
        }
    }
}

impl Key {
    const fn table(self) -> Table {
        match self {
            Self::Name | Self::Arch => Table::Enclave,
            Self::Image | Self::Archive | Self::Dockerfile => Table::Source,
            Self::Command | Self::Env | Self::User | Self::Workdir => Table::Run,
            Self::Ingress | Self::Egress => Table::Network,
            Self::Certificate | Self::Signer => Table::Sign,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Arch => "arch",
            Self::Image => "image",
            Self::Archive => "archive",
            Self::Dockerfile => "dockerfile",
            Self::Command => "command",
            Self::Env => "env",
            Self::User => "user",
            Self::Workdir => "workdir",
            Self::Ingress => "ingress",
            Self::Egress => "egress",
            Self::Certificate => "certificate",
            Self::Signer => "key",
        }
    }
}

/// Where a value stands in the foreign file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    pub(crate) field: &'a str,
    pub(crate) line: usize,
}

#[derive(Debug)]
enum Value {
    One(String),
    /// Items, each with the line that it came from.
    Many(Vec<(String, usize)>),
}

#[derive(Debug)]
struct Entry {
    comments: Vec<String>,
    value: Value,
}

/// A file or directory that is laid over the source, or that is all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) comments: Vec<String>,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) owner: Option<String>,
    pub(crate) mode: Option<String>,
}

/// Where files go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilesAre {
    TheSource,
    TheOverlay,
}

/// A recipe that is being written.
#[derive(Debug)]
pub(crate) struct Draft {
    head: Vec<String>,
    entries: BTreeMap<Key, Entry>,
    files: Vec<File>,
    files_are: FilesAre,
}

impl Draft {
    pub(crate) fn new(kind: ForeignKind, file_name: &str) -> Self {
        let first = format!(
            "Made from `{}`, {kind}. `docs/formats/recipe.md` explains the keys.",
            Shown::new(file_name)
        );
        Self {
            head: vec![first],
            entries: BTreeMap::new(),
            files: Vec::new(),
            files_are: FilesAre::TheOverlay,
        }
    }

    /// A remark at the top of the recipe.
    pub(crate) fn remark(&mut self, remark: impl Into<String>) {
        self.head.push(remark.into());
    }

    /// Gives a key its one value.
    pub(crate) fn set(&mut self, key: Key, value: &str, origin: Origin<'_>) -> Result<(), Error> {
        let comment = format!("From `{}`, line {}.", Shown::new(origin.field), origin.line);
        let value = Value::One(basic(value));
        let comments = vec![comment];
        if self.entries.contains_key(&key) {
            return Err(Error::Second {
                line: origin.line,
                field: origin.field.to_owned(),
            });
        }
        self.entries.insert(key, Entry { comments, value });
        Ok(())
    }

    /// Gives a key its one value, which stands nowhere in the foreign file.
    pub(crate) fn assume(&mut self, key: Key, value: &str, why: &str) {
        self.entries.entry(key).or_insert_with(|| Entry {
            comments: vec![why.to_owned()],
            value: Value::One(basic(value)),
        });
    }

    /// Adds a text to a key that has many.
    pub(crate) fn push(&mut self, key: Key, value: &str, line: usize) {
        self.push_item(key, basic(value), line);
    }

    /// Adds a host that is denied, before those that are allowed: the first rule that fits decides.
    pub(crate) fn deny(&mut self, host: &str, line: usize) {
        let entry = self.entries.entry(Key::Egress).or_insert_with(|| Entry {
            comments: Vec::new(),
            value: Value::Many(Vec::new()),
        });
        if let Value::Many(items) = &mut entry.value {
            let denied = |(item, _): &(String, usize)| item.starts_with("\"!");
            let place = items.iter().position(|item| !denied(item));
            let item = (basic(&format!("!{host}")), line);
            items.insert(place.unwrap_or(items.len()), item);
        }
    }

    /// Adds a port to a key that has many. One that is there is not added again.
    pub(crate) fn push_port(&mut self, port: u16, line: usize) {
        self.push_item(Key::Ingress, port.to_string(), line);
    }

    fn push_item(&mut self, key: Key, item: String, line: usize) {
        let entry = self.entries.entry(key).or_insert_with(|| Entry {
            comments: Vec::new(),
            value: Value::Many(Vec::new()),
        });
        if let Value::Many(items) = &mut entry.value {
            let repeats = matches!(key, Key::Ingress | Key::Egress)
                && items.iter().any(|(other, _)| *other == item);
            if !repeats {
                items.push((item, line));
            }
        }
    }

    /// Adds a remark above a key that is there.
    pub(crate) fn comment(&mut self, key: Key, comment: impl Into<String>) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.comments.push(comment.into());
        }
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.entries.contains_key(&key)
    }

    pub(crate) fn files(&mut self, files: Vec<File>, files_are: FilesAre) {
        self.files = files;
        self.files_are = files_are;
    }

    /// The recipe.
    pub(crate) fn finish(&self) -> String {
        let mut out = String::new();
        for remark in &self.head {
            comment(&mut out, remark);
        }
        out.push_str("\nschema = 1\n");
        for table in Table::ALL {
            self.table(&mut out, table);
            if table == Table::Source {
                self.write_files(&mut out);
            }
        }
        out
    }

    fn table(&self, out: &mut String, table: Table) {
        let entries = self.entries.iter().filter(|(key, _)| key.table() == table);
        let entries: Vec<_> = entries.collect();
        if entries.is_empty() {
            return;
        }
        out.push('\n');
        let hash = match table.waits() {
            Some(why) => {
                comment(out, why);
                "#"
            }
            None => "",
        };
        if table == Table::Sign && entries.len() < 2 {
            comment(
                out,
                "It needs both `certificate` and `key`; the other one is missing.",
            );
        }
        out.extend([hash, "[", table.name(), "]\n"]);
        for (key, entry) in entries {
            for text in &entry.comments {
                comment(out, text);
            }
            if table.waits().is_some() {
                let (value, remark) = in_one_line(&entry.value);
                if let Some(remark) = remark {
                    comment(out, &remark);
                }
                out.extend([hash, key.name(), " = ", &value, "\n"]);
            } else {
                assignment(out, key.name(), &entry.value);
            }
        }
    }

    fn write_files(&self, out: &mut String) {
        let header = match self.files_are {
            FilesAre::TheSource => "[[source.files]]",
            FilesAre::TheOverlay => "[[overlay]]",
        };
        for file in &self.files {
            out.push('\n');
            for text in &file.comments {
                comment(out, text);
            }
            out.extend([header, "\n"]);
            out.extend(["from = ", &basic(&file.from), "\n"]);
            out.extend(["to = ", &basic(&file.to), "\n"]);
            if let Some(owner) = &file.owner {
                out.extend(["owner = ", &basic(owner), "\n"]);
            }
            if let Some(mode) = &file.mode {
                let mode = basic(mode);
                out.extend(["mode = ", &mode, "\ndir_mode = ", &mode, "\n"]);
            }
        }
    }
}

/// A TOML string, always on one line.
fn basic(text: &str) -> String {
    use toml_writer::ToTomlValue;
    TomlStringBuilder::new(text).as_basic().to_toml_value()
}

/// A key with its value. Items stand on lines of their own, each run of them with its origin.
fn assignment(out: &mut String, key: &str, value: &Value) {
    let items = match value {
        Value::One(value) => return out.extend([key, " = ", value, "\n"]),
        Value::Many(items) => items,
    };
    out.extend([key, " = [\n"]);
    let mut before = 0;
    for (item, line) in items {
        out.extend(["  ", item, ","]);
        if *line != before {
            out.extend([" # line ", &line.to_string()]);
        }
        out.push('\n');
        before = *line;
    }
    out.push_str("]\n");
}

/// A value that takes no more than a line, so that one `#` makes it wait, and where it is from.
fn in_one_line(value: &Value) -> (String, Option<String>) {
    let items = match value {
        Value::One(value) => return (value.clone(), None),
        Value::Many(items) => items,
    };
    let mut lines: Vec<String> = Vec::new();
    for (_, line) in items {
        let line = line.to_string();
        if lines.last() != Some(&line) && lines.len() < ORIGINS {
            lines.push(line);
        }
    }
    let items: Vec<&str> = items.iter().map(|(item, _)| item.as_str()).collect();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    let remark = format!("From {word} {}.", lines.join(", "));
    (format!("[{}]", items.join(", ")), Some(remark))
}

/// A remark, broken into lines at spaces.
fn comment(out: &mut String, text: &str) {
    let mut column = 0_usize;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column.saturating_add(length) < WIDTH {
            out.push(' ');
        } else {
            if column > 0 {
                out.push('\n');
            }
            out.push_str("# ");
            column = 1;
        }
        out.push_str(word);
        column = column.saturating_add(length).saturating_add(1);
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::{basic, comment};

    #[test]
    fn a_string_never_leaves_its_line() {
        for text in [
            "a\nb",
            "\r\n",
            "\u{85}\u{2028}",
            "\"\"\"",
            "\\",
            "\u{7f}\u{1}",
            "",
        ] {
            let written = basic(text);
            assert!(!written.contains('\n'), "{written}");
            let document = format!("a = {written}");
            let read = DeTable::parse(&document).expect("TOML");
            let value = read.get_ref().get("a").expect("the key");
            assert_eq!(value.get_ref().as_str(), Some(text));
        }
    }

    #[test]
    fn a_remark_is_broken_at_spaces() {
        let mut out = String::new();
        comment(&mut out, &"word ".repeat(60));
        assert!(out.lines().count() > 3);
        assert!(
            out.lines()
                .all(|line| line.starts_with("# ") && line.len() < 100)
        );
    }
}
