//! Local hosts: host names and addresses that belong to the developer's machine or network, and that cannot be
//! registered on the internet. One rule for the `Host` of a request and for the origin of a page.

use std::net::IpAddr;

/// The domains below which only local hosts have names: reserved for that use, or for tests, and never delegated in the public DNS.
const LOCAL_DOMAINS: [&str; 4] = ["localhost", "local", "internal", "test"];

/// The host of an authority, an origin or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Address(IpAddr),
    /// In lower case, without a dot at the end.
    Name(String),
}

impl Host {
    /// Returns the host of an authority, such as `localhost:8682` or `[::1]`. The port is ignored. Returns `None` for anything else,
    /// also for an authority with user information.
    #[must_use]
    pub fn of_authority(authority: &str) -> Option<Self> {
        if let Some(bracketed) = authority.strip_prefix('[') {
            let (address, port) = bracketed.split_once(']')?;
            // A link-local address may have a zone.
            let address = address.split('%').next()?.parse().ok()?;
            return is_port(port).then_some(Self::Address(IpAddr::V6(address)));
        }
        let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        if !is_port(port) {
            return None;
        }
        match name.parse() {
            Ok(address) => Some(Self::Address(IpAddr::V4(address))),
            Err(_) => host_name(name).map(Self::Name),
        }
    }

    /// Returns the host of a URL or an origin. An origin that a program sends may be a host without a scheme.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        // The origin of a page without an origin, for instance in a sandboxed frame of any site.
        if url.eq_ignore_ascii_case("null") {
            return None;
        }
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        Self::of_authority(rest.split(['/', '?', '#']).next()?)
    }

    /// Returns whether the name is local: a single label, or a name below `localhost`, `local`, `internal` or `test`.
    fn is_local_name(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Name(name) => name.rsplit_once('.').is_none_or(|(_, last)| LOCAL_DOMAINS.contains(&last)),
        }
    }

    /// Returns whether only this machine, or a host with a local name, can have served a page from this host.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            // Servers that listen on every address print 0.0.0.0 as their URL, and browsers open it on the same machine.
            Self::Address(address) => {
                let address = address.to_canonical();
                address.is_loopback() || address.is_unspecified()
            }
            Self::Name(_) => self.is_local_name(),
        }
    }

    /// Returns whether the public DNS cannot resolve the host to an address of its owner's choice.
    fn is_fixed(&self) -> bool {
        matches!(self, Self::Address(_)) || self.is_local_name()
    }
}

/// Returns the normal form of a host name, or `None` when it has characters that no host name has.
fn host_name(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.split('.').all(is_label).then(|| name.to_ascii_lowercase())
}

/// Returns whether the text after a host is empty, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns whether an origin or a URL has a local host.
#[must_use]
pub fn is_local_url(url: &str) -> bool {
    Host::of_url(url).is_some_and(|host| host.is_local())
}

/// A host that is allowed in addition to local hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    domain: String,
    /// Whether the hosts below the domain are allowed too.
    includes_below: bool,
}

impl HostPattern {
    /// Parses a host name, or a dot and a domain, which stands for the domain and every host below it.
    ///
    /// # Errors
    /// Returns a text that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (domain, includes_below) = text.strip_prefix('.').map_or((text, false), |domain| (domain, true));
        let domain = host_name(domain).ok_or_else(|| {
            format!("'{text}' is not a host name. Give names without scheme and port, such as shop.example, or .shop.example for all hosts below")
        })?;
        Ok(Self { domain, includes_below })
    }

    /// Returns the names of the hosts as they stand in a certificate. A name with `*.` is valid for one more label.
    #[must_use]
    pub fn certificate_names(&self) -> Vec<String> {
        let below = self.includes_below.then(|| format!("*.{}", self.domain));
        std::iter::once(self.domain.clone()).chain(below).collect()
    }

    fn matches(&self, name: &str) -> bool {
        name.strip_suffix(&self.domain)
            .is_some_and(|rest| rest.is_empty() || (self.includes_below && rest.ends_with('.')))
    }
}

