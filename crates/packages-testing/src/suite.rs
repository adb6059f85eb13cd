//! A suite: its indexes, its `Release`, its signatures, step by step or at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::compression::Compression;
use crate::deb::Deb;
use crate::files::{Files, sha256};
use crate::release::ReleaseText;
use crate::signature::{Signer, clear_signed};

/// A suite of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// Fields of its `Release`. `Architectures` and `Components` are added when it is published,
    /// where they are not there.
    pub release: ReleaseText,
    /// The directory below `dists`.
    pub directory: String,
    /// Packages, by component.
    pub components: BTreeMap<String, Vec<Deb>>,
    /// Architectures besides `all` and those of the packages.
    pub architectures: BTreeSet<String>,
    /// How indexes are compressed: each of these is published.
    pub compressions: Vec<Compression>,
}

impl Suite {
    /// A suite named `stable` with this codename, made at this time, with an empty `main` for
    /// amd64.
    pub fn new(codename: &str, made: u64) -> Self {
        Self {
            release: ReleaseText::new(codename, "stable", made),
            directory: codename.to_owned(),
            components: BTreeMap::from([("main".to_owned(), Vec::new())]),
            architectures: BTreeSet::from(["amd64".to_owned()]),
            compressions: vec![Compression::None, Compression::Gzip, Compression::Xz],
        }
    }

    /// Adds a package.
    pub fn add(&mut self, component: &str, package: Deb) {
        let known = self.components.entry(component.to_owned());
        known.or_default().push(package);
    }

    /// Says a field of the `Release`.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.release.set(name, value);
        self
    }

    /// Writes every package below `pool`.
    pub fn publish_pool(&self, files: &mut Files) {
        for (component, package) in self.packages() {
            files.put(pool_path(component, package), package.build());
        }
    }

    /// The indexes, uncompressed, by path below the suite's directory, as in
    /// `main/binary-amd64/Packages`. What `all` has is listed for every architecture.
    pub fn indexes(&self) -> BTreeMap<String, String> {
        let mut indexes = BTreeMap::new();
        for component in self.components.keys() {
            for architecture in self.all_architectures() {
                let path = format!("{component}/binary-{architecture}/Packages");
                indexes.insert(path, String::new());
            }
        }
        for (component, package) in self.packages() {
            let own = package.get("Architecture").unwrap_or("all");
            for architecture in self.all_architectures() {
                if own == "all" || own == architecture {
                    let path = format!("{component}/binary-{architecture}/Packages");
                    let index: &mut String = indexes.entry(path).or_default();
                    index.push_str(&stanza(component, package));
                }
            }
        }
        indexes
    }

    /// Publishes indexes, in every compression and by digest, and lists them in a `Release`.
    pub fn publish_indexes(
        &self,
        indexes: &BTreeMap<String, String>,
        files: &mut Files,
    ) -> ReleaseText {
        let mut release = self.release.clone();
        let words = |words: Vec<&str>| words.join(" ");
        let architectures = self.all_architectures();
        for (name, value) in [
            (
                "Architectures",
                words(architectures.iter().map(String::as_str).collect()),
            ),
            (
                "Components",
                words(self.components.keys().map(String::as_str).collect()),
            ),
        ] {
            if !release.fields.iter().any(|(known, _)| known == name) {
                release.set(name, &value);
            }
        }
        for (path, index) in indexes {
            for compression in &self.compressions {
                let content = compression.compress(index.as_bytes());
                let path = format!("{path}{}", compression.suffix());
                release.list(&path, &content);
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                let by_hash = format!("{parent}/by-hash/SHA256/{}", sha256(&content));
                files.put(self.path(&by_hash), content.clone());
                files.put(self.path(&path), content);
            }
        }
        release
    }

    /// Publishes a `Release`, signed.
    pub fn publish_release(
        &self,
        release: &ReleaseText,
        signers: &[Signer<'_>],
        files: &mut Files,
    ) {
        let text = release.text();
        files.put(self.path("InRelease"), clear_signed(&text, signers));
        files.put(self.path("Release"), text);
    }

    /// Publishes everything.
    pub fn publish(&self, signers: &[Signer<'_>], files: &mut Files) {
        self.publish_pool(files);
        let release = self.publish_indexes(&self.indexes(), files);
        self.publish_release(&release, signers, files);
    }

    /// A path of this suite, from the archive's root.
    pub fn path(&self, below: &str) -> String {
        format!("dists/{}/{below}", self.directory)
    }

    fn packages(&self) -> impl Iterator<Item = (&str, &Deb)> {
        self.components.iter().flat_map(|(component, packages)| {
            packages.iter().map(|package| (component.as_str(), package))
        })
    }

    fn all_architectures(&self) -> BTreeSet<String> {
        let own = self
            .packages()
            .filter_map(|(_, package)| package.get("Architecture"));
        let mut all: BTreeSet<String> = own.map(str::to_owned).collect();
        all.extend(self.architectures.iter().cloned());
        all.remove("all");
        all
    }
}

fn pool_path(component: &str, package: &Deb) -> String {
    format!("pool/{component}/{}", package.pool_path())
}

/// A package's paragraph in an index.
fn stanza(component: &str, package: &Deb) -> String {
    let file = package.build();
    let mut text = package.control_file();
    writeln!(text, "Filename: {}", pool_path(component, package)).expect("memory takes it");
    writeln!(text, "Size: {}", file.len()).expect("memory takes it");
    writeln!(text, "SHA256: {}\n", sha256(&file)).expect("memory takes it");
    text
}
