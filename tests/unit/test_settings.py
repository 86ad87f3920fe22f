from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from oxide_desktop.config.masking import MASK, masked
from oxide_desktop.config.paths import resource
from oxide_desktop.config.settings import load_config, to_plain
from oxide_desktop.core.errors import ConfigError
from oxide_desktop.core.model import Locality, TaskType
from oxide_desktop.core.settings import (
    ExecutionSettings,
    LoggingSettings,
    LogLevel,
    NotificationSettings,
    Price,
    PrivacySettings,
    Quota,
    ServiceType,
    StorageSettings,
    TypeRouting,
    WebSettings,
)
from tests.unit.settings_file import SettingsFile, file

__all__ = ["file"]


def test_without_a_file_the_shipped_settings_hold(file: SettingsFile):
    settings = load_config()
    assert {name: (item.enabled, item.kind, item.locality) for name, item in settings.services.items()} == {
        "gemini": (True, "gemini", Locality.CLOUD),
        "qwen": (True, "qwen", Locality.CLOUD),
        "ollama_local": (True, "ollama", Locality.LOCAL),
        "ollama_remote": (False, "ollama", Locality.LOCAL),
        "lmstudio": (True, "openai_compatible", Locality.LOCAL),
        "builtin": (True, "builtin", Locality.LOCAL),
    }
    assert settings.services["ollama_local"].auto_start
    assert settings.services["gemini"].max_context_tokens == 1_048_576
    assert settings.routing.prefer_local


def test_what_is_shipped_for_the_rest_is_what_the_code_would_take_without_a_file(file: SettingsFile):
    settings = load_config()
    assert settings.execution == ExecutionSettings()
    assert settings.privacy == PrivacySettings()
    assert settings.storage == StorageSettings()
    assert settings.web == WebSettings()
    assert settings.notifications == NotificationSettings()
    assert settings.logging == LoggingSettings()


def test_every_type_of_task_has_its_recommended_services_in_the_shipped_routing(file: SettingsFile):
    per_type = load_config().routing.per_type
    assert set(per_type) == set(TaskType)
    for task_type, routing in per_type.items():
        order = (routing.primary, *routing.fallback)
        recommended = [name for name in order if name in task_type.recommended_services]
        assert tuple(recommended) == task_type.recommended_services
        assert routing.primary == task_type.recommended_services[0]


def test_a_file_changes_only_what_it_names(file: SettingsFile):
    shipped = load_config()
    settings = file.load("""
        services:
          ollama_local: {model: "qwen2.5-coder:7b"}
        execution: {max_retries: 0}
        routing_rules:
          coding: {primary: gemini}
    """)
    assert settings.services["ollama_local"].model == "qwen2.5-coder:7b"
    assert settings.services["ollama_local"].base_url == "http://localhost:11434"
    assert settings.services["gemini"] == shipped.services["gemini"]
    assert settings.execution == ExecutionSettings(max_retries=0)
    assert settings.routing.per_type[TaskType.CODING] == TypeRouting(
        primary="gemini", fallback=shipped.routing.per_type[TaskType.CODING].fallback
    )


@pytest.mark.parametrize("text", ["", "# nothing but a remark\n", "---\n", "null\n", "services:\n", "\ufeff"])
def test_an_empty_file_changes_nothing(file: SettingsFile, text: str):
    shipped = load_config()
    assert file.load(text) == shipped


def test_null_means_the_default_everywhere(file: SettingsFile):
    shipped = load_config()
    sections = {key: dict.fromkeys(value) for key, value in to_plain(load_config()).items() if key != "services"}
    services = {name: dict.fromkeys(keys) for name, keys in to_plain(load_config())["services"].items()}
    assert file.load(yaml.safe_dump({**sections, "services": services})) == shipped
    assert file.load(yaml.safe_dump(dict.fromkeys(to_plain(load_config())))) == shipped


def test_max_retries_null_is_the_default_as_it_was_not_with_the_ancestor(file: SettingsFile):
    settings = file.load("""
        services:
          ollama_local: {max_retries: null, retry_delay: null, auto_start: null, auto_detect_model: null}
        execution: {max_retries: null}
    """)
    service = settings.services["ollama_local"]
    assert service.max_retries is None
    assert (service.auto_start, service.auto_detect_model) == (True, True)
    assert settings.execution.max_retries == 2


