//! What the recipe supplies (`[source.packages.effects]`): users, groups, directories, files,
//! links and modes that a script would have made, and that no effect makes.
//!
//! It is applied last, in the order of the fields of [`Supplied`], so that it has the last word
//! about everything that packages and effects made. Owners are names or numbers of the image.

use enclair_tree::{Metadata, NodeKind, TreePath};

use super::accounts::{Accounts, Aging, Detail, NewUser};
use super::problem::Problem;
use super::work::{Site, Work};

/// What the recipe supplies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supplied {
    /// Groups, made before the users.
    pub groups: Vec<SuppliedGroup>,
    /// Users.
    pub users: Vec<SuppliedUser>,
    /// Directories, each with those above it that are missing.
    pub directories: Vec<SuppliedPath>,
    /// Files, in place of those that are there.
    pub files: Vec<SuppliedFile>,
    /// Symlinks: where they are, and where they lead. In place of files that are there.
    pub links: Vec<(String, String)>,
    /// Owners and modes of what is there.
    pub modes: Vec<SuppliedMode>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedGroup {
    /// The name.
    pub name: String,
    /// Numeric id.
    pub gid: u32,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedUser {
    /// The name.
    pub name: String,
    /// Numeric id.
    pub uid: u32,
    /// Primary group. One that does not exist is made under the user's name.
    pub gid: u32,
    /// Home directory. It is not made: see [`Supplied::directories`].
    pub home: String,
    /// Login shell.
    pub shell: String,
    /// The comment field.
    pub gecos: String,
    /// Names of further groups, which exist.
    pub groups: Vec<String>,
}

/// A path with owner and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedPath {
    /// An absolute path.
    pub path: String,
    /// At most `0o7777`.
    pub mode: u16,
    /// `user`, or `user:group`; without a group it is the user's own.
    pub owner: String,
}

/// Another owner or mode for a path that is there; what is not said stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedMode {
    /// An absolute path.
    pub path: String,
    /// At most `0o7777`.
    pub mode: Option<u16>,
    /// As in [`SuppliedPath::owner`].
    pub owner: Option<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppliedFile {
    /// Where, whose, and who may do what with it.
    pub place: SuppliedPath,
    /// The content.
    pub content: Vec<u8>,
}

/// The effect.
pub(crate) struct SuppliedEffect;

impl Work for SuppliedEffect {
    fn finish(&self, site: &mut Site<'_>) -> Result<(), Problem> {
        let supplied = site.supplied;
        let mut accounts = Accounts::read(&site.files)?;
        let before = accounts.clone();
        for group in &supplied.groups {
            add_group(&mut accounts, group)?;
        }
        for user in &supplied.users {
            add_user(&mut accounts, user)?;
        }
        if accounts != before {
            site.files.make_directories("/etc", Metadata::new(0o755))?;
            accounts.write(&mut site.files)?;
        }
        place_all(site, &accounts, supplied)
    }
}

fn place_all(site: &mut Site<'_>, accounts: &Accounts, supplied: &Supplied) -> Result<(), Problem> {
    for one in &supplied.directories {
        let path = absolute(&one.path)?;
        site.files.make_directories(path, Metadata::new(one.mode))?;
        change(
            site,
            accounts,
            &SuppliedMode {
                path: one.path.clone(),
                mode: Some(one.mode),
                owner: Some(one.owner.clone()),
            },
        )?;
    }
    for one in &supplied.files {
        let path = absolute(&one.place.path)?;
        site.files
            .make_directories(directory_of(path), Metadata::new(0o755))?;
        site.files
            .put(path, &one.content, metadata(accounts, &one.place)?)?;
    }
    for (path, target) in &supplied.links {
        let path = absolute(path)?;
        if target.is_empty() || target.contains('\0') {
            return Err(Problem::Value {
                value: target.clone(),
                what: "the target of a symlink",
            });
        }
        site.files
            .make_directories(directory_of(path), Metadata::new(0o755))?;
        site.files.symlink(path, target)?;
    }
    supplied
        .modes
        .iter()
        .try_for_each(|one| change(site, accounts, one))
}

fn add_group(accounts: &mut Accounts, new: &SuppliedGroup) -> Result<(), Problem> {
    check_name(&new.name)?;
    let (named, numbered) = (accounts.group(&new.name), accounts.group_name(new.gid));
    match (named, numbered) {
        (Some(gid), _) if gid == new.gid => Ok(()),
        (None, None) => {
            accounts.add_group(&new.name, new.gid);
            Ok(())
        }
        _ => Err(Problem::Conflict {
            name: new.name.clone(),
            what: "a group",
        }),
    }
}

