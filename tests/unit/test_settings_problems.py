from __future__ import annotations

from pathlib import Path

import pytest

from oxide_desktop.config.document import DEEPEST, LONGEST_BYTES
from oxide_desktop.config.settings import load_config
from oxide_desktop.core.errors import ConfigError
from tests.unit.settings_file import SettingsFile, file, refused

__all__ = ["file"]


def test_all_problems_are_listed_with_file_line_key_and_what_is_allowed(file: SettingsFile):
    file.write("""\
        execution:
          max_retries: -1
        web:
          port: eighty
        logging:
          level: LOUD
    """)
    with pytest.raises(ConfigError) as caught:
        load_config()
    hint = "Mend the file, then run `oxide config check`."
    assert str(caught.value).splitlines() == [
        f"The settings cannot be used: {file.path}:2: execution.max_retries: -1 is out of range. Allowed: 0 to 100.",
        f"{file.path}:4: web.port: must be a whole number, and 'eighty' is not. Allowed: 0 to 65,535.",
        f"{file.path}:6: logging.level: 'LOUD' is not allowed. Allowed: DEBUG, INFO, WARNING, ERROR. " + hint,
    ]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("execution: {max_retries: true}", "1 execution.max_retries: must be a whole number, and True is not"),
        ("execution: {max_retries: 2.0}", "1 execution.max_retries: must be a whole number, and 2.0 is not"),
        ("execution: {max_retries: '2'}", "1 execution.max_retries: must be a whole number, and '2' is not"),
        (
            "updates: {url: 'ftp://x/y'}",
            "1 updates.url: 'ftp://x/y' is not of the form that is wanted. [https://HOST[:PORT]/PATH]",
        ),
        (
            "updates: {url: 'https://me:pw@x/y'}",
            "1 updates.url: 'https://me:***@x/y' is not of the form that is wanted",
        ),
        ("updates: {url: 'https://a b'}", "1 updates.url: 'https://a b' is not of the form that is wanted"),
        ("execution: {max_retries: 101}", "1 execution.max_retries: 101 is out of range. [0 to 100]"),
        ("execution: {max_parallel_workers: 0}", "1 execution.max_parallel_workers: 0 is out of range. [1 to 1,000]"),
        ("execution: {timeout_seconds: 0}", "1 execution.timeout_seconds: 0.0 is out of range. [0.001 to 604,800]"),
        ("execution: {timeout_seconds: .nan}", "1 execution.timeout_seconds: nan is out of range"),
        ("execution: {timeout_seconds: .inf}", "1 execution.timeout_seconds: inf is out of range"),
        ("execution: {timeout_seconds: soon}", "1 execution.timeout_seconds: must be a number, and 'soon' is not"),
        ("execution: {timeout_seconds: true}", "1 execution.timeout_seconds: must be a number, and True is not"),
        ("execution: {retry_on_failure: 1}", "1 execution.retry_on_failure: must be true or false, and 1 is not"),
        ("execution: {retry_on_failure: 'yes'}", "1 execution.retry_on_failure: must be true or false, and 'yes'"),
        ("execution: {max_retries: [1]}", "1 execution.max_retries: must be a whole number, not a list"),
        ("execution: {max_retries: {a: 1}}", "1 execution.max_retries: must be a whole number, not keys with values"),
        ("execution: 5", "1 execution: must hold keys with values, not 5"),
        ("execution: [a]", "1 execution: must hold keys with values, not a list"),
        ("web: {port: 70000}", "1 web.port: 70000 is out of range. [0 to 65,535]"),
        ("storage: {retention_days: 0}", "1 storage.retention_days: 0 is out of range. [1 to 36,500]"),
        ("logging: {level: info}", "1 logging.level: 'info' is not allowed. [DEBUG, INFO, WARNING, ERROR]"),
        ("logging: {file: 5}", "1 logging.file: must be text, and 5 is not (in quotes it would be)"),
        (
            "privacy: {local_only: secret}",
            "1 privacy.local_only: must be a list, not 'secret'. [a list such as [a, b]]",
        ),
        ("privacy: {local_only: [ok, 7]}", "1 privacy.local_only[1]: must be text, and 7 is not"),
        ("privacy: {local_only: [null]}", "1 privacy.local_only[0]: must not be empty"),
        ("privacy: {local_only: ['']}", "1 privacy.local_only[0]: must not be empty"),
        ('privacy: {local_only: ["a\\0b"]}', "1 privacy.local_only[0]: must not hold a NUL character"),
        ("privacy: {allowed_roots: [work]}", "1 privacy.allowed_roots[0]: 'work' is relative. [an absolute path"),
        ("privacy: {allowed_roots: [~nobody-here/x]}", "1 privacy.allowed_roots[0]: the home directory that"),
        ("privacy: {allowed_roots: [3]}", "1 privacy.allowed_roots[0]: must be the path of a directory, and 3 is not"),
        ("excution: {}", "1 excution: there is no key 'excution'; did you mean 'execution'? [services, routing_rules"),
        ("zzz: {}", "1 zzz: there is no key 'zzz'. [services, routing_rules, execution"),
        (
            "execution: {max_retrys: 1}",
            "1 execution.max_retrys: there is no key 'max_retrys'; did you mean 'max_retries'?",
        ),
        ("5: {}", "1 5: there is no key '5'."),
        ("routing_rules: {codeing: {}}", "1 routing_rules.codeing: there is no key 'codeing'; did you mean 'coding'?"),
        ("routing_rules: {per_type: {}}", "1 routing_rules.per_type: there is no key 'per_type'"),
        ("routing_rules: {coding: qwen}", "1 routing_rules.coding: must hold keys with values, not 'qwen'"),
        ("routing_rules: 3", "1 routing_rules: must hold keys with values, not 3"),
        (
            "routing_rules: {coding: {primary: qwn}}",
            "1 routing_rules.coding.primary: there is no service 'qwn'; did you mean 'qwen'? [builtin, gemini",
        ),
        ("routing_rules: {coding: {fallback: qwen}}", "1 routing_rules.coding.fallback: must be a list, not 'qwen'"),
        ("routing_rules: {coding: {second: qwen}}", "1 routing_rules.coding.second: there is no key 'second'."),
        ("services: [qwen]", "1 services: must hold keys with values, not a list"),
        ("services: {mine: true}", "1 services.mine: must hold keys with values, such as `type: http`"),
        ("services: {mine: null}", "1 services.mine: must hold keys with values, such as `type: http`"),
    ],
)
def test_a_bad_value_is_refused_with_its_place_and_reason(file: SettingsFile, text: str, problem: str):
    found = [item for item in file.problems(text) if item.startswith(problem)]
    assert found, file.problems(text)


