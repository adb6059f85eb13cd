//! What a first installation on an empty or a small system decides.

use enclair_packages::scripts::{Script, ScriptError, commands};

use crate::system::{System, call, lines, read, run, run_on};

#[test]
fn the_call_decides() {
    let script = "case \"$1\" in
        configure) if [ -n \"$2\" ]; then upgrade; else first; fi ;;
        abort-upgrade|abort-remove) never ;;
        *) echo unknown >&2; exit 1 ;;
    esac";
    assert_eq!(run(script), ["first"]);
    let preinst = b"#!/bin/sh -e\ncase $1 in install) [ -z \"$2\" ] && first $#;; *) no;; esac";
    let found = commands(preinst, &call(Script::Preinst), &System::default()).unwrap();
    assert_eq!(lines(&found), ["first 1"]);
}

#[test]
fn no_version_is_earlier_than_any() {
    let compare = |operator: &str, other: &str| {
        run(&format!(
            "if dpkg --compare-versions \"$2\" {operator} {other}; then yes; else no; fi"
        ))
    };
    for (operator, outcome) in [
        ("lt", "yes"),
        ("le", "yes"),
        ("gt", "no"),
        ("ge", "no"),
        ("eq", "no"),
        ("ne", "yes"),
        ("lt-nl", "no"),
        ("gt-nl", "yes"),
        ("ge-nl", "yes"),
    ] {
        assert_eq!(compare(operator, "1.0-1~"), [outcome], "{operator}");
    }
    assert_eq!(run("dpkg --compare-versions 1:1.0 gt 2.0 && yes"), ["yes"]);
    assert_eq!(
        run("dpkg --compare-versions 'a b' gt 2.0 && yes"),
        ["? yes"]
    );
}

#[test]
fn files_decide() {
    let files = [
        ("/etc/name.conf", "text"),
        ("/usr/bin/tool", "#!"),
        ("/usr/bin/data", "text"),
        ("/usr/bin/link", "-> tool"),
        ("/srv/empty", ""),
    ];
    for (test, outcome) in [
        ("[ -e /etc/name.conf ]", "yes"),
        ("[ -e /etc/other ]", "no"),
        ("[ -d /etc ] && [ ! -d /etc/name.conf ]", "yes"),
        ("[ -f /etc/name.conf -a ! -f /etc ]", "yes"),
        ("[ -x /usr/bin/tool ]", "yes"),
        ("[ -x /usr/bin/data ]", "no"),
        ("[ -L /usr/bin/link ] && [ ! -h /usr/bin/tool ]", "yes"),
        ("[ -s /etc/name.conf ] && [ ! -s /srv/empty ]", "yes"),
        ("command -v tool >/dev/null", "yes"),
        ("which none >/dev/null 2>&1", "no"),
        ("[ -x \"$(command -v tool)\" ]", "yes"),
        ("[ \"$(command -v tool)\" = /usr/bin/tool ]", "yes"),
        ("[ \"$(readlink /usr/bin/link)\" = tool ]", "yes"),
        ("[ \"$(cat /etc/name.conf)\" = text ]", "yes"),
        ("grep -q '^text$' /etc/name.conf", "yes"),
        ("grep -q other /etc/name.conf", "no"),
        ("grep -q text /etc/other", "no"),
        ("[ -t 0 ] || [ -d /run/systemd/system ]", "no"),
        ("cd /etc && [ -e name.conf ]", "yes"),
        ("getent passwd root >/dev/null", "yes"),
        ("getent group nobody-here >/dev/null", "no"),
        ("id nobody-here >/dev/null 2>&1", "no"),
        ("dpkg-statoverride --list /usr/bin/tool >/dev/null", "no"),
        ("[ -z \"$(dpkg-divert --list /usr/bin/tool)\" ]", "yes"),
        ("[ \"$(dpkg --print-architecture)\" = amd64 ]", "yes"),
        ("[ \"$DPKG_MAINTSCRIPT_PACKAGE\" = example ]", "yes"),
        ("[ -n \"${DPKG_ROOT:-}\" ] || [ -n \"${NOT_SET:-}\" ]", "no"),
    ] {
        let found = run_on(&files, &format!("if {test}; then yes; else no; fi"));
        assert_eq!(found, [outcome], "{test}");
    }
}

