//! Scripts that were written against their reader.

use std::fmt::Write as _;

use std::time::{Duration, Instant};

use enclair_packages::scripts::{Script, ScriptError, commands};
use proptest::prelude::*;

use crate::system::{System, call};

/// Longer than any of these takes, on a slow machine and without optimisation.
const LONG: Duration = Duration::from_secs(20);

fn read(body: &str) -> Result<usize, ScriptError> {
    let start = Instant::now();
    let script = format!("#!/bin/sh\n{body}");
    let found = commands(
        script.as_bytes(),
        &call(Script::Postinst),
        &System::default(),
    );
    let shown: String = body.chars().take(60).collect();
    assert!(start.elapsed() < LONG, "{shown} took {:?}", start.elapsed());
    found.map(|commands| commands.len())
}

#[test]
fn nests() {
    for (open, close) in [
        ("(", ")"),
        ("{ ", "; }"),
        ("$(", ")"),
        ("$((", "))"),
        ("\"$(", ")\""),
        ("`", "`"),
        ("${x:-", "}"),
        ("if ", "; then :; fi"),
        ("while ", "; do :; done"),
        ("case x in x) ", ";; esac"),
        ("f() ", ""),
        ("! ", ""),
        ("[ ! ", "]"),
        ("$(( (", ") ))"),
    ] {
        for depth in [40, 1000, 20_000] {
            let balanced = format!("{}:{}", open.repeat(depth), close.repeat(depth));
            let _ = read(&balanced);
            let _ = read(&open.repeat(depth));
            let _ = read(&close.repeat(depth));
        }
    }
    let deep = read(&format!("{}:{}", "(".repeat(1000), ")".repeat(1000)));
    assert!(
        matches!(deep, Err(ScriptError::TooDeep { line: 2, .. })),
        "{deep:?}"
    );
}

#[test]
fn loops_without_an_end() {
    let start = "x=1; while true; do x=$((x + 1)); tool $x; done";
    read(start).unwrap();
    let recursion = read("f() { f; }; f").unwrap_err();
    assert!(
        matches!(recursion, ScriptError::TooDeep { .. }),
        "{recursion:?}"
    );
    let wide = "f() { f0; f0; }; ";
    let mut script = String::new();
    for level in 0..40 {
        let next = level + 1;
        script.push_str(&wide.replace('f', &format!("f{level}")).replace("f00", "g"));
        write!(script, "f{level}() {{ f{next}; f{next}; }}; ").unwrap();
    }
    script.push_str("f0");
    let doubled = read(&script).unwrap_err();
    assert!(
        matches!(doubled, ScriptError::TooLong { .. }),
        "{doubled:?}"
    );
    for body in [
        "for a in 1 2 3 4 5 6 7 8 9; do for b in 1 2 3 4 5 6 7 8 9; do \
         for c in 1 2 3 4 5 6 7 8 9; do for d in 1 2 3 4 5 6 7 8 9; do \
         for e in 1 2 3 4 5 6 7 8 9; do for f in 1 2 3 4 5 6 7 8 9; do \
         tool; done; done; done; done; done; done",
        "while tool; do while tool; do while tool; do while tool; do while tool; do \
         eval \"x$y=1\"; y=$y$z; z=a; done; done; done; done; done",
        "trap 'tool; trap \"$x\" EXIT' EXIT; x=y",
        "x='eval \"$x\"'; eval \"$x\"",
    ] {
        let _ = read(body);
    }
}

