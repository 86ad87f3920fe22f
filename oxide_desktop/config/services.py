"""One service of the file: what it leaves open is inferred, and what does not fit together is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import SplitResult, urlsplit

from oxide_desktop.config.document import Section
from oxide_desktop.config.masking import masked
from oxide_desktop.config.schema import Checker, fields_of
from oxide_desktop.core.model import Locality
from oxide_desktop.core.settings import ServiceSettings, ServiceType

KINDS: Mapping[str, ServiceType] = {
    "gemini": ServiceType.CLI,
    "qwen": ServiceType.CLI,
    "command": ServiceType.CLI,
    "ollama": ServiceType.HTTP,
    "openai_compatible": ServiceType.HTTP,
    "builtin": ServiceType.HTTP,
}
"""The kinds that Oxide brings, and how each is reached."""

ADAPTER_GROUP = "oxide_desktop.adapters"

_OWN_PROGRAMS = ("gemini", "qwen")
_OLLAMA_PORT, _LM_STUDIO_PORT = 11434, 1234
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RESERVED = ("auto",)
_SINGLE_LABEL = re.compile(r"(?!\d+$|0x[\da-f]*$)[\w-]+", re.ASCII)
"""Not a number, which the system would take for an address anywhere in the world."""

_LOCAL_NETWORKS = (
    *("0.0.0.0/32", "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
    *("::/127", "fc00::/7", "fe80::/10"),
)


def read_service(checker: Checker, name: str, tree: Section) -> ServiceSettings | None:
    """The service of that name; `None` if it cannot be made, and then something is listed."""
    key = f"services.{name}"
    before = len(checker.problems)
    checker = checker.of_section(dormant=_is_disabled(checker, tree))
    if not _NAME.fullmatch(name) or name in _RESERVED:
        allowed = f"letters, digits, '_', '-' and '.', at most 64 of them, and not {', '.join(_RESERVED)}"
        checker.refuse(tree.place, key, f"{name!r} cannot be the name of a service", allowed)
    values = checker.fields(ServiceSettings, tree, key, omit=("name",))
    _Completion(checker, key, tree, values).complete()
    return ServiceSettings(name=name, **values) if len(checker.problems) == before else None


def _is_disabled(checker: Checker, tree: Section) -> bool:
    """Whether it is switched off. What may be wrong with that key is listed with the others."""
    enabled = tree.entries.get("enabled")
    probe = Checker([], checker.environment)
    return enabled is not None and probe.value(bool, enabled, "", fields_of(ServiceSettings)["enabled"]) is False


class _Completion:
    """Fills in what a service leaves open."""

    def __init__(self, checker: Checker, key: str, tree: Section, values: dict[str, Any]) -> None:
        self.checker = checker
        self.key = key
        self.tree = tree
        self.values = values

    def complete(self) -> None:
        url = self._base_url()
        self._executable()
        if "kind" in self.values:
            self._given_kind()
        elif not self._refused("api_type"):
            self._infer_kind(url)
        if "kind" in self.values and "type" in self.values:
            self._require()
            self.values.setdefault("locality", self._locality(url))

    def _refused(self, name: str) -> bool:
        return any(problem.key == f"{self.key}.{name}" for problem in self.checker.problems)

    def _refuse(self, name: str, message: str, allowed: str = "") -> None:
        place = self.tree.entries.get(name, self.tree).place
        self.checker.refuse(place, f"{self.key}.{name}", message, allowed)

    def _base_url(self) -> SplitResult | None:
        text = self.values.get("base_url")
        if text is None:
            return None
        if self.checker.dormant and "${" in text:
            return None
        url = _split(text)
        if url is None:
            allowed = "http://HOST[:PORT][/PATH] or https://..."
            self._refuse("base_url", f"{masked(text)!r} is not the address of a server", allowed)
            return None
        self.values["base_url"] = text.rstrip("/")
        return url

    def _executable(self) -> None:
        text = self.values.get("executable")
        if text and text.startswith("~"):
            try:
                self.values["executable"] = str(Path(text).expanduser())
            except RuntimeError:
                self._refuse("executable", f"the home directory that {text!r} begins with is not known")

    def _given_kind(self) -> None:
        kind = self.values["kind"]
        wanted = KINDS.get(kind)
        if wanted is None and kind not in (others := _foreign_kinds()):
            place = self.tree.entries["api_type"].place
            self.checker.refuse_unknown(place, f"{self.key}.api_type", kind, [*KINDS, *others], "kind of service")
            del self.values["kind"]
            return
        if wanted is None:
            wanted = self.values.get("type") or (ServiceType.CLI if "executable" in self.values else ServiceType.HTTP)
        if self.values.setdefault("type", wanted) is not wanted:
            given = self.values["type"].value
            self._refuse("type", f"{kind} is reached by {wanted.value}, not by {given}", wanted.value)
            del self.values["type"]

    def _infer_kind(self, url: SplitResult | None) -> None:
        if "type" not in self.values and not self._refused("type"):
            given = [name for name in ("executable", "base_url") if name in self.values or self._refused(name)]
            if len(given) != 1:
                self._refuse("type", "is missing, and nothing else tells what it is", ", ".join(ServiceType))
                return
            self.values["type"] = ServiceType.CLI if given == ["executable"] else ServiceType.HTTP
        match self.values.get("type"):
            case ServiceType.CLI:
                stem = PureWindowsPath(self.values.get("executable", "")).stem.lower()
                self.values["kind"] = stem if stem in _OWN_PROGRAMS else "command"
            case ServiceType.HTTP:
                self.values["kind"] = self._spoken_at(url)

    def _spoken_at(self, url: SplitResult | None) -> str:
        """The dialect that an address stands for; where it stands for neither, Ollama's, and that is remarked."""
        path = (url.path if url else self.values.get("base_url", "")).rstrip("/")
        port = url.port if url else None
        if port == _OLLAMA_PORT:
            return "ollama"
        if port == _LM_STUDIO_PORT or path.endswith("/v1"):
            return "openai_compatible"
        if url:
            where = f"{self.key}.api_type"
            message = "is not given, and its address does not tell which it is: it is taken for an Ollama"
            remark = self.tree.place.problem(where, message, "ollama, openai_compatible")
            self.checker.remarks.append(remark)
        return "ollama"

    def _require(self) -> None:
        kind = self.values["kind"]
        if kind in _OWN_PROGRAMS:
            self.values.setdefault("executable", kind)
        needed = {"command": "executable", "ollama": "base_url", "openai_compatible": "base_url"}.get(kind)
        if needed and needed not in self.values and not self._refused(needed):
            self._refuse(needed, f"is missing; a service of the kind {kind} needs it")

    def _locality(self, url: SplitResult | None) -> Locality:
        if self.values["kind"] == "builtin" or (url and is_local(url.hostname or "")):
            return Locality.LOCAL
        return Locality.CLOUD


def _split(text: str) -> SplitResult | None:
    """The parts of an HTTP address, `None` if it is none."""
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        return None
    clean = not (url.query or url.fragment or re.search(r"[\s\\]", text))
    return url if usable and clean else None


def is_local(host: str) -> bool:
    """Whether a host is this machine or on the person's own network, by its name or number alone.

    Nothing is looked up: what a name resolves to may change between the look and the use.
    """
    import ipaddress  # noqa: PLC0415 - only where an address is met

    name = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name.endswith((".local", ".localhost")) or _SINGLE_LABEL.fullmatch(name) is not None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    networks = [ipaddress.ip_network(network) for network in _LOCAL_NETWORKS]
    return any(address.version == network.version and address in network for network in networks)


def _foreign_kinds() -> list[str]:
    """Kinds that other packages bring."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - reads every package's metadata

    return sorted(point.name for point in entry_points(group=ADAPTER_GROUP) if point.name not in KINDS)
