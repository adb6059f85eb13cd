//! Ramdisks that want to leave the directory they are extracted into.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::images::write_eif;
use crate::newc::{Entry, archive, dir, entry, file, symlink};
use crate::workshop::Workshop;

fn shop_with(entries: impl IntoIterator<Item = Entry>) -> Workshop {
    let shop = Workshop::new();
    write_eif(&shop, &[archive(entries)]);
    // What an attacker would like to reach.
    shop.write("victim/file", "precious");
    shop
}

fn entries(shop: &Workshop) -> Vec<Value> {
    let list = shop.text("d/ramdisk0.entries.jsonl");
    list.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn entry_of(shop: &Workshop, path: &str) -> Value {
    let found = entries(shop)
        .into_iter()
        .find(|entry| entry["path"] == path);
    found.unwrap_or_else(|| panic!("{path} is not listed"))
}

/// Everything outside of `d`.
fn outside(shop: &Workshop) -> Vec<String> {
    let mut lines = shop.listing();
    lines.retain(|line| !line.starts_with("d/") && !line.starts_with("d "));
    lines
}

#[test]
fn a_file_through_a_symlink_stays_inside() {
    let victim = "victim";
    for target in [
        "../../victim",
        "/victim",
        "../../../../../../../../tmp",
        "/",
    ] {
        let shop = shop_with([
            dir(victim),
            symlink("a", target),
            file("a/file", "evil"),
            file("a/new", "evil"),
        ]);
        let before = outside(&shop);
        let outcome = shop.enclair("extract app.eif -C d");
        assert!(matches!(outcome.status, Some(0 | 2)), "{}", outcome.stderr);
        assert_eq!(outside(&shop), before, "{target}");
        assert_eq!(shop.text("victim/file"), "precious");
        assert!(fs::symlink_metadata("/tmp/new").is_err());
        if outcome.status == Some(0) {
            let link = fs::symlink_metadata(shop.path("d/ramdisk0/a")).unwrap();
            assert!(link.is_symlink(), "{target}: the link is as it was");
        }
    }
}

#[test]
fn a_directory_over_a_symlink_and_a_symlink_over_a_directory_stay_inside() {
    for pieces in [
        vec![
            symlink("a", "../../victim"),
            dir("a"),
            file("a/file", "evil"),
        ],
        vec![
            dir("a"),
            symlink("a", "../../victim"),
            file("a/file", "evil"),
        ],
        vec![symlink("a", "../../victim/file"), file("a", "evil")],
        vec![symlink("a", "../../victim/new"), file("a", "evil")],
        vec![
            symlink("a", "b"),
            symlink("b", "../../victim"),
            file("a/file", "evil"),
        ],
    ] {
        let shop = shop_with(pieces.clone());
        let before = outside(&shop);
        let outcome = shop.enclair("extract app.eif -C d");
        assert!(matches!(outcome.status, Some(0 | 2)), "{}", outcome.stderr);
        assert_eq!(outside(&shop), before, "{pieces:?}");
    }
}

#[test]
fn names_that_lead_upwards_are_refused() {
    for name in ["../victim/file", "a/../../../victim/file", "..", "a/.."] {
        let shop = shop_with([dir("a"), file(name, "evil")]);
        let before = shop.listing();
        for command in ["extract app.eif -C d", "extract app.eif --tar t"] {
            let message = shop.enclair(command).refused();
            assert!(message.contains(".."), "{message}");
            assert!(message.contains("ramdisk 0"), "{message}");
            assert_eq!(shop.listing(), before, "{name}");
        }
    }
}

#[test]
fn absolute_names_are_names_below_the_directory() {
    let shop = shop_with([
        dir("/tmp"),
        file("/tmp/enclair-absolute", "x"),
        file("//twice", "x"),
        dir("/"),
        dir("."),
    ]);
    shop.enclair("extract app.eif -C d").done();
    assert_eq!(shop.text("d/ramdisk0/tmp/enclair-absolute"), "x");
    assert_eq!(shop.text("d/ramdisk0/twice"), "x");
    assert!(fs::symlink_metadata("/tmp/enclair-absolute").is_err());
}

#[test]
fn devices_are_listed_and_not_made() {
    let device = |name, mode| Entry {
        rdev: (1, 3),
        ..entry(name, mode, "")
    };
    let shop = shop_with([
        dir("dev"),
        device("dev/null", 0o020_666),
        device("dev/sda", 0o060_660),
        entry("dev/pipe", 0o010_644, ""),
        entry("dev/socket", 0o140_644, ""),
    ]);
    shop.enclair("extract app.eif -C d").done();
    assert!(shop.names("d/ramdisk0/dev").is_empty());
    for (path, kind) in [
        ("dev/null", "character-device"),
        ("dev/sda", "block-device"),
        ("dev/pipe", "fifo"),
        ("dev/socket", "socket"),
    ] {
        assert_eq!(entry_of(&shop, path)["kind"], kind);
    }
    assert_eq!(
        entry_of(&shop, "dev/null")["device"],
        serde_json::json!([1, 3])
    );
}

#[test]
fn set_id_bits_and_owners_are_listed_and_not_set() {
    let shop = shop_with([
        Entry {
            owner: (0, 42),
            ..entry("su", 0o106_755, "x")
        },
        entry("closed", 0o100_000, "x"),
        entry("sticky", 0o043_777, ""),
        file("sticky/f", "x"),
    ]);
    shop.enclair("extract app.eif -C d").done();
    let mode = |name: &str| {
        let path = shop.path(format!("d/ramdisk0/{name}"));
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!(mode("su"), 0o755);
    assert_eq!(mode("closed"), 0);
    assert_eq!(mode("sticky") & 0o7000, 0);
    let listed = entry_of(&shop, "su");
    assert_eq!(listed["mode"], "6755");
    assert_eq!((&listed["uid"], &listed["gid"]), (&0.into(), &42.into()));
    assert_eq!(entry_of(&shop, "sticky")["mode"], "3777");
}

#[test]
fn names_that_would_write_to_the_terminal_or_the_list_are_escaped() {
    let evil = Entry {
        name: b"a\x1b[31m\nb\xff\"".to_vec(),
        ..file("", "x")
    };
    let shop = shop_with([evil]);
    shop.enclair("extract app.eif -C d").done();
    let list = shop.read("d/ramdisk0.entries.jsonl");
    assert!(
        !list.contains(&0x1b) && list.is_ascii(),
        "{}",
        String::from_utf8_lossy(&list)
    );
    let names = entries(&shop);
    let hex: Vec<_> = names
        .iter()
        .filter_map(|entry| entry["path_hex"].as_str())
        .collect();
    assert_eq!(hex, ["611b5b33316d0a62ff22"]);
}

/// A ramdisk cannot take the names of the files that stand beside it.
#[test]
fn entries_with_the_names_of_the_other_parts_stay_in_their_ramdisk() {
    let shop = shop_with([
        file("kernel", "evil"),
        file("ramdisk0.entries.jsonl", "evil"),
        dir("ramdisk0"),
        file("ramdisk0/kernel", "evil"),
    ]);
    shop.enclair("extract app.eif -C d").done();
    assert_eq!(shop.read("d/kernel"), crate::images::bzimage());
    assert_eq!(shop.text("d/ramdisk0/kernel"), "evil");
    assert!(entries(&shop).len() >= 4);
}

#[test]
fn a_ramdisk_that_is_a_bomb_ends_at_the_limit() {
    let shop = Workshop::new();
    let bomb = archive([file("zeros", vec![0; 32 << 20])]);
    let packed = crate::images::compress(&["gzip", "-9n"], &bomb);
    write_eif(&shop, &[packed]);
    let before = shop.listing();
    for command in ["extract app.eif -C d", "extract app.eif --tar t"] {
        let message = shop
            .enclair(&format!("{command} --max-unpacked 1000000"))
            .refused();
        assert!(message.contains("1000000"), "{message}");
        assert_eq!(shop.listing(), before);
    }
    shop.enclair("extract app.eif -C d --max-unpacked 40000000")
        .done();
}

#[test]
fn nothing_is_extracted_when_a_later_ramdisk_cannot_be_read() {
    let shop = Workshop::new();
    let mut broken = archive([file("b", "x")]);
    broken.truncate(120);
    write_eif(&shop, &[archive([file("a", "x")]), broken]);
    let before = shop.listing();
    for command in ["extract app.eif -C d", "extract app.eif --tar t"] {
        let message = shop.enclair(command).refused();
        assert!(message.contains("ramdisk 1"), "{message}");
        assert_eq!(shop.listing(), before);
    }
}
