//! The addresses that the server listens on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;
use tokio::net::TcpListener;

use super::error::StartError;
use crate::config::{Listen, ListenHost};

/// How often another free port is tried when a second address does not have the port that is free on the first one.
const MAX_FREE_PORTS: u32 = 20;

/// The addresses that the server listens on, all with the same port. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    first: SocketAddr,
    others: Vec<SocketAddr>,
}

impl Addresses {
    /// Returns the address that the ready line names.
    #[must_use]
    pub fn first(&self) -> SocketAddr {
        self.first
    }

    /// Returns an address that other machines can reach, or else the first one.
    #[must_use]
    pub fn most_open(&self) -> SocketAddr {
        self.others
            .iter()
            .copied()
            .find(|other| !is_loopback(*other))
            .filter(|_| is_loopback(self.first))
            .unwrap_or(self.first)
    }

    /// Returns whether only this machine can reach the server.
    #[must_use]
    pub fn are_loopback(&self) -> bool {
        is_loopback(self.most_open())
    }
}

impl From<SocketAddr> for Addresses {
    fn from(first: SocketAddr) -> Self {
        Self { first, others: Vec::new() }
    }
}

/// Listens on all addresses of `listen`, with one port. An address that the machine does not have is passed over, if there is another one.
///
/// # Errors
/// Returns an error when the name cannot be resolved, or when an address cannot be listened on.
pub(super) async fn bind(listen: &Listen) -> Result<(Vec<TcpListener>, Addresses), StartError> {
    let hosts = resolve(listen).await?;
    let mut attempt = 1;
    let listeners = loop {
        match bind_all(&hosts, listen.port).await {
            // A port that is free on one address may be used on another.
            Err(StartError::InUse { .. } | StartError::Listen { .. })
                if listen.port == 0 && attempt < MAX_FREE_PORTS =>
            {
                attempt += 1;
            }
            bound => break bound?,
        }
    };
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>();
    let unknown = |error| StartError::listen(SocketAddr::new(hosts[0], listen.port), error);
    let addresses = addresses.map_err(unknown)?;
    let addresses = Addresses { first: addresses[0], others: addresses[1..].to_vec() };
    Ok((listeners, addresses))
}

/// Returns the addresses of a host, at least one.
async fn resolve(listen: &Listen) -> Result<Vec<IpAddr>, StartError> {
    let name = match &listen.host {
        ListenHost::Loopback => return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        ListenHost::Address(address) => return Ok(vec![*address]),
        ListenHost::Name(name) => name,
    };
    let unknown = || StartError::UnknownHost { host: name.clone() };
    let mut hosts: Vec<IpAddr> = Vec::new();
    for address in tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| unknown())? {
        if !hosts.contains(&address.ip()) {
            hosts.push(address.ip());
        }
    }
    // Most programs that print or copy the address know IPv4.
    hosts.sort_by_key(IpAddr::is_ipv6);
    if hosts.is_empty() { Err(unknown()) } else { Ok(hosts) }
}

/// Listens on the addresses with one port, that of the first address if `port` is 0.
async fn bind_all(hosts: &[IpAddr], mut port: u16) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners = Vec::new();
    let mut missing = None;
    for host in hosts {
        let address = SocketAddr::new(*host, port);
        match TcpListener::bind(address).await {
            Ok(listener) => {
                port = listener.local_addr().map_err(|error| StartError::listen(address, error))?.port();
                listeners.push(listener);
            }
            Err(error) if is_missing(&error) => missing = Some(StartError::listen(address, error)),
            Err(error) => return Err(StartError::listen(address, error)),
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

/// Returns whether the machine does not have the address, for example because it has no IPv6.
fn is_missing(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT))
}

/// Returns whether only this machine can reach the address.
fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Addresses {
        let all: Vec<SocketAddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
        Addresses { first: all[0], others: all[1..].to_vec() }
    }

    #[test]
    fn a_server_is_for_this_machine_only_if_all_its_addresses_are() {
        for (texts, expected, most_open) in [
            (&["127.0.0.1:1"][..], true, "127.0.0.1:1"),
            (&["127.0.0.1:1", "[::1]:1"], true, "127.0.0.1:1"),
            (&["127.0.0.1:1", "192.0.2.1:1"], false, "192.0.2.1:1"),
            (&["0.0.0.0:1", "[::1]:1"], false, "0.0.0.0:1"),
        ] {
            let addresses = addresses(texts);
            assert_eq!(addresses.are_loopback(), expected, "{texts:?}");
            assert_eq!(addresses.most_open().to_string(), most_open);
        }
    }

    #[tokio::test]
    async fn loopback_addresses_get_one_port() {
        let (listeners, addresses) = bind(&Listen::loopback(0)).await.unwrap();
        assert_eq!(addresses.first().ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_ne!(addresses.first().port(), 0);
        for listener in &listeners {
            assert_eq!(listener.local_addr().unwrap().port(), addresses.first().port());
        }
        // A machine without IPv6 has one address.
        let has_ipv6 = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
        assert_eq!(listeners.len(), if has_ipv6 { 2 } else { 1 });
    }

    #[tokio::test]
    async fn an_address_that_the_machine_does_not_have_is_passed_over() {
        let [missing, own] = [IpAddr::from([192, 0, 2, 1]), Ipv4Addr::LOCALHOST.into()];
        assert_eq!(bind_all(&[missing, own], 0).await.unwrap().len(), 1);
        assert!(matches!(bind_all(&[missing], 0).await, Err(StartError::Listen { .. })));
    }

    #[tokio::test]
    async fn an_address_in_use_and_an_unknown_name_are_errors() {
        let used = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let held = std::net::TcpListener::bind(used).unwrap();
        assert!(matches!(
            bind(&Listen::loopback(used.port())).await,
            Err(StartError::InUse { .. } | StartError::Listen { .. })
        ));
        drop(held);
        let unknown = bind(&"unknown.invalid:0".parse().unwrap()).await.unwrap_err().to_string();
        assert!(unknown.contains("unknown.invalid"), "{unknown}");
    }
}
