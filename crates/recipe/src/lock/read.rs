//! Reading a lock: values first, then the comparison of bytes that decides what is canonical.
//!
//! The surprise: nothing here looks at the order of keys, at white space or at how a string is
//! spelled. What was understood is written again, and both must be the same bytes.

mod packages;

use enclair_configuration::Found;
use enclair_digest::Sha256;
use toml::de::{DeTable, DeValue};

use super::error::{MAX_BYTES, SCHEMA};
use super::{
    FILES, Inside, Lock, LockError, LockedBoot, LockedFile, LockedImage, LockedSource, LockedSuite,
    Origin, RuleVersion,
};
use crate::read::{depth_problem, url};
use crate::recipe::Epoch;
use crate::reference::{ImageReference, Version};
use crate::supply::Blob;

/// What a merge puts at the beginning of lines. No line of a lock begins so.
const MARKERS: [&str; 3] = ["<<<<<<<", "=======", ">>>>>>>"];

const ROOT: &[&str] = &[
    "schema", "format", "recipe", "arch", "epoch", "cmdline", "rules", "effects", "suites", "note",
    "boot", "source", "files",
];
const SOURCE: &[&str] = &["image", "archive", "packages"];
const FILE: &[&str] = &[
    "from",
    "sha256",
    "size",
    "path",
    "container",
    "image",
    "package",
    "private",
];
const SOURCE_IMAGE: &[&str] = &["from", "index", "manifest", "config", "layers", "private"];
const FILE_IMAGE: &[&str] = &["index", "manifest", "config", "layers"];

pub(super) fn lock(document: &str) -> Result<Lock, LockError> {
    let found = document.len();
    if found > MAX_BYTES {
        return Err(LockError::TooLarge { found });
    }
    let is_marker = |line: &str| MARKERS.iter().any(|marker| line.starts_with(marker));
    if let Some(before) = document.lines().position(is_marker) {
        return Err(LockError::MergeConflict {
            line: before.saturating_add(1),
        });
    }
    let document = document.replace("\r\n", "\n");
    if let Some(span) = depth_problem(&document) {
        return Err(LockError::Syntax {
            line: line_of(&document, span.start),
            problem: "a key has too many parts".to_owned(),
        });
    }
    let root = DeTable::parse(&document).map_err(|error| LockError::Syntax {
        line: line_of(&document, error.span().unwrap_or_default().start),
        problem: error.message().to_owned(),
    })?;
    let lock = read_root(root.get_ref())?;
    let canonical = lock.to_toml();
    if canonical == document {
        return Ok(lock);
    }
    let same = canonical.bytes().zip(document.bytes());
    let same = same.take_while(|(left, right)| left == right).count();
    Err(LockError::NotCanonical {
        line: line_of(&document, same),
    })
}

/// The line of a byte, from 1.
fn line_of(document: &str, offset: usize) -> usize {
    let before = document.bytes().take(offset);
    before
        .filter(|byte| *byte == b'\n')
        .count()
        .saturating_add(1)
}

fn read_root(root: &DeTable<'_>) -> Result<Lock, LockError> {
    let table = Table {
        path: String::new(),
        entries: root,
    };
    // First: another schema may have other keys, and they are not what is wrong then.
    match table.number("schema")? {
        SCHEMA => {}
        found => return Err(LockError::Schema { found }),
    }
    table.check_keys(ROOT)?;
    let number = |key| {
        let number = table.number(key)?;
        u32::try_from(number).map_err(|_| table.wrong(key, "a smaller number", &number.to_string()))
    };
    if let Some(notes) = table.get("note") {
        // They say again what is in the tables; the comparison of bytes checks that they do.
        table.texts_of("note", notes)?;
    }
    let suites = packages::suites(&table)?;
    Ok(Lock {
        format: number("format")?,
        recipe: recipe_digest(&table)?,
        arch: table.parsed("arch", "`x86_64` or `aarch64`")?,
        epoch: match table.get("epoch") {
            Some(DeValue::String(word)) if word == "commit" => Epoch::Commit,
            _ => Epoch::Seconds(number("epoch")?),
        },
        cmdline: command_line(&table)?,
        rules: table.rules("rules")?,
        effects: table.rules("effects")?,
        boot: boot(
            &table.table("boot", &["kernel", "init", "agent", "nsm_module"])?,
            &suites,
        )?,
        source: match table.get("source") {
            Some(_) => Some(source(&table.table("source", SOURCE)?, &suites)?),
            None => None,
        },
        files: laid(&table, &suites)?,
        suites,
    })
}

