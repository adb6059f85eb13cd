//! The Docker daemon: a hand-written one at a Unix socket, one at a port, and none.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

use enclair_fetch::{Error, Settings};

use crate::servers::{Scripted, respond};
use crate::{Bench, noise, quick};

fn with_daemon(address: String) -> Bench {
    Bench::new(Settings {
        docker_host: Some(address),
        ..quick()
    })
}

#[test]
fn an_archive_comes_through_the_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("docker.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let archive = noise(3 << 20, 91);
    let sent = archive.clone();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).unwrap();
        stream
            .write_all(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/x-tar\r\n\r\n",
            )
            .unwrap();
        stream.write_all(&sent).unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    let bench = with_daemon(format!("unix://{}", path.display()));
    let mut saved = Vec::new();
    bench
        .fetcher
        .save_daemon_image("team/app:1", &mut saved)
        .unwrap();
    assert!(saved == archive);
    assert!(
        daemon
            .join()
            .unwrap()
            .starts_with("GET /images/team/app:1/get HTTP/1.1\r\n")
    );
}

#[test]
fn a_daemon_at_a_port_that_lacks_the_image_says_so() {
    let daemon = Scripted::start(|_, _, stream| {
        respond(
            stream,
            "404 Not Found",
            "",
            br#"{"message":"No such image: app:1"}"#,
        );
    });
    let bench = with_daemon(format!("tcp://{}", daemon.address));
    let error = bench
        .fetcher
        .save_daemon_image("app:1", &mut Vec::new())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("status 404 (No such image: app:1)"),
        "{error}"
    );
}

#[test]
fn without_a_daemon_it_is_said_what_was_tried_and_what_to_do() {
    for address in ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1"] {
        let bench = with_daemon(address.to_owned());
        let error = bench
            .fetcher
            .save_daemon_image("app:1", &mut Vec::new())
            .unwrap_err();
        assert!(error.to_string().contains("no connection"), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("docker save NAME -o app.tar"), "{hint}");
        assert!(hint.contains("docker-archive:app.tar"), "{hint}");
    }
    for address in ["ssh://me@host", "npipe:////./pipe/x", "nonsense"] {
        let bench = with_daemon(address.to_owned());
        let error = bench
            .fetcher
            .save_daemon_image("app:1", &mut Vec::new())
            .unwrap_err();
        assert!(matches!(error, Error::DaemonAddress { .. }), "{error}");
    }
}
