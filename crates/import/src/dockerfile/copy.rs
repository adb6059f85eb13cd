//! COPY and ADD as files of a recipe.
//!
//! A recipe says where a file or directory goes, and `COPY a /b/` says it only together with what
//! `a` is: a file goes to `/b/a`, the content of a directory to `/b`. Nothing is opened here, so
//! where the difference matters it is guessed from the name, and the guess is said.

use std::collections::BTreeSet;

use crate::error::Shown;
use crate::outside::is_principal;

/// Endings of archives that ADD unpacks.
const ARCHIVES: [&str; 12] = [
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tar.zst",
    ".tzst",
    ".tar.lzma",
    ".gz",
];

/// A source that goes somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Copied {
    /// Path in the project.
    pub(super) from: String,
    /// Absolute path in the image.
    pub(super) to: String,
    /// What was guessed, where something was.
    pub(super) guess: Option<String>,
    /// A directory that is there afterwards for certain.
    pub(super) directory: Option<String>,
}

/// What is known about the place that files are copied to.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// `None` when only the base image knows.
    pub(super) workdir: Option<&'a str>,
    /// Directories that are there for certain.
    pub(super) directories: &'a BTreeSet<String>,
}

/// Sources and destination of an instruction.
pub(super) fn copied(words: &[String], place: &Place<'_>) -> Result<Vec<Copied>, String> {
    let Some((to, sources)) = words
        .split_last()
        .filter(|(_, sources)| !sources.is_empty())
    else {
        return Err("it has no source or no destination".to_owned());
    };
    let target = absolute(to, place.workdir)?;
    let below = to.ends_with('/')
        || to == "."
        || to.ends_with("/.")
        || sources.len() > 1
        || place.directories.contains(&target);
    let copied = sources.iter().map(|source| one(source, &target, below));
    copied.collect()
}

fn one(source: &str, target: &str, below: bool) -> Result<Copied, String> {
    let from = project_source(source)?;
    let base = from.rsplit('/').next().unwrap_or(&from).to_owned();
    let ends_alike = target.ends_with(&format!("/{base}"));
    let is_directory = from == "." || source.ends_with('/') || source.ends_with("/.") || ends_alike;
    let directory = (below || is_directory).then(|| target.to_owned());
    let (to, guess) = if !below || is_directory {
        (target.to_owned(), None)
    } else {
        guess(&base, target)
    };
    Ok(Copied {
        from,
        to,
        guess,
        directory,
    })
}

/// Where something goes that may be a file or a directory, and what was guessed.
fn guess(base: &str, target: &str) -> (String, Option<String>) {
    let inside = join(target, base);
    let (file, directory) = (Shown::new(&inside), Shown::new(target));
    let name = Shown::new(base);
    if has_ending(base) {
        // A name with an ending is a file so often that saying so each time would hide the rest.
        (inside, None)
    } else if looks_like_folder_of_programs(target) {
        let guess =
            format!("`{name}` is taken for a file; if it is a directory, `to` is `{directory}`");
        (inside, Some(guess))
    } else {
        let guess = format!("`{name}` is taken for a directory; if it is a file, `to` is `{file}`");
        (target.to_owned(), Some(guess))
    }
}

fn looks_like_folder_of_programs(target: &str) -> bool {
    let folder = target.rsplit('/').next().unwrap_or_default();
    matches!(folder, "bin" | "sbin" | "libexec")
}

fn has_ending(base: &str) -> bool {
    base.trim_start_matches('.').contains('.') || base.starts_with('.')
}

/// A path of the build context as one of the project.
fn project_source(source: &str) -> Result<String, String> {
    if source.contains(['*', '?', '[']) {
        return Err(format!("`{}` names files by a pattern", Shown::new(source)));
    }
    if source.starts_with("<<") {
        return Err("the content stands in the Dockerfile itself".to_owned());
    }
    let parts: Vec<&str> = source
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.contains(&"..") {
        return Err(format!("`{}` leaves the project", Shown::new(source)));
    }
    Ok(if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    })
}