/// The files that are laid into the image.
fn laid(table: &Table<'_>, suites: &[LockedSuite]) -> Result<Vec<LockedFile>, LockError> {
    let Some(value) = table.get(FILES) else {
        return Ok(Vec::new());
    };
    let items = table.array_of(FILES, value)?.iter().enumerate();
    let files = items.map(|(index, item)| {
        let key = format!("{FILES}[{index}]");
        let table = table.table_of(&key, item.get_ref(), FILE)?;
        file(&table, suites)
    });
    files.collect()
}

fn recipe_digest(table: &Table<'_>) -> Result<Sha256, LockError> {
    let text = table.text("recipe")?;
    let digest = text.strip_prefix("sha256:").map(str::parse);
    match digest {
        Some(Ok(digest)) => Ok(digest),
        _ => Err(table.wrong("recipe", "`sha256:` and 64 hexadecimal digits", text)),
    }
}

fn command_line(table: &Table<'_>) -> Result<String, LockError> {
    let text = table.text("cmdline")?;
    if text.contains(['\0', '\n']) {
        Err(table.wrong("cmdline", "neither NUL nor newline", text))
    } else {
        Ok(text.to_owned())
    }
}

fn boot(table: &Table<'_>, suites: &[LockedSuite]) -> Result<LockedBoot, LockError> {
    let optional = |key| match table.get(key) {
        Some(_) => file(&table.table(key, FILE)?, suites).map(Some),
        None => Ok(None),
    };
    Ok(LockedBoot {
        kernel: file(&table.table("kernel", FILE)?, suites)?,
        init: file(&table.table("init", FILE)?, suites)?,
        agent: optional("agent")?,
        nsm_module: optional("nsm_module")?,
    })
}

fn source(table: &Table<'_>, suites: &[LockedSuite]) -> Result<LockedSource, LockError> {
    if table.get("archive").is_some() {
        table.refuse(&["image", "packages"])?;
        return file(&table.table("archive", FILE)?, suites).map(LockedSource::Archive);
    }
    if table.get("packages").is_some() {
        table.refuse(&["image"])?;
        let table = table.table("packages", packages::SOURCE)?;
        return packages::source(&table, suites).map(LockedSource::Packages);
    }
    let table = table.table("image", SOURCE_IMAGE)?;
    let from = table.parsed("from", "the reference of an image")?;
    let private = table.private()?;
    image(&table, from, private).map(LockedSource::Image)
}

