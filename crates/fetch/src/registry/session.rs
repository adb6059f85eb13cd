//! Requests to a registry, with whatever it asks for: nothing, a password, a token.
//!
//! A registry that wants to know who asks answers 401 and says how. The answer is kept for a
//! repository; threads that come at the same time wait for the first one's. Credentials go to the
//! registry itself, or to the place where it says that its tokens are, and there only with TLS
//! unless the registry has none either.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use docker_credential::DockerCredential;
use enclair_recipe::Blob;
use http_auth::{ChallengeParser, ChallengeRef};
use reqwest::Url;
use reqwest::header::{HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;

use super::endpoint::Endpoint;
use super::message;
use super::resolve::{MANIFEST_BYTES, MANIFESTS};
use crate::network::{Answer, Network, Request, basic};
use crate::reason::{ChallengeProblem, Reason};
use crate::settings::Credentials;

/// Bytes of an answer with a token.
const TOKEN_BYTES: usize = 1 << 20;

/// What one repository was last asked with.
type Slot = Arc<Mutex<Option<HeaderValue>>>;

/// What registries were asked with.
#[derive(Debug)]
pub(crate) struct Sessions {
    credentials: Credentials,
    slots: Mutex<BTreeMap<(String, String), Slot>>,
}

impl Sessions {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            slots: Mutex::default(),
        }
    }

    /// Asks for a blob behind its first `from` bytes. It may be a manifest, which registries have
    /// in another place.
    pub(crate) fn content<'a>(
        &self,
        network: &'a Network,
        endpoint: &Endpoint,
        (blob, from): (&Blob, u64),
    ) -> Result<Answer<'a>, Reason> {
        let digest = format!("sha256:{}", blob.sha256);
        let request = |kind| -> Result<Request, Reason> {
            let url = endpoint.url(kind, &digest).ok_or(Reason::Url)?;
            Ok(Request::get(url).starting_at(from))
        };
        let answer = self.send(network, endpoint, request("blobs")?)?;
        let small = usize::try_from(blob.size).is_ok_and(|size| size <= MANIFEST_BYTES);
        if answer.status() != 404 || !small {
            return Ok(answer);
        }
        // Of two answers that it is not there, the one about blobs is what was asked for.
        let absent = answer.failure(message);
        let manifest = request("manifests")?.accepting(MANIFESTS).starting_at(0);
        let answer = self.send(network, endpoint, manifest)?;
        if answer.status() == 404 {
            return Err(absent);
        }
        Ok(answer)
    }

    /// Sends a request to a registry, and once more with credentials if it asks for them.
    pub(crate) fn send<'a>(
        &self,
        network: &'a Network,
        endpoint: &Endpoint,
        request: Request,
    ) -> Result<Answer<'a>, Reason> {
        let slot = self.slot(endpoint);
        let used = lock(&slot).clone();
        let first = request.clone().with_authorization(used.clone());
        let answer = network.send(first)?;
        // Another server than the registry has no say in what the registry's credentials are.
        if answer.status() != 401 || !endpoint.is_at(answer.url()) {
            return Ok(answer);
        }
        let challenges = answer.headers(&WWW_AUTHENTICATE);
        drop(answer);
        let (authorization, trouble) = {
            let mut kept = lock(&slot);
            if *kept == used {
                let (fresh, trouble) = self.authorize(network, endpoint, &challenges)?;
                kept.clone_from(&fresh);
                (fresh, trouble)
            } else {
                (kept.clone(), None)
            }
        };
        let unauthorized = || {
            trouble.unwrap_or_else(|| Reason::Unauthorized {
                host: endpoint.host.clone(),
            })
        };
        if authorization.is_none() {
            return Err(unauthorized());
        }
        let answer = network.send(request.with_authorization(authorization))?;
        if answer.status() == 401 && endpoint.is_at(answer.url()) {
            return Err(unauthorized());
        }
        Ok(answer)
    }

    fn slot(&self, endpoint: &Endpoint) -> Slot {
        let key = (endpoint.host.clone(), endpoint.name.clone());
        Arc::clone(lock(&self.slots).entry(key).or_default())
    }

    /// What to send, as the registry wants it. A file or helper that fails is no reason not to ask
    /// for a public image; it is what is said if that is refused.
    fn authorize(
        &self,
        network: &Network,
        endpoint: &Endpoint,
        challenges: &[String],
    ) -> Result<(Option<HeaderValue>, Option<Reason>), Reason> {
        let (credential, trouble) = match self.credentials.find(endpoint) {
            _ if endpoint.anonymous => (None, None),
            Ok(credential) => (credential, None),
            Err(reason) => (None, Some(reason)),
        };
        let parsed: Vec<ChallengeRef<'_>> = challenges
            .iter()
            .flat_map(|value| ChallengeParser::new(value).map_while(Result::ok))
            .collect();
        let find = |scheme: &str| {
            let is = |challenge: &&ChallengeRef<'_>| challenge.scheme.eq_ignore_ascii_case(scheme);
            parsed.iter().find(is)
        };
        let authorization = if let Some(challenge) = find("bearer") {
            let asked = Asked::new(challenge, endpoint)?;
            Some(asked.token(network, credential.as_ref())?)
        } else if find("basic").is_some() {
            match &credential {
                Some(DockerCredential::UsernamePassword(user, password)) => basic(user, password),
                Some(DockerCredential::IdentityToken(_)) | None => None,
            }
        } else {
            return Err(challenge(ChallengeProblem::Scheme));
        };
        Ok((authorization, trouble))
    }
}

