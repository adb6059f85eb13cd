//! Users and groups: `/etc/passwd`, `/etc/group`, `/etc/shadow`, `/etc/gshadow` as one value.
//!
//! Shadow files are written when they exist. `shadowconfig on`, which the package `passwd` runs,
//! is [`Accounts::make_shadows`]. The day of the last change of a password is [`DAY`] everywhere:
//! the real tools write the day on which they run.
//!
//! No password is ever made: an account has `*` or `!`, with which nobody logs in.

mod table;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use enclair_tree::Metadata;

use super::filesystem::Filesystem;
use super::problem::Problem;
use table::{Row, Table};

/// Day of the last change of every password, in days since 1970. Day 0 would mean that the
/// password must be changed at the next login.
pub(crate) const DAY: &str = "1";

/// The group `shadow`, the same on every Debian system.
const SHADOW_GROUP: u32 = 42;

/// The ids of system accounts that are not the same everywhere.
pub(crate) const SYSTEM: RangeInclusive<u32> = 100..=999;

/// All accounts of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accounts {
    users: Table,
    groups: Table,
    shadow: Option<Table>,
    gshadow: Option<Table>,
}

/// A user that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewUser<'a> {
    /// The name.
    pub(crate) name: &'a str,
    /// Numeric id.
    pub(crate) uid: u32,
    /// Primary group.
    pub(crate) gid: u32,
    /// The comment field.
    pub(crate) gecos: &'a str,
    /// Home directory.
    pub(crate) home: &'a str,
    /// Login shell.
    pub(crate) shell: &'a str,
    /// What stands behind the day in the shadow file.
    pub(crate) aging: Aging,
}

/// Whether an account's password grows old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aging {
    /// System accounts: it does not.
    None,
    /// Accounts of people: the numbers of Debian's `login.defs`.
    Default,
    /// Accounts that ended on the first day of 1970: nobody can become them by logging in.
    Closed,
}

/// What is known of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User<'a> {
    /// Numeric id.
    pub(crate) uid: u32,
    /// Primary group.
    pub(crate) gid: u32,
    /// Home directory.
    pub(crate) home: &'a str,
}

/// What is no account of the image: `root`, which is 0 in all of them, or a number.
fn root_or_number(text: &str) -> Option<u32> {
    if text == "root" {
        return Some(0);
    }
    text.parse().ok()
}

impl Accounts {
    /// The accounts of a tree; empty ones where it has no files.
    pub(crate) fn read(files: &Filesystem<'_>) -> Result<Self, Problem> {
        let users = Table::read(files, "/etc/passwd", 7)?;
        let groups = Table::read(files, "/etc/group", 4)?;
        Ok(Self {
            users: users.unwrap_or_else(|| Table::new("/etc/passwd")),
            groups: groups.unwrap_or_else(|| Table::new("/etc/group")),
            shadow: Table::read(files, "/etc/shadow", 9)?,
            gshadow: Table::read(files, "/etc/gshadow", 4)?,
        })
    }

    /// Writes the files: passwd and group as 0644, the shadow files as 0640 of the group shadow.
    pub(crate) fn write(&self, files: &mut Filesystem<'_>) -> Result<(), Problem> {
        let shadow = Metadata {
            gid: SHADOW_GROUP,
            ..Metadata::new(0o640)
        };
        for table in [&self.users, &self.groups] {
            files.put(table.path(), table.to_text(), Metadata::new(0o644))?;
        }
        for table in [&self.shadow, &self.gshadow].into_iter().flatten() {
            files.put(table.path(), table.to_text(), shadow)?;
        }
        Ok(())
    }

