from __future__ import annotations

from pathlib import Path

import pytest

from oxide_desktop.config.services import KINDS, is_local
from oxide_desktop.config.settings import read_config
from oxide_desktop.core.model import Locality
from oxide_desktop.core.settings import ServiceType
from tests.unit.settings_file import SettingsFile, file

__all__ = ["file"]


@pytest.fixture
def foreign_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that brings the kind `foreign`."""
    folder = tmp_path / "packages" / "foreign-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[oxide_desktop.adapters]\nforeign = foreign:Adapter\n")
    monkeypatch.syspath_prepend(folder.parent)


@pytest.mark.parametrize(
    ("text", "kind", "reached"),
    [
        ("{type: cli, executable: gemini}", "gemini", ServiceType.CLI),
        ("{type: cli, executable: /opt/bin/qwen}", "qwen", ServiceType.CLI),
        ("{type: cli, executable: 'C:\\tools\\Gemini.CMD'}", "gemini", ServiceType.CLI),
        ("{type: cli, executable: gemini-wrapper}", "command", ServiceType.CLI),
        ("{executable: claude}", "command", ServiceType.CLI),
        ("{type: http, base_url: http://h:1}", "ollama", ServiceType.HTTP),
        ("{type: http, base_url: http://h:1/v1}", "openai_compatible", ServiceType.HTTP),
        ("{type: http, base_url: http://h:1/v1/}", "openai_compatible", ServiceType.HTTP),
        ("{type: http, base_url: http://h:11434/v1}", "ollama", ServiceType.HTTP),
        ("{type: http, base_url: http://h:1234}", "openai_compatible", ServiceType.HTTP),
        ("{base_url: https://h/api/v1}", "openai_compatible", ServiceType.HTTP),
        ("{base_url: http://h/v10}", "ollama", ServiceType.HTTP),
        ("{api_type: builtin}", "builtin", ServiceType.HTTP),
        ("{api_type: ollama, base_url: http://h:1/v1}", "ollama", ServiceType.HTTP),
        ("{api_type: command, executable: /opt/bin/qwen}", "command", ServiceType.CLI),
    ],
)
def test_kind_and_type_are_inferred_from_what_is_given(file: SettingsFile, text: str, kind: str, reached: ServiceType):
    service = file.service(text)
    assert (service.kind, service.type) == (kind, reached)


@pytest.mark.parametrize(
    ("url", "guessed"),
    [
        ("http://h:11434", False),
        ("http://h:1234", False),
        ("http://h:1/v1", False),
        ("http://h:1", True),
        ("https://h", True),
    ],
)
def test_a_dialect_that_the_address_does_not_tell_is_remarked(file: SettingsFile, url: str, guessed: bool):
    file.write(f"services: {{mine: {{type: http, base_url: '{url}'}}}}")
    _, checker = read_config()
    assert [(remark.key, remark.line, remark.allowed) for remark in checker.remarks] == (
        [("services.mine.api_type", 1, "ollama, openai_compatible")] if guessed else []
    )


@pytest.mark.parametrize("kind", ["gemini", "qwen"])
def test_a_program_of_its_own_kind_is_called_by_its_name(file: SettingsFile, kind: str):
    assert file.service(f"api_type: {kind}").executable == kind
    assert file.service(f"{{api_type: {kind}, executable: other}}").executable == "other"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{enabled: true}", "2 services.mine.type: is missing, and nothing else tells what it is. [cli, http]"),
        ("{executable: a, base_url: 'http://h'}", "2 services.mine.type: is missing, and nothing else tells"),
        ("{type: cli}", "2 services.mine.executable: is missing; a service of the kind command needs it"),
        ("{type: http}", "2 services.mine.base_url: is missing; a service of the kind ollama needs it"),
        ("{api_type: openai_compatible}", "2 services.mine.base_url: is missing; a service of the kind openai_"),
        ("{type: carrier}", "3 services.mine.type: 'carrier' is not allowed. [cli, http]"),
        ("{type: cli, api_type: ollama}", "3 services.mine.type: ollama is reached by http, not by cli. [http]"),
        ("{type: http, api_type: qwen}", "3 services.mine.type: qwen is reached by cli, not by http. [cli]"),
        (
            "{api_type: olama, base_url: 'http://h'}",
            "3 services.mine.api_type: there is no kind of service 'olama'; did",
        ),
        ("{api_type: 5, executable: a}", "3 services.mine.api_type: must be text, and 5 is not"),
        ("{type: http, base_url: 'localhost:1'}", "3 services.mine.base_url: 'localhost:1' is not the address of a"),
        ("{type: http, base_url: 'ftp://h'}", "3 services.mine.base_url: 'ftp://h' is not the address"),
        ("{type: http, base_url: 'http://'}", "3 services.mine.base_url: 'http://' is not the address"),
        ("{type: http, base_url: 'http://h:99999'}", "3 services.mine.base_url: 'http://h:99999' is not"),
        ("{type: http, base_url: 'http://h:0'}", "3 services.mine.base_url: 'http://h:0' is not the address"),
        ("{type: http, base_url: 'http://[::1'}", "3 services.mine.base_url: 'http://[::1' is not the address"),
        ("{type: http, base_url: 'http://h/?a=1'}", "3 services.mine.base_url: 'http://h/?a=1' is not the address"),
        ("{type: http, base_url: 'http://a b'}", "3 services.mine.base_url: 'http://a b' is not the address"),
        ("{type: http, base_url: 'http://a\\@b'}", "3 services.mine.base_url: 'http://a\\\\@b' is not the address"),
        ("{executable: '~nobody-here/x'}", "3 services.mine.executable: the home directory that '~nobody-here/x'"),
        ("{executable: ''}", "3 services.mine.executable: must not be empty"),
        ("{executable: a, args: -p}", "3 services.mine.args: must be a list, not '-p'"),
        ("{executable: a, args: [-p, 5]}", "3 services.mine.args[1]: must be text, and 5 is not (in quotes it"),
        ("{executable: a, output: xml}", "3 services.mine.output: 'xml' is not allowed. [text, json, jsonl]"),
        ("{executable: a, env: [A]}", "3 services.mine.env: must hold keys with values, not a list"),
        ("{executable: a, env: {A: 1}}", "3 services.mine.env.A: must be text, and 1 is not (in quotes it would be)"),
        ("{executable: a, env: {'A=B': x}}", "3 services.mine.env.A=B: 'A=B' cannot be the name of a variable"),
        ("{executable: a, env: {'': x}}", "3 services.mine.env.: '' cannot be the name of a variable"),
        ("{executable: a, price: 3}", "3 services.mine.price: must hold keys with values, not 3"),
        ("{executable: a, price: {input: -1}}", "3 services.mine.price.input: -1.0 is out of range. [0 to 1,000,000]"),
        (
            "{executable: a, price: {inputs: 1}}",
            "3 services.mine.price.inputs: there is no key 'inputs'; did you mean 'input'?",
        ),
        ("{executable: a, quota: {per_day: 0}}", "3 services.mine.quota.per_day: 0 is out of range. [1 to"),
        ("{executable: a, capabilities: [code]}", "3 services.mine.capabilities[0]: 'code' is not allowed. [coding, "),
        ("{executable: a, locality: lan}", "3 services.mine.locality: 'lan' is not allowed. [local, cloud]"),
        ("{executable: a, name: b}", "3 services.mine.name: there is no key 'name'."),
        ("{executable: a, kind: b}", "3 services.mine.kind: there is no key 'kind'."),
        ("{executable: a, exectuable: b}", "3 services.mine.exectuable: there is no key 'exectuable'; did you mean"),
        ("{executable: a, max_retries: yes}", "3 services.mine.max_retries: must be a whole number, and True is not"),
        ("{executable: a, enabled: 1}", "3 services.mine.enabled: must be true or false, and 1 is not"),
    ],
)
def test_what_does_not_fit_is_refused_once_with_its_reason(file: SettingsFile, text: str, problem: str):
    [found] = file.service_problems(text)
    assert found.startswith(problem)


@pytest.mark.parametrize("name", ["auto", "a b", "-x", "a/b", "é", "x" * 65])
def test_a_name_that_would_not_work_in_a_command_or_an_address_is_refused(file: SettingsFile, name: str):
    [found] = file.problems(f"services:\n  {name}: {{executable: a}}")
    assert found.startswith(f"2 services.{name}: {name!r} cannot be the name of a service. [letters, digits")


def test_the_path_of_a_program_may_begin_at_the_home_directory(file: SettingsFile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert file.service("executable: ~/bin/claude").executable == "/home/somebody/bin/claude"
    assert file.service("executable: ${HOME}/bin/qwen").kind == "qwen"


def test_the_kinds_that_other_packages_bring_are_allowed(file: SettingsFile, foreign_adapter: None):
    plain = file.service("{api_type: foreign, max_concurrency: 1}")
    assert (plain.kind, plain.type, plain.locality) == ("foreign", ServiceType.HTTP, Locality.CLOUD)
    assert file.service("{api_type: foreign, executable: x}").type is ServiceType.CLI
    assert file.service("{api_type: foreign, type: cli}").type is ServiceType.CLI
    assert file.service("{api_type: foreign, base_url: 'http://localhost'}").locality is Locality.LOCAL
    assert "builtin, foreign]" in file.service_problems("api_type: nonsense")[0]


def test_every_kind_that_oxide_brings_loads_without_looking_for_packages(file: SettingsFile):
    for kind in KINDS:
        assert file.service(f"{{api_type: {kind}, executable: x, base_url: 'http://localhost'}}").kind == kind


@pytest.mark.parametrize(
    ("text", "locality"),
    [
        ("{base_url: 'http://localhost:1'}", Locality.LOCAL),
        ("{base_url: 'https://api.example.com/v1'}", Locality.CLOUD),
        ("{base_url: 'https://api.example.com/v1', locality: local}", Locality.LOCAL),
        ("{base_url: 'http://localhost@example.com/v1'}", Locality.CLOUD),
        ("{base_url: 'http://localhost:1', locality: cloud}", Locality.CLOUD),
        ("{executable: claude}", Locality.CLOUD),
        ("{executable: llama, locality: local}", Locality.LOCAL),
        ("{api_type: builtin}", Locality.LOCAL),
    ],
)
def test_what_is_sent_stays_here_only_where_the_service_is_here(file: SettingsFile, text: str, locality: Locality):
    assert file.service(text).locality is locality


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("api.localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("0.0.0.0", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("172.31.255.255", True),
        ("192.168.1.46", True),
        ("169.254.1.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:192.168.1.1", True),
        ("box", True),
        ("my-box_2", True),
        ("box.local", True),
        ("172.32.0.1", False),
        ("8.8.8.8", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("2001:db8::1", False),
        ("2606:4700::1111", False),
        ("::ffff:8.8.8.8", False),
        ("134744072", False),
        ("0x08080808", False),
        ("\uff11\uff13\uff14\uff17\uff14\uff14\uff10\uff17\uff12", False),
        ("010.8.8.8", False),
        ("localhost.example.com", False),
        ("notlocal", True),
        ("example.notlocal", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_a_host_is_local_by_its_name_or_number_alone(host: str, local: bool):
    assert is_local(host) is local
