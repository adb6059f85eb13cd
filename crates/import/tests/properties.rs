//! Every field is noted once, whatever fields there are and in whatever order; and what is written
//! is always a recipe.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where what it is about is missing"
)]

use std::collections::BTreeMap;
use std::fmt::Write;

use enclair_import::{ForeignKind, Import, import};
use enclair_recipe::{Colour, Recipe};
use proptest::prelude::*;
use proptest::sample::subsequence;

/// A field and how it is spelled, in one piece of a document.
type Piece = (&'static [&'static str], &'static str);

const ENCLAVER: &[Piece] = &[
    (&["version"], "version: v1\n"),
    (&["name"], "name: \"a b\"\n"),
    (&["target"], "target: x:y\n"),
    (
        &["signature.certificate", "signature.key"],
        "signature: {certificate: a.pem, key: b.pem}\n",
    ),
    (
        &[
            "ingress[0].listen_port",
            "ingress[0].tls.key_file",
            "ingress[0].tls.cert_file",
            "ingress[1].listen_port",
        ],
        "ingress:\n- listen_port: 80\n  tls:\n    key_file: k\n    cert_file: c\n- {listen_port: '81'}\n",
    ),
    (
        &["egress.proxy_port", "egress.allow", "egress.deny"],
        "egress:\n  proxy_port: 1\n  allow: [a.example, '*', host, 10.0.0.0/8]\n  deny: []\n",
    ),
    (
        &["defaults.cpu_count", "defaults.memory_mb"],
        "defaults:\n  cpu_count: 2\n  memory_mb: 64\n",
    ),
    (
        &["kms_proxy.listen_port", "kms_proxy.endpoints.r1"],
        "kms_proxy: {listen_port: 9, endpoints: {r1: h}}\n",
    ),
    (&["api.listen_port"], "api:\n  listen_port: 9001\n"),
    (
        &["nobody[0].knows", "nobody[1][0].it"],
        "nobody: [{knows: 1}, [{it: ~}]]\n",
    ),
    (&["\"egress.allow\""], "\"egress.allow\": [x]\n"),
];

const EVERVAULT: &[Piece] = &[
    (&["version"], "version = 1\n"),
    (
        &["uuid", "app_uuid", "team_uuid"],
        "uuid = '1'\napp_uuid = '2'\nteam_uuid = '3'\n",
    ),
    (&["debug"], "debug = true\n"),
    (&["dockerfile"], "dockerfile = './a b/Dockerfile'\n"),
    (
        &["api_key_auth", "trx_logging", "tls_termination"],
        "api_key_auth = true\ntrx_logging = true\ntls_termination = true\n",
    ),
    (&["trusted_headers"], "trusted_headers = ['X']\n"),
    (
        &["healthcheck.path", "healthcheck.port"],
        "healthcheck = { path = '/', port = 1 }\n",
    ),
    (
        &["egress.enabled", "egress.ports", "egress.destinations"],
        "egress.enabled = true\negress.ports = '443, 8443'\negress.destinations = ['a.example', '*.b.example', '*']\n",
    ),
    (
        &["scaling.desired_replicas"],
        "scaling.desired_replicas = 2\n",
    ),
    (&["service.port"], "service.port = 8008\n"),
    (
        &["signing.certPath", "signing.keyPath"],
        "signing.certPath = '../c'\nsigning.keyPath = '/k'\n",
    ),
    (
        &["attestation.HashAlgorithm", "attestation.PCR0"],
        "attestation.HashAlgorithm = 'x'\nattestation.PCR0 = '00'\n",
    ),
    (
        &["runtime.data_plane_version"],
        "runtime.data_plane_version = '1'\n",
    ),
    (
        &["nobody[0].knows", "nobody[1].it"],
        "nobody = [{ knows = 1 }, { it = [] }]\n",
    ),
];

/// Beside the enclave.
const CAUTION: &[Piece] = &[
    (
        &["caution.machine_type", "caution.provider.type"],
        "caution {\n machine_type = \"x\"\n provider { type = \"aws\" }\n}\n",
    ),
    (
        &["nobody \"knows\"", "nobody.it"],
        "nobody \"knows\" {\n it = a ? b : [c]\n}\n",
    ),
    (&["other"], "other = \"${x}\"\n"),
];

