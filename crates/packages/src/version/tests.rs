use std::hash::DefaultHasher;

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

#[test]
fn a_version_has_three_parts() {
    for (text, epoch, upstream, revision, rest) in [
        ("1.0", 0, "1.0", None, "1.0"),
        ("1:2.3-4", 1, "2.3", Some("4"), "2.3-4"),
        ("1.2-3-4", 0, "1.2-3", Some("4"), "1.2-3-4"),
        ("0:1:2-3", 0, "1:2", Some("3"), "1:2-3"),
        (
            "1.0~rc1+b~x-1~deb12u1",
            0,
            "1.0~rc1+b~x",
            Some("1~deb12u1"),
            "1.0~rc1+b~x-1~deb12u1",
        ),
    ] {
        let found = version(text);
        assert_eq!(found.epoch(), epoch, "{text}");
        assert_eq!(found.upstream(), upstream);
        assert_eq!(found.revision(), revision);
        assert_eq!(found.without_epoch(), rest);
        assert_eq!(found.to_string(), text);
    }
}

#[test]
fn the_order_is_that_of_policy() {
    // Each one sorts before the next.
    let sorted = [
        "0~~",
        "0~~a",
        "0~",
        "0",
        "0a",
        "0+",
        "1.0~beta1~svc1-1",
        "1.0~beta1",
        "1.0",
        "1.0-1~",
        "1.0-1",
        "1.0-1+b1",
        "1.0-2",
        "1.0-10",
        "1.0a",
        "1.0b",
        "1.0+b",
        "1.0.0",
        "1.00.1",
        "1.1",
        "1.9",
        "1.10",
        "2",
        "99999999999999999999999",
        "100000000000000000000000",
        "1:0~",
        "1:0",
    ];
    for (index, left) in sorted.iter().enumerate() {
        for (other, right) in sorted.iter().enumerate() {
            assert_eq!(
                version(left).cmp(&version(right)),
                index.cmp(&other),
                "{left} {right}"
            );
        }
    }
}

fn hash(version: &Version) -> u64 {
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    hasher.finish()
}

#[test]
fn what_does_not_count_makes_no_difference() {
    for (left, right) in [
        ("1.0", "0:1.0"),
        ("1.0", "1.0-0"),
        ("1.0", "1.0-00"),
        ("1.01", "1.1"),
        ("1a", "1a0"),
        ("1", "001"),
    ] {
        assert_eq!(version(left), version(right));
        assert_eq!(
            hash(&version(left)),
            hash(&version(right)),
            "{left} {right}"
        );
    }
}

#[test]
fn what_is_no_version_is_refused() {
    for (text, expected) in [
        ("", VersionProblem::Empty),
        (":1", VersionProblem::Epoch),
        ("a:1", VersionProblem::Epoch),
        ("-1:1", VersionProblem::Epoch),
        ("+1:1", VersionProblem::Epoch),
        ("2147483648:1", VersionProblem::Epoch),
        ("1:", VersionProblem::Upstream),
        ("a1", VersionProblem::Upstream),
        ("-1", VersionProblem::Upstream),
        ("1-", VersionProblem::Revision),
        ("1 ", VersionProblem::Character { found: ' ' }),
        ("1_2", VersionProblem::Character { found: '_' }),
        ("1/2", VersionProblem::Character { found: '/' }),
        ("1é", VersionProblem::Character { found: 'é' }),
        ("1-2:3", VersionProblem::Epoch),
        ("0:1-2:3", VersionProblem::Character { found: ':' }),
        (&"1".repeat(300), VersionProblem::Length { found: 300 }),
    ] {
        assert_eq!(
            Version::parse(text).unwrap_err().problem,
            expected,
            "{text:?}"
        );
    }
    assert_eq!(
        Version::parse("1-").unwrap_err().to_string(),
        "`1-` is no version: nothing follows the last `-`"
    );
}

fn any_version() -> impl Strategy<Value = Version> {
    "([0-2]:)?[0-2][0-2a.~+]{0,4}(-[0-2a.~+]{1,3})?".prop_map(|text| version(&text))
}

proptest! {
    #[test]
    fn the_order_is_an_order(a in any_version(), b in any_version(), c in any_version()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
        if a == b {
            prop_assert_eq!(hash(&a), hash(&b));
            prop_assert_eq!(a.cmp(&c), b.cmp(&c));
        }
    }
}
