//! Answers every request with its first line, on port 8080. Linked statically: all of the root
//! filesystem is this program.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

fn answer(stream: TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(&stream).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    // The rest of the head: whoever closes a connection with unread bytes resets it.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let length = first.len() + 1;
    write!(&stream, "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{first}\n")
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", 8080))?;
    for stream in listener.incoming() {
        if let Err(error) = stream.and_then(answer) {
            eprintln!("{error}");
        }
    }
    Ok(())
}
