//! The marker check: an application is started only if every ramdisk was unpacked to its end.
//!
//! The kernel passes over what it cannot create, and what it makes of a ramdisk that was cut it
//! says in a line that nobody reads. Therefore the last entry of ramdisk *n* is the file `~end`*n*,
//! whose content is the number of entries before it (`docs/formats/cpio.md`).
//!
//! | rule | what it finds |
//! |---|---|
//! | every marker of the configured number of ramdisks is there, and no other | a ramdisk that was cut or left out, or one too many |
//! | its content is a decimal number, as the writer writes it | a marker that was cut itself |
//! | the numbers add up to the entries in the tree | entries that were passed over, and a cut that left another number |
//!
//! All ramdisks unpack into one tree, so what can be compared is the sum. With two ramdisks it is
//! exact: the boot ramdisk and the application's have no path in common. A third one repeats the
//! directories above what it adds, so its number may count a directory of the application that is
//! in the tree once: the sum may then exceed the tree by at most that many directories for each
//! ramdisk after the second, and never fall below it. Its marker still proves that it arrived.
//!
//! Not counted: the markers, and what the kernel's own built-in archive makes before any ramdisk:
//! `/dev/console` and `/root`. Nothing below `/dev` is looked at, since devices are mounted there.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::sys::Errno;

/// The beginning of every marker's name.
const MARKER: &str = "~end";
/// Digits of the greatest number that a marker can have: a ramdisk has less than 2^32 entries.
const MAX_DIGITS: u64 = 10;
/// Top directories of the application's ramdisks.
const APPLICATION: [&str; 2] = ["etc", "rootfs"];

/// What is in a tree.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    entries: u64,
    /// Those of the entries that are directories of the application.
    directories: u64,
}

/// Checks the markers of `ramdisks` ramdisks that were unpacked to `top`.
pub(crate) fn check(top: &Path, ramdisks: u32) -> Result<(), Failure> {
    let mut expected = 0;
    for ramdisk in 0..ramdisks {
        expected += read_marker(top, ramdisk)?;
    }
    let mut count = Count::default();
    for name in names(top)? {
        if let Some(number) = name.strip_prefix(MARKER) {
            check_name(&name, number, ramdisks)?;
        } else if name != "root" {
            count_top(top, &name, &mut count)?;
        }
    }
    let repeats = u64::from(ramdisks.saturating_sub(2)) * count.directories;
    if (count.entries..=count.entries + repeats).contains(&expected) {
        return Ok(());
    }
    Err(Failure::EntriesMissing {
        expected,
        found: count.entries,
    })
}

fn read_marker(top: &Path, ramdisk: u32) -> Result<u64, Failure> {
    let path = top.join(format!("{MARKER}{ramdisk}"));
    let missing = |error| Failure::MarkerMissing {
        ramdisk,
        errno: Errno::from(error),
    };
    let malformed = || Failure::MarkerMalformed { ramdisk };
    if !fs::symlink_metadata(&path).map_err(missing)?.is_file() {
        return Err(malformed());
    }
    let mut content = String::new();
    let file = fs::File::open(&path).map_err(missing)?;
    // Bytes that are no text are no number either.
    file.take(MAX_DIGITS + 1)
        .read_to_string(&mut content)
        .map_err(|_| malformed())?;
    let number: u32 = content.parse().map_err(|_| malformed())?;
    // `+5` and `05` are numbers to the parser; the writer writes neither.
    if number.to_string() == content {
        Ok(u64::from(number))
    } else {
        Err(malformed())
    }
}

/// A marker that is there is one that is asked for.
fn check_name(name: &str, number: &str, ramdisks: u32) -> Result<(), Failure> {
    let known = (0..ramdisks).any(|ramdisk| ramdisk.to_string() == number);
    if known {
        return Ok(());
    }
    Err(Failure::MarkerUnexpected {
        name: name.to_owned(),
        ramdisks,
    })
}

