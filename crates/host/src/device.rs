//! The vsock device: moves packets between the guest's rings and the parent.
//!
//! QEMU speaks vhost-user on a socket and shares the guest's memory; the rings are served here, in
//! the process of the user, on the thread that the back-end crate keeps for them. QEMU keeps the
//! third ring, for events, to itself. Sockets of ingress and egress are served by the same thread,
//! so that a byte crosses no queue between another machine and the guest's memory.
//!
//! Memory and rings are the guest's and hostile. Whatever is wrong with them is a [`DeviceError`]
//! that ends the run; nothing is served after it. Payloads are copied out once, and their lengths
//! are compared with what the descriptors hold before anything is allocated.

use std::fmt;
use std::io::{self, Read as _, Write as _};

use thiserror::Error;
use vhost::vhost_user::message::{VhostUserProtocolFeatures, VhostUserVirtioFeatures};
use vhost_user_backend::{VhostUserBackendMut, VringRwLock, VringT};
use virtio_queue::{DescriptorChain, QueueOwnedT as _, QueueT as _};
use vm_memory::{GuestAddressSpace as _, GuestMemoryAtomic, GuestMemoryMmap};
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::event::{
    EventConsumer, EventFlag, EventNotifier, new_event_consumer_and_notifier,
};

use crate::egress::Dialler;
use crate::ingress::Ingress;
use crate::vsock::packet::{HEADER_SIZE, Header, MAX_PAYLOAD, Packet};
use crate::vsock::parent::{GUEST_CID, Parent};

/// The ring on which the guest receives.
const RECEIVE: usize = 0;
/// The ring on which the guest sends.
const SEND: usize = 1;
/// The number of the event that sockets of ingress or egress are ready: behind the rings and the crate's own.
pub(crate) const SOCKETS: u16 = 3;
/// Descriptors of a ring: what QEMU offers to a driver that can choose.
const RING_SIZE: usize = 1024;
/// The device follows the standard, not what was before it.
const VIRTIO_F_VERSION_1: u64 = 1 << 32;

type Memory = GuestMemoryAtomic<GuestMemoryMmap>;

/// What the guest, or QEMU, got wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A ring that cannot be read or written.
    #[error("vsock ring {ring}: the guest's ring is not valid")]
    Ring {
        /// 0: the guest receives, 1: the guest sends.
        ring: usize,
        /// What is wrong with it.
        #[source]
        source: virtio_queue::Error,
    },
    /// Buffers that lie outside of the guest's memory.
    #[error("vsock ring {ring}: a buffer cannot be reached")]
    Buffer {
        /// As above.
        ring: usize,
        /// What was tried.
        #[source]
        source: io::Error,
    },
    /// Buffers that are too small for a header.
    #[error("vsock ring {ring}: expected a buffer of {HEADER_SIZE} bytes or more, found {found}")]
    Small {
        /// As above.
        ring: usize,
        /// Bytes in it.
        found: usize,
    },
    /// A payload longer than its buffer, or than any may be.
    #[error(
        "vsock ring 1: a packet declares {declared} bytes, {found} follow and {MAX_PAYLOAD} are the most"
    )]
    Payload {
        /// What the header says.
        declared: u32,
        /// What the buffer holds.
        found: usize,
    },
    /// QEMU could not be told.
    #[error("vsock ring {ring}: the guest cannot be notified")]
    Notify {
        /// As above.
        ring: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What ends a device.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An error of the guest's.
    Fault(DeviceError),
    /// The rings were taken away: the machine ends, or the guest starts anew without ending it.
    Rings,
}

/// Hears of what ends the device, once.
pub(crate) type OnStop = Box<dyn FnOnce(Stop) + Send + Sync>;

/// The device.
pub(crate) struct Device {
    parent: Parent,
    ingress: Ingress,
    /// Gone when nothing is served any more.
    dialler: Option<Dialler>,
    memory: Memory,
    /// Gone once it has been called: nothing is served any more.
    on_stop: Option<OnStop>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("parent", &self.parent)
            .field("stopped", &self.on_stop.is_none())
            .finish_non_exhaustive()
    }
}

