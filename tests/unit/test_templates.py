"""The programs that the shipped settings hold ready: each on what the real one printed, where it was tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from oxide_desktop.adapters.command import CommandAdapter
from oxide_desktop.config.paths import resource
from oxide_desktop.config.settings import load_config
from oxide_desktop.core.errors import FailureKind
from oxide_desktop.core.ports import AdapterTools
from oxide_desktop.core.settings import OutputFormat, ServiceSettings
from tests.fakes.asking import ask, question

TEMPLATES = ("claude", "codex", "llm", "opencode", "aider", "agy")
THREAD = '{"type":"thread.started","thread_id":"1"}\n{"type":"turn.started"}\n'
SAID = {
    "claude": (
        '{"type":"system","subtype":"init","model":"m"}\n'
        '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"It "}}}\n'
        '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"is 4."}}}\n'
        '{"type":"assistant","message":{"content":[{"type":"text","text":"It is 4."}]}}\n'
        '{"type":"result","is_error":false,"result":"It is 4."}\n'
    ),
    "codex": THREAD + '{"type":"item.completed","item":{"type":"agent_message","text":"It is 4."}}\n'
    '{"type":"turn.completed","usage":{"input_tokens":5}}\n',
    "llm": "It is 4.",
}
FAILED = {
    "claude": ('{"type":"result","is_error":true,"result":"Invalid API key · Please run /login"}\n', FailureKind.AUTH),
    "codex": (
        THREAD + '{"type":"turn.failed","error":{"message":"unexpected status 401 Unauthorized"}}\n',
        FailureKind.AUTH,
    ),
    "opencode": (
        '{"type":"error","error":{"name":"UnknownError","data":{"message":"Unexpected server error."}}}\n',
        FailureKind.CRASHED,
    ),
}


def services(tmp_path: Path, *enabled: str) -> dict[str, ServiceSettings]:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"services": {name: {"enabled": True} for name in enabled}}))
    return dict(load_config(file).services)


def program(tmp_path: Path, said: str, code: int) -> str:
    file, text = tmp_path / "program", tmp_path / "said"
    text.write_text(said)
    file.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/args\ncat > /dev/null\ncat {text}\nexit {code}\n')
    file.chmod(0o755)
    return str(file)


def adapter(tmp_path: Path, tools: AdapterTools, name: str, said: str = "", code: int = 0) -> CommandAdapter:
    settings = services(tmp_path, name)[name]
    values = {field: getattr(settings, field) for field in settings.__dataclass_fields__}
    return CommandAdapter(ServiceSettings(**{**values, "executable": program(tmp_path, said, code)}), tools)


def test_a_template_is_no_service_until_one_line_makes_it_one(tmp_path: Path) -> None:
    assert not services(tmp_path).keys() & set(TEMPLATES)
    assert services(tmp_path, "claude").keys() & set(TEMPLATES) == {"claude"}
    assert all(services(tmp_path, *TEMPLATES)[name].enabled for name in TEMPLATES)


def test_the_persons_values_are_laid_over_a_template(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("services: {claude: {model: opus}, llm: {type: http, base_url: 'http://127.0.0.1:1/v1'}}")
    made = load_config(file).services
    assert made["claude"].model == "opus"
    assert made["claude"].select
    assert made["llm"].kind == "openai_compatible", "a service of one's own may have the name of a template"


def test_every_template_says_what_of_it_was_tried() -> None:
    text = resource("config", "templates.yaml").read_text(encoding="utf-8")
    for name in TEMPLATES:
        remark = text[: text.index(f"\n  {name}:\n")].split("\n\n")[-1]
        assert remark.removeprefix("services:\n").lstrip("# ").startswith(("Tried with", "Untried."))


@pytest.mark.parametrize("name", TEMPLATES)
async def test_a_template_takes_any_prompt_without_a_model_set(
    name: str, tmp_path: Path, adapter_tools: AdapterTools
) -> None:
    made = adapter(tmp_path, adapter_tools, name, SAID.get(name, '{"type":"text","part":{"text":"It is 4."}}\n'))
    heard = await ask(made, question("--help"))
    assert heard.error is None
    assert "{" not in (tmp_path / "args").read_text()
    assert "--model" not in (tmp_path / "args").read_text()
    await ask(made, question(model="m1"))
    if name != "agy":
        assert "--model=m1" in (tmp_path / "args").read_text()


@pytest.mark.parametrize("name", list(SAID))
async def test_what_the_real_program_printed_is_understood(
    name: str, tmp_path: Path, adapter_tools: AdapterTools
) -> None:
    assert (await ask(adapter(tmp_path, adapter_tools, name, SAID[name]))).text == "It is 4."


@pytest.mark.parametrize("name", list(FAILED))
async def test_how_the_real_program_failed_is_understood(
    name: str, tmp_path: Path, adapter_tools: AdapterTools
) -> None:
    said, kind = FAILED[name]
    assert json.loads(said.splitlines()[-1])
    heard = await ask(adapter(tmp_path, adapter_tools, name, said, 1))
    assert heard.error
    assert heard.error.kind is kind
    assert heard.text == ""


def test_those_that_print_json_have_a_path_into_it(tmp_path: Path) -> None:
    for name, settings in services(tmp_path, *TEMPLATES).items():
        if name in TEMPLATES:
            assert (settings.select is not None) == (settings.output is not OutputFormat.TEXT)
