//! Which ids of the machine stand for those inside.
//!
//! Ids that nobody has, root included: what runs inside owns no file of the machine, not even the
//! program that started it. Root gives a range of its own; an ordinary user has a range of
//! subordinate ids, which `newuidmap` and `newgidmap` give to the namespace. Numbers inside are the
//! same in both cases.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use crate::error::SandboxError;

/// Ids inside.
pub(crate) const IDS: u32 = 65536;
/// The first of those that root gives: above the ranges that are given to users and to containers.
const OF_ROOT: u32 = 0x7000_0000;

/// Gives ids to the user namespace of the process `pid`.
pub(crate) fn map_ids(pid: u32) -> Result<(), SandboxError> {
    if rustix::process::geteuid().is_root() {
        for file in ["uid_map", "gid_map"] {
            let path = format!("/proc/{pid}/{file}");
            fs::write(path, format!("0 {OF_ROOT} {IDS}\n"))
                .map_err(|error| ids(&error.to_string()))?;
        }
        return Ok(());
    }
    let user = rustix::process::geteuid().as_raw();
    let name = user_name(user).unwrap_or_default();
    for (program, table) in [("newuidmap", "/etc/subuid"), ("newgidmap", "/etc/subgid")] {
        let text = fs::read_to_string(table).unwrap_or_default();
        let first = range(&text, &name, user)
            .ok_or_else(|| ids(&format!("`{table}` has no {IDS} ids for this user")))?;
        let numbers = [pid, 0, first, IDS].map(|number| number.to_string());
        let status = Command::new(program)
            .args(numbers)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .map_err(|error| not_there(program, &error))?;
        if !status.success() {
            return Err(ids(&format!("`{program}` ended with {status}")));
        }
    }
    Ok(())
}

fn not_there(program: &str, error: &io::Error) -> SandboxError {
    ids(&format!("`{program}`: {error}"))
}

fn ids(problem: &str) -> SandboxError {
    SandboxError::Ids {
        problem: problem.to_owned(),
    }
}

/// The name of a user of this machine.
fn user_name(uid: u32) -> Option<String> {
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// The first id of a range that is large enough, of a user by name or number: subuid(5).
fn range(table: &str, name: &str, uid: u32) -> Option<u32> {
    table.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let (owner, first, count) = (fields.next()?, fields.next()?, fields.next()?);
        let is_owner = owner == uid.to_string() || (!name.is_empty() && owner == name);
        let count: u32 = count.parse().ok()?;
        (is_owner && count >= IDS).then(|| first.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_the_users_and_large_enough() {
        let table =
            "# none\nother:1:65536\nuser:100000:1000\nuser:200000:65536\n1001:300000:65536\n";
        assert_eq!(range(table, "user", 1000), Some(200_000));
        assert_eq!(range(table, "", 1001), Some(300_000));
        assert_eq!(range(table, "", 1000), None);
        assert_eq!(range("user:x:65536", "user", 1), None);
    }
}