    /// The user `name`.
    pub(crate) fn user(&self, name: &str) -> Option<User<'_>> {
        let row = self.users.row(name)?;
        Some(User {
            uid: row.id(2)?,
            gid: row.id(3)?,
            home: row.field(5),
        })
    }

    /// The id of the group `name`.
    pub(crate) fn group(&self, name: &str) -> Option<u32> {
        self.groups.row(name)?.id(2)
    }

    /// The name of the group `gid`.
    pub(crate) fn group_name(&self, gid: u32) -> Option<&str> {
        let row = self.groups.rows().find(|row| row.id(2) == Some(gid))?;
        Some(row.name())
    }

    /// The user that `text` means: a name, or else a number.
    pub(crate) fn uid_of(&self, text: &str) -> Option<u32> {
        let named = self.user(text).map(|user| user.uid);
        named.or_else(|| root_or_number(text))
    }

    /// The group that `text` means: a name, or else a number.
    pub(crate) fn gid_of(&self, text: &str) -> Option<u32> {
        self.group(text).or_else(|| root_or_number(text))
    }

    /// Every user id that is taken.
    pub(crate) fn uids(&self) -> BTreeSet<u32> {
        self.users.rows().filter_map(|row| row.id(2)).collect()
    }

    /// Every group id that is taken.
    pub(crate) fn gids(&self) -> BTreeSet<u32> {
        self.groups.rows().filter_map(|row| row.id(2)).collect()
    }

    /// Adds a group, with a line in gshadow when there is that file.
    pub(crate) fn add_group(&mut self, name: &str, gid: u32) {
        let row = Row::new(&[name, "x", &gid.to_string(), ""]);
        self.groups.push(row);
        if let Some(table) = &mut self.gshadow {
            table.push(Row::new(&[name, "!", "", ""]));
        }
    }

    /// Adds a user, with a line in shadow when there is that file.
    pub(crate) fn add_user(&mut self, user: &NewUser<'_>) {
        let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
        let fields = [
            user.name, "x", &uid, &gid, user.gecos, user.home, user.shell,
        ];
        self.users.push(Row::new(&fields));
        if let Some(table) = &mut self.shadow {
            table.push(shadow_row(user.name, "!", user.aging));
        }
    }

    /// Makes `user` a member of `group`, in gshadow too. Neither need exist.
    pub(crate) fn add_member(&mut self, user: &str, group: &str) {
        if let Some(row) = self.groups.row_mut(group) {
            row.add_to_list(3, user);
        }
        let shadowed = self.gshadow.as_mut();
        if let Some(row) = shadowed.and_then(|table| table.row_mut(group)) {
            row.add_to_list(3, user);
        }
    }

    /// Changes what is said about the user `name`: the comment, the home directory or the shell.
    pub(crate) fn change_user(&mut self, name: &str, detail: Detail, value: &str) {
        if let Some(row) = self.users.row_mut(name) {
            row.set(detail.field(), value);
        }
    }

    /// Sets what stands for the password of `name`, where there is a shadow file.
    pub(crate) fn set_password(&mut self, name: &str, text: &str) {
        let table = self.shadow.as_mut();
        if let Some(row) = table.and_then(|table| table.row_mut(name)) {
            row.set(1, text);
        }
    }

    /// Sets what stands for the password of the group `name`, where there is a gshadow file.
    pub(crate) fn set_group_password(&mut self, name: &str, text: &str) {
        let table = self.gshadow.as_mut();
        if let Some(row) = table.and_then(|table| table.row_mut(name)) {
            row.set(1, text);
        }
    }

    /// Puts a `!` before what stands for the password of `name`, unless there is one.
    pub(crate) fn lock_password(&mut self, name: &str) {
        let table = self.shadow.as_ref();
        let password = table
            .and_then(|table| table.row(name))
            .map(|row| row.field(1));
        match password {
            Some(password) if !password.starts_with('!') => {
                let locked = format!("!{password}");
                self.set_password(name, &locked);
            }
            _ => {}
        }
    }

    /// Moves passwords into shadow and gshadow, as `shadowconfig on` does: every user and group
    /// gets a line there, in the order of passwd and group.
    pub(crate) fn make_shadows(&mut self) {
        let mut shadow = self
            .shadow
            .take()
            .unwrap_or_else(|| Table::new("/etc/shadow"));
        let mut gshadow = self
            .gshadow
            .take()
            .unwrap_or_else(|| Table::new("/etc/gshadow"));
        for row in self.users.rows() {
            if shadow.row(row.name()).is_none() {
                shadow.push(shadow_row(row.name(), row.field(1), Aging::Default));
            }
        }
        for row in self.groups.rows() {
            if gshadow.row(row.name()).is_none() {
                gshadow.push(Row::new(&[row.name(), row.field(1), "", row.field(3)]));
            }
        }
        for table in [&mut self.users, &mut self.groups] {
            let names: Vec<String> = table.rows().map(|row| row.name().to_owned()).collect();
            for name in names {
                if let Some(row) = table.row_mut(&name) {
                    row.set(1, "x");
                }
            }
        }
        self.shadow = Some(shadow);
        self.gshadow = Some(gshadow);
    }

    /// Forgets the user `name`, in groups too.
    pub(crate) fn remove_user(&mut self, name: &str) {
        self.users.remove(name);
        if let Some(table) = &mut self.shadow {
            table.remove(name);
        }
    }

    /// Forgets the group `name`.
    pub(crate) fn remove_group(&mut self, name: &str) {
        self.groups.remove(name);
        if let Some(table) = &mut self.gshadow {
            table.remove(name);
        }
    }
}

/// What can be changed about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// The primary group.
    Group,
    /// The comment field.
    Gecos,
    /// The home directory.
    Home,
    /// The login shell.
    Shell,
}

impl Detail {
    fn field(self) -> usize {
        match self {
            Self::Group => 3,
            Self::Gecos => 4,
            Self::Home => 5,
            Self::Shell => 6,
        }
    }
}

fn shadow_row(name: &str, password: &str, aging: Aging) -> Row {
    let [least, most, warning, end] = match aging {
        Aging::None => ["", "", "", ""],
        Aging::Default => ["0", "99999", "7", ""],
        Aging::Closed => ["", "", "", "1"],
    };
    Row::new(&[name, password, DAY, least, most, warning, "", end, ""])
}
