//! Both sides by real sockets, with a module that puts the fields of each request into its answer.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use base64::Engine as _;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::*;

/// A module whose document is the request that it was sent.
#[allow(clippy::unnecessary_wraps, reason = "a module may fail")]
fn echo(request: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(request.len()).unwrap().to_be_bytes();
    let head = b"\xa1\x6bAttestation\xa1\x68document\x59";
    Ok([head, &length[..], request].concat())
}

/// Both sides, served by a thread that ends with the test's process.
fn served(module: fn(&[u8]) -> io::Result<Vec<u8>>) -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = [0, 1].map(|side: usize| listeners[side].local_addr().unwrap());
    thread::spawn(move || {
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_io().enable_time().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let service = Rc::new(Attestation {
                module: Some(Module::with(module).unwrap()),
                binding: Binding::default(),
                limit: Limit::default(),
            });
            let [outside, inside] =
                listeners.map(|listener| Listener::adopt(listener.into()).unwrap());
            tokio::task::spawn_local(Rc::clone(&service).serve(outside, Side::Outside));
            service.serve(inside, Side::Inside).await;
        });
    });
    addresses
}

/// Status and body of the answer to `request`.
fn ask(address: SocketAddr, request: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|end| end == b"\r\n\r\n")
        .unwrap();
    let head = str::from_utf8(&answer[..end]).unwrap();
    assert!(head.contains("Connection: close"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer[end + 4..].to_vec())
}

fn get(address: SocketAddr, target: &str) -> (u16, Vec<u8>) {
    ask(
        address,
        format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
    )
}

fn with_body(address: SocketAddr, line: &str, body: &str) -> (u16, Vec<u8>) {
    let length = body.len();
    let request = format!("{line} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
    ask(address, request.as_bytes())
}

fn requested(user_data: &[u8], nonce: &[u8]) -> Vec<u8> {
    let fields = Fields {
        user_data: Some(user_data.to_vec()),
        nonce: Some(nonce.to_vec()),
        public_key: None,
    };
    enclair_nsm::attestation_request(&fields).unwrap()
}

const TARGET: &str = "/.well-known/enclair/attestation";

#[test]
fn everybody_chooses_the_nonce_and_the_application_the_key() {
    let [outside, inside] = served(echo);
    let target = format!("{TARGET}?nonce=0102");
    let unbound = requested(b"enclair/1\0\0", &[1, 2]);
    assert_eq!(get(outside, &target), (200, unbound));

    let bind = |digest: &str| {
        let body = format!("{{\"sha256\":\"{digest}\"}}");
        with_body(inside, "PUT /binding", &body).0
    };
    assert_eq!(bind(&"0a".repeat(32)), 200);
    assert_eq!(bind(&"0b".repeat(32)), 409);
    assert_eq!(bind(&"0a".repeat(32)), 200);
    let bound = [&b"enclair/1\0\x01"[..], &[10; 32]].concat();
    assert_eq!(get(outside, &target), (200, requested(&bound, &[1, 2])));

    // Outside nobody binds, and inside `user_data` is free.
    let foreign = with_body(outside, "PUT /binding", "{\"sha256\":\"\"}").0;
    assert_eq!(foreign, 404);
    let own = with_body(inside, "POST /document", "{\"user_data\":\"AQ==\"}");
    let fields = Fields {
        user_data: Some(vec![1]),
        ..Fields::default()
    };
    let expected = enclair_nsm::attestation_request(&fields).unwrap();
    assert_eq!(own, (200, expected));
}

#[test]
fn the_form_of_other_projects_is_answered_in_it() {
    let [outside, _] = served(echo);
    let (status, body) = with_body(outside, "POST /attestation", "{\"nonce\":\"AQI=\"}");
    assert_eq!(status, 200);
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let document = base64::engine::general_purpose::STANDARD
        .decode(body["attestation_document"].as_str().unwrap())
        .unwrap();
    assert_eq!(document, requested(b"enclair/1\0\0", &[1, 2]));
}

#[test]
fn what_is_no_request_is_told_so() {
    let [outside, _] = served(echo);
    let long = "x".repeat(9000);
    for (request, expected) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nA: {long}\r\n\r\n"), 431),
        (
            format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(70)),
            431,
        ),
        (
            "POST /attestation HTTP/1.1\r\nContent-Length: 9000\r\n\r\n".to_owned(),
            413,
        ),
        (
            "POST /attestation HTTP/1.1\r\nContent-Length: +1\r\n\r\n".to_owned(),
            400,
        ),
        (
            "POST /attestation HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"
                .to_owned(),
            400,
        ),
        (
            "POST /attestation HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            411,
        ),
    ] {
        let (status, _) = ask(outside, request.as_bytes());
        assert_eq!(status, expected, "{request:.40}");
    }
}

#[test]
fn a_module_that_refuses_is_quoted_and_one_that_fails_gives_nothing() {
    let target = format!("{TARGET}?nonce=00");
    let [outside, _] = served(|_| Ok(b"\xa1\x65Error\x6cInputTooLong".to_vec()));
    let (status, body) = get(outside, &target);
    assert_eq!(status, 502);
    assert_eq!(body, b"the security module says \"InputTooLong\"\n");
    for module in [
        (|_: &[u8]| Ok(b"\xa0".to_vec())) as fn(&[u8]) -> io::Result<Vec<u8>>,
        |_| Err(io::ErrorKind::InvalidInput.into()),
    ] {
        let [outside, _] = served(module);
        assert_eq!(get(outside, &target).0, 502);
    }
}

#[test]
fn more_than_are_made_in_a_second_are_put_off() {
    let [outside, inside] = served(echo);
    let asked = 400;
    let statuses: Vec<_> = (0..asked)
        .map(|number| get(outside, &format!("{TARGET}?nonce={number:08x}")).0)
        .collect();
    let made = statuses.iter().filter(|status| **status == 200).count();
    let put_off = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!(made + put_off, asked);
    assert!(made >= 200 && put_off > 0, "{made} {put_off}");
    // The application is not put off by what others ask for.
    assert_eq!(with_body(inside, "POST /document", "{}").0, 200);
}

#[test]
fn a_hundred_that_say_nothing_do_not_keep_others_out() {
    let [outside, _] = served(echo);
    let silent: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(outside).unwrap();
            stream.write_all(b"GET / HT").unwrap();
            stream
        })
        .collect();
    assert_eq!(get(outside, &format!("{TARGET}?nonce=00")).0, 200);
    drop(silent);
}

#[test]
fn a_hundred_at_once_get_each_their_own() {
    let [outside, _] = served(echo);
    let threads: Vec<_> = (0..100_u8)
        .map(|number| {
            thread::spawn(move || {
                let answer = get(outside, &format!("{TARGET}?nonce={number:02x}"));
                assert_eq!(answer, (200, requested(b"enclair/1\0\0", &[number])));
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn a_request_that_stops_in_the_middle_gets_no_answer() {
    let [outside, _] = served(echo);
    let mut stream = TcpStream::connect(outside).unwrap();
    stream
        .write_all(b"POST /attestation HTTP/1.1\r\nContent-Length: 20\r\n\r\n{")
        .unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(answer, b"");
}
