//! Time, numbers, and guests that break off or break every rule.

use std::sync::mpsc::{Receiver, Sender, channel};

use proptest::prelude::*;

use super::*;

/// A resolver that gives each name the loopback when it is let.
struct Gate {
    let_one: Sender<()>,
    bench: Bench,
}

fn gated(patience: Duration) -> Gate {
    let (let_one, gate): (_, Receiver<()>) = channel();
    let gate = Mutex::new(gate);
    let resolve = move |_: &str| {
        gate.lock().unwrap().recv().map_err(io::Error::other)?;
        Ok(vec![LOCALHOST])
    };
    let bench = Bench::with(everything(), resolve, patience);
    Gate { let_one, bench }
}

fn named_line(address: SocketAddr) -> String {
    format!("connect example.com {}\n", address.port())
}

#[test]
fn a_resolver_that_does_not_answer_is_timed_out() {
    let Gate { let_one, mut bench } = gated(Duration::from_millis(200));
    let begin = Instant::now();
    for port in 1..=3 {
        bench.ask(port, "connect example.com 80\n");
        sleep(Duration::from_millis(20));
    }
    for port in 1..=3 {
        assert_eq!(bench.answer(port), "refused timed-out\n");
    }
    assert!(begin.elapsed() >= Duration::from_millis(200));
    assert!(begin.elapsed() < Duration::from_secs(5));
    // Their threads still wait, and count.
    assert_eq!(bench.counts(), (3, 0, 3));
    drop(let_one);
    bench.wait(|bench| bench.counts() == (0, 0, 3));
}

#[test]
fn a_later_dial_has_its_own_time() {
    let (listener, address) = listen();
    let Gate { let_one, mut bench } = gated(Duration::from_millis(300));
    bench.ask(1, named_line(address));
    sleep(Duration::from_millis(50));
    bench.ask(2, named_line(address));
    // The timer was set for the first, which goes.
    bench.reset(1);
    assert_eq!(bench.answer(2), "refused timed-out\n");
    // Nobody wants what comes now: nothing is connected.
    let_one.send(()).unwrap();
    let_one.send(()).unwrap();
    bench.wait(|bench| bench.counts() == (0, 0, 1));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

#[test]
fn a_stream_that_is_reset_leaves_nothing_and_its_answer_is_nobody_elses() {
    let (listener, address) = listen();
    let other = echo();
    let Gate { let_one, mut bench } = gated(PATIENCE);
    bench.ask(1, format!("{}secret", named_line(address)));
    bench.reset(1);
    assert_eq!(bench.counts(), (1, 0, 0));
    // Another stream with the same ports, whose own dial is still under way.
    bench.ask(1, named_line(other));
    assert_eq!(bench.counts(), (2, 1, 1));
    let_one.send(()).unwrap();
    bench.wait(|bench| bench.counts().0 == 1);
    for _ in 0..20 {
        bench.pump();
        sleep(Duration::from_millis(1));
    }
    let_one.send(()).unwrap();
    bench.hears(1, b"ok\n");
    bench.say(1, b"hello");
    bench.hears(1, b"ok\nhello");
    assert_eq!(bench.counts(), (0, 1, 1));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "what nobody wants is connected");
}

#[test]
fn a_connection_that_comes_too_late_is_closed_and_nobody_elses() {
    let (listener, address) = listen();
    let mut bench = Bench::new(Egress::On(Vec::new()));
    bench.ask(1, format!("{}secret", connect_line(address.port())));
    // Connected, and its thread has ended, before anybody looks.
    let mut peer = accept(&listener);
    let begin = Instant::now();
    while bench.counts().0 > 0 {
        assert!(begin.elapsed() < PATIENCE);
        sleep(Duration::from_millis(1));
    }
    bench.reset(1);
    bench.open(1);
    for _ in 0..20 {
        bench.pump();
        sleep(Duration::from_millis(1));
    }
    assert_eq!(bench.end(1).heard, b"");
    assert_eq!(bench.counts(), (0, 0, 1));
    // What was to be sent over it is not.
    let mut all = Vec::new();
    drop(peer.read_to_end(&mut all));
    assert_eq!(all, b"");
}

#[test]
fn a_guest_that_closes_before_the_answer_ends_the_dial() {
    let Gate { let_one, mut bench } = gated(PATIENCE);
    let (listener, address) = listen();
    bench.ask(1, format!("{}bytes", named_line(address)));
    bench.send(1, Op::Shutdown, BOTH, b"");
    bench.pump();
    assert!(bench.end(1).reset);
    assert_eq!(bench.counts(), (1, 0, 0));
    let_one.send(()).unwrap();
    bench.wait(|bench| bench.counts() == (0, 0, 0));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
}

