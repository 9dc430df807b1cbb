//! Where the server listens: the option `--listen`.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::domain::local_host::HostPattern;

/// A port, and the addresses on which it is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    pub host: ListenHost,
    /// The port of all addresses; 0 selects a free one.
    pub port: u16,
}

/// The addresses on which a port is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenHost {
    /// The loopback addresses of IPv4 and IPv6.
    Loopback,
    Address(IpAddr),
    /// All addresses of a name, which is resolved at the start.
    Name(String),
}

impl Listen {
    /// The loopback addresses.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self { host: ListenHost::Loopback, port }
    }

    /// Returns the name of the host, if it is listened on by name.
    #[must_use]
    pub fn name(&self) -> Option<HostPattern> {
        match &self.host {
            ListenHost::Name(name) => HostPattern::parse(name).ok(),
            ListenHost::Loopback | ListenHost::Address(_) => None,
        }
    }

    /// Returns the host and port by which a client of this machine reaches the server, as they stand in a URL. A server on every address
    /// is reached on a loopback address.
    #[must_use]
    pub fn local_authority(&self) -> String {
        let address = match &self.host {
            ListenHost::Name(name) => return format!("{name}:{}", self.port),
            ListenHost::Loopback | ListenHost::Address(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) => Ipv4Addr::LOCALHOST.into(),
            ListenHost::Address(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) => Ipv6Addr::LOCALHOST.into(),
            ListenHost::Address(address) => *address,
        };
        SocketAddr::new(address, self.port).to_string()
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self { host: ListenHost::Address(address.ip()), port: address.port() }
    }
}

impl Display for Listen {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match &self.host {
            ListenHost::Loopback => write!(out, "{}", self.port),
            ListenHost::Address(address) => write!(out, "{}", SocketAddr::new(*address, self.port)),
            ListenHost::Name(name) => write!(out, "{name}:{}", self.port),
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    /// Parses `HOST:PORT` with an address or a name as host, or `PORT` or `:PORT` for the loopback addresses.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let Ok(port) = port.parse() else {
            return Err("give HOST:PORT, or a port alone for the loopback addresses".to_owned());
        };
        if host.is_empty() {
            return Ok(Self::loopback(port));
        }
        if host.starts_with('.') || HostPattern::parse(host).is_err() {
            return Err(format!("'{host}' is neither an address (IPv6 in brackets) nor a host name"));
        }
        Ok(Self { host: ListenHost::Name(host.to_owned()), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_names_and_ports_are_parsed() {
        let name = |name: &str, port| Listen { host: ListenHost::Name(name.to_owned()), port };
        for (text, expected) in [
            ("127.0.0.1:8682", SocketAddr::from(([127, 0, 0, 1], 8682)).into()),
            ("[::]:1", SocketAddr::from((Ipv6Addr::UNSPECIFIED, 1)).into()),
            ("8682", Listen::loopback(8682)),
            (":0", Listen::loopback(0)),
            ("localhost:8682", name("localhost", 8682)),
            ("emulator.team.example:80", name("emulator.team.example", 80)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in
            ["", ":", "localhost", "127.0.0.1", "::1:80", "65536", "localhost:65536", "http://x:80", ".x:80", "a b:80"]
        {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_server_on_every_address_is_reached_on_a_loopback_address() {
        for (listen, expected) in [
            ("8682", "127.0.0.1:8682"),
            ("0.0.0.0:8682", "127.0.0.1:8682"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.7:1", "192.0.2.7:1"),
            ("localhost:1", "localhost:1"),
        ] {
            assert_eq!(listen.parse::<Listen>().unwrap().local_authority(), expected);
        }
    }
}
