//! Clients on real sockets, and a guest that is played packet by packet.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::*;
use crate::vsock::packet::{Header, NO_RECEIVE, NO_SEND, Op, Packet, TYPE_STREAM};
use crate::vsock::parent::{GUEST_CID, MAX_OPENED, PARENT_CID, Parent};
use crate::vsock::stream::{BUFFER, MAX_REPLY};

const PORT: u32 = 80;
const BOTH: u32 = NO_RECEIVE | NO_SEND;
const PATIENCE: Duration = Duration::from_secs(20);

/// A parent, its listener, and the guest's side of one stream.
struct Bench {
    parent: Parent,
    ingress: Ingress,
    address: SocketAddr,
    /// The parent's port of the stream.
    parent_port: u32,
    buffer: u32,
    taken: u32,
}

impl Bench {
    fn new() -> Self {
        Self::with(ClientAddress::Unknown)
    }

    fn with(client: ClientAddress) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let ingress = Ingress::bind(&[Publish {
            address,
            port: PORT,
            client,
        }])
        .unwrap();
        let address = ingress.published().next().unwrap().address;
        Self {
            parent: Parent::new([]),
            ingress,
            address,
            parent_port: 0,
            buffer: 256 << 10,
            taken: 0,
        }
    }

    fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    fn poll(&mut self) {
        self.ingress.poll(&mut self.parent);
        self.ingress.accept(&mut self.parent);
    }

    /// The next packet for the guest, as soon as there is one.
    fn next(&mut self) -> (Op, Packet) {
        let begin = Instant::now();
        loop {
            self.poll();
            if self.parent.has_outgoing() {
                let packet = self.parent.next(4096).unwrap();
                assert_eq!(packet.header.dst_port, PORT);
                return (Op::from_number(packet.header.op).unwrap(), packet);
            }
            assert!(begin.elapsed() < PATIENCE, "no packet");
            sleep(Duration::from_millis(1));
        }
    }

    /// Whether nothing comes for a moment.
    fn is_quiet(&mut self) -> bool {
        sleep(Duration::from_millis(30));
        self.poll();
        !self.parent.has_outgoing()
    }

    fn send(&mut self, op: Op, flags: u32, payload: &[u8]) {
        let header = Header {
            src_cid: GUEST_CID,
            dst_cid: PARENT_CID,
            src_port: PORT,
            dst_port: self.parent_port,
            len: u32::try_from(payload.len()).unwrap(),
            kind: TYPE_STREAM,
            op: op.to_number(),
            flags,
            buf_alloc: self.buffer,
            fwd_cnt: self.taken,
        };
        let payload = payload.to_vec();
        self.parent.receive(&Packet { header, payload });
    }

    /// A client whose stream the guest has taken.
    fn connected(&mut self) -> TcpStream {
        let client = self.client();
        let (op, packet) = self.next();
        assert_eq!(op, Op::Request);
        assert_eq!(packet.header.buf_alloc, BUFFER);
        self.parent_port = packet.header.src_port;
        self.send(Op::Response, 0, b"");
        client
    }

    fn is_over(&self) -> bool {
        self.parent.streams() == 0
    }
}

#[test]
fn bytes_go_both_ways_and_each_half_is_closed_by_itself() {
    let mut bench = Bench::new();
    let mut client = bench.connected();
    client.write_all(b"question").unwrap();
    let (op, packet) = bench.next();
    assert_eq!((op, &packet.payload[..]), (Op::Data, &b"question"[..]));
    client.shutdown(Shutdown::Write).unwrap();
    let (op, packet) = bench.next();
    assert_eq!((op, packet.header.flags), (Op::Shutdown, NO_SEND));
    // The client has asked everything; the answer still arrives.
    bench.send(Op::Data, 0, b"answer");
    bench.send(Op::Shutdown, NO_SEND, b"");
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
    bench.send(Op::Shutdown, BOTH, b"");
    assert_eq!(bench.next().0, Op::Reset);
    assert!(bench.is_over());
}

#[test]
fn a_guest_that_does_not_listen_is_a_reset_connection() {
    let mut bench = Bench::new();
    let mut client = bench.client();
    let (op, packet) = bench.next();
    assert_eq!(op, Op::Request);
    bench.parent_port = packet.header.src_port;
    bench.send(Op::Reset, 0, b"");
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(bench.is_over());
}