fn add_user(accounts: &mut Accounts, new: &SuppliedUser) -> Result<(), Problem> {
    check_name(&new.name)?;
    for field in [&new.home, &new.shell, &new.gecos] {
        if field.contains([':', '\n']) {
            return Err(Problem::Value {
                value: field.clone(),
                what: "a field of `/etc/passwd`",
            });
        }
    }
    if accounts.group_name(new.gid).is_none() {
        let (name, gid) = (new.name.clone(), new.gid);
        add_group(accounts, &SuppliedGroup { name, gid })?;
    }
    let numbers = accounts.user(&new.name).map(|user| (user.uid, user.gid));
    match numbers {
        Some(numbers) if numbers == (new.uid, new.gid) => {
            accounts.change_user(&new.name, Detail::Gecos, &new.gecos);
            accounts.change_user(&new.name, Detail::Home, &new.home);
            accounts.change_user(&new.name, Detail::Shell, &new.shell);
        }
        None if !accounts.uids().contains(&new.uid) => accounts.add_user(&NewUser {
            name: &new.name,
            uid: new.uid,
            gid: new.gid,
            gecos: &new.gecos,
            home: &new.home,
            shell: &new.shell,
            aging: Aging::None,
        }),
        _ => {
            return Err(Problem::Conflict {
                name: new.name.clone(),
                what: "a user",
            });
        }
    }
    for group in &new.groups {
        if accounts.group(group).is_none() {
            return Err(Problem::Unknown {
                what: "group",
                name: group.clone(),
            });
        }
        accounts.add_member(&new.name, group);
    }
    Ok(())
}

/// A name that stands in a field and in a list, and is no number.
fn check_name(name: &str) -> Result<(), Problem> {
    let letters = |one: char| one.is_ascii_alphanumeric() || "_.-$".contains(one);
    let starts = |one: char| one.is_ascii_alphabetic() || one == '_';
    if name.starts_with(starts) && name.chars().all(letters) && name.len() <= 32 {
        return Ok(());
    }
    Err(Problem::Value {
        value: name.to_owned(),
        what: "the name of a user or group",
    })
}

fn change(site: &mut Site<'_>, accounts: &Accounts, one: &SuppliedMode) -> Result<(), Problem> {
    let permissions = one.mode.map(permissions).transpose()?;
    let owner = one.owner.as_deref();
    let owner = owner.map(|owner| ids(accounts, owner)).transpose()?;
    let Some(place) = site.files.real(absolute(&one.path)?) else {
        let path = TreePath::from_archive(one.path.as_bytes())?;
        return Err(Problem::Missing { path });
    };
    let node = site.files.tree().get(&place);
    if node.is_some_and(|node| matches!(node.kind, NodeKind::Symlink(_))) {
        return Ok(());
    }
    site.files.change(&place, |metadata| {
        metadata.permissions = permissions.unwrap_or(metadata.permissions);
        (metadata.uid, metadata.gid) = owner.unwrap_or((metadata.uid, metadata.gid));
    });
    Ok(())
}

fn metadata(accounts: &Accounts, one: &SuppliedPath) -> Result<Metadata, Problem> {
    let (uid, gid) = ids(accounts, &one.owner)?;
    Ok(Metadata {
        uid,
        gid,
        ..Metadata::new(permissions(one.mode)?)
    })
}

fn permissions(mode: u16) -> Result<u16, Problem> {
    if mode > 0o7777 {
        return Err(Problem::Value {
            value: format!("{mode:o}"),
            what: "a mode",
        });
    }
    Ok(mode)
}

fn ids(accounts: &Accounts, owner: &str) -> Result<(u32, u32), Problem> {
    let (user, group) = match owner.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (owner, None),
    };
    let unknown = |what, name: &str| Problem::Unknown {
        what,
        name: name.to_owned(),
    };
    let uid = accounts.uid_of(user).ok_or_else(|| unknown("user", user))?;
    let gid = match group {
        Some(group) => accounts
            .gid_of(group)
            .ok_or_else(|| unknown("group", group))?,
        None => accounts.user(user).map_or(uid, |user| user.gid),
    };
    Ok((uid, gid))
}

