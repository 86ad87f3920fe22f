"""Where services are, seen from this machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from oxide_desktop.core.model import Locality
from oxide_desktop.core.settings import ServiceSettings


def is_loopback(url: str) -> bool:
    """Whether a URL means this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def leaves_machine(service: ServiceSettings, locality: Locality) -> bool:
    """Whether what is sent to a service goes to another machine: to the cloud, or to one in the person's own network.

    A local service that has an address on this machine, or none, is here. `locality` is what its adapter says.
    """
    if locality is Locality.CLOUD:
        return True
    return service.base_url is not None and not is_loopback(service.base_url)
