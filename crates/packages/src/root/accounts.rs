//! The names of owners and what they stand for: the image's own account files, never the
//! machine's.
//!
//! Files of packages have the names of static users and groups, those of base-passwd. Its master
//! files are read wherever in the order of installation it stands; dpkg needs it to be unpacked
//! and configured before.

use std::collections::BTreeMap;

use enclair_tree::Spool;
use enclair_tree::tar::{Entry, EntryKind};
use enclair_tree::{NodeKind, read_body};

use super::error::RootError;
use crate::deb::Package;

/// Files with accounts, the one that counts more first.
const USERS: [&[u8]; 2] = [b"etc/passwd", b"usr/share/base-passwd/passwd.master"];
const GROUPS: [&[u8]; 2] = [b"etc/group", b"usr/share/base-passwd/group.master"];
/// Bytes of one such file. Debian's have some two thousand.
const FILE_LIMIT: u64 = 1 << 20;

/// Users and groups by name. `root` is 0 whatever else there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    users: BTreeMap<Vec<u8>, u32>,
    groups: BTreeMap<Vec<u8>, u32>,
}

impl Accounts {
    /// Adds a user that no package brings; one that is there already stays.
    pub fn add_user(&mut self, name: &[u8], uid: u32) {
        self.users.entry(name.to_vec()).or_insert(uid);
    }

    /// Adds a group that no package brings; one that is there already stays.
    pub fn add_group(&mut self, name: &[u8], gid: u32) {
        self.groups.entry(name.to_vec()).or_insert(gid);
    }

    /// The number of a user.
    pub fn user(&self, name: &[u8]) -> Option<u32> {
        self.users.get(name).copied().or(root(name))
    }

    /// The number of a group.
    pub fn group(&self, name: &[u8]) -> Option<u32> {
        self.groups.get(name).copied().or(root(name))
    }

    /// Adds the accounts that packages bring as files.
    pub(super) fn add_packages(
        &mut self,
        packages: &[Package],
        spool: &dyn Spool,
    ) -> Result<(), RootError> {
        for (files, table) in [(USERS, &mut self.users), (GROUPS, &mut self.groups)] {
            for file in files {
                for package in packages {
                    let entries = package.entries.iter();
                    for entry in entries.filter(|entry| entry.path.as_bytes() == file) {
                        add_lines(table, &content(package, entry, spool)?);
                    }
                }
            }
        }
        Ok(())
    }
}

fn root(name: &[u8]) -> Option<u32> {
    (name == b"root").then_some(0)
}

fn content(package: &Package, entry: &Entry, spool: &dyn Spool) -> Result<Vec<u8>, RootError> {
    let EntryKind::Node(NodeKind::File(body)) = &entry.kind else {
        return Ok(Vec::new());
    };
    read_body(body, spool)
        .read_to_vec(FILE_LIMIT)
        .map_err(|source| RootError::Content {
            package: package.control.name().to_owned(),
            path: entry.path.clone(),
            source,
        })
}

/// Takes name and number of lines such as `daemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin`; the
/// number is the third field of users and of groups. Lines of another form name nobody.
fn add_lines(table: &mut BTreeMap<Vec<u8>, u32>, text: &[u8]) {
    for line in text.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(name), Some(id)) = (fields.next(), fields.nth(1)) else {
            continue;
        };
        let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
        if let Some(id) = id.filter(|_| !name.is_empty()) {
            table.entry(name.to_vec()).or_insert(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_give_names_and_the_first_of_a_name_counts() {
        let mut table = BTreeMap::new();
        add_lines(
            &mut table,
            b"root:*:7:0\nman:*:6:12:man:/var:/bin/sh\n:*:1:\nno-number:*:x:\n\nman:*:9:\nlast:*:4294967295",
        );
        let expected: [(&[u8], u32); 3] = [(b"last", u32::MAX), (b"man", 6), (b"root", 7)];
        let expected = expected.map(|(name, id)| (name.to_vec(), id));
        assert_eq!(table, BTreeMap::from(expected));
    }

    #[test]
    fn root_is_known_without_any_file() {
        let mut accounts = Accounts::default();
        assert_eq!(
            (accounts.user(b"root"), accounts.group(b"root")),
            (Some(0), Some(0))
        );
        assert_eq!(accounts.user(b"daemon"), None);
        accounts.add_user(b"daemon", 1);
        accounts.add_user(b"daemon", 2);
        assert_eq!(
            (accounts.user(b"daemon"), accounts.group(b"daemon")),
            (Some(1), None)
        );
    }
}
