//! Calls that are not made, and what the caller is told.

use proptest::prelude::*;

use super::*;

/// No parent: a call that is made all the same finds nobody there.
const NOBODY: u16 = 1;

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[test]
fn what_is_denied_names_its_rule() {
    let (proxy, _) = served(&["!db.example.org", "*.example.org:443", "host:80"], NOBODY);
    for (target, rule) in [
        ("db.example.org:443", "denied by the rule `!db.example.org`"),
        (
            "www.example.org:80",
            "denied: no rule of the enclave allows it",
        ),
        (
            "example.org:443",
            "denied: no rule of the enclave allows it",
        ),
        (
            "169.254.169.254:443",
            "denied: no rule of the enclave allows it",
        ),
        ("[::1]:443", "denied: no rule of the enclave allows it"),
        ("127.0.0.1:80", "denied: no rule of the enclave allows it"),
        ("host:81", "denied: no rule of the enclave allows it"),
    ] {
        let answer = told(proxy, &format!("CONNECT {target} HTTP/1.1\r\n\r\n"));
        assert_eq!(status(&answer), "403", "{target}");
        assert!(
            answer.ends_with(&format!("\r\n\r\n{target}: {rule}\n")),
            "{answer}"
        );
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    }
    // What is asked for inside of an allowed name's connection is for its TLS to tell; an absolute
    // form with another `Host` goes to the host that was decided about.
    let answer = told(
        proxy,
        "GET http://db.example.org/ HTTP/1.1\r\nHost: www.example.org\r\n\r\n",
    );
    assert_eq!(status(&answer), "403");
}

#[test]
fn text_with_two_readings_is_no_target() {
    let (proxy, _) = served(&["*", "host"], NOBODY);
    for target in [
        "127.1:80",
        "2130706433:80",
        "0x7f000001:80",
        "0177.0.0.1:80",
        "::1:80",
        "a.b",
        "a.b:",
        "a.b:0",
        "a.b:65536",
        "a.b:+80",
        "a.b:80:80",
        "user@a.b:80",
        "a_b..c:80",
        ":80",
        "[::1:80",
        "[127.0.0.1]:80",
        "[fe80::1%25lo]:80",
        "a%2eb:80",
    ] {
        let answer = told(proxy, &format!("CONNECT {target} HTTP/1.1\r\n\r\n"));
        assert_eq!(status(&answer), "400", "{target}");
    }
}

#[test]
fn what_is_no_request_of_a_proxy_is_told_so() {
    let (proxy, _) = served(&["*"], NOBODY);
    let long = "x".repeat(17 * 1024);
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: a.b\r\n\r\n".to_owned(), "400"),
        ("GET https://a.b/ HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET ftp://a.b/ HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET http://u:p@a.b/ HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET http:/// HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET http://a.b/#x HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET http://a.b#@c.d/ HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET http://a.b\\@c.d/ HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("\x16\x03\x01\r\n\r\n".to_owned(), "400"),
        (
            "POST http://a.b/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST http://a.b/ HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST http://a.b/ HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST http://a.b/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST http://a.b/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
                .to_owned(),
            "400",
        ),
        (
            "POST http://a.b/ HTTP/1.1\r\nContent-Length : 1\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "POST http://a.b/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"
                .to_owned(),
            "400",
        ),
        (
            "POST http://a.b/ HTTP/1.1\r\nContent-Length: 1\r\n\
             Transfer-Encoding: chunked\r\n\r\n"
                .to_owned(),
            "400",
        ),
        (
            "GET http://a.b/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
            "400",
        ),
        (format!("GET http://a.b/{long} HTTP/1.1\r\n\r\n"), "431"),
        (
            format!("GET http://a.b/ HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65)),
            "431",
        ),
    ] {
        let answer = told(proxy, &request);
        assert_eq!(status(&answer), expected, "{request:.60}");
    }
}

#[test]
fn what_the_parent_refuses_is_passed_on() {
    for (word, http, socks) in [
        (&b"refused not-allowed\n"[..], "403", 2),
        (b"refused not-found\n", "502", 4),
        (b"refused refused\n", "502", 5),
        (b"refused timed-out\n", "504", 4),
        (b"refused too-many\n", "503", 1),
        (b"refused unreachable\n", "502", 3),
        (b"refused malformed\n", "502", 3),
        // A parent that does not speak the protocol.
        (b"", "502", 3),
        (b"ok", "502", 3),
        (b"okay\n", "502", 3),
        (b"HTTP/1.1 200 OK\r\n\r\n", "502", 3),
        (&[b'x'; 5000], "502", 3),
    ] {
        let (port, _asked) = parent(word);
        let (proxy, _) = served(&["*"], port);
        let answer = told(proxy, "CONNECT a.b:1 HTTP/1.1\r\n\r\n");
        assert_eq!(status(&answer), http, "{word:?}");
        let answer = exchange(proxy, b"\x05\x01\x00\x05\x01\x00\x03\x03a.b\x00\x01");
        assert_eq!(answer[..4], [5, 0, 5, socks], "{word:?}");
    }
}

#[test]
fn an_answer_of_the_parent_that_has_no_end_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It says more than an answer can have, and then nothing.
    let saying = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(&[b'x'; 65]).unwrap();
        stream
    });
    let (proxy, _) = served(&["*"], port);
    let answer = told(proxy, "CONNECT a.b:1 HTTP/1.1\r\n\r\n");
    assert_eq!(status(&answer), "502");
    saying.join().unwrap();
}

