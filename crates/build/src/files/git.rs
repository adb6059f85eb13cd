//! Which files git tracks: asked once for every `from`.
//!
//! Git is called as everywhere, so that nothing of a stranger's repository is run. What is asked is
//! whether a clone of the project would have a file. So the index of a repository inside of the
//! project says nothing unless the one around it has that repository as a submodule.
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
use crate::git::{command, has_submodule, is_below_repository, kept_in, top_of};

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
    /// The project's directory, which `directory` is or lies in.
    pub(super) project: &'a Path,
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
            Ok(None) if self.is_in_repository()? => return Err(self.refused(&self.directory)),
            Err(Failed::Start(source)) if self.is_in_repository()? => {
                return Err(Error::NoGit {
                    from: shown(self.source),
                    source,
                });
            }
            Ok(None) | Err(Failed::Start(_)) => return Ok(Selection::All),
            Err(Failed::Answer(error)) => return Err(error),
        };
        self.check_nested()?;
        let from = shown(self.source);
        match self.only {
            // Of a directory that is a file on the disk, names below it are listed.
            Some(name) if !listed.contains_key(name) => Err(Error::Untracked { from }),
            None if listed.is_empty() => Err(Error::NothingTracked { from }),
            _ => Ok(Selection::Tracked(listed)),
        }
    }

    /// Refuses a repository inside of the project's one that is no submodule.
    fn check_nested(&self) -> Result<(), Error> {
        let is_nested =
            |directory: &&Path| directory.join(git_directory()).symlink_metadata().is_ok();
        let mut below = self
            .directory
            .ancestors()
            .take_while(|directory| *directory != self.project);
        if !below.any(|directory| is_nested(&directory)) {
            return Ok(());
        }
        let project = self.real(self.project)?;
        if !is_below_repository(&project) {
            // Nobody clones the project.
            return Ok(());
        }
        let refused = |directory: &Path| self.refused(directory);
        let outer = top_of(&project).ok_or_else(|| refused(&project))?;
        let kept = kept_in(&project);
        let mut directory = self.real(&self.directory)?;
        while kept.is_none() || kept_in(&directory) != kept {
            let top = top_of(&directory).ok_or_else(|| refused(&directory))?;
            // A repository may say that its files are elsewhere.
            let parent = top
                .parent()
                .filter(|parent| directory.starts_with(&top) && parent.starts_with(&outer));
            let Some((parent, around)) = parent.and_then(|parent| Some((parent, top_of(parent)?)))
            else {
                return Err(self.nested(&top, &project));
            };
            let place = top.strip_prefix(&around).ok();
            if place.and_then(|place| has_submodule(&around, place)) != Some(true) {
                return Err(self.nested(&top, &project));
            }
            directory = parent.to_path_buf();
        }
        Ok(())
    }

    fn nested(&self, top: &Path, project: &Path) -> Error {
        let below = top.strip_prefix(project).unwrap_or(top);
        Error::NestedRepository {
            from: shown(self.source),
            path: Escaped(below.as_os_str().as_bytes()).to_string(),
        }
    }

    fn command(&self, directory: &Path) -> Command {
        let mut command = command(self.git, directory);
        command
            .arg("--literal-pathspecs")
            .args(["ls-files", "--cached", "--stage", "-z", "--"]);
        if let Some(name) = self.only {
            command.arg(OsStr::from_bytes(name));
        }
        command
    }

    /// Paths below the directory that git tracks; `None` when it does not say.
    fn list(&self) -> Result<Option<BTreeMap<Vec<u8>, bool>>, Failed> {
        let mut command = self.command(&self.directory);
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

    fn is_in_repository(&self) -> Result<bool, Error> {
        Ok(is_below_repository(&self.real(&self.directory)?))
    }

    fn real(&self, directory: &Path) -> Result<PathBuf, Error> {
        let real = directory.canonicalize();
        real.map_err(|error| super::copy::read_error(self.source, error))
    }

    /// git's own reason, which the first time nobody read.
    fn refused(&self, directory: &Path) -> Error {
        let mut message = Vec::new();
        if let Ok(mut child) = self.command(directory).stderr(Stdio::piped()).spawn() {
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

fn git_directory() -> &'static OsStr {
    OsStr::from_bytes(GIT_DIRECTORY)
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
    use crate::git::GIT;

    fn question(source: &TreePath) -> Question<'_> {
        Question {
            git: GIT,
            project: Path::new("/nowhere"),
            directory: PathBuf::from("/nowhere"),
            only: None,
            source,
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
