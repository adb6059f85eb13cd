//! A guest that is played packet by packet, against real sockets and a resolver that is played too.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;
use crate::vsock::EGRESS_PORT;
use crate::vsock::packet::{Header, NO_RECEIVE, NO_SEND, Op, Packet, TYPE_STREAM};
use crate::vsock::parent::{GUEST_CID, PARENT_CID, Parent};
use crate::vsock::stream::BUFFER;

mod flow;
mod limits;
mod refused;

const BOTH: u32 = NO_RECEIVE | NO_SEND;
const PATIENCE: Duration = Duration::from_secs(20);
const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The guest's end of a stream.
#[derive(Debug, Default)]
struct End {
    /// What the parent has said.
    heard: Vec<u8>,
    /// What it does no more.
    shut: u32,
    reset: bool,
    accepted: bool,
    /// What the guest has sent, and what the parent has said that it has taken.
    sent: u32,
    told: u32,
    /// The guest takes no more than this.
    room: u32,
}

/// A parent with the port of egress, and a guest.
struct Bench {
    parent: Parent,
    dialler: Dialler,
    ends: BTreeMap<u32, End>,
    denied: Arc<Mutex<Vec<Denied>>>,
}

/// Rules by which everything of this machine may be reached.
fn everything() -> Egress {
    Egress::On(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()])
}

impl Bench {
    /// With a resolver that knows no name.
    fn new(rules: Egress) -> Self {
        Self::with(rules, |_| Ok(Vec::new()), PATIENCE)
    }

    fn with(
        rules: Egress,
        resolve: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
        patience: Duration,
    ) -> Self {
        let denied = Arc::new(Mutex::new(Vec::new()));
        let on_denied = {
            let denied = Arc::clone(&denied);
            Box::new(move |one| denied.lock().unwrap().push(one))
        };
        let settings = Settings {
            resolve: Box::new(resolve),
            patience,
            ..Settings::new(rules, on_denied)
        };
        let (port, dialler) = open_with(settings).unwrap();
        let port: Box<dyn Port> = Box::new(port);
        Self {
            parent: Parent::new([(EGRESS_PORT, port)]),
            dialler,
            ends: BTreeMap::new(),
            denied,
        }
    }

    fn send(&mut self, port: u32, op: Op, flags: u32, payload: &[u8]) {
        let end = self.ends.entry(port).or_default();
        let len = u32::try_from(payload.len()).unwrap();
        end.sent = end.sent.wrapping_add(len);
        let header = Header {
            src_cid: GUEST_CID,
            dst_cid: PARENT_CID,
            src_port: port,
            dst_port: EGRESS_PORT,
            len,
            kind: TYPE_STREAM,
            op: op.to_number(),
            flags,
            buf_alloc: end.room,
            fwd_cnt: u32::try_from(end.heard.len()).unwrap(),
        };
        let payload = payload.to_vec();
        self.parent.receive(&Packet { header, payload });
    }

    /// Opens a stream from this port of the guest.
    fn open(&mut self, port: u32) {
        let end = End {
            room: 256 << 10,
            ..End::default()
        };
        self.ends.insert(port, end);
        self.send(port, Op::Request, 0, b"");
        self.pump();
        assert!(self.end(port).accepted, "{:?}", self.end(port));
    }

    /// Opens a stream and says something on it.
    fn ask(&mut self, port: u32, line: impl AsRef<[u8]>) {
        self.open(port);
        self.say(port, line);
    }

    fn say(&mut self, port: u32, bytes: impl AsRef<[u8]>) {
        self.send(port, Op::Data, 0, bytes.as_ref());
    }

    fn finish(&mut self, port: u32) {
        self.send(port, Op::Shutdown, NO_SEND, b"");
    }

    fn reset(&mut self, port: u32) {
        self.send(port, Op::Reset, 0, b"");
    }

    fn end(&self, port: u32) -> &End {
        &self.ends[&port]
    }

    /// Does what the device does, and tells the guest's ends of it.
    fn pump(&mut self) {
        self.dialler.poll(&mut self.parent);
        while self.parent.has_outgoing() {
            let Packet { header, payload } = self.parent.next(4096).unwrap();
            assert_eq!(header.src_port, EGRESS_PORT);
            let end = self.ends.get_mut(&header.dst_port).unwrap();
            end.told = header.fwd_cnt;
            match Op::from_number(header.op).unwrap() {
                Op::Response => end.accepted = true,
                Op::Reset => end.reset = true,
                Op::Shutdown => end.shut |= header.flags,
                Op::Data => {
                    assert_eq!(end.shut & NO_SEND, 0, "bytes behind the end");
                    end.heard.extend(payload);
                }
                Op::CreditUpdate | Op::CreditRequest => {}
                Op::Request => panic!("the parent opens streams"),
            }
        }
    }

    fn wait(&mut self, until: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        loop {
            self.pump();
            if until(self) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{:?}", self.ends);
            sleep(Duration::from_millis(1));
        }
    }

    /// What is said on a stream until the parent says no more on it.
    fn answer(&mut self, port: u32) -> String {
        self.wait(|bench| bench.end(port).shut & NO_SEND != 0 || bench.end(port).reset);
        String::from_utf8(self.end(port).heard.clone()).unwrap()
    }

    /// The answer to one line.
    fn answer_to(&mut self, line: impl AsRef<[u8]>) -> String {
        let port = 5000 + u32::try_from(self.ends.len()).unwrap();
        self.ask(port, line);
        let answer = self.answer(port);
        // It reads the end, and closes.
        self.send(port, Op::Shutdown, BOTH, b"");
        self.pump();
        assert!(self.end(port).reset);
        answer
    }

    fn hears(&mut self, port: u32, expected: &[u8]) {
        self.wait(|bench| bench.end(port).heard.len() >= expected.len());
        assert_eq!(self.end(port).heard, expected);
    }

    fn denied(&self) -> Vec<(String, Option<String>)> {
        let denied = self.denied.lock().unwrap();
        let texts = denied.iter().map(|denied| {
            let address = denied.address.map(|address| address.to_string());
            (denied.target.clone(), address)
        });
        texts.collect()
    }

    /// Threads that run, connections, streams.
    fn counts(&self) -> (usize, usize, usize) {
        let (threads, connections) = self.dialler.dials().counts();
        (threads, connections, self.parent.streams())
    }
}

/// A listener of this machine.
fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A listener that sends everything back, on as many connections as there are.
fn echo() -> SocketAddr {
    let (listener, address) = listen();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            std::thread::spawn(move || {
                let mut reader = socket.try_clone().unwrap();
                drop(io::copy(&mut reader, &mut socket));
                drop(socket.shutdown(Shutdown::Write));
            });
        }
    });
    address
}

/// The next connection. A test in which none comes fails, and does not hang.
fn accept(listener: &TcpListener) -> TcpStream {
    let begin = Instant::now();
    listener.set_nonblocking(true).unwrap();
    let socket = loop {
        match listener.accept() {
            Ok((socket, _)) => break socket,
            Err(_) => assert!(begin.elapsed() < PATIENCE, "no connection"),
        }
        sleep(Duration::from_millis(1));
    };
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn connect_line(port: u16) -> String {
    format!("connect host {port}\n")
}