#[test]
fn patterns_stand_for_files() {
    let files = [
        ("/etc/d/b.conf", ""),
        ("/etc/d/a.conf", ""),
        ("/etc/d/.hidden.conf", ""),
        ("/etc/d/other", ""),
    ];
    let found = run_on(&files, "for x in /etc/d/*.conf /none/*; do use $x; done");
    assert_eq!(
        found,
        ["use /etc/d/a.conf", "use /etc/d/b.conf", "use '/none/*'"]
    );
    assert_eq!(
        run_on(&files, "use /e*/?/[!a]*"),
        ["use /etc/d/b.conf /etc/d/other"]
    );
    assert_eq!(
        run_on(&files, "use \"/etc/d/*.conf\""),
        ["use '/etc/d/*.conf'"]
    );
}

#[test]
fn what_the_script_did_counts() {
    let files = [("/etc/name.conf", "text"), ("/srv/data/x", "")];
    for (body, expected) in [
        (
            "mkdir -p /var/lib/x; [ -d /var/lib/x ] || again; [ -d /var ] || again",
            vec!["mkdir -p /var/lib/x"],
        ),
        (
            "rm -r /srv/data; if [ -e /srv/data/x ]; then never; fi",
            vec!["rm -r /srv/data"],
        ),
        (
            "echo new > /etc/other; [ -f /etc/other ] || never",
            vec!["echo new > /etc/other"],
        ),
        (
            "tool /etc/name.conf; [ -e /etc/name.conf ] && perhaps",
            vec!["tool /etc/name.conf", "? perhaps"],
        ),
        (
            "sed -i s/a/b/ /etc/name.conf; grep -q text /etc/name.conf && perhaps",
            vec![
                "sed -i s/a/b/ /etc/name.conf",
                "grep -q text /etc/name.conf",
                "? perhaps",
            ],
        ),
        (
            "chmod +x /etc/name.conf; [ -f /etc/name.conf ] || never; [ -x /etc/name.conf ] && a",
            vec!["chmod +x /etc/name.conf", "? a"],
        ),
        (
            "adduser --system x; getent passwd x >/dev/null || never; getent group x || never",
            vec!["adduser --system x"],
        ),
    ] {
        assert_eq!(run_on(&files, body), expected, "{body}");
    }
}

#[test]
fn what_changes_nothing_is_no_command() {
    let files = [("/etc/name.conf", "text"), ("/srv/data/x", "")];
    assert_eq!(
        run_on(&files, "rm -f /etc/old /etc/older; rm -rf /var/none"),
        [""; 0]
    );
    assert_eq!(run_on(&files, "mkdir -p /srv/data"), [""; 0]);
    assert_eq!(
        run_on(&files, "rm -f /etc/name.conf"),
        ["rm -f /etc/name.conf"]
    );
    assert_eq!(run_on(&files, "rm /etc/old"), ["rm /etc/old"]);
    assert_eq!(run_on(&files, "mkdir /srv/data"), ["mkdir /srv/data"]);
    assert_eq!(
        run_on(&files, "mkdir -p /srv/data /srv/new"),
        ["mkdir -p /srv/data /srv/new"]
    );
}

#[test]
fn sourced_files_are_read() {
    let files = [
        (
            "/usr/share/x/functions",
            "say() { tool \"$1\" \"$2\"; }\nx=sourced",
        ),
        ("/usr/share/x/returns", "return 0\nnever"),
    ];
    let body = ". /usr/share/x/functions\n. /usr/share/x/returns\nsay a $x";
    let commands = read(body, &System::new(&files)).unwrap();
    assert_eq!(lines(&commands), ["tool a sourced"]);
    // What is run of another file is run where it is sourced.
    assert_eq!(commands[0].line, 3);
    let missing = read("\n. /usr/share/x/none", &System::new(&files)).unwrap_err();
    assert_eq!(missing, ScriptError::Fails { line: 4 });
}