def test_one_bad_value_is_one_problem(file: SettingsFile):
    assert len(file.problems("services: {mine: {type: htp, base_url: 5}}")) == 2
    assert len(file.problems("services: {mine: {type: http, base_url: nowhere}}")) == 1
    assert len(file.problems("routing_rules: {coding: {primary: mine}}\nservices: {mine: {type: cli}}")) == 1


def test_the_password_of_a_refused_address_is_not_shown(file: SettingsFile):
    (problem,) = file.problems("services: {mine: {type: http, base_url: 'ftp://bob:secret@lab'}}")
    assert "bob" in str(problem)
    assert "secret" not in str(problem)


def test_names_in_lists_are_refused_on_their_own_lines(file: SettingsFile):
    found = file.problems("""\
        routing_rules:
          coding:
            primary: qwen
            fallback:
              - gemini
              - gpt
    """)
    names = "builtin, gemini, lmstudio, ollama_local, ollama_remote, qwen"
    assert found == [f"6 routing_rules.coding.fallback: there is no service 'gpt'. [{names}]"]


def test_a_routing_may_name_a_service_of_the_same_file_even_if_that_is_switched_off(file: SettingsFile):
    settings = file.load("""
        services: {mine: {enabled: false, base_url: "http://localhost:1"}}
        routing_rules: {coding: {primary: mine, fallback: [ollama_remote]}}
    """)
    assert settings.routing.per_type["coding"].primary == "mine"  # type: ignore[index]  # a string enum


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "a: [1",
            "2 (file): this is not YAML: did not find expected ',' or ']' (while parsing a flow sequence that begins",
        ),
        ("web:\n\tport: 1", "2 (file): this is not YAML: found character that cannot start any token"),
        ("web: {port: 1}\n---\nweb: {}\n", "2 (file): this is not YAML: but found another document"),
        ("web: *nobody", "1 (file): this is not YAML: found undefined alias"),
        ("# é\nweb: a\x07b", "2 (file): this is not YAML: control characters are not allowed"),
        ("web: {port: 1, port: 2}", "1 web.port: the key stands here a second time, after line 1"),
        ("web: {}\nlogging: {}\nweb: {}", "3 web: the key stands here a second time, after line 1"),
        ("- web", "1 (file): the file must hold keys with values, such as `services:`"),
        ("just text", "1 (file): the file must hold keys with values"),
        ("? [a, b]\n: 1", "1 (file): a key must be text"),
        ("web: {? {a: 1} : 1}", "1 web: a key must be text"),
        ("web: {port: !!int abc}", "1 web.port: 'abc' cannot be read as int"),
        ("web: {enabled: !!bool maybe}", "1 web.enabled: 'maybe' cannot be read as bool"),
        ("!!float x", "1 (file): 'x' cannot be read as float"),
        ("web: {port: !!python/object:os.system x}", "1 web.port: the tag 'tag:yaml.org,2002:python/object:os.system'"),
        ("!mine x", "1 (file): the tag '!mine' is not allowed here"),
        ("web: &a {port: *a}", "1 web.port"),
        ("&a [*a]", "1 [0][0]"),
        ("<<: 5", "1 <<: `<<` takes keys with values"),
        ("web: {<<: [{port: 1}, x]}", "1 web.<<: `<<` takes keys with values"),
        ("[" * 100_000, f"1 (file): values are nested more than {DEEPEST} deep"),
        ("{a: " * 100_000, f"1 (file): values are nested more than {DEEPEST} deep"),
    ],
)
def test_what_is_no_file_of_settings_is_refused_with_its_line(file: SettingsFile, text: str, problem: str):
    assert file.problems(text.encode())[0].startswith(problem)


