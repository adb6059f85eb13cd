//! The stamp of a build: by it a build that would change nothing is left out.
//!
//! `out/.enclair-stamp` holds one digest over everything that decides a build, as far as it can be
//! told without reading it: recipe and lock, the program, and of each file of the project its size,
//! inode and times. What it says is "up to date", never "verified": nothing is measured, and no
//! verifier reads it. A file that changed in the moment in which it was looked at could keep its
//! times, so a build that is that fresh leaves no stamp.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use enclair_digest::{Engine, Hasher as _, Sha256};

use crate::output::OutputFile;

/// The stamp's file in the output directory.
const NAME: &str = ".enclair-stamp";
/// What a build leaves.
const OUTPUTS: [&str; 3] = ["enclave.eif", "measurements.json", "enclave.pcrs"];
/// Files of a project that are looked at; a larger one is always built.
const MOST: usize = 200_000;
/// How coarse the times of files are, with room.
const TICK: Duration = Duration::from_millis(20);

/// What decides a build, gathered before it begins.
#[derive(Debug)]
pub(super) struct Watch {
    text: String,
    count: usize,
    newest: Duration,
    complete: bool,
    /// A directory that is not looked into: that of the results, by device and inode.
    without: Option<(u64, u64)>,
}

impl Watch {
    /// Begins with what is known as text: recipe, program, commit.
    pub(super) fn new(decided: &[&str]) -> Self {
        let mut watch = Self {
            text: String::new(),
            count: 0,
            newest: Duration::ZERO,
            complete: true,
            without: None,
        };
        for part in decided {
            // Writing to a String cannot fail.
            let _ = writeln!(watch.text, "{}:{part}", part.len());
        }
        watch
    }

    /// Does not look into the directory of the results, of which no build takes anything.
    pub(super) fn without(mut self, out: &Path) -> Self {
        let found = fs::metadata(out);
        self.without = found.ok().map(|found| (found.dev(), found.ino()));
        self
    }

    /// Looks at a file, a symlink, or a directory with everything below it.
    pub(super) fn look(&mut self, path: &Path) {
        let mut pending = vec![path.to_owned()];
        while let Some(path) = pending.pop() {
            self.count += 1;
            if self.count > MOST {
                self.complete = false;
                return;
            }
            match self.look_at(&path) {
                Ok(children) => pending.extend(children),
                Err(error) => drop(writeln!(self.text, "{} {error}", path.display())),
            }
        }
    }

    /// Takes down one name; the answer is what is below it, in the order of names.
    fn look_at(&mut self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let found = fs::symlink_metadata(path)?;
        // Git's own directory is never taken either, and what it says of the project is asked for.
        if self.without == Some((found.dev(), found.ino())) || path.ends_with(".git") {
            return Ok(Vec::new());
        }
        let changed = (found.ctime(), found.ctime_nsec());
        self.newest = self.newest.max(duration(changed));
        let _ = writeln!(
            self.text,
            "{:?} {:o} {} {} {} {changed:?} {:?}",
            path.as_os_str().as_bytes(),
            found.mode(),
            found.dev(),
            found.ino(),
            found.size(),
            (found.mtime(), found.mtime_nsec()),
        );
        if !found.is_dir() {
            return Ok(Vec::new());
        }
        let names = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
        let mut children = names.collect::<io::Result<Vec<_>>>()?;
        // What is taken from the end is looked at first.
        children.sort_unstable_by(|a, b| b.cmp(a));
        Ok(children)
    }

    /// The digest of all of it.
    fn digest<E: Engine>(&self, engine: &E) -> Sha256 {
        let mut hasher = engine.sha256();
        hasher.update(self.text.as_bytes());
        hasher.finish()
    }

    /// Whether `out` holds what a build from `lock` would make.
    pub(super) fn is_up_to_date<E: Engine>(&self, lock: &str, out: &Path, engine: &E) -> bool {
        // A stamp is a line; whatever else has its name is none.
        let stamp = fs::symlink_metadata(out.join(NAME));
        let is_small = stamp.is_ok_and(|found| found.is_file() && found.len() < 256);
        let stamp = is_small.then(|| fs::read_to_string(out.join(NAME)));
        self.complete
            && matches!(
                (stamp, self.stamp(lock, out, engine)),
                (Some(Ok(found)), Some(expected)) if found == expected
            )
    }

    /// Leaves the stamp beside what was built from `lock`: the image whose file has the digest `eif`.
    /// A stamp that cannot be written is none; whatever was there before is gone.
    ///
    /// What is watched was looked at before the build began. A file that changed while it ran makes
    /// the next build begin anew.
    pub(super) fn leave<E: Engine>(&self, (lock, eif): (&str, &str), out: &Path, engine: &E) {
        drop(fs::remove_file(out.join(NAME)));
        // Another build into the same directory may have been faster since.
        let directory = fs::File::open(out).and_then(|directory| {
            directory.lock()?;
            Ok(directory)
        });
        let report = fs::read_to_string(out.join("measurements.json"));
        let is_ours = report.is_ok_and(|report| report.contains(eif));
        let (Ok(_directory), true) = (directory, is_ours) else {
            return;
        };
        let Ok(mut file) = OutputFile::create(&out.join(NAME)) else {
            return;
        };
        let fresh = file.file().metadata().map_or(true, |now| {
            let now = duration((now.mtime(), now.mtime_nsec()));
            self.began(now)
        });
        let Some(stamp) = self
            .stamp(lock, out, engine)
            .filter(|_| self.complete && !fresh)
        else {
            return;
        };
        if file.file().write_all(stamp.as_bytes()).is_ok() {
            drop(file.commit());
        }
    }

