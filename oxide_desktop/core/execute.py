"""Attempts along a route: retry, breaker, fallback, deadline. Below the router: what a lane holds back stays back."""

from __future__ import annotations

import asyncio
import copy
import random
import time
from collections.abc import Callable, Mapping
from functools import partial

from oxide_desktop.core import journal
from oxide_desktop.core.attempt import LiveAttempt, note
from oxide_desktop.core.breaker import Breakers
from oxide_desktop.core.context import Context
from oxide_desktop.core.errors import FailureKind, RouteError, ServiceError
from oxide_desktop.core.events import EventBus
from oxide_desktop.core.fitting import Fitted, fit
from oxide_desktop.core.model import Route
from oxide_desktop.core.places import leaves_machine
from oxide_desktop.core.ports import Adapter, Call, HealthReports
from oxide_desktop.core.quota import Quotas
from oxide_desktop.core.retry import RetryPolicy
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.settings import PrivacySettings, Settings
from oxide_desktop.core.slots import Slots
from oxide_desktop.core.tokens import ANSWER_TOKENS

_FEW_TOKENS = 5_000  # fitting so little takes less time than a thread does to start on it
_TOLD_FROM_S = 3.0  # a shorter pause is over before it has been read
# Failures that say "not this service, not now" rather than "it was tried and broke".
_COULD_NOT_TAKE = {
    FailureKind.MISSING,
    FailureKind.AUTH,
    FailureKind.LICENCE,
    FailureKind.QUOTA,
    FailureKind.CONTEXT,
    FailureKind.HELD,
}


