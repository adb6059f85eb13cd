//! Which files git tracks: asked once for every `from`.
//!
//! The repository may be a stranger's, and so may the environment: nothing in the repository's
//! configuration that names a program is obeyed, and no variable moves the repository, its index or
//! its working directory to another place.
//!
//! That git fails is no sign that there is no repository: it refuses one that another user owns.
//! Only where no directory above has a `.git` is everything taken.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use enclair_tree::{Escaped, TreePath};

use super::budget::NAME_BYTES;
use super::disk::{GIT_DIRECTORY, Kind, shown};
use super::error::{Error, Resource};

/// The program, found as every other one.
pub(super) const GIT: &str = "git";

/// Variables by which git would look at another repository, or at this one in another way: its own
/// list (`git rev-parse --local-env-vars`) and what decides about discovery and path patterns.
const VARIABLES: [&str; 22] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Settings on the command line, which nothing in a repository can undo.
const SETTINGS: [&str; 8] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "safe.bareRepository=explicit",
    "--no-pager",
    "--literal-pathspecs",
];

/// Bytes of git's own words that an error repeats.
const MESSAGE: u64 = 400;

/// The mode by which the index marks a submodule.
const SUBMODULE: &[u8] = b"160000 ";

/// Which of the names below a `from` are taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// All of them.
    All,
    /// Those that git tracks, by path below `from`, and whether they were met.
    Tracked(BTreeMap<Vec<u8>, bool>),
}

impl Selection {
    /// Whether `below`, which is a `kind`, is taken.
    pub(super) fn take(&mut self, kind: Kind, below: &TreePath) -> bool {
        let Self::Tracked(paths) = self else {
            return true;
        };
        if kind == Kind::Directory {
            let prefix = [below.as_bytes(), b"/"].concat();
            let from = (Bound::Excluded(prefix.as_slice()), Bound::Unbounded);
            let next = paths.range::<[u8], _>(from).next();
            return next.is_some_and(|(path, _)| path.starts_with(&prefix));
        }
        match paths.get_mut(below.as_bytes()) {
            None => false,
            Some(met) => {
                *met = true;
                true
            }
        }
    }

    /// The first path that git tracks and that was not met.
    pub(super) fn missing(&self) -> Option<&[u8]> {
        let Self::Tracked(paths) = self else {
            return None;
        };
        let missing = paths.iter().find(|(_, met)| !**met);
        missing.map(|(path, _)| path.as_slice())
    }
}

/// What git is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// The program.
    pub(super) git: &'a str,
    /// The directory on the disk.
    pub(super) directory: PathBuf,
    /// The one name in it that is meant; everything where there is none.
    pub(super) only: Option<&'a [u8]>,
    /// `from`, for messages.
    pub(super) source: &'a TreePath,
}

