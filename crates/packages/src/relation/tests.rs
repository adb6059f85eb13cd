use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Relations {
    Relations::parse(text).unwrap()
}

#[test]
fn every_part_of_a_relation_is_read() {
    let found = parse("python3:any (>= 3.9~), a | b:amd64[!i386 amd64]<!nocheck x> <y>,c:native");
    let groups = found.groups();
    assert_eq!(groups.len(), 3);
    let python = &groups[0].alternatives()[0];
    assert_eq!(&*python.name, "python3");
    assert_eq!(python.qualifier, Some(Qualifier::Any));
    let constraint = python.constraint.as_ref().unwrap();
    assert_eq!(constraint.operator, Operator::LaterEqual);
    assert_eq!(constraint.version.as_str(), "3.9~");
    let [a, b] = groups[1].alternatives() else {
        panic!("two alternatives");
    };
    assert_eq!((&*a.name, &a.qualifier), ("a", &None));
    assert_eq!(b.qualifier, Some(Qualifier::Architecture("amd64".into())));
    assert_eq!(
        b.architectures,
        [Term::Not("i386".into()), Term::Is("amd64".into())]
    );
    assert_eq!(
        b.profiles,
        [
            vec![Term::Not("nocheck".into()), Term::Is("x".into())],
            vec![Term::Is("y".into())]
        ]
    );
    assert_eq!(
        groups[2].alternatives()[0].qualifier,
        Some(Qualifier::Native)
    );
    assert_eq!(
        found.to_string(),
        "python3:any (>= 3.9~), a | b:amd64 [!i386 amd64] <!nocheck x> <y>, c:native"
    );
}

#[test]
fn obsolete_operators_mean_what_they_always_did() {
    for (text, operator) in [
        ("a (<< 1)", Operator::Earlier),
        ("a (< 1)", Operator::EarlierEqual),
        ("a (<= 1)", Operator::EarlierEqual),
        ("a (= 1)", Operator::Equal),
        ("a (>= 1)", Operator::LaterEqual),
        ("a (> 1)", Operator::LaterEqual),
        ("a (>> 1)", Operator::Later),
        ("a(=1)", Operator::Equal),
        ("a\n (\t=\n 1 ) ", Operator::Equal),
    ] {
        let found = parse(text);
        let constraint = found.groups()[0].alternatives()[0].constraint.clone();
        assert_eq!(constraint.unwrap().operator, operator, "{text}");
    }
}

#[test]
fn a_constraint_admits_what_its_operator_says() {
    let version = |text| Version::parse(text).unwrap();
    for (operator, admitted) in [
        ("<<", [true, false, false]),
        ("<=", [true, true, false]),
        ("=", [false, true, false]),
        (">=", [false, true, true]),
        (">>", [false, false, true]),
    ] {
        let found = parse(&format!("a ({operator} 2)"));
        let constraint = found.iter().next().unwrap().constraint.clone().unwrap();
        let found = ["2~", "2", "2-1"].map(|text| constraint.admits(&version(text)));
        assert_eq!(found, admitted, "{operator}");
    }
}

#[test]
fn empty_groups_are_passed_over() {
    assert!(parse("").is_empty());
    assert!(parse(" , ,").is_empty());
    assert_eq!(parse(",a,,\n b,").to_string(), "a, b");
}

#[test]
fn what_is_no_relation_is_refused_with_its_place() {
    for (text, at, expected) in [
        ("a |", 3, "the name of a package is expected"),
        ("a | , b", 4, "the name of a package is expected"),
        ("| a", 0, "the name of a package is expected"),
        ("a, (>= 1)", 3, "the name of a package is expected"),
        ("a, $x", 3, "`$x` is no name of a package"),
        ("a b", 2, "`,` or `|` is expected"),
        ("a)", 1, "`,` or `|` is expected"),
        ("a:", 2, "`` is no architecture"),
        ("a:b/c", 2, "`b/c` is no architecture"),
        (
            "a (1)",
            3,
            "one of `<<`, `<=`, `=`, `>=` and `>>` is expected",
        ),
        ("a (>= )", 6, "the version of a relation cannot be read"),
        ("a (>= 1 2)", 8, "`)` is missing"),
        ("a (>= 1", 7, "`)` is missing"),
        ("a [amd64", 8, "`]` is missing"),
        ("a []", 4, "`]` is missing"),
        ("a [!]", 3, "`!` is no architecture or profile"),
        ("a [b,c]", 4, "`` is no architecture or profile"),
        ("a <b", 4, "`>` is missing"),
    ] {
        let error = Relations::parse(text).unwrap_err();
        assert_eq!(
            (error.at, error.problem.to_string().as_str()),
            (at, expected),
            "{text:?}"
        );
    }
}

#[test]
fn a_field_has_a_bounded_number_of_relations() {
    let most = vec!["a"; MAX_RELATIONS].join("|");
    assert_eq!(parse(&most).iter().count(), MAX_RELATIONS);
    let error = Relations::parse(&format!("{most},b")).unwrap_err();
    assert_eq!(error.problem, RelationProblem::TooMany);
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        text in "(a|b1)(:any|:amd64)?( \\((<<|<=|=|>=|>>) 1:[0-9a~]{0,2}1\\))?( \\[!?x y\\])?( <!z>)*( \\| c)?(, d)?"
    ) {
        // A version that begins with a letter is none.
        if let Ok(relations) = Relations::parse(&text) {
            prop_assert_eq!(relations.to_string(), text);
        }
    }
}