/// A path in the image, without `.`, `..` and repeated slashes.
pub(super) fn absolute(path: &str, workdir: Option<&str>) -> Result<String, String> {
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        let workdir = workdir.ok_or("only the base image knows the directory it is relative to")?;
        format!("{workdir}/{path}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

fn join(target: &str, base: &str) -> String {
    if target == "/" {
        format!("/{base}")
    } else {
        format!("{target}/{base}")
    }
}

/// Why ADD does more with a source than COPY would.
pub(super) fn unpacked_or_fetched(source: &str) -> Option<&'static str> {
    let lower = source.to_ascii_lowercase();
    if lower.contains("://") || lower.starts_with("git@") {
        return Some("it fetches, and `overlay` has files of the project only");
    }
    let unpacks = ARCHIVES.iter().any(|ending| lower.ends_with(ending));
    unpacks.then_some("it unpacks an archive into the image")
}

/// `owner` of a recipe. Docker takes a number alone for the group as well.
pub(super) fn owner(text: &str) -> Result<String, &'static str> {
    let plain = |part: &str| !part.is_empty() && is_principal(part);
    let is_id = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let bad = "it is no user and group";
    match text.split_once(':') {
        None if !plain(text) => Err(bad),
        None if is_id(text) => Ok(format!("{text}:{text}")),
        None => Ok(text.to_owned()),
        Some((user, group)) if plain(user) && plain(group) => Ok(format!("{user}:{group}")),
        Some(_) => Err(bad),
    }
}

/// `mode` of a recipe, from an octal one.
pub(super) fn mode(text: &str) -> Result<String, &'static str> {
    let octal = u16::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o7777);
    match octal {
        Some(mode) if !text.starts_with('+') => Ok(format!("{mode:04o}")),
        _ => Err("it is no octal mode"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Place, absolute, copied, mode, owner, unpacked_or_fetched};

    fn to(words: &[&str]) -> Result<Vec<(String, String, bool)>, String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let place = Place {
            workdir: Some("/app"),
            directories: &BTreeSet::from(["/app".to_owned(), "/".to_owned()]),
        };
        let copied = copied(&words, &place)?;
        let copied = copied.into_iter();
        Ok(copied
            .map(|copied| (copied.from, copied.to, copied.guess.is_some()))
            .collect())
    }

    #[test]
    fn where_files_go() {
        for (words, from, target, guessed) in [
            (["a", "/b"], "a", "/b", false),
            (["a.txt", "/b/"], "a.txt", "/b/a.txt", false),
            (["a.txt", "."], "a.txt", "/app/a.txt", false),
            (["a.txt", "/app"], "a.txt", "/app/a.txt", false),
            (["a.txt", "b"], "a.txt", "/app/b", false),
            ([".", "."], ".", "/app", false),
            (["./src/", "./src"], "src", "/app/src", false),
            (["src", "/opt/"], "src", "/opt", true),
            (
                ["web/static", "./static/"],
                "web/static",
                "/app/static",
                false,
            ),
            (
                ["target/tool", "/usr/bin/"],
                "target/tool",
                "/usr/bin/tool",
                true,
            ),
            (["/abs", "/"], "abs", "/", true),
            (["x", "../y/./z"], "x", "/y/z", false),
        ] {
            let expected = vec![(from.to_owned(), target.to_owned(), guessed)];
            assert_eq!(to(&words), Ok(expected), "{words:?}");
        }
        assert_eq!(to(&["a.x", "b.x", "c"]).map(|all| all.len()), Ok(2));
        for bad in [&["a"][..], &["*.x", "/"], &["../a", "/"], &["<<EOF", "/x"]] {
            assert!(to(bad).is_err(), "{bad:?}");
        }
        assert!(absolute("a", None).is_err());
    }

    #[test]
    fn owners_and_modes() {
        assert_eq!(owner("1000"), Ok("1000:1000".to_owned()));
        assert_eq!(owner("app"), Ok("app".to_owned()));
        assert_eq!(owner("app:0"), Ok("app:0".to_owned()));
        assert!(owner("").is_err() && owner("a:").is_err() && owner("a b").is_err());
        assert_eq!(mode("755"), Ok("0755".to_owned()));
        assert!(mode("u+x").is_err() && mode("+7").is_err() && mode("77777").is_err());
    }

    #[test]
    fn what_add_does_besides() {
        for source in ["rootfs.tar.gz", "https://x/y", "git@x:y"] {
            assert!(unpacked_or_fetched(source).is_some(), "{source}");
        }
        assert!(unpacked_or_fetched("a.zip").is_none());
    }
}
