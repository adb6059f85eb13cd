//! Archives of packages: their mirrors, and who keeps what mirrors drop.
//!
//! ```text
//! mirrors of the settings        MIRROR/PATH
//! the archive's own host         where every mirror is out of date or there is none (Ubuntu)
//! snapshots                      the archive as it was at a time
//! hosts of old releases          releases that are no longer on mirrors
//! files of any time by name      Launchpad (Ubuntu)
//! ```
//!
//! Nobody of them is believed: digests and signatures decide, so plain HTTP does no harm. Only hosts
//! of the distributions themselves are in this file; that of a mirror is a setting.
//!
//! # Times
//!
//! A suite has the date at which it was made. Snapshots are taken some times a day, a while after
//! that, and a snapshot that is asked for a time gives the last one before it. So the time that is
//! asked for is six hours later: late enough for a snapshot of that suite, and too early for the next
//! one to have taken its place; a day later is the second try.

use enclair_recipe::Place;

use crate::settings::Settings;
use crate::source::Source;

/// Seconds from a suite's date to the snapshots that have it.
const LATER: [u64; 2] = [6 * 60 * 60, 24 * 60 * 60];

/// Who has an archive besides its mirrors. `{}` in a snapshot is a time.
struct Known {
    name: &'static str,
    own: &'static [&'static str],
    snapshot: &'static str,
    old: &'static [&'static str],
    /// Has packages by the last part of their path.
    by_name: Option<&'static str>,
}

const LAUNCHPAD: &str = "https://launchpad.net/ubuntu/+archive/primary/+files";

const KNOWN: [Known; 4] = [
    Known {
        name: "debian",
        own: &[],
        snapshot: "http://snapshot.debian.org/archive/debian/{}",
        old: &["http://archive.debian.org/debian"],
        by_name: None,
    },
    Known {
        name: "debian-security",
        own: &[],
        snapshot: "http://snapshot.debian.org/archive/debian-security/{}",
        old: &["http://archive.debian.org/debian-security"],
        by_name: None,
    },
    Known {
        name: "ubuntu",
        own: &["http://archive.ubuntu.com/ubuntu"],
        snapshot: "https://snapshot.ubuntu.com/ubuntu/{}",
        old: &["http://old-releases.ubuntu.com/ubuntu"],
        by_name: Some(LAUNCHPAD),
    },
    Known {
        name: "ubuntu-ports",
        own: &["http://ports.ubuntu.com"],
        snapshot: "https://snapshot.ubuntu.com/ubuntu/{}",
        old: &["http://old-releases.ubuntu.com/ubuntu"],
        by_name: Some(LAUNCHPAD),
    },
];

const SCHEMES: [&str; 3] = ["http", "https", "file"];

/// The mirrors that the settings name, in their order.
pub(crate) fn mirrors(archive: &str, path: &str, settings: &Settings) -> Vec<Source> {
    let Some(path) = encoded(path) else {
        return Vec::new();
    };
    let archive = settings.archives.get(archive);
    let mirrors = archive.into_iter().flat_map(|archive| &archive.mirrors);
    mirrors.map(|mirror| below(mirror, &path)).collect()
}

/// Everybody else who may have it; `date` is that of the suite.
pub(crate) fn keepers(
    archive: &str,
    path: &str,
    date: Option<u64>,
    settings: &Settings,
) -> Vec<Source> {
    let is_exclusive = |name| {
        let archive = settings.archives.get(name);
        archive.is_some_and(|archive| archive.exclusive)
    };
    let known = KNOWN.iter().find(|known| known.name == archive);
    let Some(known) = known.filter(|known| !is_exclusive(known.name)) else {
        return Vec::new();
    };
    let Some(path) = encoded(path) else {
        return Vec::new();
    };
    let times = match date {
        Some(date) => LATER.map(|later| Some(date.saturating_add(later))),
        None => [settings.now, None],
    };
    let snapshots = times.into_iter().flatten().filter_map(timestamp);
    let snapshots = snapshots.map(|time| known.snapshot.replace("{}", &time));
    let own = known.own.iter().map(|base| (*base).to_owned());
    let old = known.old.iter().map(|base| (*base).to_owned());
    let mut sources: Vec<Source> = own
        .chain(snapshots)
        .chain(old)
        .map(|base| below(&base, &path))
        .collect();
    if let Some(base) = known.by_name.filter(|_| path.starts_with("pool/")) {
        let name = path.rsplit('/').next().unwrap_or(&path);
        sources.push(below(base, name));
    }
    sources
}

fn below(base: &str, path: &str) -> Source {
    let base = base.trim_end_matches('/');
    Source::at(&format!("{base}/{path}"), &SCHEMES)
}

/// A path as it stands in a URL; nothing for one that leads elsewhere. An index may have any path in
/// it, and names of packages may have `%`.
fn encoded(path: &str) -> Option<String> {
    use std::fmt::Write as _;

    let mut parts = path.split('/');
    if parts.any(|part| matches!(part, "" | "." | "..")) {
        return None;
    }
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    Some(text)
}

/// When a snapshot is asked for, for a piece of content with a date: as templates have it.
pub(crate) fn snapshot_time(place: &Place) -> Option<String> {
    let Place::Archive {
        date: Some(date), ..
    } = place
    else {
        return None;
    };
    let [later, _] = LATER;
    timestamp(date.saturating_add(later))
}

