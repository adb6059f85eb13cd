use super::*;
use crate::effects::testing::{World, assert_same};

const COMMANDS: &str = include_str!("../../../tests/fixtures/effects/alternatives.commands");

fn machine() -> World {
    World::new(
        "f 0644 0:0 /usr/bin/one
         f 0644 0:0 /usr/bin/two
         f 0644 0:0 /usr/bin/three
         f 0644 0:0 /usr/bin/two-view
         f 0644 0:0 /usr/bin/taken
         f 0644 0:0 /usr/share/man/man1/one.1.gz",
    )
}

#[test]
fn as_the_real_tool_does_it() {
    let bookworm = include_str!("../../../tests/fixtures/effects/bookworm.alternatives.txt");
    let trixie = include_str!("../../../tests/fixtures/effects/trixie.alternatives.txt");
    let mut world = machine();
    for command in COMMANDS.lines() {
        assert_eq!(
            world.run(&UpdateAlternatives, command),
            Answer::Emulated,
            "{command}"
        );
    }
    let links = world.listing("/usr");
    let links = links
        .lines()
        .filter(|line| line.contains(" -> /etc/alternatives/"));
    let links: String = links.map(|line| format!("{line}\n")).collect();
    let found = world.listing(LINKS) + &world.listing(ADMINISTRATION) + &links;
    assert_same(&found, bookworm);
    assert_same(&found, trixie);
}

#[test]
fn what_is_not_taken() {
    let mut world = machine();
    for command in [
        "update-alternatives --install /usr/bin/x x /usr/bin/one",
        "update-alternatives --install /usr/bin/x x /usr/bin/one high",
        "update-alternatives --install usr/bin/x x /usr/bin/one 1",
        "update-alternatives --install /usr/bin/x ../x /usr/bin/one 1",
        "update-alternatives --slave /usr/bin/x x /usr/bin/one",
        "update-alternatives --set x /usr/bin/one",
        "update-alternatives --altdir /srv --auto x",
        "update-alternatives --config x",
        "update-alternatives",
        "update-rc.d x defaults",
    ] {
        assert_eq!(
            world.run(&UpdateAlternatives, command),
            Answer::NotMine,
            "{command}"
        );
    }
}

#[test]
fn a_file_that_a_preset_left_out() {
    let mut world = machine();
    let command = "update-alternatives --install /usr/bin/x x /usr/bin/gone 1";
    let answer = world.run(&UpdateAlternatives, command);
    assert!(matches!(answer, Answer::Ignored(_)), "{answer:?}");
    assert_eq!(world.listing("/etc"), "");
    // A slave's directory is not there: the slave has no link, and the master has.
    let command = "update-alternatives --install /usr/bin/x x /usr/bin/one 1 \
                   --slave /usr/share/man/man7/x.7.gz x.7.gz /usr/bin/two";
    assert_eq!(world.run(&UpdateAlternatives, command), Answer::Emulated);
    assert_eq!(
        world.listing("/usr/bin/x"),
        "l /usr/bin/x -> /etc/alternatives/x\n"
    );
    assert_eq!(world.listing("/usr/share/man/man7"), "");
}

#[test]
fn force_replaces_a_file() {
    let mut world = machine();
    let command = "update-alternatives --force --install /usr/bin/taken t /usr/bin/one 1";
    assert_eq!(world.run(&UpdateAlternatives, command), Answer::Emulated);
    assert_eq!(
        world.listing("/usr/bin/taken"),
        "l /usr/bin/taken -> /etc/alternatives/t\n"
    );
}

#[test]
fn a_database_that_is_cut_off() {
    let whole = "auto\n/usr/bin/x\ns\n/usr/bin/s\n\n/usr/bin/one\n1\n/usr/bin/two\n\n";
    let group = Group::parse("/x", whole).unwrap();
    assert_eq!(group.to_text(), whole);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    for count in 0..lines.len() {
        let cut = lines[..count].concat();
        assert!(Group::parse("/x", &cut).is_err(), "{count} lines");
    }
    let problem = Group::parse("/x", "perhaps\n").unwrap_err();
    assert_eq!(
        problem.to_string(),
        "`x` line 1: `auto` or `manual` expected"
    );
}
