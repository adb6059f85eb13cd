//! `enclaver.yaml`: an image of a registry, and what Enclaver's proxies let through.

use crate::Import;
use crate::document::{self, Field, Leaf, nothing, place};
use crate::draft::{Draft, Key, Origin};
use crate::error::{Error, Shown};
use crate::kind::ForeignKind;
use crate::network::{self, LeftOut};
use crate::note::NoteKind;
use crate::outside::{MACHINE, TLS, image_reference, image_taken, name};
use crate::text::Text;

/// Where a field goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Name,
    App,
    Certificate,
    SigningKey,
    Port,
    Allow,
    Deny,
}

const PROXY: &str = "the proxy has a port of its own, which is in the variables of the application";
const ATTESTATION: &str = "no service answers for the security module: the application asks \
     `/dev/nsm` itself, which `run.grant = [\"nsm\"]` allows";
const KMS: &str = "no proxy stands before KMS: the application sends KMS an attestation document \
     itself; `run.grant = [\"nsm\"]` lets it have one";
const PARTS: &str = "a part of Enclaver; Enclair has its own, `boot.init`";

/// Every field that is known, and what becomes of it. `docs/import.md` lists the same.
pub(crate) const FIELDS: &[Field<Place>] = &[
    nothing(
        "version",
        "the version of Enclaver's format; the recipe has `schema`",
    ),
    place("name", Place::Name),
    nothing(
        "target",
        "the image that Enclaver makes; `enclair build -o DIR` says where to",
    ),
    place("sources.app", Place::App),
    nothing("sources.odyn", PARTS),
    nothing("sources.sleeve", PARTS),
    nothing("sources.supervisor", PARTS),
    nothing("sources.wrapper", PARTS),
    place("signature.certificate", Place::Certificate),
    place("signature.key", Place::SigningKey),
    place("ingress.listen_port", Place::Port),
    nothing("ingress.tls.key_file", TLS),
    nothing("ingress.tls.cert_file", TLS),
    nothing("egress.proxy_port", PROXY),
    place("egress.allow", Place::Allow),
    place("egress.deny", Place::Deny),
    nothing("defaults.cpu_count", MACHINE),
    nothing("defaults.memory_mb", MACHINE),
    nothing("kms_proxy.listen_port", KMS),
    nothing("kms_proxy.endpoints.*", KMS),
    nothing("api.listen_port", ATTESTATION),
];

pub(crate) fn import(file_name: &str, text: &Text<'_>) -> Result<Import, Error> {
    let leaves = document::leaves(&document::read_yaml(text)?)?;
    let mut draft = Draft::new(ForeignKind::Enclaver, file_name);
    let notes = document::place_fields(
        &leaves,
        FIELDS,
        "this release knows no such field of Enclaver",
        |place, leaf| put(&mut draft, place, leaf),
    )?;
    if !draft.has(Key::Image) {
        return Err(Error::Missing {
            kind: ForeignKind::Enclaver,
            field: "sources.app",
        });
    }
    Ok(Import {
        recipe: draft.finish(),
        notes,
    })
}

fn put(draft: &mut Draft, place: Place, leaf: &Leaf) -> Result<NoteKind, Error> {
    let origin = Origin {
        field: &leaf.field,
        line: leaf.line,
    };
    match place {
        Place::Name => {
            draft.set(Key::Name, name(leaf)?, origin)?;
            Ok(NoteKind::taken("`enclave.name`"))
        }
        Place::App => {
            let reference = leaf.text()?;
            let image = image_reference(reference)
                .ok_or_else(|| leaf.wrong("the reference of an image"))?;
            draft.set(Key::Image, &image, origin)?;
            Ok(image_taken(reference))
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
        Place::Allow => allow(draft, leaf),
        Place::Deny => deny(draft, leaf),
    }
}

fn allow(draft: &mut Draft, leaf: &Leaf) -> Result<NoteKind, Error> {
    let mut left_out = LeftOut::default();
    for text in leaf.texts()? {
        match network::host(text) {
            Ok(host) => draft.push(Key::Egress, &host, leaf.line),
            Err(why) => left_out.add(text, why),
        }
    }
    Ok(left_out.note())
}

/// What is denied wins there over what is allowed, so it stands in front here.
fn deny(draft: &mut Draft, leaf: &Leaf) -> Result<NoteKind, Error> {
    let mut lost = Vec::new();
    for text in leaf.texts()? {
        match network::host(text) {
            Ok(host) => draft.deny(&host, leaf.line),
            Err(why) => lost.push(format!(
                "`{}` is not denied: {}",
                Shown::new(text),
                why.why()
            )),
        }
    }
    Ok(if lost.is_empty() {
        NoteKind::taken("`network.egress`, with `!` in front")
    } else {
        NoteKind::changed(lost.join("; "))
    })
}
