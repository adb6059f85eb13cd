//! A real HTTP server that is slow, cuts, lacks, limits and redirects.

use std::time::Duration;

use enclair_fetch::Timeouts;

use crate::servers::{Nginx, Scripted, header, range_start, respond, respond_with};
use crate::{Bench, noise, quick, wanted, with_providers};

const SIZE: usize = 3 << 20;

#[test]
fn a_blob_comes_from_its_url_and_the_summary_says_so() {
    let nginx = Nginx::start("", None);
    let content = noise(SIZE, 1);
    nginx.put("kernel", &content);
    let bench = Bench::new(quick());
    bench.obtains(
        &wanted(&content, &nginx.url("kernel")),
        &content,
        &["the kernel: 3145728 bytes from http://127.0.0.1:"],
    );
    // What is there is not asked for again.
    bench.obtains(&wanted(&content, &nginx.url("kernel")), &content, &[]);
    assert_eq!(nginx.log().len(), 1, "{:?}", nginx.log());
}

#[test]
fn what_one_server_cut_another_continues() {
    let content = noise(SIZE, 2);
    let cut = content.clone();
    // Ends in the middle, whatever is asked for.
    let cutting = Scripted::start(move |_, head, stream| {
        let start = range_start(head);
        let rest = &cut[start..];
        let some = &rest[..rest.len().min(1 << 20) / 2];
        let range = format!(
            "Content-Length: {}\r\nContent-Range: bytes {start}-{}/{}\r\n",
            rest.len(),
            cut.len() - 1,
            cut.len()
        );
        let status = if start > 0 { "206 Partial" } else { "200 OK" };
        respond_with(stream, status, &range, some);
    });
    let nginx = Nginx::start("", None);
    nginx.put("kernel", &content);
    let bench = Bench::new(with_providers(&[nginx.url("kernel")]));
    bench.obtains(
        &wanted(&content, &cutting.url("kernel")),
        &content,
        &[
            "the answer breaks off",
            "(tried 3 times)",
            "bytes from http://127.0.0.1:",
        ],
    );
    let log = nginx.log();
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(log[0].starts_with("206 "), "{log:?}");
    // Each try went on where the one before it stopped.
    let starts: Vec<_> = cutting
        .requests()
        .iter()
        .map(|head| range_start(head))
        .collect();
    assert_eq!(starts[0], 0);
    assert!(
        starts.windows(2).all(|pair| pair[0] < pair[1]),
        "{starts:?}"
    );
}

#[test]
fn a_server_without_ranges_starts_over() {
    let content = noise(SIZE, 3);
    let other = content.clone();
    let cutting = Scripted::start(move |_, _, stream| {
        let length = format!("Content-Length: {}\r\n", other.len());
        respond_with(stream, "200 OK", &length, &other[..1 << 20]);
    });
    let nginx = Nginx::start("max_ranges 0;", None);
    nginx.put("kernel", &content);
    let bench = Bench::new(with_providers(&[nginx.url("kernel")]));
    let from_nginx = format!("{SIZE} bytes from");
    bench.obtains(
        &wanted(&content, &cutting.url("kernel")),
        &content,
        &["breaks off", &from_nginx],
    );
    assert!(nginx.log()[0].starts_with("200 "), "{:?}", nginx.log());
}

#[test]
fn a_slow_server_is_waited_for_while_something_comes() {
    let nginx = Nginx::start("limit_rate 1m;", None);
    let content = noise(1 << 20, 4);
    nginx.put("kernel", &content);
    let bench = Bench::new(quick());
    bench.obtains(&wanted(&content, &nginx.url("kernel")), &content, &[]);
}

#[test]
fn a_transfer_has_an_end_even_if_something_comes() {
    let nginx = Nginx::start("location /slow { limit_rate 20k; }", None);
    let content = noise(1 << 20, 5);
    nginx.put("slow", &content);
    nginx.put("fast", &content);
    let mut settings = with_providers(&[nginx.url("fast")]);
    settings.retries = 0;
    settings.timeouts = Timeouts {
        total: Duration::from_secs(1),
        ..settings.timeouts
    };
    let bench = Bench::new(settings);
    bench.obtains(
        &wanted(&content, &nginx.url("slow")),
        &content,
        &["timed out before all was there"],
    );
}

#[test]
fn what_is_missing_short_long_or_altered_comes_from_the_next() {
    let nginx = Nginx::start("", None);
    let content = noise(SIZE, 6);
    let mut altered = content.clone();
    altered[SIZE / 2] ^= 1;
    nginx.put("short", &content[1..]);
    nginx.put("long", &noise(SIZE + 1, 6));
    nginx.put("altered", &altered);
    nginx.put("right", &content);
    let others = ["short", "long", "altered", "right"].map(|name| nginx.url(name));
    let bench = Bench::new(with_providers(&others));
    bench.obtains(
        &wanted(&content, &nginx.url("missing")),
        &content,
        &[
            "/missing: status 404",
            "/short: has 3145727 bytes, expected 3145728",
            "/long: has 3145729 bytes, expected 3145728",
            "/altered: has digest sha256:",
            "bytes from http://127.0.0.1:",
        ],
    );
    // A wrong size is seen in the head; nothing of such a body is stored, and none asked twice.
    assert_eq!(nginx.log().len(), 5, "{:?}", nginx.log());
}

