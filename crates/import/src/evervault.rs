//! `enclave.toml` of Evervault, `cage.toml` before: a Dockerfile, and what Evervault's own data
//! plane and its hosting do.
//!
//! The Dockerfile is built by Evervault's tool. A recipe can name it, and this release does not
//! build it, so `source.dockerfile` is the one key that is written although it waits: without it
//! nothing would be left.

use crate::Import;
use crate::document::{self, Field, Leaf, nothing, place};
use crate::draft::{Draft, Key, Origin};
use crate::error::{Error, Shown};
use crate::kind::ForeignKind;
use crate::network::{self, LeftOut};
use crate::note::NoteKind;
use crate::outside::{DEBUG, REGISTERS, dockerfile_path, explain_dockerfile, name};
use crate::text::Text;

/// Where a field goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Name,
    Dockerfile,
    Certificate,
    SigningKey,
    Port,
    EgressEnabled,
    EgressPorts,
    EgressDestinations,
}

const ACCOUNT: &str = "a name in Evervault's service";
const DATA_PLANE: &str = "a setting of Evervault's data plane, which stands between TLS and the \
     application; Enclair puts nothing there";
const SCALING: &str = "how many enclaves run is no matter of the image";
const VERSIONS: &str = "versions of Evervault's own parts, which are not in the image";

/// Every field that is known, and what becomes of it. `docs/import.md` lists the same.
pub(crate) const FIELDS: &[Field<Place>] = &[
    nothing(
        "version",
        "the version of Evervault's format; the recipe has `schema`",
    ),
    place("name", Place::Name),
    nothing("uuid", ACCOUNT),
    nothing("app_uuid", ACCOUNT),
    nothing("team_uuid", ACCOUNT),
    nothing("debug", DEBUG),
    place("dockerfile", Place::Dockerfile),
    nothing("api_key_auth", DATA_PLANE),
    nothing("trx_logging", DATA_PLANE),
    nothing("trx_logging_enabled", DATA_PLANE),
    nothing("tls_termination", DATA_PLANE),
    nothing("disable_tls_termination", DATA_PLANE),
    nothing("forward_proxy_protocol", DATA_PLANE),
    nothing("trusted_headers", DATA_PLANE),
    nothing("healthcheck", DATA_PLANE),
    nothing("healthcheck.path", DATA_PLANE),
    nothing("healthcheck.port", DATA_PLANE),
    place("egress.enabled", Place::EgressEnabled),
    place("egress.ports", Place::EgressPorts),
    place("egress.destinations", Place::EgressDestinations),
    nothing("desired_replicas", SCALING),
    nothing("scaling.desired_replicas", SCALING),
    place("service.port", Place::Port),
    place("signing.certPath", Place::Certificate),
    place("signing.keyPath", Place::SigningKey),
    nothing("attestation.HashAlgorithm", REGISTERS),
    nothing("attestation.PCR0", REGISTERS),
    nothing("attestation.PCR1", REGISTERS),
    nothing("attestation.PCR2", REGISTERS),
    nothing("attestation.PCR8", REGISTERS),
    nothing("runtime.data_plane_version", VERSIONS),
    nothing("runtime.installer_version", VERSIONS),
    nothing("reproducible.*", VERSIONS),
];

/// Hosts and ports are two lists there and one in a recipe.
#[derive(Debug, Default)]
struct Egress {
    hosts: Vec<(String, usize)>,
    ports: Vec<u16>,
}

pub(crate) fn import(file_name: &str, text: &Text<'_>) -> Result<Import, Error> {
    let leaves = document::leaves(&document::read_toml(text)?)?;
    let mut draft = Draft::new(ForeignKind::Evervault, file_name);
    let mut egress = Egress::default();
    let notes = document::place_fields(
        &leaves,
        FIELDS,
        "this release knows no such field of Evervault",
        |place, leaf| put(&mut draft, &mut egress, place, leaf),
    )?;
    if !draft.has(Key::Name) {
        return Err(Error::Missing {
            kind: ForeignKind::Evervault,
            field: "name",
        });
    }
    for (host, line) in &egress.hosts {
        if egress.ports.is_empty() {
            draft.push(Key::Egress, host, *line);
        }
        for port in &egress.ports {
            draft.push(Key::Egress, &format!("{host}:{port}"), *line);
        }
    }
    let why = "The file does not name it; this is what it is then.";
    draft.assume(Key::Dockerfile, "Dockerfile", why);
    let dockerfile = leaves.iter().find(|leaf| leaf.field == "dockerfile");
    let path = dockerfile.and_then(|leaf| dockerfile_path(leaf).ok());
    explain_dockerfile(&mut draft, path.as_deref().unwrap_or("Dockerfile"));
    Ok(Import {
        recipe: draft.finish(),
        notes,
    })
}

fn put(
    draft: &mut Draft,
    egress: &mut Egress,
    place: Place,
    leaf: &Leaf,
) -> Result<NoteKind, Error> {
    let origin = Origin {
        field: &leaf.field,
        line: leaf.line,
    };
    match place {
        Place::Name => {
            draft.set(Key::Name, name(leaf)?, origin)?;
            Ok(NoteKind::taken("`enclave.name`"))
        }
        Place::Dockerfile => {
            draft.set(Key::Dockerfile, &dockerfile_path(leaf)?, origin)?;
            Ok(NoteKind::waits(
                "`source.dockerfile`; `enclair init --from` reads the Dockerfile itself, too",
            ))
        }
        Place::Certificate => {
            draft.set(Key::Certificate, leaf.text()?, origin)?;
            Ok(NoteKind::waits("`sign.certificate`"))
        }
        Place::SigningKey => {
            draft.set(Key::Signer, leaf.text()?, origin)?;
            Ok(NoteKind::waits("`sign.key`"))
        }
        Place::Port => {
            draft.push_port(leaf.port()?, leaf.line);
            Ok(NoteKind::taken("`network.ingress`"))
        }
        Place::EgressEnabled => Ok(enabled(leaf.flag()?)),
        Place::EgressPorts => ports(egress, leaf),
        Place::EgressDestinations => destinations(egress, leaf),
    }
}

fn enabled(flag: bool) -> NoteKind {
    if flag {
        NoteKind::taken(
            "`network.egress`, which lists what may be reached; where Evervault allows everything, \
             name what the application needs",
        )
    } else {
        NoteKind::taken("no `network.egress`: nothing is reached")
    }
}

/// Ports are a list, or a text with commas.
fn ports(egress: &mut Egress, leaf: &Leaf) -> Result<NoteKind, Error> {
    let texts = leaf.texts()?;
    for text in texts.iter().flat_map(|text| text.split(',')) {
        let port = text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let port = port.ok_or_else(|| Error::Type {
            line: leaf.line,
            field: leaf.field.clone(),
            expected: "ports",
            found: Shown::new(text),
        })?;
        if !egress.ports.contains(&port) {
            egress.ports.push(port);
        }
    }
    Ok(NoteKind::waits("the ports in `network.egress`"))
}

fn destinations(egress: &mut Egress, leaf: &Leaf) -> Result<NoteKind, Error> {
    let mut left_out = LeftOut::default();
    for text in leaf.texts()? {
        match network::host(text) {
            Ok(host) => egress.hosts.push((host, leaf.line)),
            Err(why) => left_out.add(text, why),
        }
    }
    Ok(left_out.note())
}
