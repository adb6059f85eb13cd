//! The one form of a lock.
//!
//! Written by hand and not by a library, because the bytes are the format: another release of a
//! library must not spell a string in another way.

use std::fmt::{self, Write};

use super::error::SCHEMA;
use super::{
    FILES, Lock, LockedFile, LockedImage, LockedPackage, LockedSource, LockedSuite, Origin,
};
use crate::recipe::Epoch;
use crate::supply::Blob;

/// The first line. It is part of the form.
const COMMENT: &str = "# Written by `enclair lock`, not by hand.\n";

impl LockedPackage {
    /// The package as it stands in a lock: an inline table, without the comma.
    pub fn to_line(&self) -> String {
        package(self)
    }
}

impl LockedSuite {
    /// The suite as it stands in a lock: an inline table, without the comma.
    pub fn to_line(&self) -> String {
        suite(self)
    }
}

pub(super) fn document(lock: &Lock) -> String {
    let mut out = String::from(COMMENT);
    // Writing to a string does not fail.
    let _ = head(&mut out, lock).and_then(|()| tables(&mut out, lock));
    out
}

fn head(out: &mut String, lock: &Lock) -> fmt::Result {
    writeln!(out, "schema = {SCHEMA}")?;
    writeln!(out, "format = {}", lock.format)?;
    writeln!(out, "recipe = \"sha256:{}\"", lock.recipe)?;
    writeln!(out, "arch = \"{}\"", lock.arch)?;
    match lock.epoch {
        Epoch::Seconds(seconds) => writeln!(out, "epoch = {seconds}")?,
        Epoch::Commit => writeln!(out, "epoch = \"commit\"")?,
    }
    text(out, "cmdline", &lock.cmdline)?;
    let rules: Vec<_> = lock.rules.iter().map(ToString::to_string).collect();
    texts(out, "rules", &rules)?;
    let mut effects: Vec<_> = lock.effects.iter().map(ToString::to_string).collect();
    effects.sort_unstable();
    effects.dedup();
    texts(out, "effects", &effects)?;
    if !lock.suites.is_empty() {
        let suites: Vec<_> = lock.suites.iter().map(suite).collect();
        array(out, "suites", &suites)?;
    }
    let notes = lock.notes();
    if notes.is_empty() {
        return Ok(());
    }
    texts(out, "note", &notes)
}

fn tables(out: &mut String, lock: &Lock) -> fmt::Result {
    file(out, "boot.kernel", &lock.boot.kernel)?;
    file(out, "boot.init", &lock.boot.init)?;
    if let Some(agent) = &lock.boot.agent {
        file(out, "boot.agent", agent)?;
    }
    if let Some(module) = &lock.boot.nsm_module {
        file(out, "boot.nsm_module", module)?;
    }
    match &lock.source {
        None => {}
        Some(LockedSource::Archive(archive)) => file(out, "source.archive", archive)?,
        Some(LockedSource::Image(locked)) => {
            write!(out, "\n[source.image]\n")?;
            text(out, "from", &locked.from.to_string())?;
            image(out, locked)?;
            private(out, locked.private)?;
        }
        Some(LockedSource::Packages(locked)) => {
            write!(out, "\n[source.packages]\n")?;
            writeln!(out, "request = \"sha256:{}\"", locked.request)?;
            let packages: Vec<_> = locked.packages.iter().map(package).collect();
            array(out, "packages", &packages)?;
        }
    }
    lock.files.iter().try_for_each(|laid| {
        write!(out, "\n[[{FILES}]]\n")?;
        entries(out, FILES, laid)
    })
}

fn file(out: &mut String, name: &str, file: &LockedFile) -> fmt::Result {
    write!(out, "\n[{name}]\n")?;
    entries(out, name, file)
}

