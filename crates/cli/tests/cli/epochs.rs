//! Where the one time in an image comes from, when there is a lock and when there is none.

use crate::project::{commit, git, of_files, project, replace};
use crate::workshop::{Outcome, Workshop, run};

/// The committer's time of the commits that tests make.
const COMMITTED: u32 = 1_767_323_045;

fn at(shop: &Workshop, epoch: &str, arguments: &str) -> Outcome {
    let mut command = shop.command(arguments.split(' '));
    command.env("SOURCE_DATE_EPOCH", epoch);
    run(command)
}

fn locked_epoch(shop: &Workshop) -> String {
    let lock = shop.text("enclair.lock");
    let line = lock.lines().find(|line| line.starts_with("epoch = "));
    line.unwrap().to_owned()
}

/// The time that every entry of the application's ramdisk has.
fn built_epoch(shop: &Workshop) -> u32 {
    shop.enclair("extract out/enclave.eif --section 4 -o ramdisk")
        .done();
    let ramdisk = shop.read("ramdisk");
    std::fs::remove_file(shop.path("ramdisk")).unwrap();
    let digits = std::str::from_utf8(&ramdisk[46..54]).unwrap();
    u32::from_str_radix(digits, 16).unwrap()
}

#[test]
fn source_date_epoch_is_read_when_something_is_locked_for_the_first_time() {
    let shop = project(&of_files());
    at(&shop, "1700000000", "build").done();
    assert_eq!(locked_epoch(&shop), "epoch = 1700000000");
    assert_eq!(built_epoch(&shop), 1_700_000_000);
    let shop = project(&of_files());
    at(&shop, "1700000001", "lock").done();
    assert_eq!(locked_epoch(&shop), "epoch = 1700000001");
    // A later `lock` does not forget it.
    shop.enclair("lock").done();
    assert_eq!(locked_epoch(&shop), "epoch = 1700000001");
}

#[test]
fn another_architecture_has_the_same_epoch() {
    let shop = project(&of_files());
    at(&shop, "1700000000", "lock").done();
    let arch = "[enclave]\narch = \"aarch64\"\n[run]";
    replace(&shop, "enclair.toml", "[run]", arch);
    shop.enclair("lock").done();
    assert!(shop.text("enclair.lock").contains("arch = \"aarch64\"\n"));
    assert_eq!(locked_epoch(&shop), "epoch = 1700000000");
}

#[test]
fn a_build_from_a_lock_says_that_the_lock_decides() {
    let shop = project(&of_files());
    at(&shop, "1700000000", "lock").done();
    for arguments in ["build", "build --locked"] {
        let said = at(&shop, "1600000000", &format!("{arguments} --again")).said();
        assert!(
            said.contains(
                "note: SOURCE_DATE_EPOCH is 1600000000, and the lock says 1700000000: the lock wins"
            ),
            "{said}"
        );
        assert_eq!(built_epoch(&shop), 1_700_000_000);
        let said = at(&shop, "1700000000", &format!("{arguments} --again")).said();
        assert!(!said.contains("SOURCE_DATE_EPOCH"), "{said}");
    }
    // Only `lock` takes another one.
    at(&shop, "1600000000", "lock").done();
    assert_eq!(locked_epoch(&shop), "epoch = 1600000000");
}

#[test]
fn an_epoch_of_the_recipe_wins_over_the_environment() {
    let shop = project(&of_files().replace("[run]", "[enclave]\nepoch = 5\n[run]"));
    at(&shop, "1700000000", "lock").done();
    assert_eq!(locked_epoch(&shop), "epoch = 5");
    at(&shop, "1700000000", "build --locked").done();
    assert_eq!(built_epoch(&shop), 5);
}

#[test]
fn milliseconds_are_refused_by_name() {
    let shop = project(&of_files());
    for arguments in ["lock", "build"] {
        let said = at(&shop, "1700000000000", arguments).refused();
        assert!(
            said.contains(
                "an epoch is at most 4294967295 seconds, found 1700000000000 (milliseconds?)"
            ),
            "{said}"
        );
        assert!(!shop.exists("enclair.lock") && !shop.exists("out"));
    }
    replace(
        &shop,
        "enclair.toml",
        "[run]",
        "[enclave]\nepoch = 1700000000000\n[run]",
    );
    let said = shop.enclair("lock").refused();
    assert!(said.contains("milliseconds?"), "{said}");
}

#[test]
fn the_epoch_of_the_commit_is_found_when_the_image_is_built() {
    let recipe = of_files().replace("[run]", "[enclave]\nepoch = \"commit\"\n[run]");
    let shop = project(&recipe);
    // Locking needs no commit, building does.
    shop.enclair("lock").done();
    assert_eq!(locked_epoch(&shop), "epoch = \"commit\"");
    let said = shop.enclair("build").refused();
    assert!(
        said.contains("the epoch is that of the commit, and git finds no commit in"),
        "{said}"
    );
    assert!(
        said.contains("hint: commit first, or give the epoch in seconds"),
        "{said}"
    );
    assert!(!shop.exists("out/enclave.eif"));
    git(&shop, ".", "init -q");
    shop.enclair("build").refused();
    commit(&shop, ".", "enclair.toml enclair.lock app");
    shop.enclair("build --locked").done();
    assert_eq!(built_epoch(&shop), COMMITTED);
    // The lock is the same for every commit.
    assert_eq!(locked_epoch(&shop), "epoch = \"commit\"");
}
