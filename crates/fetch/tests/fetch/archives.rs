//! Archives of packages: mirrors in order, providers after them, and what is said when a version
//! is gone from all of them.

use enclair_fetch::{ArchiveSettings, Provider, Settings};
use enclair_recipe::{Place, ProviderKind, Wanted};

use crate::servers::{Nginx, Scripted, respond_with};
use crate::{Bench, blob, noise, quick};

const PATH: &str = "pool/main/h/hello/hello_1.0-1_amd64.deb";

/// Settings with mirrors for an archive that nobody else has.
fn with_mirrors(mirrors: &[String]) -> Settings {
    let archive = ArchiveSettings {
        mirrors: mirrors.to_vec(),
        exclusive: false,
    };
    Settings {
        archives: [("synthetic".to_owned(), archive)].into(),
        ..quick()
    }
}

fn package(content: &[u8]) -> Wanted {
    Wanted {
        blob: blob(content),
        name: "package hello 1.0-1 amd64".into(),
        place: Place::Archive {
            archive: "synthetic".into(),
            path: PATH.into(),
            date: Some(1_783_764_997),
        },
    }
}

#[test]
fn the_next_mirror_has_what_one_lacks_or_altered() {
    let nginx = Nginx::start("", None);
    let content = noise(100_000, 51);
    let mut altered = content.clone();
    altered[5] ^= 1;
    nginx.put(&format!("old/{PATH}"), &altered);
    nginx.put(&format!("good/{PATH}"), &content);
    let mirrors = ["empty", "old", "good/"].map(|name| nginx.url(name));
    let bench = Bench::new(with_mirrors(&mirrors));
    bench.obtains(
        &package(&content),
        &content,
        &["/empty/pool/main/h", "status 404", "/old/pool", "digest"],
    );
}

#[test]
fn a_mirror_may_be_a_directory_and_needs_no_network() {
    let directory = tempfile::tempdir().unwrap();
    let content = noise(1000, 52);
    let file = directory.path().join(PATH);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &content).unwrap();
    let url = format!("file://{}", directory.path().display());
    let bench = Bench::new(Settings {
        offline: true,
        ..with_mirrors(&["http://127.0.0.1:1/debian".to_owned(), url])
    });
    bench.obtains(&package(&content), &content, &["offline"]);
    let found = bench.fetcher.resolve_archive_file("synthetic", PATH, 1000);
    assert_eq!(found.unwrap(), blob(&content));
    let error = bench.fetcher.resolve_archive_file("synthetic", PATH, 999);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("has more than 999 bytes"), "{error}");
}

#[test]
fn providers_of_packages_are_asked_with_name_and_date() {
    let content = noise(1000, 53);
    let sent = content.clone();
    let server = Scripted::start(move |_, head, stream| {
        let expected = format!("GET /keep/20260711T161637Z/{PATH} ");
        if head.starts_with(&expected) {
            let length = format!("Content-Length: {}\r\n", sent.len());
            respond_with(stream, "200 OK", &length, &sent);
        } else {
            respond_with(stream, "404 Not Found", "Content-Length: 0\r\n", b"");
        }
    });
    let provider = |kind, template: &str| Provider {
        kind,
        template: server.url(template),
    };
    let bench = Bench::new(Settings {
        providers: vec![
            provider(ProviderKind::Url, "never/{name}"),
            provider(ProviderKind::Package, "keep/{date}/{name}"),
        ],
        ..with_mirrors(&[server.url("mirror")])
    });
    bench.obtains(&package(&content), &content, &["/mirror/pool"]);
    assert!(!bench.summary().contains("never"), "{}", bench.summary());
}

