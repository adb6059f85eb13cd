//! Inside of repositories.

use super::*;

/// A repository in which everything of `tracked` is tracked.
fn repository(tracked: &[(&str, &str)], untracked: &[(&str, &str)]) -> Disk {
    let disk = Disk::with(tracked);
    disk.git(&["init", "--quiet"]);
    disk.git(&["add", "--all"]);
    for (path, content) in untracked {
        disk.add(path, content);
    }
    disk
}

fn untracked(mut entry: Entry) -> Entry {
    entry.untracked = true;
    entry
}

#[test]
fn only_what_is_tracked_is_taken_and_the_rest_is_counted() {
    let disk = repository(
        &[
            ("app/a", "a"),
            ("app/sub/b", "b"),
            ("app/l", "-> a"),
            (".gitignore", "*.o\n"),
        ],
        &[
            ("app/x.o", ""),
            ("app/note", ""),
            ("app/sub/secret", ""),
            ("app/target/deep/c", ""),
            ("app/new\nline", ""),
        ],
    );
    let image = disk.lay(&[from("app", "/app")]).unwrap();
    assert_eq!(
        image.paths(),
        ["app", "app/a", "app/l", "app/sub", "app/sub/b"]
    );
    assert_eq!(image.laid.left_out.count, 5);
    assert_eq!(
        image.laid.left_out.first,
        [
            "app/new\\x0aline",
            "app/note",
            "app/target/",
            "app/x.o",
            "app/sub/secret"
        ]
    );
    // The whole project, without git's own directory and without a word about it.
    let image = disk.lay(&[from(".", "/")]).unwrap();
    assert_eq!(
        image.paths(),
        [
            ".gitignore",
            "app",
            "app/a",
            "app/l",
            "app/sub",
            "app/sub/b"
        ]
    );
    assert_eq!(image.laid.left_out.count, 5);
}

#[test]
fn untracked_takes_everything_but_gits_own_directory() {
    let disk = repository(&[("a", "a")], &[("b", "b"), ("e/", "")]);
    let image = disk.lay(&[untracked(from(".", "/x"))]).unwrap();
    assert_eq!(image.paths(), ["x", "x/a", "x/b", "x/e"]);
    assert_eq!(image.laid.left_out.first, [".git/"]);
    let image = disk.lay(&[untracked(from("b", "/b"))]).unwrap();
    assert_eq!(image.paths(), ["b"]);
    assert_eq!(image.laid.left_out.count, 0);
}

#[test]
fn a_clone_gives_the_same_tree() {
    let disk = repository(
        &[
            ("d/a", "a"),
            ("d/b", "#!x"),
            ("d/l", "-> b"),
            ("d/s/c", "c"),
        ],
        &[("d/junk", "")],
    );
    disk.git(&["commit", "--quiet", "-m", "x"]);
    let clone = Disk::new();
    let source = disk.path("");
    git_in(
        clone.0.path(),
        &["clone", "--quiet", source.to_str().unwrap(), "."],
    );
    let lay = |disk: &Disk| disk.lay(&[from("d", "/")]).unwrap().listing();
    assert_eq!(lay(&disk), lay(&clone));
}

#[test]
fn what_git_does_not_track_is_no_source() {
    let disk = repository(
        &[("a", "a")],
        &[("b", "b"), ("build/out", ""), ("empty/", "")],
    );
    let error = disk.lay(&[from("b", "/b")]).unwrap_err();
    assert!(matches!(&error, Error::Untracked { from } if from == "b"));
    assert!(error.hint().unwrap().contains("git add"));
    for directory in ["build", "empty"] {
        let error = disk.lay(&[from(directory, "/b")]).unwrap_err();
        assert!(matches!(&error, Error::NothingTracked { from } if from == directory));
        assert!(error.hint().unwrap().contains("untracked = true"));
    }
    disk.git(&["add", "--intent-to-add", "b"]);
    assert_eq!(disk.lay(&[from("b", "/b")]).unwrap().paths(), ["b"]);
}

