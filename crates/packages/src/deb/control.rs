//! The control archive: a few small files beside each other, held in memory.

use std::collections::BTreeMap;
use std::io::Read;

use enclair_digest::Limits;
use enclair_finding::Findings;
use enclair_tree::tar::{Entry, EntryKind, Names, Reader};
use enclair_tree::{MemorySpool, NodeKind, TreePath, read_body};

use super::error::{ControlProblem, DebError};
use super::read::archive_error;
use super::{Package, Script};
use crate::control::Control;

/// What a control archive may be. The largest of Debian have some megabytes of symbols or
/// checksums; whatever is here stays in memory.
pub const CONTROL_LIMITS: Limits = Limits {
    unpacked_bytes: 32 << 20,
    entries: 256,
    document_bytes: 64 << 10,
};

/// The files of a control archive by their names.
#[derive(Debug, Default)]
pub(super) struct ControlArchive {
    member: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl ControlArchive {
    /// Reads the archive `content` of the member `member`.
    pub(super) fn read(
        &mut self,
        member: &str,
        content: &mut dyn Read,
        findings: &mut Findings,
    ) -> Result<(), DebError> {
        member.clone_into(&mut self.member);
        let mut spool = MemorySpool::new();
        let mut reader = Reader::new(content, CONTROL_LIMITS).with_names(Names::Relative);
        while let Some(entry) = reader
            .next_entry(&mut spool, findings)
            .map_err(|error| archive_error(member, error))?
        {
            self.add(entry, &spool)?;
        }
        Ok(())
    }

    /// The package, with the data archive's `entries`.
    pub(super) fn into_package(mut self, entries: Vec<Entry>) -> Result<Package, DebError> {
        let Some(control) = self.files.remove("control") else {
            let member = self.member;
            return Err(DebError::NoControl { member });
        };
        let control = Control::parse(&control).map_err(DebError::Control)?;
        let mut scripts = BTreeMap::new();
        for script in Script::ALL {
            if let Some(text) = self.files.remove(script.name()) {
                scripts.insert(script, text);
            }
        }
        Ok(Package {
            control,
            scripts,
            members: self.files,
            entries,
        })
    }

    fn add(&mut self, entry: Entry, spool: &MemorySpool) -> Result<(), DebError> {
        let path = entry.path;
        let body = match entry.kind {
            EntryKind::Node(NodeKind::Directory) if path.is_root() => return Ok(()),
            EntryKind::Node(NodeKind::File(body)) => body,
            EntryKind::Node(_) | EntryKind::HardLink(_) => {
                return Err(self.refuse(path, ControlProblem::Kind));
            }
        };
        let name = match control_name(&path) {
            Ok(name) => name,
            Err(problem) => return Err(self.refuse(path, problem)),
        };
        if self.files.contains_key(&name) {
            return Err(self.refuse(path, ControlProblem::Duplicate));
        }
        let content = read_body(&body, spool)
            .read_to_vec(CONTROL_LIMITS.unpacked_bytes)
            .map_err(|source| DebError::Content {
                member: self.member.clone(),
                source,
            })?;
        self.files.insert(name, content);
        Ok(())
    }

    fn refuse(&self, entry: TreePath, problem: ControlProblem) -> DebError {
        DebError::ControlEntry {
            member: self.member.clone(),
            entry,
            problem,
        }
    }
}

fn control_name(path: &TreePath) -> Result<String, ControlProblem> {
    let name = path.as_bytes();
    if name.contains(&b'/') {
        return Err(ControlProblem::Nested);
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+".contains(byte);
    let starts_well = name.first().is_some_and(u8::is_ascii_alphanumeric);
    if !starts_well || !name.iter().all(allowed) {
        return Err(ControlProblem::Name);
    }
    if name == b"list" {
        return Err(ControlProblem::Reserved);
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}