#[test]
fn an_answer_that_was_cut_does_not_look_like_one_that_has_ended() {
    let mut bench = Bench::new();
    let mut client = bench.connected();
    bench.send(Op::Data, 0, b"half of an ans");
    let mut half = [0; 14];
    client.read_exact(&mut half).unwrap();
    bench.send(Op::Reset, 0, b"");
    let error = client.read(&mut half).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    // As well when the enclave ends.
    let mut client = bench.connected();
    bench.send(Op::Data, 0, b"half of an ans");
    client.read_exact(&mut half).unwrap();
    drop(bench);
    let error = client.read(&mut half).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn nothing_is_taken_before_the_guest_has_answered() {
    for op in [Op::Data, Op::Shutdown, Op::CreditRequest, Op::Request] {
        let mut bench = Bench::new();
        let _client = bench.client();
        let (_, packet) = bench.next();
        bench.parent_port = packet.header.src_port;
        bench.send(op, 0, b"");
        assert_eq!(bench.next().0, Op::Reset, "{op:?}");
        assert!(bench.is_over());
    }
}

#[test]
fn a_guest_without_room_slows_the_client_down() {
    let mut bench = Bench::new();
    bench.buffer = 5000;
    let mut client = bench.connected();
    client.set_nonblocking(true).unwrap();
    // Far more than the kernel keeps.
    let all = vec![7; 32 << 20];
    let (mut written, mut received) = (0, 0);
    let begin = Instant::now();
    let mut quiet = Instant::now();
    while quiet.elapsed() < Duration::from_millis(100) {
        assert!(begin.elapsed() < PATIENCE);
        if let Ok(count) = client.write(&all[written..]) {
            written += count;
            quiet = Instant::now();
        }
        bench.poll();
        while bench.parent.has_outgoing() {
            received += bench.parent.next(4096).unwrap().payload.len();
        }
    }
    assert!(written < all.len());
    assert_eq!(received, 5000);
    // Room for more, and more comes; what was kept meanwhile is no more than a buffer.
    bench.buffer = u32::try_from(MAX_REPLY).unwrap() + 5000;
    bench.send(Op::CreditUpdate, 0, b"");
    while let (Op::Data, packet) = bench.next() {
        received += packet.payload.len();
    }
    assert_eq!(received, MAX_REPLY + 5000);
}

#[test]
fn a_client_that_does_not_read_is_credit_that_the_guest_does_not_get() {
    let mut bench = Bench::new();
    let mut client = bench.connected();
    let mut told = 0;
    let mut sent: u32 = 0;
    // As a guest that keeps to its credit, until there is none.
    loop {
        while sent.wrapping_sub(told) <= BUFFER - 4096 {
            bench.send(Op::Data, 0, &[9; 4096]);
            sent += 4096;
            assert!(sent < 64 << 20, "somebody keeps everything");
        }
        if bench.is_quiet() {
            break;
        }
        let (op, packet) = bench.next();
        assert_eq!(op, Op::CreditUpdate);
        told = packet.header.fwd_cnt;
    }
    // The guest closes; what it has sent is still the client's.
    bench.send(Op::Shutdown, BOTH, b"");
    assert_eq!(bench.next().0, Op::Reset);
    let reader = std::thread::spawn(move || {
        let mut all = Vec::new();
        client.read_to_end(&mut all).map(|_| all.len())
    });
    let begin = Instant::now();
    while !reader.is_finished() && begin.elapsed() < PATIENCE {
        bench.poll();
        sleep(Duration::from_millis(1));
    }
    assert_eq!(reader.join().unwrap().unwrap(), sent as usize);
    assert!(bench.is_over());
}

#[test]
fn a_guest_that_takes_more_than_its_credit_loses_the_stream() {
    let mut bench = Bench::new();
    let _client = bench.connected();
    for _ in 0..BUFFER / 4096 {
        bench.send(Op::Data, 0, &[9; 4096]);
    }
    bench.send(Op::Data, 0, &[9]);
    while bench.next().0 != Op::Reset {}
    assert!(bench.is_over());
}

#[test]
fn a_client_that_breaks_off_resets_the_stream() {
    let mut bench = Bench::new();
    let mut client = bench.connected();
    // Closed with bytes that nobody has read: the kernel sends a reset.
    bench.send(Op::Data, 0, b"unread");
    client.write_all(b"x").unwrap();
    assert_eq!(bench.next().0, Op::Data);
    drop(client);
    while bench.next().0 != Op::Reset {}
    assert!(bench.is_over());
}

#[test]
fn there_are_so_many_connections_and_others_wait() {
    let mut bench = Bench::new();
    let clients: Vec<_> = (0..100).map(|_| bench.client()).collect();
    let mut ports = Vec::new();
    while ports.len() < clients.len() {
        let (op, packet) = bench.next();
        assert_eq!(op, Op::Request);
        ports.push(packet.header.src_port);
    }
    ports.dedup();
    assert_eq!(ports.len(), clients.len());
    // The rest without sockets of their own: a process may have fewer than there may be streams.
    for _ in ports.len()..MAX_OPENED {
        assert!(bench.parent.can_open());
        let ends = bench.parent.new_ends(PORT);
        let connection = Connection::new(clients[0].try_clone().unwrap());
        bench.parent.open(ends, Box::new(connection.unwrap()));
    }
    assert!(!bench.parent.can_open());
}

#[test]
fn an_address_that_is_taken_is_named() {
    let bench = Bench::new();
    let publish = Publish {
        address: bench.address,
        port: 1,
        client: ClientAddress::Unknown,
    };
    let error = Ingress::bind(&[publish]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("nothing can listen at `{}`", bench.address)
    );
    assert!(error.hint().is_some());
}

#[test]
fn who_a_client_is_comes_before_its_first_byte() {
    let mut bench = Bench::with(ClientAddress::ProxyProtocol);
    bench.buffer = 20;
    let mut client = bench.connected();
    let header = header::header(client.local_addr().unwrap(), bench.address);
    client.write_all(b"hello").unwrap();
    let mut heard: Vec<u8> = Vec::new();
    // The guest takes it in pieces, for which the header has to wait.
    while heard.len() < header.len() + 5 {
        let (op, packet) = bench.next();
        assert_eq!(op, Op::Data);
        heard.extend(&packet.payload);
        bench.taken = u32::try_from(heard.len()).unwrap();
        bench.send(Op::CreditUpdate, 0, b"");
    }
    assert_eq!(heard, [&header[..], b"hello"].concat());
}