#[test]
fn there_are_so_many_dials_at_a_time() {
    let (_listener, address) = listen();
    let Gate { let_one, mut bench } = gated(PATIENCE);
    let most = u32::try_from(MAX_DIALS).unwrap();
    for port in 1..=most {
        bench.ask(port, named_line(address));
    }
    assert_eq!(bench.answer_to(named_line(address)), "refused too-many\n");
    // A thread counts until it ends, whatever has become of its stream.
    bench.reset(1);
    assert_eq!(bench.answer_to(named_line(address)), "refused too-many\n");
    for _ in 0..most {
        let_one.send(()).unwrap();
    }
    bench.wait(|bench| (2..=most).all(|port| bench.end(port).heard == b"ok\n"));
    bench.ask(1, connect_line(address.port()));
    bench.hears(1, b"ok\n");
    assert_eq!(bench.counts(), (0, MAX_DIALS, MAX_DIALS));
}

#[test]
fn there_are_so_many_connections_at_a_time() {
    let (_listener, address) = listen();
    let mut bench = Bench::new(Egress::On(Vec::new()));
    // Without sockets of their own: a process may have fewer than there may be connections.
    bench.dialler.dials().occupy(MAX_CONNECTIONS - 1);
    bench.ask(1, connect_line(address.port()));
    bench.hears(1, b"ok\n");
    let line = connect_line(address.port());
    assert_eq!(bench.answer_to(&line), "refused too-many\n");
    bench.reset(1);
    bench.ask(1, &line);
    bench.hears(1, b"ok\n");
}

#[test]
fn there_are_so_many_streams_at_a_time() {
    let mut bench = Bench::new(Egress::On(Vec::new()));
    let most = u32::try_from(MAX_STREAMS).unwrap();
    for port in 1..=most {
        bench.open(port);
    }
    bench.ends.insert(0, End::default());
    bench.send(0, Op::Request, 0, b"");
    bench.pump();
    assert!(bench.end(0).reset && !bench.end(0).accepted);
    bench.reset(1);
    bench.open(0);
}

#[test]
fn the_event_and_the_timer_make_the_descriptor_readable_and_then_it_is_quiet() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let is_ready = |bench: &Bench, patience: Duration| {
        let mut watched = [PollFd::new(bench.dialler.sockets(), PollFlags::IN)];
        let patience = Timespec::try_from(patience).unwrap();
        poll(&mut watched, Some(&patience)).unwrap() > 0
    };
    let (_listener, address) = listen();
    let moment = Duration::from_millis(50);
    let Gate { let_one, mut bench } = gated(Duration::from_millis(300));
    assert!(!is_ready(&bench, moment));
    bench.ask(1, named_line(address));
    assert!(!is_ready(&bench, moment));
    assert!(is_ready(&bench, PATIENCE));
    bench.pump();
    assert_eq!(bench.end(1).heard, b"refused timed-out\n");
    assert!(!is_ready(&bench, moment));
    let_one.send(()).unwrap();
    bench.wait(|bench| bench.counts().0 == 0);
    bench.ask(2, connect_line(address.port()));
    assert!(is_ready(&bench, PATIENCE));
    bench.hears(2, b"ok\n");
    bench.pump();
    assert!(!is_ready(&bench, moment));
}

fn pieces() -> impl Strategy<Value = Vec<u8>> {
    // No address but those of this machine: nothing may be called from a test.
    let near = "(connect )?(host|a\\.b|127\\.0\\.0\\.1|::1|[a-z_.]{0,40}) ?[0-9]{0,6}\n?";
    prop_oneof![
        near.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..400),
        Just(b"connect host 1\n".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever a guest says, first and afterwards, ends or fills no more than a buffer.
    #[test]
    fn no_guest_makes_a_call_panic_or_grow(
        steps in prop::collection::vec((1..4_u32, 0..12_u8, pieces()), 0..60),
        is_on in any::<bool>(),
    ) {
        let rules = if is_on { Egress::On(Vec::new()) } else { Egress::Off };
        let mut bench = Bench::new(rules);
        for (port, step, bytes) in steps {
            let end = bench.ends.entry(port).or_default();
            end.room = 1 << 18;
            match step {
                0..4 => {
                    *end = End { room: 1 << 18, ..End::default() };
                    bench.send(port, Op::Request, 0, b"");
                }
                4..9 => bench.say(port, bytes),
                9 => bench.finish(port),
                10 => bench.reset(port),
                _ => bench.send(port, Op::Shutdown, BOTH, b""),
            }
            if step % 2 == 0 {
                for end in bench.ends.values_mut() {
                    end.shut = 0;
                }
                bench.pump();
            }
            let (threads, connections, streams) = bench.counts();
            prop_assert!(threads <= MAX_DIALS && connections <= 3 && streams <= 3);
        }
    }
}
