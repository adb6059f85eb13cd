//! The data archive: the files of the package, checked and in their order.

use std::collections::BTreeMap;

use enclair_tree::tar::{Entry, EntryKind, Reader};
use enclair_tree::{NodeKind, TreePath};

use super::error::{DebError, EntryProblem};
use super::read::{Sink, archive_error};

/// The entries of a data archive.
#[derive(Debug, Default)]
pub(super) struct DataArchive {
    pub(super) entries: Vec<Entry>,
    /// Every path, and whether a hard link may lead to it.
    seen: BTreeMap<TreePath, Linkable>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Linkable {
    Yes,
    No,
}

impl DataArchive {
    /// Reads all entries of the member `member`.
    pub(super) fn read(
        &mut self,
        member: &str,
        mut reader: Reader<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), DebError> {
        while let Some(entry) = reader
            .next_entry(sink.spool, sink.findings)
            .map_err(|error| archive_error(member, error))?
        {
            self.check(&entry).map_err(|problem| DebError::Entry {
                member: member.to_owned(),
                path: entry.path.clone(),
                problem,
            })?;
            self.entries.push(entry);
        }
        Ok(())
    }

    fn check(&mut self, entry: &Entry) -> Result<(), EntryProblem> {
        let linkable = self.check_kind(&entry.kind)?;
        if entry.path.is_root() && entry.kind != EntryKind::Node(NodeKind::Directory) {
            return Err(EntryProblem::Root);
        }
        match self.seen.insert(entry.path.clone(), linkable) {
            None => Ok(()),
            Some(_) => Err(EntryProblem::Duplicate),
        }
    }

    fn check_kind(&self, kind: &EntryKind) -> Result<Linkable, EntryProblem> {
        match kind {
            EntryKind::Node(NodeKind::Directory | NodeKind::Symlink(_)) => Ok(Linkable::No),
            EntryKind::Node(NodeKind::File(_)) => Ok(Linkable::Yes),
            EntryKind::HardLink(target) if self.seen.get(target) == Some(&Linkable::Yes) => {
                Ok(Linkable::Yes)
            }
            EntryKind::HardLink(target) => Err(EntryProblem::LinkTarget {
                target: target.clone(),
            }),
            EntryKind::Node(NodeKind::CharacterDevice { .. }) => Err(special("a character device")),
            EntryKind::Node(NodeKind::BlockDevice { .. }) => Err(special("a block device")),
            EntryKind::Node(NodeKind::Fifo) => Err(special("a named pipe")),
            EntryKind::Node(NodeKind::Socket) => Err(special("a socket")),
        }
    }
}

const fn special(kind: &'static str) -> EntryProblem {
    EntryProblem::Special { kind }
}
