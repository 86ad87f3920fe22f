"""Any command-line program, by configuration alone.

`args` is a template. `{prompt}`, `{prompt_file}` (the path of a temporary file that holds it), `{model}` and `{files}`
are filled in; an argument with `{files}` is repeated for each file. Where there are none, or no model for `{model}`,
the argument is left out, and with one that is nothing else the option before it. A prompt that no argument takes goes
to standard input.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

from oxide_desktop.adapters import checks, cli_errors
from oxide_desktop.adapters.about import info_of
from oxide_desktop.adapters.cli_errors import Teller
from oxide_desktop.adapters.cli_listening import with_looks
from oxide_desktop.adapters.cli_output import JsonLinesReader, JsonReader, Reader, Select, TextReader
from oxide_desktop.adapters.cli_program import Found, Program, resolved_env, version_in
from oxide_desktop.adapters.pulse import Pulse
from oxide_desktop.core.children import Child, ChildSpec, Exit
from oxide_desktop.core.errors import FailureKind, ServiceError, UsageError
from oxide_desktop.core.health import Depth, Health, ServiceInfo, Tier
from oxide_desktop.core.ports import AdapterTools, Alive, Call, Output, Started
from oxide_desktop.core.settings import OutputFormat, ServiceSettings

OUTPUT_BYTES = 64 * 1024 * 1024
HELD_CHARS = 80
MOST_HELD_CHARS = 2000
VERSION_ARGS = ("--version",)


class CommandAdapter:
    """Runs the program once for each question. Implements `core.ports.Adapter`."""

    def __init__(self, settings: ServiceSettings, tools: AdapterTools) -> None:
        self.settings = settings
        self._tools = tools
        name = settings.name
        program = Path(settings.executable or name).name
        self._teller = Teller(
            service=name, sign_in=f"Sign in with `{program}` in a terminal, or give it its key in services.{name}.env."
        )
        self._program = Program(settings, tools, self._teller, f"Install it, or set services.{name}.executable.")
        self._args = settings.args or ()
        self._select = _path(settings, "select")
        self._error_select = _path(settings, "error_select")
        if settings.output is not OutputFormat.TEXT and self._select is None:
            hint = f"Set services.{name}.select to the path of the answer's text, such as `result`."
            raise UsageError("A service is not complete", f"{name} prints {settings.output.value}.", hint)

    @property
    def info(self) -> ServiceInfo:
        """What the service is, without asking it."""
        return info_of(self.settings, f"Command-line program {self._program.name}")

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        """Ask once and stream the answer.

        Raises:
            ServiceError: The attempt failed.
        """
        model = self._model(call)
        found = await self._program.find()
        env = await resolved_env(self.settings, self._tools, self._teller)
        with self._filled_in(call, model) as args:
            by_argument = any("{prompt}" in arg or "{prompt_file}" in arg for arg in self._args)
            spec = ChildSpec(
                argv=[*found.argv, *args],
                purpose=self.settings.name,
                task_id=call.task_id,
                stdin=b"" if by_argument else call.prompt.encode("utf-8", "replace"),
                env=env,
                cwd=call.cwd,
                output_limit=OUTPUT_BYTES,
            )
            async with await self._spawn(spec) as child:
                yield Started(model)
                try:
                    async with aclosing(self._answer(child)) as texts:
                        async for text in texts:
                            yield text
                except ServiceError as error:
                    cli_errors.blame_request(error, call)
                    raise

    def _model(self, call: Call) -> str | None:
        configured = self.settings.model or self.settings.default_model
        if call.model and call.model != configured and not any("{model}" in arg for arg in self._args):
            message = f"Nothing in its arguments tells {self._program.name} to use {call.model}."
            hint = f"Leave the model open, or put {{model}} into services.{self.settings.name}.args."
            error = self._teller.error(FailureKind.MISSING, "cannot be given a model", message, hint)
            error.about_request = True
            raise error
        return call.model or configured

    @contextlib.contextmanager
    def _filled_in(self, call: Call, model: str | None) -> Iterator[list[str]]:
        prompt = call.prompt.encode("utf-8", "replace").decode()
        with contextlib.ExitStack() as stack:
            file = ""
            if any("{prompt_file}" in arg for arg in self._args):
                file = stack.enter_context(_prompt_file(prompt, self._teller))
            yield fill_in(
                self._args, prompt=prompt, prompt_file=file, model=model, files=[str(path) for path in call.files]
            )

    async def _spawn(self, spec: ChildSpec) -> Child:
        try:
            return await self._tools.spawner.spawn(spec)
        except ServiceError as error:
            if error.kind is FailureKind.INVALID and any("{prompt}" in arg for arg in self._args):
                error.kind = FailureKind.CONTEXT  # a limit of this way only: others may take it
                error.hint = (
                    f"Take {{prompt}} out of services.{self.settings.name}.args: it then goes by standard input."
                )
            raise

    async def _answer(self, child: Child) -> AsyncGenerator[Output, None]:
        reader, pulse = self._reader(), Pulse()
        gate = Gate(self._teller, holds=isinstance(reader, TextReader))
        async with aclosing(with_looks(child.text())) as parts:
            async for part in parts:
                if part is None:
                    gate.look(child.stderr_tail(), reader.unread)
                if text := gate.passed("" if part is None else reader.feed(part), quiet=part is None):
                    yield text
                elif part is not None and reader.works and pulse.is_due():
                    yield Alive()
        rest = gate.held + reader.finish()
        self._judge(await child.wait(), reader, gate, rest)
        if rest:
            yield rest

    def _judge(self, ended: Exit, reader: Reader, gate: Gate, rest: str) -> None:
        """Whether it was an answer.

        Raises:
            ServiceError: It was none.
        """
        if ended.capped:
            raise cli_errors.wrote_too_much(self._teller, OUTPUT_BYTES)
        if reader.error:
            raise cli_errors.failure(self._teller, reader.error, code=ended.code)
        if ended.code:
            said = "\n".join(text for text in (ended.stderr, reader.unread, rest) if text.strip())
            raise cli_errors.failure(self._teller, said, code=ended.code)
        if not gate.opened and not rest.strip():
            if self._select and reader.unread.strip():
                raise self._nothing_selected(reader.unread)
            raise cli_errors.nothing_said(self._teller, ended.stderr)

    def _nothing_selected(self, unread: str) -> ServiceError:
        if error := cli_errors.sign_in_wanted(self._teller, unread):
            return error
        message = f"Its output has nothing at {self.settings.select!r}. It wrote: {cli_errors.telling_lines(unread)}"
        hint = f"Mend services.{self.settings.name}.output and select."
        return self._teller.error(FailureKind.CRASHED, "gave an answer that cannot be read", message, hint)

    def _reader(self) -> Reader:
        if self._select is None:
            return TextReader()
        made = JsonReader if self.settings.output is OutputFormat.JSON else JsonLinesReader
        return made(self._select, self._error_select)

    async def list_models(self) -> Sequence[str]:
        """The models that the settings name: a program cannot be asked."""
        named = (self.settings.model, self.settings.default_model, *self.settings.preferred_models)
        return tuple(dict.fromkeys(name for name in named if name))

    async def check(self, depth: Depth) -> Health:
        """Look for the program; then ask its version; then ask a question. Never raises."""
        return await checks.in_steps(self, depth, self._glance, self._probe, lacking=(Tier.INSTALLED, Tier.STARTS))

    async def _glance(self) -> Health:
        found = await self._program.find()
        health = checks.found(self.settings.name, Tier.INSTALLED, f"It is at {found.path}.")
        return dataclasses.replace(
            health,
            models=tuple(await self.list_models()),
            recommended_model=self.settings.model or self.settings.default_model,
        )

    async def _probe(self, health: Health) -> Health:
        found = await self._program.find()
        version = await self._version(found)
        message = f"Version {version or 'unknown'}. Whether it is signed in shows when it is asked."
        return dataclasses.replace(health, tier=Tier.STARTS, version=version, message=message)

    async def _version(self, found: Found) -> str | None:
        args = VERSION_ARGS if self.settings.version_args is None else self.settings.version_args
        if not args:
            return None
        env = await resolved_env(self.settings, self._tools, self._teller)
        return version_in(await self._program.ask(found, args, env))

    async def aclose(self) -> None:
        """Nothing is kept between questions."""


class Gate:
    """Holds the beginning of an answer until it cannot be a question to sign in.

    Attributes:
        held: What has not passed yet.
        opened: Whether something has.
    """

    def __init__(self, teller: Teller, *, holds: bool) -> None:
        self.held = ""
        self.opened = False
        self._teller = teller
        self._holds = holds

    def passed(self, text: str, *, quiet: bool) -> str:
        """What of it may be seen."""
        self.held += text
        if self._holds and not self.opened and self._may_be_a_question(quiet=quiet):
            return ""
        text, self.held = self.held, ""
        self.opened = self.opened or bool(text.strip())
        return text

    def _may_be_a_question(self, *, quiet: bool) -> bool:
        if cli_errors.SIGN_IN.search(self.held[:MOST_HELD_CHARS]):
            return len(self.held) < MOST_HELD_CHARS
        return not quiet and len(self.held) < HELD_CHARS and "\n" not in self.held.strip()

    def look(self, stderr: str, unread: str) -> None:
        """It is quiet: does it wait for somebody?

        Raises:
            ServiceError: It does.
        """
        if not self.opened:
            for said in (self.held, unread, stderr):
                if error := cli_errors.sign_in_wanted(self._teller, said):
                    raise error


def fill_in(
    template: Sequence[str], *, prompt: str, prompt_file: str, model: str | None, files: Sequence[str]
) -> list[str]:
    """The arguments. Nothing that comes from outside can become an option by the way it begins."""
    args: list[str] = []
    for index, part in enumerate(template):
        if ("{model}" in part and model is None) or ("{files}" in part and not files):
            option = template[index - 1] if index else ""
            if part in ("{model}", "{files}") and args[-1:] == [option] and option.startswith("-") and option != "--":
                args.pop()
            continue
        behind_the_options = "--" in template[:index]
        safe = (
            f" {prompt}"
            if part.startswith("{prompt}") and prompt.startswith("-") and not behind_the_options
            else prompt
        )
        values = {"{prompt}": safe, "{prompt_file}": prompt_file, "{model}": model or ""}
        args += [_replaced(part, {**values, "{files}": file}) for file in (files if "{files}" in part else [""])]
    return args


def _replaced(part: str, values: dict[str, str]) -> str:
    """Each placeholder by its value, in one go: a value may hold what looks like another."""
    for name, value in values.items():
        before, found, after = part.partition(name)
        if found:
            return _replaced(before, values) + value + _replaced(after, values)
    return part


@contextlib.contextmanager
def _prompt_file(prompt: str, teller: Teller) -> Iterator[str]:
    """A file that only this person can read, for as long as the program runs.

    It has a directory of its own, whose end bears that on Windows something may still have the file open.
    """
    with contextlib.ExitStack() as stack:
        with cli_errors.own_files(teller):
            made = tempfile.TemporaryDirectory(prefix="oxide-", ignore_cleanup_errors=True)
            name = str(Path(stack.enter_context(made)) / "prompt.md")
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(prompt)
        yield name


def _path(settings: ServiceSettings, name: str) -> Select | None:
    text = settings.select if name == "select" else settings.error_select
    if text is None or settings.output is OutputFormat.TEXT:
        return None
    try:
        return Select(text)
    except ValueError as error:
        hint = f"Mend services.{settings.name}.{name}."
        raise UsageError("A service is not usable", f"{error}.", hint) from error
