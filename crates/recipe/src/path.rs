//! Paths of the project, by their text alone.
//!
//! Nothing here looks at a disk, so a symlink can still lead outside; whoever opens a path checks
//! that.

/// Whether `path`, relative to the recipe's directory, leads out of it at any point.
///
/// Absolute paths do, and so does `a/../../b`. A path that goes out and comes back by name does
/// too, because what it means depends on what the directory is called.
pub(crate) fn leaves_project(path: &str) -> bool {
    if path.starts_with('/') {
        return true;
    }
    let mut depth = 0_usize;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            _ => depth = depth.saturating_add(1),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside_or_does_not() {
        for inside in [
            "a",
            "a/b",
            "./a",
            "a/../b",
            "a/b/../..",
            ".",
            "",
            "a//b",
            "..a",
            "a..",
        ] {
            assert!(!leaves_project(inside), "{inside}");
        }
        for outside in ["..", "../a", "a/../..", "/a", "/", "a/../../a", "./../x"] {
            assert!(leaves_project(outside), "{outside}");
        }
    }
}
