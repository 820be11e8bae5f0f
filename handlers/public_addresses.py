"""Which network addresses are everybody's, and which a server has to itself or shares with its neighbours.

What a caller names is fetched from public addresses only: nothing on this machine, in its network, or reached by a
detour through an address that has another one in it.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

# Special-purpose networks (the registry of RFC 6890 and what has come since), multicast, and the relays of 6to4 (RFC
# 7526). Named here, because ``is_global`` of the ipaddress module differs from one Python to the next.
_NOT_PUBLIC_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
# Global unicast. Outside of it are loopback, link-local, unique local, multicast, IPv4-mapped, IPv4-compatible and
# NAT64 addresses (RFC 4291, RFC 6052, RFC 8215).
_UNICAST_6 = IPv6Network("2000::/3")
# And within it what is not somebody's: protocol assignments (Teredo among them), documentation, 6to4.
_NOT_PUBLIC_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


def is_public(address: Address) -> bool:
    """Whether this is an address of the open internet, and of no kind that leads back in."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _UNICAST_6 and not any(address in network for network in _NOT_PUBLIC_6)


def address_in(host: str) -> Address | None:
    """The address that a host name is; None for one that has to be looked up."""
    try:
        return ip_address(host)
    except ValueError:
        return None
