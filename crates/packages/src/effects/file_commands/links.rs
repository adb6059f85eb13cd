//! `ln`: symlinks and further names of a file.

use enclair_tree::{Node, TreePath};

use super::{directory_of, name_of, path_of};
use crate::effects::options::{Arguments, flag};
use crate::effects::problem::Problem;
use crate::effects::work::Site;

pub(super) fn ln(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[
        flag(&["--symbolic", "-s"]),
        flag(&["--force", "-f"]),
        flag(&["--no-dereference", "-n"]),
        flag(&["--no-target-directory", "-T"]),
        flag(&["--relative", "-r"]),
        flag(&["--verbose", "-v"]),
    ];
    let Some(arguments) = Arguments::parse(words, known) else {
        return Ok(None);
    };
    let [target, link] = arguments.rest.as_slice() else {
        return Ok(None);
    };
    let Some(place) = place(site, &arguments, target, link) else {
        return Ok(None);
    };
    let old = site.files.own_node(&place);
    let replaced =
        old.is_none() || (arguments.has("--force") && !old.is_some_and(Node::is_directory));
    if !replaced {
        return Ok(None);
    }
    if !arguments.has("--symbolic") {
        let own = path_of(target).filter(|path| super::make::is_own_file(site, path));
        return match own {
            Some(from) => site.files.hard_link(&from, &place).map(Some),
            None => Ok(None),
        };
    }
    let relative = arguments.has("--relative");
    let target = if relative {
        relative_to(site, target, &place)
    } else {
        Some((*target).to_owned())
    };
    match target.filter(|target| !target.is_empty()) {
        Some(target) => site.files.symlink(&place, target).map(Some),
        None => Ok(None),
    }
}

/// Where the link goes: into a directory, unless the last word is to be taken as it is.
fn place(site: &Site<'_>, arguments: &Arguments<'_>, target: &str, link: &str) -> Option<String> {
    let link = path_of(link)?;
    let own = arguments.has("--no-target-directory")
        || (arguments.has("--no-dereference") && site.files.is_symlink(&link));
    let place = if !own && site.files.is_directory(&link) {
        format!("{link}/{}", name_of(target.trim_end_matches('/')))
    } else {
        link
    };
    site.files
        .is_directory(directory_of(&place))
        .then_some(place)
}

/// The way from the directory of `place` to `target`, both without symlinks in them.
fn relative_to(site: &Site<'_>, target: &str, place: &str) -> Option<String> {
    let target = path_of(target)?;
    let real = site.files.real(&target);
    let target = real.or_else(|| TreePath::from_archive(target.as_bytes()).ok())?;
    let from = site.files.real(directory_of(place))?;
    let (target, from): (Vec<&[u8]>, Vec<&[u8]>) =
        (target.components().collect(), from.components().collect());
    let common = target
        .iter()
        .zip(&from)
        .take_while(|(one, other)| one == other)
        .count();
    let mut way: Vec<&str> = vec![".."; from.len().checked_sub(common)?];
    for component in target.get(common..)? {
        way.push(std::str::from_utf8(component).ok()?);
    }
    Some(way.join("/"))
}
