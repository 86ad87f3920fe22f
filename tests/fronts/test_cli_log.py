"""What `oxide run` leaves in the log: enough to see what happened, and nothing of what was asked."""

from __future__ import annotations

from pathlib import Path

from oxide_desktop import __version__
from tests.fakes.http_server import Reply
from tests.fakes.openai_server import OpenAIServer
from tests.fronts.cli_program import Oxide, only


def test_the_log_tells_of_start_task_failures_and_end_and_not_of_the_prompt(tmp_path: Path) -> None:
    with OpenAIServer(models=["model-a"]) as server, Oxide(tmp_path / "home", tmp_path) as oxide:
        server.play(Reply(status=500))
        oxide.configure(only(fake={"base_url": server.base_url, "max_retries": 1, "retry_delay": 0.0}))
        assert oxide.process("run", "Where is Wally?").returncode == 0
        text = (oxide.home / "oxide.log").read_text(encoding="utf-8")
    for told in (
        f"Oxide {__version__} starts with {oxide.home / 'config.yaml'} and {oxide.home / 'oxide.db'}",
        "services: fake (openai_compatible)",
        "asked by cli: 15 characters, 0 paths",
        "goes to fake",
        "fake failed (transient): ",
        "try 2 on fake in ",
        "completed by fake in ",
        "Oxide has ended",
    ):
        assert told in text
    assert "Wally" not in text


def test_the_level_of_the_settings_is_obeyed(tmp_path: Path) -> None:
    with OpenAIServer(models=["model-a"]) as server, Oxide(tmp_path / "home", tmp_path) as oxide:
        oxide.configure(only(fake=server.base_url) + "\nlogging:\n  level: WARNING\n")
        assert oxide.process("run", "Where is Wally?").returncode == 0
        log = oxide.home / "oxide.log"
        assert " INFO " not in (log.read_text(encoding="utf-8") if log.exists() else "")
