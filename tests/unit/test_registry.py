"""Adapters from other packages: real little distributions on the path of a real interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oxide_desktop.adapters.builtin import BuiltinAdapter
from oxide_desktop.adapters.command import CommandAdapter
from oxide_desktop.adapters.gemini import GeminiAdapter
from oxide_desktop.adapters.ollama import OllamaAdapter
from oxide_desktop.adapters.openai_compatible import OpenAICompatibleAdapter
from oxide_desktop.adapters.qwen import QwenAdapter
from oxide_desktop.adapters.registry import adapter_class, known_kinds
from oxide_desktop.core.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
from oxide_desktop.core.health import Health, ServiceInfo, Tier
from oxide_desktop.core.ports import Started, Usage

class EchoAdapter:
    def __init__(self, settings, tools):
        self.settings = settings

    @property
    def info(self):
        return ServiceInfo(name=self.settings.name, kind="echo", description="echo", locality=self.settings.locality)

    async def execute(self, call):
        yield Started("echo-1")
        yield f"{self.settings.name} heard: {call.prompt}"

    async def check(self, depth):
        return Health(service=self.settings.name, tier=Tier.ANSWERS)

    async def list_models(self):
        return ("echo-1",)

    async def aclose(self):
        pass
"""
PROGRAM = """
import asyncio, json, sys
from oxide_desktop.adapters.registry import adapter_class, known_kinds
from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.ports import AdapterTools, Call
from oxide_desktop.core.settings import ServiceSettings, ServiceType

async def ask(kind):
    settings = ServiceSettings(name="mine", type=ServiceType.HTTP, kind=kind)
    adapter = adapter_class(kind)(settings, AdapterTools(spawner=None, secrets=None))
    return [str(output) async for output in adapter.execute(Call(task_id="t", prompt="hello"))]

found = {"kinds": known_kinds()}
for kind in sys.argv[1:]:
    try:
        found[kind] = asyncio.run(ask(kind))
    except UsageError as error:
        found[kind] = str(error)
print(json.dumps(found))
"""


def install(place: Path, package: str, source: str, **kinds: str) -> None:
    """Lay a distribution out as an installer would."""
    (place / f"{package}.py").write_text(source, encoding="utf-8")
    info = place / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    lines = [f"{kind} = {target}" for kind, target in kinds.items()]
    (info / "entry_points.txt").write_text("\n".join(["[oxide_desktop.adapters]", *lines]), encoding="utf-8")


def run(place: Path, *kinds: str) -> dict[str, object]:
    path = f"{place}{';' if sys.platform == 'win32' else ':'}{ROOT}"
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM, *kinds],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(program.stdout)


def test_what_ships_is_found_by_name() -> None:
    assert adapter_class("builtin") is BuiltinAdapter
    assert adapter_class("command") is CommandAdapter
    assert adapter_class("gemini") is GeminiAdapter
    assert adapter_class("qwen") is QwenAdapter
    assert adapter_class("ollama") is OllamaAdapter
    assert adapter_class("openai_compatible") is OpenAICompatibleAdapter


def test_an_installed_packages_adapter_is_known_and_answers(tmp_path: Path) -> None:
    install(tmp_path, "oxide_echo", GOOD, echo="oxide_echo:EchoAdapter")
    found = run(tmp_path, "echo")
    assert found["kinds"] == [*known_kinds(), "echo"]
    assert found["echo"] == ["Started(model='echo-1')", "mine heard: hello"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise RuntimeError('out of order')", "RuntimeError: out of order"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def (", "SyntaxError"),
        ("other = 1", "AttributeError"),
        ("class Adapter: pass", "has no execute, check, list_models, aclose"),
        (GOOD.replace("EchoAdapter", "Adapter").replace("self, settings, tools", "self"), "TypeError"),
    ],
)
def test_a_broken_package_costs_its_own_service_only(source: str, why: str, tmp_path: Path) -> None:
    install(tmp_path, "oxide_bad", source, bad="oxide_bad:Adapter")
    install(tmp_path, "oxide_echo", GOOD, echo="oxide_echo:EchoAdapter")
    found = run(tmp_path, "bad", "echo")
    assert isinstance(found["bad"], str)
    assert why in found["bad"]
    assert "Update or remove oxide_bad" in found["bad"].replace("-", "_")
    assert found["echo"] == ["Started(model='echo-1')", "mine heard: hello"]


def test_an_adapters_own_complaint_about_its_settings_is_passed_on(tmp_path: Path) -> None:
    complaint = (
        "\n        from oxide_desktop.core.errors import UsageError\n        raise UsageError('No region is set')"
    )
    install(
        tmp_path, "oxide_fussy", GOOD.replace("self.settings = settings", complaint), fussy="oxide_fussy:EchoAdapter"
    )
    assert run(tmp_path, "fussy")["fussy"] == "No region is set"


def test_no_package_can_take_the_place_of_what_ships(tmp_path: Path) -> None:
    install(tmp_path, "oxide_evil", GOOD, ollama="oxide_evil:EchoAdapter", echo="oxide_evil:EchoAdapter")
    assert run(tmp_path)["kinds"] == [*known_kinds(), "echo"]


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    there = "builtin, command, gemini, ollama, openai_compatible, qwen"
    with pytest.raises(UsageError, match=f"'telepathy'; there are {there}"):
        adapter_class("telepathy")


def test_looking_an_adapter_up_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from oxide_desktop.adapters.registry import adapter_class\n"
        "for kind in ('builtin', 'command', 'gemini', 'ollama', 'openai_compatible', 'qwen'): adapter_class(kind)\n"
        "print(sorted({'httpx', 'importlib.metadata', 'anyio', 'xllamacpp', 'psutil', 'keyring'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
