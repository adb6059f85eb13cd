//! Docker's own registry, several of them, and some that lie.

use std::collections::BTreeMap;
use std::fs;

use enclair_eif::Arch;
use enclair_fetch::{Provider, RegistrySettings, Settings};
use enclair_recipe::{Blob, Place, ProviderKind, Wanted};

use crate::images::{Image, Layout};
use crate::servers::{Registry, RegistryOptions, Scripted, program, respond, run};
use crate::{Bench, blob, noise, quick};

/// Registries without TLS, each with its mirrors.
pub(crate) fn plain(registries: &[(&str, &[&str])]) -> Settings {
    let mut map = BTreeMap::new();
    for (host, mirrors) in registries {
        let registry = RegistrySettings {
            mirrors: mirrors.iter().map(ToString::to_string).collect(),
            insecure: true,
            anonymous: false,
        };
        map.insert((*host).to_owned(), registry);
    }
    Settings {
        registries: map,
        ..quick()
    }
}

/// Everything of an image, as a lock names it.
pub(crate) fn parts(image: &Image, repository: &str) -> Vec<Wanted> {
    let blobs = [image.manifest, image.config];
    let blobs = blobs.iter().chain(&image.layers).enumerate();
    blobs
        .map(|(index, blob)| Wanted {
            blob: *blob,
            name: format!("part {index}"),
            place: Place::Repository(repository.to_owned()),
        })
        .collect()
}

#[track_caller]
fn holds_all(bench: &Bench, parts: &[Wanted]) {
    for part in parts {
        let blob = bench
            .fetcher
            .store()
            .read_blob(&part.blob.sha256, Some(part.blob.size));
        blob.unwrap().finish().unwrap();
    }
}

/// A layout with one image for amd64.
pub(crate) fn layout(encoders: &[&str]) -> (Layout, Image) {
    let layout = Layout::new();
    let image = layout.image("amd64", encoders, 100);
    layout.name(&image.entry());
    (layout, image)
}

#[test]
fn a_tag_becomes_a_manifest_and_all_its_parts_come() {
    let registry = Registry::start(RegistryOptions::default());
    let (layout, image) = layout(&["gzip", "zstd", "cat"]);
    registry.push(layout.path(), "team/app:1.0", &["--preserve-digests"]);
    let host = registry.host();
    let bench = Bench::new(plain(&[(&host, &[])]));
    let reference = format!("{host}/team/app:1.0");
    let found = bench
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap();
    assert_eq!(found, image.manifest);
    // Manifest and configuration are there already.
    assert_eq!(
        bench
            .fetcher
            .store()
            .blob_size(&image.config.sha256)
            .unwrap(),
        Some(image.config.size)
    );
    let parts = parts(&image, &format!("{host}/team/app"));
    bench.fetcher.obtain(&parts).unwrap();
    holds_all(&bench, &parts);
    let by_digest = format!("{host}/team/app@sha256:{}", found.sha256);
    assert_eq!(
        bench
            .fetcher
            .resolve_image(&by_digest, Arch::X86_64)
            .unwrap(),
        found
    );
    // From nothing but the lock, in another store: manifests are found where blobs are asked for.
    let bench = Bench::new(plain(&[(&host, &[])]));
    bench.fetcher.obtain(&parts).unwrap();
    holds_all(&bench, &parts);
    assert!(
        bench
            .summary()
            .contains(&format!("bytes from registry {host}/team/app"))
    );
}

#[test]
fn dockers_own_manifests_are_taken() {
    let registry = Registry::start(RegistryOptions::default());
    let (layout, _) = layout(&["gzip"]);
    registry.push(layout.path(), "app:1", &["--format", "v2s2"]);
    let host = registry.host();
    let bench = Bench::new(plain(&[(&host, &[])]));
    let reference = format!("{host}/app:1");
    let found = bench
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap();
    let raw = run(program("skopeo")
        .args(["inspect", "--raw", "--tls-verify=false"])
        .arg(format!("docker://{reference}")));
    assert!(String::from_utf8_lossy(&raw).contains("docker.distribution.manifest.v2"));
    assert_eq!(found, blob(&raw));
}

