"""An analysis through the command line and Python, on real servers, one of which answers 500 to everything."""

import asyncio
import json
from pathlib import Path

import pytest

from oxide_desktop import Orchestrator, OxideError, ParallelExecutor, load_config
from oxide_desktop.core.errors import NotFoundError
from oxide_desktop.core.events import AnalysisProgress
from tests.fakes.http_server import Reply
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide

FILES = 200


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for number in range(FILES):
        file = root / f"part{number % 10}" / f"mod{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# module {number}\n" + "value = compute(value)\n" * 20)
    return root


@pytest.fixture
def oxide(tmp_path: Path, tree: Path):
    with (
        OpenAIServer() as one,
        OpenAIServer() as broken,
        OpenAIServer() as two,
        Oxide(tmp_path / "home", tree) as program,
    ):
        broken.usual = Reply(status=500, error="Internal error")
        one.usual = two.usual = Reply(pieces=["part0/mod0.py:1 ", "is fine."])
        program.configure(_settings(one, broken, two))
        yield program


def _settings(*servers: OpenAIServer) -> str:
    services = "".join(
        f"  {name}:\n    type: http\n    api_type: openai_compatible\n    base_url: {server.base_url}\n"
        "    retry_delay: 0.01\n"
        for name, server in zip(("one", "broken", "two"), servers, strict=True)
    )
    return f"services:\n  builtin: {{enabled: false}}\n{services}"


def test_every_file_is_in_the_receipt_though_one_service_of_three_is_broken(oxide: Oxide):
    done = oxide("analyze", "Anything wrong?", ".", "--services", "one,broken,two", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) == {
        "aggregated_text",
        "total_duration_seconds",
        "receipt",
        "task_id",
        "status",
        "error",
        "notes",
    }
    assert len({item["path"] for item in result["receipt"]}) == len(result["receipt"]) == FILES
    assert {item["status"] for item in result["receipt"]} == {"read"}
    assert {item["service"] for item in result["receipt"]} == {"one", "two"}
    assert result["aggregated_text"].startswith("part0/mod0.py:1 is fine.")
    shown = json.loads(oxide("history", "show", result["receipt"][0]["task_id"], "--json").stdout)
    assert shown["parent"] == result["task_id"]


def test_people_are_told_who_read_how_many_and_what_was_not_read(oxide: Oxide, tree: Path):
    (tree / "part0" / "picture.png").write_bytes(b"\x89PNG")
    done = oxide("analyze", "Anything wrong?", "part0", "part1/mod1.py", "--workers", "2", "--services", "one,two")
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith("is fine.")
    assert "Left out: part0/picture.png (binary)." in done.stderr
    assert "✓ 21 read, 1 skipped · " in done.stderr


def test_the_history_shows_the_analysis_and_keeps_its_shares_behind_it(oxide: Oxide):
    result = json.loads(oxide("analyze", "Anything wrong?", ".", "--services", "one,two", "--json").stdout)
    listed = json.loads(oxide("history", "list", "--json").stdout)
    assert [item["id"] for item in listed["tasks"]] == [result["task_id"]]


def test_wrong_names_and_numbers_are_refused_before_anything_is_read(oxide: Oxide):
    assert oxide("analyze", "Why?", ".", "--services", "one,four").returncode == 2
    assert oxide("analyze", "Why?", ".", "--workers", "0").returncode == 2
    assert oxide("analyze", "Why?").returncode == 2
    assert oxide("analyze", "Why?", "nowhere").returncode == 2
    assert oxide("analyze", "Why?", ".", "--services", "broken").returncode == 1


def test_python_gets_the_answer_and_the_receipt(oxide: Oxide, tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OXIDE_HOME", str(oxide.home))
    monkeypatch.chdir(tree)

    async def analyse() -> None:
        result = await ParallelExecutor(max_workers=3).execute_parallel(
            "Anything wrong?", ["part1/**/*.py"], services=["one", "two"], strategy="split"
        )
        assert "is fine." in result.aggregated_text
        assert result.total_duration_seconds > 0
        assert len(result.receipt) == 20
        async with Orchestrator(load_config()) as engine:
            assert (await engine.history.get(result.task_id)).result == result.aggregated_text
            executor = ParallelExecutor(orchestrator=engine)
            with pytest.raises(OxideError, match="None of the files could be read"):
                await executor.execute_parallel("Why?", ["nowhere"])
            with pytest.raises(OxideError, match="'all' is not one of split, broadcast"):
                await executor.execute_parallel("Why?", ["."], strategy="all")
            with pytest.raises(NotFoundError):
                await engine.history.get("00000000")

    asyncio.run(analyse())


def test_giving_up_the_call_stops_the_analysis(oxide: Oxide, tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OXIDE_HOME", str(oxide.home))
    monkeypatch.chdir(tree)

    async def give_up() -> None:
        async with Orchestrator(load_config()) as engine:
            call = asyncio.ensure_future(
                ParallelExecutor(orchestrator=engine).execute_parallel("Why?", ["."], services=["one"])
            )
            with engine.bus.subscribe() as events:
                while not isinstance(await events.next(), AnalysisProgress):
                    pass
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert engine.running() == ()

    asyncio.run(give_up())
