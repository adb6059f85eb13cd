//! Why a package is locked.

use enclair_build::{Why, WhyReason};

use super::*;

/// A project with `openssl` and what it needs, and the shelf that it was locked from.
fn locked() -> (TempDir, Project, Shelf) {
    let (directory, project) = project("base = \"none\"\ninstall = [\"ca-certificates\"]");
    let shelf = suite();
    let debs = [
        deb("libc6", "2.36", "amd64").field("Depends", "libgcc-s1"),
        deb("libgcc-s1", "12", "amd64").field("Depends", "libc6"),
        deb("cdebconf", "1", "all").field("Provides", "debconf-2.0"),
        deb("alone", "1", "all"),
    ];
    let mut lines = vec![line(OPENSSL), line(CA_CERTIFICATES), line(LIBSSL3)];
    for deb in &debs {
        shelf.store_deb(deb);
        lines.push(line_of(deb));
    }
    project
        .import(&sums(&lines), (&[], None), &tools(&shelf))
        .unwrap();
    (directory, project, shelf)
}

fn lines(why: &Why) -> Vec<String> {
    let chains = why.chains.iter();
    chains
        .map(|chain| {
            let mut text = format!("{} ({})", chain.package.name, chain.reason.text());
            for need in &chain.needs {
                let words = [
                    need.field.to_string(),
                    format!("`{}`", need.relation),
                    need.package.name.clone(),
                ];
                text = format!("{text} {}", words.join(" "));
            }
            text
        })
        .collect()
}

#[test]
fn the_shortest_ways_come_from_the_suites_as_they_were_locked() {
    let (_directory, project, shelf) = locked();
    let why = |name: &str| project.why(name, &tools(&shelf)).unwrap().1;
    assert_eq!(
        lines(&why("libssl3")),
        [
            "ca-certificates (asked for) Depends `openssl (>= 1.1.1)` openssl \
             Depends `libssl3 (>= 3.0.9)` libssl3"
        ]
    );
    assert_eq!(
        lines(&why("cdebconf")),
        ["ca-certificates (asked for) Depends `debconf (>= 0.5) | debconf-2.0` cdebconf"]
    );
    assert_eq!(
        lines(&why("ca-certificates")),
        ["ca-certificates (asked for)"]
    );
    let alone = why("alone");
    assert_eq!(alone.chains[0].reason, WhyReason::Imported);
    assert_eq!(alone.packages[0].version, "1");
    // Packages of the suite are not in the store: only its index knows of them.
    shelf.close_archives();
    assert_eq!(lines(&why("libssl3")).len(), 1);
}

#[test]
fn without_the_suites_the_packages_themselves_are_asked() {
    let (_directory, project, shelf) = locked();
    shelf.close_archives();
    shelf.empty();
    let error = project.why("libssl3", &tools(&shelf)).unwrap_err();
    let text = words(&error);
    assert!(text.contains("no suite that can be had lists it"), "{text}");
}

#[test]
fn a_name_that_is_not_locked_is_refused_with_names_that_are_near() {
    let (_directory, project, shelf) = locked();
    let error = project.why("opensl", &tools(&shelf)).unwrap_err();
    let ProjectError::Listing { source } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        source.to_string(),
        "`opensl` is not among the 7 locked packages"
    );
    assert_eq!(source.hint().as_deref(), Some("there is openssl"));
}

/// A lock that was edited, so that a package is another than it is called.
#[test]
fn a_package_is_what_it_says_of_itself() {
    let (directory, project, shelf) = locked();
    let path = directory.path().join("enclair.lock");
    let text = fs::read_to_string(&path).unwrap();
    let edited = text.replace("{ name = \"alone\",", "{ name = \"other\",");
    assert_ne!(edited, text);
    fs::write(&path, edited).unwrap();
    let error = project.why("libssl3", &tools(&shelf)).unwrap_err();
    assert_eq!(
        words(&error),
        "`other 1 all` is another package inside: alone 1 all"
    );
}
