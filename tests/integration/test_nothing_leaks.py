"""What may not leave this machine does not: a cloud service that keeps every byte it gets is asked in every way."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from oxide_desktop import Orchestrator, load_config
from oxide_desktop.core.errors import OxideError, RouteError
from oxide_desktop.core.model import Request, Source
from oxide_desktop.core.reading import UnreadableError, read_text
from tests.fakes.http_server import Reply, ScriptedServer
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.planted import Planted, planted
from tests.fronts.cli_program import Oxide, only

PLANTED = planted()
OUTSIDE = "this text stands outside"
CLEAN = "clean = 'this may go'"
NO_SERVICE = 3


@pytest.fixture
def cloudy() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def homely() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path.resolve() / "project"
    project.mkdir()
    (project / "clean.py").write_text(CLEAN)
    return project


@pytest.fixture
def oxide(tmp_path: Path, project: Path, cloudy: OpenAIServer, homely: OpenAIServer) -> Iterator[Oxide]:
    home = tmp_path / "person"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/config").write_text(OUTSIDE)
    extra = {"HOME": str(home), "OUTSIDE_ENVIRONMENT": OUTSIDE}
    with Oxide(tmp_path / "home", project, extra=extra) as program:
        services = only(
            cloudy={"base_url": cloudy.base_url, "locality": "cloud", "max_retries": 1, "retry_delay": 0.01},
            homely={"base_url": homely.base_url, "locality": "local"},
        )
        program.configure(services + yaml.safe_dump({"privacy": {"allowed_roots": [str(project)]}}))
        yield program


def received(server: ScriptedServer) -> str:
    """Every byte that came, as text in which nothing is escaped."""
    requests = [dataclasses.asdict(item) for item in server.received]
    return json.dumps(requests, ensure_ascii=False).replace("\\n", "\n").replace('\\"', '"')


def everything_of(oxide: Oxide) -> str:
    """What the log says."""
    return "".join(file.read_text(encoding="utf-8") for file in oxide.home.glob("oxide.log*"))


def hostile(tmp_path: Path, project: Path) -> list[str]:
    """Makes paths that lead astray, and names them."""
    outside = tmp_path.resolve() / "outside"
    evil = tmp_path.resolve() / "projectevil"
    for folder in (outside, evil, project / "sub", project / "folder.py", project / ".ssh"):
        folder.mkdir()
    for file in (
        outside / "o.txt",
        evil / "o.txt",
        project / ".env",
        project / ".ssh/id_rsa",
        project / "Secrets.YAML",
    ):
        file.write_text(OUTSIDE)
    (project / "folder.py/inner.py").write_text("inner = 1")
    (project / "hidden.pem").write_text(OUTSIDE)
    (project / "state.tfstate").write_text(OUTSIDE)
    links = {
        "link_out.txt": outside / "o.txt",
        "link_chain.txt": project / "link_out.txt",
        "link_dir": outside,
        "sub/up": project,
        "loop_a": project / "loop_b",
        "loop_b": project / "loop_a",
        "self": project / "self",
        "zero.txt": Path("/dev/zero"),
        "stdin.txt": Path("/dev/stdin"),
        "environ.txt": Path("/proc/self/environ"),
        "nothing.txt": project / "not there",
        "notes.txt": project / ".env",
        "new\nline.txt": outside / "o.txt",
    }
    for name, target in links.items():
        (project / name).symlink_to(target)
    Path(os.fsdecode(os.fsencode(project) + b"/caf\xe9.txt")).symlink_to(outside / "o.txt")
    os.mkfifo(project / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(project)  # such names must be short
        listening.bind("socket.txt")
        os.chdir(before)
    os.link(project / "clean.py", project / "hard.py")
    own = [*links, "pipe.txt", "socket.txt", ".env", ".ssh/id_rsa", "Secrets.YAML", "hidden.pem", "state.tfstate"]
    return [
        *own,
        "../outside/o.txt",
        "sub/../../outside/o.txt",
        "link_dir/o.txt",
        "link_dir/../outside/o.txt",
        "../outside/*",
        "link_dir/*",
        "{../outside/o.txt,../projectevil/o.txt}",
        str(outside / "o.txt"),
        str(evil / "o.txt"),
        "~/.ssh/config",
        "/dev/zero",
        "/proc/self/environ",
        "missing.txt",
    ]


def test_of_a_tree_with_secrets_and_traps_a_cloud_service_gets_the_harmless_files_alone(
    oxide: Oxide, project: Path, tmp_path: Path, cloudy: OpenAIServer
) -> None:
    paths = hostile(tmp_path, project)
    assert len(paths) >= 30
    for item in PLANTED:
        (project / item.file).write_text(item.text)
    cloudy.play(Reply(status=503))  # what is tried again is held back again
    asked = [option for path in (".", *paths) for option in ("-f", path)]
    done = oxide("run", "What is this?", "-s", "cloudy", "--json", *asked)
    assert done.returncode == 0, done.stderr
    sent = received(cloudy)
    assert len(cloudy.asked) == 2
    assert CLEAN in sent
    assert "inner = 1" in sent
    assert OUTSIDE not in sent + done.stdout
    for item in PLANTED:
        assert item.secret not in sent + done.stdout + done.stderr + everything_of(oxide)
    notes = json.loads(oxide("history", "show", json.loads(done.stdout)["id"], "--json").stdout)["notes"]
    for item in PLANTED:
        assert named(notes, item.file, "local only: holds what looks like a")
    for name in (".env", ".ssh/id_rsa", "Secrets.YAML", "hidden.pem", "state.tfstate"):
        assert named(notes, name, "a file of credentials")
    for path in ("link_out.txt", "link_chain.txt", "link_dir/o.txt", "zero.txt", "environ.txt", "/dev/zero"):
        assert named(notes, path, "outside the folders that may be read")
    for name in ("pipe.txt", "socket.txt", "self", "loop_a", "loop_b", "nothing.txt", "missing.txt"):
        assert named(notes, name, "")


def named(notes: list[str], path: str, reason: str) -> bool:
    """Whether a note tells that a path was left out, and why."""
    return any(path in note.partition(" (")[0] and reason in note for note in notes if note.startswith("Left out: "))


def test_oxides_own_token_keys_and_history_stay_wherever_its_home_is(oxide: Oxide, cloudy: OpenAIServer) -> None:
    oxide.configure(only(cloudy={"base_url": cloudy.base_url, "locality": "cloud"}))
    for name in ("run/token", "history [old]/notes.txt"):
        (oxide.home / name).parent.mkdir(exist_ok=True)
        (oxide.home / name).write_text(OUTSIDE)
    (oxide.cwd / "way_in").symlink_to(oxide.home)
    named_each = ["clean.py", str(oxide.home / "run/token"), str(oxide.home), "way_in/history [old]/notes.txt"]
    done = oxide("run", "What is this?", "-s", "cloudy", *(part for path in named_each for part in ("-f", path)))
    assert CLEAN in received(cloudy)
    assert OUTSIDE not in received(cloudy)
    assert f"local only: matches {oxide.home.resolve()}/" in done.stderr


def test_what_is_held_is_named_with_its_rule_before_anything_is_sent(oxide: Oxide, project: Path) -> None:
    item = PLANTED[0]
    (project / item.file).write_text(item.text)
    asked = ("-s", "cloudy", "-f", item.file, "-f", "clean.py", "Why?")
    reason = f"1 file is held back: {item.file} (holds what looks like an AWS access key (line 2))"
    assert oxide.json("explain", *asked)["route"]["candidates"][0]["reasons"] == ["you asked for it", reason]
    assert oxide.json("run", *asked)["route"]["candidates"][0]["reasons"] == ["you asked for it", reason]
    alone = oxide("run", "-s", "cloudy", "-f", item.file, "Why?")
    assert alone.returncode == NO_SERVICE
    assert f"every file must stay local: {item.file} (holds what looks like an AWS access key (line 2))" in alone.stderr
    assert "Ask a local service" in alone.stderr


@pytest.mark.parametrize("item", PLANTED, ids=lambda item: item.file)
def test_a_prompt_with_a_secret_reaches_no_cloud_service(oxide: Oxide, item: Planted, cloudy: OpenAIServer) -> None:
    done = oxide("run", "-s", "cloudy", f"What is this?\n{item.text}")
    assert done.returncode == NO_SERVICE
    assert "the prompt holds what looks like a" in done.stderr
    assert "(line 3)" in done.stderr
    assert cloudy.asked == []
    assert item.secret not in received(cloudy) + done.stdout + done.stderr + everything_of(oxide)


def test_a_secret_that_is_piped_in_stays_even_when_the_local_service_fails(
    oxide: Oxide, cloudy: OpenAIServer, homely: OpenAIServer
) -> None:
    homely.play(Reply(status=500))
    item = PLANTED[14]
    failed = oxide.process("run", "What is this?", stdin=item.text)
    assert failed.returncode == 1
    assert item.secret in received(homely)
    assert oxide.process("run", "What is this?", stdin=item.text).returncode == 0
    assert cloudy.asked == []
    assert item.secret not in failed.stderr + everything_of(oxide)


def test_an_analysis_on_many_services_gives_secrets_to_local_ones_alone_and_their_answers_too(
    oxide: Oxide, project: Path, cloudy: OpenAIServer, homely: OpenAIServer
) -> None:
    for item in PLANTED:
        (project / item.file).write_text(item.text)
    homely.usual = Reply(pieces=[f"I read {PLANTED[3].secret}."])  # what a local service tells of a held file is held
    done = oxide("analyze", "What is this?", ".", "--services", "cloudy,homely", "--json")
    assert done.returncode == 0, done.stderr
    for item in PLANTED:
        assert item.secret in received(homely)
        assert item.secret not in received(cloudy) + everything_of(oxide)
    alone = oxide("analyze", "What is this?", ".", "--services", "cloudy", "--json")
    assert alone.returncode == 0, alone.stderr
    assert CLEAN in received(cloudy)
    skipped = {item["path"]: item["reason"] for item in json.loads(alone.stdout)["receipt"] if item["reason"]}
    for item in PLANTED:
        assert item.secret not in received(cloudy)
        assert "holds what looks like" in skipped[item.file]


async def test_a_replay_looks_at_everything_again(
    oxide: Oxide, project: Path, cloudy: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = await asyncio.to_thread(oxide.process, "run", "-s", "cloudy", "-f", "clean.py", "Why?", "--json")
    first = json.loads(ran.stdout)
    asked = len(cloudy.asked)
    item = PLANTED[2]
    (project / "clean.py").write_text(item.text)
    monkeypatch.setenv("OXIDE_HOME", str(oxide.home))
    async with Orchestrator(load_config()) as engine:
        again = await engine.retry(first["id"], Source.PYTHON, "cloudy")
        await again.finished()
        assert isinstance(again.error, RouteError)
        assert "clean.py (holds what looks like a GitHub token (line 2))" in again.error.message
    assert len(cloudy.asked) == asked


async def test_what_the_settings_hold_back_from_now_on_an_oxide_that_runs_holds_back_at_once(
    oxide: Oxide, project: Path, cloudy: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "diary.txt").write_text(OUTSIDE)
    services = only(cloudy={"base_url": cloudy.base_url, "locality": "cloud"})
    oxide.configure(services)
    monkeypatch.setenv("OXIDE_HOME", str(oxide.home))

    async def asked() -> OxideError | None:
        task = await engine.submit(Request(prompt="Why?", files=("diary.txt",), source=Source.PYTHON, cwd=project))
        await task.finished()
        return task.error

    async with Orchestrator(load_config()) as engine:
        oxide.configure(f"{services}privacy: {{local_only: ['diary*']}}\n")
        assert "diary.txt (matches diary*)" in str(await asked())
        oxide.configure(f"{services}privacy: {{local_only: [\n")  # somebody is just writing
        assert "diary.txt (matches diary*)" in str(await asked())
        oxide.configure(services)
        assert "diary.txt (matches diary*)" in str(await asked())
    assert OUTSIDE not in received(cloudy)
    async with Orchestrator(load_config()) as engine:
        assert await asked() is None


def test_a_folder_that_becomes_a_link_is_not_followed_at_the_last_moment(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/o.txt").write_text(OUTSIDE)
    (tmp_path / "checked").symlink_to(tmp_path / "outside")
    with pytest.raises(UnreadableError, match="another file took its place"):
        read_text(str(tmp_path.resolve() / "checked/o.txt"))
