//! A parent that answers anything: seeded answers that are random, cut, changed, too long or slow.

use std::collections::BTreeMap;

use super::*;

/// Who ask at once, and how many answers there are.
const CLIENTS: u64 = 8;
const ANSWERS: u64 = 600;

const WORDS: [&[u8]; 8] = [
    b"ok\n",
    b"refused not-allowed\n",
    b"refused not-found\n",
    b"refused refused\n",
    b"refused unreachable\n",
    b"refused timed-out\n",
    b"refused too-many\n",
    b"refused malformed\n",
];

/// Numbers that are the same for the same seed (xorshift).
struct Numbers(u64);

impl Numbers {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let byte = |_| u8::try_from(self.below(256)).unwrap();
        (0..length).map(byte).collect()
    }

    /// What a parent says to call number `seed`.
    fn answer(seed: u64) -> Vec<u8> {
        let mut numbers = Self::new(seed);
        let mut answer = WORDS[numbers.below(WORDS.len())].to_vec();
        match numbers.below(8) {
            0..=2 => {}
            3 => answer.truncate(numbers.below(answer.len())),
            4 => {
                let place = numbers.below(answer.len());
                answer[place] = numbers.bytes(1)[0];
            }
            5 => {
                let place = numbers.below(answer.len());
                let length = numbers.below(200);
                answer.splice(place..place, numbers.bytes(length));
            }
            // No line ends in it, whatever its length.
            6 => answer = vec![b'x'; numbers.below(100_000)],
            _ => {
                let length = numbers.below(5000);
                answer = numbers.bytes(length);
            }
        }
        answer
    }
}

/// The first line of an answer, if the agent is to believe it.
fn believed(answer: &[u8]) -> Option<&[u8]> {
    let end = answer.iter().position(|byte| *byte == b'\n')? + 1;
    let line = &answer[..end];
    WORDS.contains(&line).then_some(line)
}

/// The status that the client is to be told for an answer of the parent.
fn expected(answer: &[u8]) -> &'static str {
    match believed(answer) {
        Some(b"ok\n") => "200",
        Some(b"refused not-allowed\n") => "403",
        Some(b"refused timed-out\n") => "504",
        Some(b"refused too-many\n") => "503",
        _ => "502",
    }
}

/// Says the answer whose number is the port that is asked for, in pieces now and then.
fn say(stream: TcpStream) {
    let mut stream = stream;
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let seed: u64 = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
    let answer = Numbers::answer(seed);
    let mut numbers = Numbers::new(seed + 100_000);
    let piece = [1 << 20, 1 << 20, 7][numbers.below(3)];
    for piece in answer.chunks(piece).take(40) {
        // The agent may have heard enough.
        if stream.write_all(piece).is_err() {
            return;
        }
        if piece.len() < 8 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    // The end of an answer is an end or, without one of ours, the agent's.
    let _ = stream.shutdown(Shutdown::Write);
    let _ = std::io::copy(&mut reader, &mut std::io::sink());
}

fn hostile_parent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || say(stream.unwrap()));
        }
    });
    port
}

/// Calls every target of which this client is to ask, and gives how often it was told what.
fn calls(proxy: u16, client: u64) -> BTreeMap<&'static str, usize> {
    let mut told = BTreeMap::new();
    for seed in (1..=ANSWERS).filter(|seed| seed % CLIENTS == client) {
        let request = format!("CONNECT a.b:{seed} HTTP/1.1\r\n\r\n");
        let found = exchange(proxy, request.as_bytes());
        let answer = Numbers::answer(seed);
        let status = expected(&answer);
        let head = format!("HTTP/1.1 {status} ");
        assert!(
            found.starts_with(head.as_bytes()),
            "{seed}: {answer:?} gave {found:?}"
        );
        *told.entry(status).or_default() += 1;
    }
    told
}

#[test]
fn nothing_that_a_parent_answers_ends_more_than_its_call() {
    let (proxy, _) = served(&["*"], hostile_parent());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| thread::spawn(move || calls(proxy, client)))
        .collect();
    let mut told = BTreeMap::<_, usize>::new();
    for client in clients {
        for (status, count) in client.join().unwrap() {
            *told.entry(status).or_default() += count;
        }
    }
    // Of each kind there were some, or this shows nothing.
    for status in ["200", "403", "502", "503", "504"] {
        assert!(told[status] > 5, "{told:?}");
    }
    let total: usize = told.values().sum();
    assert_eq!(total, usize::try_from(ANSWERS).unwrap());
}
