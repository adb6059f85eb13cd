//! Servers that a test starts: programs on loopback ports, ended when they are dropped, and
//! hand-written ones.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// A program that runs until it is dropped.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command whose program must be there.
pub(crate) fn program(name: &str) -> Command {
    for directory in ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin"] {
        let path = Path::new(directory).join(name);
        if path.exists() {
            return Command::new(path);
        }
    }
    panic!("`{name}` is missing; run `.ci/setup test`");
}

/// Runs a program to its end, which must be a good one.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    output.stdout
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts a server that is told its port, and waits until it listens. Another program may have
/// taken the port in between; then it starts again with another one.
fn start(mut command: impl FnMut(u16) -> Command) -> (Running, u16) {
    for _ in 0..20 {
        let port = free_port();
        let child = command(port).stdout(Stdio::null()).spawn().unwrap();
        let mut running = Running(child);
        loop {
            if running.0.try_wait().unwrap().is_some() {
                break;
            }
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return (running, port);
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    panic!("no server would start");
}

/// nginx, with the files of a directory and a configuration of the test's.
#[derive(Debug)]
pub(crate) struct Nginx {
    _running: Running,
    pub(crate) port: u16,
    directory: TempDir,
}

impl Nginx {
    /// `server` goes into the `server` block; `tls` is a certificate and key to listen with.
    pub(crate) fn start(server: &str, tls: Option<(&Path, &Path)>) -> Self {
        Self::start_with("", server, tls)
    }

    /// The same, with more for the `http` block.
    pub(crate) fn start_with(http: &str, server: &str, tls: Option<(&Path, &Path)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().to_owned();
        fs::create_dir(top.join("files")).unwrap();
        let (running, port) = start(|port| {
            let configuration = configuration(&top, (http, server), tls, port);
            fs::write(top.join("nginx.conf"), configuration).unwrap();
            let mut command = program("nginx");
            command
                .arg("-p")
                .arg(&top)
                .arg("-e")
                .arg(top.join("error.log"));
            command
                .arg("-c")
                .arg(top.join("nginx.conf"))
                .stderr(Stdio::null());
            command
        });
        Self {
            _running: running,
            port,
            directory,
        }
    }

    pub(crate) fn put(&self, name: &str, content: &[u8]) {
        let path = self.directory.path().join("files").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Lines of the log: status, bytes of the body, range asked for, request.
    pub(crate) fn log(&self) -> Vec<String> {
        // A line is written when the last byte is sent, which is before the client has read it.
        let path = self.directory.path().join("access.log");
        let read = || fs::read_to_string(&path).unwrap_or_default();
        let mut before = read();
        loop {
            thread::sleep(Duration::from_millis(50));
            let now = read();
            if now == before {
                return now.lines().map(str::to_owned).collect();
            }
            before = now;
        }
    }
}

fn configuration(
    top: &Path,
    (http, server): (&str, &str),
    tls: Option<(&Path, &Path)>,
    port: u16,
) -> String {
    let top = top.display();
    let listen = match tls {
        Some((certificate, key)) => format!(
            "listen 127.0.0.1:{port} ssl; ssl_certificate {}; ssl_certificate_key {};",
            certificate.display(),
            key.display()
        ),
        None => format!("listen 127.0.0.1:{port};"),
    };
    format!(
        "daemon off; master_process off; pid {top}/pid; error_log {top}/error.log;\n\
         events {{ }}\n\
         http {{ {http}\n\
           log_format short '$status $body_bytes_sent $http_range $request';\n\
           access_log {top}/access.log short;\n\
           client_body_temp_path {top}/body; proxy_temp_path {top}/proxy;\n\
           fastcgi_temp_path {top}/fastcgi; uwsgi_temp_path {top}/uwsgi; scgi_temp_path {top}/scgi;\n\
           server {{ {listen} root {top}/files;\n{server}\n}}\n\
         }}\n"
    )
}

/// Docker's registry.
#[derive(Debug)]
pub(crate) struct Registry {
    _running: Running,
    pub(crate) port: u16,
    pub(crate) directory: TempDir,
}

/// What a registry is to be like.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct RegistryOptions<'a> {
    /// User and password of the only user.
    pub(crate) user: Option<(&'a str, &'a str)>,
    /// Where tokens come from, and the certificate that signs them.
    pub(crate) tokens: Option<(&'a str, &'a Path)>,
    /// Certificate and key.
    pub(crate) tls: Option<(&'a Path, &'a Path)>,
}

impl Registry {
    pub(crate) fn start(options: RegistryOptions<'_>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path().to_owned();
        let mut auth = String::new();
        if let Some((user, password)) = options.user {
            let entry = run(program("htpasswd").args(["-Bbn", user, password]));
            fs::write(top.join("htpasswd"), entry).unwrap();
            auth = format!(
                "auth: {{htpasswd: {{realm: test, path: {}/htpasswd}}}}\n",
                top.display()
            );
        }
        if let Some((realm, certificate)) = options.tokens {
            auth = format!(
                "auth: {{token: {{realm: '{realm}', service: test, issuer: test, \
                 rootcertbundle: '{}'}}}}\n",
                certificate.display()
            );
        }
        let tls = options.tls.map_or_else(String::new, |(certificate, key)| {
            format!(
                ", tls: {{certificate: '{}', key: '{}'}}",
                certificate.display(),
                key.display()
            )
        });
        let log = top.join("log");
        let (running, port) = start(|port| {
            let configuration = format!(
                "version: 0.1\nlog: {{level: info, accesslog: {{disabled: false}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}/data}}}}\n\
                 http: {{addr: '127.0.0.1:{port}'{tls}}}\n{auth}",
                top.display()
            );
            fs::write(top.join("config.yml"), configuration).unwrap();
            let mut command = program("docker-registry");
            command.arg("serve").arg(top.join("config.yml"));
            command.stderr(fs::File::create(&log).unwrap());
            command
        });
        Self {
            _running: running,
            port,
            directory,
        }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Copies an image of an OCI layout to it, with another program.
    pub(crate) fn push(&self, layout: &Path, name: &str, options: &[&str]) {
        run(program("skopeo")
            .args([
                "--insecure-policy",
                "copy",
                "--quiet",
                "--dest-tls-verify=false",
            ])
            .args(options)
            .arg(format!("oci:{}:image", layout.display()))
            .arg(format!("docker://{}/{name}", self.host())));
    }

    /// Where it keeps a blob.
    pub(crate) fn blob_path(&self, digest: &str) -> PathBuf {
        let blobs = "data/docker/registry/v2/blobs/sha256";
        let place = format!("{blobs}/{}/{digest}/data", &digest[..2]);
        self.directory.path().join(place)
    }
}

/// A server that answers each connection as the test wants.
#[derive(Debug)]
pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// `answer` gets the number of the request, from 0, its head, and the connection, which is
    /// closed afterwards.
    pub(crate) fn start(
        answer: impl Fn(usize, &str, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let head = read_head(&stream);
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(head.clone());
                    seen.len() - 1
                };
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    answer(number, &head, &mut stream);
                    let _ = stream.shutdown(Shutdown::Write);
                    // What is left unread would make the end a reset.
                    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
                    let _ = stream.read(&mut [0; 64]);
                });
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_head(stream: &TcpStream) -> String {
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
    head
}

/// The value of a header in a request's head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The first byte that a request asks for.
pub(crate) fn range_start(head: &str) -> usize {
    let range = header(head, "range").and_then(|value| value.strip_prefix("bytes="));
    range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap())
}

/// Writes an answer whose length is that of its body.
pub(crate) fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let length = body.len();
    respond_with(
        stream,
        status,
        &format!("Content-Length: {length}\r\n{headers}"),
        body,
    );
}

/// Writes an answer as it is. The other side may have gone away.
pub(crate) fn respond_with(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

/// Certificates of an authority of the test's own, made by openssl.
#[derive(Debug)]
pub(crate) struct Authority {
    directory: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let this = Self { directory };
        this.openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem",
        );
        fs::write(
            this.path("names"),
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        )
        .unwrap();
        this.openssl(
            "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out request",
        );
        this.openssl(
            "x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile names -out certificate.pem",
        );
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let mut command = program("openssl");
        command.current_dir(self.directory.path());
        run(command.args(arguments.split_whitespace()));
    }
}