/// `20260711T161637Z` for seconds since 1970.
fn timestamp(seconds: u64) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    /// The last second of the year 9999.
    const LAST: u64 = 253_402_300_799;
    if seconds > LAST {
        return None;
    }
    let since = std::time::Duration::from_secs(seconds);
    // `Sat, 11 Jul 2026 16:16:37 GMT`
    let date = httpdate::fmt_http_date(std::time::UNIX_EPOCH.checked_add(since)?);
    let mut words = date.split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let time = time.replace(':', "");
    Some(format!("{year}{:02}{day}T{time}Z", month.checked_add(1)?))
}

#[cfg(test)]
mod tests {
    use crate::settings::ArchiveSettings;

    use super::*;

    const DATE: u64 = 1_783_764_997;

    fn labels(sources: Vec<Source>) -> Vec<String> {
        sources
            .into_iter()
            .map(|source| {
                assert!(source.way.is_ok(), "{}", source.label);
                source.label
            })
            .collect()
    }

    fn settings(name: &str, archive: ArchiveSettings) -> Settings {
        Settings {
            archives: [(name.to_owned(), archive)].into(),
            now: Some(DATE),
            ..Settings::default()
        }
    }

    #[test]
    fn times_are_those_of_snapshots() {
        assert_eq!(timestamp(0).unwrap(), "19700101T000000Z");
        assert_eq!(timestamp(DATE).unwrap(), "20260711T101637Z");
        assert_eq!(timestamp(951_782_399).unwrap(), "20000228T235959Z");
        assert_eq!(timestamp(u64::MAX), None);
    }

    #[test]
    fn mirrors_come_in_their_order() {
        let settings = settings(
            "debian",
            ArchiveSettings {
                mirrors: vec![
                    "http://mirror.example/debian/".into(),
                    "file:///srv/debian".into(),
                ],
                exclusive: false,
            },
        );
        assert_eq!(
            labels(mirrors(
                "debian",
                "pool/main/g/g++/g++_1%3a2~3.deb",
                &settings
            )),
            [
                "http://mirror.example/debian/pool/main/g/g%2B%2B/g%2B%2B_1%253a2~3.deb",
                "file:///srv/debian/pool/main/g/g%2B%2B/g%2B%2B_1%253a2~3.deb",
            ]
        );
        assert!(mirrors("ubuntu", "pool/a", &settings).is_empty());
    }

    #[test]
    fn what_mirrors_dropped_is_in_snapshots() {
        let settings = Settings::default();
        assert_eq!(
            labels(keepers(
                "debian-security",
                "pool/a.deb",
                Some(DATE),
                &settings
            )),
            [
                "http://snapshot.debian.org/archive/debian-security/20260711T161637Z/pool/a.deb",
                "http://snapshot.debian.org/archive/debian-security/20260712T101637Z/pool/a.deb",
                "http://archive.debian.org/debian-security/pool/a.deb",
            ]
        );
        assert_eq!(
            labels(keepers("ubuntu", "pool/main/a.deb", Some(DATE), &settings)),
            [
                "http://archive.ubuntu.com/ubuntu/pool/main/a.deb",
                "https://snapshot.ubuntu.com/ubuntu/20260711T161637Z/pool/main/a.deb",
                "https://snapshot.ubuntu.com/ubuntu/20260712T101637Z/pool/main/a.deb",
                "http://old-releases.ubuntu.com/ubuntu/pool/main/a.deb",
                "https://launchpad.net/ubuntu/+archive/primary/+files/a.deb",
            ]
        );
        let index = keepers("ubuntu-ports", "dists/noble/InRelease", None, &settings);
        assert_eq!(
            labels(index),
            [
                "http://ports.ubuntu.com/dists/noble/InRelease",
                "http://old-releases.ubuntu.com/ubuntu/dists/noble/InRelease",
            ]
        );
        assert!(keepers("synthetic", "pool/a.deb", Some(DATE), &settings).is_empty());
    }

    #[test]
    fn what_has_no_date_is_asked_for_now() {
        let settings = settings("debian", ArchiveSettings::default());
        let labels = labels(keepers("debian", "dists/sid/InRelease", None, &settings));
        assert_eq!(
            labels[0],
            "http://snapshot.debian.org/archive/debian/20260711T101637Z/dists/sid/InRelease"
        );
    }

    #[test]
    fn an_exclusive_archive_has_its_mirrors_alone() {
        let settings = settings(
            "debian",
            ArchiveSettings {
                mirrors: vec!["http://mirror.example".into()],
                exclusive: true,
            },
        );
        assert!(keepers("debian", "pool/a.deb", Some(DATE), &settings).is_empty());
        assert_eq!(mirrors("debian", "pool/a.deb", &settings).len(), 1);
        assert!(!keepers("debian-security", "pool/a.deb", None, &settings).is_empty());
    }

    #[test]
    fn no_path_leads_elsewhere() {
        let settings = settings(
            "debian",
            ArchiveSettings {
                mirrors: vec!["file:///srv/debian".into()],
                exclusive: false,
            },
        );
        for path in ["", "/etc/passwd", "pool/../../x", "pool//x", "./x", "pool/"] {
            assert!(mirrors("debian", path, &settings).is_empty(), "{path}");
            assert!(
                keepers("debian", path, Some(DATE), &settings).is_empty(),
                "{path}"
            );
        }
        for path in ["pool/a?b#c", "pool/a\\..\\b", "pool/%2e%2e/b", "pool/a\0b"] {
            let encoded = encoded(path).unwrap();
            let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"/%.".contains(&byte);
            assert!(encoded.bytes().all(safe), "{encoded}");
            assert!(!encoded.contains("%2e"), "{encoded}");
        }
    }
}