fn absolute(path: &str) -> Result<&str, Problem> {
    let clean = TreePath::from_archive(path.as_bytes())?;
    if path.starts_with('/') && !clean.is_root() {
        return Ok(path);
    }
    Err(Problem::Value {
        value: path.to_owned(),
        what: "a place in the image: paths begin with `/`",
    })
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::testing::World;

    fn path(path: &str, mode: u16, owner: &str) -> SuppliedPath {
        SuppliedPath {
            path: path.to_owned(),
            mode,
            owner: owner.to_owned(),
        }
    }

    fn mode(path: &str, mode: u16, owner: &str) -> SuppliedMode {
        SuppliedMode {
            path: path.to_owned(),
            mode: Some(mode),
            owner: Some(owner.to_owned()),
        }
    }

    fn user(name: &str, uid: u32, gid: u32) -> SuppliedUser {
        SuppliedUser {
            name: name.to_owned(),
            uid,
            gid,
            home: "/srv".to_owned(),
            shell: "/bin/false".to_owned(),
            gecos: String::new(),
            groups: Vec::new(),
        }
    }

    fn machine(supplied: Supplied) -> World {
        let mut world = World::new(
            "f 0644 0:0 /etc/passwd
             |root:x:0:0:root:/root:/bin/bash
             f 0644 0:0 /etc/group
             |root:x:0:
             |audio:x:29:
             f 0640 0:42 /etc/shadow
             f 0755 0:0 /usr/bin/tool",
        );
        world.supplied = supplied;
        world
    }

    fn problem(supplied: Supplied) -> String {
        let mut world = machine(supplied);
        let problem = SuppliedEffect.finish(&mut world.site()).unwrap_err();
        problem.to_string()
    }

    #[test]
    fn everything_at_once() {
        let mut world = machine(Supplied {
            groups: vec![SuppliedGroup {
                name: "shared".to_owned(),
                gid: 500,
            }],
            users: vec![SuppliedUser {
                groups: vec!["audio".to_owned(), "shared".to_owned()],
                ..user("app", 300, 301)
            }],
            directories: vec![path("/var/lib/app/data", 0o2750, "app:shared")],
            files: vec![SuppliedFile {
                place: path("/etc/app/conf", 0o640, "root:app"),
                content: b"x\n".to_vec(),
            }],
            links: vec![("/opt/app".to_owned(), "../var/lib/app".to_owned())],
            modes: vec![
                mode("/usr/bin/tool", 0o4755, "app"),
                SuppliedMode {
                    owner: None,
                    ..mode("/etc/app/conf", 0o600, "")
                },
                SuppliedMode {
                    mode: None,
                    ..mode("/var/lib/app/data", 0, "app")
                },
            ],
        });
        SuppliedEffect.finish(&mut world.site()).unwrap();
        let found = ["/etc", "/opt", "/usr/bin/tool", "/var"].map(|path| world.listing(path));
        let wanted = "d 0755 0:0 /etc
            d 0755 0:0 /etc/app
            f 0600 0:301 /etc/app/conf
            |x
            f 0644 0:0 /etc/group
            |root:x:0:
            |audio:x:29:app
            |shared:x:500:app
            |app:x:301:
            f 0644 0:0 /etc/passwd
            |root:x:0:0:root:/root:/bin/bash
            |app:x:300:301::/srv:/bin/false
            f 0640 0:42 /etc/shadow
            |app:!:1::::::
            d 0755 0:0 /opt
            l /opt/app -> ../var/lib/app
            f 4755 300:301 /usr/bin/tool
            d 0755 0:0 /var
            d 0755 0:0 /var/lib
            d 0755 0:0 /var/lib/app
            d 2750 300:301 /var/lib/app/data
";
        assert_eq!(found.concat(), wanted.replace("            ", ""));
    }

    #[test]
    fn nothing_changes_nothing() {
        let mut world = machine(Supplied::default());
        let before = world.listing("/");
        SuppliedEffect.finish(&mut world.site()).unwrap();
        assert_eq!(world.listing("/"), before);
    }

    #[test]
    fn what_cannot_be() {
        let users = |users| Supplied {
            users,
            ..Supplied::default()
        };
        let modes = |one| Supplied {
            modes: vec![one],
            ..Supplied::default()
        };
        let mut odd = user("app", 300, 0);
        odd.gecos = "a:b".to_owned();
        for (supplied, text) in [
            (
                users(vec![user("root", 1, 0)]),
                "`root` is there twice, or with other numbers: a user",
            ),
            (
                users(vec![user("app", 0, 0)]),
                "`app` is there twice, or with other numbers: a user",
            ),
            (
                users(vec![user("audio", 7, 7)]),
                "`audio` is there twice, or with other numbers: a group",
            ),
            (
                users(vec![user("1", 7, 7)]),
                "`1` cannot be the name of a user or group",
            ),
            (users(vec![odd]), "`a:b` cannot be a field of `/etc/passwd`"),
            (
                modes(mode("/none", 0o644, "root")),
                "`none`: does not exist, or is not a regular file",
            ),
            (
                modes(mode("/etc", 0o644, "app")),
                "user `app` does not exist",
            ),
            (
                modes(mode("/etc", 0o644, "root:app")),
                "group `app` does not exist",
            ),
            (
                modes(mode("etc", 0o644, "root")),
                "`etc` cannot be a place in the image: paths begin with `/`",
            ),
        ] {
            assert_eq!(problem(supplied), text);
        }
    }
}
