//! Debconf's answers: defaults of templates, changed by config scripts.

use std::collections::BTreeMap;

use enclair_packages::scripts::{Script, answers, commands};

use crate::system::{System, call, lines};

const TEMPLATES: &str = "Template: example/plain
Type: string
Default: value
Description: A question

Template: example/empty
Type: string
Description: A question without a default

Template: example/choice
Type: select
Choices: first, second
Description: A choice without a default

Template: example/chosen
Type: select
Choices: ${choices}
Default: second
Default-de.UTF-8: zweitens

Template: example/open
Type: select
Choices: ${choices}

Template: example/note
Type: note
Description: Nothing to answer
";

fn answered(config: Option<&str>) -> BTreeMap<String, String> {
    let config = config.map(|body| format!("#!/bin/sh\n{body}"));
    let config = config.as_deref().map(str::as_bytes);
    answers(
        TEMPLATES.as_bytes(),
        config,
        &call(Script::Postinst),
        &System::default(),
    )
}

#[test]
fn defaults() {
    let found = answered(None);
    let expected = [
        ("example/choice", "first"),
        ("example/chosen", "second"),
        ("example/empty", ""),
        ("example/note", ""),
        ("example/plain", "value"),
    ];
    let found: Vec<_> = found
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_config_script_changes_them() {
    let found = answered(Some(
        ". /usr/share/debconf/confmodule
        db_input high example/plain || true
        db_go || true
        db_get example/plain
        db_set example/empty \"$RET-set\"
        [ -e /etc/none ] && db_set example/plain other
        if tool; then db_set example/choice second; fi",
    ));
    assert_eq!(found["example/empty"], "value-set");
    assert_eq!(found["example/plain"], "value");
    assert_eq!(found.get("example/choice"), None);
    assert_eq!(found["example/chosen"], "second");
}

#[test]
fn a_config_script_that_cannot_be_read_leaves_no_answer() {
    assert_eq!(answered(Some("if")), BTreeMap::new());
    let perl = answers(
        TEMPLATES.as_bytes(),
        Some(b"#!/usr/bin/perl\n"),
        &call(Script::Postinst),
        &System::default(),
    );
    assert_eq!(perl, BTreeMap::new());
}

#[test]
fn a_postinst_gets_them() {
    let mut call = call(Script::Postinst);
    call.answers = answered(None);
    let script = "#!/bin/sh
        set -e
        db_get example/plain; use \"$RET\"
        db_set example/plain new; db_get example/plain; use \"$RET\"
        db_reset example/plain; db_get example/plain; use \"$RET\"
        db_get example/open || true; use \"$RET\"
        db_fget example/plain changed; use \"$RET\"
        db_fset example/plain changed true; db_fget example/plain changed; use \"$RET\"
        db_fget example/plain seen; use \"$RET\"";
    let found = commands(script.as_bytes(), &call, &System::default()).unwrap();
    let used: Vec<_> = found
        .into_iter()
        .filter(|command| command.program() == Some("use"))
        .collect();
    assert_eq!(
        lines(&used),
        [
            "use value",
            "use new",
            "use value",
            "use \"$(example/open)\"",
            "use false",
            "use true",
            "use \"$RET\""
        ]
    );
}
