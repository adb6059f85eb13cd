//! What the parent does for an enclave, emulated or real: the arguments that `run` and `host` share.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use enclair_host::{ClientAddress, Egress, Network, Publish};

/// What the parent does for an enclave.
#[derive(Debug, Args)]
pub(crate) struct ParentArguments {
    /// Pass connections at ADDR:HOST (127.0.0.1 unless named) on to the enclave's vsock port GUEST;
    /// with `,proxy` behind it the enclave is told who a client is, by the PROXY protocol
    #[arg(short, long = "publish", value_name = "[ADDR:]HOST:GUEST", value_parser = parse_publish)]
    pub(crate) publish: Vec<Publish>,
    /// Let the enclave call out, but not to this machine's loopback, link-local addresses and
    /// metadata service
    #[arg(long)]
    egress: bool,
    /// Let it call these addresses, too, as in 169.254.169.253/32
    #[arg(long, value_name = "CIDR", requires = "egress")]
    egress_allow: Vec<Network>,
    /// End the enclave after this many seconds, with status 124
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout: Option<u64>,
    /// End the enclave, with status 124, if its application is not ready after this many seconds: if
    /// it does not listen at every port of `ingress`, or what `ready` names does not answer
    #[arg(long, value_name = "SECONDS")]
    pub(crate) ready_timeout: Option<u64>,
    /// Write the application's output into this file, of an image that sends it (`--logs` or
    /// `[logs]` of its build); else it is shown with the console
    #[arg(long, value_name = "FILE")]
    pub(crate) logs: Option<PathBuf>,
    /// What the enclave passes on to whoever asks about its image, unverified: a JSON object, as
    /// in out/measurements.json
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Print what happens as it happens: one JSON object in a line
    #[arg(long, conflicts_with = "json")]
    pub(crate) events: bool,
    /// Print a report as JSON at the end
    #[arg(long)]
    pub(crate) json: bool,
}

impl ParentArguments {
    /// Whether the enclave may call out.
    pub(crate) fn egress(&self) -> Egress {
        if self.egress {
            Egress::On(self.egress_allow.clone())
        } else {
            Egress::Off
        }
    }
}

/// Reads `[ADDR:]HOST:GUEST[,proxy]`. An IPv6 address stands in brackets; port 0 of the host is chosen
/// by the kernel.
fn parse_publish(text: &str) -> Result<Publish, String> {
    let expected =
        || format!("`{text}`: expected HOST:GUEST or ADDR:HOST:GUEST, as in 127.0.0.1:8080:80");
    let (rest, client) = match text.strip_suffix(",proxy") {
        Some(rest) => (rest, ClientAddress::ProxyProtocol),
        None => (text, ClientAddress::Unknown),
    };
    let (host, guest) = rest.rsplit_once(':').ok_or_else(expected)?;
    let address = match host.parse() {
        Ok(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        Err(_) => host.parse().map_err(|_| expected())?,
    };
    match guest.parse() {
        Ok(0) | Err(_) => Err(expected()),
        Ok(port) => Ok(Publish {
            address,
            port,
            client,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_published_on_this_machine_alone_unless_an_address_is_named() {
        let parsed =
            |text| parse_publish(text).map(|found| (found.address.to_string(), found.port));
        let expected = |address: &str, port| Ok((address.to_owned(), port));
        assert_eq!(parsed("8080:80"), expected("127.0.0.1:8080", 80));
        assert_eq!(
            parsed("0:4294967294"),
            expected("127.0.0.1:0", 4_294_967_294)
        );
        assert_eq!(parsed("0.0.0.0:1:2"), expected("0.0.0.0:1", 2));
        assert_eq!(parsed("[::1]:8080:80"), expected("[::1]:8080", 80));
        assert_eq!(parsed("1:2,proxy"), expected("127.0.0.1:1", 2));
        let client = |text| parse_publish(text).map(|found| found.client);
        assert_eq!(client("1:2,proxy"), Ok(ClientAddress::ProxyProtocol));
        assert_eq!(client("1:2"), Ok(ClientAddress::Unknown));
        for text in [
            "",
            "80",
            "80:",
            ":80",
            "80:0",
            "1:2,Proxy",
            "1:2,proxy,proxy",
            "65536:1",
            "1:4294967296",
            "host:1:2",
            "::1:1:2",
        ] {
            assert!(parse_publish(text).is_err(), "{text}");
        }
    }
}
