//! Bounds of numbers and of time, and that nobody who goes to a bound is in the way of others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::*;

/// An egress with so many rights to connections.
fn with_rights(rights: usize, rules: &'static [&'static str], parent: u16) -> (u16, (u16, u16)) {
    served_by(move || {
        let egress = egress_of(rules, parent);
        egress.connections.forget_permits(MAX_CONNECTIONS - rights);
        egress
    })
}

fn target() -> Target {
    Target {
        host: "a.b".parse().unwrap(),
        port: 1,
    }
}

#[test]
fn messages_of_a_connection_are_passed_on_as_they_come() {
    let (sends_at_once, _) = jumped(async {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let _client = connect(listener.port());
        let egress = egress_of(&[], 1);
        let (stream, _permit) = egress.accept(&listener).await;
        stream.sends_at_once()
    });
    assert!(sends_at_once);
}

#[test]
fn listeners_that_nobody_calls_hold_no_right_to_a_connection() {
    let (port, _asked) = parent(b"ok\n");
    let rules = &["*.i.org:18447,18448", "*"];
    let (proxy, (datagrams, _)) = with_rights(2, rules, port);
    for round in 0..2 {
        for name in ["a.i.org", "b.i.org", "c.i.org"] {
            let address = address(datagrams, name);
            let mut client = connect_to((address, 18448));
            client.write_all(b"x").unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, "x", "{round}");
        }
        let answer = told(proxy, "CONNECT a.b:1 HTTP/1.1\r\n\r\nx");
        assert!(answer.ends_with("\r\n\r\nx"));
    }
}

#[test]
fn a_connection_beyond_the_bound_waits_for_the_end_of_another() {
    let (port, _asked) = parent(b"ok\n");
    let (proxy, _) = with_rights(2, &["*"], port);
    let request = b"CONNECT a.b:1 HTTP/1.1\r\n\r\n";
    let open = || {
        let mut stream = connect(proxy);
        stream.write_all(request).unwrap();
        stream
    };
    let mut answer = [0; 12];
    let mut held = [open(), open()];
    for stream in &mut held {
        stream.read_exact(&mut answer).unwrap();
    }
    let mut third = open();
    third
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    third.read_exact(&mut answer).unwrap_err();
    let [first, _second] = held;
    drop(first);
    third
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    third.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[test]
fn who_sends_without_end_behind_a_refusal_keeps_the_thread_from_nobody() {
    let (proxy, _) = served(&["a.b:1"], 1);
    let mut flood = connect(proxy);
    flood.write_all(b"CONNECT c.d:1 HTTP/1.1\r\n\r\n").unwrap();
    let stop = std::sync::Arc::new(AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let flooding = thread::spawn(move || {
        let bytes = vec![b'x'; 1 << 20];
        while !stopped.load(Ordering::Relaxed) && flood.write_all(&bytes).is_ok() {}
    });
    thread::sleep(Duration::from_millis(100));
    let begin = Instant::now();
    let answer = told(proxy, "CONNECT e.f:1 HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 403 "));
    // The flood is listened to for a second, and ended then.
    flooding.join().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(10));
    stop.store(true, Ordering::Relaxed);
}

#[test]
fn what_is_read_and_not_kept_is_read_in_turns_with_others() {
    let (mut client, server) = std::os::unix::net::UnixStream::pair().unwrap();
    // All of it is in the kernel before the first read, so that nothing is ever waited for.
    client.write_all(&vec![0; 100_000]).unwrap();
    drop(client);
    let server = socket2::Socket::from(std::os::fd::OwnedFd::from(server));
    let (first, _) = jumped(async {
        let server = Stream::new(server).unwrap();
        server.readable().await.unwrap();
        let mut drain = std::pin::pin!(server.drain());
        std::future::poll_fn(|context| std::task::Poll::Ready(drain.as_mut().poll(context))).await
    });
    assert!(first.is_pending());
}

#[test]
fn who_asks_for_names_without_a_pause_keeps_the_thread_from_nobody() {
    let (_, (datagrams, stream)) = served(&["a.b:1"], 1);
    let message = question("localhost");
    let framed = [&[0, u8::try_from(message.len()).unwrap()], &message[..]].concat();
    let mut asking = connect(stream);
    let mut reading = asking.try_clone().unwrap();
    thread::spawn(move || {
        let many = framed.repeat(1000);
        while asking.write_all(&many).is_ok() {}
    });
    thread::spawn(move || {
        while reading
            .read(&mut vec![0; 1 << 16])
            .is_ok_and(|read| read > 0)
        {}
    });
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(10));
        assert_eq!(address(datagrams, "localhost").to_string(), "127.0.0.1");
    }
}

#[test]
fn a_head_that_does_not_come_whole_is_waited_for_so_long() {
    for begin in [&b""[..], b"CONNECT a.b:1 HTTP/1.1\r\n", b"\x05\x01\x00"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(begin).unwrap();
        let server = listener.accept().unwrap().0;
        let egress = egress_of(&["*"], 1);
        let (_, seconds) = jumped(async {
            let server = Stream::new(server.into()).unwrap();
            proxy::converse(&egress, server).await
        });
        assert_eq!(seconds, 30, "{begin:?}");
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"));
    }
}

#[test]
fn a_parent_that_never_answers_is_waited_for_so_long() {
    // Connections are taken by the kernel, and nobody ever accepts one.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let egress = egress_of(&["*"], port);
    let target = target();
    let (called, seconds) = jumped(egress.call(&target));
    assert_eq!(called.unwrap_err(), Refusal::Parent(Reason::TimedOut));
    assert_eq!(seconds, 20);
}

#[test]
fn a_call_does_not_wait_for_ever_until_the_parent_makes_fewer() {
    let egress = egress_of(&["*"], 1);
    let target = target();
    let all = u32::try_from(MAX_DIALS).unwrap();
    let (called, seconds) = jumped(async {
        let _dials = egress.dials.acquire_many(all).await.unwrap();
        egress.call(&target).await
    });
    assert_eq!(called.unwrap_err(), Refusal::Parent(Reason::TooMany));
    assert_eq!(seconds, 20);
}
