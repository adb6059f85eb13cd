//! Every way to call, by real sockets, with a thread that plays the parent.

mod calls;
mod forwarded;
mod hostile;
mod limits;
mod refused;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::*;

pub(super) fn egress_of(rules: &[&str], parent: u16) -> Egress {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Egress::new(rules, Parent::Test(parent))
}

/// Plays the parent: what it answers to a line, and whether it then says everything back. Gives its
/// port, and what it was asked.
fn parent(answer: &'static [u8]) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (lines, asked) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let lines = lines.clone();
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let _ = lines.send(line);
                let _ = stream.write_all(answer);
                if answer.starts_with(b"ok\n") {
                    let _ = std::io::copy(&mut reader, &mut stream);
                }
            });
        }
    });
    (port, asked)
}

/// Ports of a proxy and of names that are served by a thread, which ends with the test's process.
pub(super) fn served(rules: &'static [&'static str], parent: u16) -> (u16, (u16, u16)) {
    served_by(move || egress_of(rules, parent))
}

fn served_by(egress: impl FnOnce() -> Egress + Send + 'static) -> (u16, (u16, u16)) {
    let (ports, port) = channel();
    thread::spawn(move || {
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_io().enable_time().build().unwrap();
        LocalSet::new().block_on(&runtime, async {
            let any = "127.0.0.1:0".parse().unwrap();
            let egress = Rc::new(egress());
            let proxy = Proxy::listen(any, Rc::clone(&egress)).unwrap();
            let names = Names::listen(any, Local::for_test(egress)).unwrap();
            ports.send((proxy.port(), names.ports())).unwrap();
            names.serve();
            proxy.serve().await;
        });
    });
    port.recv().unwrap()
}

/// A question for the address of a name.
pub(super) fn question(name: &str) -> Vec<u8> {
    let mut message = b"\x07\x08\x01\0\0\x01\0\0\0\0\0\0".to_vec();
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(b"\0\0\x01\0\x01");
    message
}

/// The answer to a question by UDP.
fn answered(port: u16, question: &[u8]) -> Vec<u8> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    socket.send_to(question, ("127.0.0.1", port)).unwrap();
    let mut answer = vec![0; 512];
    let length = socket.recv(&mut answer).unwrap();
    answer.truncate(length);
    answer
}

/// The address that a name has.
fn address(port: u16, name: &str) -> std::net::Ipv4Addr {
    let answer = answered(port, &question(name));
    assert_eq!(answer[3] & 15, 0, "{name}");
    let octets: [u8; 4] = *answer.last_chunk().unwrap();
    octets.into()
}

pub(super) fn connect(port: u16) -> TcpStream {
    connect_to(("127.0.0.1", port))
}

fn connect_to(address: impl ToSocketAddrs) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

/// Everything that comes back for `request`, behind which nothing more is said.
fn exchange(port: u16, request: &[u8]) -> Vec<u8> {
    let mut stream = connect(port);
    stream.write_all(request).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// The same as text.
fn told(port: u16, request: &str) -> String {
    String::from_utf8(exchange(port, request.as_bytes())).unwrap()
}

/// Runs `future` with a clock that jumps to the next time limit when nothing else is to be done,
/// and gives the seconds that it took by that clock.
pub(super) fn jumped<T>(future: impl Future<Output = T>) -> (T, u64) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        let begin = tokio::time::Instant::now();
        let result = future.await;
        (result, begin.elapsed().as_secs())
    })
}
