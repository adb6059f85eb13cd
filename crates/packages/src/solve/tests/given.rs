//! Sets of packages that are given.

use super::*;

fn names(given: &Given<'_>) -> Vec<String> {
    let chosen = given.solution.chosen().iter();
    chosen
        .map(|chosen| format!("{} ({})", chosen.package.name(), chosen.reason))
        .collect()
}

fn words<T: ToString>(problems: &[T]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_set_that_was_chosen_is_whole_and_has_the_same_order_and_reasons() {
    let world = World::of(&[
        (
            "debian:bookworm",
            "a 1; Depends: c, b
             b 1; Depends: d | x, base
             c 1; Recommends: e
             d 1; Pre-Depends: e; Provides: x
             e 1
             base 1; Essential: yes",
        ),
        ("acme:stable", "tool 2; Depends: a (>= 1)"),
    ]);
    let universe = world.universe();
    let request = Request {
        base: Base::Essential,
        ..request("tool")
    };
    let solution = solve(&universe, &request).unwrap();
    let given = examine(&universe, &request).unwrap();
    assert!(given.is_whole(), "{given:?}");
    assert_eq!(
        names(&given),
        [
            "base (essential)",
            "e (c Recommends `e`)",
            "d (b Depends `d | x`)",
            "b (a Depends `b`)",
            "c (a Depends `c`)",
            "a (tool Depends `a (>= 1)`)",
            "tool (asked for)",
        ]
    );
    let of = |solution: &Solution<'_>| {
        let chosen = solution.chosen().iter();
        let names: Vec<_> = chosen
            .map(|chosen| chosen.package.name().to_owned())
            .collect();
        (names, solution.why("e").len(), solution.why("d"))
    };
    assert_eq!(of(&given.solution), of(&solution));
    let suites = given.solution.chosen().iter();
    let suites: Vec<_> = suites.map(|chosen| chosen.source.suite).collect();
    assert_eq!(suites.last(), Some(&"acme:stable"));
}

#[test]
fn everything_that_is_wrong_is_named() {
    let world = World::one(
        "a 1; Depends: gone | lost, b (>= 2); Recommends: nice
         b 1; Pre-Depends: gone
         c 1; Conflicts: virtual; Provides: virtual
         d 1; Provides: virtual
         e 1; Breaks: a (<< 2)",
    );
    let universe = world.universe();
    let given = examine(&universe, &request("a=2* absent b -d -absent2")).unwrap();
    assert_eq!(
        words(&given.unmet),
        [
            "a Depends `gone | lost`",
            "a Depends `b (>= 2)`",
            "b Pre-Depends `gone`"
        ]
    );
    assert_eq!(
        words(&given.clashes),
        ["c Conflicts `virtual` (d)", "e Breaks `a (<< 2)` (a)"]
    );
    let unasked: Vec<_> = given.unasked.iter().map(|one| one.0.to_string()).collect();
    assert_eq!(unasked, ["a=2*", "absent"]);
    assert!(matches!(given.unasked[0].1, SolveError::NoVersion { .. }));
    assert_eq!(given.excluded, ["d".into()]);
    assert!(!given.is_whole());
    assert_eq!(given.solution.chosen().len(), 5);
}

#[test]
fn what_nobody_needs_is_there_because_it_was_given() {
    let world = World::one(
        "a 1
         b 1; Depends: c
         c 1
         x 1; Depends: y
         y 1; Depends: x",
    );
    let universe = world.universe();
    let given = examine(&universe, &request("a")).unwrap();
    assert!(given.is_whole());
    assert_eq!(
        names(&given),
        [
            "a (asked for)",
            "c (b Depends `c`)",
            "b (given)",
            "x (given)",
            "y (x Depends `y`)",
        ]
    );
    let chains = given.solution.why("c");
    assert_eq!(chains.len(), 1);
    assert_eq!(chains[0].root, 2);
}

#[test]
fn there_is_one_version_of_each_package() {
    for (first, second, good) in [
        ("a 1", "a 2", false),
        ("a 1", "a 1; Architecture: all", false),
        (
            "a 1; Multi-Arch: same",
            "a 1; Architecture: i386; Multi-Arch: same",
            true,
        ),
        ("a 1", "b 1", true),
    ] {
        let world = World::of(&[("debian:bookworm", first), ("debian:sid", second)]);
        let universe = world.universe();
        let given = examine(&universe, &request(""));
        match given {
            Ok(given) => {
                assert!(good && given.is_whole(), "{first} {second}: {given:?}");
                assert_eq!(given.solution.chosen().len(), 2);
            }
            Err(error) => {
                assert!(!good, "{error}");
                assert!(matches!(error, SolveError::TwoVersions { .. }));
            }
        }
    }
    let world = World::one("a 1\na 1; Architecture: i386");
    let given = examine(&world.universe(), &request("")).map(|given| words(&given.clashes));
    assert_eq!(given, Ok(vec!["a for two architectures".to_owned()]));
}