#[test]
fn what_nobody_has_is_an_error_with_everybody_in_it() {
    let nginx = Nginx::start("location /secret { return 403; }", None);
    let content = noise(100, 7);
    let secret = nginx
        .url("secret?token=hidden")
        .replacen("http://", "http://me:hidden@", 1);
    let bench = Bench::new(with_providers(&[
        secret,
        "http://127.0.0.1:1/{sha1}".into(),
    ]));
    let kernel = wanted(&content, &nginx.url("missing"));
    bench.fails(
        &kernel,
        &[
            "the kernel (sha256:",
            "/missing: status 404",
            "status 403",
            "`{sha1}` is not known",
        ],
    );
    let error = bench.fetcher.obtain(&[kernel]).unwrap_err();
    assert!(error.hint().unwrap().contains("enclair store import"));
    for text in [error.to_string(), format!("{error:?}"), bench.summary()] {
        assert!(!text.contains("hidden"), "{text}");
    }
}

#[test]
fn overload_passes() {
    let content = noise(1000, 8);
    for status in ["429 Too Many Requests", "503 Unavailable", "500 Oops"] {
        let sent = content.clone();
        let server = Scripted::start(move |number, _, stream| {
            if number < 2 {
                respond(stream, status, "Retry-After: 0\r\n", b"later");
            } else {
                respond(stream, "200 OK", "", &sent);
            }
        });
        let bench = Bench::new(quick());
        bench.obtains(&wanted(&content, &server.url("kernel")), &content, &[]);
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn nginx_that_limits_requests_is_asked_again_later() {
    for status in ["429", "503"] {
        let http = "limit_req_zone $binary_remote_addr zone=few:1m rate=2r/s;";
        let server = format!("limit_req zone=few; limit_req_status {status};");
        let nginx = Nginx::start_with(http, &server, None);
        let contents = [noise(1000, 9), noise(1001, 9)];
        let mut settings = quick();
        settings.retries = 20;
        settings.backoff.first = Duration::from_millis(100);
        let bench = Bench::new(settings);
        for (name, content) in ["a", "b"].into_iter().zip(&contents) {
            nginx.put(name, content);
            bench.obtains(&wanted(content, &nginx.url(name)), content, &[]);
        }
        let log = nginx.log();
        assert!(log.iter().any(|line| line.starts_with(status)), "{log:?}");
        assert_eq!(
            log.iter().filter(|line| line.starts_with("200")).count(),
            2,
            "{log:?}"
        );
    }
}

#[test]
fn who_asks_for_too_long_a_wait_is_passed_over() {
    let content = noise(1000, 10);
    let busy = Scripted::start(|_, _, stream| {
        respond(stream, "503 Unavailable", "Retry-After: 86400\r\n", b"");
    });
    let nginx = Nginx::start("", None);
    nginx.put("kernel", &content);
    let bench = Bench::new(with_providers(&[nginx.url("kernel")]));
    bench.obtains(
        &wanted(&content, &busy.url("kernel")),
        &content,
        &["status 503"],
    );
    assert_eq!(busy.requests().len(), 1);
}

#[test]
fn redirects_are_followed_and_loops_are_not() {
    let server = "location /once { return 302 /kernel; } location /loop { return 302 /loop; } \
                  location /nowhere { return 302 ftp://127.0.0.1/; }";
    let nginx = Nginx::start(server, None);
    let content = noise(1000, 11);
    nginx.put("kernel", &content);
    let bench = Bench::new(with_providers(&[nginx.url("nowhere"), nginx.url("once")]));
    bench.obtains(
        &wanted(&content, &nginx.url("loop")),
        &content,
        &[
            "/loop: more than 5 redirects",
            "/nowhere: redirects to nowhere",
            "/once",
        ],
    );
}

#[test]
fn credentials_of_a_url_stay_with_its_host() {
    let content = noise(1000, 12);
    let sent = content.clone();
    let other = Scripted::start(move |_, _, stream| respond(stream, "200 OK", "", &sent));
    let elsewhere = other.url("kernel");
    let first = Scripted::start(move |number, _, stream| {
        let to = if number == 0 { "/again" } else { &elsewhere };
        respond(stream, "302 Found", &format!("Location: {to}\r\n"), b"");
    });
    let url = first
        .url("kernel")
        .replacen("http://", "http://me:pass%20word@", 1);
    let bench = Bench::new(quick());
    bench.obtains(&wanted(&content, &url), &content, &[]);
    let basic = Some("Basic bWU6cGFzcyB3b3Jk");
    for head in first.requests() {
        assert_eq!(header(&head, "authorization"), basic, "{head}");
    }
    assert_eq!(header(&other.requests()[0], "authorization"), None);
}

#[test]
fn files_are_providers_too() {
    let directory = tempfile::tempdir().unwrap();
    let content = noise(SIZE, 13);
    let name = crate::digest(&content).to_string();
    std::fs::write(directory.path().join(&name), &content).unwrap();
    let template = format!("file://{}/{{sha256}}", directory.path().display());
    let bench = Bench::new(with_providers(&[template]));
    bench.obtains(
        &wanted(&content, "http://127.0.0.1:1/kernel"),
        &content,
        &["no connection", "bytes from file:///"],
    );
}
