//! The two documents of a project, read from and written to the disk.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use enclair_digest::{Engine, Hasher as _, Sha256};
use enclair_recipe::{Diagnostic, Diagnostics, Lock, NotBuiltYet, Recipe, Spanned};

use super::error::ProjectError;
use crate::content::open_file;
use crate::normalise::Rule;
use crate::output::{OutputFile, directory_of};

/// The key of a Dockerfile, which is locked and not built.
const DOCKERFILE: &str = "source.dockerfile";
/// Bytes of a recipe or a lock that are read.
const MOST: u64 = 16 << 20;

/// A recipe, and where it lies.
#[derive(Debug, Clone)]
pub struct Project {
    /// The recipe's file, as the user wrote it.
    pub path: PathBuf,
    /// The recipe.
    pub recipe: Recipe,
    pub(super) text: String,
}

impl Project {
    /// Opens the recipe at `path`; `is_finding` says which ids `allow` may have.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, a document that is no recipe, and one that asks for what this
    /// release cannot lock. A Dockerfile can be locked, as far as anything beside it is external, and
    /// is refused by [`Self::check_buildable`].
    pub fn open(path: &Path, is_finding: &dyn Fn(&str) -> bool) -> Result<Self, ProjectError> {
        let text = match read(path) {
            Err(ProjectError::File { path, source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                return Err(ProjectError::NoRecipe { path });
            }
            text => text?,
        };
        let wrong = |source| ProjectError::Recipe {
            path: path.to_owned(),
            text: text.clone(),
            source,
        };
        let recipe = Recipe::parse(&text).map_err(wrong)?;
        if let Some(problems) = Diagnostics::new(problems(&recipe, is_finding)) {
            return Err(wrong(problems));
        }
        let path = path.to_owned();
        Ok(Self { path, recipe, text })
    }

    /// Whether this release can build what the recipe asks for.
    ///
    /// # Errors
    ///
    /// [`ProjectError::Recipe`] with the lines that it cannot build.
    pub fn check_buildable(&self) -> Result<(), ProjectError> {
        let waiting = self.recipe.not_built_yet();
        match Diagnostics::new(waiting.iter().map(not_built).collect()) {
            None => Ok(()),
            Some(source) => Err(ProjectError::Recipe {
                path: self.path.clone(),
                text: self.text.clone(),
                source,
            }),
        }
    }

    /// The directory that the recipe's paths are relative to.
    pub fn directory(&self) -> &Path {
        directory_of(&self.path)
    }

    /// Where the lock is: beside the recipe, under the same name.
    pub fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }
}

fn not_built(part: &NotBuiltYet) -> Diagnostic {
    let message = format!("`{}` is read and cannot be built yet", part.key);
    let hint = if part.key == DOCKERFILE {
        "build it with another program, and name the result: `image = \"docker-archive:app.tar\"`"
    } else {
        "it waits for a later release; leave it out to build what this one can"
    };
    Diagnostic::new(message, part.span).with_hint(Some(hint))
}

/// What a recipe asks for that this release does not have.
fn problems(recipe: &Recipe, is_finding: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let waiting = recipe.not_built_yet();
    let waiting = waiting.iter().filter(|part| part.key != DOCKERFILE);
    problems.extend(waiting.map(not_built));
    let unknown = |what: &str, id: &Spanned<String>, hint: &str| {
        let span = id.span().unwrap_or_default();
        Diagnostic::new(format!("there is no {what} `{}`", id.get()), span).with_hint(Some(hint))
    };
    let is_rule = |id: &Spanned<String>| Rule::FORMAT.iter().any(|rule| rule.id() == id.get());
    for id in recipe.normalize.keep.iter().filter(|id| !is_rule(id)) {
        problems.push(unknown(
            "rule",
            id,
            "the rules are `runtime-files` and `mtime`",
        ));
    }
    for id in &recipe.normalize.drop {
        problems.push(unknown("rule that removes", id, "this release has none"));
    }
    for id in recipe.allow.iter().filter(|id| !is_finding(id.get())) {
        problems.push(unknown("finding", id, "`enclair explain` lists all"));
    }
    problems
}

/// A lock on the disk.
#[derive(Debug, Clone)]
pub struct LockFile {
    /// Where it is.
    pub path: PathBuf,
    /// The lock.
    pub lock: Lock,
    /// SHA-256 of its canonical bytes.
    pub digest: Sha256,
}

impl LockFile {
    /// Reads the lock at `path`; `None` when there is none.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is no lock.
    pub(super) fn read<E: Engine>(path: &Path, engine: &E) -> Result<Option<Self>, ProjectError> {
        let text = match read(path) {
            Ok(text) => text,
            Err(ProjectError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let lock = Lock::parse(&text).map_err(|source| ProjectError::Lock {
            path: path.to_owned(),
            source,
        })?;
        Ok(Some(Self::new(path, lock, engine)))
    }

    pub(super) fn new<E: Engine>(path: &Path, lock: Lock, engine: &E) -> Self {
        let mut hasher = engine.sha256();
        hasher.update(lock.to_toml().as_bytes());
        Self {
            path: path.to_owned(),
            lock,
            digest: hasher.finish(),
        }
    }

    /// Writes the lock, whole or not at all.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub(super) fn write(&self) -> Result<(), ProjectError> {
        let failed = |source| ProjectError::File {
            path: self.path.clone(),
            what: "written",
            source,
        };
        let mut file = OutputFile::create(&self.path).map_err(failed)?;
        file.file()
            .write_all(self.lock.to_toml().as_bytes())
            .map_err(failed)?;
        file.commit().map_err(failed)
    }
}

/// Opens a regular file, or says what it is instead: a pipe would be waited for.
fn open_document(path: &Path) -> io::Result<File> {
    if fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    open_file(path)
}

/// Reads a document that people write.
fn read(path: &Path) -> Result<String, ProjectError> {
    let failed = |source| ProjectError::File {
        path: path.to_owned(),
        what: "read",
        source,
    };
    let file = open_document(path).map_err(failed)?;
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 == MOST && fs::metadata(path).map_err(failed)?.len() > MOST {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(text)
}
