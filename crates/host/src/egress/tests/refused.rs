//! What is asked for and not given.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn the_parents_own_addresses_are_not_allowed() {
    let (_listener, address) = listen();
    let port = address.port();
    let mut bench = Bench::new(Egress::On(Vec::new()));
    for host in [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:127.0.0.1",
        "fd00:ec2::254",
        "fe80::1",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let answer = bench.answer_to(format!("connect {host} {port}\n"));
        assert_eq!(answer, "refused not-allowed\n", "{host}");
    }
    let denied = bench.denied();
    assert_eq!(denied.len(), 11);
    assert_eq!(denied[3], (format!("[::]:{port}"), Some("::".to_owned())),);
}

#[test]
fn a_name_that_leads_to_the_loopback_is_not_allowed() {
    let (_listener, address) = listen();
    let line = format!("connect localhost {}\n", address.port());
    let real = |name: &str| dial::resolve(name);
    // This machine's resolver knows it, and it is the rules that refuse it.
    let mut bench = Bench::with(everything(), real, PATIENCE);
    bench.ask(1, &line);
    bench.hears(1, b"ok\n");
    let mut bench = Bench::with(Egress::On(Vec::new()), real, PATIENCE);
    assert_eq!(bench.answer_to(&line), "refused not-allowed\n");
}

/// A resolver for names that say what they resolve to: `127-0-0-1.8--8` are two addresses.
fn spelled(name: &str) -> io::Result<Vec<IpAddr>> {
    let addresses = name.split('.').map(|label| {
        let text = label.replace('-', if label.contains('_') { ":" } else { "." });
        text.replace('_', "").parse()
    });
    addresses
        .collect::<Result<_, _>>()
        .map_err(io::Error::other)
}

#[test]
fn other_addresses_of_a_name_are_tried_in_order() {
    let (listener, address) = listen();
    let port = address.port();
    let lifted = |network: &str| Egress::On(vec![network.parse().unwrap()]);
    // Nobody listens at the second; the first and third are refused.
    let line = format!("connect 169-254-169-254.127-0-0-2._--1.127-0-0-1 {port}\n");
    let mut bench = Bench::with(lifted("127.0.0.0/30"), spelled, PATIENCE);
    bench.ask(1, &line);
    bench.hears(1, b"ok\n");
    drop(accept(&listener));
    assert_eq!(bench.denied(), []);
    let mut bench = Bench::with(lifted("127.0.0.2/32"), spelled, PATIENCE);
    assert_eq!(bench.answer_to(&line), "refused refused\n");
    let mut bench = Bench::with(lifted("127.0.0.3/32"), spelled, PATIENCE);
    assert_eq!(bench.answer_to(&line), "refused not-allowed\n");
    let first = Some("169.254.169.254".to_owned());
    let target = format!("169-254-169-254.127-0-0-2._--1.127-0-0-1:{port}");
    assert_eq!(bench.denied(), [(target, first)]);
}

#[test]
fn a_network_lifts_the_rules() {
    let (_listener, address) = listen();
    let line = format!("connect ::ffff:127.0.0.1 {}\n", address.port());
    let mut bench = Bench::new(Egress::On(vec!["127.0.0.1/32".parse().unwrap()]));
    bench.ask(1, &line);
    bench.hears(1, b"ok\n");
}

#[test]
fn a_port_without_a_listener_is_refused() {
    let (listener, address) = listen();
    drop(listener);
    let mut bench = Bench::new(Egress::On(Vec::new()));
    let answer = bench.answer_to(connect_line(address.port()));
    assert_eq!(answer, "refused refused\n");
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[test]
fn a_name_without_an_address_is_not_found() {
    let fails = |_: &str| Err(io::Error::other("no such name"));
    for mut bench in [
        Bench::new(everything()),
        Bench::with(everything(), fails, PATIENCE),
    ] {
        let answer = bench.answer_to("connect does-not-exist.invalid 80\n");
        assert_eq!(answer, "refused not-found\n");
    }
}

#[test]
fn an_error_of_the_kernel_has_a_reason() {
    for (errno, expected) in [
        (Errno::CONNREFUSED, "refused"),
        (Errno::NETUNREACH, "unreachable"),
        (Errno::HOSTUNREACH, "unreachable"),
        (Errno::ACCESS, "unreachable"),
        (Errno::TIMEDOUT, "timed-out"),
        (Errno::MFILE, "too-many"),
    ] {
        assert_eq!(Reason::of(&errno.into()).to_string(), expected);
    }
    let waited = io::Error::from(io::ErrorKind::TimedOut);
    assert_eq!(Reason::of(&waited), Reason::TimedOut);
}

#[test]
fn a_line_that_is_none_is_malformed() {
    let mut bench = Bench::new(everything());
    let long = vec![b'a'; 300];
    for line in [
        &b"\n"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"connect HOST 80\n",
        b"connect ho\0st 80\n",
        b"connect host 0\n",
        b"connect host 65536\n",
        b"connect host 080\n",
        b"connect host  80\n",
        b"connect 127.1 80\n",
        &long,
    ] {
        assert_eq!(bench.answer_to(line), "refused malformed\n");
    }
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[test]
fn a_stream_that_ends_before_its_line_does_is_malformed() {
    let mut bench = Bench::new(everything());
    for (port, line) in [(1, "connect host 80"), (2, "")] {
        bench.ask(port, line);
        bench.finish(port);
        assert_eq!(bench.answer(port), "refused malformed\n");
        // Both sides have said everything.
        assert_eq!(bench.end(port).shut, BOTH);
    }
}

#[test]
fn a_refusal_is_heard_by_a_guest_that_has_more_to_say() {
    let mut bench = Bench::new(everything());
    bench.ask(1, "connect host 0\n");
    for _ in 0..100 {
        bench.say(1, [0; 4096]);
        bench.pump();
        assert!(!bench.end(1).reset);
    }
    assert_eq!(bench.answer(1), "refused malformed\n");
    bench.finish(1);
    bench.pump();
    assert_eq!(bench.end(1).shut, BOTH);
}

#[test]
fn without_leave_nothing_is_dialled_and_each_target_is_told_once() {
    let (listener, address) = listen();
    listener.set_nonblocking(true).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let resolve = {
        let asked = Arc::clone(&asked);
        move |_: &str| {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(vec![LOCALHOST])
        }
    };
    let mut bench = Bench::with(Egress::Off, resolve, PATIENCE);
    for _ in 0..2 {
        for line in [connect_line(address.port()), "connect a.b 80\n".to_owned()] {
            assert_eq!(bench.answer_to(line), "refused not-allowed\n");
        }
    }
    let told = |target: String| (target, None);
    let expected = [
        told(format!("host:{}", address.port())),
        told("a.b:80".to_owned()),
    ];
    assert_eq!(bench.denied(), expected);
    for port in 1..100 {
        bench.answer_to(connect_line(port));
    }
    assert_eq!(bench.denied().len(), 16);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert!(listener.accept().is_err());
}