impl Question<'_> {
    /// Asks git, and takes everything where there is no repository.
    pub(super) fn ask(&self) -> Result<Selection, Error> {
        let listed = match self.list() {
            Ok(Some(listed)) => listed,
            Ok(None) if self.is_in_repository()? => return Err(self.refused()),
            Err(Failed::Start(source)) if self.is_in_repository()? => {
                return Err(Error::NoGit {
                    from: shown(self.source),
                    source,
                });
            }
            Ok(None) | Err(Failed::Start(_)) => return Ok(Selection::All),
            Err(Failed::Answer(error)) => return Err(error),
        };
        if !listed.is_empty() {
            return Ok(Selection::Tracked(listed));
        }
        let from = shown(self.source);
        Err(match self.only {
            Some(_) => Error::Untracked { from },
            None => Error::NothingTracked { from },
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.git);
        for variable in VARIABLES {
            command.env_remove(variable);
        }
        command
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .args(SETTINGS)
            .arg("-C")
            .arg(&self.directory)
            .args(["ls-files", "--cached", "--stage", "-z", "--"]);
        if let Some(name) = self.only {
            command.arg(OsStr::from_bytes(name));
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Paths below the directory that git tracks; `None` when it does not say.
    fn list(&self) -> Result<Option<BTreeMap<Vec<u8>, bool>>, Failed> {
        let mut command = self.command();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failed::Start)?;
        let output = child.stdout.take();
        let parsed = output.map_or_else(|| Ok(BTreeMap::new()), |output| self.parse(output));
        if parsed.is_err() {
            // It may have more to say, and nobody listens. That it is gone already is as good.
            let _ = child.kill();
        }
        let status = child.wait().map_err(Failed::Start)?;
        let parsed = parsed.map_err(Failed::Answer)?;
        Ok(status.success().then_some(parsed))
    }

    /// Reads `MODE OBJECT STAGE TAB PATH NUL` to the end.
    fn parse(&self, output: impl io::Read) -> Result<BTreeMap<Vec<u8>, bool>, Error> {
        let read = |source| Error::GitOutput {
            from: shown(self.source),
            source,
        };
        let mut output = BufReader::new(output).take(NAME_BYTES);
        let (mut paths, mut record) = (BTreeMap::new(), Vec::new());
        while output.read_until(0, &mut record).map_err(read)? > 0 {
            if record.pop() != Some(0) {
                return Err(Error::Limit {
                    path: shown(self.source),
                    resource: Resource::NameBytes,
                    limit: NAME_BYTES,
                });
            }
            let tab = record.iter().position(|byte| *byte == b'\t');
            let path = tab.and_then(|tab| record.get(tab.saturating_add(1)..));
            let path = path.ok_or_else(|| read(io::ErrorKind::InvalidData.into()))?;
            if record.starts_with(SUBMODULE) {
                return Err(self.submodule(path));
            }
            paths.insert(path.to_vec(), false);
            record.clear();
        }
        Ok(paths)
    }

    fn submodule(&self, path: &[u8]) -> Error {
        let directory = if self.only.is_some() {
            self.source.parent().unwrap_or_default()
        } else {
            self.source.clone()
        };
        // git calls a submodule that was not fetched `./` where it is asked inside of it.
        let path = TreePath::from_archive(path).unwrap_or_default();
        Error::Submodule {
            path: shown(&directory.join(&path)),
        }
    }

    /// Whether a directory above claims to be a repository, whatever git thinks of it.
    fn is_in_repository(&self) -> Result<bool, Error> {
        let directory = self.directory.canonicalize();
        let directory = directory.map_err(|error| super::copy::read_error(self.source, error))?;
        let claims = |above: &Path| {
            above
                .join(OsStr::from_bytes(GIT_DIRECTORY))
                .symlink_metadata()
                .is_ok()
        };
        Ok(directory.ancestors().any(claims))
    }

    /// git's own reason, which the first time nobody read.
    fn refused(&self) -> Error {
        let mut message = Vec::new();
        if let Ok(mut child) = self.command().stderr(Stdio::piped()).spawn() {
            if let Some(output) = child.stderr.take() {
                // What could be read is shown.
                let _ = output.take(MESSAGE).read_to_end(&mut message);
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        let line = message.split(|byte| *byte == b'\n').next();
        Error::Git {
            from: shown(self.source),
            message: Escaped(line.unwrap_or_default()).to_string(),
        }
    }
}

/// Why there is no list.
enum Failed {
    /// git cannot be run.
    Start(io::Error),
    /// What it said cannot be used.
    Answer(Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(source: &TreePath) -> Question<'_> {
        Question {
            git: GIT,
            directory: PathBuf::from("/nowhere"),
            only: None,
            source,
        }
    }

    #[test]
    fn no_variable_leads_git_elsewhere() {
        let source = TreePath::root();
        let command = question(&source).command();
        for variable in VARIABLES {
            let set = command
                .get_envs()
                .find(|(name, _)| *name == OsStr::new(variable));
            assert_eq!(set, Some((OsStr::new(variable), None)));
        }
    }

    #[test]
    fn without_git_a_repository_is_still_one() {
        let disk = tempfile::tempdir().unwrap();
        let source = TreePath::root();
        let ask = || {
            let question = Question {
                git: "enclair-test-no-such-program",
                directory: disk.path().to_owned(),
                ..question(&source)
            };
            question.ask()
        };
        assert_eq!(ask().unwrap(), Selection::All);
        std::fs::create_dir(disk.path().join(".git")).unwrap();
        let error = ask().unwrap_err();
        assert!(matches!(&error, Error::NoGit { .. }), "{error}");
        assert!(error.hint().unwrap().contains("untracked = true"));
    }

    #[test]
    fn output_of_git_is_taken_apart() {
        let source = TreePath::parse(b"app").unwrap();
        let question = question(&source);
        let parse = |output: &[u8]| question.parse(output);
        let paths = parse(
            b"100644 a 0\ta\tb\x00100755 b 1\tx/y\x00100755 c 2\tx/y\x00120000 d 0\tn\nl\xff\0",
        );
        let paths: Vec<_> = paths.unwrap().into_keys().collect();
        assert_eq!(paths, [b"a\tb".as_slice(), b"n\nl\xff", b"x/y"]);
        assert!(parse(b"").unwrap().is_empty());
        assert!(matches!(
            parse(b"160000 aa 0\tlib\0"),
            Err(Error::Submodule { path }) if path == "app/lib"
        ));
        assert!(matches!(
            parse(b"160000 aa 0\t./\0"),
            Err(Error::Submodule { path }) if path == "app"
        ));
        assert!(matches!(parse(b"nonsense\0"), Err(Error::GitOutput { .. })));
        // Cut off in the middle: more than is taken.
        assert!(matches!(
            parse(b"100644 aa 0\tab"),
            Err(Error::Limit { .. })
        ));
    }

    #[test]
    fn a_directory_is_taken_when_something_in_it_is() {
        let path = |text: &str| TreePath::parse(text.as_bytes()).unwrap();
        let tracked = ["a-b/x", "a/x", "b"].map(|name| (name.as_bytes().to_vec(), false));
        let mut selection = Selection::Tracked(BTreeMap::from(tracked));
        for (kind, name, taken) in [
            (Kind::Directory, "a", true),
            (Kind::Directory, "a-b", true),
            (Kind::Directory, "b", false),
            (Kind::Directory, "a/x", false),
            (Kind::File, "a", false),
            (Kind::File, "b", true),
            (Kind::File, "c", false),
        ] {
            assert_eq!(selection.take(kind, &path(name)), taken, "{name}");
        }
        assert_eq!(selection.missing(), Some(b"a-b/x".as_slice()));
    }
}
