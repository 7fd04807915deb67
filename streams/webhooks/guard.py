"""Where we may post to: no address of this machine or of a private network, unless a setting allows it.

A name is looked up once, and its address is what is connected to: it cannot name another one in between.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from schemas.errors import BadFile

#: IPv6 addresses that carry an IPv4 address in their last four bytes (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


class Forbidden(Exception):
    """An address that is not to be posted to."""


def checked_url(url: str, *, private: bool) -> str:
    """The URL of an endpoint, as far as one can tell without asking for its address.

    Raises:
        BadFile: with what is wrong and what to do.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadFile("URL", None, f"is not a URL: {error}", "write it as https://host/path") from error
    if parts.scheme not in ("https", "http") or not host or port == 0:
        raise BadFile("URL", None, "is not a URL of the web", "write it as https://host/path")
    if parts.username is not None or parts.password is not None:
        raise BadFile("URL", None, "holds a name or a password", "leave them out: what is sent is signed")
    if any(not 0x21 <= ord(letter) <= 0x7E for letter in url):
        raise BadFile("URL", None, "holds a space or a letter that a URL has not", "write it percent-encoded")
    if parts.scheme == "http" and not private:
        raise BadFile("URL", None, "is not encrypted", f"use https, or {_SETTING} within a network of yours")
    try:
        address = ip_address(host)
    except ValueError:
        return url
    if not private and forbidden(address):
        raise BadFile("URL", None, f"{host} is an address of this machine or of a private network",
                      f"name a public one, or set {_SETTING}")
    return url


_SETTING = "LOUPAN_WEBHOOK_PRIVATE=true"


def forbidden(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of this machine, of a private network, or of nobody."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return forbidden(inner)
        if address.is_site_local:
            return True
    return not address.is_global or address.is_multicast


async def address_of(host: str, port: int, *, private: bool) -> str:
    """The address to connect to, of a name or of itself.

    Raises:
        Forbidden: when one of the name's addresses is.
        OSError: when there is none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not private and any(forbidden(address) for address in addresses):
        raise Forbidden(f"{host} is an address of this machine or of a private network")
    # IPv4 first: a machine may have an IPv6 address and no way out by it.
    return str(min(addresses, key=lambda address: address.version))