/// In the enclave.
const CAUTION_ENCLAVE: &[Piece] = &[
    (
        &["enclave.build.containerfile", "enclave.build.cache"],
        "build {\n containerfile = \"x/y\"\n cache = false\n}\n",
    ),
    (
        &["enclave.resources.cpu", "enclave.resources.memory_mb"],
        "resources {\n cpu = 2\n memory_mb = 512\n}\n",
    ),
    (
        &[
            "enclave.network.ingress[0].port",
            "enclave.network.ingress[1].start_port",
            "enclave.network.ingress[1].end_port",
            "enclave.network.egress.cidr_ipv4",
            "enclave.network.egress.port",
            "enclave.network.http.domain",
        ],
        "network {\n ingress { port = \"80\" }\n http { domain = \"d\" }\n egress {\n port = 443\n \
         cidr_ipv4 = \"192.0.2.1/32\"\n }\n ingress {\n end_port = 9\n start_port = 7\n }\n}\n",
    ),
    (
        &[
            "enclave.unit \"u\"",
            "enclave.unit.command",
            "enclave.unit.args",
            "enclave.unit.env.A",
            "enclave.unit.env.B",
        ],
        "unit \"u\" {\n args = [\"1\", \"\"]\n command = \"/c\"\n env = { A = \"1\", B = env::vault(\"B\") }\n}\n",
    ),
    (&["enclave.debug.ssh_keys"], "debug { ssh_keys = [] }\n"),
    (&["enclave.nobody"], "nobody {}\n"),
];

const DOCKERFILE: &[Piece] = &[
    (&["LABEL"], "LABEL a=b\n"),
    (&["ENV"], "ENV A=1 B=\"x y\" C=$A\n"),
    (&["ENV"], "ENV A old form\n"),
    (&["ENV"], "env PATH=/x:$PATH\n"),
    (&["ARG"], "ARG V=1\n"),
    (&["ARG"], "ARG W\n"),
    (&["USER"], "USER ${V:-0}:0\n"),
    (&["WORKDIR"], "WORKDIR /w/../x\n"),
    (&["WORKDIR"], "WORKDIR y\n"),
    (
        &["COPY", "COPY --chown", "COPY --chmod"],
        "COPY --chown=1 --chmod=7 a b.c /d/\n",
    ),
    (&["COPY"], "COPY [\"a\", \"/b\"]\n"),
    (
        &["COPY", "COPY --from", "COPY --link"],
        "COPY --from=x --link a /b\n",
    ),
    (&["COPY"], "COPY <<E /x\nFROM\nE\n"),
    (&["ADD"], "ADD a.txt /x/\n"),
    (&["ADD"], "ADD r.tar /\n"),
    (
        &["RUN", "RUN --mount"],
        "RUN --mount=type=cache \\\n # no\n x\n",
    ),
    (&["EXPOSE"], "EXPOSE 80 443/tcp 5/udp 7-9\n"),
    (&["HEALTHCHECK"], "HEALTHCHECK NONE\n"),
    (&["SHELL"], "SHELL [\"/b\"]\n"),
    (&["ENTRYPOINT"], "ENTRYPOINT [\"/e\", \"\"]\n"),
    (&["ENTRYPOINT"], "ENTRYPOINT []\n"),
    (&["CMD"], "CMD a b\n"),
    (&["CMD"], "CMD [\"c\"]\n"),
    (&["VOLUME"], "VOLUME /v\n"),
    (&["ONBUILD"], "ONBUILD RUN x\n"),
    (&["STOPSIGNAL"], "STOPSIGNAL 9\n"),
    (&["FROM"], "FROM b\n"),
    (
        &["FROM", "FROM --platform"],
        "FROM --platform=linux/arm64 scratch AS c\n",
    ),
    (&["FROM"], "FROM host:5000/i:t AS b\n"),
];

/// Some of the pieces, in any order.
fn some(pieces: &'static [Piece]) -> impl Strategy<Value = Vec<Piece>> {
    subsequence(pieces, 0..=pieces.len()).prop_shuffle()
}