#[test]
fn redirections_are_kept() {
    assert_eq!(
        run("cat > /etc/x <<EOF\ntext $1\nEOF"),
        ["cat > /etc/x <<…"]
    );
    let commands = read(
        "cat >> /etc/x <<-'EOF'\n\ta $1\n\tEOF\nafter",
        &System::default(),
    );
    let commands = commands.unwrap();
    assert_eq!(commands[0].redirections[1].target.known(), Some("a $1\n"));
    assert_eq!(commands[0].line, 3);
    assert_eq!(commands[1].line, 6);
    assert_eq!(
        run("> /var/log/x; : >> /var/log/y"),
        [" > /var/log/x", ": >> /var/log/y"]
    );
    assert_eq!(
        run("{ echo a; echo b; } > /etc/x; (echo c; tool) >> /etc/y 2>/dev/null"),
        [
            "echo a > /etc/x",
            "echo b >> /etc/x",
            "echo c >> /etc/y",
            "tool >> /etc/y"
        ]
    );
    assert_eq!(
        run("tool </etc/x 2>/tmp/errors >&2"),
        ["tool < /etc/x 2> /tmp/errors"]
    );
    let commands = read("echo a b | tool --from-stdin", &System::default()).unwrap();
    assert_eq!(commands[0].redirections[0].target.known(), Some("a b\n"));
}

#[test]
fn debconf_s_shell_functions_are_known() {
    assert_eq!(
        run(". /usr/share/debconf/confmodule\ndb_get example/none || true\ntool \"$RET\""),
        ["db_get example/none", "tool \"$(example/none)\""]
    );
}

#[test]
fn a_failure_on_a_fresh_system_is_an_error() {
    for (body, line) in [
        ("false", 3),
        ("true\nexit 3", 4),
        ("f() { return 1; }\n\nf", 5),
        ("if [ \"$1\" = configure ]; then\n  exit 1\nfi", 4),
    ] {
        let error = read(body, &System::default()).unwrap_err();
        assert_eq!(error, ScriptError::Fails { line }, "{body}");
    }
    // Where nothing else is decided, the way that fails is the one that is not taken.
    assert_eq!(run("if ! tool; then exit 1; fi; after"), ["tool", "after"]);
    assert_eq!(
        run("tool || { echo no >&2; exit 1; }; after"),
        ["tool", "after"]
    );
}

#[test]
fn a_script_for_another_program_is_not_read() {
    for first in [
        "#!/usr/bin/perl -w",
        "#!/usr/bin/env python3",
        "#! /usr/bin/make -f",
        "",
    ] {
        let script = format!("{first}\ntool\n");
        let error = commands(
            script.as_bytes(),
            &call(Script::Postinst),
            &System::default(),
        );
        assert!(
            matches!(error, Err(ScriptError::NotShell { .. })),
            "{first}"
        );
    }
    let empty = commands(b"", &call(Script::Postinst), &System::default());
    assert_eq!(empty, Err(ScriptError::Empty));
    for first in [
        "#!/bin/sh",
        "#! /bin/bash -e",
        "#!/usr/bin/env sh",
        "#!/bin/dash",
    ] {
        let script = format!("{first}\ntool\n");
        let found = commands(
            script.as_bytes(),
            &call(Script::Postinst),
            &System::default(),
        );
        assert_eq!(lines(&found.unwrap()), ["tool"], "{first}");
    }
}

#[test]
fn commands_have_the_mask_of_modes() {
    let body = b"#!/bin/sh\ntouch a\numask 066\ntouch b\numask 022\ntouch c\nif unknown; then umask 077; fi\ntouch d";
    let found = commands(body, &call(Script::Postinst), &System::default()).unwrap();
    let touched = found.iter().filter(|one| one.program() == Some("touch"));
    let masks: Vec<_> = touched.map(|one| one.umask).collect();
    assert_eq!(masks, [Some(0o022), Some(0o066), Some(0o022), None]);
}
