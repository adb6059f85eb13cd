//! Symlinks: which targets are carried.
//!
//! Below `from` a target must stay below `from`, judged by its text and the place of the symlink.
//! That is sound only as long as every `..` stands in front: the directories that those leave were
//! walked and are none but directories, while `name/..` leaves whatever `name` leads to.

use enclair_tree::{Escaped, TreePath};

use super::disk::shown;
use super::error::{Error, TargetProblem};
use super::ground::{Destination, escaped};

/// The longest target that Linux makes.
const LONGEST: usize = 4095;

/// Checks the target of the symlink `below`, counted from `from`; `source` is it in the project.
pub(super) fn check_found(target: &[u8], below: &TreePath, source: &TreePath) -> Result<(), Error> {
    let problem = problem_of(target, below.components().count().saturating_sub(1));
    problem.map_or(Ok(()), |problem| {
        Err(Error::Target {
            path: shown(source),
            target: Escaped(target).to_string(),
            problem,
        })
    })
}

/// What is wrong with `target`, in a directory that is `depth` below `from`.
fn problem_of(target: &[u8], depth: usize) -> Option<TargetProblem> {
    if target.is_empty() || target.len() > LONGEST {
        return Some(TargetProblem::Length);
    }
    if target.starts_with(b"/") {
        return Some(TargetProblem::Absolute);
    }
    let (mut left, mut named) = (depth, false);
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." if named => return Some(TargetProblem::UpwardsBehindName),
            b".." => match left.checked_sub(1) {
                None => return Some(TargetProblem::Outside),
                Some(less) => left = less,
            },
            _ => named = true,
        }
    }
    None
}

/// Checks a target that the recipe gives: a path of the image, which is not checked to exist.
pub(super) fn check_given(target: &str, to: &Destination) -> Result<(), Error> {
    let length = target.len();
    if to.is_into() || length == 0 || length > LONGEST || target.contains('\0') {
        return Err(Error::Link {
            to: to.to_string(),
            target: escaped(target),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_stays_below_from_whatever_other_symlinks_there_are() {
        let problem = |target: &str, depth| problem_of(target.as_bytes(), depth);
        for (target, depth) in [
            ("x", 0),
            (".", 0),
            ("./x/y", 0),
            ("..", 1),
            ("../x", 1),
            (".././../a//b/", 2),
            ("...", 0),
            ("..x/y", 0),
        ] {
            assert_eq!(problem(target, depth), None, "{target}");
        }
        assert_eq!(problem("/etc/passwd", 5), Some(TargetProblem::Absolute));
        assert_eq!(problem("..", 0), Some(TargetProblem::Outside));
        assert_eq!(problem("../../x", 1), Some(TargetProblem::Outside));
        assert_eq!(problem("./../../x", 1), Some(TargetProblem::Outside));
        let behind = Some(TargetProblem::UpwardsBehindName);
        assert_eq!(problem("x/..", 3), behind);
        assert_eq!(problem("../x/../y", 3), behind);
        assert_eq!(problem("", 1), Some(TargetProblem::Length));
        assert_eq!(problem(&"x/".repeat(3000), 1), Some(TargetProblem::Length));
    }
}