/// The hosts that requests may name. A page whose host name resolves to this machine (DNS rebinding) can send requests, but they name
/// its host, which is not one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts {
    /// The hosts in addition to addresses and local hosts, or `None` when every host is allowed.
    more: Option<Vec<HostPattern>>,
}

impl AllowedHosts {
    /// Returns the hosts that a server allows. A server that other machines can reach allows every host unless `named` says otherwise,
    /// because the names by which they reach it are not known.
    #[must_use]
    pub fn new(named: &[HostPattern], is_loopback: bool) -> Self {
        Self { more: (is_loopback || !named.is_empty()).then(|| named.to_vec()) }
    }

    /// Returns whether a request may name this authority in `Host`.
    #[must_use]
    pub fn allow(&self, authority: &str) -> bool {
        let Some(more) = &self.more else { return true };
        Host::of_authority(authority).is_some_and(|host| {
            host.is_fixed() || matches!(&host, Host::Name(name) if more.iter().any(|pattern| pattern.matches(name)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_url_has_a_local_host() {
        for url in [
            "http://localhost",
            "https://LOCALHOST:3000",
            "http://localhost.:3000",
            "http://shop.localhost:3000/page?x=1",
            "http://127.0.0.1:5173",
            "http://127.9.9.9",
            "http://0.0.0.0:8000",
            "http://[::1]:3000",
            "http://[::ffff:7f00:1]",
            "capacitor://localhost",
            "http://shop:3000",
            "http://my_shop:3000",
            "https://printer.local",
            "http://host.docker.internal:3000",
            "https://shop.test",
            "localhost:3000",
            "http://localhost?x=http://evil.example",
        ] {
            assert!(is_local_url(url), "{url}");
        }
        for url in [
            "",
            "null",
            "NULL",
            "http://",
            "file://",
            "https://evil.example",
            "https://localhost.evil.example",
            "https://evil-localhost.example",
            "https://evil.example:3000/localhost",
            "http://localhost@evil.example",
            "http://evil.example@localhost",
            "http://evil.example\\.localhost",
            "http://evil.example#.test",
            "http://192.168.1.5:3000",
            "http://169.254.169.254",
            "http://[fd00::1]",
            "http://[::1",
            "http://localhost:x",
            "http://.localhost",
            "http://evil..test",
        ] {
            assert!(!is_local_url(url), "{url}");
        }
    }

    fn patterns(texts: &[&str]) -> Vec<HostPattern> {
        texts.iter().map(|text| HostPattern::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_loopback_server_allows_addresses_local_hosts_and_named_hosts() {
        let allowed = AllowedHosts::new(&patterns(&["Shop.Example", ".team.example"]), true);
        for authority in [
            "127.0.0.1:8682",
            "192.168.1.5",
            "[::1]:8682",
            "[fe80::1%25eth0]:8682",
            "localhost:1",
            "LOCALHOST.",
            "a.b.localhost",
            "emulator:8682",
            "voucherify_emulator",
            "host.docker.internal:8682",
            "mac.local",
            "api.test",
            "shop.example:8682",
            "team.example",
            "a.b.TEAM.example:1",
        ] {
            assert!(allowed.allow(authority), "{authority}");
        }
        for authority in [
            "rebind.evil.example",
            "a.shop.example",
            "evilteam.example",
            "team.example.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:8682",
            "user@localhost",
            "localhost,evil.example",
            "a b",
            "[::1]x",
            "evil.example:",
        ] {
            assert!(!allowed.allow(authority), "{authority}");
        }
    }

    #[test]
    fn a_server_for_other_machines_allows_every_host_unless_hosts_are_named() {
        assert!(AllowedHosts::new(&[], false).allow("any.example"));
        let allowed = AllowedHosts::new(&patterns(&["shop.example"]), false);
        assert!(allowed.allow("shop.example") && allowed.allow("10.0.0.1:80") && !allowed.allow("any.example"));
    }

    #[test]
    fn a_host_pattern_is_a_host_name() {
        for text in ["", ".", "*", "*.shop.example", "http://shop.example", "shop.example:80", "a..b", "[::1]"] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }
}
