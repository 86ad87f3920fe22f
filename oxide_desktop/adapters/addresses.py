"""A service's address: its host and port, and whether a proxy stands between."""

from __future__ import annotations

from urllib.parse import urlsplit

from oxide_desktop.core.model import Locality
from oxide_desktop.core.places import is_loopback

_PORTS = {"http": 80, "https": 443}


def host_and_port(url: str) -> tuple[str, int]:
    """Host and port of a URL.

    Raises:
        ValueError: It has none.
    """
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in _PORTS:
        raise ValueError("that is no address of the form http://HOST:PORT")
    return parts.hostname, parts.port or _PORTS[parts.scheme]


def may_use_proxy(url: str, locality: Locality) -> bool:
    """Whether a proxy of the environment's may come between. Never on the way to what counts as local.

    What may not leave the person's own network would leave it through a proxy.
    """
    return locality is not Locality.LOCAL and not is_loopback(url)


def behind_proxy(url: str, locality: Locality) -> bool:
    """Whether requests to a URL go through a proxy of the environment's."""
    if not may_use_proxy(url, locality):
        return False
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - slow to import, for other machines only

    address = urlsplit(url)
    proxies = getproxies()
    return bool(proxies.get(address.scheme) or proxies.get("all")) and not proxy_bypass(address.hostname or "")
