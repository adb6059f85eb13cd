//! Connections that are made, and their bytes.

use super::*;

#[test]
fn the_loopback_of_the_parent_is_reached_by_its_word() {
    let mut bench = Bench::new(Egress::On(Vec::new()));
    let address = echo();
    bench.ask(1, connect_line(address.port()));
    bench.hears(1, b"ok\n");
    bench.say(1, b"question");
    bench.hears(1, b"ok\nquestion");
    bench.finish(1);
    assert_eq!(bench.answer(1), "ok\nquestion");
    bench.send(1, Op::Shutdown, BOTH, b"");
    bench.pump();
    assert!(bench.end(1).reset);
    assert_eq!(bench.counts(), (0, 0, 0));
    assert_eq!(bench.denied(), []);
}

#[test]
fn bytes_behind_the_newline_belong_to_the_connection() {
    let mut bench = Bench::new(Egress::On(Vec::new()));
    let address = echo();
    bench.ask(1, format!("{}at once", connect_line(address.port())));
    // As well when they come while it is dialled, and their end with them.
    bench.say(1, b", then more\n");
    bench.finish(1);
    assert_eq!(bench.answer(1), "ok\nat once, then more\n");
}

#[test]
fn a_line_may_come_byte_by_byte() {
    let mut bench = Bench::new(Egress::On(Vec::new()));
    let address = echo();
    bench.open(1);
    for byte in format!("{}x", connect_line(address.port())).bytes() {
        bench.say(1, [byte]);
    }
    bench.hears(1, b"ok\nx");
}

#[test]
fn each_half_is_closed_by_itself() {
    let (listener, address) = listen();
    // The guest first.
    let mut bench = Bench::new(Egress::On(Vec::new()));
    bench.ask(1, connect_line(address.port()));
    let mut peer = accept(&listener);
    bench.hears(1, b"ok\n");
    bench.say(1, b"all");
    bench.finish(1);
    let mut all = String::new();
    peer.read_to_string(&mut all).unwrap();
    assert_eq!(all, "all");
    peer.write_all(b"late answer").unwrap();
    bench.hears(1, b"ok\nlate answer");
    assert_eq!(bench.end(1).shut, 0);
    drop(peer);
    bench.answer(1);
    assert_eq!(bench.end(1).shut, NO_SEND);
    // The other end first.
    bench.ask(2, connect_line(address.port()));
    let mut peer = accept(&listener);
    peer.write_all(b"banner").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(bench.answer(2), "ok\nbanner");
    bench.say(2, b"still");
    bench.finish(2);
    let mut still = String::new();
    peer.read_to_string(&mut still).unwrap();
    assert_eq!(still, "still");
}

#[test]
fn what_a_guest_sends_while_it_is_dialled_is_no_more_than_a_buffer() {
    let (listener, address) = listen();
    let gate = Arc::new(Mutex::new(()));
    let held = gate.lock().unwrap();
    let resolve = {
        let gate = Arc::clone(&gate);
        move |_: &str| {
            drop(gate.lock());
            Ok(vec![LOCALHOST])
        }
    };
    let mut bench = Bench::with(everything(), resolve, PATIENCE);
    let line = format!("connect example.com {}\n", address.port());
    bench.ask(1, &line);
    let most = BUFFER as usize - line.len();
    bench.say(1, vec![7; most]);
    bench.pump();
    // Nothing but the line is taken, so there is no credit for more.
    assert_eq!(bench.end(1).told, 0);
    bench.ask(2, &line);
    bench.say(2, vec![7; most + 1]);
    bench.pump();
    assert!(bench.end(2).reset && !bench.end(1).reset);
    drop(held);
    let mut peer = accept(&listener);
    bench.hears(1, b"ok\n");
    let mut all = vec![0; most];
    peer.read_exact(&mut all).unwrap();
    assert_eq!(all, vec![7; most]);
    bench.wait(|bench| bench.end(1).told == BUFFER);
}

