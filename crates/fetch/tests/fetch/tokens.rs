//! Passwords and tokens: a registry with a password file, and hand-written servers that give and
//! want tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use enclair_eif::Arch;
use enclair_fetch::{Credentials, Settings};

use crate::Bench;
use crate::images::{Image, Layout};
use crate::registries::{layout, parts, plain};
use crate::servers::{Registry, RegistryOptions, Scripted, header, respond, run};

/// `me:secret` in base 64.
const ENCODED: &str = "bWU6c2VjcmV0";

/// Settings with a file of credentials as Docker or Podman has it.
fn with_file(settings: Settings, home: &Path, name: &str, content: &str) -> Settings {
    let path = home.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    Settings {
        credentials: Credentials {
            home: Some(home.to_owned()),
            ..Credentials::default()
        },
        ..settings
    }
}

fn auths(key: &str) -> String {
    format!(r#"{{"auths":{{"{key}":{{"auth":"{ENCODED}"}}}}}}"#)
}

/// A registry with a password, an image in it, and what it is called.
fn with_password() -> (Registry, Image, String) {
    let user = Some(("me", "secret"));
    let registry = Registry::start(RegistryOptions {
        user,
        ..RegistryOptions::default()
    });
    let (layout, image) = layout(&["gzip"]);
    registry.push(
        layout.path(),
        "team/app:1",
        &["--dest-creds=me:secret", "--preserve-digests"],
    );
    let host = registry.host();
    (registry, image, host)
}

#[test]
fn passwords_come_from_the_files_of_docker_and_podman() {
    let (_registry, image, host) = with_password();
    for (file, key) in [
        (".docker/config.json", host.clone()),
        (".docker/config.json", format!("https://{host}/v1/")),
        (".config/containers/auth.json", host.clone()),
        (".config/containers/auth.json", format!("{host}/team")),
        (".config/containers/auth.json", format!("{host}/team/app")),
    ] {
        let home = tempfile::tempdir().unwrap();
        let settings = with_file(plain(&[(&host, &[])]), home.path(), file, &auths(&key));
        let bench = Bench::new(settings);
        let found = bench
            .fetcher
            .resolve_image(&format!("{host}/team/app:1"), Arch::X86_64);
        assert_eq!(found.unwrap(), image.manifest, "{file} {key}");
        bench
            .fetcher
            .obtain(&parts(&image, &format!("{host}/team/app")))
            .unwrap();
    }
}

#[test]
fn without_a_password_or_with_a_wrong_one_it_is_said() {
    let (_registry, _image, host) = with_password();
    let home = tempfile::tempdir().unwrap();
    let wrong = format!(r#"{{"auths":{{"{host}":{{"username":"me","password":"hidden"}}}}}}"#);
    let file = ".docker/config.json";
    let settings = || plain(&[(&host, &[])]);
    for settings in [
        settings(),
        with_file(settings(), home.path(), file, &wrong),
        with_file(settings(), home.path(), file, &auths("elsewhere.example")),
    ] {
        let bench = Bench::new(settings);
        let error = bench
            .fetcher
            .resolve_image(&format!("{host}/team/app:1"), Arch::X86_64);
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains(&format!("asks for credentials for `{host}`")),
            "{text}"
        );
        assert!(!text.contains("hidden"), "{text}");
    }
    let bench = Bench::new(with_file(settings(), home.path(), file, "{"));
    let error = bench
        .fetcher
        .resolve_image(&format!("{host}/team/app:1"), Arch::X86_64);
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains("the credentials for") && text.contains("cannot be had"),
        "{text}"
    );
}

/// A token server and a registry that wants its tokens, both hand-written: the registry has the
/// blobs of a layout.
struct Tokens {
    server: Scripted,
    registry: Scripted,
    host: String,
}