/// What stands below the header of a file.
fn entries(out: &mut String, name: &str, file: &LockedFile) -> fmt::Result {
    text(out, "from", &file.from.to_string())?;
    writeln!(out, "sha256 = \"{}\"", file.blob.sha256)?;
    writeln!(out, "size = {}", file.blob.size)?;
    match &file.from {
        Origin::Carried | Origin::File(_) | Origin::Url { inside: None, .. } => {
            private(out, file.private)
        }
        Origin::Url {
            inside: Some(inside),
            url: _,
        } => {
            text(out, "path", &inside.path)?;
            writeln!(out, "container = {}", table(&inside.container))?;
            private(out, file.private)
        }
        Origin::Image {
            image: locked,
            path,
        } => {
            text(out, "path", path)?;
            private(out, file.private)?;
            write!(out, "\n[{name}.image]\n")?;
            image(out, locked)
        }
        Origin::Package {
            package: locked,
            path,
            asked: _,
        } => {
            text(out, "path", path)?;
            writeln!(out, "package = {}", package(locked))
        }
    }
}

fn suite(suite: &LockedSuite) -> String {
    let components = suite.components.iter();
    let components: Vec<_> = components.map(|name| Quoted(name).to_string()).collect();
    format!(
        "{{ name = {}, archive = {}, components = [{}], date = {}, release = {}, key = {} }}",
        Quoted(&suite.name),
        Quoted(&suite.archive),
        components.join(", "),
        suite.date,
        table(&suite.release),
        Quoted(&suite.key),
    )
}

/// One line, so that a change of a package is a change of a line.
fn package(package: &LockedPackage) -> String {
    let mut line = String::from("{ ");
    let texts = [
        ("name", &package.name),
        ("version", &package.version),
        ("arch", &package.arch),
        ("from", &package.from),
        ("file", &package.file),
    ];
    for (key, text) in texts {
        // Writing to a string does not fail.
        let _ = write!(line, "{key} = {}, ", Quoted(text));
    }
    let Blob { sha256, size } = package.blob;
    let _ = write!(line, "size = {size}, sha256 = \"{sha256}\"");
    if let Some(sha1) = package.sha1.digits() {
        let _ = write!(line, ", sha1 = {}", Quoted(sha1));
    }
    line.push_str(if package.asked {
        ", asked = true }"
    } else {
        " }"
    });
    line
}

fn image(out: &mut String, image: &LockedImage) -> fmt::Result {
    if let Some(index) = &image.index {
        writeln!(out, "index = {}", table(index))?;
    }
    if let Some(manifest) = &image.manifest {
        writeln!(out, "manifest = {}", table(manifest))?;
    }
    writeln!(out, "config = {}", table(&image.config))?;
    let layers: Vec<_> = image.layers.iter().map(table).collect();
    array(out, "layers", &layers)
}

fn private(out: &mut String, private: bool) -> fmt::Result {
    if private {
        writeln!(out, "private = true")
    } else {
        Ok(())
    }
}

fn table(blob: &Blob) -> String {
    format!("{{ sha256 = \"{}\", size = {} }}", blob.sha256, blob.size)
}

fn text(out: &mut String, key: &str, text: &str) -> fmt::Result {
    writeln!(out, "{key} = {}", Quoted(text))
}

fn texts(out: &mut String, key: &str, texts: &[String]) -> fmt::Result {
    let items: Vec<_> = texts.iter().map(|text| Quoted(text).to_string()).collect();
    array(out, key, &items)
}

fn array(out: &mut String, key: &str, items: &[String]) -> fmt::Result {
    if items.is_empty() {
        return writeln!(out, "{key} = []");
    }
    writeln!(out, "{key} = [")?;
    for item in items {
        writeln!(out, "    {item},")?;
    }
    writeln!(out, "]")
}

/// A basic string with the shortest escapes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for letter in self.0.chars() {
            match letter {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\u{8}' => f.write_str("\\b")?,
                '\t' => f.write_str("\\t")?,
                '\n' => f.write_str("\\n")?,
                '\u{c}' => f.write_str("\\f")?,
                '\r' => f.write_str("\\r")?,
                '\0'..='\u{1f}' | '\u{7f}' => write!(f, "\\u{:04X}", u32::from(letter))?,
                _ => f.write_char(letter)?,
            }
        }
        f.write_char('"')
    }
}
