"""Qwen Code, as a model and not as an agent. Tried with the version named below.

It is run in its minimal mode, the only one that sends what it is given and nothing else. That mode reads no settings,
so the person's own are read here. Plan mode is not used: it tells the model to plan with the person instead of
answering. No tool is offered in any mode.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oxide_desktop.adapters import cli_errors
from oxide_desktop.adapters.agent_cli import (
    SYSTEM_PROMPT,
    AgentCli,
    Answer,
    Options,
    Place,
    SignIn,
    usage_in,
)
from oxide_desktop.adapters.cli_program import Found, looked_up
from oxide_desktop.adapters.cli_settings import at, read_settings, read_variables
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.ports import ANSWER_CUT, Call, Output, Started

API_KEY, BASE_URL, MODEL = "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"
TOOLS = "read_file,edit,notebook_edit,run_shell_command,get_goal,update_goal"
# Left to itself it asks again for a longer answer when one was cut, and prints both.
MOST_ANSWER_TOKENS = 32_000
LARGEST_LOG_BYTES = 2 * 1024 * 1024
_OWN_ERROR = "[API Error: "


class QwenAdapter(AgentCli):
    """Asks through standard input and reads JSON lines. Implements `core.ports.Adapter`."""

    description = "Qwen Code"
    install = "Install it: `npm install -g @qwen-code/qwen-code`."
    sign_in = (
        "Set OPENAI_API_KEY (and OPENAI_BASE_URL), or store a key with `oxide keys set {service}` and set"
        " services.{service}.api_key to keyring:{service}; or run `qwen` in a terminal and use its /auth."
    )
    unsigned = "There is no API key for it, nor one in its own settings. Its free sign-in has ended."
    tested_version = "0.24.4"

    async def find_sign_in(self) -> SignIn:
        """A key from the settings or the environment, or from the person's own settings of the program.

        Raises:
            ServiceError: A key that is configured is not stored.
        """
        env = {name: os.environ[name] for name in (BASE_URL, MODEL) if os.environ.get(name)}
        if self.settings.base_url:
            env[BASE_URL] = self.settings.base_url
        if self.settings.api_key:
            key = await looked_up(self.settings.api_key, self.tools, self.teller)
            return SignIn("the key in the settings", {**env, API_KEY: key})
        if key := self.settings.env.get(API_KEY) or os.environ.get(API_KEY, ""):
            return SignIn(f"the key in {API_KEY}", {**env, API_KEY: key})
        if self.settings.base_url:
            return SignIn(f"none, for {self.settings.base_url}", {**env, API_KEY: "none"})
        return _persons_own()

    def environment(self, place: Place) -> dict[str, str]:
        """What keeps it to its place, in one process."""
        return {
            "QWEN_HOME": str(place.home),
            "QWEN_CODE_NO_RELAUNCH": "true",
            "QWEN_CODE_MAX_OUTPUT_TOKENS": str(self._most_tokens),
            "QWEN_USAGE_STATISTICS_ENABLED": "false",
            **{name: str(place.temporary) for name in ("TMPDIR", "TEMP", "TMP")},
        }

    @property
    def _most_tokens(self) -> int:
        window = self.settings.max_context_tokens
        return min(MOST_ANSWER_TOKENS, window // 4) if window else MOST_ANSWER_TOKENS

    @staticmethod
    def as_one_process(found: Found) -> Found:
        """Its launcher starts a second process, which would outlive the first."""
        direct = found.path.with_name("cli.js")
        if found.path.name != "cli-entry.js" or not direct.is_file():
            return found
        return dataclasses.replace(found, argv=(*found.argv[:-1], str(direct)))

    def arguments(self, call: Call, place: Place, sign_in: SignIn, known: Options) -> list[str]:  # noqa: ARG002
        """Its options, as far as it knows them.

        Raises:
            ServiceError: It is too old.
        """
        for option in ("--bare", "--output-format", "stream-json", "--system-prompt"):
            if option not in known:
                raise self.too_old(option)
        model = call.model or self.settings.model or self.settings.default_model
        wanted = {
            "--include-partial-messages": [],
            "--exclude-tools": [TOOLS],
            "--approval-mode": ["default"],
            "--auth-type": ["openai"],
            "--openai-logging-dir": [str(_log_of(place)), "--openai-logging"],
        }
        arguments = ["--bare", "--output-format", "stream-json", "--system-prompt", SYSTEM_PROMPT]
        for option, values in wanted.items():
            arguments += [option, *values] if option in known else []
        if "--chat-recording" in known:
            arguments.append("--no-chat-recording")
        return [*arguments, "--model", model] if model else arguments

    def answer(self, place: Place) -> Answer:
        """Who reads what it writes."""
        return QwenAnswer(self.teller, place)


def _persons_own() -> SignIn:
    """What the person's own settings of the program come to, in the variables that its minimal mode reads."""
    home = Path(os.environ.get("QWEN_HOME") or Path.home() / ".qwen")
    settings = read_settings(home / "settings.json")
    variables = {**read_variables(home / ".env"), **(at(settings, "env") or {})}
    name = at(settings, "model", "name")
    offered = at(settings, "modelProviders", "openai")
    providers = [item for item in offered if isinstance(item, Mapping)] if isinstance(offered, list) else []
    provider = next((item for item in providers if item.get("id") == name), {}) if providers else {}
    key_name = str(provider.get("envKey") or API_KEY)
    values = {
        API_KEY: variables.get(key_name) or os.environ.get(key_name) or at(settings, "security", "auth", "apiKey"),
        BASE_URL: provider.get("baseUrl") or variables.get(BASE_URL) or at(settings, "security", "auth", "baseUrl"),
        MODEL: name or variables.get(MODEL),
    }
    env = {name: value for name, value in values.items() if isinstance(value, str) and value}
    return SignIn(f"the key in {home}", env) if API_KEY in env else SignIn("")


