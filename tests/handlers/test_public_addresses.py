"""Nothing that is private in any way of writing it."""

from ipaddress import ip_address, ip_network

import pytest

from streamchat.handlers.public_addresses import address_in, is_public

# The registries of special-purpose addresses (IANA), and what else leads back in.
NOT_PUBLIC = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::/128",
    "::1/128",
    "::/96",
    "::ffff:0:0/96",
    "::ffff:0:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",
    "2001:2::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "192.169.0.1", "223.255.255.255", "2606:4700::1111"]


@pytest.mark.parametrize("network", NOT_PUBLIC)
def test_a_special_network_is_not_public_from_its_first_address_to_its_last(network: str) -> None:
    addresses = ip_network(network)
    assert not is_public(addresses[0])
    assert not is_public(addresses[-1])


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "8.8.8.8"])
def test_an_ipv4_address_within_an_ipv6_address_is_never_public(inner: str) -> None:
    high, low = divmod(int(ip_address(inner)), 65_536)
    for prefix in ("::ffff:", "::", "64:ff9b::", "::ffff:0:"):
        assert not is_public(ip_address(f"{prefix}{inner}"))
    assert not is_public(ip_address(f"2002:{high:x}:{low:x}::1"))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_rest_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_an_address_is_told_from_a_name() -> None:
    assert address_in("127.0.0.1") == ip_address("127.0.0.1")
    assert address_in("::1") == ip_address("::1")
    for name in ("example.org", "0x7f.1", "127.1", "2130706433", "", "1.2.3.4."):
        assert address_in(name) is None


def test_a_link_local_address_with_a_scope_is_not_public() -> None:
    address = address_in("fe80::1%eth0")
    assert address is None or not is_public(address)
