use super::*;
use crate::effects::testing::{World, assert_same};
use crate::scripts::{Command, Redirection, Redirects, Word};

const COMMANDS: &str = include_str!("../../../tests/fixtures/effects/files.commands");

fn machine() -> World {
    let mut world = World::new(
        "d 0755 0:0 /files
         l /files/link -> a
         f 0644 0:0 /etc/passwd
         |root:x:0:0:root:/root:/bin/bash
         |mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
         f 0644 0:0 /etc/group
         |root:x:0:
         |adm:x:4:
         |mail:x:8:
         |news:x:9:",
    );
    world.put_file("/files/a", "content\n");
    world.put_file("/files/setuid", "other\n");
    let mut site = world.site();
    let place = site.files.real("/files/setuid").unwrap();
    site.files
        .change(&place, |metadata| metadata.permissions = 0o6755);
    world
}

#[test]
fn as_the_real_programs_do_it() {
    let mut world = machine();
    for command in COMMANDS.lines() {
        let answer = match command.rsplit_once('>') {
            Some((before, path)) => {
                let redirects = if before.ends_with('>') {
                    Redirects::Append
                } else {
                    Redirects::Write
                };
                world.write(
                    &FileCommands,
                    before.trim_end_matches('>'),
                    redirects,
                    path.trim(),
                )
            }
            None => world.run(&FileCommands, command),
        };
        assert_eq!(answer, Answer::Emulated, "{command}");
    }
    let found = world.listing("/files");
    assert_same(
        &found,
        include_str!("../../../tests/fixtures/effects/bookworm.files.txt"),
    );
    assert_same(
        &found,
        include_str!("../../../tests/fixtures/effects/trixie.files.txt"),
    );
    let records = world.listing("/var/lib/dpkg/statoverride");
    assert_eq!(
        records,
        "f 0644 0:0 /var/lib/dpkg/statoverride\n|root adm 2640 /files/a\n"
    );
}

/// Commands that fail on a system, or lead out of what is known.
#[test]
fn what_is_not_taken() {
    let mut world = machine();
    let before = world.listing("/");
    for command in [
        "mkdir /files",
        "mkdir /files/no/parent",
        "mkdir relative",
        "mkdir -p /files/../etc",
        "mkdir -p /files/a",
        "mkdir -m 9 /files/x",
        "mkdir",
        "install /files/none /files/x",
        "install -o nobody-there /files/a /files/x",
        "install -s /files/a /files/x",
        "touch /files/no/parent",
        "chown nobody-there /files/a",
        "chown mail /files/none",
        "chown --reference=/files/a /files/link",
        "chown mail",
        "chmod 644 /files/none",
        "chmod z /files/a",
        "chmod --reference=/files/a /files/link",
        "ln -s a /files/link",
        "ln -s a /files/no/parent",
        "ln /files/none /files/x",
        "ln -s a b /files",
        "cp /files /x",
        "cp /files/none /files/x",
        "cp /files/a /files/a",
        "cp --reflink=auto /files/a /files/x",
        "mv /files /files/x",
        "mv /files/none /files/x",
        "rm /files/none",
        "rm /files",
        "rm -rf /",
        "rm -i /files/a",
        "rmdir /files",
        "rmdir /files/a",
        "dpkg-statoverride --list /files/a",
        "dpkg-statoverride --add nobody-there root 644 /files/a",
        "sed -i s/a/b/ /files/a",
    ] {
        assert_eq!(
            world.run(&FileCommands, command),
            Answer::NotMine,
            "{command}"
        );
    }
    assert_same(&world.listing("/"), &before);
}

#[test]
fn what_perhaps_runs_is_done_when_it_changes_nothing() {
    let mut world = machine();
    for (command, answer) in [
        ("rm -f /files/none", Answer::Emulated),
        ("rm -f /files/a", Answer::NotMine),
        ("mkdir -p /files", Answer::Emulated),
        ("mkdir -p /files/x", Answer::NotMine),
        ("chown mail /files/a", Answer::NotMine),
        ("mkdir", Answer::NotMine),
    ] {
        assert_eq!(
            world.run_perhaps(&FileCommands, command),
            answer,
            "{command}"
        );
    }
}

#[test]
fn texts_that_are_not_taken() {
    let mut world = machine();
    for (command, path) in [
        ("echo -e text", "/files/x"),
        ("cat /files/a", "/files/x"),
        ("echo text", "/files"),
        ("echo text", "/files/no/parent"),
        ("echo text", "relative"),
        ("mkdir /files/x", "/files/log"),
    ] {
        let answer = world.write(&FileCommands, command, Redirects::Write, path);
        assert_eq!(answer, Answer::NotMine, "{command} > {path}");
    }
}

#[test]
fn a_here_document() {
    let mut world = machine();
    let redirection = |redirects, target: &str| Redirection {
        descriptor: u32::from(redirects != Redirects::Text),
        redirects,
        target: Word::Known(target.to_owned()),
    };
    let command = Command {
        words: vec![Word::Known("cat".to_owned())],
        redirections: vec![
            redirection(Redirects::Text, "one\ntwo\n"),
            redirection(Redirects::Write, "/files/here"),
        ],
        umask: Some(UMASK),
        certainty: Certainty::Always,
        line: 1,
    };
    assert_eq!(world.answer(&FileCommands, &command), Answer::Emulated);
    assert_eq!(
        world.listing("/files/here"),
        "f 0644 0:0 /files/here\n|one\n|two\n"
    );
}

#[test]
fn what_is_made_has_the_mask_of_the_script() {
    for (umask, answer, listing) in [
        (Some(0o066), Answer::Emulated, "f 0600 0:0 /files/new\n"),
        (Some(UMASK), Answer::Emulated, "f 0644 0:0 /files/new\n"),
        // What would be open to more than usual is reported.
        (Some(0o002), Answer::NotMine, ""),
        (None, Answer::NotMine, ""),
    ] {
        let mut world = machine();
        let command = Command {
            words: ["touch", "/files/new", "/files/a"]
                .map(|word| Word::Known(word.to_owned()))
                .to_vec(),
            redirections: Vec::new(),
            umask,
            certainty: Certainty::Always,
            line: 1,
        };
        assert_eq!(world.answer(&FileCommands, &command), answer);
        assert_eq!(world.listing("/files/new"), listing, "{umask:?}");
        assert_eq!(world.listing("/files/a"), "f 0644 0:0 /files/a\n|content\n");
    }
}

#[test]
fn a_copy_that_is_there_is_not_made_again() {
    let mut world = machine();
    let copy = "cp -p /files/setuid /files/copy";
    assert_eq!(world.run_perhaps(&FileCommands, copy), Answer::NotMine);
    assert_eq!(world.run(&FileCommands, copy), Answer::Emulated);
    assert_eq!(world.run_perhaps(&FileCommands, copy), Answer::Emulated);
}
