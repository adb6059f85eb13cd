//! Calls that are made: what the parent is asked, and that every byte arrives.

use super::*;

const ACCEPTED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[test]
fn connect_hands_over_the_name_and_every_byte() {
    let (port, asked) = parent(b"ok\n");
    let (proxy, _) = served(&["*.example.org:443"], port);
    let request = "CONNECT www.Example.org:443 HTTP/1.1\r\nHost: x\r\n\r\nearly bytes";
    assert_eq!(told(proxy, request), format!("{ACCEPTED}early bytes"));
    assert_eq!(asked.recv().unwrap(), "connect www.example.org 443\n");
}

#[test]
fn bytes_behind_the_parents_word_belong_to_the_connection() {
    let (port, _) = parent(b"ok\nhello");
    let (proxy, (datagrams, _)) = served(&["a.b:18449"], port);
    let answer = told(proxy, "CONNECT a.b:18449 HTTP/1.1\r\n\r\n");
    assert_eq!(answer, format!("{ACCEPTED}hello"));
    let mut client = connect_to((address(datagrams, "a.b"), 18449));
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
}

#[test]
fn a_request_in_absolute_form_arrives_in_origin_form() {
    let (port, asked) = parent(b"ok\n");
    let (proxy, _) = served(&["a.b:80", "a.b:8080"], port);
    for (request, expected) in [
        (
            "GET http://a.b/x?y=http://c HTTP/1.1\r\nHost: other\r\nAccept: */*\r\n\
             Proxy-Connection: keep-alive\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\n",
            "GET /x?y=http://c HTTP/1.1\r\nHost: a.b\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        ),
        (
            "POST HTTP://a.b:8080?q HTTP/1.1\r\nContent-Length: 4\r\n\
             Connection: content-length\r\n\r\nbody",
            "POST /?q HTTP/1.1\r\nHost: a.b:8080\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\
             body",
        ),
        (
            "GET http://a.b HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a.b\r\nConnection: close\r\n\r\n",
        ),
    ] {
        assert_eq!(told(proxy, request), expected);
    }
    let lines: Vec<_> = (0..3).map(|_| asked.recv().unwrap()).collect();
    let line = |port| format!("connect a.b {port}\n");
    assert_eq!(lines, [line(80), line(8080), line(80)]);
}

#[test]
fn socks_takes_names_and_both_kinds_of_addresses() {
    let (port, asked) = parent(b"ok\n");
    let rules = &["a.b:80", "10.0.0.0/8:80", "[fd00::/8]:80", "host:80"];
    let (proxy, _) = served(rules, port);
    let v6 = [&[4, 0xfd][..], &[0; 14], &[1]].concat();
    let mapped = [&[4][..], &[0; 10], &[255, 255, 10, 0, 0, 2]].concat();
    for (address, expected) in [
        (&b"\x03\x03a.b"[..], "a.b"),
        (b"\x03\x04host", "host"),
        (b"\x03\x0810.0.0.3", "10.0.0.3"),
        (&[1, 10, 0, 0, 1], "10.0.0.1"),
        (&v6, "fd00::1"),
        (&mapped, "10.0.0.2"),
    ] {
        let request = [
            &[5, 2, 2, 0, 5, 1, 0][..],
            address,
            &80_u16.to_be_bytes(),
            b"data",
        ]
        .concat();
        let answer = exchange(proxy, &request);
        assert_eq!(answer, b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0data");
        assert_eq!(asked.recv().unwrap(), format!("connect {expected} 80\n"));
    }
}

#[test]
fn a_name_has_an_address_here_and_a_connection_to_it_is_a_call() {
    let (port, asked) = parent(b"ok\n");
    let (_, (datagrams, stream)) = served(&["a.b:18443", "c.d:18443"], port);
    let message = question("a.b");
    let answer = answered(datagrams, &message);
    let length = answer.len();
    let address: [u8; 4] = *answer.last_chunk().unwrap();
    let [127, 64..128, _, _] = address else {
        panic!("{address:?} is none of 127.64.0.0/10");
    };
    let expected = [
        b"\x07\x08\x81\x80\0\x01\0\x01\0\0\0\0",
        &message[12..],
        b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04",
        &address,
    ]
    .concat();
    assert_eq!(answer, expected);

    // The same by TCP, twice on one connection, with the same answer.
    let mut client = connect(stream);
    let framed = [&[0, u8::try_from(message.len()).unwrap()], &message[..]].concat();
    for _ in 0..2 {
        client.write_all(&framed).unwrap();
        let mut read = vec![0; length + 2];
        client.read_exact(&mut read).unwrap();
        assert_eq!(read[2..], expected);
    }

    let mut client = connect_to((std::net::Ipv4Addr::from(address), 18443));
    client.write_all(b"question").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "question");
    assert_eq!(asked.recv().unwrap(), "connect a.b 18443\n");
}

#[test]
fn the_parents_loopback_has_a_name_and_each_name_its_own_address() {
    let (port, asked) = parent(b"ok\n");
    let rules = &["host:18446", "*.example.org:18446"];
    let (_, (datagrams, _)) = served(rules, port);
    let mut addresses = Vec::new();
    for name in ["host", "a.example.org", "b.example.org", "HOST"] {
        let address = address(datagrams, name);
        let mut client = connect_to((address, 18446));
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
        let expected = format!("connect {} 18446\n", name.to_lowercase());
        assert_eq!(asked.recv().unwrap(), expected);
        addresses.push(address.to_string());
    }
    let last = addresses.pop();
    assert_eq!(last.as_ref(), addresses.first());
    addresses.dedup();
    assert_eq!(addresses.len(), 3);
}

#[test]
fn a_hundred_call_at_once() {
    let (port, _asked) = parent(b"ok\n");
    let (proxy, _) = served(&["*"], port);
    let threads: Vec<_> = (0..100_usize)
        .map(|number| {
            thread::spawn(move || {
                let body = format!("{number} ").repeat(20_000);
                let request = format!("CONNECT a.b:{} HTTP/1.1\r\n\r\n", number + 1);
                let mut stream = connect(proxy);
                stream.write_all(request.as_bytes()).unwrap();
                let mut reader = stream.try_clone().unwrap();
                let sent = body.clone();
                let sender = thread::spawn(move || {
                    stream.write_all(sent.as_bytes()).unwrap();
                    stream.shutdown(Shutdown::Write).unwrap();
                });
                let mut answer = String::new();
                reader.read_to_string(&mut answer).unwrap();
                sender.join().unwrap();
                assert!(answer == format!("{ACCEPTED}{body}"));
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
