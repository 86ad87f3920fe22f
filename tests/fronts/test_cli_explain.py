"""`oxide explain`: the route and why, quickly, and nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from oxide_desktop.fronts.cli.text import width
from tests.fakes.http_server import closed_port
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide, imported_by, only

HEAVY = {"apsw", "httpx", "keyring", "mcp", "PySide6", "fastapi", "uvicorn", "psutil", "pydantic", "qasync"}


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(models=["model-a"]) as running:
        yield running


@pytest.fixture
def oxide(tmp_path: Path, server: OpenAIServer) -> Iterator[Oxide]:
    with Oxide(tmp_path / "home", tmp_path) as program:
        program.configure(only(fake=server.base_url, down=f"http://127.0.0.1:{closed_port()}/v1"))
        yield program


def test_it_says_where_a_prompt_would_go_and_why_and_sends_nothing(oxide: Oxide, server: OpenAIServer) -> None:
    done = oxide("explain", "What is 2+2?")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("quick query · fake · because: ")
    assert any(line.split()[:2] == ["1", "fake"] for line in lines)
    assert any("down" in line and "skipped: " in line for line in lines)
    assert all(width(line) <= 80 for line in lines[1:])
    assert not server.asked
    assert oxide.json("history", "list")["total"] == 0


def test_programs_get_profile_and_route(oxide: Oxide) -> None:
    data = oxide.json("explain", "Fix the bug in login()", "--type", "bug_search")
    assert set(data["profile"]) >= {"task_type", "confidence", "complexity", "reasons", "second"}
    assert data["profile"]["task_type"] == "bug_search"
    assert set(data["route"]) == {"candidates", "skipped", "rule"}
    assert data["route"]["candidates"][0]["service"] == "fake"
    assert {"service", "reason"} == set(data["route"]["skipped"][0])


def test_files_and_standard_input_count_as_for_run(oxide: Oxide) -> None:
    (oxide.cwd / "big.py").write_text("x = 1\n" * 5000, encoding="utf-8")
    small = oxide.json("explain", "Review this")
    large = oxide.json("explain", "Review this", "-f", "*.py", "-f", "not-there.py")
    assert large["tokens"] > small["tokens"] + 5000
    assert any("not-there.py" in note for note in large["notes"])
    assert oxide("explain", "Review this", "-f", "*.py", "-f", "not-there.py").stdout.count("not-there.py") == 1
    assert oxide.process("explain", stdin="What is 2+2?").stdout.startswith("quick query")


def test_a_project_s_rule_is_called_so_and_a_bad_one_names_its_place(oxide: Oxide, server: OpenAIServer) -> None:
    oxide.configure(only(fake=server.base_url, other=server.base_url))
    project = oxide.cwd / ".oxide.yaml"
    project.write_text("rules:\n  code_review: other\n", encoding="utf-8")
    first = oxide("explain", "Review this", "--type", "code_review").stdout.splitlines()[0]
    assert first == 'code review · other · because: rule "code_review → other" (project .oxide.yaml)'
    assert "1 rule, 0 globs" in oxide("config", "check").stdout
    project.write_text("rules:\n  code_review: nobody\n", encoding="utf-8")
    for done in (oxide("explain", "Review this"), oxide("run", "Review this"), oxide("config", "check")):
        assert done.returncode == 2
        assert f"{project}:2: rules.code_review: " in done.stderr
        assert "fake, other" in done.stderr


def test_where_nobody_could_take_it_the_exit_code_is_3(oxide: Oxide) -> None:
    oxide.configure(only(down=f"http://127.0.0.1:{closed_port()}/v1"))
    done = oxide("explain", "Hello", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["route"]["candidates"] == []
    assert "no service" in oxide("explain", "Hello").stdout
    oxide.configure(only())
    assert oxide("explain", "Hello").returncode == 3


def test_it_imports_nothing_heavy(oxide: Oxide) -> None:
    modules = imported_by(oxide, "explain", "What is 2+2?")
    assert "oxide_desktop.core.route" in modules
    assert HEAVY & modules == set()
