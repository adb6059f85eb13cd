//! Packages of a lock, in the store and as files.

use enclair_build::{Hints, LockChange};

use super::*;

/// A project with two packages that were made here, and the shelf that has them in its archive.
fn locked() -> (TempDir, Project, Shelf, [Deb; 2]) {
    let (directory, project) = project("base = \"none\"\ninstall = [\"app\"]");
    let shelf = suite();
    let debs = [
        deb("app", "1:2-3", "amd64").field("Depends", "library"),
        deb("library", "4", "all"),
    ];
    for deb in &debs {
        shelf.publish("debian", &deb.pool_path(), &deb.build());
    }
    let lines = debs.iter().map(line_of).collect::<Vec<_>>();
    project
        .import(&sums(&lines), (&[], None), &tools(&shelf))
        .unwrap();
    shelf.empty();
    (directory, project, shelf, debs)
}

#[test]
fn packages_come_into_the_store_and_into_files_and_their_sha1_is_learnt() {
    let (directory, project, shelf, debs) = locked();
    let before = project.locked(&AwsLc).unwrap().unwrap();
    let out = directory.path().join("debs");
    let done = project
        .download(Some(&out), Hints::Learn, &tools(&shelf))
        .unwrap();
    assert_eq!(done.change, LockChange::Updated);
    assert_eq!((done.packages, done.files.len()), (2, 2));
    for deb in &debs {
        let path = deb.pool_path();
        let name = path.rsplit('/').next().unwrap();
        assert_eq!(fs::read(out.join(name)).unwrap(), deb.build(), "{name}");
    }
    let after = project.locked(&AwsLc).unwrap().unwrap();
    assert_eq!(after.lock, before.lock, "a hint is no difference");
    assert_ne!(after.digest, before.digest);
    let hints = packages(&after).iter();
    assert!(hints.clone().all(|package| package.sha1.digits().is_some()));

    let again = project
        .download(None, Hints::Learn, &tools(&shelf))
        .unwrap();
    assert_eq!(again.change, LockChange::Kept);
    assert_eq!(again.lock.digest, after.digest);
    assert!(again.files.is_empty());
}

#[test]
fn a_lock_is_left_alone_where_nothing_may_change() {
    let (_directory, project, shelf, _) = locked();
    let before = project.locked(&AwsLc).unwrap().unwrap();
    let done = project
        .download(None, Hints::Leave, &tools(&shelf))
        .unwrap();
    assert_eq!(done.change, LockChange::Kept);
    let after = project.locked(&AwsLc).unwrap().unwrap();
    assert_eq!(after.digest, before.digest);
}

#[test]
fn an_altered_blob_never_becomes_a_file() {
    let (directory, project, shelf, debs) = locked();
    let blob = shelf.store_deb(&debs[0]);
    shelf.alter(&blob.sha256);
    let out = directory.path().join("debs");
    let download = || project.download(Some(&out), Hints::Leave, &tools(&shelf));
    download().unwrap();
    assert_eq!(shelf.aside(), [blob.sha256]);
    let path = debs[0].pool_path();
    let name = path.rsplit('/').next().unwrap();
    assert_eq!(fs::read(out.join(name)).unwrap(), debs[0].build());

    fs::remove_dir_all(&out).unwrap();
    shelf.alter(&blob.sha256);
    shelf.close_archives();
    let error = download().unwrap_err();
    assert!(words(&error).contains("is in no archive"), "{error}");
    assert!(!out.join(name).exists());
}

#[test]
fn two_packages_of_one_file_name_are_refused() {
    let (directory, project, shelf, _) = locked();
    let path = directory.path().join("enclair.lock");
    let text = fs::read_to_string(&path).unwrap();
    let [app, library] = ["app", "library"].map(|name| {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("\"{name}\"")));
        let (_, file) = line.unwrap().split_once("file = \"").unwrap();
        file.split('"').next().unwrap().to_owned()
    });
    let name = app.rsplit('/').next().unwrap();
    fs::write(&path, text.replace(&library, &format!("pool/l/{name}"))).unwrap();
    let out = directory.path().join("debs");
    let download = project.download(Some(&out), Hints::Leave, &tools(&shelf));
    let text = words(&download.unwrap_err());
    assert!(text.starts_with("two packages would be the file"), "{text}");
    assert!(!exists(&directory, "debs"));
}
