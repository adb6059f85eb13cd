//! Rules of `egress`: what they fit, what is no rule, and that their text is their only form.

#![allow(
    clippy::expect_used,
    reason = "a test ends where what it is about is missing"
)]

use enclair_configuration::{EgressRule, Host, deciding_rule};

fn rule(text: &str) -> EgressRule {
    text.parse().expect(text)
}

fn host(text: &str) -> Host {
    text.parse().expect(text)
}

#[test]
fn the_text_of_a_rule_is_its_only_form() {
    for text in [
        "a",
        "api.example.org:443",
        "*.example.org",
        ".example.org:80,443",
        "10.0.0.0/8:5432",
        "0.0.0.0/0",
        "192.168.1.1:1",
        "[fd00::/8]:1000-2000",
        "[::1]",
        "host:8080,9000-65535",
        "*:443",
        "!internal_1.example.org",
        "!*",
    ] {
        assert_eq!(rule(text).to_string(), text);
    }
}

#[test]
fn what_has_two_readings_is_no_rule() {
    for text in [
        "",
        "!",
        "!!a",
        "a.",
        "A",
        "a..b",
        "-a",
        "a-",
        "*a",
        "a.*",
        "*.*",
        "*.10.0.0.1",
        "http://a",
        "a:0",
        "a:65536",
        "a:080",
        "a:",
        "a:443,80",
        "a:80,80",
        "a:2-1",
        "a:5-5",
        "a:1-",
        "a:+1",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/32",
        "10.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "a.0x7f",
        "::1",
        "[10.0.0.1]",
        "[::1",
        "[0:0::1]",
        "[::ffff:10.0.0.1]x",
        "ex\u{e4}mple",
        "a b",
        "a\n",
        &"a".repeat(64),
    ] {
        let read: Result<EgressRule, _> = text.parse();
        let form = read.as_ref().map(ToString::to_string);
        assert!(
            read.is_err() || form.as_deref() != Ok(text),
            "{text}: {form:?}"
        );
    }
}

#[test]
fn a_rule_fits_what_it_names_and_nothing_beside_it() {
    for (text, target, port, fits) in [
        ("example.org:443", "example.org", 443, true),
        ("example.org:443", "EXAMPLE.org.", 443, true),
        ("example.org:443", "example.org", 80, false),
        ("example.org", "www.example.org", 443, false),
        ("*.example.org", "www.example.org", 1, true),
        ("*.example.org", "a.b.example.org", 1, true),
        ("*.example.org", "example.org", 1, false),
        ("*.example.org", "badexample.org", 1, false),
        (".example.org", "example.org", 1, true),
        (".example.org", "badexample.org", 1, false),
        ("10.0.0.0/8", "10.255.0.1", 1, true),
        ("10.0.0.0/8", "11.0.0.1", 1, false),
        ("10.0.0.0/8", "::ffff:10.0.0.1", 1, true),
        ("0.0.0.0/0", "1.2.3.4", 1, true),
        ("0.0.0.0/0", "example.org", 1, false),
        ("[fd00::/8]", "[fd12::1]", 1, true),
        ("[fd00::/8]", "fe80::1", 1, false),
        ("a:1000-2000,3000", "a", 1999, true),
        ("a:1000-2000,3000", "a", 2001, false),
        ("host:8080", "host", 8080, true),
        ("host:8080", "127.0.0.1", 8080, false),
        ("*", "example.org", 1, true),
        ("*", "127.0.0.1", 1, true),
        ("*", "host", 1, false),
    ] {
        assert_eq!(
            rule(text).fits(&host(target), port),
            fits,
            "{text} {target}"
        );
    }
}

#[test]
fn the_first_rule_that_fits_decides() {
    let rules = ["!db.example.org", "*.example.org:443", "!*:25", "*:25"].map(rule);
    let decide = |name: &str, port| {
        deciding_rule(&rules, &host(name), port).map(|rule| (rule.to_string(), rule.allows()))
    };
    let rule = |text: &str, allows| Some((text.to_owned(), allows));
    assert_eq!(
        decide("db.example.org", 443),
        rule("!db.example.org", false)
    );
    assert_eq!(
        decide("www.example.org", 443),
        rule("*.example.org:443", true)
    );
    assert_eq!(decide("www.example.org", 25), rule("!*:25", false));
    assert_eq!(decide("www.example.org", 80), None);
}

#[test]
fn text_that_resolvers_read_as_an_address_is_no_name() {
    for text in [
        "127.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "a.1",
        "",
        ".",
        "a b",
        "a..b",
    ] {
        assert!(text.parse::<Host>().is_err(), "{text}");
    }
    assert_eq!(host("::FFFF:127.0.0.1"), host("127.0.0.1"));
    assert_eq!(host("Host"), Host::Parent);
}

#[test]
fn ports_for_a_listener_are_the_single_ones_of_a_rule_that_allows() {
    let ports =
        |text: &str, name: &str| -> Vec<_> { rule(text).named_ports(&host(name)).collect() };
    assert_eq!(ports("a:80,443,1000-2000", "a"), [80, 443]);
    assert_eq!(ports("a:80", "b"), []);
    assert_eq!(ports("!a:80", "a"), []);
    assert_eq!(ports("a", "a"), []);
}