fn file(table: &Table<'_>, suites: &[LockedSuite]) -> Result<LockedFile, LockError> {
    let private = table.private()?;
    let from = table.text("from")?;
    let expected = "`carried`, `file:PATH`, `url:URL`, `image:REFERENCE` or `package:NAME`";
    let wrong = || table.wrong("from", expected, from);
    let origin = match from.split_once(':') {
        None if from == "carried" => {
            table.refuse(&["path", "container", "image", "package", "private"])?;
            Origin::Carried
        }
        Some(("file", path)) if !path.is_empty() => {
            table.refuse(&["path", "container", "image", "package"])?;
            Origin::File(path.to_owned())
        }
        Some(("url", text)) => {
            table.refuse(&["image", "package", "private"])?;
            Origin::Url {
                url: url(text).map_err(|_| wrong())?,
                inside: inside(table)?,
            }
        }
        Some(("image", reference)) => {
            table.refuse(&["container", "package"])?;
            let reference = reference.parse().map_err(|_| wrong())?;
            Origin::Image {
                image: image(&table.table("image", FILE_IMAGE)?, reference, private)?,
                path: table.text("path")?.to_owned(),
            }
        }
        Some(("package", name)) if is_package(name) => {
            table.refuse(&["container", "image", "private"])?;
            let package = packages::package(&table.table("package", packages::PACKAGE)?, suites)?;
            Origin::Package {
                asked: name.to_owned(),
                package: Box::new(package),
                path: table.text("path")?.to_owned(),
            }
        }
        Some(_) | None => return Err(wrong()),
    };
    Ok(LockedFile {
        from: origin,
        blob: table.blob()?,
        private,
    })
}

/// Whether a text could be the name of a package.
fn is_package(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Path and container of a file in an archive: both or none.
fn inside(table: &Table<'_>) -> Result<Option<Inside>, LockError> {
    if table.get("path").is_none() && table.get("container").is_none() {
        return Ok(None);
    }
    Ok(Some(Inside {
        path: table.text("path")?.to_owned(),
        container: table.table("container", &["sha256", "size"])?.blob()?,
    }))
}

/// A reference with a digest names the manifest, or an index that leads to it, and nothing else does.
fn check_named(table: &Table<'_>, image: &LockedImage) -> Result<(), LockError> {
    let named = match &image.from {
        ImageReference::Registry(reference) => match reference.version() {
            Version::Digest(digest) => Some(digest),
            Version::Tag(_) => None,
        },
        ImageReference::OciLayout { .. }
        | ImageReference::OciArchive { .. }
        | ImageReference::DockerArchive { .. }
        | ImageReference::DockerDaemon { .. } => None,
    };
    let found = image.index.as_ref().or(image.manifest.as_ref());
    let holds = match named {
        Some(named) => found.is_some_and(|blob| blob.sha256 == *named) && image.manifest.is_some(),
        None => image.index.is_none(),
    };
    if holds {
        return Ok(());
    }
    let key = if image.index.is_some() {
        "index"
    } else {
        "manifest"
    };
    let found = found.map_or_else(String::new, |blob| blob.sha256.to_string());
    Err(table.wrong(key, "the digest that `from` has, or none", &found))
}

fn image(table: &Table<'_>, from: ImageReference, private: bool) -> Result<LockedImage, LockError> {
    if private && matches!(from, ImageReference::Registry(_)) {
        let found = from.to_string();
        return Err(table.wrong("private", "an image that no registry has", &found));
    }
    let blob = |key| table.table(key, &["sha256", "size"])?.blob();
    let layers = table.required("layers")?;
    let optional = |key| table.get(key).map(|_| blob(key)).transpose();
    let mut locked = LockedImage {
        from,
        index: optional("index")?,
        manifest: optional("manifest")?,
        config: blob("config")?,
        layers: Vec::new(),
        private,
    };
    for (index, layer) in table.array_of("layers", layers)?.iter().enumerate() {
        let key = format!("layers[{index}]");
        let layer = table.table_of(&key, layer.get_ref(), &["sha256", "size"])?;
        locked.layers.push(layer.blob()?);
    }
    check_named(table, &locked)?;
    Ok(locked)
}

/// A table of the lock.
struct Table<'d> {
    path: String,
    entries: &'d DeTable<'d>,
}

