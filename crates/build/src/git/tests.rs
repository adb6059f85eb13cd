//! Real repositories, some of them a stranger's.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

fn try_run(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"])
        .args(["-c", "protocol.file.allow=always"])
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
        .output()
        .unwrap()
}

/// Runs git without anything of the machine's own configuration.
pub(super) fn run(directory: &Path, arguments: &[&str]) -> String {
    let output = try_run(directory, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository in which `a` is committed.
fn repository() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    run(&path, &["init", "-q"]);
    fs::write(path.join("a"), "a").unwrap();
    commit(&path);
    (directory, path)
}

fn commit(directory: &Path) {
    run(directory, &["add", "--all"]);
    run(directory, &["commit", "-q", "-m", "x"]);
}

fn is_dirty(directory: &Path) -> bool {
    repository_of(directory).unwrap().dirty
}

/// A file of the same size and another time, so that git has to look into it.
fn touch(file: &Path) {
    let content = fs::read(file).unwrap();
    fs::remove_file(file).unwrap();
    fs::write(file, content).unwrap();
}

#[test]
fn no_variable_leads_git_elsewhere() {
    let call = command(GIT, Path::new("/nowhere"));
    let given = |name: &str| {
        let mut all = call.get_envs();
        all.find(|(known, _)| *known == OsStr::new(name))
            .map(|(_, value)| value)
    };
    for name in VARIABLES {
        assert_eq!(given(name), Some(None), "{name}");
    }
    for (name, value) in GIVEN {
        assert_eq!(given(name), Some(Some(OsStr::new(value))), "{name}");
    }
    // git's own list is a part of this one.
    let local = ask(Path::new("/"), &["rev-parse", "--local-env-vars"]).unwrap();
    for name in String::from_utf8(local).unwrap().lines() {
        assert!(given(name).is_some(), "{name}");
    }
}

#[test]
fn variables_of_the_caller_change_nothing() {
    let (_directory, path) = repository();
    let trap = format!("touch '{}'", path.join("sprung").display());
    let elsewhere = path.join("nothing");
    for test in [
        "filters_are_not_run",
        "no_commit_is_replaced_by_another",
        "a_clone_has_tracked_files_and_what_tracked_symlinks_lead_to",
    ] {
        // These tests once more, in a process that has the variables.
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", &format!("git::tests::{test}")]);
        for name in VARIABLES {
            again.env(name, &elsewhere);
        }
        let output = again
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "core.fsmonitor")
            .env("GIT_CONFIG_VALUE_0", &trap)
            .env("GIT_EXTERNAL_DIFF", &trap)
            .env("GIT_LITERAL_PATHSPECS", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("1 passed"), "{said}");
    }
    // Neither was anything run, nor a trace written.
    assert!(!path.join("sprung").exists());
    assert!(!elsewhere.exists());
}

#[test]
fn filters_are_not_run() {
    for name in ["evil", "Ev.il", "ev=il", "e v\\\"il"] {
        for kind in ["clean", "process"] {
            let (_directory, path) = repository();
            let trap = format!("touch '{}'; cat", path.join("sprung").display());
            let config = fs::read_to_string(path.join(".git/config")).unwrap();
            // An attribute cannot name all of these; the ones that it can are tried for real.
            let config = format!(
                "{config}[filter \"{name}\"]\n{kind} = \"{trap}\"\nrequired = true\n\
                 [filter \"plain\"]\n{kind} = \"{trap}\"\n"
            );
            fs::write(path.join(".git/config"), config).unwrap();
            fs::create_dir_all(path.join(".git/info")).unwrap();
            for used in [name, "plain"] {
                let attributes = format!("* filter={used}\n");
                fs::write(path.join(".git/info/attributes"), attributes).unwrap();
                touch(&path.join("a"));
                let state = repository_of(&path).unwrap();
                assert!(!path.join("sprung").exists(), "{name} {kind}");
                assert!(!state.dirty || name.contains('='), "{name} {kind}");
            }
            fs::write(path.join("a"), "b").unwrap();
            assert!(is_dirty(&path));
            assert!(!path.join("sprung").exists(), "{name} {kind}");
            // The trap is one.
            try_run(&path, &["status"]);
            assert!(path.join("sprung").exists(), "{name} {kind}");
        }
    }
}

#[test]
fn filters_of_a_submodule_are_not_run_and_its_commit_is_seen() {
    let (_library, library) = repository();
    let (_directory, path) = repository();
    let url = library.to_str().unwrap();
    run(&path, &["submodule", "--quiet", "add", url, "lib"]);
    commit(&path);
    assert!(!is_dirty(&path));
    let trap = format!("touch '{}'; cat", path.join("sprung").display());
    let lib = path.join("lib");
    run(&lib, &["config", "filter.evil.clean", &trap]);
    let info = path.join(".git/modules/lib/info");
    fs::create_dir_all(&info).unwrap();
    fs::write(info.join("attributes"), "* filter=evil\n").unwrap();
    touch(&lib.join("a"));
    assert!(!is_dirty(&path));
    assert!(!path.join("sprung").exists());
    try_run(&path, &["status"]);
    assert!(path.join("sprung").exists());
    run(&lib, &["commit", "-q", "--allow-empty", "-m", "other"]);
    assert!(is_dirty(&path));
}