/// Names of the entries at the top. A name that is no text is none that a builder gives.
fn names(top: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(top).map_err(|error| not_read(top, error))? {
        let entry = entry.map_err(|error| not_read(top, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    Ok(names)
}

fn not_read(path: &Path, error: std::io::Error) -> Failure {
    Failure::TreeNotRead {
        path: String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned(),
        errno: error.into(),
    }
}

/// Counts an entry of the top and what is below it.
fn count_top(top: &Path, name: &str, count: &mut Count) -> Result<(), Failure> {
    let path = top.join(name);
    let kind = fs::symlink_metadata(&path).map_err(|error| not_read(&path, error))?;
    count.entries += 1;
    if kind.is_dir() && name != "dev" {
        let mut below = count_below(path)?;
        if APPLICATION.contains(&name) {
            count.directories += 1 + below.directories;
        }
        below.directories = 0;
        count.entries += below.entries;
    }
    Ok(())
}

/// Counts what is below a directory. Symlinks are entries and lead nowhere. Directories wait in a
/// list, so a deep tree is no deep recursion.
fn count_below(top: PathBuf) -> Result<Count, Failure> {
    let mut count = Count::default();
    let mut waiting = vec![top];
    while let Some(directory) = waiting.pop() {
        let entries = fs::read_dir(&directory).map_err(|error| not_read(&directory, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| not_read(&directory, error))?;
            count.entries += 1;
            // From the directory itself on the file systems that hold a ramdisk: no further call.
            let kind = entry.file_type();
            if kind.map_err(|error| not_read(&directory, error))?.is_dir() {
                count.directories += 1;
                waiting.push(entry.path());
            }
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// What a kernel leaves of an image with two ramdisks: 2 entries and 3 + 6.
    fn unpacked() -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().join(path);
        fs::create_dir_all(at("dev")).unwrap();
        fs::write(at("dev/console"), "the kernel's").unwrap();
        fs::create_dir(at("root")).unwrap();
        fs::write(at("init"), "program").unwrap();
        fs::write(at("~end0"), "2").unwrap();
        fs::create_dir_all(at("etc/enclair")).unwrap();
        fs::write(at("etc/enclair/enclave.json"), "{}").unwrap();
        fs::create_dir_all(at("rootfs/usr/bin")).unwrap();
        fs::write(at("rootfs/usr/bin/app"), "app").unwrap();
        fs::hard_link(at("rootfs/usr/bin/app"), at("rootfs/usr/bin/link")).unwrap();
        symlink("/", at("rootfs/loop")).unwrap();
        fs::write(at("~end1"), "9").unwrap();
        top
    }

    fn refused(change: impl FnOnce(&Path)) -> String {
        let top = unpacked();
        change(top.path());
        let failure = check(top.path(), 2).unwrap_err();
        format!("{}: {failure}", failure.id())
    }

    #[test]
    fn a_tree_that_is_whole_passes() {
        check(unpacked().path(), 2).unwrap();
    }

    #[test]
    fn a_missing_marker_is_named() {
        let message = refused(|top| fs::remove_file(top.join("~end1")).unwrap());
        assert!(message.starts_with("marker-missing: `/~end1`"), "{message}");
    }

    #[test]
    fn one_missing_entry_is_enough() {
        for path in [
            "init",
            "rootfs/loop",
            "rootfs/usr/bin/link",
            "etc/enclair/enclave.json",
        ] {
            assert_eq!(
                refused(|top| fs::remove_file(top.join(path)).unwrap()),
                "entries-missing: the ramdisks were not unpacked whole: expected 11 entries, \
                 found 10",
                "{path}"
            );
        }
    }

    #[test]
    fn one_entry_too_many_is_as_bad() {
        for path in ["rootfs/more", "more", "etc/more"] {
            let message = refused(|top| fs::write(top.join(path), "").unwrap());
            assert!(
                message.ends_with("expected 11 entries, found 12"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_marker_that_is_no_number_is_refused() {
        for content in [
            "",
            " 9",
            "9\n",
            "+9",
            "09",
            "-1",
            "4294967296",
            "9\0",
            "\u{ff}",
            "99999999999999",
        ] {
            let message = refused(|top| fs::write(top.join("~end1"), content).unwrap());
            assert!(
                message.starts_with("marker-malformed: `/~end1`"),
                "{content:?}: {message}"
            );
        }
        let message = refused(|top| {
            fs::remove_file(top.join("~end1")).unwrap();
            symlink("~end0", top.join("~end1")).unwrap();
        });
        assert!(message.starts_with("marker-malformed"), "{message}");
    }

    #[test]
    fn a_marker_too_many_is_refused() {
        for name in ["~end2", "~end", "~end01", "~endless"] {
            let message = refused(|top| fs::write(top.join(name), "0").unwrap());
            assert!(
                message.starts_with("marker-unexpected"),
                "{name}: {message}"
            );
        }
    }

    #[test]
    fn further_ramdisks_may_repeat_directories_and_nothing_else() {
        let top = unpacked();
        let at = |path: &str| top.path().join(path);
        // Ramdisk 2 has rootfs, rootfs/usr, rootfs/usr/bin and one new file.
        fs::write(at("rootfs/usr/bin/second"), "").unwrap();
        fs::write(at("~end2"), "4").unwrap();
        check(top.path(), 3).unwrap();
        fs::remove_file(at("rootfs/usr/bin/second")).unwrap();
        fs::remove_file(at("rootfs/usr/bin/link")).unwrap();
        fs::remove_file(at("rootfs/usr/bin/app")).unwrap();
        fs::remove_file(at("rootfs/loop")).unwrap();
        assert_eq!(check(top.path(), 3).unwrap_err().id(), "entries-missing");
        for path in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            fs::write(at("rootfs").join(path), "").unwrap();
        }
        assert_eq!(check(top.path(), 3).unwrap_err().id(), "entries-missing");
    }

    #[test]
    fn one_ramdisk_has_everything() {
        let top = unpacked();
        fs::remove_file(top.path().join("~end1")).unwrap();
        fs::write(top.path().join("~end0"), "11").unwrap();
        check(top.path(), 1).unwrap();
    }
}