#[test]
fn an_index_gives_the_manifest_for_the_architecture() {
    let registry = Registry::start(RegistryOptions::default());
    let layout = Layout::new();
    let amd64 = layout.image("amd64", &["gzip"], 200);
    let arm64 = layout.image("arm64", &["gzip"], 300);
    let attestation = layout.image("unknown", &["cat"], 400);
    let (_, index) = layout.index(&[
        attestation.entry_for("unknown", "unknown"),
        arm64.entry(),
        amd64.entry(),
    ]);
    layout.name(&index);
    registry.push(layout.path(), "app:1", &["--all", "--preserve-digests"]);
    let host = registry.host();
    let bench = Bench::new(plain(&[(&host, &[])]));
    let reference = format!("{host}/app:1");
    let resolve = |arch| bench.fetcher.resolve_image(&reference, arch).unwrap();
    assert_eq!(resolve(Arch::X86_64), amd64.manifest);
    assert_eq!(resolve(Arch::Aarch64), arm64.manifest);
}

#[test]
fn an_index_without_the_architecture_says_what_there_is() {
    let registry = Registry::start(RegistryOptions::default());
    let layout = Layout::new();
    let amd64 = layout.image("amd64", &["gzip"], 500);
    // Says that it is for arm64, and its configuration says otherwise.
    let (_, index) = layout.index(&[amd64.entry_for("linux", "arm64"), amd64.entry()]);
    layout.name(&index);
    registry.push(layout.path(), "app:1", &["--all", "--preserve-digests"]);
    let host = registry.host();
    let bench = Bench::new(plain(&[(&host, &[])]));
    let error = bench
        .fetcher
        .resolve_image(&format!("{host}/app:1"), Arch::Aarch64)
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("none for linux/arm64") && text.contains("linux/amd64"),
        "{text}"
    );
}

#[test]
fn a_mirror_that_is_down_or_lacks_it_is_passed_over() {
    let (main, mirror) = (
        Registry::start(RegistryOptions::default()),
        Registry::start(RegistryOptions::default()),
    );
    let (layout, image) = layout(&["gzip"]);
    main.push(layout.path(), "app:1", &["--preserve-digests"]);
    let (host, lacking) = (main.host(), mirror.host());
    let settings = plain(&[
        (&host, &["127.0.0.1:1", &lacking]),
        (&lacking, &[]),
        ("127.0.0.1:1", &[]),
    ]);
    let bench = Bench::new(settings);
    let found = bench
        .fetcher
        .resolve_image(&format!("{host}/app:1"), Arch::X86_64)
        .unwrap();
    assert_eq!(found, image.manifest);
    let parts = parts(&image, &format!("{host}/app"));
    bench.fetcher.obtain(&parts).unwrap();
    holds_all(&bench, &parts);
    let summary = bench.summary();
    for said in [
        "not from registry 127.0.0.1:1/app: no connection",
        &format!("not from registry {lacking}/app: status 404 (MANIFEST_UNKNOWN"),
        &format!("not from registry {lacking}/app: status 404 (BLOB_UNKNOWN"),
        &format!("bytes from registry {host}/app"),
    ] {
        assert!(summary.contains(said), "no {said:?} in: {summary}");
    }
}

