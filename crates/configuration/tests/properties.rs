//! Properties: what is written is read, what is read is written back to the byte.

#![allow(
    clippy::expect_used,
    reason = "a strategy of this file is wrong otherwise"
)]

use enclair_configuration::{
    AGENT_ID, Access, Attestation, Bound, Configuration, Ingress, Limit, MAX_ID, MAX_RAMDISKS,
    MAX_RESTARTS, Ready, Resource, Services,
};
use proptest::prelude::*;

/// A document with every key, to be damaged.
const ALL: &str = concat!(
    r#"{"argv":["sh","-c","a\n\"b\" \\ / €\u0001"],"attestation":{"port":9},"clock":true,"cwd":"/srv","#,
    r#""egress":["!a.b:80","*:443"],"env":["B=2","A="],"gid":5,"#,
    r#""groups":[0,4,101],"hostname":"a-1.example","#,
    r#""ingress":[{"port":80,"to":8080},{"port":81,"to":8080}],"limits":{"core":{"hard":0,"soft":0},"#,
    r#""nofile":{"hard":"unlimited","soft":1024}},"logs":true,"nsm":true,"ramdisks":3,"#,
    r#""ready":{"path":"/a","port":1},"restart":2,"schema":1,"uid":1000,"#,
    r#""vsock":true}"#
);

fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![(0..1_u64 << 53).prop_map(Bound::At), Just(Bound::Unlimited)]
}

fn limit() -> impl Strategy<Value = Limit> {
    (bound(), bound()).prop_map(|(one, other)| Limit {
        soft: one.min(other),
        hard: one.max(other),
    })
}

fn access() -> impl Strategy<Value = Access> {
    prop_oneof![Just(Access::Denied), Just(Access::Allowed)]
}

fn text() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\0', ""))
}

/// What the agent does, as far as types do not say it: ports differ.
fn services() -> impl Strategy<Value = Services> {
    let hosts = "(\\*|host|(\\*\\.|\\.)?[a-z]{1,8}(\\.[a-z0-9_]{0,4}[a-z]){0,3}|10\\.0\\.0\\.0/8|\\[::1\\])";
    let rule = format!("!?{hosts}(:443|:80,1000-2000)?");
    let rule = proptest::string::string_regex(&rule).expect("a pattern");
    let rule = rule.prop_map(|text| text.parse().expect("a rule"));
    let ingress = prop::collection::btree_map(2..=u16::MAX, 4000..=u16::MAX, 0..4);
    let pair = |(port, to)| Ingress { port, to };
    (
        prop::option::of(Just(Attestation { port: 1 })),
        prop::collection::vec(rule, 0..4),
        ingress.prop_map(move |pairs| pairs.into_iter().map(pair).collect()),
        (any::<bool>(), any::<bool>()),
        prop::option::of(("/[!-~]{0,20}", 1..=u16::MAX)),
    )
        .prop_map(
            |(attestation, egress, ingress, (clock, logs), ready)| Services {
                attestation,
                clock,
                egress,
                ingress,
                logs,
                ready: ready.map(|(path, port)| Ready { path, port }),
            },
        )
}

fn configuration() -> impl Strategy<Value = Configuration> {
    let process = (
        prop::collection::vec(text(), 0..4),
        prop::collection::vec(text(), 0..4),
        text(),
        (0..AGENT_ID, 0..=MAX_ID),
        prop::collection::btree_set(0..=MAX_ID, 0..4),
    );
    let rest = (
        "[a-zA-Z0-9]([a-zA-Z0-9.-]{0,62}[a-zA-Z0-9])?",
        prop::collection::btree_map(prop::sample::select(&Resource::ALL[..]), limit(), 0..16),
        (access(), access()),
        (1..=MAX_RAMDISKS, 0..=MAX_RESTARTS),
        services(),
    );
    (process, rest).prop_map(|((mut argv, env, cwd, (uid, gid), groups), rest)| {
        argv.insert(0, "program".to_owned());
        let (hostname, limits, (nsm, vsock), (ramdisks, restart), services) = rest;
        Configuration {
            argv,
            cwd: format!("/{cwd}"),
            env: env.into_iter().map(|value| format!("N{value}=")).collect(),
            gid,
            groups: groups.into_iter().filter(|group| *group != gid).collect(),
            hostname,
            limits,
            nsm,
            ramdisks,
            restart,
            services,
            uid,
            vsock,
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(configuration in configuration()) {
        let document = configuration.to_canonical_json().unwrap();
        prop_assert_eq!(&Configuration::parse(&document).unwrap(), &configuration);
        let value: serde_json::Value = serde_json::from_slice(&document).unwrap();
        prop_assert_eq!(serde_json::to_vec(&value).unwrap(), document);
    }

    #[test]
    fn what_is_read_is_written_back(document in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(configuration) = Configuration::parse(&document) {
            prop_assert_eq!(configuration.to_canonical_json().unwrap(), document);
        }
    }

    #[test]
    fn a_changed_document_is_never_two_things(
        at in 0..ALL.len(),
        insert in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u0019ae \n".to_vec()), 0..6),
        remove in 0..6_usize,
    ) {
        let mut document = ALL.as_bytes().to_vec();
        document.splice(at..(at + remove).min(ALL.len()), insert);
        if let Ok(configuration) = Configuration::parse(&document) {
            prop_assert_eq!(configuration.to_canonical_json().unwrap(), document);
        }
    }
}
