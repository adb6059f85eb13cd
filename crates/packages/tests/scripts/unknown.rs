//! What cannot be known, and what becomes of what follows.

use crate::system::{run, run_on};

#[test]
fn words() {
    assert_eq!(
        run("x=$(tool); use \"$x\" a\"$x\"b ${x%/*} \"${x:-y}\" 'known'"),
        [
            "tool",
            "use \"$(tool)\" \"a$(tool)b\" \"${x%/*}\" \"${x:-y}\" known"
        ]
    );
    assert_eq!(
        run("use $$ $! \"$(tool)\" `tool`"),
        ["tool", "tool", "use \"$$\" \"$!\" \"$(tool)\" \"`tool`\""]
    );
    assert_eq!(
        run("x=$((1 / 0)); use $x $((99999999999 * 99999999999))"),
        ["use \"$((1 / 0))\" \"$((99999999999 * 99999999999))\""]
    );
}

#[test]
fn branches_are_both_walked() {
    assert_eq!(
        run("if tool; then a; else b; fi; c"),
        ["tool", "? a", "? b", "c"]
    );
    assert_eq!(
        run("tool && a; tool || b; c"),
        ["tool", "? a", "tool", "? b", "c"]
    );
    assert_eq!(
        run("case $(tool) in x) a ;; y) b ;; *) c ;; esac; d"),
        ["tool", "? a", "? b", "? c", "d"]
    );
    assert_eq!(run("case $(tool) in *) a ;; esac"), ["tool", "a"]);
    assert_eq!(
        run("if ! tool; then a; elif true; then b; else c; fi"),
        ["tool", "? a", "? b"]
    );
}

#[test]
fn variables_after_a_branch() {
    assert_eq!(
        run("x=1 y=1; if tool; then x=2; y=3; else y=3; fi; use $x $y"),
        ["tool", "use \"$x\" 3"]
    );
    assert_eq!(
        run("if tool; then x=2; fi; use \"${x-none}\""),
        ["tool", "use \"${x-none}\""]
    );
    assert_eq!(run("tool && x=1 || x=2; use $x"), ["tool", "use \"$x\""]);
    assert_eq!(run("x=1; (x=2; tool); use $x"), ["tool", "use 1"]);
    assert_eq!(
        run("if tool; then set -- a; fi; use \"$1\" $#"),
        ["tool", "use \"$1\" \"$#\""]
    );
}

#[test]
fn leaving_a_branch() {
    assert_eq!(run("if tool; then exit 0; fi; a"), ["tool", "? a"]);
    assert_eq!(run("if tool; then exit 1; fi; a"), ["tool", "a"]);
    assert_eq!(
        run("f() { if tool; then return; fi; a; }; f; b"),
        ["tool", "? a", "b"]
    );
    assert_eq!(
        run("for x in 1 2; do tool && continue; a $x; done; b"),
        ["tool", "? a 1", "tool", "? a 2", "b"]
    );
    assert_eq!(
        run("for x in 1 2; do tool && break; a $x; done; b"),
        ["tool", "? a 1", "? tool", "? a 2", "b"]
    );
    assert_eq!(run("(tool && exit 0; a); b"), ["tool", "? a", "b"]);
    assert_eq!(
        run("$(tool && exit 0; a); b"),
        ["tool", "? a", "\"$(tool && exit 0; a)\"", "b"]
    );
}

#[test]
fn loops_of_any_number_of_rounds() {
    assert_eq!(
        run("x=1; while tool; do use $x; x=2; done; after $x"),
        ["tool", "? use \"$x\"", "? tool", "after \"$x\""]
    );
    assert_eq!(
        run("for x in $(tool); do use \"$x\"; done"),
        ["tool", "? use \"$x\""]
    );
    assert_eq!(
        run("tool | while read a b; do use \"$a\" \"$b\"; done; after \"$a\""),
        ["tool", "? use \"$a\" \"$b\"", "after ''"]
    );
    assert_eq!(
        run("while true; do read x; case $x in y) a; break ;; esac; done; b"),
        ["? a", "? a", "b"]
    );
    assert_eq!(
        run("while :; do tool; done; never"),
        ["tool", "? tool", "never"]
    );
}

#[test]
fn text_that_is_not_known_may_set_anything() {
    assert_eq!(
        run("x=1; eval $(tool); use $x \"$y\""),
        ["tool", "eval \"$(tool)\"", "use \"$x\" \"$y\""]
    );
    let files = [("/etc/default/x", "-> nowhere")];
    // A file that the script has changed may have anything in it.
    assert_eq!(
        run_on(
            &files,
            "tool > /etc/default/x; . /etc/default/x; use \"$y\""
        ),
        ["tool > /etc/default/x", ". /etc/default/x", "use \"$y\""]
    );
}

#[test]
fn files_of_the_machine_are_not_known() {
    assert_eq!(
        run("if [ -e /proc/self ]; then a; else b; fi"),
        ["? a", "? b"]
    );
    assert_eq!(
        run("[ -d /sys/class ] && a; [ -c /dev/tty ] || b"),
        ["? a", "? b"]
    );
    assert_eq!(run("for x in /sys/*; do use $x; done"), ["? use \"$x\""]);
}

#[test]
fn what_is_not_unicode_is_not_known() {
    use crate::system::{System, call, lines};
    use enclair_packages::scripts::{Script, commands};
    let script = b"#!/bin/sh\n# \xe9t\xe9\ntool \xe9 e\n";
    let found = commands(script, &call(Script::Postinst), &System::default()).unwrap();
    assert_eq!(lines(&found), ["tool \"\u{fffd}\" e"]);
    assert_eq!(found[0].words[1].known(), None);
}