def test_the_documented_example_loads_as_it_stands(file: SettingsFile):
    settings = file.load("""
        services:
          gemini:
            enabled: true
            type: cli
            executable: gemini
          qwen:
            enabled: true
            type: cli
            executable: qwen
          ollama_local:
            enabled: true
            type: http
            base_url: http://localhost:11434
            model: qwen2.5-coder:7b
            default_model: qwen2.5-coder:7b
          ollama_remote:
            enabled: false
            type: http
            base_url: http://192.168.1.46:11434
            model: qwen2.5-coder:7b
        routing_rules:
          prefer_local: true
          fallback_enabled: true
        execution:
          timeout_seconds: 120
          max_retries: 2
          retry_on_failure: true
          max_parallel_workers: 3
        logging:
          level: INFO
          console: true
          file: oxide.log
    """)
    kinds = {name: item.kind for name, item in settings.services.items()}
    assert kinds == {
        "gemini": "gemini",
        "qwen": "qwen",
        "ollama_local": "ollama",
        "ollama_remote": "ollama",
        "lmstudio": "openai_compatible",
        "builtin": "builtin",
    }
    assert settings.services["ollama_remote"].locality is Locality.LOCAL
    assert settings.services["ollama_local"].default_model == "qwen2.5-coder:7b"
    assert settings.execution.timeout_seconds == 120.0
    assert settings.logging == LoggingSettings(level=LogLevel.INFO, console=True, file="oxide.log")


