//! Files that are made to hurt: each is refused or read, soon, and without falling over.

#![allow(
    clippy::expect_used,
    reason = "a test ends where what it is about is missing"
)]

use enclair_import::ForeignKind::{Caution, Dockerfile, Enclaver, Evervault};
use enclair_import::{Error, ForeignKind, NoteKind, import};

fn error(kind: ForeignKind, text: &str) -> Error {
    import(kind, "file", text).expect_err("a file that is refused")
}

fn message(kind: ForeignKind, text: &str) -> String {
    error(kind, text).to_string()
}

#[test]
fn aliases_and_tags_are_refused() {
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    assert_eq!(message(Enclaver, bomb), "line 2: an alias is not read here");
    assert!(message(Enclaver, "a: !!binary aGk=\n").contains("a tag"));
    assert!(message(Enclaver, "a: 1\n---\nb: 1\n").contains("a second document"));
    assert!(message(Enclaver, "? [a]\n: b\n").contains("a key that is no text"));
}

#[test]
fn nesting_ends() {
    for (kind, open) in [
        (Enclaver, "["),
        (Enclaver, "{a: "),
        (Enclaver, "- "),
        (Enclaver, "? "),
        (Evervault, "["),
        (Evervault, "{a="),
        (Caution, "["),
        (Caution, "("),
        (Caution, "!"),
        (Caution, "{a="),
        (Caution, "f("),
        (Caution, "a?"),
        (Caution, "\"${"),
    ] {
        let start = if kind == Enclaver { "" } else { "a = " };
        let most = (kind.most_bytes() - 8) / open.len();
        for depth in [40, 100, most] {
            error(kind, &format!("{start}{}", open.repeat(depth)));
        }
    }
    for (before, behind) in [("", " = 1\n"), ("[", "]\n"), ("[[", "]]\n")] {
        let most = (Evervault.most_bytes() - 16) / 2;
        let key = format!("{before}{}a{behind}", "a.".repeat(most));
        assert!(message(Evervault, &key).contains("16 parts in a key"));
    }
    for part in [".a", "[0]", ".*", "[*]", " + 1", " == 1", " && x", "-"] {
        let most = (Caution.most_bytes() - 16) / part.len();
        error(Caution, &format!("a = x{}\n", part.repeat(most)));
    }
    let blocks = "a {\n".repeat(40) + &"}\n".repeat(40);
    assert!(message(Caution, &blocks).contains("32 levels"));
    assert!(matches!(
        error(Caution, &"a {\n".repeat(60_000)),
        Error::Syntax { .. }
    ));
}

#[test]
fn there_are_only_so_many_values() {
    let yaml = "a:\n".to_owned() + &"- {a: 1}\n".repeat(5000);
    assert!(message(Enclaver, &yaml).contains("4096 fields"));
    let list = format!("a: [{}]\n", "1,".repeat(30_000));
    assert!(message(Enclaver, &list).contains("20000 values"));
    let key = format!("{}: 1\n", "k".repeat(300));
    assert!(message(Enclaver, &key).contains("256 bytes in a key"));
    let steps = "FROM a\n".to_owned() + &"RUN b\n".repeat(5000);
    assert!(message(Dockerfile, &steps).contains("4096 instructions"));
    let flags = format!("FROM {} a\n", "--x ".repeat(100));
    assert!(message(Dockerfile, &flags).contains("64 flags"));
}

#[test]
fn what_is_too_long_or_no_text_is_refused() {
    for kind in [Dockerfile, Enclaver, Evervault, Caution] {
        let long = "#".repeat(kind.most_bytes() + 1);
        assert!(matches!(error(kind, &long), Error::TooLarge { .. }));
        assert_eq!(error(kind, "#\n\0"), Error::Nul { line: 2 });
        error(kind, "");
    }
}

#[test]
fn a_key_twice_is_refused() {
    assert!(message(Enclaver, "name: a\nname: b\n").starts_with("line 2: `name` is there twice"));
    assert!(matches!(
        error(Evervault, "name = 'a'\nname = 'b'\n"),
        Error::Syntax { line: 2, .. }
    ));
    error(Caution, "a = 1\na {}\n");
    error(Caution, "a = { b = 1, b = 2 }\n");
    let two = "sources: [{app: a}, {app: b}]\n";
    assert!(message(Enclaver, two).contains("second of its kind"));
    let two = "enclave \"a\" {}\nenclave \"b\" {}\n";
    assert!(message(Caution, two).starts_with("line 2: `enclave[1] \"b\"` is the second"));
}

#[test]
fn wrong_types_are_errors_with_a_place() {
    for (kind, text, expected) in [
        (
            Enclaver,
            "sources: {app: [1]}\n",
            "line 1: `sources.app`: expected text",
        ),
        (
            Enclaver,
            "sources: {app: 'a b'}\n",
            "line 1: `sources.app`: expected the reference",
        ),
        (
            Enclaver,
            "sources: {app: a}\ningress: [{listen_port: 0}]\n",
            "line 2: `ingress[0].listen_port`: expected a port",
        ),
        (
            Enclaver,
            "name: \"a\\nb\"\nsources: {app: a}\n",
            "line 1: `name`: expected a name",
        ),
        (
            Evervault,
            "[egress]\nenabled = 1\n",
            "line 2: `egress.enabled`: expected true or false",
        ),
        (
            Evervault,
            "[egress]\nports = ['x']\n",
            "line 2: `egress.ports`: expected ports",
        ),
        (
            Evervault,
            "dockerfile = '../x'\n",
            "line 1: `dockerfile`: expected a path below",
        ),
        (
            Caution,
            "enclave \"a\" {\nunit \"b\" {\ncommand = true\n}\n}\n",
            "line 3: `enclave.unit.command`: expected text",
        ),
    ] {
        let found = message(kind, text);
        assert!(found.starts_with(expected), "{found}");
    }
    assert_eq!(
        error(Evervault, "[signing]\nkeyPath = 'a'\n"),
        Error::Missing {
            kind: Evervault,
            field: "name"
        }
    );
    assert_eq!(
        error(Caution, "resource \"x\" {}\n"),
        Error::Missing {
            kind: Caution,
            field: "enclave"
        }
    );
    assert_eq!(
        error(Enclaver, "name: a\n"),
        Error::Missing {
            kind: Enclaver,
            field: "sources.app"
        }
    );
}

#[test]
fn variables_do_not_explode() {
    let mut text = "FROM a\nENV A=xxxxxxxxxxxxxxxx\n".to_owned();
    for _ in 0..40 {
        text.push_str("ENV A=$A$A$A$A\n");
    }
    let imported = import(Dockerfile, "Dockerfile", &text).expect("an import");
    let last = imported.notes.last().expect("a note");
    assert!(matches!(&last.kind, NoteKind::Waits { what } if what.contains("too long")));
    assert!(imported.recipe.len() < 4096);
}

#[test]
fn what_is_printed_is_one_line_and_shows_what_is_there() {
    let text = "name: a\nsources: {app: a}\nx: \"\\e[31m\\u202e\\n\"\n";
    let imported = import(Enclaver, "a\n\u{1b}b", text).expect("an import");
    assert!(!imported.recipe.contains('\u{1b}'));
    let note = imported.notes.last().expect("a note");
    assert_eq!(note.text, "\\u{1b}[31m\\u{202e}\\n");
}
