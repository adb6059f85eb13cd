//! Requests and answers: the one module with an asynchronous runtime in it.
//!
//! A [`Network`] has a small runtime whose threads do nothing but move bytes between sockets and
//! their connections. Whoever asks for something does so from a thread of its own and blocks
//! there, for the network as for the disk; digests and writes therefore never hold up a
//! connection that is not their own. What a body's reader does not take stays in the socket, so
//! memory is constant whatever the size of a body.
//!
//! Redirects are followed here and not by the client, because its policy knows nothing of TLS
//! being left, and because credentials must not go along to another host.

use std::fs;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, NoProxy, Proxy, StatusCode, Url};
use tokio::runtime::{Builder, Runtime};

use crate::error::Error;
use crate::header::parse_retry_after;
use crate::reason::{Phase, Reason};
use crate::redacted::RedactedUrl;
use crate::settings::{Proxies, Settings, Timeouts};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Threads that move bytes.
const WORKERS: usize = 2;

const USER_AGENT: &str = concat!("enclair/", env!("CARGO_PKG_VERSION"));

/// What can be asked over HTTP.
#[derive(Debug)]
pub(crate) struct Network {
    /// There until it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    timeouts: Timeouts,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    url: Url,
    authorization: Option<HeaderValue>,
    accept: Option<&'static str>,
    from: u64,
    form: Option<String>,
}

impl Request {
    /// A GET. Credentials in the URL are taken out of it and sent as Basic authorization.
    pub(crate) fn get(mut url: Url) -> Self {
        let authorization = take_user(&mut url);
        Self {
            url,
            authorization,
            accept: None,
            from: 0,
            form: None,
        }
    }

    /// A POST of a form, which is not redirected.
    pub(crate) fn post(url: Url, form: String) -> Self {
        Self {
            form: Some(form),
            ..Self::get(url)
        }
    }

    pub(crate) fn with_authorization(mut self, authorization: Option<HeaderValue>) -> Self {
        self.authorization = authorization.or(self.authorization);
        self
    }

    pub(crate) fn accepting(mut self, accept: &'static str) -> Self {
        self.accept = Some(accept);
        self
    }

    /// Asks for what is behind the first `from` bytes.
    pub(crate) fn starting_at(mut self, from: u64) -> Self {
        self.from = from;
        self
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // The bytes that are stored are wanted, not what a server makes of them on the way.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(accept) = self.accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let range = HeaderValue::try_from(format!("bytes={}-", self.from));
        if let Ok(range) = range
            && self.from > 0
        {
            headers.insert(RANGE, range);
        }
        if self.form.is_some() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, form);
        }
        headers
    }
}

/// User and password of a URL as an authorization; the URL has none afterwards.
fn take_user(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let user = percent_decoded(url.username());
    let password = percent_decoded(url.password().unwrap_or_default());
    // Both fail only for URLs that cannot have a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    basic(&user, &password)
}

/// The value of a Basic authorization, marked as one that is not to be shown.
pub(crate) fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Undoes `%XX`; what is not one stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let mut digit = || char::from(ahead.next()?).to_digit(16);
        match (byte, digit(), digit()) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(byte));
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Network {
    /// Starts the runtime. This is the first moment at which anything of a network exists.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Error> {
        Self::with(configured(settings)?, settings.timeouts)
    }

    /// A network with one host on it: whoever listens at a Unix socket.
    pub(crate) fn at_socket(path: &std::path::Path, timeouts: Timeouts) -> Result<Self, Error> {
        Self::with(client(timeouts).unix_socket(path), timeouts)
    }

    fn with(client: ClientBuilder, timeouts: Timeouts) -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("enclair-network")
            .enable_io()
            .enable_time()
            .build()
            .map_err(Error::Runtime)?;
        let client = client.build().map_err(Error::Client)?;
        Ok(Self {
            runtime: Some(runtime),
            client,
            timeouts,
        })
    }

    /// Sends a request, follows redirects, and waits for the head of the answer.
    pub(crate) fn send(&self, mut request: Request) -> Result<Answer<'_>, Reason> {
        let deadline = Instant::now()
            .checked_add(self.timeouts.total)
            .ok_or(Reason::TimedOut {
                phase: Phase::Total,
            })?;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(&request)?;
            if request.form.is_some() || !is_redirect(response.status()) {
                return Ok(Answer {
                    network: self,
                    response,
                    deadline,
                });
            }
            request = redirected(&request, response.headers())?;
        }
        Err(Reason::Redirects {
            limit: MAX_REDIRECTS,
        })
    }

    fn send_once(&self, request: &Request) -> Result<reqwest::Response, Reason> {
        let url = request.url.clone();
        let builder = match &request.form {
            Some(form) => self.client.post(url).body(form.clone()),
            None => self.client.get(url),
        };
        let sent = builder.headers(request.headers()).send();
        self.wait(sent, self.timeouts.head, Phase::Head)?
            .map_err(Reason::of)
    }

    /// Blocks this thread until the runtime's threads are done with it.
    fn wait<F: Future>(
        &self,
        future: F,
        limit: Duration,
        phase: Phase,
    ) -> Result<F::Output, Reason> {
        let timed_out = || Reason::TimedOut { phase };
        let runtime = self.runtime.as_ref().ok_or_else(timed_out)?;
        runtime
            .block_on(async { tokio::time::timeout(limit, future).await })
            .map_err(|_| timed_out())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // A resolver that hangs must not keep a program from ending.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn client(timeouts: Timeouts) -> ClientBuilder {
    // No environment is read: proxies are settings.
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(timeouts.connect)
        .user_agent(USER_AGENT)
}

