//! `enclair explain /PATH`: which package a file of an image comes from.
//!
//! The answer is in `packages.json` beside the image, which a build of packages writes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use enclair_build::packages::{PackagesDocument, SCHEMA};
use enclair_tree::Escaped;

use super::escape;
use crate::arguments::Explain;
use crate::packages_documents::{ExplainPathDocument, OwnerDocument};
use crate::printer::Printer;

/// Bytes of it: a large root filesystem has some megabytes.
const MOST: u64 = 256 << 20;
/// Directories that are links into `usr` where it is merged.
const MERGED: [&str; 7] = ["bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"];

/// Says which package has `path`.
pub(super) fn run(path: &str, arguments: &Explain, printer: &Printer) -> anyhow::Result<()> {
    let file = arguments.output.join("packages.json");
    let packages = read(&file)?;
    let owners = owners(path, &packages);
    if owners.is_empty() {
        bail!(
            "no package of `{}` has `{}`: it is from the recipe, from an effect, or not there",
            file.display(),
            escape(path)
        );
    }
    if arguments.json {
        return printer.json(&ExplainPathDocument::new(path, owners));
    }
    Ok(printer.result(&text(path, &owners))?)
}

fn read(path: &Path) -> anyhow::Result<PackagesDocument> {
    let cannot = || format!("`{}` cannot be read", path.display());
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(
            "there is no `{}`: only a build of packages writes one (`-o` says where)",
            path.display()
        ),
        file => file.with_context(cannot)?,
    };
    let mut text = String::new();
    let read = file.take(MOST).read_to_string(&mut text);
    read.with_context(cannot)?;
    let packages: PackagesDocument = serde_json::from_str(&text).with_context(cannot)?;
    if packages.schema != SCHEMA {
        bail!(
            "`{}` has schema {}, this release reads schema {SCHEMA}",
            path.display(),
            packages.schema
        );
    }
    Ok(packages)
}

/// The packages that have the file `path`, or files below it.
fn owners(path: &str, packages: &PackagesDocument) -> Vec<OwnerDocument> {
    let path = Escaped(plain(path).as_bytes()).to_string();
    let below = format!("{path}/");
    let is_meant = |found: &&String| **found == path || found.starts_with(&below);
    let owners = packages.packages.iter().map(|package| OwnerDocument {
        name: package.name.clone(),
        version: package.version.clone(),
        arch: package.architecture.clone(),
        source: package.source.name.clone(),
        source_version: package.source.version.clone(),
        sha256: package.sha256.to_string(),
        files: package.paths.iter().filter(is_meant).count(),
    });
    owners.filter(|owner| owner.files > 0).collect()
}

/// The path as the document has it: without slashes that mean nothing, and where it really is when
/// `/usr` is merged.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.first().is_some_and(|first| MERGED.contains(first)) {
        parts.insert(0, "usr");
    }
    parts.join("/")
}

fn text(path: &str, owners: &[OwnerDocument]) -> String {
    let mut text = format!("{}\n", escape(path));
    for owner in owners {
        let OwnerDocument {
            name,
            version,
            arch,
            source,
            source_version,
            sha256,
            files,
        } = owner;
        let line = format!("{name} {version} {arch}, source {source} {source_version}");
        let more = match files {
            1 => String::new(),
            files => format!("  {files} files"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {}  sha256:{sha256}{more}", escape(&line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_where_it_really_is() {
        for (path, expected) in [
            ("/bin/sh", "usr/bin/sh"),
            ("/usr/bin/sh", "usr/bin/sh"),
            ("//lib64/./ld.so", "usr/lib64/ld.so"),
            ("/etc/passwd/", "etc/passwd"),
            ("/binary/x", "binary/x"),
        ] {
            assert_eq!(plain(path), expected);
        }
    }
}