const fn challenge(why: ChallengeProblem) -> Reason {
    Reason::Challenge { why }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A demand for a token.
struct Asked {
    realm: Url,
    service: Option<String>,
    scope: String,
}

impl Asked {
    fn new(demand: &ChallengeRef<'_>, endpoint: &Endpoint) -> Result<Self, Reason> {
        let value = |name: &str| {
            let mut params = demand.params.iter();
            let found = params.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = value("realm").and_then(|realm| Url::parse(&realm).ok());
        let realm = realm.ok_or_else(|| challenge(ChallengeProblem::Realm))?;
        match realm.scheme() {
            "https" => {}
            "http" if !endpoint.is_secure() => {}
            "http" => return Err(challenge(ChallengeProblem::Plain)),
            _ => return Err(challenge(ChallengeProblem::Realm)),
        }
        let pull = || format!("repository:{}:pull", endpoint.name);
        Ok(Self {
            realm,
            service: value("service"),
            scope: value("scope").unwrap_or_else(pull),
        })
    }

    /// Asks for a token: with a password, with an identity token, or as nobody.
    fn token(
        &self,
        network: &Network,
        credential: Option<&DockerCredential>,
    ) -> Result<HeaderValue, Reason> {
        let mut url = self.realm.clone();
        let request = match credential {
            Some(DockerCredential::IdentityToken(token)) => Request::post(url, self.form(token)),
            Some(DockerCredential::UsernamePassword(user, password)) => {
                self.add_query(&mut url);
                Request::get(url).with_authorization(basic(user, password))
            }
            None => {
                self.add_query(&mut url);
                Request::get(url)
            }
        };
        let answer = network.send(request)?;
        if answer.status() == 401 {
            return Err(Reason::Unauthorized {
                host: self.realm.host_str().unwrap_or_default().to_owned(),
            });
        }
        if answer.status() != 200 {
            return Err(answer.failure(message));
        }
        parse_token(&answer.document(TOKEN_BYTES)?)
            .ok_or_else(|| challenge(ChallengeProblem::Token))
    }

    fn add_query(&self, url: &mut Url) {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &self.service {
            query.append_pair("service", service);
        }
        query.append_pair("scope", &self.scope);
    }

    fn form(&self, token: &str) -> String {
        // A URL's query has the same encoding as a form.
        let mut url = self.realm.clone();
        url.set_query(None);
        self.add_query(&mut url);
        url.query_pairs_mut()
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", "enclair")
            .append_pair("refresh_token", token);
        url.query().unwrap_or_default().to_owned()
    }
}

fn parse_token(body: &[u8]) -> Option<HeaderValue> {
    #[derive(Deserialize)]
    struct Body {
        token: Option<String>,
        access_token: Option<String>,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    let token = body.token.or(body.access_token)?;
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_two_names_and_are_not_shown() {
        for body in [
            r#"{"token":"abc"}"#,
            r#"{"access_token":"abc","expires_in":3}"#,
        ] {
            let value = parse_token(body.as_bytes()).unwrap();
            assert_eq!(value, "Bearer abc");
            assert!(!format!("{value:?}").contains("abc"));
        }
        assert_eq!(parse_token(br#"{"token":"a\nb"}"#), None);
        assert_eq!(parse_token(b"{}"), None);
    }
}
