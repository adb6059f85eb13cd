//! The proxy: one port for HTTP and SOCKS5, which are told apart by their first byte.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::time::Duration;

use enclair_configuration::PROXY_PORT;
use tokio::time::timeout;

use super::body::Body;
use super::exchange::exchange;
use super::inbox::Inbox;
use super::{Called, Egress, Refusal, Target, http, socks};
use crate::http::Answer;
use crate::relay::relay;
use crate::stream::{Listener, Stream};

/// Where it listens. The builder writes this address into the application's environment.
pub(super) const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, PROXY_PORT);
/// How long a client may take to say whom it calls.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long somebody who goes on to send after the last answer is listened to.
const LINGER: Duration = Duration::from_secs(1);

/// What a client asks for, in whichever protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) target: Target,
    pub(super) protocol: Protocol,
    /// What is sent to the target before everything else.
    pub(super) first: Vec<u8>,
}

/// How the client is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `CONNECT` of HTTP: the client waits for an answer of the proxy.
    Connect,
    /// A request of HTTP for the target, with a body that goes this far: the answer is the
    /// target's.
    Forward(Body),
    Socks,
}

impl Protocol {
    const fn accepted(self) -> &'static [u8] {
        match self {
            Self::Connect => b"HTTP/1.1 200 Connection established\r\n\r\n",
            Self::Forward(_) => b"",
            Self::Socks => socks::ACCEPTED,
        }
    }

    fn refused(self, target: &Target, refusal: &Refusal) -> Vec<u8> {
        match self {
            Self::Connect | Self::Forward(_) => http::refused(target, refusal).bytes(),
            Self::Socks => socks::refused(refusal).to_vec(),
        }
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum Wrong {
    /// The client is told this before the end.
    Told(Vec<u8>),
    /// The client is gone, or there is nothing to say to it.
    Gone,
}

impl From<io::Error> for Wrong {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl From<Answer> for Wrong {
    fn from(answer: Answer) -> Self {
        Self::Told(answer.bytes())
    }
}

/// The proxy, listening.
#[derive(Debug)]
pub(super) struct Proxy {
    listener: Listener,
    egress: Rc<Egress>,
}

impl Proxy {
    pub(super) fn listen(address: SocketAddrV4, egress: Rc<Egress>) -> io::Result<Self> {
        let listener = Listener::tcp(address)?;
        Ok(Self { listener, egress })
    }

    /// Serves to the end of the enclave.
    pub(super) async fn serve(self) {
        loop {
            let (client, permit) = self.egress.accept(&self.listener).await;
            let egress = Rc::clone(&self.egress);
            tokio::task::spawn_local(async move {
                // How a connection ends is for its two sides to know.
                let _ = converse(&egress, client).await;
                drop(permit);
            });
        }
    }

    #[cfg(test)]
    pub(super) fn port(&self) -> u16 {
        self.listener.port()
    }
}

/// Serves one client to its end.
pub(super) async fn converse(egress: &Egress, client: Stream) -> io::Result<()> {
    let mut inbox = Inbox::new(client);
    let request = timeout(PATIENCE, read(&mut inbox)).await;
    let (client, rest) = inbox.into_parts();
    let Request {
        target,
        protocol,
        first,
    } = match request {
        Ok(Ok(request)) => request,
        Ok(Err(Wrong::Told(answer))) => return end_with(&client, &answer).await,
        Ok(Err(Wrong::Gone)) | Err(_) => return Ok(()),
    };
    match egress.call(&target).await {
        Ok(Called { stream, early }) => {
            client.write_all(protocol.accepted()).await?;
            client.write_all(&early).await?;
            stream.write_all(&first).await?;
            match protocol {
                Protocol::Forward(body) => {
                    let client = exchange(client, stream, body, rest).await?;
                    linger(&client).await;
                    Ok(())
                }
                Protocol::Connect | Protocol::Socks => {
                    stream.write_all(&rest).await?;
                    relay(client, stream).await
                }
            }
        }
        Err(refusal) => end_with(&client, &protocol.refused(&target, &refusal)).await,
    }
}

/// The last that a client is told.
async fn end_with(client: &Stream, answer: &[u8]) -> io::Result<()> {
    client.write_all(answer).await?;
    client.finish_writing()?;
    linger(client).await;
    Ok(())
}

/// Reads what still comes behind the last answer, for a moment: a socket that is closed with bytes
/// unread resets, and the answer with it.
async fn linger(client: &Stream) {
    let _ = timeout(LINGER, client.drain()).await;
}

/// Reads who is called. What is left in the inbox belongs to the connection.
pub(super) async fn read(inbox: &mut Inbox) -> Result<Request, Wrong> {
    inbox.fill().await?;
    if inbox.kept().first() == Some(&socks::VERSION) {
        socks::read(inbox).await
    } else {
        http::read(inbox).await
    }
}
