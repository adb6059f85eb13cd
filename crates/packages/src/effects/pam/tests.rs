use super::*;
use crate::effects::testing::{World, assert_same};

const TEMPLATE: &str = r#"# before
# here are the per-package modules (the "Primary" block)
$primary
# here's the fallback if no module succeeds
kind	requisite			pam_deny.so
# and here are more per-package modules (the "Additional" block)
$additional
# end of pam-auth-update config
# after
"#;

fn machine() -> World {
    let mut world = World::new("");
    for (name, text) in [
        (
            "first",
            include_str!("../../../tests/fixtures/effects/pam-first.profile"),
        ),
        (
            "second",
            include_str!("../../../tests/fixtures/effects/pam-second.profile"),
        ),
        (
            "a-same",
            include_str!("../../../tests/fixtures/effects/pam-a-same.profile"),
        ),
        (
            "optional",
            include_str!("../../../tests/fixtures/effects/pam-optional.profile"),
        ),
        (
            "gone",
            include_str!("../../../tests/fixtures/effects/pam-gone.profile"),
        ),
    ] {
        world.put_file(&format!("{PROFILES}/{name}"), text);
    }
    for (file, _) in KINDS {
        world.put_file(&format!("{TEMPLATES}/common-{file}"), TEMPLATE);
    }
    world
}

fn compare(mut world: World, result: &str) {
    let (first, second) = result.split_once("# with the optional one\n").unwrap();
    let listing = |world: &World| {
        let configuration = world.listing(CONFIGURATION);
        let (_, files) = configuration.split_once('\n').unwrap();
        files.to_owned() + &world.listing(STATE)
    };
    PamAuthUpdate
        .configure(&mut world.site(), "libpam-runtime")
        .unwrap();
    assert_same(&listing(&world), first);
    let answer = world.run(&PamAuthUpdate, "pam-auth-update --package");
    assert_eq!(answer, Answer::Emulated);
    assert_same(&listing(&world), first);
    let answer = world.run(
        &PamAuthUpdate,
        "pam-auth-update --enable optional --package",
    );
    assert_eq!(answer, Answer::Emulated);
    assert_same(&listing(&world), second);
}

#[test]
fn as_debian_12_does_it() {
    let result = include_str!("../../../tests/fixtures/effects/bookworm.pam.txt");
    compare(machine(), result);
}

#[test]
fn as_debian_13_does_it() {
    let mut world = machine();
    let condition =
        "if (!defined($p{'Session-Interactive-Only'}) or $p{'Session-Interactive-Only'} ne 'yes')";
    world.put_file(PROGRAM, condition);
    let result = include_str!("../../../tests/fixtures/effects/trixie.pam.txt");
    compare(world, result);
}

#[test]
fn profiles_that_exclude_each_other() {
    let mut world = machine();
    let loser =
        "Name: Loser\nDefault: yes\nPriority: 1\nAuth-Type: Additional\nAuth:\n\toptional x.so\n";
    world.put_file(&format!("{PROFILES}/loser"), loser);
    let winner = "Name: Winner\nDefault: yes\nPriority: 2\nConflicts: other, loser\n";
    world.put_file(&format!("{PROFILES}/winner"), winner);
    update(&mut world.site(), None).unwrap();
    assert!(
        !world
            .listing(&format!("{CONFIGURATION}/common-auth"))
            .contains("x.so")
    );
    assert!(world.listing(&format!("{STATE}/seen")).contains("loser"));
}

#[test]
fn what_is_not_taken() {
    let mut world = machine();
    for command in [
        "pam-auth-update --remove first",
        "pam-auth-update --root /srv --package",
        "pam-auth-update first",
        "other --package",
    ] {
        assert_eq!(
            world.run(&PamAuthUpdate, command),
            Answer::NotMine,
            "{command}"
        );
    }
    assert_eq!(world.listing(CONFIGURATION), "");
    // Without the package there are no templates, and nothing to be done.
    let mut world = World::new("");
    update(&mut world.site(), None).unwrap();
    assert!(world.tree.is_empty());
}

#[test]
fn broken_files() {
    let mut world = machine();
    world.put_file(&format!("{TEMPLATES}/common-session"), "# nothing\n");
    let problem = update(&mut world.site(), None).unwrap_err();
    let text = "`usr/share/pam/common-session`: the four comments between which \
                `pam-auth-update` writes expected";
    assert_eq!(problem.to_string(), text);
    for line in [
        "required",
        "[success=end",
        "[success=end]",
        "[a]x",
        "required  ",
    ] {
        assert_eq!(module(line), None, "{line}");
    }
    assert_eq!(
        module("[a b]\tx.so  1 2"),
        Some(("[a b]\tx.so", vec!["1", "2"]))
    );
    assert_eq!(module("required x.so"), Some(("required x.so", vec![])));
}
