use super::*;
use crate::effects::testing::{World, assert_same};

const COMMANDS: &str = include_str!("../../../tests/fixtures/effects/users.commands");
const LISTED: &str = include_str!("../../../tests/fixtures/effects/listed.conf");

/// What a machine has before the first command of the fixture: its accounts are those with which
/// the real ones begin, which no command changes but by adding members.
fn machine(result: &str, more: &str) -> World {
    let mut world = World::new(more);
    world.put_file("/etc/sysusers.d/listed.conf", LISTED);
    world.put_file("/etc/passwd", &first_lines(result, "/etc/passwd", "nobody"));
    let groups = first_lines(result, "/etc/group", "nogroup");
    let empty = |line: &str| line.rsplit_once(':').unwrap().0.to_owned() + ":\n";
    world.put_file("/etc/group", &groups.lines().map(empty).collect::<String>());
    let mut accounts = Accounts::read(&world.site().files).unwrap();
    accounts.make_shadows();
    for line in groups.lines() {
        accounts.set_group_password(line.split(':').next().unwrap(), "*");
    }
    for line in first_lines(result, "/etc/passwd", "nobody").lines() {
        accounts.set_password(line.split(':').next().unwrap(), "*");
    }
    accounts.write(&mut world.site().files).unwrap();
    world
}

/// The lines of a file of a listing, until that about `last`.
fn first_lines(listing: &str, path: &str, last: &str) -> String {
    let mut lines = listing
        .lines()
        .skip_while(|line| !line.ends_with(path))
        .skip(1);
    let mut text = String::new();
    for line in lines.by_ref().map(|line| line.strip_prefix('|').unwrap()) {
        text.push_str(line);
        text.push('\n');
        if line.starts_with(&format!("{last}:")) {
            break;
        }
    }
    text
}

fn compare(result: &str, more: &str) {
    let mut world = machine(result, more);
    for command in COMMANDS.lines() {
        assert_eq!(world.run(&Users, command), Answer::Emulated, "{command}");
    }
    let files = [
        "/etc/group",
        "/etc/gshadow",
        "/etc/passwd",
        "/etc/shadow",
        "/srv",
    ];
    assert_same(&files.map(|path| world.listing(path)).concat(), result);
}

const SKELETON: &str = "
    d 0755 0:0 /srv
    f 0600 0:0 /etc/skel/.profile
    |skeleton
    f 0644 0:0 /etc/skel/second
    |second
";

#[test]
fn as_the_tools_of_debian_12_do_it() {
    let result = include_str!("../../../tests/fixtures/effects/bookworm.users.txt");
    let program = "f 0755 0:0 /usr/sbin/adduser\n|&systemcall($chfn, '-f', $comment, $new_name);\n";
    compare(result, &format!("{SKELETON}{program}"));
}

#[test]
fn as_the_tools_of_debian_13_do_it() {
    let result = include_str!("../../../tests/fixtures/effects/trixie.users.txt");
    let settings = "f 0644 0:0 /etc/login.defs\n|# HOME_MODE 0755\n|HOME_MODE\t0700\n";
    compare(result, &format!("{SKELETON}{settings}"));
}

#[test]
fn what_is_not_taken() {
    let mut world = World::new("f 0644 0:0 /etc/passwd\n|root:x:0:0:root:/root:/bin/bash");
    for command in [
        "adduser person",
        "adduser --system --unknown name",
        "adduser nobody-there audio",
        "adduser --system --uid 0 name",
        "adduser --system --ingroup nowhere name",
        "useradd person",
        "usermod -G audio root",
        "usermod -a -G nowhere root",
        "groupadd person",
        "systemd-sysusers missing.conf",
        "systemd-sysusers --root=/elsewhere",
        "getent passwd root",
    ] {
        assert_eq!(world.run(&Users, command), Answer::NotMine, "{command}");
    }
    assert_eq!(
        world.listing("/etc/passwd"),
        "f 0644 0:0 /etc/passwd\n|root:x:0:0:root:/root:/bin/bash\n"
    );
}

#[test]
fn a_user_goes_only_when_that_is_certain() {
    let mut world = World::new("f 0644 0:0 /etc/passwd\n|old:x:100:100::/:/bin/sh");
    assert_eq!(
        world.run_perhaps(&Users, "deluser --quiet old"),
        Answer::NotMine
    );
    assert_eq!(
        world.run_perhaps(&Users, "deluser --quiet other"),
        Answer::Emulated
    );
    assert_eq!(world.run(&Users, "deluser --quiet old"), Answer::Emulated);
    assert_eq!(world.listing("/etc/passwd"), "f 0644 0:0 /etc/passwd\n");
}

#[test]
fn lines_of_sysusers_that_are_not_known() {
    for line in [
        "u name - \"%H\"",
        "r - 500-900",
        "u name /path",
        "x name",
        "u name - a b c d",
    ] {
        let mut world = World::new("f 0644 0:0 /etc/sysusers.d/one.conf");
        world.put_file("/etc/sysusers.d/one.conf", &format!("{line}\n"));
        assert_eq!(
            world.run(&Users, "systemd-sysusers"),
            Answer::NotMine,
            "{line}"
        );
    }
}

#[test]
fn a_closed_account() {
    let mut world = World::new(
        "f 0644 0:0 /etc/sysusers.d/one.conf
         |u! name 77 Closed
         f 0640 0:42 /etc/shadow
         f 0640 0:42 /etc/gshadow",
    );
    assert_eq!(
        world.run(&Users, "systemd-sysusers one.conf"),
        Answer::Emulated
    );
    assert_eq!(
        world.listing("/etc/shadow"),
        "f 0640 0:42 /etc/shadow\n|name:!*:1:::::1:\n"
    );
}

#[test]
fn a_broken_passwd() {
    let mut world = World::new("f 0644 0:0 /etc/passwd\n|root:x:0");
    let problem = Accounts::read(&world.site().files).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "`etc/passwd` line 1: another number of fields between colons expected"
    );
}

#[test]
fn whose_group_it_is_is_no_further_member() {
    let mut world = World::new(
        "f 0644 0:0 /etc/passwd
         |own:x:100:100::/:/bin/sh
         f 0644 0:0 /etc/group
         |own:x:100:
         |other:x:101:",
    );
    for group in ["own", "other"] {
        let command = format!("adduser own {group}");
        assert_eq!(world.run_perhaps(&Users, &command), Answer::Emulated);
    }
    assert_eq!(
        world.listing("/etc/group"),
        "f 0644 0:0 /etc/group\n|own:x:100:\n|other:x:101:own\n"
    );
}
