use proptest::prelude::*;

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn parse(text: &str) -> Result<Sums, SumsError> {
    Sums::parse(text.as_bytes())
}

fn problem(line: &str) -> LineProblem {
    let error = parse(&format!("# first\n{line}\n")).unwrap_err();
    let SumsError::Line { line: 2, problem } = error else {
        panic!("{line}: {error}");
    };
    problem
}

#[test]
fn packages_come_in_their_order_and_comments_do_not_count() {
    let text = format!(
        "# made by hand\r\n\r\n{B}  pool/main/b_1_all.deb\r\n#\n{A}  ./a_1%3a2~3+b1_amd64.deb\n\
         {A}  /ipfs/bafkrei\n"
    );
    let sums = parse(&text).unwrap();
    let found: Vec<_> = sums
        .packages
        .iter()
        .map(|sum| (sum.path.as_str(), sum.sha256.to_string(), sum.line))
        .collect();
    assert_eq!(
        found,
        [
            ("pool/main/b_1_all.deb", B.to_owned(), 3),
            ("a_1%3a2~3+b1_amd64.deb", A.to_owned(), 5),
        ]
    );
    assert_eq!(sums.ipfs, 1);
    assert_eq!(parse("").unwrap(), Sums::default());
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    use crate::index::PathProblem;

    for (name, expected) in [
        ("../a.deb", PathProblem::Part),
        ("pool/../../a.deb", PathProblem::Part),
        ("pool//a.deb", PathProblem::Part),
        ("pool/./a.deb", PathProblem::Part),
        ("/pool/a.deb", PathProblem::Absolute),
        ("pool\\a.deb", PathProblem::Character { found: '\\' }),
    ] {
        let found = problem(&format!("{A}  {name}"));
        let LineProblem::Name { source, .. } = &found else {
            panic!("{name}: {found}");
        };
        assert_eq!(*source, expected, "{name}");
    }
    for name in ["a b.deb", " a.deb", "a\u{1b}.deb", "a\u{202e}.deb", "ä.deb"] {
        let found = problem(&format!("{A}  {name}"));
        assert!(matches!(found, LineProblem::Character { .. }), "{name}");
    }
    for name in ["pool/a.dsc", "a", ".deb", "pool/.deb", "a.deb.sig"] {
        let found = problem(&format!("{A}  {name}"));
        assert!(matches!(found, LineProblem::NoPackage { .. }), "{name}");
    }
}

#[test]
fn other_distributions_are_named() {
    for (name, form) in [
        (
            "lmdb/0.9.29/3.fc36/x86_64/lmdb-libs-0.9.29-3.fc36.x86_64.rpm",
            Form::Fedora,
        ),
        ("v3.16/main/x86_64/bash-5.1.16-r2.apk", Form::Alpine),
        ("n/neofetch/neofetch-7.1.0-2-any.pkg.tar.zst", Form::Arch),
        (
            "n/neofetch/neofetch-7.1.0-2-any.pkg.tar.zst.sig",
            Form::Arch,
        ),
    ] {
        let found = problem(&format!("{A}  {name}"));
        assert_eq!(found, LineProblem::Distribution { form }, "{name}");
        assert!(found.to_string().contains(&form.to_string()));
    }
}

#[test]
fn a_line_is_a_digest_two_blanks_and_a_path() {
    let short = A.get(1..).unwrap();
    for line in [
        format!("{A} pool/a.deb"),
        format!("{A} *pool/a.deb"),
        format!("{A}\tpool/a.deb"),
        A.to_owned(),
    ] {
        let found = problem(&line);
        assert_eq!(found, LineProblem::Blanks, "{line}");
    }
    for line in [
        format!("{short}  pool/a.deb"),
        format!("g{short}  pool/a.deb"),
        format!("  {A}  pool/a.deb"),
        format!("\\{A}  pool/a.deb"),
        format!(" # {A}  pool/a.deb"),
    ] {
        let found = problem(&line);
        assert!(matches!(found, LineProblem::Digest(_)), "{line}: {found}");
    }
    let mut bytes = format!("{A}  pool/").into_bytes();
    bytes.push(0xff);
    assert_eq!(
        Sums::parse(&bytes),
        Err(SumsError::Line {
            line: 1,
            problem: LineProblem::Text
        })
    );
}

#[test]
fn nothing_stands_twice() {
    let twice = |second: &str| {
        let text = format!("{A}  pool/a.deb\n\n{second}\n");
        let error = parse(&text).unwrap_err();
        let SumsError::Line { line: 3, problem } = error else {
            panic!("{error}");
        };
        problem
    };
    let same = format!("{A}  pool/a.deb");
    assert_eq!(twice(&same), LineProblem::Path { first: 1 });
    let other = format!("{B}  pool/a.deb");
    assert_eq!(twice(&other), LineProblem::Path { first: 1 });
    let moved = format!("{A}  pool/b.deb");
    assert_eq!(twice(&moved), LineProblem::Same { first: 1 });
    let strange = format!("{B}  /ipfs/bafkrei");
    assert_eq!(twice(&strange), LineProblem::Ipfs);
}

#[test]
fn a_file_has_an_end() {
    let long = vec![b'#'; MAX_SUMS + 1];
    let found = long.len();
    assert_eq!(Sums::parse(&long), Err(SumsError::Long { found }));
    let lines = "\n".repeat(MAX_LINES);
    assert_eq!(parse(&lines), Err(SumsError::Lines));
    assert!(parse(&"\n".repeat(MAX_LINES - 1)).is_ok());
}

#[test]
fn two_packages_cannot_have_one_line() {
    let [a, b] = [A, B].map(|digits| digits.parse::<Sha256>().unwrap());
    let text = write([("pool/b.deb", b), ("pool/a.deb", a), ("pool/b.deb", b)]).unwrap();
    assert_eq!(text, format!("{A}  pool/a.deb\n{B}  pool/b.deb\n"));
    let path = "pool/a.deb".into();
    assert_eq!(
        write([("pool/a.deb", b), ("pool/a.deb", a)]),
        Err(SumsError::Ambiguous { path })
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        packages in proptest::collection::btree_map(
            "(pool/[a-z0-9+.~%-]{1,8}/)?[a-z0-9]{1,6}_[0-9.+~-]{1,6}_(all|amd64)\\.deb",
            any::<[u8; 32]>(),
            0..20,
        )
    ) {
        let distinct: std::collections::BTreeSet<_> = packages.values().collect();
        prop_assume!(distinct.len() == packages.len());
        let dots = |path: &String| path.split('/').any(|part| part == "." || part == "..");
        prop_assume!(!packages.keys().any(dots));
        let entries = || packages.iter().map(|(path, bytes)| {
            (path.as_str(), Sha256::from_bytes(*bytes))
        });
        let text = write(entries()).unwrap();
        let sums = parse(&text).unwrap();
        let found = sums.packages.iter().map(|sum| (sum.path.as_str(), sum.sha256));
        prop_assert!(found.eq(entries()));
    }
}
