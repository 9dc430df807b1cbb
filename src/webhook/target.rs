//! Checks that a target URL may receive messages.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why a target is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The text is not an absolute HTTP or HTTPS URL.
    InvalidUrl,
    /// The address is link-local or that of a cloud's metadata service, where cloud providers serve secrets.
    LinkLocal,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::InvalidUrl => "must be an absolute URL of http or https",
            Self::LinkLocal => {
                "must NOT have a link-local address or that of a cloud's metadata service, unless the emulator is started to allow it"
            },
        })
    }
}

impl std::error::Error for Refusal {}

/// A URL that passed every check that needs no name resolution.
pub struct Target {
    pub url: Url,
}

impl Target {
    /// Parses a URL. A literal address is checked here, because it is never resolved.
    pub fn parse(text: &str, guard: Guard) -> Result<Self, Refusal> {
        let url = Url::parse(text).map_err(|_| Refusal::InvalidUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::InvalidUrl);
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(Refusal::InvalidUrl),
        };
        match address {
            Some(address) if !guard.allows(address) => Err(Refusal::LinkLocal),
            _ => Ok(Self { url }),
        }
    }
}

/// Checks a target URL without resolving its host name.
///
/// # Errors
/// Returns why the target is refused.
pub fn check(target_url: &str, allow_link_local: bool) -> Result<(), Refusal> {
    Target::parse(target_url, Guard::new(allow_link_local)).map(drop)
}

/// Refuses link-local addresses and those of metadata services. It resolves host names itself, so that the address that is checked is the address that
/// is connected to.
#[derive(Clone, Copy, Debug)]
pub struct Guard {
    allow_link_local: bool,
}

impl Guard {
    pub fn new(allow_link_local: bool) -> Self {
        Self { allow_link_local }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_link_local || !is_metadata_address(address)
    }

    /// Keeps the allowed addresses of a host name. An unknown name has none.
    fn allowed(self, resolved: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
        let is_resolved = !resolved.is_empty();
        let allowed: Vec<_> = resolved.into_iter().filter(|address| self.allows(address.ip())).collect();
        if allowed.is_empty() && is_resolved { Err(Refusal::LinkLocal) } else { Ok(allowed) }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = *self;
        Box::pin(async move {
            let resolved = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(guard.allowed(resolved)?.into_iter()) as Addrs)
        })
    }
}

/// Returns whether an address is in 169.254.0.0/16 or `fe80::/10`, is another address of a cloud's metadata service, or
/// embeds such an IPv4 address.
fn is_metadata_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_metadata_ipv4(address),
        IpAddr::V6(address) => {
            let segments = address.segments();
            segments[0] & 0xffc0 == 0xfe80
                // AWS: metadata, pod credentials, time and DNS services.
                || segments[..2] == [0xfd00, 0xec2]
                || METADATA_IPV6.contains(&address)
                || embedded(segments).is_some_and(is_metadata_ipv4)
        }
    }
}

fn is_metadata_ipv4(address: Ipv4Addr) -> bool {
    address.is_link_local() || METADATA_IPV4.contains(&address)
}

/// The metadata services of Alibaba, Azure and Oracle that are not link-local.
const METADATA_IPV4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
/// The metadata services of Google and Oracle.
const METADATA_IPV6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)];

/// Returns the IPv4 address embedded in an IPv6 address: mapped, compatible, or translated (SIIT, NAT64, 6to4, Teredo).
fn embedded(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let ipv4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, _, _, _, _, _] => Some(ipv4(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(ipv4(!high, !low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_targets_are_refused_in_every_notation() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.0.1",
            "http://2852039166/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:a9fe:a9fe::1]/",
            "http://[fe80::1]/",
            "http://[febf::1]/",
            "http://[fd00:ec2::254]/",
            "http://[fd00:ec2::23]/",
            "http://[fd20:ce::254]/",
            "http://[fd00:c1::a9fe:a9fe]/",
            "http://[::ffff:0:a9fe:a9fe]/",
            "http://[64:ff9b:1::a9fe:a9fe]/",
            "http://[2001:0:1:2:3:4:5601:5601]/",
            "http://100.100.100.200/latest/meta-data",
            "http://168.63.129.16/machine",
            "http://192.0.0.192/opc/v2",
            "http://1684301000/",
            "http://[::ffff:100.100.100.200]/",
            "http://[::ffff:168.63.129.16]/",
            "http://[::ffff:c000:c0]/",
            "http://[64:ff9b::6464:64c8]/",
        ] {
            assert_eq!(check(url, false), Err(Refusal::LinkLocal), "{url}");
            assert_eq!(check(url, true), Ok(()), "{url}");
        }
        for url in [
            "http://127.0.0.1:1/",
            "http://[::1]/",
            "https://10.0.0.1/x",
            "http://localhost",
            "http://[fd00::1]/",
            "http://100.100.100.201/",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let resolved = addresses(&["169.254.169.254:0", "127.0.0.1:0"]);
        let guard = Guard::new(false);
        assert_eq!(guard.allowed(resolved.clone()), Ok(addresses(&["127.0.0.1:0"])));
        assert_eq!(guard.allowed(addresses(&["169.254.169.254:0", "[fe80::1]:0"])), Err(Refusal::LinkLocal));
        assert_eq!(guard.allowed(Vec::new()), Ok(Vec::new()));
        assert_eq!(Guard::new(true).allowed(resolved.clone()), Ok(resolved));
        for url in ["", "your_url", "/path", "ftp://x/", "file:///etc/passwd", "http://", "mailto:a@b.c"] {
            assert_eq!(check(url, false), Err(Refusal::InvalidUrl), "{url}");
        }
    }
}
