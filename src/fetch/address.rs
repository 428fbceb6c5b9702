//! Which addresses may be connected to: those that anybody can reach, unless a setting opens the others.

use schemars::JsonSchema;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far names may lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "bool")]
pub enum Reach {
    /// To addresses of the public Internet only.
    #[default]
    Public,
    /// Also to this machine, its links and private networks.
    Private,
}

impl From<bool> for Reach {
    fn from(allow_private: bool) -> Self {
        if allow_private { Self::Private } else { Self::Public }
    }
}

impl Reach {
    /// Whether a connection to this address may be made.
    pub(super) const fn admits(self, address: IpAddr) -> bool {
        match (Standing::of(address), self) {
            (Standing::Public, Self::Public | Self::Private) | (Standing::Private, Self::Private) => true,
            (Standing::Private, Self::Public) | (Standing::Never, Self::Public | Self::Private) => false,
        }
    }
}

/// What kind of address it is (the registries of special-purpose addresses, RFC 6890).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Anybody can reach it.
    Public,
    /// It means something here only, or nothing yet.
    Private,
    /// It is nobody's: unspecified, multicast, reserved.
    Never,
}

impl Standing {
    pub(super) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    const fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [0 | 224..=255, ..] => Self::Never,
            // This machine, its links, private networks, networks of carriers.
            [10 | 127, ..] | [100, 64..=127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            // Protocols, relays, examples, measurements.
            [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => Self::Private,
            _ => Self::Public,
        }
    }

    const fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => Self::Never,
            // IPv4-mapped, and 6to4: nobody publishes these for a server.
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x2002, high, low, ..] => Self::of_embedded(high, low).at_most_private(),
            // Where a network translates (RFC 6052), every server of the old Internet has such an address.
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Self::of_embedded(high, low),
            // Protocols and tunnels, examples.
            [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Self::Private,
            [0x2000..=0x3fff, ..] => Self::Public,
            _ => Self::Private,
        }
    }

    const fn of_embedded(high: u16, low: u16) -> Self {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Self::of_v4(Ipv4Addr::new(a, b, c, d))
    }

    const fn at_most_private(self) -> Self {
        match self {
            Self::Public | Self::Private => Self::Private,
            Self::Never => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_are(expected: Standing, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(Standing::of(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn what_anybody_can_reach_is_public() {
        all_are(
            Standing::Public,
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.255.255.255",
                "128.0.0.0",
                "169.253.255.255",
                "169.255.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.167.255.255",
                "192.169.0.0",
                "198.17.255.255",
                "198.20.0.0",
                "223.255.255.255",
                "2001:200::1",
                "2606:4700::1111",
                "3fff:1000::1",
                "64:ff9b::8.8.8.8",
            ],
        );
    }

    #[test]
    fn what_means_something_here_only_is_private() {
        all_are(
            Standing::Private,
            &[
                "10.0.0.0",
                "10.255.255.255",
                "100.64.0.1",
                "100.127.255.255",
                "127.0.0.1",
                "127.255.255.255",
                "169.254.169.254",
                "172.16.0.0",
                "172.31.255.255",
                "192.168.0.1",
                "192.0.0.8",
                "192.0.2.1",
                "192.88.99.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.1",
                "203.0.113.1",
                "::1",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "fc00::1",
                "fd00:ec2::254",
                "100::1",
                "2001::1",
                "2001:1ff::1",
                "2001:db8::1",
                "3fff::1",
                "64:ff9b:1::1",
                "::8.8.8.8",
            ],
        );
    }

    #[test]
    fn an_old_address_inside_a_new_one_is_looked_at() {
        all_are(Standing::Private, &["::ffff:8.8.8.8", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:808:808::1", "2002:7f00:1::"]);
        all_are(Standing::Private, &["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"]);
        all_are(Standing::Never, &["::ffff:0.0.0.0", "::ffff:224.0.0.1", "64:ff9b::255.255.255.255"]);
    }

    #[test]
    fn what_is_nobodys_is_never_connected_to() {
        all_are(Standing::Never, &["0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "ff02::1"]);
        for address in ["0.0.0.0", "::", "255.255.255.255", "ff05::2"] {
            assert!(!Reach::Private.admits(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn only_a_setting_opens_private_addresses() {
        for address in ["127.0.0.1", "::1", "10.1.2.3", "169.254.169.254", "::ffff:127.0.0.1"] {
            assert!(!Reach::from(false).admits(address.parse().unwrap()), "{address}");
            assert!(Reach::from(true).admits(address.parse().unwrap()), "{address}");
        }
        assert!(Reach::default().admits("1.1.1.1".parse().unwrap()));
    }
}