#[test]
fn what_is_missing_is_not_fetched() {
    let (_directory, path) = repository();
    fs::create_dir(path.join("d")).unwrap();
    fs::write(path.join("d/measurements.json"), "{}").unwrap();
    commit(&path);
    let tree = run(&path, &["rev-parse", "HEAD^{tree}"]);
    let (folder, file) = tree.split_at(2);
    fs::remove_file(path.join(".git/objects").join(folder).join(file)).unwrap();
    let trap = format!("ext::sh -c touch% {}", path.join("sprung").display());
    for (key, value) in [
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "evil"),
        ("remote.evil.url", trap.as_str()),
        ("remote.evil.promisor", "true"),
        ("protocol.ext.allow", "always"),
    ] {
        run(&path, &["config", key, value]);
    }
    let _ = history(&path, None);
    let _ = commit_time(&path);
    let _ = has_in_clone(&path, Path::new("a"));
    assert!(is_dirty(&path));
    assert!(!path.join("sprung").exists());
    // The trap is one.
    try_run(&path, &["status"]);
    assert!(path.join("sprung").exists());
}

#[test]
fn no_commit_is_replaced_by_another() {
    let (_directory, path) = repository();
    let time = commit_time(&path).unwrap();
    let commit = run(&path, &["rev-parse", "HEAD"]);
    let raw = run(&path, &["cat-file", "commit", "HEAD"]);
    let other = raw.replace("1767323045 +0000", "1000000000 +0000");
    assert_ne!(raw, other);
    fs::write(path.join("other"), other + "\n").unwrap();
    let other = run(&path, &["hash-object", "-t", "commit", "-w", "other"]);
    run(&path, &["replace", &commit, &other]);
    assert_eq!(run(&path, &["log", "-1", "--format=%ct"]), "1000000000");
    assert_eq!(commit_time(&path), Some(time));
    assert_eq!(repository_of(&path).unwrap().commit, commit);
}

#[test]
fn a_clone_has_tracked_files_and_what_tracked_symlinks_lead_to() {
    let (_directory, path) = repository();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "x").unwrap();
    fs::create_dir(path.join("d")).unwrap();
    fs::write(path.join("d/f"), "f").unwrap();
    fs::write(path.join("d/:(top)x"), "f").unwrap();
    let link = |target: &Path, name: &str| symlink(target, path.join(name)).unwrap();
    link(Path::new("d/../d/./f"), "inside");
    link(Path::new("inside"), "twice");
    link(Path::new("new"), "to-untracked");
    link(Path::new("loop"), "loop");
    link(&path.join("a"), "absolute");
    link(&outside.path().join("secret"), "out");
    link(outside.path(), "out-directory");
    let name = path.file_name().unwrap();
    link(&Path::new("..").join(name).join("a"), "out-and-in");
    commit(&path);
    fs::write(path.join("new"), "x").unwrap();
    link(Path::new("a"), "untracked-link");
    link(Path::new("d"), "untracked-directory");
    let asked = |name: &str| has_in_clone(&path, Path::new(name));
    for name in ["a", "./d/f", "d/../a", "d/:(top)x", "inside", "twice"] {
        assert_eq!(asked(name), Some(true), "{name}");
    }
    for name in [
        "new",
        "d",
        ".",
        "",
        "gone",
        "to-untracked",
        "loop",
        "absolute",
        "out",
        "out-directory/secret",
        "out-and-in",
        "untracked-link",
        "untracked-directory/f",
        "a/b",
        "../a",
        "/etc/passwd",
    ] {
        assert_eq!(asked(name), Some(false), "{name}");
    }
    assert_eq!(has_in_clone(&path, &path.join("a")), Some(true));
    assert_eq!(has_in_clone(&path.join("d"), Path::new("../a")), Some(true));
    assert_eq!(has_in_clone(outside.path(), Path::new("secret")), None);
}

#[test]
fn an_oci_layout_is_in_a_clone_with_its_blobs() {
    let (_directory, path) = repository();
    fs::create_dir_all(path.join("image/blobs/sha256")).unwrap();
    fs::write(path.join("image/index.json"), "{}").unwrap();
    let asked = || has_in_clone(&path, Path::new("image/index.json"));
    commit(&path);
    fs::write(path.join("image/blobs/sha256/aa"), "aa").unwrap();
    assert_eq!(asked(), Some(false));
    commit(&path);
    assert_eq!(asked(), Some(true));
    fs::write(path.join("image/blobs/sha256/bb"), "bb").unwrap();
    assert_eq!(asked(), Some(false));
    fs::remove_file(path.join("image/blobs/sha256/bb")).unwrap();
    symlink("/etc/hostname", path.join("image/blobs/sha256/cc")).unwrap();
    commit(&path);
    assert_eq!(asked(), Some(false));
}

#[test]
fn without_an_answer_nothing_says_that_a_clone_has_it() {
    let (_directory, path) = repository();
    fs::write(path.join(".git/HEAD"), "nonsense").unwrap();
    assert_eq!(has_in_clone(&path, Path::new("a")), Some(false));
}
