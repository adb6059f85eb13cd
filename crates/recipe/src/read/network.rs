//! `[network]` and `[attestation]`: what comes in, what may go out, and who is given documents.

use enclair_configuration::{Attestation, EgressRule, Ingress, Ready};

use crate::diagnostic::quoted;
use crate::read::document::{Field, Reader, Table};
use crate::read::keys::{ATTESTATION, NETWORK};
use crate::read::text::{self, Checked, Complaint};
use crate::recipe::Network;
use crate::span::Spanned;

/// The vsock port of the endpoint for documents when the recipe names none.
const DEFAULT_ATTESTATION_PORT: u16 = 9010;

pub(crate) fn network(reader: &mut Reader, document: &Table<'_>) -> Network {
    let table = document
        .get("network")
        .and_then(|field| reader.table(&field, NETWORK));
    let Some(table) = table else {
        return Network::default();
    };
    Network {
        ingress: ingress(reader, table.get("ingress").as_ref()),
        egress: reader.list(table.get("egress").as_ref(), |reader, item| {
            reader.parsed(item, egress_rule)
        }),
        ready: table
            .get("ready")
            .and_then(|field| reader.parsed(&field, ready)),
    }
}

/// One pair for each vsock port.
fn ingress(reader: &mut Reader, field: Option<&Field<'_>>) -> Vec<Spanned<Ingress>> {
    let mut pairs: Vec<Spanned<Ingress>> = Vec::new();
    let items = field.and_then(|field| reader.items(field));
    for item in items.unwrap_or_default() {
        let expected = "a port or `\"PORT:TO\"`";
        let Some(pair) = reader.number_or(&item, expected, same_port, Some(pair)) else {
            continue;
        };
        match pairs.iter().find(|given| given.port == pair.port) {
            Some(given) => reader.twice(&item, given.span()),
            None => pairs.push(pair),
        }
    }
    pairs
}

fn same_port(number: i128) -> Checked<Ingress> {
    let port = text::port(number)?;
    Ok(Ingress { port, to: port })
}

fn pair(text: &str) -> Checked<Ingress> {
    text.parse()
        .map_err(|error| Complaint::new(quoted(&format!("{error}"))))
}

/// A rule of `egress`. The text in a recipe is that of the measured configuration.
fn egress_rule(text: &str) -> Checked<EgressRule> {
    text.parse().map_err(|error| {
        let hint = if text.contains("://") {
            "leave the scheme out"
        } else {
            "as in `api.example.org:443`, `*.example.org`, `10.0.0.0/8:5432` or `!*:25`"
        };
        Complaint::new(quoted(&format!("{error}"))).hint(Some(hint))
    })
}

fn ready(text: &str) -> Checked<Ready> {
    text.parse()
        .map_err(|error| Complaint::new(quoted(&format!("{error}"))))
}

pub(crate) fn attestation(reader: &mut Reader, document: &Table<'_>) -> Option<Attestation> {
    let field = document.get("attestation")?;
    let table = reader.table(&field, ATTESTATION)?;
    let Some(field) = table.get("port") else {
        let port = DEFAULT_ATTESTATION_PORT;
        return Some(Attestation { port });
    };
    let port = reader.number_or(&field, "a port", text::port, None)?;
    Some(Attestation { port: *port })
}