#[test]
fn a_mirror_comes_first_and_cannot_alter_what_a_digest_names() {
    let (main, mirror) = (
        Registry::start(RegistryOptions::default()),
        Registry::start(RegistryOptions::default()),
    );
    let (layout, image) = layout(&["gzip"]);
    main.push(layout.path(), "app:1", &["--preserve-digests"]);
    mirror.push(layout.path(), "cache/app:1", &["--preserve-digests"]);
    // As long as before, and something else.
    for blob in [image.layers[0], image.manifest] {
        let path = mirror.blob_path(&blob.sha256.to_string());
        let mut content = fs::read(&path).unwrap();
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(path, content).unwrap();
    }
    let host = main.host();
    let first = format!("{}/cache", mirror.host());
    let settings = plain(&[(&host, &[&first]), (&mirror.host(), &[])]);
    let bench = Bench::new(settings);
    let by_digest = format!("{host}/app@sha256:{}", image.manifest.sha256);
    let found = bench
        .fetcher
        .resolve_image(&by_digest, Arch::X86_64)
        .unwrap();
    assert_eq!(found, image.manifest);
    let parts = parts(&image, &format!("{host}/app"));
    bench.fetcher.obtain(&parts).unwrap();
    holds_all(&bench, &parts);
    let summary = bench.summary();
    let altered = format!("not from registry {first}/app: has digest sha256:");
    assert!(summary.contains(&altered), "{summary}");
    assert!(
        summary.contains(&format!("bytes from registry {host}/app")),
        "{summary}"
    );
}

#[test]
fn a_registry_can_be_a_provider_of_anything() {
    let registry = Registry::start(RegistryOptions::default());
    let (layout, image) = layout(&["gzip"]);
    registry.push(layout.path(), "artifacts:1", &["--preserve-digests"]);
    let host = registry.host();
    let mut settings = plain(&[(&host, &[])]);
    let provider = |kind, template: String| Provider { kind, template };
    settings.providers = vec![
        provider(
            ProviderKind::Image,
            "https://127.0.0.1:1/not-for-this".to_owned(),
        ),
        provider(ProviderKind::Blob, format!("oci://{host}/artifacts")),
    ];
    let bench = Bench::new(settings);
    let layer = Wanted {
        blob: image.layers[0],
        name: "the kernel".into(),
        place: Place::Anywhere,
    };
    bench.fetcher.obtain(std::slice::from_ref(&layer)).unwrap();
    holds_all(&bench, &[layer]);
    assert!(
        !bench.summary().contains("not-for-this"),
        "{}",
        bench.summary()
    );
}

#[test]
fn a_blob_is_continued_at_a_registry() {
    let registry = Registry::start(RegistryOptions::default());
    let (layout, image) = layout(&["cat"]);
    registry.push(layout.path(), "app:1", &["--preserve-digests"]);
    let host = registry.host();
    let bench = Bench::new(plain(&[(&host, &[])]));
    let layer = image.layers[0];
    let content = fs::read(
        layout
            .path()
            .join("blobs/sha256")
            .join(layer.sha256.to_string()),
    )
    .unwrap();
    match bench
        .fetcher
        .store()
        .partial(&layer.sha256, layer.size)
        .unwrap()
    {
        enclair_store::Claim::Partial(mut partial) => partial.append(&content[..20_000]).unwrap(),
        enclair_store::Claim::Present => panic!("is there already"),
    }
    let parts = parts(&image, &format!("{host}/app"));
    bench.fetcher.obtain(&parts[2..]).unwrap();
    holds_all(&bench, &parts[2..]);
    let rest = format!("{} bytes from", layer.size - 20_000);
    assert!(bench.summary().contains(&rest), "{}", bench.summary());
}

/// A registry that is not one: the same document for every manifest, and a configuration.
fn lying(document: &str, headers: &'static str) -> (Scripted, String) {
    let document = document.to_owned();
    let server = Scripted::start(move |_, _, stream| {
        respond(stream, "200 OK", headers, document.as_bytes());
    });
    let host = server.address.to_string();
    (server, host)
}

#[track_caller]
fn refused(document: &str, headers: &'static str, because: &str) {
    let (_server, host) = lying(document, headers);
    let bench = Bench::new(plain(&[(&host, &[])]));
    let error = bench
        .fetcher
        .resolve_image(&format!("{host}/a:1"), Arch::X86_64)
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains(because), "no {because:?} in: {text}");
}