#[test]
fn a_tracked_file_that_is_gone_is_an_error() {
    let disk = repository(&[("d/a", "a"), ("d/b", "b"), ("d/c/x", "x")], &[]);
    fs::remove_file(disk.path("d/b")).unwrap();
    let missing = |disk: &Disk| {
        let error = disk.lay(&[from("d", "/")]).unwrap_err();
        let Error::TrackedMissing { path } = error else {
            panic!("{error}");
        };
        path
    };
    assert_eq!(missing(&disk), "d/b");
    // A directory in its place is none of it, and a symlink is not walked.
    disk.add("d/b/x", "x");
    assert_eq!(missing(&disk), "d/b");
    disk.git(&["add", "--all"]);
    fs::rename(disk.path("d/c"), disk.path("elsewhere")).unwrap();
    disk.add("d/c", "-> ../elsewhere");
    assert_eq!(missing(&disk), "d/c/x");
}

#[test]
fn names_with_everything_in_them_are_tracked() {
    let names = ["d/\n", "d/*", "d/:(top)x", "d/ä\t\"\\", "d/-x", "d/[a]"];
    let files: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    let disk = repository(&files, &[]);
    let image = disk.lay(&[from("d", "/")]).unwrap();
    assert_eq!(image.tree.len(), 1 + names.len());
    assert_eq!(image.laid.left_out.count, 0);
    for name in names {
        disk.lay(&[from(name, "/x")]).unwrap();
    }
    // A name is no pattern: `d/?` would match all of the short ones.
    disk.add("d/?", "");
    assert!(matches!(
        disk.lay(&[from("d/?", "/x")]),
        Err(Error::Untracked { .. })
    ));
}

#[test]
fn a_submodule_is_an_entry_of_its_own() {
    let library = repository(&[("f", "f")], &[]);
    library.git(&["commit", "--quiet", "-m", "x"]);
    let disk = repository(&[("d/a", "a")], &[]);
    let url = library.path("");
    let url = url.to_str().unwrap();
    disk.git(&["submodule", "--quiet", "add", url, "d/lib"]);
    let submodule = |entry: Entry| {
        let error = disk.lay(&[entry]).unwrap_err();
        let Error::Submodule { path } = error else {
            panic!("{error}");
        };
        path
    };
    assert_eq!(submodule(from("d", "/")), "d/lib");
    let image = disk.lay(&[from("d/lib", "/")]).unwrap();
    assert_eq!(image.paths(), ["f"]);
    let image = disk.lay(&[untracked(from("d", "/"))]).unwrap();
    assert_eq!(image.paths(), ["a", "lib", "lib/f"]);
    assert_eq!(image.laid.left_out.first, ["d/lib/.git"]);
    // Not fetched: an empty directory, of which the outer repository says that it is a submodule.
    disk.git(&["submodule", "--quiet", "deinit", "--force", "d/lib"]);
    assert_eq!(submodule(from("d/lib", "/")), "d/lib");
}