impl<'d> Table<'d> {
    fn get(&self, key: &str) -> Option<&'d DeValue<'d>> {
        self.entries.get(key).map(toml::Spanned::get_ref)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn required(&self, key: &str) -> Result<&'d DeValue<'d>, LockError> {
        self.get(key).ok_or_else(|| LockError::MissingKey {
            key: self.path_of(key),
        })
    }

    fn wrong(&self, key: &str, expected: &'static str, found: &str) -> LockError {
        LockError::Value {
            key: self.path_of(key),
            expected,
            found: Found::new(found),
        }
    }

    fn wrong_type(&self, key: &str, expected: &'static str, found: &DeValue<'_>) -> LockError {
        LockError::WrongType {
            key: self.path_of(key),
            expected,
            found: found.type_str(),
        }
    }

    fn check_keys(&self, known: &[&str]) -> Result<(), LockError> {
        let mut keys = self.entries.keys().map(|key| key.get_ref().as_ref());
        match keys.find(|key| !known.contains(key)) {
            Some(unknown) => Err(self.unknown(unknown)),
            None => Ok(()),
        }
    }

    /// Refuses keys that do not go with the others.
    fn refuse(&self, keys: &[&str]) -> Result<(), LockError> {
        match keys.iter().find(|key| self.get(key).is_some()) {
            Some(key) => Err(self.unknown(key)),
            None => Ok(()),
        }
    }

    fn unknown(&self, key: &str) -> LockError {
        LockError::UnknownKey {
            key: Found::new(&self.path_of(key)),
        }
    }

    fn text(&self, key: &str) -> Result<&'d str, LockError> {
        let value = self.required(key)?;
        value
            .as_str()
            .ok_or_else(|| self.wrong_type(key, "a string", value))
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        key: &str,
        expected: &'static str,
    ) -> Result<T, LockError> {
        let text = self.text(key)?;
        text.parse().map_err(|_| self.wrong(key, expected, text))
    }

    fn number(&self, key: &str) -> Result<u64, LockError> {
        let value = self.required(key)?;
        let Some(digits) = value.as_integer() else {
            return Err(self.wrong_type(key, "a number", value));
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
        number
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| self.wrong(key, "a number from 0 to 2^63 - 1", digits.as_str()))
    }

    fn private(&self) -> Result<bool, LockError> {
        match self.get("private") {
            None => Ok(false),
            Some(DeValue::Boolean(true)) => Ok(true),
            Some(other) => Err(self.wrong_type("private", "`true`, or no such key", other)),
        }
    }

    fn table(&self, key: &str, known: &[&str]) -> Result<Self, LockError> {
        self.table_of(key, self.required(key)?, known)
    }

    fn table_of(
        &self,
        key: &str,
        value: &'d DeValue<'d>,
        known: &[&str],
    ) -> Result<Self, LockError> {
        let entries = value
            .as_table()
            .ok_or_else(|| self.wrong_type(key, "a table", value))?;
        let table = Self {
            path: self.path_of(key),
            entries,
        };
        table.check_keys(known)?;
        Ok(table)
    }

    fn array_of(
        &self,
        key: &str,
        value: &'d DeValue<'d>,
    ) -> Result<&'d [toml::Spanned<DeValue<'d>>], LockError> {
        match value.as_array() {
            Some(items) => Ok(items),
            None => Err(self.wrong_type(key, "an array", value)),
        }
    }

    fn texts_of(&self, key: &str, value: &'d DeValue<'d>) -> Result<Vec<&'d str>, LockError> {
        let items = self.array_of(key, value)?.iter();
        let texts = items.map(|item| {
            let text = item.get_ref().as_str();
            text.ok_or_else(|| self.wrong_type(key, "strings", item.get_ref()))
        });
        texts.collect()
    }

    fn rules(&self, key: &str) -> Result<Vec<RuleVersion>, LockError> {
        let texts = self.texts_of(key, self.required(key)?)?;
        let rules = texts.into_iter().map(|text| {
            let rule = text.parse();
            rule.map_err(|_| self.wrong(key, "ids with versions, as in `mtime@1`", text))
        });
        rules.collect()
    }

    fn blob(&self) -> Result<Blob, LockError> {
        Ok(Blob {
            sha256: self.parsed("sha256", "64 hexadecimal digits")?,
            size: self.number("size")?,
        })
    }
}
