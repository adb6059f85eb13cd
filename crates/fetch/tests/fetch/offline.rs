//! Offline: what is there is enough, files may help, and nothing else is asked.

use enclair_eif::Arch;
use enclair_fetch::Error;

use crate::servers::Scripted;
use crate::{Bench, digest, noise, quick, wanted, with_providers};

#[test]
fn nothing_is_asked_of_a_network() {
    let server = Scripted::start(|_, _, _| {});
    let content = noise(1000, 31);
    let mut settings = with_providers(&[server.url("{sha256}")]);
    settings.offline = true;
    let bench = Bench::new(settings);
    let kernel = wanted(&content, &server.url("kernel"));
    let error = bench.fetcher.obtain(&[kernel]).unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    assert!(error.to_string().contains("the kernel (sha256:"), "{error}");
    assert!(error.hint().unwrap().contains("enclair store import"));
    let reference = format!("{}/a/b:1", server.address);
    let error = bench
        .fetcher
        .resolve_image(&reference, Arch::X86_64)
        .unwrap_err();
    assert!(matches!(error, Error::OfflineQuestion { .. }), "{error}");
    let error = bench.fetcher.resolve_url(&server.url("x"), 10).unwrap_err();
    assert!(matches!(error, Error::OfflineQuestion { .. }), "{error}");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_directory_may_still_give() {
    let directory = tempfile::tempdir().unwrap();
    let content = noise(1000, 32);
    std::fs::write(
        directory.path().join(digest(&content).to_string()),
        &content,
    )
    .unwrap();
    let template = format!("file://{}/{{sha256}}", directory.path().display());
    let mut settings = with_providers(&[template]);
    settings.offline = true;
    let bench = Bench::new(settings);
    bench.obtains(
        &wanted(&content, "https://example.invalid/kernel"),
        &content,
        &["not asked: offline"],
    );
}

#[test]
fn what_is_there_needs_nobody() {
    let content = noise(1000, 33);
    let mut settings = quick();
    settings.offline = true;
    let bench = Bench::new(settings);
    bench.fetcher.store().add(&mut content.as_slice()).unwrap();
    bench.obtains(
        &wanted(&content, "https://example.invalid/kernel"),
        &content,
        &[],
    );
    assert!(bench.fetcher.summary().looked.is_empty());
}