class Executor:
    """Carries a routed task to its end on one of its candidates."""

    def __init__(
        self,
        settings: Settings,
        adapters: Mapping[str, Adapter],
        bus: EventBus,
        health: HealthReports,
        quotas: Quotas,
        privacy: Callable[[], PrivacySettings],
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._bus = bus
        self._health = health
        self._quotas = quotas
        self.privacy = privacy
        self._draw = random.Random()  # noqa: S311 - jitter, not a secret
        self.breakers = Breakers()
        self._slots = Slots({name: item.settings.max_concurrency for name, item in adapters.items()})

    async def run(self, task: RunningTask, route: Route, context: Context) -> None:
        """Try the candidates in order until one has answered.

        Raises:
            ServiceError: The task failed.
            RouteError: No candidate was able to take it.
        """
        failures: dict[str, ServiceError] = {}
        before = len(task.record.attempts)
        names = [candidate.service for candidate in route.candidates]
        for position, name in enumerate(names, start=1):
            try:
                await self._ask(task, self._adapters[name], context, has_fallback=position < len(names))
            except ServiceError as error:
                failures[name] = error
                if error.kind.final or self._answered(task, before):
                    raise
                if position < len(names):
                    journal.falls_back(task.record, name, error, names[position])
            else:
                return
        raise _nobody(failures)

    async def once(self, task: RunningTask, service: str, context: Context) -> None:
        """One try on one service, neither retry nor fallback: for work that is given to others where it fails.

        Raises:
            ServiceError: It failed.
        """
        adapter = self._adapters[service]
        call = await self._prepare(task, adapter, context)
        async with self._slots.taken(service, task, self._bus):
            await self._attempt(task, adapter, call)

    def aside(self) -> Executor:
        """The same services with the same bounds, and nobody is told what happens there."""
        quiet = copy.copy(self)
        quiet._bus = EventBus()  # noqa: SLF001 - its own
        return quiet

    @staticmethod
    def _answered(task: RunningTask, before: int) -> bool:
        """Whether the newest of the attempts made since there were `before` has shown text."""
        made = task.record.attempts[before:]
        return bool(made and made[-1].chars)

    async def _ask(self, task: RunningTask, adapter: Adapter, context: Context, *, has_fallback: bool) -> None:
        """One service, with its retries."""
        name = adapter.settings.name
        call = await self._prepare(task, adapter, context)
        policy = RetryPolicy.of(adapter.settings, self._settings.execution, has_fallback=has_fallback)
        last: ServiceError | None = None
        before = len(task.record.attempts)
        tried = 0
        while True:  # the policy ends it
            tried += 1
            async with self._slots.taken(name, task, self._bus):
                if reason := self.breakers.closed_reason(name):
                    raise last or ServiceError(FailureKind.MISSING, f"{name} is left alone for now", f"It {reason}.")
                try:
                    await self._attempt(task, adapter, call)
                except ServiceError as error:
                    last = error
                    pause_s = None if self._answered(task, before) else policy.pause_s(error, tried, self._draw)
                    if pause_s is None:
                        raise
                else:
                    return
            journal.next_try(task.id, name, tried, pause_s)
            if pause_s >= _TOLD_FROM_S:
                note(task, _asked_again(last, pause_s), self._bus)
            await asyncio.sleep(pause_s)  # bounded by the policy, and by the task's own deadline

    async def _prepare(self, task: RunningTask, adapter: Adapter, context: Context) -> Call:
        fitted = await self._fit(adapter, context)
        task.receipt = fitted.receipt
        for text in fitted.notes:
            note(task, text, self._bus)
        return Call(
            task_id=task.id,
            prompt=fitted.prompt,
            model=task.request.preferences.model,
            input_tokens=fitted.tokens,
            cwd=task.request.cwd,
            files=fitted.files,
        )

    async def _fit(self, adapter: Adapter, context: Context) -> Fitted:
        work = partial(
            fit,
            context,
            window_tokens=adapter.info.max_context_tokens,
            locality=adapter.info.locality,
            privacy=self.privacy(),
            answer_tokens=ANSWER_TOKENS,
        )
        return work() if context.tokens < _FEW_TOKENS else await asyncio.to_thread(work)

    async def _attempt(self, task: RunningTask, adapter: Adapter, call: Call) -> None:
        name = adapter.settings.name
        if leaves_machine(adapter.settings, adapter.info.locality):
            await task.kept()  # nothing leaves this machine unrecorded
        self.breakers.begin(name)  # before the quota is counted, or all that wait there pass a half-open breaker
        try:
            started_at = await self._quotas.reserve(name)
        except BaseException:  # nothing was asked, and the error goes on
            self.breakers.abandoned(name)
            raise
        try:
            await LiveAttempt(task, adapter, self._bus, started_at).run(call, self._settings.execution)
        except ServiceError as error:
            journal.attempt_failed(task.record, name, error)
            if error.about_request:  # such as a model that only this caller insists on
                self.breakers.abandoned(name)
            else:
                self.breakers.failed(name, error.kind)
                if not self._quotas.refused(name, error):
                    self._health.attempt_failed(name, error)
            raise
        except BaseException:  # stopped from outside: nothing was learned about the service, and it goes on
            self.breakers.abandoned(name)
            raise
        self.breakers.succeeded(name)
        self._health.attempt_succeeded(name)


def _nobody(failures: Mapping[str, ServiceError]) -> ServiceError | RouteError:
    """The one error that tells how all candidates failed."""
    errors = list(failures.values())
    told = " ".join(f"{error.title}: {error.message}".rstrip() for error in errors)
    hint = next((error.hint for error in errors if error.hint), "Run `oxide doctor` to see what each service needs.")
    if all(error.kind in _COULD_NOT_TAKE for error in errors):
        at_fault = all(error.about_request for error in errors)
        return RouteError("No service could take the task", told, hint, about_request=at_fault)
    if len(errors) == 1:
        return errors[0]
    return ServiceError(errors[-1].kind, "Every service failed", told, hint)


def _asked_again(error: ServiceError, pause_s: float) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(time.time() + pause_s))
    return f"{error.title}: asked again at {at}, after {pause_s:.0f} s."
