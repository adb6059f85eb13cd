//! What is chosen where there is a choice.

use super::*;

#[test]
fn dependencies_come_before_what_needs_them() {
    let world = World::one(
        "a 1; Depends: c, b
         b 1; Depends: d
         c 1
         d 1; Pre-Depends: e
         e 1
         f 1",
    );
    assert_eq!(world.solve("a"), ["e 1", "d 1", "b 1", "c 1", "a 1"]);
}

#[test]
fn the_candidate_is_of_the_highest_priority_and_then_the_highest_version() {
    let world = World::of(&[
        ("debian:bookworm", "a 1.0\nb 1\nc 1"),
        ("debian:bookworm-security", "a 1.1\nb 1"),
        ("*debian:bookworm-backports", "a 2.0\nd 3\ne 5"),
        ("!debian:experimental", "a 3.0\nd 4\nf 1"),
    ]);
    assert_eq!(
        world.sorted("a b c d e f"),
        ["a 1.1", "b 1", "c 1", "d 3", "e 5", "f 1"]
    );
    let universe = world.universe();
    let solution = solve(&universe, &request("b")).unwrap();
    assert_eq!(solution.chosen()[0].source.suite, "debian:bookworm");
}

#[test]
fn a_version_or_a_suite_can_be_asked_for() {
    let world = World::of(&[
        (
            "debian:bookworm",
            "curl 7.88.1-10; Depends: lib (= 7)\nlib 7",
        ),
        (
            "debian:bookworm-security",
            "curl 7.88.1-11; Depends: lib (= 7)",
        ),
        (
            "*debian:bookworm-backports",
            "curl 8.1; Depends: lib (= 8), other\nlib 8; Depends: deep (>= 2)\nother 2\ndeep 2",
        ),
        ("!debian:old", "other 1\ndeep 1"),
    ]);
    assert_eq!(world.sorted("curl"), ["curl 7.88.1-11", "lib 7"]);
    assert_eq!(world.sorted("curl=7.88*"), ["curl 7.88.1-11", "lib 7"]);
    assert_eq!(world.sorted("curl=7.88.1-10"), ["curl 7.88.1-10", "lib 7"]);
    let backports = ["curl 8.1", "deep 2", "lib 8", "other 2"];
    assert_eq!(world.sorted("curl/bookworm-backports"), backports);
    assert_eq!(world.sorted("curl/debian:bookworm-backports"), backports);
    let twice = world.error("curl=7.88.1-10 curl=7.88.1-11");
    assert_eq!(
        twice,
        "`curl` is asked for in two versions, 7.88.1-10 and 7.88.1-11"
    );
    // A version alone brings nothing else along.
    assert!(world.error("curl=8*").contains("needs `lib (= 8)`"));
    assert_eq!(world.sorted("curl=8.1 lib=8 deep"), backports);
}

#[test]
fn the_first_alternative_is_taken_unless_another_is_there() {
    let world = World::one(
        "a 1; Depends: x | y
         b 1; Depends: y
         c 1; Depends: missing | y
         d 1; Depends: x (>= 2) | y
         x 1
         y 1",
    );
    assert_eq!(world.sorted("a"), ["a 1", "x 1"]);
    assert_eq!(world.sorted("a y"), ["a 1", "y 1"]);
    assert_eq!(world.sorted("c"), ["c 1", "y 1"]);
    assert_eq!(world.sorted("d"), ["d 1", "y 1"]);
    // `a` is looked at first: then nothing is there yet.
    assert_eq!(world.sorted("a b"), ["a 1", "b 1", "x 1", "y 1"]);
    assert_eq!(world.sorted("a -x"), ["a 1", "y 1"]);
}

#[test]
fn of_those_that_provide_a_name_the_one_that_has_it_is_first() {
    let world = World::one(
        "a 1; Depends: mta
         b 1; Depends: mail (>= 2)
         c 1; Depends: mail (>= 9)
         real 1; Depends: name
         name 1
         other 1; Provides: name; Priority: required
         p-extra 1; Provides: mta, mail (= 1); Priority: extra
         p-opt-1 1; Provides: mta, mail; Priority: optional
         p-opt-2 1; Provides: mta, mail (= 3); Priority: optional",
    );
    assert_eq!(world.sorted("real"), ["name 1", "real 1"]);
    assert_eq!(world.sorted("b"), ["b 1", "p-opt-2 1"]);
    assert!(world.error("c").contains("nothing provides `mail (>= 9)`"));
    assert_eq!(world.sorted("a p-extra"), ["a 1", "p-extra 1"]);
    let mta = world.sorted("a");
    assert!(
        mta == ["a 1", "p-opt-1 1"] || mta == ["a 1", "p-opt-2 1"],
        "{mta:?}"
    );
}

