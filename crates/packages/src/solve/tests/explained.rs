//! What is said of a result, and of there being none.

use super::*;

#[test]
fn every_package_has_a_reason_and_the_shortest_chains() {
    let world = World::one(
        "app 1; Depends: web, lib (>= 1)
         web 1; Depends: server | other
         server 1; Pre-Depends: lib
         lib 1; Essential: yes
         base 1; Priority: required; Depends: deep
         deep 1; Recommends: web",
    );
    let request = Request {
        base: Base::Required,
        ..request("app")
    };
    let universe = world.universe();
    let solution = solve(&universe, &request).unwrap();
    let reasons: Vec<_> = solution
        .chosen()
        .iter()
        .map(|chosen| format!("{}: {}", chosen.package.name(), chosen.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            "lib: essential",
            "server: web Depends `server | other`",
            "web: app Depends `web`",
            "app: asked for",
            "deep: base Depends `deep`",
            "base: required",
        ]
    );
    let names: Vec<_> = solution
        .chosen()
        .iter()
        .map(|chosen| chosen.package.name())
        .collect();
    let why = |name: &str| -> Vec<String> {
        let chains = solution.why(name);
        let told = chains.iter().map(|chain| {
            let mut told = names[chain.root].to_owned();
            let mut last = chain.root;
            for (link, place) in &chain.links {
                assert_eq!(link.by, last);
                last = *place;
                write!(told, " > {}", names[last]).unwrap();
            }
            told
        });
        told.collect()
    };
    assert_eq!(why("server"), ["app > web > server"]);
    assert_eq!(why("web"), ["app > web"]);
    assert_eq!(why("lib"), ["lib"]);
    assert_eq!(why("other"), [""; 0]);
}

#[test]
fn two_ways_of_the_same_length_are_both_told() {
    let world = World::one("a 1; Depends: x\nb 1; Depends: x\nx 1");
    let universe = world.universe();
    let solution = solve(&universe, &request("b a")).unwrap();
    assert_eq!(solution.why("x").len(), 2);
}

#[test]
fn a_version_that_is_not_there_is_explained_with_what_there_is() {
    let world = World::of(&[
        (
            "debian:bookworm",
            "c 1; Depends: a\na 1; Depends: b (>= 2)\nb 1.9",
        ),
        ("debian:bookworm-security", "b 1.9.1"),
    ]);
    insta::assert_snapshot!(world.error("c"), @"`a` 1 needs `b (>= 2)` (Depends): in debian:bookworm there is 1.9 for amd64, in debian:bookworm-security there is 1.9.1 for amd64; `a` is wanted by `c`");
    let world = World::of(&[
        ("debian:bookworm", "a 1; Depends: b (>= 2)\nb 1.9"),
        ("*debian:bookworm-backports", "b 2"),
    ]);
    let error = world.request(&request("a")).unwrap_err();
    insta::assert_snapshot!(error, @"`a` 1 needs `b (>= 2)` (Depends): in debian:bookworm there is 1.9 for amd64, in debian:bookworm-backports there is 2 for amd64");
    insta::assert_snapshot!(error.hint().unwrap(), @"ask for `b=2` too, of debian:bookworm-backports");
}

#[test]
fn a_name_that_is_not_there_is_explained_with_where_was_looked() {
    let world = World::of(&[("debian:bookworm", "python3 1"), ("debian:updates", "z 1")]);
    let error = world.request(&request("pyhton3")).unwrap_err();
    insta::assert_snapshot!(error, @"`pyhton3`: no package has this name in `debian:bookworm main`, `debian:updates main`");
    insta::assert_snapshot!(error.hint().unwrap(), @"there is `python3`");
    let error = world.request(&request("python3:i386")).unwrap_err();
    insta::assert_snapshot!(error, @"`python3:i386`: there is no such version; in debian:bookworm there is 1 for amd64");
    insta::assert_snapshot!(world.error("z=2*"), @"`z=2*`: there is no such version; in debian:updates there is 1 for amd64");
    insta::assert_snapshot!(world.error("z/backports"), @"`z/backports`: there is no such version; in debian:updates there is 1 for amd64");
    insta::assert_snapshot!(world.error("z=1 z/updates z=2"), @"`z=2`: there is no such version; in debian:updates there is 1 for amd64");
}

#[test]
fn what_is_excluded_is_named() {
    let world = World::one("a 1; Depends: b\nb 1; Depends: c | d\nc 1\nd 1; Depends: gone");
    let error = world.request(&request("a -c")).unwrap_err();
    insta::assert_snapshot!(error, @"`b` 1 needs `c | d` (Depends): `c` is excluded; `d` 1 needs `gone` (Depends): nothing has or provides `gone` in `debian:bookworm main`; `b` is wanted by `a`");
    insta::assert_snapshot!(error.hint().unwrap(), @"do not exclude `c`, or ask for an alternative");
    insta::assert_snapshot!(world.error("a -a"), @"`a` is asked for and excluded");
    insta::assert_snapshot!(world.error("a -b"), @"`a` 1 needs `b` (Depends): `b` is excluded");
}

#[test]
fn a_conflict_is_explained_from_both_sides() {
    let world = World::one(
        "a 1; Depends: b
         b 1; Depends: x
         c 1; Depends: d
         d 1; Conflicts: x
         x 1
         e 1; Breaks: a (<< 2)",
    );
    insta::assert_snapshot!(world.error("a c"), @"`c` 1 needs `d` (Depends): `d` cannot be installed with `x`, because `d` has `Conflicts: x`; `x` is wanted by `b`, that by `a`");
    insta::assert_snapshot!(world.error("a e"), @"`e` 1 cannot be installed: `e` cannot be installed with `a`, because `e` has `Breaks: a (<< 2)`");
}

#[test]
fn a_relation_that_cannot_be_read_is_an_error_where_it_is_needed() {
    let world = World::one("a 1; Depends: b b\nc 1");
    assert_eq!(world.sorted("c"), ["c 1"]);
    insta::assert_snapshot!(world.error("a"), @"package `a` 1: the field `Depends` cannot be read");
}

#[test]
fn what_is_asked_for_is_read_or_refused() {
    for text in [
        "a",
        "a:i386",
        "a=1:2.3-4~x",
        "a=1*",
        "a/s",
        "a/debian:s",
        "a:all=1",
    ] {
        assert_eq!(text.parse::<Asked>().unwrap().to_string(), text);
    }
    assert_eq!("a:native".parse::<Asked>().unwrap().to_string(), "a");
    for text in [
        "", "=1", "a=", "a=*", "a=1*2", "a=1 2", "a/", "a/b/c", "a:", "a b", "a:b c",
    ] {
        text.parse::<Asked>().unwrap_err();
    }
}
