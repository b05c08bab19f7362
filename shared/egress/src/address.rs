//! Which addresses belong to the public, which an operator may allow, and which nobody may.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// What an address is to a client that others tell where to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Global unicast.
    Public,
    /// A host of ours or of our network; reached only where the operator allows it.
    Private,
    /// No host that anybody could mean: reserved, a group, a translation, or a cloud's metadata.
    Never,
}

/// Networks of one's own.
const PRIVATE_V4: [Ipv4Net; 5] = [
    v4([10, 0, 0, 0], 8),     // RFC 1918
    v4([100, 64, 0, 0], 10),  // RFC 6598: behind a carrier's translation
    v4([127, 0, 0, 0], 8),    // RFC 1122: loopback
    v4([172, 16, 0, 0], 12),  // RFC 1918
    v4([192, 168, 0, 0], 16), // RFC 1918
];

/// The rest of the registry of special IPv4 addresses (RFC 6890), groups, and metadata of clouds.
const NEVER_V4: [Ipv4Net; 14] = [
    v4([0, 0, 0, 0], 8), // RFC 791: this network; Linux takes it for loopback
    v4([100, 100, 100, 200], 32), // Alibaba Cloud's metadata
    v4([168, 63, 129, 16], 32), // Azure's WireServer
    v4([169, 254, 0, 0], 16), // RFC 3927: link-local, with 169.254.169.254
    v4([192, 0, 0, 0], 24), // RFC 6890: protocol assignments, with Oracle's metadata
    v4([192, 0, 2, 0], 24), // RFC 5737: documentation
    v4([192, 31, 196, 0], 24), // RFC 7535: AS112
    v4([192, 52, 193, 0], 24), // RFC 7450: AMT
    v4([192, 88, 99, 0], 24), // RFC 7526: 6to4 relays, deprecated
    v4([192, 175, 48, 0], 24), // RFC 7534: AS112
    v4([198, 18, 0, 0], 15), // RFC 2544: benchmarks
    v4([198, 51, 100, 0], 24), // RFC 5737: documentation
    v4([203, 0, 113, 0], 24), // RFC 5737: documentation
    v4([224, 0, 0, 0], 3), // RFC 5771 groups, RFC 1112 reserved, RFC 919 broadcast
];

const PRIVATE_V6: [Ipv6Net; 2] = [
    v6([0, 0, 0, 0, 0, 0, 0, 1], 128),    // RFC 4291: loopback
    v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), // RFC 4193: unique local
];

/// Metadata of clouds that lie in unique local addresses.
const METADATA_V6: [Ipv6Net; 3] = [
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), // AWS
    v6([0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], 128), // Oracle
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),  // Google Cloud
];

/// All that is global unicast so far (RFC 4291, RFC 3587).
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// What of it is not anybody's host.
const NEVER_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // RFC 2928: protocol assignments, with Teredo (RFC 4380)
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // RFC 3849: documentation
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // RFC 3056: 6to4, an IPv4 address inside
    v6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // RFC 7534: AS112
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // RFC 9637: documentation
];

/// How a network without IPv4 writes the IPv4 addresses of the world (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), length)
}

/// Judges one address by itself; whatever no list knows in IPv6 is nobody's.
pub(crate) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Kind {
    let within = |nets: &[Ipv4Net]| nets.iter().any(|net| net.contains(&address));
    if within(&NEVER_V4) {
        Kind::Never
    } else if within(&PRIVATE_V4) {
        Kind::Private
    } else {
        Kind::Public
    }
}

fn kind_v6(address: Ipv6Addr) -> Kind {
    let within = |nets: &[Ipv6Net]| nets.iter().any(|net| net.contains(&address));
    if within(&METADATA_V6) || within(&NEVER_V6) {
        return Kind::Never;
    }
    if NAT64.contains(&address) {
        let [.., a, b, c, d] = address.octets();
        // A translator may sit inside: a private address behind it is never what was allowed here.
        let public = kind_v4(Ipv4Addr::new(a, b, c, d)) == Kind::Public;
        return if public { Kind::Public } else { Kind::Never };
    }
    if within(&PRIVATE_V6) {
        Kind::Private
    } else if GLOBAL_V6.contains(&address) {
        Kind::Public
    } else {
        Kind::Never
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(expected: Kind, addresses: &[&str]) {
        for text in addresses {
            assert_eq!(kind(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn hosts_of_the_world_are_public() {
        let v4 = ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255"];
        let edges = ["100.128.0.0", "126.255.255.255", "128.0.0.0", "172.15.255.255", "172.32.0.0"];
        let more =
            ["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"];
        let v6 = ["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:200::1", "64:ff9b::808:808"];

        for addresses in [&v4[..], &edges, &more, &v6] {
            all(Kind::Public, addresses);
        }
    }

    #[test]
    fn hosts_of_ours_are_private() {
        let v4 = ["10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1"];
        let more =
            ["127.255.255.254", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"];
        let v6 = ["::1", "fc00::", "fd12:3456::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"];

        for addresses in [&v4[..], &more, &v6] {
            all(Kind::Private, addresses);
        }
    }

    #[test]
    fn what_is_no_host_is_never_reached() {
        let v4 =
            ["0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.169.254", "192.0.0.192", "192.0.2.1"];
        let more = ["198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "192.88.99.1"];
        let groups = ["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"];
        let clouds = ["100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd00:c1::a9fe:a9fe"];
        let v6 = ["::", "::2", "fe80::1", "fec0::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1"];
        let ends = ["5f00::1", "4000::1", "fd20:ce::254", "2001:10::1", "2001:20::1"];

        for addresses in [&v4[..], &more, &groups, &clouds, &v6, &ends] {
            all(Kind::Never, addresses);
        }
    }

    #[test]
    fn an_address_inside_another_opens_nothing() {
        let mapped =
            ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"];
        let compatible = ["::127.0.0.1", "::a00:1", "::8.8.8.8"];
        let six_to_four = ["2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1"];
        let teredo = ["2001:0:7f00:1::", "2001::80ff:fffe"];
        let nat64 =
            ["64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::808:808"];

        for addresses in [&mapped[..], &compatible, &six_to_four, &teredo, &nat64] {
            all(Kind::Never, addresses);
        }
    }
}