#[test]
fn a_target_with_the_name_of_a_user_is_told_what_is_wrong() {
    let (proxy, _) = served(&["*"], NOBODY);
    for request in ["CONNECT u@a.b:1", "GET http://u:p@a.b/"] {
        let answer = told(proxy, &format!("{request} HTTP/1.1\r\n\r\n"));
        assert!(
            answer.ends_with("\r\n\r\na name of a user is in the target\n"),
            "{answer}"
        );
    }
}

#[test]
fn socks_refuses_what_it_does_not_know() {
    let (proxy, _) = served(&["a.b:80"], NOBODY);
    for (request, answer) in [
        // Without a method that it knows.
        (&b"\x05\x01\x02"[..], &b"\x05\xff"[..]),
        (b"\x05\x00", b"\x05\xff"),
        // Bind, and association of datagrams.
        (
            b"\x05\x01\x00\x05\x02\x00\x03\x03a.b\x00\x50",
            b"\x05\x00\x05\x07",
        ),
        (
            b"\x05\x01\x00\x05\x03\x00\x03\x03a.b\x00\x50",
            b"\x05\x00\x05\x07",
        ),
        (
            b"\x05\x01\x00\x05\x01\x00\x02\x03a.b\x00\x50",
            b"\x05\x00\x05\x08",
        ),
        (
            b"\x05\x01\x00\x05\x01\x00\x03\x05127.1\x00\x50",
            b"\x05\x00\x05\x08",
        ),
        (
            b"\x05\x01\x00\x05\x01\x00\x03\x03a\xffb\x00\x50",
            b"\x05\x00\x05\x08",
        ),
        (
            b"\x05\x01\x00\x05\x01\x00\x03\x03a.b\x00\x00",
            b"\x05\x00\x05\x01",
        ),
        (
            b"\x05\x01\x00\x04\x01\x00\x03\x03a.b\x00\x50",
            b"\x05\x00\x05\x01",
        ),
        // Denied.
        (
            b"\x05\x01\x00\x05\x01\x00\x03\x03a.b\x00\x51",
            b"\x05\x00\x05\x02",
        ),
        (
            b"\x05\x01\x00\x05\x01\x00\x01\xa9\xfe\xa9\xfe\x00\x50",
            b"\x05\x00\x05\x02",
        ),
    ] {
        let found = exchange(proxy, request);
        assert!(found.starts_with(answer), "{request:?}: {found:?}");
    }
}

#[test]
fn a_name_whose_call_is_refused_is_reset_and_does_not_look_empty() {
    let (port, asked) = parent(b"refused refused\n");
    let (_, (datagrams, _)) = served(&["x.y:18444"], port);
    let mut client = connect_to((address(datagrams, "x.y"), 18444));
    let error = client.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(asked.recv().unwrap(), "connect x.y 18444\n");
}

#[test]
fn a_hundred_that_say_nothing_do_not_keep_others_out() {
    let (port, _asked) = parent(b"ok\n");
    let (proxy, _) = served(&["*"], port);
    let silent: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = connect(proxy);
            stream.write_all(b"CONN").unwrap();
            stream
        })
        .collect();
    let answer = told(proxy, "CONNECT a.b:1 HTTP/1.1\r\n\r\nx");
    assert!(answer.ends_with("\r\n\r\nx"));
    drop(silent);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is said first, the proxy goes on to serve, and calls nobody that no rule names.
    #[test]
    fn hostile_beginnings_end_only_their_connection(
        begin in prop::sample::select(vec!["\x05", "CONNECT ", "GET http://", ""]),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        thread_local! {
            static PROXY: u16 = served(&["a.b:80"], NOBODY).0;
        }
        let proxy = PROXY.with(|proxy| *proxy);
        let mut stream = connect(proxy);
        let _ = stream.write_all(&[begin.as_bytes(), &bytes].concat());
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        prop_assert!(!answer.starts_with(b"HTTP/1.1 2"));
        let alive = told(proxy, "CONNECT b.c:80 HTTP/1.1\r\n\r\n");
        prop_assert_eq!(status(&alive), "403");
    }
}
