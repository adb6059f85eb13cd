//! Mirrors that this machine's own apt sources name, for archives that settings say nothing of.
//!
//! A machine that runs Debian or Ubuntu has been told where a good mirror is. Which archive an entry
//! is of is seen by its suites, because mirrors have any name; but others give their repositories
//! the suites of a distribution too, so `bookworm` alone proves nothing. An entry counts when
//!
//! - its URI has a part of a release that only the distribution has: `bookworm-updates`,
//!   `noble-security`; or
//! - it is signed by the distribution's own keyring; or
//! - nothing better is there, no key is named, and the URI's path is the archive's name alone.
//!
//! A wrong guess costs a request: what comes is believed by its digest or signature only.

mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use enclair_fetch::{RedactedUrl, Settings};
use enclair_host::doctor::{Check, Found as CheckFound};

use self::sources::{Entry, parse_list, parse_sources};

/// Bytes of a file of sources, or of mirrors, that are read.
const MAX_BYTES: u64 = 1 << 20;

const DEBIAN: [&str; 10] = [
    "bullseye",
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "oldoldstable",
    "oldstable",
    "stable",
    "testing",
    "unstable",
];
const UBUNTU: [&str; 10] = [
    "bionic", "focal", "jammy", "noble", "oracular", "plucky", "questing", "resolute", "devel",
    "xenial",
];
/// Parts of a release, which nobody but the distribution has.
const PARTS: [&str; 6] = [
    "-updates",
    "-security",
    "-backports",
    "-backports-sloppy",
    "-proposed-updates",
    "-proposed",
];

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// URLs by symbolic archive, in the order of the files.
    pub(crate) mirrors: BTreeMap<&'static str, Vec<String>>,
    /// URIs in ways that are not followed, as in `cdrom:`, for those who ask.
    pub(crate) ignored: Vec<String>,
}

/// How sure it is that a URI is of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// Its path is the archive's name.
    Path,
    /// It has what only the distribution has.
    Part,
}

/// Reads the sources below a directory such as `/etc/apt`. What cannot be read is not there.
pub(crate) fn read(directory: &Path) -> Found {
    let mut entries = parse_list(&text(&directory.join("sources.list")));
    for path in files(&directory.join("sources.list.d")) {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("list") => entries.extend(parse_list(&text(&path))),
            Some("sources") => entries.extend(parse_sources(&text(&path))),
            _ => {}
        }
    }
    judge(&entries)
}

/// Adds what was found behind the mirrors of the settings, but for archives that have theirs alone.
pub(crate) fn add(settings: &mut Settings, found: Found) {
    for (archive, urls) in found.mirrors {
        let known = settings.archives.entry(archive.to_owned()).or_default();
        if known.exclusive {
            continue;
        }
        for url in urls {
            if !known.mirrors.contains(&url) {
                known.mirrors.push(url);
            }
        }
    }
}

/// What `doctor` says of it.
pub(crate) fn checks(found: &Found) -> Vec<Check> {
    let mut checks: Vec<_> = found
        .mirrors
        .iter()
        .map(|(archive, urls)| {
            let urls: Vec<_> = urls
                .iter()
                .map(|url| RedactedUrl::new(url).to_string())
                .collect();
            Check {
                id: "archive",
                found: CheckFound::Ok,
                text: format!("packages of {archive} from {}", urls.join(", ")),
                hint: None,
            }
        })
        .collect();
    if checks.is_empty() {
        checks.push(Check {
            id: "archive",
            found: CheckFound::Without,
            text: "no mirror of Debian or Ubuntu among this machine's apt sources".to_owned(),
            hint: Some(
                "name one in `config.toml`, as in `[archive.debian]` with `mirrors = [..]`; else \
                 snapshots are asked, which are slower",
            ),
        });
    }
    if !found.ignored.is_empty() {
        checks.push(Check {
            id: "archive-ignored",
            found: CheckFound::Without,
            text: format!(
                "apt sources that are not followed: {}",
                found.ignored.join(", ")
            ),
            hint: Some("mirrors are reached by http, https and file"),
        });
    }
    checks
}