fn configured(settings: &Settings) -> Result<ClientBuilder, Error> {
    let mut builder = client(settings.timeouts);
    for proxy in proxies(&settings.proxies)? {
        builder = builder.proxy(proxy);
    }
    let Some(path) = &settings.ca_file else {
        return Ok(builder);
    };
    let pem = fs::read(path).map_err(|source| Error::CaFile {
        path: path.clone(),
        source,
    })?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(Error::Client)?;
    if certificates.is_empty() {
        return Err(Error::CaFile {
            path: path.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, "no PEM certificate is in it"),
        });
    }
    Ok(builder.tls_certs_merge(certificates))
}

fn proxies(settings: &Proxies) -> Result<Vec<Proxy>, Error> {
    let except = settings.except.as_deref().and_then(NoProxy::from_string);
    let mut proxies = Vec::new();
    let mut add = |url: &Option<String>, of: fn(&str) -> Result<Proxy, reqwest::Error>| {
        let Some(url) = url else {
            return Ok(());
        };
        let proxy = of(url).map_err(|source| Error::Proxy {
            url: RedactedUrl::new(url),
            source: source.without_url(),
        })?;
        proxies.push(proxy.no_proxy(except.clone()));
        Ok(())
    };
    add(&settings.http, |url| Proxy::http(url))?;
    add(&settings.https, |url| Proxy::https(url))?;
    Ok(proxies)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The request to follow a redirect with. Credentials stay with the host that they are for.
fn redirected(request: &Request, headers: &HeaderMap) -> Result<Request, Reason> {
    let target = headers
        .get(LOCATION)
        .and_then(|location| std::str::from_utf8(location.as_bytes()).ok())
        .and_then(|location| request.url.join(location).ok())
        .ok_or(Reason::RedirectTarget)?;
    match (request.url.scheme(), target.scheme()) {
        ("https", "http") => return Err(Reason::Downgrade),
        (_, "http" | "https") => {}
        _ => return Err(Reason::RedirectTarget),
    }
    let same = request.url.origin() == target.origin();
    let authorization = request.authorization.clone().filter(|_| same);
    let next = Request::get(target).with_authorization(authorization);
    Ok(Request {
        accept: request.accept,
        from: request.from,
        ..next
    })
}

/// An answer whose head is there.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    network: &'a Network,
    response: reqwest::Response,
    deadline: Instant,
}

impl Answer<'_> {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Where it comes from, when all redirects are followed.
    pub(crate) fn url(&self) -> &Url {
        self.response.url()
    }

    /// A header's value, if it is one and is text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    pub(crate) fn headers(&self, name: &HeaderName) -> Vec<String> {
        let values = self.response.headers().get_all(name).iter();
        values
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect()
    }

    /// The size that the server announces for this answer.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The next bytes; nothing at the end.
    pub(crate) fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Reason> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let (limit, phase) = if left < self.network.timeouts.idle {
            (left, Phase::Total)
        } else {
            (self.network.timeouts.idle, Phase::Idle)
        };
        self.network
            .wait(self.response.chunk(), limit, phase)?
            .map_err(Reason::of)
    }

    /// The whole body of a document.
    pub(crate) fn document(mut self, limit: usize) -> Result<Vec<u8>, Reason> {
        let too_large = || Reason::TooLarge {
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
        };
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk()? {
            let chunk = chunk.as_ref();
            if chunk.len() > limit.saturating_sub(body.len()) {
                return Err(too_large());
            }
            body.extend_from_slice(chunk);
        }
        Ok(body)
    }

    /// The failure that this answer is, with what its body says where `message` finds something.
    pub(crate) fn failure(self, message: impl FnOnce(&[u8]) -> Option<String>) -> Reason {
        const MESSAGE_BYTES: usize = 16 << 10;
        let status = self.status();
        let retry_after = self
            .header(&RETRY_AFTER)
            .and_then(|value| parse_retry_after(value, self.header(&DATE)));
        let body = self.document(MESSAGE_BYTES).unwrap_or_default();
        Reason::Status {
            status,
            retry_after,
            message: message(&body),
        }
    }
}
