//! Faults of the protocol that no real server makes: a hand-written one does.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use enclair_fetch::Settings;

use crate::servers::{Nginx, Scripted, range_start, respond, respond_with};
use crate::{Bench, noise, wanted, with_providers};

const SIZE: usize = 1 << 20;

/// Asks a server that does `fault`, and then one that has the content. The reasons of the first are
/// in the summary.
#[track_caller]
fn next_after(
    fault: impl Fn(usize, &str, &mut TcpStream, &[u8]) + Send + Sync + 'static,
    change: impl FnOnce(&mut Settings),
    because: &[&str],
) -> (Scripted, Nginx) {
    let content = noise(SIZE, 21);
    let sent = content.clone();
    let faulty = Scripted::start(move |number, head, stream| fault(number, head, stream, &sent));
    let nginx = Nginx::start("", None);
    nginx.put("kernel", &content);
    let mut settings = with_providers(&[nginx.url("kernel")]);
    change(&mut settings);
    let bench = Bench::new(settings);
    bench.obtains(&wanted(&content, &faulty.url("kernel")), &content, because);
    (faulty, nginx)
}

fn impatient(settings: &mut Settings) {
    settings.retries = 0;
    settings.timeouts.head = Duration::from_secs(1);
    settings.timeouts.idle = Duration::from_secs(1);
}

/// Writes until the other side has had enough, which must not take long.
fn endless(stream: &mut TcpStream, piece: &[u8]) {
    for _ in 0..1_000_000 {
        if stream.write_all(piece).is_err() {
            return;
        }
    }
    panic!("the client took everything");
}

#[test]
fn a_flood_of_headers_has_an_end() {
    let flood = |_: usize, _: &str, stream: &mut TcpStream, _: &[u8]| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        endless(
            stream,
            b"X-Header: some value that goes on for a while, and for a while\r\n",
        );
    };
    next_after(flood, |_| {}, &["the answer breaks off or is no HTTP"]);
}

#[test]
fn one_header_without_end_has_an_end() {
    let flood = |_: usize, _: &str, stream: &mut TcpStream, _: &[u8]| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Header: ");
        endless(stream, &[b'x'; 4096]);
    };
    next_after(flood, |_| {}, &["the answer breaks off or is no HTTP"]);
}

#[test]
fn headers_that_drip_run_out_of_time() {
    let drip = |_: usize, _: &str, stream: &mut TcpStream, _: &[u8]| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Header: ");
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
    };
    next_after(
        drip,
        impatient,
        &["timed out before the head of an answer was there"],
    );
}

#[test]
fn a_body_without_end_is_left_when_it_is_too_long() {
    let endless_body = |_: usize, _: &str, stream: &mut TcpStream, _: &[u8]| {
        respond_with(stream, "200 OK", "", b"");
        endless(stream, &[0; 4096]);
    };
    let (faulty, nginx) = next_after(endless_body, |_| {}, &["has more than 1048576 bytes"]);
    assert_eq!(faulty.requests().len(), 1);
    // Nothing of it is continued.
    assert!(nginx.log()[0].starts_with("200 "), "{:?}", nginx.log());
}

#[test]
fn chunks_without_end_are_left_too() {
    let chunks = |_: usize, _: &str, stream: &mut TcpStream, _: &[u8]| {
        respond_with(stream, "200 OK", "Transfer-Encoding: chunked\r\n", b"");
        endless(stream, b"10\r\n0123456789abcdef\r\n");
    };
    next_after(chunks, |_| {}, &["has more than 1048576 bytes"]);
}

#[test]
fn a_stall_runs_out_of_time_and_is_continued_elsewhere() {
    let stall = |_: usize, _: &str, stream: &mut TcpStream, content: &[u8]| {
        let length = format!("Content-Length: {}\r\n", content.len());
        respond_with(stream, "200 OK", &length, &content[..SIZE / 2]);
        thread::sleep(Duration::from_secs(20));
    };
    let (_faulty, nginx) = next_after(stall, impatient, &["timed out when nothing more came"]);
    assert!(nginx.log()[0].starts_with("206 "), "{:?}", nginx.log());
}

#[test]
fn silence_runs_out_of_time() {
    let silence = |_: usize, _: &str, _: &mut TcpStream, _: &[u8]| {
        thread::sleep(Duration::from_secs(20));
    };
    next_after(silence, impatient, &["timed out before the head"]);
}