fn judge(entries: &[Entry]) -> Found {
    let mut evidence: BTreeMap<(&'static str, &str), Evidence> = BTreeMap::new();
    let mut order: Vec<(&'static str, &str)> = Vec::new();
    for entry in entries {
        for suite in &entry.suites {
            let Some((archive, found)) = archive_of(suite, entry) else {
                continue;
            };
            let key = (archive, entry.uri.as_str());
            if !order.contains(&key) {
                order.push(key);
            }
            let known = evidence.entry(key).or_insert(found);
            *known = found.max(*known);
        }
    }
    let mut result = Found::default();
    for &(archive, uri) in &order {
        let of_archive = evidence.iter().filter(|((other, _), _)| *other == archive);
        let best = of_archive.map(|(_, found)| *found).max();
        if evidence.get(&(archive, uri)).copied() == best {
            result.take(archive, uri);
        }
    }
    result
}

impl Found {
    fn take(&mut self, archive: &'static str, uri: &str) {
        if let Some(list) = uri.strip_prefix("mirror+file:") {
            // A mirror a line; behind white space are its properties.
            let path = format!("/{}", list.trim_start_matches('/'));
            let lines = text(Path::new(&path));
            let mirrors = lines
                .lines()
                .filter_map(|line| line.split_whitespace().next());
            mirrors
                .filter_map(url)
                .for_each(|url| self.add(archive, url));
        } else if let Some(url) = url(uri) {
            self.add(archive, url);
        } else {
            let scheme = uri.split(':').next().unwrap_or_default();
            self.ignored.push(format!("{archive} by `{scheme}`"));
        }
    }

    fn add(&mut self, archive: &'static str, url: String) {
        let known = self.mirrors.entry(archive).or_default();
        if !known.contains(&url) {
            known.push(url);
        }
    }
}

/// A URI in the form in which it is fetched.
fn url(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let rest = rest.trim_end_matches('/');
    match scheme {
        "http" | "https" if rest.starts_with("//") => Some(format!("{scheme}:{rest}")),
        "file" => Some(format!("file:///{}", rest.trim_start_matches('/'))),
        _ => None,
    }
}

/// The archive that a suite of an entry is of, if it is one that is known.
fn archive_of(suite: &str, entry: &Entry) -> Option<(&'static str, Evidence)> {
    let suite = suite.trim_end_matches('/');
    let part = PARTS.iter().find(|part| suite.ends_with(**part)).copied();
    let codename = part.map_or(suite, |part| suite.trim_end_matches(part));
    let (archive, keyring) = if DEBIAN.contains(&codename) {
        let is_security = part == Some("-security");
        let archive = if is_security {
            "debian-security"
        } else {
            "debian"
        };
        (archive, "debian-archive-keyring")
    } else if UBUNTU.contains(&codename) {
        let is_port = entry.last_part() == "ubuntu-ports" || entry.host() == "ports.ubuntu.com";
        let archive = if is_port { "ubuntu-ports" } else { "ubuntu" };
        (archive, "ubuntu-archive-keyring")
    } else {
        return None;
    };
    let is_of_keyring = entry
        .signed_by
        .as_deref()
        .is_some_and(|key| key.contains(keyring));
    if part.is_some() || is_of_keyring {
        return Some((archive, Evidence::Part));
    }
    let has_main = entry.components.iter().any(|component| component == "main");
    let is_bare = entry.signed_by.is_none() && entry.path() == format!("/{archive}");
    (has_main && is_bare).then_some((archive, Evidence::Path))
}

fn text(path: &Path) -> String {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    // Waiting at a pipe would be for ever.
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    let read = is_file
        .then(|| fs::File::open(path))
        .map(|file| file.and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)));
    match read {
        Some(Ok(_)) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(Err(_)) | None => String::new(),
    }
}