impl Device {
    /// A device for `memory`, which is empty until QEMU shares it.
    pub(crate) fn new(
        parent: Parent,
        ingress: Ingress,
        dialler: Dialler,
        memory: Memory,
        on_stop: OnStop,
    ) -> Self {
        Self {
            parent,
            ingress,
            dialler: Some(dialler),
            memory,
            on_stop: Some(on_stop),
        }
    }

    fn stop(&mut self, why: Stop) {
        // A socket that nobody serves would wake the thread for ever.
        self.ingress = Ingress::default();
        self.dialler = None;
        if let Some(on_stop) = self.on_stop.take() {
            on_stop(why);
        }
    }

    /// Moves packets both ways until neither side has more.
    fn serve(&mut self, vrings: &[VringRwLock]) -> Result<(), DeviceError> {
        let (Some(receive), Some(send)) = (vrings.get(RECEIVE), vrings.get(SEND)) else {
            return Ok(());
        };
        loop {
            let taken = self.take_packets(send)?;
            let given = self.give_packets(receive)?;
            // A stream that is over leaves room for a connection that waits.
            let accepted = self.ingress.accept(&mut self.parent);
            if !taken && !given && !accepted {
                return Ok(());
            }
        }
    }

    /// Takes what the guest sends, as long as the parent has room. Says whether there was any.
    fn take_packets(&mut self, vring: &VringRwLock) -> Result<bool, DeviceError> {
        let mut any = false;
        while !self.parent.is_full() {
            let Some(chain) = next_chain(vring, &self.memory, SEND)? else {
                break;
            };
            let head = chain.head_index();
            let packet = read_packet(chain)?;
            self.parent.receive(&packet);
            give_back(vring, SEND, head, 0)?;
            any = true;
        }
        notify(vring, SEND, any)
    }

    /// Gives the guest what there is, as long as its ring has buffers. Says whether any was given.
    fn give_packets(&mut self, vring: &VringRwLock) -> Result<bool, DeviceError> {
        let mut any = false;
        while self.parent.has_outgoing() {
            let Some(chain) = next_chain(vring, &self.memory, RECEIVE)? else {
                break;
            };
            let head = chain.head_index();
            let written = write_packet(chain, &mut self.parent)?;
            give_back(vring, RECEIVE, head, written)?;
            any = true;
        }
        notify(vring, RECEIVE, any)
    }
}

type Chain = DescriptorChain<vm_memory::GuestMemoryLoadGuard<GuestMemoryMmap>>;

/// The next buffer that the guest offers on a ring, where it offers one.
fn next_chain(
    vring: &VringRwLock,
    memory: &Memory,
    ring: usize,
) -> Result<Option<Chain>, DeviceError> {
    let mut state = vring.get_mut();
    let queue = state.get_queue_mut();
    // A driver sets up one ring after the other.
    if !queue.ready() {
        return Ok(None);
    }
    let mut chains = queue
        .iter(memory.memory())
        .map_err(|source| DeviceError::Ring { ring, source })?;
    Ok(chains.next())
}

fn read_packet(chain: Chain) -> Result<Packet, DeviceError> {
    let ring = SEND;
    let memory = chain.memory().clone();
    let mut reader = chain
        .reader(&memory)
        .map_err(|source| DeviceError::Ring { ring, source })?;
    let found = reader.available_bytes();
    let mut bytes = [0; HEADER_SIZE];
    if found < bytes.len() {
        return Err(DeviceError::Small { ring, found });
    }
    let buffer = |source| DeviceError::Buffer { ring, source };
    reader.read_exact(&mut bytes).map_err(buffer)?;
    let header = Header::parse(&bytes);
    let (declared, found) = (header.len, reader.available_bytes());
    let count = usize::try_from(declared).unwrap_or(usize::MAX);
    if declared > MAX_PAYLOAD || count > found {
        return Err(DeviceError::Payload { declared, found });
    }
    let mut payload = vec![0; count];
    reader.read_exact(&mut payload).map_err(buffer)?;
    Ok(Packet { header, payload })
}

