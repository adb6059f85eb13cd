//! What is found where the first choice does not work.

use super::*;

#[test]
fn conflicts_are_kept_apart() {
    let world = World::one(
        "a 1; Depends: x | y
         b 1; Conflicts: x
         c 1; Breaks: v
         d 1; Depends: v
         e 1; Conflicts: v; Provides: v
         p 1; Provides: v
         q 1; Provides: v (= 2)
         f 1; Breaks: v (<< 3)
         x 1
         y 1",
    );
    assert_eq!(world.sorted("a b"), ["a 1", "b 1", "y 1"]);
    // A package is not in conflict with the name that it provides itself.
    assert_eq!(world.sorted("d e"), ["d 1", "e 1"]);
    assert!(world.error("c d").contains("has `Breaks: v`"));
    assert!(world.error("e p").contains("has `Conflicts: v`"));
    // A version is compared only with a version.
    assert_eq!(world.sorted("f p"), ["f 1", "p 1"]);
    assert!(world.error("f q").contains("has `Breaks: v (<< 3)`"));
}

#[test]
fn a_choice_is_revised_when_something_later_rules_it_out() {
    let world = World::one(
        "a 1; Depends: b, c
         b 1; Depends: x | y
         c 1; Depends: d
         d 1; Conflicts: x
         x 1; Depends: xlib
         xlib 1
         y 1",
    );
    assert_eq!(world.sorted("a"), ["a 1", "b 1", "c 1", "d 1", "y 1"]);
}

#[test]
fn an_alternative_that_is_broken_inside_is_passed_over() {
    let world = World::one(
        "a 1; Depends: x | y
         x 1; Depends: x2
         x2 1; Depends: x3, gone (>= 1)
         x3 1
         y 1",
    );
    assert_eq!(world.sorted("a"), ["a 1", "y 1"]);
}

#[test]
fn unrelated_choices_are_not_tried_again_and_again() {
    // Twenty free choices stand between the one that matters and its conflict: without knowing who
    // is to blame there would be a million ways to try.
    let mut lines = String::from("top 1; Depends: first");
    for number in 0..20 {
        write!(lines, ", n{number}").unwrap();
    }
    lines += ", last\nfirst 1; Depends: bad | good\nbad 1\ngood 1\nlast 1; Depends: l2\n\
              l2 1; Conflicts: bad\n";
    for number in 0..20 {
        writeln!(lines, "n{number} 1; Depends: l{number}x | r{number}x").unwrap();
        writeln!(lines, "l{number}x 1\nr{number}x 1").unwrap();
    }
    let found = World::one(&lines).sorted("top");
    assert!(found.contains(&"good 1".to_owned()) && !found.contains(&"bad 1".to_owned()));
    assert!((0..20).all(|number| found.contains(&format!("l{number}x 1"))));
}

/// `count` holes, and packages that each need one of them for themselves.
fn pigeons(birds: usize, holes: usize) -> World {
    let mut lines = String::from("top 1; Depends: b0");
    (1..birds).for_each(|bird| write!(lines, ", b{bird}").unwrap());
    lines += "\n";
    for bird in 0..birds {
        let places: Vec<_> = (0..holes).map(|hole| format!("p{bird}x{hole}")).collect();
        writeln!(lines, "b{bird} 1; Depends: {}", places.join(" | ")).unwrap();
        for hole in 0..holes {
            writeln!(
                lines,
                "p{bird}x{hole} 1; Provides: h{hole}; Conflicts: h{hole}"
            )
            .unwrap();
        }
    }
    World::one(&lines)
}

#[test]
fn a_hard_problem_is_solved_and_a_hopeless_one_given_up() {
    assert_eq!(pigeons(6, 6).solve("top").len(), 13);
    assert!(matches!(
        pigeons(4, 3).request(&request("top")),
        Err(SolveError::Unsatisfiable(_))
    ));
    assert_eq!(
        pigeons(12, 11).request(&request("top")).unwrap_err(),
        SolveError::Limit
    );
}

/// Every set of packages, tried: whether one of them meets every need of `top`.
fn exists(alternatives: &[Vec<usize>], conflicts: &[(usize, usize)], count: usize) -> bool {
    (0_u32..1 << count).any(|set| {
        let has = |place: &usize| set & (1 << place) != 0;
        let met = alternatives.iter().all(|group| group.iter().any(has));
        let apart = conflicts.iter().all(|(a, b)| a == b || !(has(a) && has(b)));
        met && apart
    })
}

proptest::proptest! {
    #[test]
    fn a_set_is_found_exactly_where_there_is_one(
        alternatives in proptest::collection::vec(proptest::collection::vec(0_usize..8, 1..4), 1..7),
        conflicts in proptest::collection::vec((0_usize..8, 0_usize..8), 0..12),
    ) {
        // The needs of `top` through packages of their own, so that choices nest.
        let mut lines = String::from("top 1; Depends: n0");
        (1..alternatives.len()).for_each(|need| write!(lines, ", n{need}").unwrap());
        for (need, group) in alternatives.iter().enumerate() {
            let group: Vec<_> = group.iter().map(|place| format!("p{place}")).collect();
            write!(lines, "\nn{need} 1; Depends: {}", group.join(" | ")).unwrap();
        }
        for place in 0..8 {
            let against: Vec<_> = conflicts.iter().filter(|(a, b)| *a == place && a != b)
                .map(|(_, other)| format!("p{other}")).collect();
            write!(lines, "\np{place} 1; Conflicts: {}", against.join(", ")).unwrap();
        }
        let found = World::one(&lines).request(&request("top"));
        proptest::prop_assert_eq!(found.is_ok(), exists(&alternatives, &conflicts, 8), "{}", lines);
        if let Ok(found) = found {
            let has = |place: &usize| found.contains(&format!("p{place} 1"));
            proptest::prop_assert!(alternatives.iter().all(|group| group.iter().any(has)));
            proptest::prop_assert!(conflicts.iter().all(|(a, b)| a == b || !(has(a) && has(b))));
        }
    }
}