def test_a_date_is_text_like_any_other(file: SettingsFile):
    assert file.service("{base_url: 'http://localhost:1', model: 2001-99-99}").model == "2001-99-99"


def test_aliases_that_multiply_are_stopped(file: SettingsFile):
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    [problem] = file.problems("\n".join(["l0: &l0 [x]", *levels]).encode())
    assert "aliases make this endless, or nearly so" in problem


def test_text_that_is_not_utf8_is_refused_with_its_line(file: SettingsFile):
    assert file.problems(b"web:\n  port: 1\n# gr\xfc\xdfe\n") == ["3 (file): the file is not UTF-8 text."]


def test_a_file_that_is_far_too_long_is_refused(file: SettingsFile):
    assert file.problems(b"#" * (LONGEST_BYTES + 1)) == [
        "None (file): the file is longer than 1,000,000 bytes; it cannot be one of settings."
    ]


def test_a_directory_in_place_of_the_file_is_refused(file: SettingsFile):
    file.path.mkdir()
    [problem] = refused()
    assert str(problem) == f"{file.path}: (file): the file cannot be read: Is a directory."


def test_a_dead_link_in_place_of_the_file_is_refused(file: SettingsFile, tmp_path: Path):
    file.path.symlink_to(tmp_path / "gone.yaml")
    [problem] = refused()
    assert problem.message == "the file cannot be read: No such file or directory."


def test_variables_are_filled_in(file: SettingsFile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OX_HOST", "box.local")
    monkeypatch.setenv("OX_PORT", "9001")
    monkeypatch.setenv("OX_WEB", "no")
    monkeypatch.setenv("OX_EMPTY", "")
    monkeypatch.delenv("OX_UNSET", raising=False)
    settings = file.load("""
        services:
          mine:
            base_url: http://${OX_HOST}:${OX_UNSET:-8080}/v1
            model: "a$${b} costs $5"
            default_model: ${OX_EMPTY:-fallback}
            api_key: ${OX_EMPTY:-}
            retry_delay: ${OX_UNSET:-0.5}
        web: {port: "${OX_PORT}", enabled: "${OX_WEB}"}
        logging: {level: "${OX_UNSET:-DEBUG}", file: "${OX_UNSET:-}"}
        execution: {max_retries: "${OX_UNSET:-}"}
    """)
    mine = settings.services["mine"]
    assert mine.base_url == "http://box.local:8080/v1"
    assert (mine.model, mine.default_model, mine.api_key) == ("a${b} costs $5", "fallback", None)
    assert mine.retry_delay == 0.5
    assert (settings.web.port, settings.web.enabled) == (9001, False)
    assert (settings.logging.level, settings.logging.file) == ("DEBUG", "")
    assert settings.execution.max_retries == 2, "an empty variable is like one that is not set"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "web: {port: '${OX_UNSET}'}",
            "1 web.port: the environment variable OX_UNSET is not set. [set it, or write a default: ${OX_UNSET:-...}]",
        ),
        ("web: {port: '${OX_TEXT}'}", "1 web.port: must be a whole number, and 'text' is not. [0 to 65,535]"),
        ("web: {enabled: '${OX_TEXT}'}", "1 web.enabled: must be true or false, and 'text' is not"),
        ("logging: {file: '${NOT CLOSED'}", "1 logging.file: '${NOT CLOSED' is no reference to a variable. [${NAME}, "),
        ("logging: {file: '${MY-KEY}'}", "1 logging.file: '${MY-KEY}' is no reference to a variable"),
        (
            "services: {mine: {base_url: '${OX_UNSET}'}}",
            "1 services.mine.base_url: the environment variable OX_UNSET is not set",
        ),
    ],
)
def test_a_variable_that_does_not_help_is_refused(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
):
    monkeypatch.delenv("OX_UNSET", raising=False)
    monkeypatch.setenv("OX_TEXT", "text")
    assert file.problems(text)[0].startswith(problem)


def test_a_key_whose_variable_is_not_set_fails_its_service_and_not_the_settings(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("MY_LLM_API_KEY", raising=False)
    service = file.service("""
        base_url: http://localhost:8080
        api_key: ${MY_LLM_API_KEY}
        env: {TOKEN: "${MY_LLM_API_KEY}"}
    """)
    assert service.api_key == "${MY_LLM_API_KEY}"
    assert service.env == {"TOKEN": "${MY_LLM_API_KEY}"}


@pytest.mark.parametrize("off", ["false", "${OX_UNSET:-no}"])
def test_a_service_that_is_switched_off_may_miss_its_variables(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch, off: str
):
    monkeypatch.delenv("OX_UNSET", raising=False)
    service = file.service(f"""
        enabled: {off}
        base_url: ${{OX_UNSET}}/v1
        model: ${{OX_UNSET}}
        max_concurrency: ${{OX_UNSET}}
    """)
    assert not service.enabled
    assert (service.kind, service.base_url) == ("openai_compatible", "${OX_UNSET}/v1")
    assert service.max_concurrency == 4
