//! What a test needs: sockets, a stub, an enclave, a watcher.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, connect, getpeername, socket_with,
};

use super::*;
use crate::agent::Counters;
use crate::nitro::wire::Wire;

/// The enclave's context id.
pub(super) const CID: u32 = 88;
/// How long anything may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Unix sockets in a directory. A name begins with the context id of whoever has it.
#[derive(Debug, Clone)]
pub(super) struct UnixWire(pub(super) PathBuf);

impl UnixWire {
    fn path(&self, cid: u32, port: u32) -> PathBuf {
        self.0.join(format!("{cid}.{port}"))
    }

    /// A port of the enclave.
    pub(super) fn listen_inside(&self, port: u32) -> UnixListener {
        UnixListener::bind(self.path(CID, port)).unwrap()
    }

    /// A connection of somebody with a context id to a port of the parent.
    pub(super) fn call(&self, cid: u32, port: u32) -> UnixStream {
        static NEXT: AtomicU32 = AtomicU32::new(1 << 20);
        let socket = socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .unwrap();
        let own = self.path(cid, NEXT.fetch_add(1, Ordering::Relaxed));
        bind(&socket, &SocketAddrUnix::new(&own).unwrap()).unwrap();
        connect(&socket, &SocketAddrUnix::new(self.path(3, port)).unwrap()).unwrap();
        let stream = UnixStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

impl Wire for UnixWire {
    fn listen(&self, port: u32) -> std::io::Result<OwnedFd> {
        let listener = UnixListener::bind(self.path(3, port))?;
        listener.set_nonblocking(true)?;
        Ok(listener.into())
    }

    fn connect(&self, cid: u32, port: u32) -> std::io::Result<OwnedFd> {
        let stream = UnixStream::connect(self.path(cid, port))?;
        stream.set_nonblocking(true)?;
        Ok(stream.into())
    }

    fn peer(&self, socket: &OwnedFd) -> std::io::Result<u32> {
        let address = getpeername(socket.as_fd())?.unwrap();
        let address = SocketAddrUnix::try_from(address)?;
        let path = address.path().unwrap().to_str().unwrap().to_owned();
        let (_, name) = path.rsplit_once('/').unwrap();
        let (cid, _) = name.split_once('.').unwrap();
        Ok(cid.parse().unwrap())
    }
}

/// What the watcher has heard.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) console: Mutex<String>,
    pub(super) ready: Mutex<Option<u64>>,
    pub(super) output: Mutex<Vec<u8>>,
    pub(super) denied: Mutex<Vec<Denied>>,
    pub(super) events: Mutex<Vec<Event>>,
}

impl Watcher for Heard {
    fn console(&self, text: &str) {
        self.console.lock().unwrap().push_str(text);
    }

    fn event(&self, event: &Event) {
        self.events.lock().unwrap().push(event.clone());
    }

    fn ready(&self, ready_ms: u64) {
        *self.ready.lock().unwrap() = Some(ready_ms);
    }

    fn counted(&self, _counters: &Counters) {}

    fn output(&self, bytes: &[u8]) {
        self.output.lock().unwrap().extend_from_slice(bytes);
    }

    fn output_lost(&self, _count: usize) {}

    fn denied(&self, denied: &Denied) {
        self.denied.lock().unwrap().push(denied.clone());
    }
}

/// The stub. Its enclave is a process that sleeps in a session of its own; everything that it is
/// asked is written down in `calls`. What is in `NAME.sh` is done first by the command `NAME`.
const STUB: &str = r#"#!/bin/sh
cd DIRECTORY
echo "$*" >>calls
[ ! -e "$1.sh" ] || . "./$1.sh"
case "$1" in
run-enclave)
    setsid sleep 300 </dev/null >/dev/null 2>&1 &
    echo $! >enclave
    shift
    while [ $# -gt 0 ]; do
        case "$1" in
        --enclave-name) echo "$2" >name ;;
        --debug-mode) echo DEBUG_MODE >flags ;;
        esac
        shift
    done
    echo 'Start allocating memory...' >&2
    echo '{"EnclaveName": "'$(cat name)'", "EnclaveID": "i-1-enc2", "ProcessID": '$(cat enclave)','
    echo '"EnclaveCID": 88, "NumberOfCPUs": 2, "CPUIDs": [1, 3], "MemoryMiB": 512}'
    ;;
