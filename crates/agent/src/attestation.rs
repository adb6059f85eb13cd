//! Documents of the security module: for everybody outside, and for the application inside.
//!
//! | who | where | what may be chosen |
//! |---|---|---|
//! | everybody | a vsock port, `GET /.well-known/enclair/attestation?nonce=..`, `POST /attestation` | the nonce |
//! | everybody | the same port, `GET /.well-known/enclair/manifest` | nothing: see [`manifest`] |
//! | the application | a Unix socket of its user id, `POST /document`, `PUT /binding` | every field, and once the key that documents for everybody are bound to |
//!
//! An endpoint for everybody that let the caller choose `user_data` or `public_key` would be a
//! deputy for the parent: its own key in a genuine document of this enclave. So the agent sets
//! `user_data` there, and begins it with a word that the application cannot use ([`binding`]).
//!
//! No document is kept: each is made for the one who asked. How many are made in a second is
//! bounded, because the module is slow and there is only one.

mod binding;
mod limit;
mod manifest;
mod module;
pub(crate) mod requests;
#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use enclair_nsm::Fields;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::binding::{Binding, Bound};
use self::limit::Limit;
use self::module::{Failed, Module};
use self::requests::{Inside, Outside};
use crate::counters::{Counter, count};
use crate::http::{Answer, Request};
use crate::stream::{Listener, Stream};

/// Connections at the same time, of each side. Those beyond wait in the kernel.
const MAX_CONNECTIONS: usize = 128;
/// How long a connection may take, from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(10);

/// What both sides share.
#[derive(Debug)]
pub(crate) struct Attestation {
    /// `None` on a machine without a module.
    module: Option<Module>,
    binding: Binding,
    limit: Limit,
}

/// Which side a connection is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Outside,
    Inside,
}

impl Attestation {
    /// `module` is the open device, where this machine has one.
    pub(crate) fn new(module: Option<OwnedFd>) -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self {
            module: module.map(Module::start).transpose()?,
            binding: Binding::default(),
            limit: Limit::default(),
        }))
    }

    /// Serves one side to the end of the enclave.
    pub(crate) async fn serve(self: Rc<Self>, listener: Listener, side: Side) {
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let (stream, right) = listener.accept(&connections).await;
            let service = Rc::clone(&self);
            tokio::task::spawn_local(async move {
                let _ = timeout(PATIENCE, service.converse(stream, side)).await;
                drop(right);
            });
        }
    }

    /// One request and its answer.
    async fn converse(&self, stream: Stream, side: Side) -> io::Result<()> {
        let answer = match Request::read(&stream).await? {
            Ok(request) => self.answer(&request, side).await,
            Err(refused) => refused,
        };
        stream.write_all(&answer.bytes()).await?;
        stream.finish_writing()?;
        // A socket that is closed with bytes unread resets, and the answer with it.
        stream.drain().await
    }

    async fn answer(&self, request: &Request, side: Side) -> Answer {
        let answer = match side {
            Side::Outside => match Outside::parse(request) {
                Ok(outside) => self.outside(outside).await,
                Err(refused) => refused,
            },
            Side::Inside => match Inside::parse(request) {
                Ok(Inside::Bind(digest)) => self.bind(digest),
                Ok(Inside::Document(fields)) => {
                    let document = self.document(fields).await;
                    document.map_or_else(|refused| refused, |document| Answer::document(&document))
                }
                Err(refused) => refused,
            },
        };
        answer.without_cache()
    }

    async fn outside(&self, request: Outside) -> Answer {
        if !self.limit.take() {
            count(Counter::Limited);
            let text = "more is asked for than is answered; ask again in a second\n";
            return Answer::text(429, text).with("Retry-After", "1");
        }
        let (nonce, json) = match request {
            Outside::Document { nonce, json } => (nonce, json),
            Outside::Manifest => return manifest::answer().await,
        };
        let fields = Fields {
            user_data: Some(self.binding.user_data()),
            nonce: Some(nonce),
            public_key: None,
        };
        match self.document(fields).await {
            Ok(document) if json => Answer::document_in_json(&document),
            Ok(document) => Answer::document(&document),
            Err(refused) => refused,
        }
    }

    fn bind(&self, digest: [u8; 32]) -> Answer {
        match self.binding.bind(digest) {
            Bound::Now | Bound::Before => Answer::text(200, "documents are bound to this key\n"),
            Bound::ToAnother => Answer::text(
                409,
                "documents are bound to another key, and one enclave has one for its whole life\n",
            ),
        }
    }

    async fn document(&self, fields: Fields) -> Result<Vec<u8>, Answer> {
        let Some(module) = &self.module else {
            return Err(Answer::text(503, "this machine has no security module\n"));
        };
        module
            .document(fields)
            .await
            .inspect(|_| count(Counter::Documents))
            .map_err(|failed| match failed {
                Failed::Refused(name) => {
                    Answer::text(502, &format!("the security module says {name:?}\n"))
                }
                Failed::NoAnswer => Answer::text(502, "the security module gives no document\n"),
                Failed::Busy => Answer::text(503, "the security module has enough to do\n")
                    .with("Retry-After", "1"),
            })
    }
}
