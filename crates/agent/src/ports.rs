//! Which ports the application listens at, as the kernel's tables say it.
//!
//! A connection on trial would be an event for the application, with a line in its log. The tables
//! `/proc/net/tcp` and `/proc/net/tcp6` have one line for each socket: a number, the local address
//! and port in hexadecimal, the remote ones, and the state, of which `0A` is listening.

use std::time::Duration;

use tokio::time::sleep;

/// Tables of both families, and the addresses in them at which 127.0.0.1 is answered.
const TABLES: [(&str, &[&str]); 2] = [
    ("/proc/net/tcp", &["00000000", "0100007F"]),
    (
        "/proc/net/tcp6",
        &[
            "00000000000000000000000000000000",
            "0000000000000000FFFF00000100007F",
        ],
    ),
];

/// The first and the longest pause between two looks.
const FIRST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(500);

/// Waits until something listens at 127.0.0.1:`port`.
pub(crate) async fn opened(port: u16) {
    let mut pause = FIRST;
    while !is_open(port) {
        sleep(pause).await;
        pause = LONGEST.min(pause.saturating_mul(2));
    }
}

fn is_open(port: u16) -> bool {
    TABLES.iter().any(|(path, addresses)| {
        // A kernel without IPv6 has no second table.
        let table = std::fs::read_to_string(path).unwrap_or_default();
        listens(&table, addresses, port)
    })
}

fn listens(table: &str, addresses: &[&str], port: u16) -> bool {
    let port = format!("{port:04X}");
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_ascii_whitespace();
        let local = fields.nth(1).and_then(|local| local.split_once(':'));
        let state = fields.nth(1);
        state == Some("0A")
            && local.is_some_and(|(address, found)| addresses.contains(&address) && found == port)
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue\n";

    fn in_table(lines: &str) -> bool {
        listens(&format!("{HEAD}{lines}"), TABLES[0].1, 8080)
    }

    #[test]
    fn a_listening_socket_of_that_port_and_no_other_counts() {
        assert!(in_table(
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
        ));
        assert!(in_table("   0: 00000000:1F90 00000000:0000 0A\n"));
        assert!(!in_table("   0: 0200007F:1F90 00000000:0000 0A\n"));
        assert!(!in_table("   0: 0100007F:1F91 00000000:0000 0A\n"));
        assert!(!in_table("   0: 0100007F:1F90 0100007F:0050 01\n"));
        assert!(!in_table(""));
        assert!(!in_table("0A\n\n:\n"));
    }

    #[test]
    fn the_kernel_says_what_this_process_listens_at() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
            let listener = TcpListener::bind(address).unwrap();
            let port = listener.local_addr().unwrap().port();
            assert!(is_open(port), "{address}");
            drop(listener);
            assert!(!is_open(port), "{address}");
        }
    }
}
