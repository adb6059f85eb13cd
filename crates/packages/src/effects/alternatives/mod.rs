//! `update-alternatives`: one name, several programs, and the symlinks that choose.
//!
//! `/usr/bin/awk` leads to `/etc/alternatives/awk`, and that to the choice. What there is to
//! choose from is kept in `/var/lib/dpkg/alternatives/NAME`, byte for byte as the real tool keeps
//! it, so that the tool works on the image as on any other system. Its log is not written.
//!
//! Followed: dpkg 1.21 and 1.22. Where the real tool gives up, so that a script would fail, the
//! command is nobody's and becomes a finding; but for a choice whose file is not there because a
//! preset left it out, as with manual pages: that one is passed over, as scripts do themselves.

mod arguments;
mod group;
#[cfg(test)]
mod tests;

use enclair_tree::{Metadata, NodeKind};

use self::arguments::{Action, Force, Install, Request, parse};
use self::group::{Choice, Group, Status};
use super::problem::Problem;
use super::work::{Answer, Invocation, Site, Work};

const ADMINISTRATION: &str = "/var/lib/dpkg/alternatives";
const LINKS: &str = "/etc/alternatives";

/// The effect.
pub(crate) struct UpdateAlternatives;

impl Work for UpdateAlternatives {
    fn command(&self, site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        if call.program != "update-alternatives" {
            return Ok(Answer::NotMine);
        }
        let Some(request) = parse(call.arguments) else {
            return Ok(Answer::NotMine);
        };
        answer(site, &request)
    }
}

fn answer(site: &mut Site<'_>, request: &Request<'_>) -> Result<Answer, Problem> {
    match &request.action {
        Action::Install(new) => install(site, new, request.force),
        Action::Remove { name, path } => {
            let Some(mut group) = read(site, name)? else {
                return Ok(Answer::Emulated);
            };
            group.choices.retain(|choice| choice.path != *path);
            if current(site, name).is_some_and(|now| now == *path) {
                group.status = Status::Auto;
            }
            take(site, name, group, request.force)
        }
        Action::RemoveAll { name } => {
            let Some(mut group) = read(site, name)? else {
                return Ok(Answer::Emulated);
            };
            group.choices.clear();
            take(site, name, group, request.force)
        }
        Action::Set { name, path } => {
            let group = read(site, name)?;
            let Some(mut group) = group.filter(|group| group.choice(path).is_some()) else {
                return Ok(Answer::NotMine);
            };
            group.status = Status::Manual;
            let choice = group.choice(path).cloned();
            point(site, name, &group, choice.as_ref(), request.force)?;
            write(site, name, &group)?;
            Ok(Answer::Emulated)
        }
        Action::Auto { name } => {
            let Some(mut group) = read(site, name)? else {
                // Nothing to choose from: the program says so, and does nothing.
                return Ok(Answer::Emulated);
            };
            group.status = Status::Auto;
            take(site, name, group, request.force)
        }
        Action::Look => Ok(Answer::Ignored("it only looks")),
    }
}

fn install(site: &mut Site<'_>, new: &Install<'_>, force: Force) -> Result<Answer, Problem> {
    if !site.files.exists(&new.choice.path) {
        return Ok(Answer::Ignored(
            "the file of this choice is not in the image",
        ));
    }
    let mut group = read(site, new.name)?.unwrap_or_else(|| Group::new(new.link));
    if group.link != new.link {
        drop_link(site, &group.link)?;
        new.link.clone_into(&mut group.link);
    }
    for (name, link) in &new.slaves {
        let old = group.slaves.insert(name.clone(), link.clone());
        if let Some(old) = old.filter(|old| old != link) {
            drop_link(site, &old)?;
        }
    }
    group.add(new.choice.clone());
    take(site, new.name, group, force)
}

/// Makes the links of the choice that the group comes to, and keeps the group; a group without
/// choices goes with all its links.
fn take(
    site: &mut Site<'_>,
    name: &str,
    mut group: Group,
    force: Force,
) -> Result<Answer, Problem> {
    for (slave, link) in group.drop_unused_slaves() {
        drop_link(site, &link)?;
        site.files.remove(&format!("{LINKS}/{slave}"))?;
    }
    let manual = current(site, name).filter(|_| group.status == Status::Manual);
    let manual = manual.and_then(|path| group.choice(&path));
    let choice = manual.or_else(|| group.best());
    point(site, name, &group, choice, force)?;
    if choice.is_some() {
        write(site, name, &group)?;
    } else {
        site.files.remove(&format!("{ADMINISTRATION}/{name}"))?;
    }
    Ok(Answer::Emulated)
}

/// Makes all links of a group lead to `choice`; those that it has no file for go.
fn point(
    site: &mut Site<'_>,
    name: &str,
    group: &Group,
    choice: Option<&Choice>,
    force: Force,
) -> Result<(), Problem> {
    let file = choice.map(|choice| choice.path.as_str());
    point_one(site, [name, &group.link], file, force)?;
    for (slave, link) in &group.slaves {
        let file = choice.and_then(|choice| choice.slaves.get(slave));
        let file = file.filter(|file| site.files.exists(file));
        point_one(site, [slave, link], file.map(String::as_str), force)?;
    }
    Ok(())
}

fn point_one(
    site: &mut Site<'_>,
    [name, link]: [&str; 2],
    file: Option<&str>,
    force: Force,
) -> Result<(), Problem> {
    let middle = format!("{LINKS}/{name}");
    let Some(file) = file else {
        site.files.remove(&middle)?;
        return drop_link(site, link);
    };
    site.files.make_directories(LINKS, Metadata::new(0o755))?;
    site.files.symlink(&middle, file)?;
    let directory = link.rsplit_once('/').map_or("", |(directory, _)| directory);
    // A directory of manual pages that a preset left out.
    if !site.files.is_directory(directory) {
        return Ok(());
    }
    let free = match site.files.own_node(link).map(|node| &node.kind) {
        None | Some(NodeKind::Symlink(_)) => true,
        Some(NodeKind::Directory) => false,
        Some(_) => force == Force::Yes,
    };
    if free {
        site.files.symlink(link, middle)?;
    }
    Ok(())
}

/// Removes a link of a group; a file that stands in its place stays.
fn drop_link(site: &mut Site<'_>, link: &str) -> Result<(), Problem> {
    if site.files.is_symlink(link) {
        site.files.remove(link)?;
    }
    Ok(())
}

/// The choice that the links lead to now.
fn current(site: &Site<'_>, name: &str) -> Option<String> {
    let target = site.files.link_target(&format!("{LINKS}/{name}"))?;
    String::from_utf8(target.to_vec()).ok()
}

fn read(site: &Site<'_>, name: &str) -> Result<Option<Group>, Problem> {
    let path = format!("{ADMINISTRATION}/{name}");
    let text = site.files.read_text(&path)?;
    text.map(|text| Group::parse(&path, &text)).transpose()
}

fn write(site: &mut Site<'_>, name: &str, group: &Group) -> Result<(), Problem> {
    let metadata = Metadata::new(0o755);
    site.files.make_directories(ADMINISTRATION, metadata)?;
    let path = format!("{ADMINISTRATION}/{name}");
    site.files.put(&path, group.to_text(), Metadata::new(0o644))
}
