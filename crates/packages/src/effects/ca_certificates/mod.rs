//! `update-ca-certificates`: whom TLS believes, as one file and as links by name and by digest.
//!
//! - `/etc/ca-certificates.conf`: every certificate below `/usr/share/ca-certificates`, sorted by
//!   bytes, none turned off.
//! - `/etc/ssl/certs/NAME.pem`: a symlink to each.
//! - `/etc/ssl/certs/HASH.N`: a symlink to that, as `openssl rehash` makes it ([`subject`]), by
//!   which OpenSSL finds a certificate in a directory.
//! - `/etc/ssl/certs/ca-certificates.crt`: all of them in the order of the configuration.
//!
//! Hooks of other packages (`/etc/ca-certificates/update.d`) are not run; the packages that have
//! one make their own files when they are configured, which is reported or emulated by itself.
//!
//! Followed: ca-certificates 20230311 and 20250419, OpenSSL 3.0 and 3.5.

mod der;
mod pem;
mod subject;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use enclair_tree::Metadata;

use crate::deb::Script;

use super::problem::Problem;
use super::work::{Answer, Invocation, Replaced, Site, Work};

const CONFIGURATION: &str = "/etc/ca-certificates.conf";
const PACKAGED: &str = "/usr/share/ca-certificates";
const LOCAL: &str = "/usr/local/share/ca-certificates";
const LINKS: &str = "/etc/ssl/certs";
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The effect.
pub(crate) struct CaCertificates;

impl Work for CaCertificates {
    fn replaces(&self) -> &'static [Replaced] {
        &[Replaced {
            package: "ca-certificates",
            reviewed: &["fdb457faa5b7e30c3bdd385ec994e2cea84ee14fd04ec7ef6be7f3ce964be0c1"],
        }]
    }

    fn configure(&self, site: &mut Site<'_>, package: &str) -> Result<(), Problem> {
        local_directory(site)?;
        if site.files.exists(CONFIGURATION) {
            return Ok(());
        }
        let script = site.script(package, Script::Postinst).unwrap_or_default();
        let mut text = heading(script);
        for name in certificates(site, PACKAGED) {
            text.push_str(&name);
            text.push('\n');
        }
        site.files.write(CONFIGURATION, text)
    }

    fn command(&self, _site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        match (call.program, call.arguments) {
            ("update-ca-certificates", [] | ["--fresh" | "-f"]) => Ok(Answer::Emulated),
            _ => Ok(Answer::NotMine),
        }
    }

    /// The trigger, when all packages have brought their certificates.
    fn finish(&self, site: &mut Site<'_>) -> Result<(), Problem> {
        if site.package("ca-certificates").is_none() || !site.files.exists(CONFIGURATION) {
            return Ok(());
        }
        site.files.make_directories(LINKS, Metadata::new(0o755))?;
        let enabled = enabled(site)?;
        let mut bundle = Vec::new();
        for path in &enabled {
            let link = format!("{LINKS}/{}", link_name(path));
            site.files.symlink(&link, path)?;
            bundle.extend(site.files.read(path)?.unwrap_or_default());
            if bundle.last().is_some_and(|last| *last != b'\n') {
                bundle.push(b'\n');
            }
        }
        site.files.put(BUNDLE, bundle, Metadata::new(0o644))?;
        rehash(site)
    }
}

/// A directory for certificates of one's own, like `/usr/local` itself.
fn local_directory(site: &mut Site<'_>) -> Result<(), Problem> {
    let above = site.files.node("/usr/local").map(|node| node.metadata);
    let metadata = above.unwrap_or(Metadata::new(0o755));
    site.files.make_directories(LOCAL, metadata)
}

/// The comment with which the script begins the configuration: its only here-document.
fn heading(script: &str) -> String {
    let start = format!("cat > {CONFIGURATION} <<EOF\n");
    let text = script.split_once(&start).map(|(_, after)| after);
    let text = text.and_then(|after| after.split_once("\nEOF\n"));
    text.map(|(heading, _)| format!("{heading}\n"))
        .unwrap_or_default()
}

/// The paths below `directory` of files that end in `.crt`, sorted by their bytes.
fn certificates(site: &Site<'_>, directory: &str) -> Vec<String> {
    let Some(top) = site.files.real(directory) else {
        return Vec::new();
    };
    let below = site.files.tree().descendants(&top);
    let names = below.filter_map(|(path, _, _)| path.strip_prefix(&top));
    let names = names.filter_map(|path| String::from_utf8(path.as_bytes().to_vec()).ok());
    let is_certificate = |name: &String| {
        name.ends_with(".crt") && site.files.is_file(&format!("{directory}/{name}"))
    };
    let mut names: Vec<String> = names.filter(is_certificate).collect();
    names.sort_unstable();
    names
}

/// The certificates that are believed, in their order.
fn enabled(site: &Site<'_>) -> Result<Vec<String>, Problem> {
    let text = site.files.read_text(CONFIGURATION)?.unwrap_or_default();
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '!']));
    let paths = lines.map(|name| format!("{PACKAGED}/{name}"));
    let mut paths: Vec<String> = paths.filter(|path| site.files.is_file(path)).collect();
    let local = certificates(site, LOCAL).into_iter();
    paths.extend(local.map(|name| format!("{LOCAL}/{name}")));
    Ok(paths)
}

/// What the symlink to a certificate is called.
fn link_name(path: &str) -> String {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let name = name.strip_suffix(".crt").unwrap_or(name);
    let letter = |letter| match letter {
        ' ' | ',' => '_',
        '(' | ')' => '=',
        other => other,
    };
    name.chars().map(letter).collect::<String>() + ".pem"
}

/// Makes the links by digest of the subject, for every file of one certificate. Two certificates
/// of one subject get `.0` and `.1`; the same certificate twice gets one link.
fn rehash(site: &mut Site<'_>) -> Result<(), Problem> {
    let mut taken: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for name in site.files.text_names(LINKS) {
        let known = [".pem", ".crt", ".cer"]
            .iter()
            .any(|end| name.ends_with(end));
        let path = format!("{LINKS}/{name}");
        let content = if known { site.files.read(&path)? } else { None };
        let Some(certificate) = content.and_then(|text| pem::only_certificate(&text)) else {
            continue;
        };
        let Some(hash) = subject::hash(&certificate) else {
            continue;
        };
        let same = taken.entry(hash).or_default();
        if same.contains(&certificate) {
            continue;
        }
        let link = format!("{LINKS}/{hash:08x}.{}", same.len());
        same.push(certificate);
        site.files.symlink(&link, &name)?;
    }
    Ok(())
}
