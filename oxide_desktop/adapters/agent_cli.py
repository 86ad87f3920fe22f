"""What the agents that run in a terminal have in common: here they only answer.

Each question is asked in a place of its own, which is gone afterwards: an empty directory to work in and a home that
holds the person's sign-in and nothing else of theirs. So no tool, hook, memory or server that the person or a project
has set up runs or is sent anywhere, `@path` in a prompt finds nothing to read, and what the model sees is what the
privacy lanes have let through. What the program writes down of the conversation goes with the place.
"""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from oxide_desktop.adapters import checks, cli_errors
from oxide_desktop.adapters.about import info_of
from oxide_desktop.adapters.cli_errors import Teller
from oxide_desktop.adapters.cli_listening import with_looks
from oxide_desktop.adapters.cli_output import Lines, StrayLines, parse_line
from oxide_desktop.adapters.cli_program import Found, Program, resolved_env, version_in
from oxide_desktop.adapters.cli_settings import at, packaged_version
from oxide_desktop.adapters.counts import usage_of
from oxide_desktop.adapters.pulse import Pulse
from oxide_desktop.core.children import Child, ChildSpec
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.health import Depth, Health, ServiceInfo, Tier
from oxide_desktop.core.ports import AdapterTools, Alive, Call, Output, Usage
from oxide_desktop.core.settings import ServiceSettings

STDIN_BYTES = 8 * 1024 * 1024  # both programs cut what is longer, and say so in a log at best
OUTPUT_BYTES = 128 * 1024 * 1024  # they repeat the prompt in it
SYSTEM_PROMPT = (
    "You are a helpful assistant for software developers. Answer the request directly and completely in Markdown. All"
    " files that belong to it are in it. You have no tools: do not announce actions that you cannot take."
)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where one question is asked.

    Attributes:
        home: For the program's own files.
        work: Its working directory, empty.
        temporary: For its temporary files.
    """

    home: Path
    work: Path
    temporary: Path

    @classmethod
    def at(cls, root: Path) -> Place:
        """Make it."""
        place = cls(root / "home", root / "work", root / "tmp")
        for directory in (place.home, place.work, place.temporary):
            directory.mkdir()
        return place


@dataclasses.dataclass(frozen=True, slots=True)
class SignIn:
    """How the program is to be signed in.

    Attributes:
        source: Where it was found, for people; empty if nowhere.
        env: What it is told.
        method: What the program itself calls this way of signing in.
    """

    source: str
    env: Mapping[str, str] = dataclasses.field(default_factory=dict)
    method: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What a program says of its options; `None` where it is known to have all of them."""

    help: str | None

    def __contains__(self, option: str) -> bool:
        return self.help is None or option in self.help


class Answer(ABC):
    """Reads the events of one answer.

    Attributes:
        done: Whether the program has said that it is done, and all was well.
    """

    def __init__(self, teller: Teller, place: Place) -> None:
        self.teller = teller
        self.place = place
        self.done = False
        self.visible = False

    @abstractmethod
    def take(self, event: Mapping[str, Any]) -> Iterator[Output]:
        """What an event means.

        Raises:
            ServiceError: It is the end, and a bad one.
        """

    def look(self) -> None:  # noqa: B027 - most have nothing to look at
        """Called when it is quiet.

        Raises:
            ServiceError: It has failed already, and has not said so yet.
        """


