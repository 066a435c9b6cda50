"""Where a request comes from: known as a keyed hash only, and told to nobody."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import hdrs, web

from domain.ports import Cipher
from domain.settings import SettingsError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
SUBSCRIBER_BITS = 64
"""One subscriber has a whole IPv6 /64 to choose addresses from (RFC 6177)."""


class Addresses:
    """Finds the client behind the proxies that are ours."""

    def __init__(self, trusted_proxies: Iterable[str], cipher: Cipher) -> None:
        """Raises `SettingsError` for a proxy that is not a network."""
        self._trusted = [network_of(text) for text in trusted_proxies]
        self._cipher = cipher

    def key(self, request: web.Request) -> str:
        """The same text for requests of the same client, which says nothing about where that is."""
        address = self._client(request)
        return self._cipher.lookup(f"address:{grouped(address)}".encode()).hex()

    def _client(self, request: web.Request) -> Address | None:
        """The last hop that is not ours: what is left of it in `X-Forwarded-For` anybody can write."""
        client = parsed(request.remote or "")
        for hop in reversed(forwarded(request)):
            before = parsed(hop)
            if client is None or before is None or not self._is_ours(client):
                return client
            client = before
        return client

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def network_of(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise SettingsError(f"TRUSTED_PROXIES: expected networks like 10.0.0.0/8, got {text!r}") from None


def forwarded(request: web.Request) -> list[str]:
    lines = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    return [hop.strip() for line in lines for hop in line.split(",")]


def parsed(text: str) -> Address | None:
    """The address, without the zone or the IPv4 mapping around it; None for anything else."""
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def grouped(address: Address | None) -> str:
    if isinstance(address, IPv6Address):
        return str(ip_network((address, SUBSCRIBER_BITS), strict=False))
    return str(address)