#[test]
fn a_repository_inside_that_is_no_submodule_is_not_in_a_clone() {
    let disk = repository(
        &[("d/a", "a"), (".gitignore", "vendor/\n")],
        &[("vendor/lib/sub/f", "f")],
    );
    let inside = disk.path("vendor/lib");
    git_in(&inside, &["init", "--quiet"]);
    git_in(&inside, &["add", "--all"]);
    git_in(&inside, &["commit", "--quiet", "-m", "x"]);
    for source in ["vendor/lib", "vendor/lib/sub", "vendor/lib/sub/f"] {
        let error = disk.lay(&[from(source, "/x/")]).unwrap_err();
        assert!(
            matches!(&error, Error::NestedRepository { from, path } if from == source && path == "vendor/lib"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("untracked = true"));
        disk.lay(&[untracked(from(source, "/x/"))]).unwrap();
    }
    disk.git(&["add", "--force", "vendor/lib"]);
    for source in ["vendor/lib", "vendor/lib/sub", "vendor/lib/sub/f"] {
        disk.lay(&[from(source, "/x/")]).unwrap();
    }
    // One inside of the submodule is none of the submodule's.
    disk.add("vendor/lib/deep/g", "g");
    let deep = disk.path("vendor/lib/deep");
    git_in(&deep, &["init", "--quiet"]);
    git_in(&deep, &["add", "--all"]);
    let error = disk.lay(&[from("vendor/lib/deep", "/x/")]).unwrap_err();
    assert!(
        matches!(&error, Error::NestedRepository { path, .. } if path == "vendor/lib/deep"),
        "{error}"
    );
    git_in(&deep, &["commit", "--quiet", "-m", "x"]);
    git_in(&inside, &["add", "--all"]);
    disk.lay(&[from("vendor/lib/deep", "/x/")]).unwrap();
    // A project that is in no repository is not cloned.
    fs::remove_dir_all(disk.path(".git")).unwrap();
    disk.lay(&[from("vendor/lib/sub", "/x/")]).unwrap();
}

#[test]
fn a_repository_inside_cannot_pass_for_the_one_around_it() {
    let disk = repository(
        &[("d/a", "a"), (".gitignore", "vendor/\n")],
        &[("vendor/f", "f")],
    );
    let inside = disk.path("vendor");
    git_in(&inside, &["init", "--quiet"]);
    git_in(
        &inside,
        &["config", "core.worktree", disk.path("").to_str().unwrap()],
    );
    git_in(&inside, &["add", "--force", "f"]);
    let error = disk.lay(&[from("vendor", "/x")]).unwrap_err();
    assert!(matches!(error, Error::NestedRepository { .. }), "{error}");
}

#[test]
fn a_file_in_place_of_a_tracked_directory_is_not_tracked() {
    let disk = repository(&[("app/x/y", "y")], &[]);
    fs::remove_dir_all(disk.path("app/x")).unwrap();
    disk.add("app/x", "secret");
    let error = disk.lay(&[from("app/x", "/x")]).unwrap_err();
    assert!(
        matches!(&error, Error::Untracked { from } if from == "app/x"),
        "{error}"
    );
}

#[test]
fn a_repository_that_git_refuses_is_not_taken_for_none() {
    let disk = repository(&[("d/a", "a")], &[("d/b", "b")]);
    fs::write(disk.path(".git/HEAD"), "nonsense").unwrap();
    let error = disk.lay(&[from("d", "/")]).unwrap_err();
    assert!(
        matches!(&error, Error::Git { from, message } if from == "d" && message.starts_with("fatal: ")),
        "{error}"
    );
    assert_eq!(
        disk.lay(&[untracked(from("d", "/"))]).unwrap().paths(),
        ["a", "b"]
    );
}

#[test]
fn nothing_in_a_repository_is_run() {
    let disk = repository(&[("d/a", "a")], &[]);
    let trap = disk.path("trap");
    fs::write(
        &trap,
        format!("#!/bin/sh\ntouch {}.sprung\n", trap.display()),
    )
    .unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&trap, mode).unwrap();
    disk.git(&["config", "core.fsmonitor", trap.to_str().unwrap()]);
    disk.lay(&[from("d", "/")]).unwrap();
    assert!(!disk.path("trap.sprung").exists());
}

#[test]
fn a_bare_repository_in_the_project_is_data() {
    let disk = repository(&[("d/a", "a")], &[]);
    disk.git(&["init", "--quiet", "--bare", "d/fixture"]);
    disk.add("d/fixture/objects/keep", "");
    disk.add("d/fixture/refs/keep", "");
    let error = disk.lay(&[from("d/fixture", "/")]).unwrap_err();
    assert!(matches!(error, Error::Git { .. }), "{error}");
}