def _log_of(place: Place) -> Path:
    return place.temporary / "requests"


class QwenAnswer(Answer):
    """Reads the program's JSON lines: `system`, `stream_event`, `assistant`, `result`."""

    _held = ""

    def take(self, event: Mapping[str, Any]) -> Iterator[Output]:
        """What an event means.

        Raises:
            ServiceError: The answer has failed.
        """
        kind, about = event.get("type"), event.get("subtype")
        if kind == "system" and about == "init":
            yield Started(event.get("model"))
        elif kind == "system" and about == "retry":
            self._tries_again(event)
        elif kind == "stream_event":
            yield from self._text(at(event, "event", "delta", "text"))
        elif kind == "assistant" and not self.visible and not self._held:
            for part in at(event, "message", "content") or ():
                yield from self._text(at(part, "text"))
        elif kind == "result":
            yield from self._ended(event)

    def _text(self, text: object) -> Iterator[str]:
        """Text of the answer. It also prints its own errors as such, last: they are held until that is sure."""
        if not isinstance(text, str) or not text:
            return
        if text.startswith(_OWN_ERROR):
            self._held += text
            return
        text, self._held = self._held + text, ""
        self.visible = True
        yield text

    def _tries_again(self, event: Mapping[str, Any]) -> None:
        """It asks its service once more: fine if it goes on where it was, and not its business otherwise.

        Raises:
            ServiceError: What it has printed so far is void.
        """
        if self.visible and at(event, "data", "preserveText"):
            return
        self.look()
        message = "Its service broke off, and it began the answer again."
        raise self.teller.error(FailureKind.TRANSIENT, "stopped in the middle", message, "Try again.")

    def _ended(self, event: Mapping[str, Any]) -> Iterator[Output]:
        yield from usage_in(event.get("usage"))
        if event.get("is_error"):
            said = at(event, "error", "message") or self._held or event.get("result") or ""
            raise cli_errors.failure(self.teller, str(said))
        if self._held:
            self.visible = True
            yield self._held
        if any(at(choice, "finish_reason") == "length" for choice in self._logged("response", "choices")):
            yield ANSWER_CUT
        self.done = True

    def look(self) -> None:
        """It asks again for minutes, silently, when its service fails; its log of requests tells at once.

        Raises:
            ServiceError: A request has failed.
        """
        for message in self._logged("error", "message"):
            raise self._failed(str(message))

    def _failed(self, message: str) -> ServiceError:
        error = cli_errors.failure(self.teller, message)
        return error if error.kind is not FailureKind.CRASHED else _failed_there(self.teller, message)

    def _logged(self, *keys: str) -> Iterator[Any]:
        """What stands there in the log of its requests; lists one by one."""
        for file in sorted(_log_of(self.place).glob("*.json")):
            try:
                if file.stat().st_size > LARGEST_LOG_BYTES:
                    continue  # what stands there besides the prompt is not worth the wait
                found = at(json.loads(file.read_text(encoding="utf-8")), *keys)
            except (OSError, ValueError):
                continue  # it is being written
            yield from found if isinstance(found, list) else [found] if found else []


def _failed_there(teller: cli_errors.Teller, message: str) -> ServiceError:
    said = cli_errors.telling_lines(message)
    return teller.error(FailureKind.TRANSIENT, "failed at its service", f"It said: {said}", "Try again in a moment.")