def test_the_documented_services_load_as_they_stand(file: SettingsFile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_LLM_API_KEY", "key-of-my-llm")
    services = file.load("""
        services:
          ollama_local:
            type: http
            base_url: "http://localhost:11434"
            api_type: ollama
            enabled: true
            auto_start: true
            auto_detect_model: true
            max_retries: 2
            retry_delay: 2
          lmstudio:
            type: http
            base_url: "http://192.168.1.33:1234/v1"
            api_type: openai_compatible
            enabled: true
            default_model: null
            auto_detect_model: true
            preferred_models:
              - "qwen"
              - "coder"
              - "deepseek"
          my_llm:
            enabled: true
            type: http # or 'cli'
            base_url: http://localhost:8080
            model: my-model
            api_key: ${MY_LLM_API_KEY}
    """).services
    assert (services["ollama_local"].max_retries, services["ollama_local"].retry_delay) == (2, 2.0)
    assert services["lmstudio"].preferred_models == ("qwen", "coder", "deepseek")
    assert services["lmstudio"].locality is Locality.LOCAL
    assert services["my_llm"].api_key == "key-of-my-llm"


def test_every_key_of_a_service_is_read(file: SettingsFile):
    service = file.service("""
        enabled: false
        type: cli
        api_type: command
        executable: claude
        args: [-p, --model, "{model}"]
        output: jsonl
        select: message.content
        env: {NO_COLOR: "1"}
        model: opus
        default_model: sonnet
        preferred_models: [opus]
        auto_detect_model: false
        auto_start: true
        api_key: keyring:CLAUDE
        max_context_tokens: 200_000
        max_concurrency: 2
        locality: local
        capabilities: [coding, general]
        price: {input: 3, output: 15.5}
        quota: {per_minute: 10, per_day: 100}
        max_retries: 0
        retry_delay: 0.5
    """)
    assert (service.name, service.type, service.kind, service.enabled) == ("mine", ServiceType.CLI, "command", False)
    assert service.args == ("-p", "--model", "{model}")
    assert service.env == {"NO_COLOR": "1"}
    assert service.api_key == "keyring:CLAUDE"
    assert service.locality is Locality.LOCAL
    assert service.capabilities == (TaskType.CODING, TaskType.GENERAL)
    assert service.price == Price(input=3.0, output=15.5)
    assert service.quota == Quota(per_minute=10, per_day=100)
    assert (service.max_retries, service.retry_delay, service.max_context_tokens) == (0, 0.5, 200_000)


def test_allowed_roots_begin_at_the_home_directory_where_they_say_so(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", "/home/somebody")
    settings = file.load("privacy: {allowed_roots: [~/work, '${HOME}/notes', /srv]}")
    assert settings.privacy.allowed_roots == (
        Path("/home/somebody/work"),
        Path("/home/somebody/notes"),
        Path("/srv"),
    )


def test_no_allowed_root_is_not_the_same_as_the_default(file: SettingsFile):
    assert file.load("privacy: {allowed_roots: []}").privacy.allowed_roots == ()
    assert file.load("privacy: {allowed_roots: null}").privacy.allowed_roots is None


def test_an_empty_name_switches_the_log_file_off(file: SettingsFile):
    assert file.load("logging: {file: ''}").logging.file == ""


def test_anchors_and_merge_keys_lend_values(file: SettingsFile):
    services = file.load("""
        services:
          first: &common
            type: http
            base_url: http://localhost:1/v1
            max_concurrency: 2
          second:
            <<: *common
            base_url: http://localhost:2/v1
          third:
            <<: [{max_concurrency: 9}, *common]
    """).services
    assert services["second"].base_url == "http://localhost:2/v1"
    assert services["second"].max_concurrency == 2
    assert services["third"].max_concurrency == 9


def test_a_shipped_service_that_is_reached_otherwise_is_a_new_one(file: SettingsFile):
    services = file.load("""
        services:
          gemini:
            type: http
            base_url: https://generativelanguage.googleapis.com/v1beta/openai/v1
          ollama_local:
            api_type: openai_compatible
            base_url: http://localhost:11434/v1
          qwen:
            type: null
            executable: /opt/qwen
    """).services
    assert (services["gemini"].kind, services["gemini"].executable) == ("openai_compatible", None)
    assert services["gemini"].max_context_tokens is None
    assert not services["ollama_local"].auto_start
    assert (services["qwen"].kind, services["qwen"].max_context_tokens) == ("qwen", 262_144)


def test_another_file_can_be_named(file: SettingsFile, tmp_path: Path):
    other = tmp_path / "other.yaml"
    other.write_text("web: {port: 9000}")
    assert load_config(other).web.port == 9000
    assert load_config(str(other)).web.port == 9000


def test_another_file_that_is_not_there_is_refused(file: SettingsFile, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"other\.yaml: \(file\): the file cannot be read: No such file or directory"):
        load_config(tmp_path / "other.yaml")


def test_a_home_that_is_no_directory_leaves_the_shipped_settings(file: SettingsFile, monkeypatch: pytest.MonkeyPatch):
    file.write("")
    monkeypatch.setenv("OXIDE_HOME", str(file.path))
    assert load_config() == load_config(file.path)


def test_the_effective_settings_load_again_as_they_are_shown(file: SettingsFile):
    settings = file.load("""
        services:
          mine: {executable: claude, env: {A: "1"}, capabilities: [coding], price: {input: 1}, quota: {per_day: 5}}
          other: {base_url: "http://localhost:1", api_key: keyring:OTHER}
        privacy: {allowed_roots: [/srv], local_only: ["**/.env"]}
        logging: {file: ""}
    """)
    shown = to_plain(load_config())
    assert list(shown) == [
        "services", "routing_rules", "execution", "privacy", "storage", "web", "mcp", "notifications", "updates",
        "logging",
    ]  # fmt: skip
    assert file.load(yaml.safe_dump(shown)) == settings


def test_the_effective_settings_show_no_secret(file: SettingsFile):
    file.load("""
        services:
          mine:
            executable: claude
            args: [--token, sk-aaaabbbbccccdddd]
            env: {ANTHROPIC_API_KEY: plain-secret, OTHER_KEY: "keyring:OTHER", LANG: C}
          other:
            base_url: http://me:word@localhost:1
            api_key: another-secret
    """)
    mine, other = to_plain(load_config())["services"]["mine"], to_plain(load_config())["services"]["other"]
    assert mine["args"] == ["--token", f"sk-{MASK}"]
    assert mine["env"] == {"ANTHROPIC_API_KEY": MASK, "OTHER_KEY": "keyring:OTHER", "LANG": "C"}
    assert other["base_url"] == f"http://me:{MASK}@localhost:1"
    assert other["api_key"] == MASK


def test_keys_in_the_file_are_masked_in_logs_once_it_is_loaded(file: SettingsFile):
    file.load("""
        services:
          mine: {executable: claude, env: {MY_TOKEN: token-in-the-file, LANG: language-of-mine}}
          other: {base_url: "http://localhost:1", api_key: key-in-the-file}
    """)
    assert masked("key-in-the-file token-in-the-file language-of-mine") == f"{MASK} {MASK} language-of-mine"


def test_the_shipped_file_names_every_setting_outside_the_services(file: SettingsFile):
    shipped = yaml.safe_load(resource("config", "default.yaml").read_text())
    effective = to_plain(load_config())
    for section in effective.keys() - {"services", "routing_rules"}:
        assert list(shipped[section]) == list(effective[section])


def test_importing_the_reader_does_not_import_yaml():
    program = "import sys, oxide_desktop.config.settings; sys.exit('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