/// How often each field is expected, and how often it was noted.
fn counts<'a>(fields: impl Iterator<Item = &'a str>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for field in fields {
        *counts.entry(field.to_owned()).or_default() += 1;
    }
    counts
}

fn document(pieces: &[Piece]) -> String {
    pieces.iter().fold(String::new(), |mut text, piece| {
        write!(text, "{}", piece.1).expect("text");
        text
    })
}

fn check(kind: ForeignKind, pieces: &[Piece], text: &str) {
    let imported = import(kind, "file", text);
    let Import { recipe, notes } = imported.unwrap_or_else(|error| panic!("{text}\n{error}"));
    let expected = pieces.iter().flat_map(|piece| piece.0.iter().copied());
    let found = notes.iter().map(|note| note.field.as_str());
    assert_eq!(counts(found), counts(expected), "{text}");
    let lines = text.lines().count();
    assert!(
        notes.iter().all(|note| (1..=lines).contains(&note.line)),
        "{notes:?}"
    );
    check_recipe(&recipe);
    let waiting = recipe.lines().map(|line| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') => rest,
        _ => line,
    });
    check_recipe(&waiting.collect::<Vec<_>>().join("\n"));
}

fn check_recipe(recipe: &str) {
    if let Err(problems) = Recipe::parse(recipe) {
        panic!("{}", problems.render("r", recipe, 100, Colour::Never));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn enclaver(pieces in some(ENCLAVER)) {
        let app: Piece = (&["sources.app", "sources.odyn"], "sources:\n  app: a/b:c\n  odyn: o\n");
        let pieces = [pieces, vec![app]].concat();
        check(ForeignKind::Enclaver, &pieces, &document(&pieces));
    }

    #[test]
    fn evervault(pieces in some(EVERVAULT)) {
        let name: Piece = (&["name"], "name = 'a'\n");
        let pieces = [pieces, vec![name]].concat();
        check(ForeignKind::Evervault, &pieces, &document(&pieces));
    }

    #[test]
    fn caution(beside in some(CAUTION), inside in some(CAUTION_ENCLAVE)) {
        let label: Piece = (&["enclave \"a b\""], "");
        let enclave = format!("enclave \"a b\" {{\n{}}}\n", document(&inside));
        let text = document(&beside) + &enclave;
        let pieces = [beside, inside, vec![label]].concat();
        check(ForeignKind::Caution, &pieces, &text);
    }

    #[test]
    fn dockerfile(pieces in some(DOCKERFILE), crlf in any::<bool>()) {
        let from: Piece = (&["FROM"], "FROM docker.io/library/a:1 AS a\n");
        let pieces = [vec![from], pieces].concat();
        let text = document(&pieces);
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        check(ForeignKind::Dockerfile, &pieces, &text);
    }

    /// Whatever the values are, they stay values.
    #[test]
    fn values_stay_values(name in "[^\u{0}-\u{1f}\u{7f}-\u{9f}]{1,40}", value in any::<String>()) {
        let value = value.replace('\0', "");
        let quoted = |text: &str| serde_json::to_string(text).expect("JSON");
        let yaml = format!("name: {}\nsources: {{app: a}}\nx: {}\n", quoted(&name), quoted(&value));
        let imported = import(ForeignKind::Enclaver, "file", &yaml).expect("an import");
        let recipe = Recipe::parse(&imported.recipe).expect("a recipe");
        prop_assert_eq!(&*recipe.enclave.name, &name);
        prop_assert_eq!(imported.notes.len(), 3);

        let words = quoted(&value);
        let dockerfile = format!("FROM a\nENTRYPOINT [\"/x\", {words}]\n");
        let imported = import(ForeignKind::Dockerfile, "file", &dockerfile).expect("an import");
        let recipe = Recipe::parse(&imported.recipe).expect("a recipe");
        let command = recipe.run.command.expect("a command");
        prop_assert_eq!(command.get()[1].get(), &value);
    }

    /// No text makes the reader fall over.
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\t]{0,200}") {
        for kind in [ForeignKind::Dockerfile, ForeignKind::Enclaver, ForeignKind::Evervault, ForeignKind::Caution] {
            if let Err(error) = import(kind, "file", &text) {
                prop_assert!(!error.to_string().contains('\n'), "{}", error);
            }
        }
    }
}
