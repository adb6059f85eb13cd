//! Digesting every blob again.

use std::fs::File;
use std::path::PathBuf;

use enclair_digest::{Engine, Sha256};

use crate::aside::Aside;
use crate::catalogue::Catalogue;
use crate::error::{Error, Fault, Problem};
use crate::reading::digest_file;
use crate::size::Count;
use crate::store::Store;

/// What becomes of blobs that are altered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnAltered {
    /// They are listed.
    Report,
    /// They are listed and moved to `aside/`.
    SetAside,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The blob that is being read.
    pub sha256: Sha256,
    /// Blobs that are done.
    pub done: u64,
    /// Blobs that there are.
    pub blobs: u64,
    /// Bytes that were read, of all blobs.
    pub bytes: u64,
}

/// What is in the store.
#[derive(Debug, Default)]
#[must_use]
pub struct VerifyReport {
    /// Blobs that are what their names say.
    pub right: Count,
    /// Files among the blobs that are not, sorted by path.
    pub faults: Vec<Fault>,
    /// Where altered ones were moved to.
    pub aside: Vec<PathBuf>,
}

impl VerifyReport {
    /// Whether everything in `blobs/` is what its name says.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty()
    }
}

/// What one blob turned out to be.
enum Verdict {
    Right(u64),
    Wrong(Problem),
    Gone,
}

impl<E: Engine> Store<E> {
    /// Reads and digests every blob. Blobs that come meanwhile are not looked at, and those that go
    /// are not missed.
    ///
    /// # Errors
    ///
    /// Those of the file system in listing the store and moving blobs. A blob that cannot be read is
    /// a fault in the report.
    pub fn verify(
        &self,
        on_altered: OnAltered,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<VerifyReport, Error> {
        let catalogue = Catalogue::read(&self.layout.blobs)?;
        let mut report = VerifyReport::default();
        report
            .faults
            .extend(catalogue.strange.into_iter().map(|path| Fault {
                path,
                problem: Problem::Name,
            }));
        let blobs = u64::try_from(catalogue.blobs.len()).unwrap_or(u64::MAX);
        let mut bytes = 0_u64;
        for (sha256, done) in catalogue.blobs.iter().zip(0_u64..) {
            let verdict = self.verify_blob(sha256, |read| {
                bytes = bytes.saturating_add(read);
                progress(Progress {
                    sha256: *sha256,
                    done,
                    blobs,
                    bytes,
                });
            });
            match verdict? {
                Verdict::Gone => (),
                Verdict::Right(size) => report.right.add(size),
                Verdict::Wrong(problem) => self.note(sha256, problem, on_altered, &mut report)?,
            }
        }
        report
            .faults
            .sort_by(|left, right| left.path.cmp(&right.path));
        Ok(report)
    }

    /// Notes a blob that is not right, and moves it away where that is asked for.
    fn note(
        &self,
        sha256: &Sha256,
        problem: Problem,
        on_altered: OnAltered,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        if on_altered == OnAltered::SetAside {
            match self.set_aside(sha256)? {
                Aside::Moved(path) => report.aside.push(path),
                Aside::Intact | Aside::Absent => (),
            }
        }
        let path = self.blob_path(sha256);
        report.faults.push(Fault { path, problem });
        Ok(())
    }

    fn verify_blob(&self, sha256: &Sha256, seen: impl FnMut(u64)) -> Result<Verdict, Error> {
        Ok(match self.layout.open_blob(sha256) {
            Ok(Some(mut file)) => self.verdict(sha256, &mut file, seen),
            Ok(None) => Verdict::Gone,
            Err(Error::Kind { .. }) => Verdict::Wrong(Problem::NotAFile),
            Err(Error::Io { source, .. }) => Verdict::Wrong(Problem::Unreadable(source)),
            Err(error) => return Err(error),
        })
    }

    fn verdict(&self, sha256: &Sha256, file: &mut File, mut seen: impl FnMut(u64)) -> Verdict {
        let mut size = 0_u64;
        let digest = digest_file(&self.engine, file, |read| {
            size = size.saturating_add(read);
            seen(read);
        });
        match digest {
            Ok(found) if found == *sha256 => Verdict::Right(size),
            Ok(found) => Verdict::Wrong(Problem::Altered {
                expected: *sha256,
                found,
            }),
            Err(error) => Verdict::Wrong(Problem::Unreadable(error)),
        }
    }
}