/// Writes the parent's next packet; gives the bytes that were written.
fn write_packet(chain: Chain, parent: &mut Parent) -> Result<u32, DeviceError> {
    let ring = RECEIVE;
    let memory = chain.memory().clone();
    let mut writer = chain
        .writer(&memory)
        .map_err(|source| DeviceError::Ring { ring, source })?;
    let found = writer.available_bytes();
    // A buffer without room for a byte of payload would hold a stream up for ever.
    let room = match found.checked_sub(HEADER_SIZE) {
        None | Some(0) => return Err(DeviceError::Small { ring, found }),
        Some(room) => u32::try_from(room).unwrap_or(MAX_PAYLOAD).min(MAX_PAYLOAD),
    };
    let Some(packet) = parent.next(room) else {
        return Ok(0);
    };
    writer
        .write_all(&packet.header.encode())
        .and_then(|()| writer.write_all(&packet.payload))
        .map_err(|source| DeviceError::Buffer { ring, source })?;
    Ok(u32::try_from(writer.bytes_written()).unwrap_or(u32::MAX))
}

fn give_back(vring: &VringRwLock, ring: usize, head: u16, written: u32) -> Result<(), DeviceError> {
    vring
        .add_used(head, written)
        .map_err(|source| DeviceError::Ring { ring, source })
}

/// Tells the guest of used buffers, if there are `any`.
fn notify(vring: &VringRwLock, ring: usize, any: bool) -> Result<bool, DeviceError> {
    if any {
        vring
            .signal_used_queue()
            .map_err(|source| DeviceError::Notify { ring, source })?;
    }
    Ok(any)
}

impl VhostUserBackendMut for Device {
    type Bitmap = ();
    type Vring = VringRwLock;

    fn num_queues(&self) -> usize {
        2
    }

    fn max_queue_size(&self) -> usize {
        RING_SIZE
    }

    fn features(&self) -> u64 {
        VIRTIO_F_VERSION_1 | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits()
    }

    fn protocol_features(&self) -> VhostUserProtocolFeatures {
        VhostUserProtocolFeatures::CONFIG
            | VhostUserProtocolFeatures::MQ
            | VhostUserProtocolFeatures::REPLY_ACK
    }

    fn set_event_idx(&mut self, _enabled: bool) {}

    /// The device's configuration: the guest's CID.
    fn get_config(&self, offset: u32, size: u32) -> Vec<u8> {
        let bytes = GUEST_CID.to_le_bytes();
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let end = start.saturating_add(size);
        bytes.get(start..end).unwrap_or_default().to_vec()
    }

    fn update_memory(&mut self, memory: Memory) -> io::Result<()> {
        self.memory = memory;
        Ok(())
    }

    /// Called when a ring that was started is stopped.
    fn stop_vring(&mut self, _ring: u32) -> io::Result<()> {
        self.stop(Stop::Rings);
        Ok(())
    }

    /// Ends the thread of the rings when the device is dropped.
    fn exit_event(&self, _thread: usize) -> Option<(EventConsumer, EventNotifier)> {
        new_event_consumer_and_notifier(EventFlag::NONBLOCK).ok()
    }

    fn handle_event(
        &mut self,
        event: u16,
        _set: EventSet,
        vrings: &[VringRwLock],
        _thread: usize,
    ) -> io::Result<()> {
        if self.on_stop.is_none() {
            return Ok(());
        }
        if event == SOCKETS {
            self.ingress.poll(&mut self.parent);
            if let Some(dialler) = &mut self.dialler {
                dialler.poll(&mut self.parent);
            }
        }
        if let Err(error) = self.serve(vrings) {
            self.stop(Stop::Fault(error));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
