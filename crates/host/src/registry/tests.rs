use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use tempfile::TempDir;

use super::*;

fn registry() -> (TempDir, Registry) {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::open(directory.path().join("enclaves")).unwrap();
    (directory, registry)
}

#[test]
fn an_enclave_is_found_while_it_runs_and_after_that() {
    let (_directory, registry) = registry();
    let (entry, lock) = registry.create("one").unwrap();
    assert!(registry.create("one").is_err());
    assert!(entry.runs());
    entry.write_state(b"first").unwrap();
    entry.write_state(b"second").unwrap();
    drop(lock);
    let (two, _lock) = registry.create("two").unwrap();
    let found = registry.entries().unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|entry| (entry.name(), entry.runs()))
        .collect();
    assert_eq!(names, [("one", false), ("two", true)]);
    assert_eq!(found[0].state().unwrap(), b"second");
    assert_eq!(two.state(), None);
    entry.stop(Duration::ZERO).unwrap();
    entry.remove().unwrap();
    assert!(matches!(
        registry.entry("one"),
        Err(RegistryError::Missing { .. })
    ));
}

#[test]
fn a_name_leads_nowhere_else() {
    let (_directory, registry) = registry();
    for name in ["", ".", "..", "a/b", "-a", "A", "a b", &"a".repeat(64)] {
        assert!(matches!(
            registry.create(name),
            Err(RegistryError::Name { .. })
        ));
        assert!(registry.entry(name).is_err());
    }
}

#[test]
fn a_directory_that_others_may_change_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let open = directory.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    let link = directory.path().join("link");
    symlink(directory.path(), &link).unwrap();
    for path in [open, link] {
        let refused = Registry::open(path).unwrap_err();
        assert!(matches!(refused, RegistryError::Shared { .. }));
    }
    let (_directory, registry) = registry();
    symlink("/tmp", registry.0.join("link")).unwrap();
    assert!(registry.entry("link").is_err());
    assert!(registry.entries().unwrap().is_empty());
}

#[test]
fn who_has_no_lock_is_not_signalled() {
    let (_directory, registry) = registry();
    let (entry, lock) = registry.create("one").unwrap();
    let mut other = Command::new("sleep").arg("1000").spawn().unwrap();
    fs::write(entry.path(LOCK), other.id().to_string()).unwrap();
    drop(lock);
    entry.stop(Duration::from_millis(50)).unwrap();
    assert!(other.try_wait().unwrap().is_none(), "it was ended");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn who_has_it_is_ended_even_if_it_does_not_listen() {
    let (_directory, registry) = registry();
    let (entry, lock) = registry.create("one").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; while :; do sleep 1; done"]);
    let mut deaf = command.stdin(lock).spawn().unwrap();
    // It has the lock open, too.
    drop(command);
    fs::write(entry.path(LOCK), deaf.id().to_string()).unwrap();
    let waiting = thread::spawn(move || deaf.wait().unwrap());
    // Its own child has the lock, too, and ends within a second of it.
    entry.stop(Duration::from_secs(2)).unwrap();
    assert!(!waiting.join().unwrap().success());
}

#[test]
fn the_newest_of_a_console_is_kept() {
    let (_directory, registry) = registry();
    let (entry, _lock) = registry.create("one").unwrap();
    let mut console = entry.console().unwrap();
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    for _ in 0..(3 * HALF / 1024) {
        console.keep(&line);
    }
    console.keep(b"the end\n");
    let mut kept = Vec::new();
    let mut show = |bytes: &[u8]| {
        kept.extend_from_slice(bytes);
        Ok(())
    };
    entry.read_console(false, &mut show).unwrap();
    let length = u64::try_from(kept.len()).unwrap();
    assert!((HALF..=2 * HALF).contains(&length), "{length}");
    assert!(kept.ends_with(b"x\nthe end\n"));
}

#[test]
fn a_console_is_followed_over_its_files_to_the_end() {
    let (_directory, registry) = registry();
    let (entry, lock) = registry.create("one").unwrap();
    let mut console = entry.console().unwrap();
    let writer = thread::spawn(move || {
        for number in 0..2000_u32 {
            console.keep(format!("{number:07}{}\n", "x".repeat(4096)).as_bytes());
        }
        drop(lock);
    });
    let mut kept = Vec::new();
    let mut show = |bytes: &[u8]| {
        kept.extend_from_slice(bytes);
        Ok(())
    };
    entry.read_console(true, &mut show).unwrap();
    writer.join().unwrap();
    let text = String::from_utf8(kept).unwrap();
    assert!(text.lines().last().unwrap().starts_with("0001999"));
    assert!(text.lines().all(|line| line.len() == 4103));
}