    /// Whether something changed at about the time `now`.
    fn began(&self, now: Duration) -> bool {
        self.newest.saturating_add(TICK) >= now
    }

    fn stamp<E: Engine>(&self, lock: &str, out: &Path, engine: &E) -> Option<String> {
        let mut outputs = Self::new(&[&self.digest(engine).to_string(), lock]);
        for name in OUTPUTS {
            let found = fs::symlink_metadata(out.join(name)).ok()?;
            let _ = writeln!(
                outputs.text,
                "{name} {} {} {:?} {:?}",
                found.ino(),
                found.size(),
                (found.mtime(), found.mtime_nsec()),
                (found.ctime(), found.ctime_nsec()),
            );
        }
        Some(format!("1 {}\n", outputs.digest(engine)))
    }
}

fn duration((seconds, nanoseconds): (i64, i64)) -> Duration {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    Duration::new(seconds, u32::try_from(nanoseconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use enclair_digest::PureRust;

    use super::*;

    const LOCK: &str = "lock";
    const EIF: &str = "the digest";

    fn built(out: &Path) {
        for name in OUTPUTS {
            fs::write(out.join(name), EIF).unwrap();
        }
    }

    fn watch(project: &Path) -> Watch {
        let mut watch = Watch::new(&["recipe", "program"]);
        watch.look(project);
        watch
    }

    /// Files that were not written just now.
    fn settle() {
        std::thread::sleep(TICK * 2);
    }

    #[test]
    fn a_stamp_holds_until_anything_moves() {
        let directory = tempfile::tempdir().unwrap();
        let (project, out) = (directory.path().join("p"), directory.path().join("o"));
        fs::create_dir_all(project.join("d")).unwrap();
        fs::create_dir_all(&out).unwrap();
        fs::write(project.join("d/file"), "content").unwrap();
        built(&out);
        settle();
        assert!(!watch(&project).is_up_to_date(LOCK, &out, &PureRust));
        let leave = || watch(&project).leave((LOCK, EIF), &out, &PureRust);
        leave();
        assert!(watch(&project).is_up_to_date(LOCK, &out, &PureRust));
        assert!(!watch(&project).is_up_to_date("another", &out, &PureRust));
        let mut other = Watch::new(&["recipeprogra", "m"]);
        other.look(&project);
        assert!(!other.is_up_to_date(LOCK, &out, &PureRust));

        let changes: [&dyn Fn(); 5] = [
            &|| fs::write(project.join("d/file"), "Content").unwrap(),
            &|| fs::write(project.join("d/other"), "").unwrap(),
            &|| fs::remove_file(project.join("d/other")).unwrap(),
            &|| fs::write(out.join("enclave.eif"), "The digest").unwrap(),
            &|| fs::remove_file(out.join("enclave.pcrs")).unwrap(),
        ];
        for change in changes {
            settle();
            change();
            assert!(!watch(&project).is_up_to_date(LOCK, &out, &PureRust));
            built(&out);
            settle();
            leave();
            assert!(watch(&project).is_up_to_date(LOCK, &out, &PureRust));
        }
    }

    #[test]
    fn what_changes_while_a_build_runs_is_not_up_to_date() {
        let directory = tempfile::tempdir().unwrap();
        let (project, out) = (directory.path().join("p"), directory.path().join("o"));
        fs::create_dir_all(&project).unwrap();
        fs::create_dir_all(&out).unwrap();
        fs::write(project.join("file"), "before").unwrap();
        settle();
        let before = watch(&project);
        fs::write(project.join("file"), "edited").unwrap();
        built(&out);
        settle();
        before.leave((LOCK, EIF), &out, &PureRust);
        assert!(!watch(&project).is_up_to_date(LOCK, &out, &PureRust));
        // Somebody else's image is not stamped as ours.
        watch(&project).leave((LOCK, "another digest"), &out, &PureRust);
        assert!(!watch(&project).is_up_to_date(LOCK, &out, &PureRust));
        watch(&project).leave((LOCK, EIF), &out, &PureRust);
        assert!(watch(&project).is_up_to_date(LOCK, &out, &PureRust));
    }

    #[test]
    fn a_file_that_was_written_just_now_leaves_no_stamp() {
        let watch = Watch {
            newest: Duration::from_secs(5),
            ..Watch::new(&[])
        };
        assert!(watch.began(Duration::from_secs(5)));
        assert!(watch.began(Duration::from_millis(5020)));
        assert!(!watch.began(Duration::from_millis(5021)));
    }
}