#[test]
fn values_that_grow() {
    let doubling = "x=aaaaaaaaaaaaaaaa\n".to_owned() + &"x=$x$x\n".repeat(60) + "tool $x";
    assert_eq!(read(&doubling).unwrap(), 1);
    let _ = read(&("set -- a b c d\n".to_owned() + &"set -- \"$@\" \"$@\"\n".repeat(40)));
    let _ = read(&("x=aaaaaaaaaa\n".to_owned() + &"x=\"$(echo $x $x)\"\n".repeat(40)));
    let long = "a".repeat(60_000);
    let _ = read(&format!("x={long}; tool ${{x%%*a*a*a*a*b}}"));
    let _ = read(&format!("case {long} in {}b) ;; esac", "*a".repeat(20_000)));
    let _ = read(&format!("tool $(({}1))", "1+".repeat(100_000)));
    let _ = read(&format!("tool $(({}1))", "-".repeat(100_000)));
    let _ = read(&"x=$(tool)\n".repeat(50_000));
    let _ = read(&"if tool; then x=1; fi\n".repeat(20_000));
    let _ = read(&"a$RANDOM=1; [ -e /x ] || mkdir /y\n".repeat(20_000));
    let _ = read(&"cat <<a <<b <<c\n".repeat(5_000));
    let _ = read(&format!("[ {} ]", "! ".repeat(100_000)));
    let _ = read(&format!("[ {} a ]", "a -o ".repeat(100_000)));
}

#[test]
fn a_script_that_is_too_large() {
    let error = read(&"#\n".repeat(600_000)).unwrap_err();
    assert!(
        matches!(
            error,
            ScriptError::TooLarge {
                limit: 1_048_576,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn what_a_shell_does_not_accept() {
    for (body, message) in [
        ("if true; then", "line 2: expected a command, found the end"),
        (
            "if true; then a; else b",
            "line 2: expected fi, found the end",
        ),
        ("a\nfi", "line 3: expected a command, found `fi`"),
        ("a )", "line 2: expected a command, found `)`"),
        ("echo 'a", "line 2: expected a closing `'`, found the end"),
        (
            "echo \"a\nb",
            "line 3: expected a closing `\"`, found the end",
        ),
        ("echo ${a", "line 2: expected a closing `}`, found the end"),
        ("echo $(a", "line 2: expected a closing `)`, found the end"),
        (
            "echo `a",
            "line 2: expected a closing backquote, found the end",
        ),
        ("case a in a) b", "line 2: expected esac, found the end"),
        (
            "for 1 in a; do b; done",
            "line 2: expected the name of a variable, found `1`",
        ),
        (
            "cat <<EOF\ntext",
            "line 3: expected the end of a here-document, found the end",
        ),
        ("a && | b", "line 2: expected a command, found `|`"),
        ("a ;; b", "line 2: expected a command, found `;;`"),
        (
            "diff <(a) <(b)",
            "line 2: expected a word of a POSIX shell, found `<(a)`",
        ),
        (
            "select x in a; do b; done",
            "line 2: expected a command of a POSIX shell, found `select`",
        ),
    ] {
        assert_eq!(read(body).unwrap_err().to_string(), message, "{body}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\t]{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn any_pieces_of_the_language_are_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)
    ) {
        let text = pieces.join(" ");
        prop_assert_eq!(read(&text), read(&text));
    }
}

const PIECES: &[&str] = &[
    "if",
    "then",
    "else",
    "fi",
    "while",
    "do",
    "done",
    "for x in",
    "case",
    "in",
    "esac",
    ";;",
    ";",
    "\n",
    "&&",
    "||",
    "|",
    "(",
    ")",
    "{",
    "}",
    "$x",
    "\"$x\"",
    "'a'",
    "$(a)",
    "`b`",
    "$((1+",
    "))",
    "${x:-",
    "x=1",
    "f()",
    "f",
    "a",
    "b)",
    "*)",
    "<<E\n",
    "E\n",
    "> /x",
    "2>&1",
    "[ -e /x ]",
    "!",
    "exit",
    "exit 1",
    "return",
    "break",
    "continue",
    "shift",
    "set --",
    "set -e",
    "eval",
    "read x",
    "local y=2",
    "trap 'a' EXIT",
    "cd /",
    "\"$@\"",
    "$#",
    "&",
];
