//! One package file: an ar archive with `debian-binary`, a control archive and a data archive.

use std::fmt::Write as _;

use crate::ar::{ArMember, ar};
use crate::compression::Compression;
use crate::tar::{TarEntry, tar};

/// A package, to be written as a `.deb` and into an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deb {
    /// Fields of the control file, in order; `Package`, `Version` and `Architecture` first.
    pub fields: Vec<(String, String)>,
    /// Members of the control archive besides `control`.
    pub control: Vec<TarEntry>,
    /// Entries of the data archive.
    pub data: Vec<TarEntry>,
    /// How the control archive is compressed.
    pub control_compression: Compression,
    /// How the data archive is compressed.
    pub data_compression: Compression,
}

impl Deb {
    /// A package without content.
    pub fn new(name: &str, version: &str, architecture: &str) -> Self {
        let deb = Self {
            fields: Vec::new(),
            control: Vec::new(),
            data: Vec::new(),
            control_compression: Compression::default(),
            data_compression: Compression::default(),
        };
        deb.field("Package", name)
            .field("Version", version)
            .field("Architecture", architecture)
            .field("Maintainer", "Nobody <nobody@example.org>")
            .field("Description", "made for a test")
    }

    /// Says a field of the control file, instead of what it was.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// A maintainer script, as in `postinst`.
    #[must_use]
    pub fn script(mut self, name: &str, content: &str) -> Self {
        self.control
            .push(TarEntry::file(format!("./{name}"), content).mode(0o755));
        self
    }

    /// Another member of the control archive, as in `conffiles`.
    #[must_use]
    pub fn member(mut self, name: &str, content: &str) -> Self {
        self.control
            .push(TarEntry::file(format!("./{name}"), content));
        self
    }

    /// An entry of the data archive.
    #[must_use]
    pub fn entry(mut self, entry: TarEntry) -> Self {
        self.data.push(entry);
        self
    }

    /// A file of the data archive, 0644, without directories before it.
    #[must_use]
    pub fn file(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.entry(TarEntry::file(path, content))
    }

    /// A program of the data archive, 0755.
    #[must_use]
    pub fn program(self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.entry(TarEntry::file(path, content).mode(0o755))
    }

    /// A directory of the data archive, 0755.
    #[must_use]
    pub fn directory(self, path: &str) -> Self {
        self.entry(TarEntry::directory(path))
    }

    /// Compresses both archives like this.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.control_compression = compression;
        self.data_compression = compression;
        self
    }

    /// What a field says.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The file's name below `pool/COMPONENT`, as the archives lay it out.
    ///
    /// # Panics
    ///
    /// When one of its first three fields is missing.
    pub fn pool_path(&self) -> String {
        let get = |name| self.get(name).expect("one of the first fields");
        let (name, version) = (get("Package"), get("Version"));
        let source = self.get("Source").unwrap_or(name);
        let source = source.split(' ').next().unwrap_or(source);
        let prefix: String = source
            .chars()
            .take(1 + 3 * usize::from(source.starts_with("lib")))
            .collect();
        let version = version.split_once(':').map_or(version, |(_, rest)| rest);
        format!(
            "{prefix}/{source}/{name}_{version}_{}.deb",
            get("Architecture")
        )
    }

    /// The text of the control file.
    pub fn control_file(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.fields {
            writeln!(text, "{name}: {value}").expect("memory takes it");
        }
        text
    }

    /// The three members of the archive, to be altered before [`ar`] makes a file of them.
    pub fn members(&self) -> Vec<ArMember> {
        let file = TarEntry::file("./control", self.control_file());
        let directory = TarEntry::directory("./");
        let control = tar([&directory, &file].into_iter().chain(&self.control));
        let data = tar(&self.data);
        let archive = |name: &str, bytes: &[u8], compression: Compression| {
            let name = format!("{name}.tar{}", compression.suffix());
            ArMember::new(&name, compression.compress(bytes))
        };
        vec![
            ArMember::new("debian-binary", "2.0\n"),
            archive("control", &control, self.control_compression),
            archive("data", &data, self.data_compression),
        ]
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        ar(&self.members())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_where_archives_have_them() {
        let path = |name, version, source: &str| {
            let deb = Deb::new(name, version, "amd64");
            let deb = if source.is_empty() {
                deb
            } else {
                deb.field("Source", source)
            };
            deb.pool_path()
        };
        assert_eq!(
            path("hello", "1:2.0-1", ""),
            "h/hello/hello_2.0-1_amd64.deb"
        );
        assert_eq!(
            path("libc6", "2", "glibc (2+b1)"),
            "g/glibc/libc6_2_amd64.deb"
        );
        assert_eq!(path("libz", "2", ""), "libz/libz/libz_2_amd64.deb");
    }
}
