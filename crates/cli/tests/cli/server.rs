//! A web server for a few files, as small as it can be: every answer is a whole file.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};

/// What is there, by path, and what was asked for.
#[derive(Debug, Default)]
struct Stock {
    files: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
    closed: bool,
}

/// A server, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stock: Arc<Mutex<Stock>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stock = Arc::new(Mutex::new(Stock::default()));
        let shared = Arc::clone(&stock);
        let thread = spawn(move || {
            for connection in listener.incoming() {
                if shared.lock().unwrap().closed {
                    return;
                }
                // A client that goes away is no concern of the server's.
                drop(connection.and_then(|connection| answer(&connection, &shared)));
            }
        });
        Self {
            address,
            stock,
            thread: Some(thread),
        }
    }

    /// Puts a file there, or another one in its place.
    pub(crate) fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        let mut stock = self.stock.lock().unwrap();
        stock.files.insert(path.to_owned(), content.into());
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The host and port, for messages that are compared without them.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// How often something was asked for so far.
    pub(crate) fn asked(&self) -> usize {
        self.stock.lock().unwrap().asked.len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stock.lock().unwrap().closed = true;
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn answer(connection: &TcpStream, stock: &Mutex<Stock>) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = request.split(' ');
    let (method, path) = (words.next(), words.next().unwrap_or_default());
    let found = {
        let mut stock = stock.lock().unwrap();
        stock.asked.push(path.to_owned());
        stock.files.get(path).cloned()
    };
    let (status, content) = match found {
        Some(content) => ("200 OK", content),
        None => ("404 Not Found", Vec::new()),
    };
    let mut connection = connection;
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        content.len()
    )?;
    if method != Some("HEAD") {
        connection.write_all(&content)?;
    }
    connection.flush()
}