class AgentCli(ABC):
    """Implements `core.ports.Adapter` but for what differs between the programs."""

    description: str
    install: str
    sign_in: str
    tested_version: str
    unsigned: str
    models: tuple[str, ...] = ()

    def __init__(self, settings: ServiceSettings, tools: AdapterTools) -> None:
        self.settings = settings
        self.tools = tools
        self.teller = Teller(service=settings.name, sign_in=self.sign_in.format(service=settings.name))
        self._program = Program(settings, tools, self.teller, self.install.format(service=settings.name))

    @property
    def info(self) -> ServiceInfo:
        """What the service is, without asking it."""
        return info_of(self.settings, self.description)

    # -- what differs ------------------------------------------------------------------------------

    @abstractmethod
    async def find_sign_in(self) -> SignIn:
        """How it is signed in, without asking its service.

        Raises:
            ServiceError: A key that is configured is not stored.
        """

    @abstractmethod
    def environment(self, place: Place) -> dict[str, str]:
        """What keeps it to its place."""

    @abstractmethod
    def arguments(self, call: Call, place: Place, sign_in: SignIn, known: Options) -> list[str]:
        """What it is started with. Also puts into the place what belongs there.

        Raises:
            ServiceError: It is too old.
        """

    @abstractmethod
    def answer(self, place: Place) -> Answer:
        """Who reads what it writes."""

    @staticmethod
    def as_one_process(found: Found) -> Found:
        """The program without a launcher before it."""
        return found

    # -- asking ------------------------------------------------------------------------------------

    async def execute(self, call: Call) -> AsyncGenerator[Output, None]:
        """Ask once and stream the answer.

        Raises:
            ServiceError: The attempt failed.
        """
        prompt = self._prompt(call)
        found = await self._found()
        sign_in = await self.find_sign_in()
        with _place(self.teller) as place:
            env = {**self.environment(place), **sign_in.env, **await self._added()}
            known = await self._options(found, env)
            with cli_errors.own_files(self.teller):
                arguments = self.arguments(call, place, sign_in, known)
            spec = ChildSpec(
                argv=[*found.argv, *arguments, *(self.settings.args or ())],
                purpose=self.settings.name,
                task_id=call.task_id,
                stdin=prompt,
                env=env,
                cwd=place.work,
                output_limit=OUTPUT_BYTES,
            )
            try:
                async with (
                    await self.tools.spawner.spawn(spec) as child,
                    aclosing(self._answer(child, place)) as outputs,
                ):
                    async for output in outputs:
                        yield output
            except ServiceError as error:
                cli_errors.blame_request(error, call)
                raise

    def _prompt(self, call: Call) -> bytes:
        text = call.prompt
        if text.lstrip().startswith("/"):
            text = f"Request:\n{text}"  # else it would be taken for a command to the program itself
        prompt = text.encode("utf-8", "replace")
        if len(prompt) > STDIN_BYTES:
            message = f"It takes {STDIN_BYTES:,} bytes at most, and the prompt with its files has {len(prompt):,}."
            raise self.teller.error(
                FailureKind.CONTEXT, "cannot take a prompt of that size", message, "Send fewer files."
            )
        return prompt

    async def _found(self) -> Found:
        return self.as_one_process(await self._program.find())

    async def _added(self) -> dict[str, str]:
        return await resolved_env(self.settings, self.tools, self.teller)

    async def _options(self, found: Found, env: Mapping[str, str]) -> Options:
        """What it can be asked. The version that all was tried with need not say so."""
        if packaged_version(found.path) == self.tested_version:
            return Options(None)
        return Options(await self._program.ask(found, ["--help"], env))

    def too_old(self, lacks: str) -> ServiceError:
        """It has no option that is needed."""
        hint = f"Update it; version {self.tested_version} is known to work."
        return self.teller.error(FailureKind.MISSING, "is too old", f"It does not know {lacks}.", hint)

    async def _answer(self, child: Child, place: Place) -> AsyncGenerator[Output, None]:
        answer, lines, stray, pulse = self.answer(place), Lines(), StrayLines(), Pulse()
        async with aclosing(with_looks(child.text())) as parts:
            async for part in parts:
                if part is None:
                    self._look(answer, child, stray.text + lines.tail())
                for line in lines.feed(part or ""):
                    event = parse_line(line)
                    if not isinstance(event, dict):
                        stray.add(line)
                        continue
                    for output in _heard(answer, event, pulse):
                        yield output
                    if answer.done:
                        return
        ended = await child.wait()
        if ended.capped:
            raise cli_errors.wrote_too_much(self.teller, OUTPUT_BYTES)
        raise cli_errors.ended_early(self.teller, f"{stray.text}{lines.tail()}\n{ended.stderr}", ended.code)

    def _look(self, answer: Answer, child: Child, stray: str) -> None:
        if answer.visible:
            return
        answer.look()
        for said in (stray, child.stderr_tail()):
            if error := cli_errors.sign_in_wanted(self.teller, said):
                raise error

    # -- looking -----------------------------------------------------------------------------------

    async def check(self, depth: Depth) -> Health:
        """Look for the program; then ask its version and look for a sign-in; then ask a question. Never raises."""
        health = await checks.step(checks.found(self.settings.name, None, ""), self._glance, Tier.INSTALLED)
        if health.healthy and depth is not Depth.GLANCE:
            health = await checks.step(health, lambda: self._starts(health), Tier.STARTS)
        if health.healthy and depth is not Depth.GLANCE:
            health = await checks.step(health, lambda: self._signed_in(health), Tier.AUTHENTICATED)
        if health.healthy and depth is Depth.PROVE:
            health = await checks.prove(self, health)
        return health

    async def _glance(self) -> Health:
        found = await self._found()
        models = tuple(await self.list_models())
        health = checks.found(self.settings.name, Tier.INSTALLED, f"It is at {found.path}.")
        return dataclasses.replace(health, models=models, recommended_model=models[0] if models else None)

    async def _starts(self, health: Health) -> Health:
        found = await self._found()
        with _place(self.teller) as place:
            said = await self._program.ask(found, ["--version"], {**self.environment(place), **await self._added()})
        return dataclasses.replace(health, tier=Tier.STARTS, version=version_in(said), message="It starts.")

    async def _signed_in(self, health: Health) -> Health:
        sign_in = await self.find_sign_in()
        if not sign_in.source:
            raise self.teller.error(FailureKind.AUTH, "is not signed in", self.unsigned, self.teller.sign_in)
        message = f"Its sign-in is {sign_in.source}; whether that is accepted shows when it is asked."
        return dataclasses.replace(health, tier=Tier.AUTHENTICATED, message=message)

    async def list_models(self) -> Sequence[str]:
        """The models that are known by name: the program cannot be asked."""
        named = (self.settings.model, self.settings.default_model, *self.settings.preferred_models, *self.models)
        return tuple(dict.fromkeys(name for name in named if name))

    async def aclose(self) -> None:  # noqa: B027 - complete as it is
        """Nothing is kept between questions."""


def _heard(answer: Answer, event: Mapping[str, Any], pulse: Pulse) -> Iterator[Output]:
    """What an event means; one that shows nothing, such as a thought, at least that the program works."""
    shown = False
    for output in answer.take(event):
        shown = True
        yield output
    if not shown and not answer.done and pulse.is_due():
        yield Alive()


def usage_in(data: Any) -> Iterator[Usage]:  # noqa: ANN401 - whatever JSON holds
    """The tokens that both programs count in the same words, if they have counted any."""
    if usage := usage_of(at(data, "input_tokens"), at(data, "output_tokens")):
        yield usage


@contextlib.contextmanager
def _place(teller: Teller) -> Iterator[Place]:
    with contextlib.ExitStack() as stack:
        with cli_errors.own_files(teller):
            made = tempfile.TemporaryDirectory(prefix="oxide-", ignore_cleanup_errors=True)
            place = Place.at(Path(stack.enter_context(made)).resolve())
        yield place