impl Tokens {
    /// Who has `ENCODED`, or nobody in particular if `anonymous`, gets a token.
    fn start(layout: &Layout, tag: &Image, anonymous: bool) -> Self {
        let server = Scripted::start(move |_, head, stream| {
            let basic = header(head, "authorization") == Some(&format!("Basic {ENCODED}"));
            let post = head.starts_with("POST ");
            if anonymous || basic || post {
                respond(
                    stream,
                    "200 OK",
                    "",
                    br#"{"access_token":"good","expires_in":300}"#,
                );
            } else {
                respond(stream, "401 Unauthorized", "", b"");
            }
        });
        let realm = server.url("token");
        let files = layout.path().join("blobs/sha256");
        let tag = tag.manifest.sha256.to_string();
        let registry = Scripted::start(move |_, head, stream| {
            if header(head, "authorization") != Some("Bearer good") {
                let challenge = format!(
                    "WWW-Authenticate: Bearer realm=\"{realm}\",service=\"s\",\
                     scope=\"repository:a:pull\"\r\n"
                );
                respond(stream, "401 Unauthorized", &challenge, b"");
                return;
            }
            let path = head.split(' ').nth(1).unwrap();
            let digest = path.rsplit(':').next().unwrap();
            let name = if path.ends_with("/manifests/1") {
                &tag
            } else {
                digest
            };
            match fs::read(files.join(name)) {
                Ok(content) => respond(stream, "200 OK", "", &content),
                Err(_) => respond(stream, "404 Not Found", "", b""),
            }
        });
        let host = registry.address.to_string();
        Self {
            server,
            registry,
            host,
        }
    }
}

#[test]
fn a_token_is_asked_for_once_and_serves_for_all_parts() {
    let (layout, image) = layout(&["gzip", "zstd"]);
    let tokens = Tokens::start(&layout, &image, true);
    let host = &tokens.host;
    let bench = Bench::new(plain(&[(host, &[])]));
    let found = bench
        .fetcher
        .resolve_image(&format!("{host}/a:1"), Arch::X86_64)
        .unwrap();
    assert_eq!(found, image.manifest);
    bench
        .fetcher
        .obtain(&parts(&image, &format!("{host}/a")))
        .unwrap();
    let asked = tokens.server.requests();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(
        asked[0].starts_with("GET /token?service=s&scope=repository%3Aa%3Apull "),
        "{asked:?}"
    );
    let refused = tokens.registry.requests();
    let refused = refused
        .iter()
        .filter(|head| header(head, "authorization").is_none());
    assert_eq!(refused.count(), 1);
}

#[test]
fn threads_that_come_at_once_ask_for_one_token() {
    let (layout, image) = layout(&["gzip", "gzip", "gzip", "gzip", "gzip", "gzip"]);
    let tokens = Tokens::start(&layout, &image, true);
    let host = &tokens.host;
    let bench = Bench::new(plain(&[(host, &[])]));
    bench
        .fetcher
        .obtain(&parts(&image, &format!("{host}/a")))
        .unwrap();
    assert_eq!(tokens.server.requests().len(), 1);
}

#[test]
fn passwords_go_to_the_token_server_and_not_to_the_registry() {
    let (layout, image) = layout(&["gzip"]);
    let tokens = Tokens::start(&layout, &image, false);
    let host = &tokens.host;
    let home = tempfile::tempdir().unwrap();
    let reference = format!("{host}/a:1");
    let bench = Bench::new(plain(&[(host, &[])]));
    let error = bench
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap_err();
    assert!(
        error.to_string().contains("asks for credentials"),
        "{error}"
    );
    let settings = with_file(
        plain(&[(host, &[])]),
        home.path(),
        ".docker/config.json",
        &auths(host),
    );
    let bench = Bench::new(settings);
    bench
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap();
    for head in tokens.registry.requests() {
        assert!(!head.contains(ENCODED), "{head}");
    }
}

