"""Which class speaks to which kind of service. Nothing is imported before a service of its kind is configured."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from oxide_desktop.core.errors import OxideError, UsageError
from oxide_desktop.core.ports import Adapter, AdapterTools
from oxide_desktop.core.settings import ServiceSettings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP = "oxide_desktop.adapters"
_SHIPPED = {
    "builtin": ("oxide_desktop.adapters.builtin", "BuiltinAdapter"),
    "command": ("oxide_desktop.adapters.command", "CommandAdapter"),
    "gemini": ("oxide_desktop.adapters.gemini", "GeminiAdapter"),
    "ollama": ("oxide_desktop.adapters.ollama", "OllamaAdapter"),
    "openai_compatible": ("oxide_desktop.adapters.openai_compatible", "OpenAICompatibleAdapter"),
    "qwen": ("oxide_desktop.adapters.qwen", "QwenAdapter"),
}
_METHODS = ("execute", "check", "list_models", "aclose")

AdapterFactory = Callable[[ServiceSettings, AdapterTools], Adapter]


def known_kinds() -> tuple[str, ...]:
    """Every `api_type` that can be configured: what ships, then what other packages bring."""
    others = {point.name for point in _packages()} - _SHIPPED.keys()
    return (*_SHIPPED, *sorted(others))


def _packages() -> EntryPoints:
    from importlib.metadata import entry_points  # noqa: PLC0415 - 20 ms, not needed for what ships

    return entry_points(group=GROUP)


def adapter_class(kind: str) -> AdapterFactory:
    """What makes the adapter of a kind. What ships cannot be replaced by another package.

    Raises:
        UsageError: There is none, or the package that brings it is broken.
    """
    if kind in _SHIPPED:
        module, name = _SHIPPED[kind]
        shipped: AdapterFactory = getattr(importlib.import_module(module), name)
        return shipped
    for point in _packages().select(name=kind):
        return _from_package(point)
    raise UsageError(
        "No such adapter",
        f"There is no adapter for api_type {kind!r}; there are {', '.join(known_kinds())}.",
        "Mend api_type in the settings, or install the package that brings it.",
    )


def _from_package(point: EntryPoint) -> AdapterFactory:
    """A third party's class, which may break its own service and nothing else."""
    try:
        made_by: Any = point.load()
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything on import
        raise _broken(point, error) from error
    if missing := [name for name in _METHODS if not hasattr(made_by, name)]:
        raise _broken(point, f"{point.value} has no {', '.join(missing)}")

    def make(settings: ServiceSettings, tools: AdapterTools) -> Adapter:
        try:
            adapter: Adapter = made_by(settings, tools)
        except OxideError:
            raise
        except Exception as error:  # likewise when it is made
            raise _broken(point, error) from error
        return adapter

    return make


def _broken(point: EntryPoint, why: BaseException | str) -> UsageError:
    package = point.dist.name if point.dist else point.value
    reason = why if isinstance(why, str) else f"{type(why).__name__}: {why}"
    return UsageError(
        "An adapter cannot be used",
        f"The package {package}, which brings api_type {point.name!r}, is broken ({reason}).",
        f"Update or remove {package}.",
    )
