//! The JSON documents of the commands that work on a project.

use std::path::Path;

use enclair_build::{AwsLc, LockChange, LockFile, Recorded};
use enclair_import::{Note, NoteKind};
use enclair_recipe::LockedSource;
use enclair_store::{Collected, Count, Imported, Store, Usage, VerifyReport};
use schemars::JsonSchema;
use serde::Serialize;

use crate::commands::lock::entries;

/// Version of the documents below.
const SCHEMA: u32 = 1;

/// `init --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InitDocument {
    /// Version of this document.
    schema: u32,
    /// The recipe that was written.
    recipe: String,
    /// What became of each field of the foreign file, in its order.
    fields: Vec<FieldDocument>,
}

/// One field of a foreign file.
#[derive(Debug, Serialize, JsonSchema)]
struct FieldDocument {
    /// As the foreign file spells it.
    field: String,
    /// Its line there, from 1.
    line: usize,
    /// `taken`, `changed`, `waits` or `no-meaning`.
    became: &'static str,
    /// The key of the recipe, or why there is none.
    what: String,
    /// Its value, on one line, escaped and cut.
    value: String,
}

impl InitDocument {
    pub(crate) fn new(recipe: &Path, notes: &[Note]) -> Self {
        let field = |note: &Note| {
            let (became, what) = became(&note.kind);
            FieldDocument {
                field: note.field.clone(),
                line: note.line,
                became,
                what: what.to_owned(),
                value: note.text.clone(),
            }
        };
        Self {
            schema: SCHEMA,
            recipe: recipe.display().to_string(),
            fields: notes.iter().map(field).collect(),
        }
    }
}

/// What became of a field, and the key or the reason.
pub(crate) fn became(kind: &NoteKind) -> (&'static str, &str) {
    match kind {
        NoteKind::Taken { into } => ("taken", into),
        NoteKind::Changed { how } => ("changed", how),
        NoteKind::Waits { what } => ("waits", what),
        NoteKind::NoMeaning { why } => ("no-meaning", why),
    }
}

/// `lock --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LockDocument {
    /// Version of this document.
    schema: u32,
    /// The lock's file.
    lock: String,
    /// SHA-256 of the lock.
    sha256: String,
    /// `kept`, `created` or `updated`; absent with `--check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    /// What makes it another recipe's lock; empty when it is current.
    stale: Vec<String>,
    /// The entries.
    entries: Vec<EntryDocument>,
    /// How many packages are locked, where the source is packages: `packages list` lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<usize>,
    /// What an outsider should know.
    notes: Vec<String>,
}

/// An entry of a lock.
#[derive(Debug, Serialize, JsonSchema)]
struct EntryDocument {
    /// `source`, `kernel`, `init`, `agent`, `nsm_module`, or `files` for one that is laid into the image.
    name: String,
    /// Where it was found.
    from: String,
    /// SHA-256: of the file, or of what identifies the image.
    sha256: String,
}

impl LockDocument {
    pub(crate) fn new(file: &LockFile, change: Option<LockChange>, stale: &[String]) -> Self {
        let entries = entries(&file.lock).into_iter();
        Self {
            schema: SCHEMA,
            lock: file.path.display().to_string(),
            sha256: file.digest.to_string(),
            change: change.map(|change| match change {
                LockChange::Kept => "kept",
                LockChange::Created => "created",
                LockChange::Updated => "updated",
            }),
            stale: stale.to_vec(),
            entries: entries
                .map(|(name, from, sha256)| EntryDocument { name, from, sha256 })
                .collect(),
            packages: match &file.lock.source {
                Some(LockedSource::Packages(locked)) => Some(locked.packages.len()),
                Some(LockedSource::Image(_) | LockedSource::Archive(_)) | None => None,
            },
            notes: file.lock.notes(),
        }
    }
}

/// A number of files and their size.
#[derive(Debug, Serialize, JsonSchema)]
struct CountDocument {
    /// How many.
    files: u64,
    /// Bytes of all of them.
    bytes: u64,
}

impl From<Count> for CountDocument {
    fn from(Count { files, bytes }: Count) -> Self {
        Self { files, bytes }
    }
}

/// `store size --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StoreSizeDocument {
    /// Version of this document.
    schema: u32,
    /// Where the store is.
    path: String,
    /// Blobs.
    blobs: CountDocument,
    /// Downloads and writes that are under way or were interrupted.
    unfinished: CountDocument,
    /// Altered blobs that were moved out of the way.
    aside: CountDocument,
    /// Locks that are remembered.
    locks: u64,
}

impl StoreSizeDocument {
    pub(crate) fn new(store: &Store<AwsLc>, usage: &Usage) -> Self {
        let (partial, incoming) = (usage.partial, usage.incoming);
        Self {
            schema: SCHEMA,
            path: store.root().display().to_string(),
            blobs: usage.blobs.into(),
            unfinished: CountDocument {
                files: partial.files.saturating_add(incoming.files),
                bytes: partial.bytes.saturating_add(incoming.bytes),
            },
            aside: usage.aside.into(),
            locks: usage.names.files,
        }
    }
}

/// `store verify --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StoreVerifyDocument {
    /// Version of this document.
    schema: u32,
    /// Blobs that are what their names say.
    right: CountDocument,
    /// What is not, a sentence each.
    altered: Vec<String>,
    /// Where altered ones were moved to.
    aside: Vec<String>,
}

impl StoreVerifyDocument {
    pub(crate) fn new(report: &VerifyReport) -> Self {
        let aside = report.aside.iter();
        Self {
            schema: SCHEMA,
            right: report.right.into(),
            altered: report.faults.iter().map(ToString::to_string).collect(),
            aside: aside.map(|path| path.display().to_string()).collect(),
        }
    }
}

/// `store gc --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CollectedDocument {
    /// Version of this document.
    schema: u32,
    /// Blobs that were removed.
    removed: CountDocument,
    /// Blobs that stayed.
    kept: CountDocument,
    /// Locks that are gone and were forgotten.
    forgotten: Vec<String>,
    /// What lies among the blobs and is none; it was not touched.
    strange: Vec<String>,
}

impl CollectedDocument {
    pub(crate) fn new(collected: &Collected) -> Self {
        let shown = |paths: &[std::path::PathBuf]| {
            let paths = paths.iter();
            paths.map(|path| path.display().to_string()).collect()
        };
        Self {
            schema: SCHEMA,
            removed: collected.blobs.into(),
            kept: collected.kept.into(),
            forgotten: shown(&collected.forgotten),
            strange: shown(&collected.strange),
        }
    }
}

/// `store import --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ImportedDocument {
    /// Version of this document.
    schema: u32,
    /// Blobs that are new.
    taken: CountDocument,
    /// Blobs that were there already.
    present: CountDocument,
    /// Files that are no blobs and were not taken.
    passed_over: Vec<String>,
}

impl ImportedDocument {
    pub(crate) fn new(imported: &Imported) -> Self {
        let passed_over = imported.passed_over.iter();
        Self {
            schema: SCHEMA,
            taken: imported.taken.into(),
            present: imported.present.into(),
            passed_over: passed_over.map(|path| path.display().to_string()).collect(),
        }
    }
}

/// `log --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LogDocument {
    /// Version of this document.
    schema: u32,
    /// The images, newest first.
    images: Vec<Recorded>,
}

impl LogDocument {
    pub(crate) const fn new(images: Vec<Recorded>) -> Self {
        Self {
            schema: SCHEMA,
            images,
        }
    }
}