#[test]
fn essential_and_important_providers_are_preferred() {
    let world = World::one(
        "a 1; Depends: v
         p1 1; Provides: v; Priority: required
         p2 1; Provides: v; Essential: yes
         p3 1; Provides: v; Important: yes",
    );
    assert_eq!(world.sorted("a"), ["a 1", "p2 1"]);
    assert_eq!(world.sorted("a -p2"), ["a 1", "p3 1"]);
    assert_eq!(world.sorted("a -p2 -p3"), ["a 1", "p1 1"]);
}

#[test]
fn a_virtual_package_can_be_asked_for_if_one_provides_it() {
    let world = World::one("a 1; Provides: v, w\nb 1; Provides: w");
    assert_eq!(world.sorted("v"), ["a 1"]);
    assert_eq!(
        world.error("w"),
        "`w` is no package, and is provided by `a`, `b`"
    );
}

#[test]
fn the_base_is_there_before_anything_else() {
    let world = World::one(
        "a 1
         essential-b 1; Essential: yes; Pre-Depends: lib
         lib 1
         needed 1; Priority: required
         z-essential 1; Essential: yes",
    );
    let with = |base, names: &str| {
        let request = Request {
            base,
            ..request(names)
        };
        world.request(&request).unwrap()
    };
    assert_eq!(with(Base::None, "a"), ["a 1"]);
    assert_eq!(
        with(Base::Essential, "a"),
        ["lib 1", "essential-b 1", "z-essential 1", "a 1"]
    );
    assert_eq!(
        with(Base::Required, "a -z-essential"),
        ["lib 1", "essential-b 1", "a 1", "needed 1"]
    );
}

#[test]
fn recommended_packages_come_only_when_asked_for_and_possible() {
    let world = World::one(
        "a 1; Recommends: b, c | d, gone, e, f
         b 1; Recommends: deep
         c 1; Depends: gone
         d 1
         e 1; Conflicts: a
         f 1; Depends: f2
         f2 1; Breaks: b
         deep 1",
    );
    assert_eq!(world.sorted("a"), ["a 1"]);
    let request = Request {
        recommends: Recommends::Install,
        ..request("a")
    };
    let mut found = world.request(&request).unwrap();
    found.sort();
    assert_eq!(found, ["a 1", "b 1", "d 1", "deep 1"]);
}

#[test]
fn architectures_serve_their_own_unless_they_say_more() {
    let world = World::one(
        "a 1; Depends: foreign, all
         foreign 1; Architecture: i386; Multi-Arch: foreign
         all 1; Architecture: all; Depends: own
         own 1
         own 1; Architecture: i386
         b 1; Depends: allowed:any
         allowed 1; Architecture: i386; Multi-Arch: allowed
         c 1; Depends: allowed
         d 1; Depends: own:i386
         e 1; Depends: own:any
         lib 1; Multi-Arch: same
         lib 1; Architecture: i386; Multi-Arch: same
         f 1; Depends: lib, g
         g 1; Architecture: i386; Depends: lib; Multi-Arch: foreign
         h 1; Depends: own, own:i386",
    );
    assert_eq!(world.sorted("a"), ["a 1", "all 1", "foreign 1", "own 1"]);
    assert_eq!(world.sorted("b"), ["allowed 1", "b 1"]);
    assert!(
        world
            .error("c")
            .contains("needs `allowed` (Depends): in debian:bookworm there is 1 for i386")
    );
    assert_eq!(world.sorted("d"), ["d 1", "own 1"]);
    assert!(world.error("e").contains("`own:any`"));
    assert_eq!(world.sorted("f"), ["f 1", "g 1", "lib 1", "lib 1"]);
    assert!(
        world
            .error("h")
            .contains("cannot be installed for a second architecture")
    );
    assert_eq!(world.sorted("own:i386"), ["own 1"]);
    // Where there is nothing of the own architecture, another one does.
    assert_eq!(world.sorted("foreign"), ["foreign 1"]);
}

#[test]
fn restrictions_and_profiles_decide_whether_a_relation_counts() {
    let world = World::one(
        "a 1; Depends: x [amd64], y [!amd64], z [any-amd64] <!nocheck>, w <stage1>, v [i386] | x
         x 1
         z 1",
    );
    assert_eq!(world.sorted("a"), ["a 1", "x 1", "z 1"]);
}

#[test]
fn the_order_of_what_is_asked_for_does_not_count() {
    let lines = "a 1; Depends: x | y\nb 1; Depends: y | x\nx 1; Conflicts: y\ny 1\nc 1; Depends: v\n\
                 p 1; Provides: v\nq 1; Provides: v";
    let mut reversed: Vec<_> = lines.lines().collect();
    reversed.reverse();
    let one = World::of(&[("s:one", lines), ("s:two", "x 1\nq 1; Provides: v")]);
    let other = World::of(&[
        ("s:two", "q 1; Provides: v\nx 1"),
        ("s:one", &reversed.join("\n")),
    ]);
    let expected = one.solve("a b c");
    assert_eq!(expected.len(), 5);
    for names in ["a c b", "b a c", "b c a", "c a b", "c b a", "a a b c c"] {
        assert_eq!(one.solve(names), expected);
        assert_eq!(other.solve(names), expected);
    }
}
