//! What the agent does: keys, rules, messages.

use enclair_configuration::{Attestation, Configuration, Ingress, MAX_EGRESS, Ready};

use super::{and, message, with};

#[test]
fn a_document_with_an_agent_is_read() {
    let keys = concat!(
        r#""attestation":{"port":9010},"clock":true,"cwd":"/","egress":["!a.example:80","*.example:443"],"#,
        r#""env":[],"gid":0,"groups":[],"ingress":[{"port":80,"to":8080},"#,
        r#"{"port":81,"to":8080}],"logs":true,"ready":{"path":"/a?b=\\\"","port":8080},"#,
        r#""restart":3,"schema""#
    );
    let document = with(r#""cwd":"/","env":[],"gid":0,"groups":[],"schema""#, keys);
    let parsed = Configuration::parse(document.as_bytes()).unwrap();
    assert_eq!(
        parsed.services.attestation,
        Some(Attestation { port: 9010 })
    );
    let rules: Vec<_> = parsed
        .services
        .egress
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(rules, ["!a.example:80", "*.example:443"]);
    let pair = |port| Ingress { port, to: 8080 };
    assert_eq!(parsed.services.ingress, [pair(80), pair(81)]);
    assert_eq!(parsed.to_canonical_json().unwrap(), document.as_bytes());
    let ready = Ready {
        path: "/a?b=\\\"".to_owned(),
        port: 8080,
    };
    assert_eq!(parsed.services.ready, Some(ready));
    assert!(parsed.services.clock && parsed.services.logs);
    assert_eq!(parsed.restart, 3);
}

#[test]
fn what_an_agent_cannot_do_is_refused() {
    let ingress = |value: &str| message(&and(&format!("\"ingress\":{value}")));
    for (value, expected) in [
        (
            r#"[{"port":80,"to":1},{"port":80,"to":2}]"#,
            "`ingress[1].port`: expected ports from 1 to 65535, ascending, found 80",
        ),
        (
            r#"[{"port":0,"to":1}]"#,
            "`ingress[0].port`: expected ports from 1 to 65535, ascending, found 0",
        ),
        (
            r#"[{"port":65536,"to":1}]"#,
            "`ingress[0].port`: expected 1 to 65535, found 65536",
        ),
        (
            r#"[{"port":1,"to":0}]"#,
            "`ingress[0].to`: expected 1 to 65535, found 0",
        ),
        (r#"[{"port":1}]"#, "`ingress[0].to`: missing"),
        (
            r#"[{"port":1,"tls":true,"to":1}]"#,
            "`ingress[0].tls`: no key of schema 1",
        ),
    ] {
        assert_eq!(ingress(value), expected);
    }
    let of_agent = and(r#""ingress":[{"port":1,"to":1}]"#);
    let uid = of_agent.replace("\"uid\":0", "\"uid\":4294967293");
    assert_eq!(
        message(&uid),
        "`uid`: expected 0 to 4294967292, found 4294967293"
    );
    let same = of_agent.replace("\"cwd\"", "\"attestation\":{\"port\":1},\"cwd\"");
    assert_eq!(
        message(&same),
        "`attestation.port`: expected a port that `ingress` does not have, found 1"
    );
    let zero = with("\"cwd\"", "\"attestation\":{\"port\":0},\"cwd\"");
    assert_eq!(
        message(&zero),
        "`attestation.port`: expected 1 to 65535, found 0"
    );
    let proxy = and(r#""ingress":[{"port":1,"to":3128}]"#);
    assert!(Configuration::parse(proxy.as_bytes()).is_ok());
    let proxy = proxy.replace("\"env\"", "\"egress\":[\"a\"],\"env\"");
    assert_eq!(
        message(&proxy),
        "`ingress[0].to`: 3128 is the agent's own port where there is `egress`"
    );
    let rules = vec!["\"a\""; MAX_EGRESS + 1].join(",");
    let many = with("\"env\"", &format!("\"egress\":[{rules}],\"env\""));
    assert_eq!(
        message(&many),
        "`egress`: expected at most 1024 items, found 1025"
    );
    let rule = with("\"env\"", "\"egress\":[\"a\",\"10.0.0.1/8\"],\"env\"");
    assert_eq!(
        message(&rule),
        "`egress[1]`: expected a name, an address or a network; IPv6 in brackets, names in lower \
         case, found `10.0.0.1/8`"
    );
}

#[test]
fn the_rest_of_what_an_agent_does_is_checked() {
    for (keys, expected) in [
        (
            r#""ready":{"path":"/","port":0}"#,
            "`ready.port`: expected 1 to 65535, found 0",
        ),
        (
            r#""ready":{"path":"health","port":1}"#,
            "`ready.path`: expected `/` and at most 1024 characters of ASCII, found `health`",
        ),
        (
            r#""ready":{"path":"/ HTTP/1.1","port":1}"#,
            "`ready.path`: expected `/` and at most 1024 characters of ASCII, found `/ HTTP/1.1`",
        ),
        (r#""ready":{"path":"/"}"#, "`ready.port`: missing"),
        (
            r#""restart":1001"#,
            "`restart`: expected 0 to 1000, found 1001",
        ),
        (
            r#""logs":"host""#,
            "`logs`: expected a boolean, found a string",
        ),
    ] {
        assert_eq!(message(&and(keys)), expected);
    }
    for default in [r#""logs":false"#, r#""restart":0"#] {
        assert!(message(&and(default)).contains("canonical"), "{default}");
    }
}

#[test]
fn when_an_application_is_ready_has_one_text() {
    for text in ["8080/", "1/health?deep=1", "65535/a/b"] {
        assert_eq!(text.parse::<Ready>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "/",
        "8080",
        "0/a",
        "08/a",
        "65536/a",
        "8080/a b",
        "8080/\u{e9}",
        "a/b",
    ] {
        assert!(text.parse::<Ready>().is_err(), "{text}");
    }
}
