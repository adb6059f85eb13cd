//! Who runs the application: names become numbers at build time.
//!
//! PID 1 in the enclave parses no user database, so `USER` is resolved here against the image's
//! own `/etc/passwd` and `/etc/group`, by the rules that container runtimes follow:
//!
//! | `USER` | uid | gid | supplementary groups |
//! |---|---|---|---|
//! | empty | 0 | 0 | those that list `root` |
//! | `name` | the name's | the name's | those that list the name |
//! | `1000` | 1000 | the gid of uid 1000, else 0 | those that list that uid's name |
//! | `name:group` or numbers | the user's | the group's | none |

use std::str::FromStr;

use crate::error::Error;

/// Numeric identity of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// User id.
    pub(crate) uid: u32,
    /// Primary group id.
    pub(crate) gid: u32,
    /// Supplementary group ids, ascending, without the primary one.
    pub(crate) groups: Vec<u32>,
    /// The home directory that the user database gives.
    pub(crate) home: Option<String>,
}

/// A line of `/etc/passwd` that has its seven fields.
#[derive(Debug)]
struct User<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

/// A line of `/etc/group` that has its four fields.
#[derive(Debug)]
struct Group<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// Resolves `user` as the image configuration writes it.
///
/// `passwd` and `group` are the contents of the image's files, empty where it has none. Lines
/// that are not well formed name nobody, as for the C library.
///
/// # Errors
///
/// [`Error::UnknownUser`] and [`Error::UnknownGroup`] for a name that the image does not define.
pub(crate) fn resolve(user: &str, passwd: &str, group: &str) -> Result<Identity, Error> {
    let (user, group_name) = match user.split_once(':') {
        Some((user, group)) => (user, Some(group).filter(|group| !group.is_empty())),
        None => (user, None),
    };
    let users = || passwd.lines().filter_map(parse_user);
    let groups = || group.lines().filter_map(parse_group);

    let (uid, entry) = match u32::from_str(user) {
        _ if user.is_empty() => (0, users().find(|entry| entry.uid == 0)),
        Ok(uid) => (uid, users().find(|entry| entry.uid == uid)),
        Err(_) => {
            let entry = users().find(|entry| entry.name == user);
            let entry = entry.ok_or_else(|| Error::UnknownUser {
                name: user.to_owned(),
            })?;
            (entry.uid, Some(entry))
        }
    };
    let home = entry.as_ref().map(|entry| entry.home.to_owned());
    if let Some(name) = group_name {
        let gid = resolve_group(name, groups())?;
        return Ok(Identity {
            uid,
            gid,
            groups: Vec::new(),
            home,
        });
    }
    let gid = entry.as_ref().map_or(0, |entry| entry.gid);
    let is_member = |group: &Group<'_>| {
        let mut members = group.members.split(',');
        entry
            .as_ref()
            .is_some_and(|entry| members.any(|member| member == entry.name))
    };
    let mut groups: Vec<u32> = groups()
        .filter(is_member)
        .map(|group| group.gid)
        .filter(|id| *id != gid)
        .collect();
    groups.sort_unstable();
    groups.dedup();
    Ok(Identity {
        uid,
        gid,
        groups,
        home,
    })
}

fn resolve_group<'a>(
    name: &str,
    mut groups: impl Iterator<Item = Group<'a>>,
) -> Result<u32, Error> {
    if let Ok(gid) = name.parse() {
        return Ok(gid);
    }
    groups
        .find(|group| group.name == name)
        .map(|group| group.gid)
        .ok_or_else(|| Error::UnknownGroup {
            name: name.to_owned(),
        })
}

fn parse_user(line: &str) -> Option<User<'_>> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let (_password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
    let (_comment, home) = (fields.next()?, fields.next()?);
    Some(User {
        name,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home,
    })
}

fn parse_group(line: &str) -> Option<Group<'_>> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let (_password, gid) = (fields.next()?, fields.next()?);
    Some(Group {
        name,
        gid: gid.parse().ok()?,
        members: fields.next().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        # a comment\nbroken:x:1\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n\
        app:x:1000:1001:App,,,:/home/app:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nadm:x:4:syslog,app\napp:x:1001:app\nssl:x:101:app\n\
        zz:x:3:app,nobody\nwheel:x:10:root\n";

    fn ids(user: &str) -> Result<(u32, u32, Vec<u32>), Error> {
        resolve(user, PASSWD, GROUP).map(|id| (id.uid, id.gid, id.groups))
    }

    #[test]
    fn every_form_of_user_resolves() {
        assert_eq!(ids("").unwrap(), (0, 0, vec![10]));
        assert_eq!(ids("root").unwrap(), (0, 0, vec![10]));
        assert_eq!(ids("app").unwrap(), (1000, 1001, vec![3, 4, 101]));
        assert_eq!(ids("1000").unwrap(), (1000, 1001, vec![3, 4, 101]));
        assert_eq!(ids("4242").unwrap(), (4242, 0, vec![]));
        assert_eq!(ids("app:ssl").unwrap(), (1000, 101, vec![]));
        assert_eq!(ids("app:7").unwrap(), (1000, 7, vec![]));
        assert_eq!(ids("4242:4343").unwrap(), (4242, 4343, vec![]));
        assert_eq!(ids("app:").unwrap(), (1000, 1001, vec![3, 4, 101]));
    }

    #[test]
    fn a_name_that_the_image_does_not_define_is_an_error() {
        assert!(matches!(ids("ghost"), Err(Error::UnknownUser { name }) if name == "ghost"));
        assert!(matches!(ids("app:ghost"), Err(Error::UnknownGroup { name }) if name == "ghost"));
        assert!(matches!(ids("broken"), Err(Error::UnknownUser { .. })));
        assert!(ids("-1").is_err());
        assert!(ids("4294967296").is_err());
    }

    #[test]
    fn the_home_directory_comes_from_the_user_database() {
        let home = |user| resolve(user, PASSWD, GROUP).unwrap().home;
        assert_eq!(home("app").as_deref(), Some("/home/app"));
        assert_eq!(home("1000:7").as_deref(), Some("/home/app"));
        assert_eq!(home("4242"), None);
    }
}