#[test]
fn what_vanished_is_named_with_everybody_who_was_asked() {
    let nginx = Nginx::start("", None);
    let content = noise(1000, 54);
    let bench = Bench::new(Settings {
        providers: vec![Provider {
            kind: ProviderKind::Package,
            template: "file:///nonexistent/{sha256}".into(),
        }],
        ..with_mirrors(&[nginx.url("one"), nginx.url("two")])
    });
    let wanted = package(&content);
    let error = bench.fetcher.obtain(std::slice::from_ref(&wanted));
    let error = error.unwrap_err();
    let text = error.to_string();
    let first = format!(
        "package hello 1.0-1 amd64 (sha256:{}, 1000 bytes): nobody gave it",
        wanted.blob.sha256
    );
    assert_eq!(text.lines().next(), Some(&*first));
    for asked in ["/one/pool/main", "/two/pool/main", "file:///nonexistent/"] {
        assert!(text.contains(asked), "{text}");
    }
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("snapshot") && hint.contains("store export"),
        "{hint}"
    );
}

#[test]
fn a_suite_is_asked_of_each_mirror_until_one_has_it() {
    let nginx = Nginx::start("", None);
    nginx.put("good/dists/sid/InRelease", b"signed");
    let path = "dists/sid/InRelease";
    let bench = Bench::new(with_mirrors(&[nginx.url("empty"), nginx.url("good")]));
    let found = bench.fetcher.resolve_archive_file("synthetic", path, 6);
    assert_eq!(found.unwrap(), blob(b"signed"));
    assert!(bench.holds(b"signed"));
    assert!(
        bench.summary().contains("/empty/dists"),
        "{}",
        bench.summary()
    );

    let error = bench.fetcher.resolve_archive_file("synthetic", path, 5);
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("`dists/sid/InRelease` of archive `synthetic`"),
        "{error}"
    );
    assert!(error.contains("has more than 5 bytes"), "{error}");

    let error = bench
        .fetcher
        .resolve_archive_file("other", path, 6)
        .unwrap_err();
    assert!(error.to_string().ends_with(": nobody to ask"), "{error}");
    assert!(error.hint().unwrap().contains("[archive.debian]"));
}

/// As a mirror that asks for a password: it gets it, and nobody else sees it.
#[test]
fn credentials_of_a_mirror_are_used_and_not_shown() {
    let content = noise(1000, 55);
    let sent = content.clone();
    let server = Scripted::start(move |_, head, stream| {
        if head.contains("uthorization: Basic dXNlcjpzZWNyZXQ=") {
            let length = format!("Content-Length: {}\r\n", sent.len());
            respond_with(stream, "200 OK", &length, &sent);
        } else {
            respond_with(stream, "401 Unauthorized", "Content-Length: 0\r\n", b"");
        }
    });
    let with_password = server.url("a").replace("http://", "http://user:secret@");
    let bench = Bench::new(with_mirrors(&[server.url("b"), with_password]));
    bench.obtains(&package(&content), &content, &["status 401"]);
    assert!(!bench.summary().contains("secret"), "{}", bench.summary());
}

/// A snapshot may answer with a redirect to a file by its digest, over TLS or not.
#[test]
fn redirects_of_a_mirror_are_followed() {
    let nginx = Nginx::start(
        "location /archive/ { rewrite ^/archive/.*/(.*)$ /file/$1 redirect; }",
        None,
    );
    let content = noise(1000, 56);
    nginx.put("file/hello_1.0-1_amd64.deb", &content);
    let bench = Bench::new(with_mirrors(&[nginx.url("archive/20260711T161637Z")]));
    bench.obtains(&package(&content), &content, &[]);
}

/// A hundred packages do not each wait for a mirror that is not there.
#[test]
fn a_mirror_without_a_connection_is_asked_once() {
    let nginx = Nginx::start("", None);
    let (one, two) = (noise(1000, 57), noise(1000, 58));
    nginx.put(PATH, &one);
    let nobody = "http://127.0.0.1:1/debian".to_owned();
    let bench = Bench::new(Settings {
        parallel: 1,
        ..with_mirrors(&[nobody, nginx.url("")])
    });
    bench.obtains(&package(&one), &one, &["no connection", "tried 3 times"]);
    nginx.put(PATH, &two);
    bench.obtains(&package(&two), &two, &["not asked again"]);
}
