use super::*;

const TINI: &str = "Package: tini\nversion:0.19.0-1\nArchitecture: amd64\n\
    Depends: libc6 (>= 2.34)\nDescription: a tiny but\n valid\n .\n  init\n";

fn error(text: &str) -> ControlError {
    Control::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn the_fields_of_a_package_are_found_in_any_case() {
    let control = Control::parse(TINI.as_bytes()).unwrap();
    assert_eq!(control.name(), "tini");
    assert_eq!(control.version().to_string(), "0.19.0-1");
    assert_eq!(control.architecture(), "amd64");
    assert_eq!(control.field("dePENDS"), Some("libc6 (>= 2.34)"));
    assert_eq!(control.field("Recommends"), None);
    assert_eq!(
        control.field("Description"),
        Some("a tiny but\n valid\n .\n  init")
    );
    assert_eq!(
        control.fields().map(|(name, _)| name).collect::<Vec<_>>(),
        [
            "Package",
            "version",
            "Architecture",
            "Depends",
            "Description"
        ]
    );
    assert_eq!(
        control.relations("Depends").unwrap().to_string(),
        "libc6 (>= 2.34)"
    );
    assert!(control.relations("Recommends").unwrap().is_empty());
}

#[test]
fn empty_lines_separate_and_lines_are_counted() {
    let text = b"\n\nA: 1\nB:\n 2\n\n\nC: 3";
    let found: Vec<_> = Paragraphs::new(text)
        .map(|paragraph| {
            let paragraph = paragraph.unwrap();
            let fields = paragraph.fields().iter();
            fields
                .map(|field| {
                    (
                        field.line(),
                        field.name().to_owned(),
                        field.value().to_owned(),
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let field = |line, name: &str, value: &str| (line, name.to_owned(), value.to_owned());
    assert_eq!(
        found,
        [
            vec![field(3, "A", "1"), field(4, "B", "2")],
            vec![field(8, "C", "3")]
        ]
    );
}

#[test]
fn what_breaks_the_rules_is_refused_with_its_line() {
    for (text, expected) in [
        ("", "there is no paragraph"),
        ("\n\n", "there is no paragraph"),
        ("A: 1\n \nB: 2\n", "line 2: a line of blanks alone"),
        ("A: 1\n\n\t\nB: 2\n", "line 3: a line of blanks alone"),
        (
            "A: 1\n\n x\n",
            "line 3: there is no field that this line continues",
        ),
        ("A: 1\nB\n", "line 2: `NAME: VALUE` is expected"),
        ("# x: y\n", "line 1: `NAME: VALUE` is expected"),
        ("-----BEGIN: x\n", "line 1: `NAME: VALUE` is expected"),
        ("A b: 1\n", "line 1: `NAME: VALUE` is expected"),
        (": 1\n", "line 1: `NAME: VALUE` is expected"),
        ("A: 1\nB: 2\na: 3\n", "line 3: the field `a` is there twice"),
        ("A: 1\n x\0\n", "line 2: the text has a NUL"),
        ("A: 1\n", "line 1: the paragraph has no field `Package`"),
        (
            "\nPackage: a\nArchitecture: all\n",
            "line 2: the paragraph has no field `Version`",
        ),
        (
            "Package: a/b\nVersion: 1\nArchitecture: all\n",
            "line 1: Package `a/b` is no name",
        ),
        (
            "Package: a\nVersion: 1\nArchitecture: amd64 i386\n",
            "line 3: Architecture `amd64 i386` is no name",
        ),
        (
            "Package: a\nVersion: x\nArchitecture: all\n",
            "line 2: the version cannot be read",
        ),
        (
            "Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\n",
            "line 5: a second paragraph, where one is expected",
        ),
    ] {
        assert_eq!(error(text).to_string(), expected, "{text:?}");
    }
    assert_eq!(
        Control::parse(b"A: 1\n \xff\n").unwrap_err(),
        ControlError::Encoding { line: 2 }
    );
}

#[test]
fn a_paragraph_has_a_bounded_number_of_fields() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for number in 0..=MAX_FIELDS {
        writeln!(text, "F{number}: x").unwrap();
    }
    let line = u32::try_from(MAX_FIELDS).unwrap() + 1;
    assert_eq!(error(&text), ControlError::Fields { line });
}

#[test]
fn after_an_error_there_is_nothing() {
    let mut paragraphs = Paragraphs::new(b"x\n\nA: 1\n");
    assert!(paragraphs.next().unwrap().is_err());
    assert!(paragraphs.next().is_none());
}

#[test]
fn names_are_what_dpkg_takes() {
    for name in ["a", "libstdc++6", "python3.11", "0ad", "R_x"] {
        check_name(name).unwrap();
    }
    for (name, expected) in [
        ("", NameError::Empty),
        (".", NameError::First),
        ("-a", NameError::First),
        (&"a".repeat(MAX_NAME + 1), NameError::Length { found: 201 }),
    ] {
        assert_eq!(check_name(name).unwrap_err(), expected);
    }
    for name in ["a/b", "a b", "a:b", "ä", "a\n", "a\0"] {
        let error = check_name(name).unwrap_err();
        assert!(matches!(error, NameError::Character { .. }), "{name:?}");
    }
    check_architecture("musl-linux-amd64").unwrap();
    check_architecture("a_b").unwrap_err();
}