#[test]
fn a_wrong_content_length_is_a_wrong_size() {
    let longer = |_: usize, _: &str, stream: &mut TcpStream, content: &[u8]| {
        let length = format!("Content-Length: {}\r\n", content.len() + 1);
        respond_with(stream, "200 OK", &length, content);
    };
    next_after(longer, |_| {}, &["has 1048577 bytes, expected 1048576"]);
    let two = |_: usize, _: &str, stream: &mut TcpStream, content: &[u8]| {
        let lengths = "Content-Length: 3\r\nContent-Length: 1048576\r\n";
        respond_with(stream, "200 OK", lengths, content);
    };
    next_after(two, |_| {}, &["the answer breaks off or is no HTTP"]);
}

#[test]
fn an_end_that_comes_early_without_a_length_is_seen() {
    let early = |_: usize, _: &str, stream: &mut TcpStream, content: &[u8]| {
        respond_with(stream, "200 OK", "", &content[..1000]);
    };
    next_after(
        early,
        |_| {},
        &["ends after 1000 of 1048576 bytes", "(tried 3 times)"],
    );
}

#[test]
fn no_http_at_all_is_said() {
    let talk = |_: usize, _: &str, stream: &mut TcpStream, _: &[u8]| {
        let _ = stream.write_all(b"220 mail.example ESMTP\r\n");
    };
    next_after(talk, |_| {}, &["the answer breaks off or is no HTTP"]);
}

/// Cuts the first answer, and gives `then` afterwards.
fn cut_then(
    then: impl Fn(usize, &mut TcpStream, &[u8]) + Send + Sync + 'static,
) -> impl Fn(usize, &str, &mut TcpStream, &[u8]) + Send + Sync + 'static {
    move |number, head, stream, content| {
        if number == 0 {
            let length = format!("Content-Length: {}\r\n", content.len());
            respond_with(stream, "200 OK", &length, &content[..SIZE / 2]);
        } else {
            then(range_start(head), stream, content);
        }
    }
}

#[test]
fn a_lying_content_range_is_not_appended() {
    for lie in [
        "bytes 0-9/10",
        "bytes 7-1048575/1048576",
        "bytes 524288-1048575/9999999",
        "x",
    ] {
        let lying = cut_then(move |start, stream, content| {
            let range = format!("Content-Range: {lie}\r\n");
            respond(
                stream,
                "206 Partial Content",
                &range,
                &content[start.max(1)..],
            );
        });
        // It lies about the whole, too, when it is asked for that: 206 is no answer then.
        next_after(lying, |settings| settings.retries = 1, &["status 206"]);
    }
}

#[test]
fn a_range_that_cannot_be_met_starts_over() {
    let content = noise(SIZE, 22);
    let sent = content.clone();
    let server = Scripted::start(move |number, head, stream| match range_start(head) {
        0 if number == 0 => {
            let length = format!("Content-Length: {}\r\n", sent.len());
            respond_with(stream, "200 OK", &length, &sent[..1000]);
        }
        0 => respond(stream, "200 OK", "", &sent),
        _ => respond(stream, "416 Range Not Satisfiable", "", b""),
    });
    let bench = Bench::new(crate::quick());
    bench.obtains(&wanted(&content, &server.url("kernel")), &content, &[]);
    let starts: Vec<_> = server
        .requests()
        .iter()
        .map(|head| range_start(head))
        .collect();
    assert_eq!(starts, [0, 1000, 0]);
}

#[test]
fn a_continuation_that_is_wrong_starts_over_once() {
    // The first half is another's; whoever continues it has done nothing wrong.
    let wrong_half = |_: usize, _: &str, stream: &mut TcpStream, content: &[u8]| {
        let length = format!("Content-Length: {}\r\n", content.len());
        respond_with(stream, "200 OK", &length, &vec![7; SIZE / 2]);
    };
    let (_faulty, nginx) = next_after(wrong_half, |settings| settings.retries = 0, &["breaks off"]);
    let log = nginx.log();
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(
        log[0].starts_with("206 ") && log[1].starts_with("200 "),
        "{log:?}"
    );
}

#[test]
fn a_download_goes_on_after_the_process_ended() {
    let content = noise(SIZE, 23);
    let sent = content.clone();
    let cutting = Scripted::start(move |_, _, stream| {
        let length = format!("Content-Length: {}\r\n", sent.len());
        respond_with(stream, "200 OK", &length, &sent[..SIZE / 2]);
    });
    let mut settings = crate::quick();
    settings.retries = 0;
    let bench = Bench::new(settings.clone());
    bench.fails(&wanted(&content, &cutting.url("kernel")), &["breaks off"]);
    let nginx = Nginx::start("", None);
    nginx.put("kernel", &content);
    let later = bench.again(settings);
    later
        .obtain(&[wanted(&content, &nginx.url("kernel"))])
        .unwrap();
    assert!(bench.holds(&content));
    assert!(
        nginx.log()[0].starts_with("206 524288 "),
        "{:?}",
        nginx.log()
    );
}
