//! Making and removing: `mkdir`, `install`, `touch`, `rmdir`, `rm`.

use enclair_tree::{Metadata, Node, NodeKind};

use super::mode::{Mode, Target};
use super::owner::Owner;
use super::{destination, directory_of, path_of, paths_of};
use crate::effects::accounts::Accounts;
use crate::effects::options::{Arguments, flag, value};
use crate::effects::problem::Problem;
use crate::effects::work::Site;

pub(super) fn mkdir(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[
        flag(&["--parents", "-p"]),
        flag(&["--verbose", "-v"]),
        value(&["--mode", "-m"]),
    ];
    let Some((arguments, paths)) = parse(words, known) else {
        return Ok(None);
    };
    let Some(mode) = mode_of(&arguments, 0o755) else {
        return Ok(None);
    };
    let parents = arguments.has("--parents");
    let possible = |path: &String| {
        let new = site.files.own_node(path).is_none();
        (parents && (new || site.files.is_directory(path)))
            || (new && site.files.is_directory(directory_of(path)))
    };
    if !paths.iter().all(possible) {
        return Ok(None);
    }
    for path in &paths {
        if !site.files.exists(path) {
            site.files.make_directories(path, Metadata::new(mode))?;
        }
    }
    Ok(Some(()))
}

/// The options with their paths.
fn parse<'a>(
    words: &[&'a str],
    known: &[crate::effects::options::Switch],
) -> Option<(Arguments<'a>, Vec<String>)> {
    let arguments = Arguments::parse(words, known)?;
    let paths = paths_of(&arguments.rest)?;
    Some((arguments, paths))
}

/// The mode that `--mode` says, for something new.
fn mode_of(arguments: &Arguments<'_>, otherwise: u16) -> Option<u16> {
    match arguments.value("--mode") {
        None => Some(otherwise),
        Some(text) => Some(Mode::parse(text)?.apply(0, Target::Other)),
    }
}

pub(super) fn install(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[
        flag(&["--directory", "-d"]),
        flag(&["-D"]),
        flag(&["--no-target-directory", "-T"]),
        flag(&["--preserve-timestamps", "-p"]),
        flag(&["--verbose", "-v"]),
        flag(&["-c"]),
        value(&["--mode", "-m"]),
        value(&["--owner", "-o"]),
        value(&["--group", "-g"]),
    ];
    let Some((arguments, paths)) = parse(words, known) else {
        return Ok(None);
    };
    let accounts = Accounts::read(&site.files)?;
    let owner = Owner::named(
        &accounts,
        arguments.value("--owner"),
        arguments.value("--group"),
    );
    let (Some(mode), Some(owner)) = (mode_of(&arguments, 0o755), owner) else {
        return Ok(None);
    };
    let metadata = Metadata {
        uid: owner.uid.unwrap_or(0),
        gid: owner.gid.unwrap_or(0),
        ..Metadata::new(mode)
    };
    if arguments.has("--directory") {
        return install_directories(site, &paths, metadata);
    }
    let [from, to] = paths.as_slice() else {
        return Ok(None);
    };
    if arguments.has("-D") {
        site.files
            .make_directories(directory_of(to), Metadata::new(0o755))?;
    }
    let place = if arguments.has("--no-target-directory") {
        Some(to.clone())
    } else {
        destination(site, from, to)
    };
    let (Some(place), true) = (place, site.files.is_file(from)) else {
        return Ok(None);
    };
    site.files.copy(from, &place, metadata)?;
    Ok(Some(()))
}

/// Unlike `mkdir -p`, owner and mode are those that are said even where a directory is there.
fn install_directories(
    site: &mut Site<'_>,
    paths: &[String],
    metadata: Metadata,
) -> Result<Option<()>, Problem> {
    let possible =
        |path: &String| site.files.own_node(path).is_none() || site.files.is_directory(path);
    if !paths.iter().all(possible) {
        return Ok(None);
    }
    for path in paths {
        site.files.make_directories(path, metadata)?;
        if let Some(place) = site.files.real(path) {
            site.files.change(&place, |old| *old = metadata);
        }
    }
    Ok(Some(()))
}

pub(super) fn touch(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[
        flag(&["--no-create", "-c"]),
        flag(&["--no-dereference", "-h"]),
        flag(&["-a"]),
        flag(&["-m"]),
        flag(&["-f"]),
        value(&["--date", "-d"]),
        value(&["--reference", "-r"]),
        value(&["-t"]),
    ];
    let Some((arguments, paths)) = parse(words, known) else {
        return Ok(None);
    };
    let possible =
        |path: &String| site.files.exists(path) || site.files.is_directory(directory_of(path));
    if !paths.iter().all(possible) {
        return Ok(None);
    }
    for path in &paths {
        let keeps = arguments.has("--no-create") || arguments.has("--no-dereference");
        if !keeps && !site.files.exists(path) {
            site.files.write(path, "")?;
        }
    }
    Ok(Some(()))
}

pub(super) fn rmdir(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[flag(&["--ignore-fail-on-non-empty"])];
    let Some((arguments, paths)) = parse(words, known) else {
        return Ok(None);
    };
    let is_directory = |path: &String| site.files.own_node(path).is_some_and(Node::is_directory);
    if !paths.iter().all(is_directory) {
        return Ok(None);
    }
    let full = |path: &String| !site.files.names(path).is_empty();
    if !arguments.has("--ignore-fail-on-non-empty") && paths.iter().any(full) {
        return Ok(None);
    }
    for path in paths
        .iter()
        .filter(|path| !full(path))
        .cloned()
        .collect::<Vec<_>>()
    {
        site.files.remove(&path)?;
    }
    Ok(Some(()))
}

pub(super) fn rm(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[
        flag(&["--force", "-f"]),
        flag(&["--recursive", "-r", "-R"]),
        flag(&["--verbose", "-v"]),
    ];
    let Some((arguments, paths)) = parse(words, known) else {
        return Ok(None);
    };
    let possible = |path: &String| match site.files.own_node(path) {
        None => arguments.has("--force"),
        Some(node) => !node.is_directory() || arguments.has("--recursive"),
    };
    if !paths.iter().all(possible) {
        return Ok(None);
    }
    for path in &paths {
        site.files.remove(path)?;
    }
    Ok(Some(()))
}

/// Whether `path` is a regular file itself.
pub(super) fn is_own_file(site: &Site<'_>, path: &str) -> bool {
    let node = site.files.own_node(path);
    node.is_some_and(|node| matches!(node.kind, NodeKind::File(_))) && path_of(path).is_some()
}