#[test]
fn a_peer_that_does_not_read_is_credit_that_the_guest_does_not_get() {
    let (listener, address) = listen();
    let mut bench = Bench::new(Egress::On(Vec::new()));
    bench.ask(1, connect_line(address.port()));
    let mut peer = accept(&listener);
    bench.hears(1, b"ok\n");
    let (mut all, mut quiet) = (0_usize, 0);
    while quiet < 30 {
        let End { sent, told, .. } = bench.end(1);
        if sent.wrapping_sub(*told) <= BUFFER - 4096 {
            bench.say(1, [9; 4096]);
            all += 4096;
            quiet = 0;
            assert!(all < 64 << 20, "somebody keeps everything");
        } else {
            quiet += 1;
            sleep(Duration::from_millis(1));
        }
        bench.pump();
    }
    // The guest closes; what it has sent is still the peer's.
    bench.send(1, Op::Shutdown, BOTH, b"");
    assert_eq!(bench.counts(), (0, 1, 1));
    // Until then nobody gets the same ports.
    bench.ends.insert(1, End::default());
    bench.send(1, Op::Request, 0, b"");
    bench.pump();
    assert!(bench.end(1).reset);
    let reader = std::thread::spawn(move || io::copy(&mut peer, &mut io::sink()).unwrap());
    bench.wait(|bench| bench.counts() == (0, 0, 0));
    assert_eq!(reader.join().unwrap(), all as u64);
    bench.open(1);
}

#[test]
fn a_guest_without_room_slows_the_peer_down() {
    let (listener, address) = listen();
    let mut bench = Bench::new(Egress::On(Vec::new()));
    bench.open(1);
    bench.ends.get_mut(&1).unwrap().room = 5000;
    bench.say(1, connect_line(address.port()));
    let mut peer = accept(&listener);
    peer.set_nonblocking(true).unwrap();
    let all = vec![7; 32 << 20];
    let (mut written, mut quiet) = (0, Instant::now());
    while quiet.elapsed() < Duration::from_millis(100) {
        if let Ok(count) = peer.write(&all[written..]) {
            written += count;
            quiet = Instant::now();
        }
        bench.pump();
    }
    assert!(written < all.len());
    assert_eq!(bench.end(1).heard.len(), 5000);
}

#[test]
fn a_connection_that_breaks_off_does_not_look_like_one_that_has_ended() {
    let (listener, address) = listen();
    let mut bench = Bench::new(Egress::On(Vec::new()));
    // By the guest.
    bench.ask(1, format!("{}half of a que", connect_line(address.port())));
    let mut peer = accept(&listener);
    let mut half = [0; 13];
    bench.hears(1, b"ok\n");
    peer.read_exact(&mut half).unwrap();
    bench.reset(1);
    let error = peer.read(&mut half).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    // By the peer: closed with bytes that nobody has read.
    bench.ask(2, format!("{}unread", connect_line(address.port())));
    let peer = accept(&listener);
    bench.hears(2, b"ok\n");
    peer.peek(&mut half).unwrap();
    drop(peer);
    bench.wait(|bench| bench.end(2).reset);
    assert_eq!(bench.end(2).shut, 0);
    assert_eq!(bench.counts(), (0, 0, 0));
}

#[test]
fn a_hundred_connections_have_each_their_own_bytes() {
    let mut bench = Bench::new(Egress::On(Vec::new()));
    let address = echo();
    // As an agent that keeps to the limit of dials.
    for ports in [1..=50, 51..=100] {
        for port in ports.clone() {
            bench.ask(port, format!("{}{port} ", connect_line(address.port())));
        }
        bench.wait(|bench| ports.clone().all(|port| bench.end(port).heard.len() > 3));
    }
    for port in 1..=100 {
        bench.say(port, format!("and {port}"));
        bench.finish(port);
    }
    for port in 1..=100 {
        assert_eq!(bench.answer(port), format!("ok\n{port} and {port}"));
    }
    assert_eq!(bench.counts(), (0, 100, 100));
}
