//! Reading the packages of a lock.

use enclair_digest::Sha256;
use toml::de::DeValue;

use super::Table;
use crate::lock::{LockError, LockedPackage, LockedPackages, LockedSuite, Sha1Hint};

pub(super) const SOURCE: &[&str] = &["request", "packages"];
pub(super) const PACKAGE: &[&str] = &[
    "name", "version", "arch", "from", "file", "size", "sha256", "sha1", "asked",
];
const SUITE: &[&str] = &["name", "archive", "components", "date", "release", "key"];

/// The suites of a lock; none where it has no key `suites`.
pub(super) fn suites(table: &Table<'_>) -> Result<Vec<LockedSuite>, LockError> {
    let Some(value) = table.get("suites") else {
        return Ok(Vec::new());
    };
    let mut suites: Vec<LockedSuite> = Vec::new();
    for (index, item) in table.array_of("suites", value)?.iter().enumerate() {
        let key = format!("suites[{index}]");
        let found = suite(&table.table_of(&key, item.get_ref(), SUITE)?)?;
        if suites.last().is_some_and(|last| last.name >= found.name) {
            return Err(table.wrong(&key, "a name behind the one before", &found.name));
        }
        suites.push(found);
    }
    if suites.is_empty() {
        return Err(table.wrong("suites", "at least one suite, or no such key", "[]"));
    }
    Ok(suites)
}

fn suite(table: &Table<'_>) -> Result<LockedSuite, LockError> {
    let name = table.text("name")?;
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    if !name
        .split_once(':')
        .is_some_and(|(archive, suite)| is_name(archive) && is_safe(suite))
    {
        return Err(table.wrong("name", "`ARCHIVE:SUITE`", name));
    }
    let key = table.text("key")?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F');
    if !(40..=64).contains(&key.len()) || !key.bytes().all(is_digit) {
        return Err(table.wrong("key", "a fingerprint in upper-case digits", key));
    }
    let components = table.texts_of("components", table.required("components")?)?;
    Ok(LockedSuite {
        name: name.to_owned(),
        archive: word(table, "archive")?,
        components: components.into_iter().map(str::to_owned).collect(),
        date: table.number("date")?,
        release: table.table("release", &["sha256", "size"])?.blob()?,
        key: key.to_owned(),
    })
}

pub(super) fn source(
    table: &Table<'_>,
    suites: &[LockedSuite],
) -> Result<LockedPackages, LockError> {
    let text = table.text("request")?;
    let request = text.strip_prefix("sha256:").map(str::parse::<Sha256>);
    let Some(Ok(request)) = request else {
        return Err(table.wrong("request", "`sha256:` and 64 hexadecimal digits", text));
    };
    let items = table.array_of("packages", table.required("packages")?)?;
    let mut packages = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        let key = format!("packages[{index}]");
        let found = package(&table.table_of(&key, item.get_ref(), PACKAGE)?, suites)?;
        if !known.insert((found.name.clone(), found.arch.clone())) {
            return Err(table.wrong(&key, "a package that was not there before", &found.name));
        }
        packages.push(found);
    }
    Ok(LockedPackages { request, packages })
}

pub(super) fn package(
    table: &Table<'_>,
    suites: &[LockedSuite],
) -> Result<LockedPackage, LockError> {
    let from = word(table, "from")?;
    // An archive alone is what is known of a package that was imported.
    if from.contains(':') && !suites.iter().any(|suite| suite.name == from) {
        return Err(table.wrong("from", "the name of a suite of `suites`", &from));
    }
    let file = table.text("file")?;
    if !is_safe(file) {
        return Err(table.wrong("file", "a path below the archive", file));
    }
    let mut sha1 = Sha1Hint::default();
    if table.get("sha1").is_some() {
        let text = table.text("sha1")?;
        let wrong = || table.wrong("sha1", "40 hexadecimal digits", text);
        sha1 = Sha1Hint::parse(text).ok_or_else(wrong)?;
    }
    Ok(LockedPackage {
        name: word(table, "name")?,
        version: word(table, "version")?,
        arch: word(table, "arch")?,
        from,
        file: file.to_owned(),
        blob: table.blob()?,
        sha1,
        asked: match table.get("asked") {
            None => false,
            Some(DeValue::Boolean(true)) => true,
            Some(other) => return Err(table.wrong_type("asked", "`true`, or no such key", other)),
        },
    })
}

/// A text of printable ASCII without spaces.
fn word(table: &Table<'_>, key: &str) -> Result<String, LockError> {
    let text = table.text(key)?;
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err(table.wrong(key, "one word of ASCII", text))
    }
}

/// Whether a path stays below the root of its archive.
fn is_safe(path: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|byte| byte.is_ascii_graphic())
    };
    path.split('/').all(is_part)
}