#[test]
fn an_identity_token_is_exchanged() {
    let (layout, image) = layout(&["gzip"]);
    let tokens = Tokens::start(&layout, &image, false);
    let host = &tokens.host;
    let home = tempfile::tempdir().unwrap();
    let file = format!(r#"{{"auths":{{"{host}":{{"identitytoken":"refresh"}}}}}}"#);
    let settings = with_file(
        plain(&[(host, &[])]),
        home.path(),
        ".docker/config.json",
        &file,
    );
    let bench = Bench::new(settings);
    bench
        .fetcher
        .resolve_image(&format!("{host}/a:1"), Arch::X86_64)
        .unwrap();
    assert!(tokens.server.requests()[0].starts_with("POST /token "));
}

#[test]
fn a_challenge_that_leads_nowhere_is_not_followed() {
    for (challenge, because) in [
        ("Digest realm=\"x\"", "neither Basic nor Bearer"),
        ("Bearer realm=\"file:///etc/passwd\"", "its realm is no URL"),
        ("Bearer service=\"x\"", "its realm is no URL"),
        ("", "neither Basic nor Bearer"),
    ] {
        let server = Scripted::start(move |_, _, stream| {
            let header = format!("WWW-Authenticate: {challenge}\r\n");
            respond(stream, "401 Unauthorized", &header, b"");
        });
        let host = server.address.to_string();
        let bench = Bench::new(plain(&[(&host, &[])]));
        let error = bench
            .fetcher
            .resolve_image(&format!("{host}/a:1"), Arch::X86_64)
            .unwrap_err();
        assert!(error.to_string().contains(because), "{error}");
    }
}

#[test]
fn a_token_does_not_go_along_to_another_host() {
    let (layout, image) = layout(&["gzip"]);
    let tokens = Tokens::start(&layout, &image, true);
    let files = layout.path().join("blobs/sha256");
    let storage = Arc::new(Scripted::start(move |_, head, stream| {
        let name = head
            .split(' ')
            .nth(1)
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned();
        respond(stream, "200 OK", "", &fs::read(files.join(name)).unwrap());
    }));
    let (to, realm) = (storage.url(""), tokens.server.url("token"));
    let front = Scripted::start(move |_, head, stream| {
        if header(head, "authorization") != Some("Bearer good") {
            let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\"\r\n");
            respond(stream, "401 Unauthorized", &challenge, b"");
            return;
        }
        let digest = head.split(' ').nth(1).unwrap().rsplit(':').next().unwrap();
        respond(
            stream,
            "307 Temporary Redirect",
            &format!("Location: {to}{digest}\r\n"),
            b"",
        );
    });
    let host = front.address.to_string();
    let bench = Bench::new(plain(&[(&host, &[])]));
    bench
        .fetcher
        .obtain(&parts(&image, &format!("{host}/a")))
        .unwrap();
    for head in storage.requests() {
        assert_eq!(header(&head, "authorization"), None, "{head}");
    }
}

/// What the helper of the test below is called.
const HELPER: &str = "enclair-test";

#[test]
fn a_helper_is_asked_as_docker_asks_it() {
    // Helpers are found by PATH, so the test proper is a process of its own with another one.
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join(format!("docker-credential-{HELPER}"));
    let text = "#!/bin/sh\nread host\nprintf '{\"Username\":\"me\",\"Secret\":\"secret\"}'\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    run(Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "tokens::with_the_helper_in_path"])
        .env("PATH", path));
}

#[test]
#[ignore = "called by `a_helper_is_asked_as_docker_asks_it`, with the helper in PATH"]
fn with_the_helper_in_path() {
    let (_registry, image, host) = with_password();
    let file = ".docker/config.json";
    for (content, works) in [
        (
            format!(r#"{{"credHelpers":{{"{host}":"{HELPER}"}}}}"#),
            true,
        ),
        (format!(r#"{{"credsStore":"{HELPER}"}}"#), true),
        (r#"{"credsStore":"enclair-missing"}"#.to_owned(), false),
    ] {
        let home = tempfile::tempdir().unwrap();
        let settings = with_file(plain(&[(&host, &[])]), home.path(), file, &content);
        let bench = Bench::new(settings);
        let found = bench
            .fetcher
            .resolve_image(&format!("{host}/team/app:1"), Arch::X86_64);
        match found {
            Ok(found) => assert!(works && found == image.manifest, "{content}"),
            Err(error) => {
                assert!(!works, "{error}");
                assert!(error.to_string().contains("cannot be had"), "{error}");
            }
        }
    }
}
