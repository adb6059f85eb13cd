//! Requests in absolute form: exactly one passes on a connection, with its body, and its answer.

use super::*;

const HEAD: &str = "HTTP/1.1\r\nHost: a.b\r\n";
const CLOSE: &str = "Connection: close\r\n\r\n";

/// What arrives of `request`, whose sender waits for the end of the answer.
fn arrives(proxy: u16, pieces: &[&str]) -> String {
    let mut stream = connect(proxy);
    for piece in pieces {
        stream.write_all(piece.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_second_request_does_not_reach_the_host_of_the_first() {
    let (port, asked) = parent(b"ok\n");
    let (proxy, _) = served(&["*:80"], port);
    let second = "GET http://c.d/secret HTTP/1.1\r\n\r\n";
    let first = "GET http://a.b/ HTTP/1.1\r\n\r\n";
    let expected = format!("GET / {HEAD}{CLOSE}");
    assert_eq!(arrives(proxy, &[&format!("{first}{second}")]), expected);
    assert_eq!(arrives(proxy, &[first, second]), expected);

    let head = "POST http://a.b/ HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
    let expected = format!("POST / {HEAD}Content-Length: 4\r\n{CLOSE}body");
    let together = format!("{head}body{second}");
    assert_eq!(arrives(proxy, &[&together]), expected);
    assert_eq!(arrives(proxy, &[head, "bo", "dy", second]), expected);
    assert_eq!(arrives(proxy, &[head, &format!("body{second}")]), expected);

    let head = "POST http://a.b/ HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n";
    let chunks = "4;x\r\nbody\r\n0\r\nA: b\r\n\r\n";
    let expected = format!("POST / {HEAD}Transfer-Encoding: Chunked\r\n{CLOSE}{chunks}");
    assert_eq!(arrives(proxy, &[head, chunks, second]), expected);
    assert_eq!(
        arrives(proxy, &[&format!("{head}{chunks}{second}")]),
        expected
    );
    let asked: Vec<_> = asked.try_iter().collect();
    assert_eq!(asked, ["connect a.b 80\n"; 7]);
}

#[test]
fn chunks_with_two_readings_break_the_call_off() {
    let (port, _asked) = parent(b"ok\n");
    let (proxy, _) = served(&["*:80"], port);
    let mut stream = connect(proxy);
    let head = "POST http://a.b/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\n";
    stream.write_all(head.as_bytes()).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_large_body_arrives_whole() {
    let (port, _asked) = parent(b"ok\n");
    let (proxy, _) = served(&["*:80"], port);
    let body = "0123456789".repeat(300_000);
    let head = format!("Content-Length: {}\r\n", body.len());
    let mut stream = connect(proxy);
    let mut reader = stream.try_clone().unwrap();
    let request = format!("PUT http://a.b/ HTTP/1.1\r\n{head}\r\n{body}");
    let sender = thread::spawn(move || {
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    sender.join().unwrap();
    assert!(answer == format!("PUT / {HEAD}{head}{CLOSE}{body}"));
}

#[test]
fn the_end_of_the_answer_is_the_end_of_the_call() {
    // A target that answers and ends, and a client that keeps its own half open.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let parent = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut String::new()).unwrap();
            stream.write_all(b"ok\n").unwrap();
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                reader.read_line(&mut line).unwrap();
            }
            stream
                .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                .unwrap();
        }
    });
    let (proxy, _) = served_by(move || {
        let egress = egress_of(&["*:80"], parent);
        egress.connections.forget_permits(MAX_CONNECTIONS - 1);
        egress
    });
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(proxy);
        stream
            .write_all(b"GET http://a.b/ HTTP/1.1\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HTTP/1.1 204 No Content\r\n\r\n");
        clients.push(stream);
    }
}

#[test]
fn options_of_the_whole_server_are_asked_for_with_a_star() {
    let (port, _asked) = parent(b"ok\n");
    let (proxy, _) = served(&["*"], port);
    assert_eq!(
        told(proxy, "OPTIONS http://a.b:8080 HTTP/1.1\r\n\r\n"),
        format!("OPTIONS * HTTP/1.1\r\nHost: a.b:8080\r\n{CLOSE}")
    );
}
