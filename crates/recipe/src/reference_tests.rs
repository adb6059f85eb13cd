//! References: the table of what is completed to what, and what is refused.

use proptest::prelude::*;

use super::*;

fn complete(text: &str) -> Result<String, ParseReferenceError> {
    let reference: ImageReference = text.parse()?;
    let complete = reference.to_string();
    assert_eq!(complete.parse(), Ok(reference), "{text}: round trip");
    Ok(complete)
}

#[test]
fn names_of_registries_are_completed_as_docker_does() {
    let hex = "ab".repeat(32);
    for (text, expected) in [
        ("debian:12", "docker.io/library/debian:12".to_owned()),
        ("debian", "docker.io/library/debian:latest".to_owned()),
        ("docker:app", "docker.io/library/docker:app".to_owned()),
        ("org/app:1", "docker.io/org/app:1".to_owned()),
        (
            "docker.io/debian",
            "docker.io/library/debian:latest".to_owned(),
        ),
        (
            "index.docker.io/debian:1",
            "docker.io/library/debian:1".to_owned(),
        ),
        ("localhost/app:1", "localhost/app:1".to_owned()),
        ("localhost:5000/app", "localhost:5000/app:latest".to_owned()),
        (
            "localhost:5000",
            "docker.io/library/localhost:5000".to_owned(),
        ),
        ("ghcr.io/a/b/c:v1.2", "ghcr.io/a/b/c:v1.2".to_owned()),
        ("HOST/app:1", "HOST/app:1".to_owned()),
        ("[::1]:5000/app:1", "[::1]:5000/app:1".to_owned()),
        ("[::1]/app:1", "[::1]/app:1".to_owned()),
        (
            "a__b/c-d/e--f/g.h/i_j:X_1.-",
            "docker.io/a__b/c-d/e--f/g.h/i_j:X_1.-".to_owned(),
        ),
        (
            &format!("a@sha256:{hex}"),
            format!("docker.io/library/a@sha256:{hex}"),
        ),
        (
            &format!("h:1/a@sha256:{hex}"),
            format!("h:1/a@sha256:{hex}"),
        ),
    ] {
        assert_eq!(complete(text), Ok(expected), "{text}");
    }
    let reference: RegistryReference = "localhost:5000/a/b:c".parse().unwrap();
    assert_eq!(reference.host(), "localhost:5000");
    assert_eq!(reference.repository(), "a/b");
    assert_eq!(reference.name(), "localhost:5000/a/b");
    assert_eq!(reference.version(), &Version::Tag("c".into()));
}

#[test]
fn transport_path_and_name_are_taken_apart() {
    let layout = |path: &str, name: Option<&str>| ImageReference::OciLayout {
        path: path.into(),
        name: name.map(str::to_owned),
    };
    assert_eq!(
        "oci:dir/layout:v1".parse(),
        Ok(layout("dir/layout", Some("v1")))
    );
    assert_eq!("oci:dir".parse(), Ok(layout("dir", None)));
    assert_eq!("oci:dir:".parse(), Ok(layout("dir", None)));
    assert_eq!(
        "docker-archive:a.tar:example/app:1.2".parse(),
        Ok(ImageReference::DockerArchive {
            path: "a.tar".into(),
            name: Some("example/app:1.2".into())
        })
    );
    for text in [
        "oci:dir",
        "oci-archive:a.tar:x",
        "docker-archive:a:n:t",
        "docker-daemon:a:b",
    ] {
        assert_eq!(complete(text), Ok(text.to_owned()));
    }
}

#[test]
fn what_only_this_machine_has_is_private() {
    for text in [
        "docker-daemon:app",
        "oci:../x",
        "docker-archive:/tmp/x:a:b",
        "oci-archive:..",
    ] {
        assert!(
            text.parse::<ImageReference>().unwrap().is_private(),
            "{text}"
        );
    }
    for text in ["debian", "oci:build/x", "oci-archive:x.tar"] {
        assert!(
            !text.parse::<ImageReference>().unwrap().is_private(),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_reference_is_refused() {
    use ParseReferenceError as E;
    type Is = fn(&E) -> bool;
    let hex = "ab".repeat(32);
    let cases: [(&str, Is); 27] = [
        ("", |e| matches!(e, E::Empty)),
        ("http://x", |e| matches!(e, E::Scheme(_))),
        ("docker://debian", |e| matches!(e, E::Scheme(_))),
        ("oic:dir", |e| matches!(e, E::Transport { .. })),
        ("oci_archive:x", |e| matches!(e, E::Transport { .. })),
        ("docker-deamon:x", |e| matches!(e, E::Transport { .. })),
        ("oci:", |e| matches!(e, E::Path(_))),
        ("oci", |e| matches!(e, E::Path(_))),
        ("oci::tag", |e| matches!(e, E::Path(_))),
        ("docker-daemon:", |e| matches!(e, E::DaemonName(_))),
        ("Debian:12", |e| matches!(e, E::UpperCase { .. })),
        ("ghcr.io/Org/app", |e| matches!(e, E::UpperCase { .. })),
        ("a..b", |e| matches!(e, E::Repository { .. })),
        ("a/", |e| matches!(e, E::Repository { .. })),
        ("/a", |e| matches!(e, E::Repository { .. })),
        ("a//b", |e| matches!(e, E::Repository { .. })),
        ("-a", |e| matches!(e, E::Repository { .. })),
        ("a___b", |e| matches!(e, E::Repository { .. })),
        ("ä", |e| matches!(e, E::Repository { .. })),
        ("a b", |e| matches!(e, E::Repository { .. })),
        ("-x.y/a", |e| matches!(e, E::Host { .. })),
        ("h:0/a", |e| matches!(e, E::Host { .. })),
        ("h:70000/a", |e| matches!(e, E::Host { .. })),
        ("a:", |e| matches!(e, E::Tag { .. })),
        ("a:-x", |e| matches!(e, E::Tag { .. })),
        ("a@md5:00", |e| matches!(e, E::Algorithm { .. })),
        ("a@sha256:00", |e| matches!(e, E::Digest { .. })),
    ];
    for (text, is) in cases {
        let error = complete(text).unwrap_err();
        assert!(is(&error), "{text}: {error}");
    }
    assert!(matches!(complete(&hex), Err(E::ImageId(_))));
    assert!(matches!(
        complete(&format!("a:b@sha256:{hex}")),
        Err(E::TagAndDigest { .. })
    ));
    assert!(matches!(
        complete(&format!("a:{}", "t".repeat(129))),
        Err(E::Tag { .. })
    ));
    assert!(matches!(complete(&"a".repeat(256)), Err(E::Length { .. })));
}

proptest! {
    #[test]
    fn any_text_is_refused_or_round_trips(text in "[a-zA-Z0-9:/@._\\[\\]-]{0,40}|.{0,20}") {
        let _ = complete(&text);
    }

    #[test]
    fn what_the_grammar_allows_is_read(
        host in "([a-z0-9]{1,5}\\.){1,3}[a-z]{2}(:[1-9][0-9]{0,3})?",
        repository in "[a-z0-9]+((\\.|_|__|-{1,3})[a-z0-9]+){0,2}(/[a-z0-9]+){0,3}",
        tag in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}",
    ) {
        let text = format!("{host}/{repository}:{tag}");
        prop_assert_eq!(complete(&text), Ok(text));
    }
}
