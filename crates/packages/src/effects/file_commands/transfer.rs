//! `cp` and `mv`.

use enclair_tree::{Metadata, Node, NodeKind};

use super::{destination, directory_of, paths_of};
use crate::effects::options::{Arguments, Switch, flag, perhaps, value};
use crate::effects::problem::Problem;
use crate::effects::work::Site;
use crate::scripts::UMASK;

const CP: &[Switch] = &[
    flag(&["--archive", "-a"]),
    flag(&["-p"]),
    perhaps(&["--preserve"]),
    flag(&["-d"]),
    flag(&["--no-dereference", "-P"]),
    flag(&["--dereference", "-L"]),
    flag(&["--recursive", "-r", "-R"]),
    flag(&["--force", "-f"]),
    flag(&["--no-clobber", "-n"]),
    flag(&["--no-target-directory", "-T"]),
    flag(&["--verbose", "-v"]),
    flag(&["-Z"]),
];

/// Files, and directories with all below.
pub(super) fn cp(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let Some(arguments) = Arguments::parse(words, CP) else {
        return Ok(None);
    };
    let Some(places) = places(site, &arguments) else {
        return Ok(None);
    };
    let whole = arguments.has("--archive") || arguments.has("--recursive");
    for (from, to) in &places {
        let source = source(site, &arguments, from);
        let possible = match source {
            None => false,
            Some(node) if node.is_directory() => whole && !site.files.exists(to),
            Some(_) => !site.files.is_directory(to),
        };
        if !possible || from == to {
            return Ok(None);
        }
    }
    for (from, to) in &places {
        if arguments.has("--no-clobber") && site.files.own_node(to).is_some() {
            continue;
        }
        copy(site, &arguments, from, to)?;
    }
    Ok(Some(()))
}

/// Whether the second of two paths is a copy of the first already, with owner and mode.
pub(super) fn is_copied(site: &Site<'_>, paths: &[&str]) -> bool {
    let [from, to] = paths else {
        return false;
    };
    let nodes = (site.files.node(from), site.files.own_node(to));
    matches!(nodes, (Some(from), Some(to)) if from.is_file() && from == to)
}

/// From where to where each file goes; `None` when that cannot be.
fn places(site: &Site<'_>, arguments: &Arguments<'_>) -> Option<Vec<(String, String)>> {
    let paths = paths_of(&arguments.rest)?;
    let (to, from) = paths.split_last()?;
    let several = from.len() > 1;
    if from.is_empty() || (several && !site.files.is_directory(to)) {
        return None;
    }
    let place = |from: &String| {
        let place = if arguments.has("--no-target-directory") {
            let parent = site.files.is_directory(directory_of(to));
            parent.then(|| to.clone())?
        } else {
            destination(site, from, to)?
        };
        Some((from.clone(), place))
    };
    from.iter().map(place).collect()
}

/// What is copied: a symlink itself only where that was said.
fn source<'a>(site: &'a Site<'_>, arguments: &Arguments<'_>, from: &str) -> Option<&'a Node> {
    let own = ["--archive", "-d", "--no-dereference"];
    let own = own.iter().any(|option| arguments.has(option));
    // A directory is copied with the symlinks in it, and so are those that are named with it.
    let own = own || (arguments.has("--recursive") && !arguments.has("--dereference"));
    if own {
        site.files.own_node(from)
    } else {
        site.files.node(from)
    }
}

fn copy(
    site: &mut Site<'_>,
    arguments: &Arguments<'_>,
    from: &str,
    to: &str,
) -> Result<(), Problem> {
    let Some(node) = source(site, arguments, from).cloned() else {
        return Ok(());
    };
    let metadata = metadata(arguments, &node);
    match &node.kind {
        NodeKind::Directory => {
            let names = site.files.text_names(from);
            site.files.make_directory(to, metadata)?;
            for name in names {
                copy(
                    site,
                    arguments,
                    &format!("{from}/{name}"),
                    &format!("{to}/{name}"),
                )?;
            }
            Ok(())
        }
        NodeKind::File(body) if site.files.is_file(to) && !preserves(arguments) => {
            // What is there keeps its owner and mode.
            site.files.replace_body(to, body.clone())
        }
        NodeKind::File(_)
        | NodeKind::Symlink(_)
        | NodeKind::CharacterDevice { .. }
        | NodeKind::BlockDevice { .. }
        | NodeKind::Fifo
        | NodeKind::Socket => site.files.put_node(to, Node { metadata, ..node }),
    }
}

fn preserves(arguments: &Arguments<'_>) -> bool {
    let some = ["--archive", "-p", "--preserve"];
    some.iter().any(|option| arguments.has(option))
}

fn metadata(arguments: &Arguments<'_>, node: &Node) -> Metadata {
    if preserves(arguments) {
        node.metadata
    } else if matches!(node.kind, NodeKind::Symlink(_)) {
        Metadata::new(0o777)
    } else {
        Metadata::new(node.metadata.permissions & !UMASK & 0o777)
    }
}

pub(super) fn mv(site: &mut Site<'_>, words: &[&str]) -> Result<Option<()>, Problem> {
    let known = &[
        flag(&["--force", "-f"]),
        flag(&["--no-clobber", "-n"]),
        flag(&["--no-target-directory", "-T"]),
        flag(&["--verbose", "-v"]),
        flag(&["-Z"]),
        value(&["--backup"]),
    ];
    let arguments = Arguments::parse(words, known).filter(|parsed| !parsed.has("--backup"));
    let Some(arguments) = arguments else {
        return Ok(None);
    };
    let Some(places) = places(site, &arguments) else {
        return Ok(None);
    };
    for (from, to) in &places {
        let (Some(node), old) = (site.files.own_node(from), site.files.own_node(to)) else {
            return Ok(None);
        };
        let possible = old.is_none_or(|old| !old.is_directory() && !node.is_directory());
        if !possible || to == from || to.starts_with(&format!("{from}/")) {
            return Ok(None);
        }
    }
    for (from, to) in &places {
        if !(arguments.has("--no-clobber") && site.files.own_node(to).is_some()) {
            site.files.rename(from, to)?;
        }
    }
    Ok(Some(()))
}
