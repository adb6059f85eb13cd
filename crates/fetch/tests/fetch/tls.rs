//! TLS with an authority that only the settings know.

use enclair_eif::Arch;
use enclair_fetch::{Error, Fetcher, Settings};
use enclair_store::Store;

use crate::registries::{layout, plain};
use crate::servers::{Authority, Nginx, Registry, RegistryOptions, Scripted, respond};
use crate::{Bench, noise, quick, wanted, with_providers};

fn nginx_with_tls(authority: &Authority, server: &str) -> Nginx {
    let (certificate, key) = (authority.path("certificate.pem"), authority.path("key.pem"));
    Nginx::start(server, Some((&certificate, &key)))
}

fn secure(nginx: &Nginx, name: &str) -> String {
    nginx.url(name).replacen("http://", "https://", 1)
}

#[test]
fn a_registry_with_an_own_authority_is_reached_with_its_certificate_only() {
    let authority = Authority::new();
    let (certificate, key) = (authority.path("certificate.pem"), authority.path("key.pem"));
    let registry = Registry::start(RegistryOptions {
        tls: Some((&certificate, &key)),
        ..RegistryOptions::default()
    });
    let (layout, image) = layout(&["gzip"]);
    registry.push(layout.path(), "app:1", &["--preserve-digests"]);
    let reference = format!("{}/app:1", registry.host());
    let trusting = Bench::new(Settings {
        ca_file: Some(authority.path("ca.pem")),
        ..quick()
    });
    let found = trusting
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap();
    assert_eq!(found, image.manifest);
    let error = Bench::new(quick())
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap_err();
    assert!(error.hint().unwrap().contains("ENCLAIR_CA_FILE"));
    let text = error.to_string();
    assert!(
        text.contains("no TLS connection that can be trusted"),
        "{text}"
    );
    // A certificate is no failure that passes.
    assert!(!text.contains("tried"), "{text}");
    let plain = Bench::new(plain(&[(&registry.host(), &[])]));
    assert!(
        plain
            .fetcher
            .resolve_image(&reference, Arch::X86_64)
            .is_err()
    );
}

#[test]
fn a_registry_without_tls_is_not_reached_without_being_told() {
    let registry = Registry::start(RegistryOptions::default());
    let (layout, _image) = layout(&["gzip"]);
    registry.push(layout.path(), "app:1", &[]);
    let error = Bench::new(quick())
        .fetcher
        .resolve_image(&format!("{}/app:1", registry.host()), Arch::X86_64)
        .unwrap_err();
    let hint = error.hint().unwrap();
    assert!(hint.contains("--insecure-registry"), "{hint}");
}

#[test]
fn a_redirect_does_not_leave_tls() {
    let content = noise(1000, 81);
    let sent = content.clone();
    let bare = Scripted::start(move |_, _, stream| respond(stream, "200 OK", "", &sent));
    let authority = Authority::new();
    let server = format!(
        "location /down {{ return 302 {}; }} location /same {{ return 302 /kernel; }}",
        bare.url("kernel")
    );
    let nginx = nginx_with_tls(&authority, &server);
    nginx.put("kernel", &content);
    let mut settings = with_providers(&[secure(&nginx, "same")]);
    settings.ca_file = Some(authority.path("ca.pem"));
    let bench = Bench::new(settings);
    bench.obtains(
        &wanted(&content, &secure(&nginx, "down")),
        &content,
        &["/down: redirects from https to http", "/same"],
    );
    assert_eq!(bare.requests().len(), 0);
}

#[test]
fn tls_that_cannot_be_trusted_is_passed_over() {
    let content = noise(1000, 82);
    let untrusted = nginx_with_tls(&Authority::new(), "");
    untrusted.put("kernel", &content);
    let no_tls = Nginx::start("", None);
    no_tls.put("kernel", &content);
    let bench = Bench::new(with_providers(&[
        secure(&no_tls, "kernel"),
        no_tls.url("kernel"),
    ]));
    bench.obtains(
        &wanted(&content, &secure(&untrusted, "kernel")),
        &content,
        &["no TLS connection that can be trusted", "UnknownIssuer"],
    );
}

#[test]
fn a_file_without_certificates_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("ca.pem");
    std::fs::write(&empty, "nothing").unwrap();
    for path in [empty, directory.path().join("missing.pem")] {
        let store = Store::open(&directory.path().join("store")).unwrap();
        let settings = Settings {
            ca_file: Some(path),
            ..quick()
        };
        let fetcher = Fetcher::new(store, settings).unwrap();
        let error = fetcher.resolve_url("https://127.0.0.1:1/", 1).unwrap_err();
        assert!(matches!(error, Error::CaFile { .. }), "{error}");
    }
}