describe-enclaves)
    grep -q ') [^Z] ' /proc/$(cat enclave)/stat || { echo '[]'; exit 0; }
    echo '[{"EnclaveName": "'$(cat name)'", "EnclaveID": "i-1-enc2", "EnclaveCID": 88,'
    echo '"State": "RUNNING", "Flags": "'$(cat flags)'", "Measurements": {"PCR0":'
    echo "\"$(cat pcr0)\", \"PCR1\": \"$(cat pcr1)\", \"PCR2\": \"$(cat pcr2)\"}}]"
    ;;
terminate-enclave)
    kill -9 $(cat enclave)
    echo "Successfully terminated enclave $3." >&2
    echo '{"EnclaveName": "'$(cat name)'", "EnclaveID": "'$3'", "Terminated": true}'
    ;;
console)
    echo 'Successfully connected to the console.'
    echo 'enclave says hello'
    sleep 300
    ;;
esac
"#;

/// A machine with a stub, and a run on it.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) directory: TempDir,
    pub(super) wire: UnixWire,
    pub(super) heard: Arc<Heard>,
    result: Receiver<Result<Report, Error>>,
}

/// A request for a stub in `directory`.
pub(super) fn request(directory: &Path) -> Request {
    fs::write(directory.join("device"), "").unwrap();
    let program = directory.join("stub-nitro-cli");
    let script = STUB.replace("DIRECTORY", directory.to_str().unwrap());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(directory.join("flags"), "NONE\n").unwrap();
    for (name, byte) in [("pcr0", "00"), ("pcr1", "01"), ("pcr2", "02")] {
        fs::write(directory.join(name), byte.repeat(48)).unwrap();
    }
    Request {
        image: "/images/app.eif".into(),
        measurements: Measurements {
            pcr0: Pcr::from_bytes([0; 48]),
            pcr1: Pcr::from_bytes([1; 48]),
            pcr2: Pcr::from_bytes([2; 48]),
        },
        program,
        device: directory.join("device"),
        memory_mib: 512,
        cpus: 2,
        egress: Egress::Off,
        manifest: None,
        timeout: Some(PATIENCE),
        ready_timeout: None,
        debug_console: false,
    }
}

impl Played {
    /// Begins a run.
    pub(super) fn begin(change: impl FnOnce(&Path, &mut Request)) -> Self {
        Self::begin_with(Ingress::default(), change)
    }

    /// Begins a run with connections from outside.
    pub(super) fn begin_with(ingress: Ingress, change: impl FnOnce(&Path, &mut Request)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut request = request(directory.path());
        change(directory.path(), &mut request);
        let wire = UnixWire(directory.path().to_owned());
        let heard = Arc::<Heard>::default();
        let watcher: Arc<dyn Watcher> = Arc::<Heard>::clone(&heard);
        let (sender, result): (Sender<_>, _) = channel();
        let own = wire.clone();
        thread::spawn(move || {
            let report = crate::nitro::start::run(&request, ingress, &watcher, own);
            drop(sender.send(report));
        });
        Self {
            directory,
            wire,
            heard,
            result,
        }
    }

    /// A connection of the enclave's, as soon as the parent listens.
    pub(super) fn call(&self, port: u32) -> UnixStream {
        self.wait("the parent listens", || self.exists(&format!("3.{port}")));
        self.wire.call(CID, port)
    }

    pub(super) fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what}: not yet; {}",
                self.calls()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.directory.path().join(name).exists()
    }

    /// What the stub was asked.
    pub(super) fn calls(&self) -> String {
        fs::read_to_string(self.directory.path().join("calls")).unwrap_or_default()
    }

    /// The report, whatever is left of the enclave.
    pub(super) fn result(&self) -> Report {
        self.result.recv_timeout(PATIENCE).unwrap().unwrap()
    }

    /// Ends what the stub calls an enclave.
    pub(super) fn kill(&self) {
        let pid = fs::read_to_string(self.directory.path().join("enclave")).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    /// The report, when there is one; and nothing is left of the enclave.
    pub(super) fn end(&self) -> Result<Report, Error> {
        let result = self.result.recv_timeout(PATIENCE).unwrap();
        if let Ok(pid) = fs::read_to_string(self.directory.path().join("enclave")) {
            self.wait("the enclave has ended", || {
                let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
                stat.map_or(true, |stat| stat.contains(") Z "))
            });
        }
        result
    }
}

/// The lines of an application that ends with a status.
pub(super) fn told(code: u8) -> String {
    format!(
        "{{\"schema\":1,\"event\":\"starting\",\"release\":\"2\"}}\n\
         {{\"schema\":1,\"event\":\"started\",\"boot_ms\":412}}\n\
         {{\"schema\":1,\"event\":\"exited\",\"code\":{code}}}\n"
    )
}