/// The files of a directory, in the order in which apt reads them.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in files of these names.
    fn found(files: &[(&str, &str)]) -> Found {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(
                path,
                content.replace('@', &directory.path().display().to_string()),
            )
            .unwrap();
        }
        read(directory.path())
    }

    fn mirrors(files: &[(&str, &str)]) -> Vec<(&'static str, Vec<String>)> {
        found(files).mirrors.into_iter().collect()
    }

    #[test]
    fn nothing_is_found_where_nothing_is() {
        assert_eq!(read(Path::new("/nonexistent")), Found::default());
        assert_eq!(
            found(&[("sources.list", "# nothing\n\n")]),
            Found::default()
        );
    }

    #[test]
    fn debian_in_one_line_each() {
        let list = "\
            deb http://mirror.example.org/debian bookworm main contrib # main archive\n\
            deb-src http://sources.example.org/debian bookworm-updates main\n\
            # deb http://off.example.org/debian bookworm-updates main\n\
            deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://mirror.example.org/debian/ bookworm-updates main\n\
            deb http://mirror.example.org/debian-security bookworm-security main\n";
        assert_eq!(
            mirrors(&[("sources.list", list)]),
            [
                (
                    "debian",
                    vec!["http://mirror.example.org/debian".to_owned()]
                ),
                (
                    "debian-security",
                    vec!["http://mirror.example.org/debian-security".to_owned()]
                ),
            ]
        );
    }

    #[test]
    fn debian_in_stanzas() {
        let sources = "\
            Types: deb deb-src\nURIs: https://a.example.org/debian/ http://b.example.org/d\n\
            Suites: trixie trixie-updates\nComponents: main\n\n\
            # A comment.\nTypes: deb\nEnabled: no\nURIs: https://off.example.org/debian\n\
            Suites: trixie-updates\nComponents: main\n\n\
            Types: deb-src\nURIs: https://sources.example.org/debian\n\
            Suites: trixie-updates\nComponents: main\n\n\
            Types: deb\nURIs: file:/srv/security\nSuites:\n trixie-security\nComponents: main\n\
            Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abcd\n";
        assert_eq!(
            mirrors(&[("sources.list.d/debian.sources", sources)]),
            [
                (
                    "debian",
                    vec![
                        "https://a.example.org/debian".to_owned(),
                        "http://b.example.org/d".to_owned()
                    ]
                ),
                ("debian-security", vec!["file:///srv/security".to_owned()]),
            ]
        );
    }

    #[test]
    fn ubuntu_and_its_ports() {
        let sources = "\
            Types: deb\nURIs: http://mirror.example.org/ubuntu/\n\
            Suites: noble noble-updates noble-backports\nComponents: main universe\n\
            Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n\n\
            Types: deb\nURIs: http://ports.example.org/ubuntu-ports\n\
            Suites: noble\nComponents: main\n\
            Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n";
        assert_eq!(
            mirrors(&[("sources.list.d/ubuntu.sources", sources)]),
            [
                (
                    "ubuntu",
                    vec!["http://mirror.example.org/ubuntu".to_owned()]
                ),
                (
                    "ubuntu-ports",
                    vec!["http://ports.example.org/ubuntu-ports".to_owned()]
                ),
            ]
        );
    }

    /// Others call their suites like this too.
    #[test]
    fn repositories_of_others_are_not_the_distribution() {
        let list = "\
            deb https://tools.example.org/linux/debian bookworm stable\n\
            deb https://net.example.org/stable/debian bookworm main\n\
            deb [signed-by=/usr/share/keyrings/board.gpg] https://board.example.org/debian bookworm main\n\
            deb https://ppa.example.org/somebody/ppa/ubuntu noble main\n\
            deb https://apt.example.org/node_20.x nodistro main\n\
            deb https://flat.example.org/debian ./\n";
        assert_eq!(mirrors(&[("sources.list.d/others.list", list)]), []);
    }

    #[test]
    fn a_path_counts_only_where_nothing_better_is_there() {
        let plain = "deb http://one.example.org/debian bookworm main\n";
        let one = ("debian", vec!["http://one.example.org/debian".to_owned()]);
        assert_eq!(mirrors(&[("sources.list", plain)]), [one]);
        let better = "deb http://two.example.org/x bookworm bookworm-updates\n\
                      deb http://two.example.org/x bookworm-updates main\n";
        let two = ("debian", vec!["http://two.example.org/x".to_owned()]);
        assert_eq!(
            mirrors(&[("sources.list", plain), ("sources.list.d/b.list", better)]),
            [two]
        );
    }

    #[test]
    fn lists_of_mirrors_are_followed_on_this_disk_alone() {
        let list = "\
            deb mirror+file:@/mirrors.txt noble-updates main\n\
            deb mirror://mirrors.example.org/list.txt noble-security main\n\
            deb cdrom:[Ubuntu 24.04 _Noble_]/ noble-security main\n";
        let file =
            "# comment\nhttp://a.example.org/ubuntu/\tpriority:1\n\nhttps://b.example.org/u\n";
        let found = found(&[("sources.list", list), ("mirrors.txt", file)]);
        let expected = ["http://a.example.org/ubuntu", "https://b.example.org/u"];
        assert_eq!(found.mirrors["ubuntu"], expected);
        assert_eq!(found.ignored, ["ubuntu by `mirror`"]);
    }

    #[test]
    fn what_is_found_comes_behind_the_settings_and_shows_no_password() {
        let list = "deb http://user:secret@mirror.example.org/debian bookworm-updates main\n\
                    deb http://mirror.example.org/s bookworm-security main\n";
        let found = || found(&[("sources.list", list)]);
        let shown = format!("{:?}", checks(&found()));
        assert!(
            shown.contains("mirror.example.org/debian") && !shown.contains("secret"),
            "{shown}"
        );

        let mut settings = Settings::default();
        let known = settings.archives.entry("debian".to_owned()).or_default();
        known
            .mirrors
            .push("http://mine.example.org/debian".to_owned());
        let security = settings
            .archives
            .entry("debian-security".to_owned())
            .or_default();
        security.exclusive = true;
        add(&mut settings, found());
        assert_eq!(
            settings.archives["debian"].mirrors,
            [
                "http://mine.example.org/debian",
                "http://user:secret@mirror.example.org/debian"
            ]
        );
        assert!(settings.archives["debian-security"].mirrors.is_empty());
    }
}
