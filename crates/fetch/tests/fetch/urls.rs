//! URLs whose content is not known yet.

use crate::servers::{Nginx, Scripted, respond_with};
use crate::{Bench, blob, noise, quick};

#[test]
fn what_is_at_a_url_comes_into_the_store() {
    let nginx = Nginx::start("", None);
    let content = noise(1 << 20, 41);
    nginx.put("archive", &content);
    let bench = Bench::new(quick());
    let found = bench
        .fetcher
        .resolve_url(&nginx.url("archive"), 1 << 20)
        .unwrap();
    assert_eq!(found, blob(&content));
    assert!(bench.holds(&content));
    let error = bench
        .fetcher
        .resolve_url(&nginx.url("archive"), (1 << 20) - 1)
        .unwrap_err();
    assert!(
        error.to_string().contains("has more than 1048575 bytes"),
        "{error}"
    );
    let error = bench
        .fetcher
        .resolve_url(&nginx.url("other"), 10)
        .unwrap_err();
    assert!(error.to_string().contains("/other: status 404"), "{error}");
    for wrong in ["file:///etc/passwd", "ftp://h/x", "nonsense", "oci://h/x"] {
        assert!(bench.fetcher.resolve_url(wrong, 10).is_err(), "{wrong}");
    }
}

#[test]
fn a_body_without_a_length_has_a_limit_and_a_cut_one_is_asked_for_again() {
    let content = noise(100_000, 42);
    let sent = content.clone();
    let server = Scripted::start(move |number, head, stream| {
        if head.contains("/open") {
            respond_with(stream, "200 OK", "", &sent);
            return;
        }
        let some = if number < 2 { 500 } else { sent.len() };
        let length = format!("Content-Length: {}\r\n", sent.len());
        respond_with(stream, "200 OK", &length, &sent[..some]);
    });
    let bench = Bench::new(quick());
    let found = bench
        .fetcher
        .resolve_url(&server.url("cut"), 100_000)
        .unwrap();
    assert_eq!(found, blob(&content));
    let error = bench
        .fetcher
        .resolve_url(&server.url("open"), 99_999)
        .unwrap_err();
    assert!(
        error.to_string().contains("more than 99999 bytes"),
        "{error}"
    );
    assert!(
        bench.summary().contains("from nobody"),
        "{}",
        bench.summary()
    );
}