#[test]
fn documents_that_are_not_ours_are_refused() {
    refused(
        r#"{"schemaVersion":1,"name":"a","tag":"1","fsLayers":[]}"#,
        "",
        "schema 1",
    );
    refused("<html>", "", "cannot be parsed");
    refused(
        r#"{"schemaVersion":2}"#,
        "Content-Type: text/html\r\n",
        "media type `text/html`",
    );
    refused(
        r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#,
        "",
        "media type",
    );
    refused(
        r#"{"schemaVersion":2,"manifests":[]}"#,
        "Content-Type: application/vnd.oci.image.index.v1+json\r\nDocker-Content-Digest: sha256:00\r\n",
        "its own header says sha256:00",
    );
    refused(&" ".repeat(5 << 20), "", "has more than 4194304 bytes");
    let sha512 = format!("sha512:{}", "0".repeat(128));
    refused(
        &format!(
            r#"{{"schemaVersion":2,"layers":[],"config":{{"mediaType":"x","digest":"{sha512}","size":1}}}}"#
        ),
        "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n",
        "expected one of SHA-256",
    );
    let huge = format!("sha256:{}", "0".repeat(64));
    refused(
        &format!(
            r#"{{"schemaVersion":2,"layers":[],"config":{{"mediaType":"x","digest":"{huge}","size":99999999999}}}}"#
        ),
        "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n",
        "has more than 4194304 bytes",
    );
}

#[test]
fn indexes_in_indexes_have_an_end() {
    let layout = Layout::new();
    let image = layout.image("amd64", &["cat"], 600);
    let nested = |depth: usize| {
        let mut entry = image.entry();
        let mut top = image.manifest;
        for _ in 0..depth {
            (top, entry) = layout.index(&[entry]);
        }
        top
    };
    let files = layout.path().join("blobs/sha256");
    let server = Scripted::start(move |_, head, stream| {
        let digest = head
            .split(' ')
            .nth(1)
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned();
        match fs::read(files.join(digest)) {
            Ok(content) => respond(stream, "200 OK", "", &content),
            Err(_) => respond(stream, "404 Not Found", "", b""),
        }
    });
    let host = server.address.to_string();
    let resolve = |top: Blob| {
        let bench = Bench::new(plain(&[(&host, &[])]));
        let reference = format!("{host}/a@sha256:{}", top.sha256);
        bench.fetcher.resolve_image(&reference, Arch::X86_64)
    };
    assert_eq!(resolve(nested(4)).unwrap(), image.manifest);
    let text = resolve(nested(5)).unwrap_err().to_string();
    assert!(
        text.contains("more than 4 indexes are in one another"),
        "{text}"
    );
}

#[test]
fn a_missing_image_says_who_was_asked() {
    let registry = Registry::start(RegistryOptions::default());
    let host = registry.host();
    let bench = Bench::new(plain(&[(&host, &[])]));
    let error = bench
        .fetcher
        .resolve_image(&format!("{host}/a:1"), Arch::X86_64)
        .unwrap_err();
    assert!(
        error.to_string().contains("status 404 (MANIFEST_UNKNOWN"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("docker login"));
    let wrong = bench
        .fetcher
        .resolve_image("debian@1", Arch::X86_64)
        .unwrap_err();
    assert!(
        wrong
            .hint()
            .unwrap()
            .contains("docker.io/library/debian:12")
    );
}

#[test]
fn an_altered_document_of_the_store_is_fetched_again() {
    let registry = Registry::start(RegistryOptions::default());
    let (layout, image) = layout(&["gzip"]);
    registry.push(layout.path(), "app:1", &["--preserve-digests"]);
    let host = registry.host();
    let bench = Bench::new(plain(&[(&host, &[])]));
    let reference = format!("{host}/app@sha256:{}", image.manifest.sha256);
    bench
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap();
    for blob in [image.manifest, image.config] {
        let path = bench.fetcher.store().blob_path(&blob.sha256);
        let wrong = noise(usize::try_from(blob.size).unwrap(), 1);
        fs::remove_file(&path).unwrap();
        fs::write(&path, wrong).unwrap();
    }
    let found = bench
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap();
    assert_eq!(found, image.manifest);
    holds_all(&bench, &parts(&image, &host)[..2]);
}
