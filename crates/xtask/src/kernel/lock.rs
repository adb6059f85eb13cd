//! `source.lock`: which source package, and which tools, a kernel is built with.
//!
//! Lines `key = "value"`, comments and empty lines: a subset of TOML that needs no parser of its
//! own. Every key of [`SourceLock`] must be there once, and no other, so that a misspelt one is
//! not ignored.

use std::collections::BTreeMap;
use std::path::Path;

use enclair_digest::Sha256;

use crate::error::Error;

/// The content of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceLock {
    /// Name of the binary package that holds the source.
    pub(crate) package: String,
    /// Its exact version.
    pub(crate) version: String,
    /// Name of its file in the archive.
    pub(crate) file: String,
    /// Size of the file in bytes.
    pub(crate) size: u64,
    /// Digest of the file.
    pub(crate) sha256: Sha256,
    /// Where the file can be had by its hash, for as long as the archive lives.
    pub(crate) archive: String,
    /// Version of Linux, as the source itself says it.
    pub(crate) linux: String,
    /// First line that the compiler prints for `--version`.
    pub(crate) compiler: String,
    /// First line that the linker prints for `--version`.
    pub(crate) linker: String,
    /// First line that gzip prints for `--version`: the bzImage holds its output.
    pub(crate) compressor: String,
}

const KEYS: [&str; 10] = [
    "package",
    "version",
    "file",
    "size",
    "sha256",
    "archive",
    "linux",
    "compiler",
    "linker",
    "compressor",
];

impl SourceLock {
    /// Parses a lock; `path` is named in errors only.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let mut values = parse_lines(path, text)?;
        let mut take = |key: &'static str| {
            values.remove(key).ok_or(Error::LockMissing {
                path: path.to_owned(),
                key,
            })
        };
        let size = take("size")?;
        let sha256 = take("sha256")?;
        Ok(Self {
            package: take("package")?,
            version: take("version")?,
            file: take("file")?,
            size: size.parse().map_err(|_| Error::LockSize {
                path: path.to_owned(),
                found: size,
            })?,
            sha256: sha256.parse().map_err(|source| Error::Digest {
                path: path.to_owned(),
                source,
            })?,
            archive: take("archive")?,
            linux: take("linux")?,
            compiler: take("compiler")?,
            linker: take("linker")?,
            compressor: take("compressor")?,
        })
    }
}

fn parse_lines(path: &Path, text: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = parse_line(line).ok_or_else(|| Error::LockLine {
            path: path.to_owned(),
            line: index + 1,
            found: line.to_owned(),
        })?;
        let is_known = KEYS.contains(&key);
        if !is_known || values.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(Error::LockKey {
                path: path.to_owned(),
                line: index + 1,
                key: key.to_owned(),
            });
        }
    }
    Ok(values)
}

/// No escapes: a value with a quote or a backslash in it is refused.
fn parse_line(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(" = ")?;
    let value = value.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = !value.is_empty() && !value.contains(['"', '\\']);
    is_plain.then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;
    use crate::kernel::Architecture;

    const LOCK: &str = r#"# a comment

package = "linux-source-6.12"
version = "6.12.117-1~deb12u1"
file = "linux-source-6.12_6.12.117-1~deb12u1_all.deb"
size = "153476148"
sha256 = "e849faf31ca3555757f3a8877cb01af92122f744f75d1f3102734651c4e14703"
archive = "https://snapshot.debian.org/file/221d82478a259628d6016602b619a484e71e9424"
linux = "6.12.117"
compiler = "gcc 12"
linker = "ld 2"
compressor = "gzip 1"
"#;

    fn error(text: &str) -> String {
        let parsed = SourceLock::parse(Path::new("source.lock"), text);
        parsed.unwrap_err().to_string()
    }

    #[test]
    fn every_key_is_read() {
        let lock = SourceLock::parse(Path::new("source.lock"), LOCK).unwrap();
        assert_eq!(lock.package, "linux-source-6.12");
        assert_eq!(lock.version, "6.12.117-1~deb12u1");
        assert_eq!(lock.size, 153_476_148);
        assert!(lock.sha256.to_string().starts_with("e849faf3"));
        assert_eq!(lock.compressor, "gzip 1");
    }

    #[test]
    fn each_missing_key_is_named() {
        for key in KEYS {
            let kept = LOCK
                .lines()
                .filter(|line| !line.starts_with(&format!("{key} =")));
            let kept: Vec<_> = kept.collect();
            assert_eq!(
                error(&kept.join("\n")),
                format!("`source.lock`: `{key}` is missing")
            );
        }
    }

    #[test]
    fn what_is_not_of_the_lock_is_refused_with_its_line() {
        let with = |line: &str| format!("{LOCK}{line}\n");
        let at = "`source.lock`, line 13: ";
        for line in ["sha1 = \"abc\"", "linux = \"6.12.117\""] {
            let text = error(&with(line));
            assert!(
                text.starts_with(at) && text.ends_with("is there twice"),
                "{text}"
            );
        }
        let malformed = [
            "x",
            "linux=\"6\"",
            "linux = 6",
            "linux = \"\"",
            "linux = \"a\"b\"",
        ];
        for line in malformed {
            let text = error(&with(line));
            assert!(
                text.starts_with(at) && text.contains("expected `key"),
                "{text}"
            );
        }
    }

    #[test]
    fn sizes_and_digests_are_checked() {
        assert!(error(&LOCK.replace("153476148", "-1")).contains("`size`"));
        assert!(error(&LOCK.replace("e849faf31", "x849faf31")).contains("not a digest"));
    }

    #[test]
    fn the_committed_locks_hold_together() {
        for architecture in Architecture::ALL {
            let path = files::workspace()
                .join(architecture.directory())
                .join("source.lock");
            let lock = SourceLock::parse(&path, &files::read_text(&path).unwrap()).unwrap();
            assert!(lock.version.starts_with(&lock.linux), "{lock:?}");
            assert_eq!(
                lock.file,
                format!("{}_{}_all.deb", lock.package, lock.version)
            );
            let hash = lock
                .archive
                .strip_prefix("https://snapshot.debian.org/file/");
            let hash = hash.unwrap();
            assert!(hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
