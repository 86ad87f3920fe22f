"""What the tools do: ask the engine, tell how far it is, and answer in time, with the rest to be had later."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import mcp_types as types

from oxide_desktop.core.errors import Bug, OxideError
from oxide_desktop.core.health import Depth, ServiceStatus
from oxide_desktop.core.model import Analysis, Request, Source
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.running import RunningTask
from oxide_desktop.fronts.mcp.arguments import AnalyzeParallel, GetTaskResult, Given, RouteTask
from oxide_desktop.fronts.mcp.client import Client, Context, patience_s
from oxide_desktop.fronts.mcp.results import ended_answer, refusal, running_answer, stage

log = logging.getLogger(__name__)


class Asking:
    """The tools, each as a method of its name."""

    def __init__(self, orchestrator: Orchestrator, progress_every_s: float) -> None:
        self._orchestrator = orchestrator
        self._progress_every_s = progress_every_s
        self._tools = {
            "route_task": self.route_task,
            "analyze_parallel": self.analyze_parallel,
            "list_services": self.list_services,
            "get_task_result": self.get_task_result,
        }

    async def call(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """Answer a call of any tool. What goes wrong is an answer as well: the model is to read it."""
        tool = self._tools[params.name]
        try:
            return await tool(context, params.arguments or {})
        except OxideError as error:
            return refusal(error)
        except Exception as error:  # a bug of ours, which the SDK would hide behind "internal error"
            log.exception("the tool %s met a bug", params.name)
            return refusal(Bug("Oxide made a mistake", repr(error), "The log has the details."))

    async def route_task(self, context: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        """One prompt for one service."""
        wish = RouteTask.parse(arguments)
        if wish.preferences.preferred_service is not None:  # at once, rather than as a task that nobody can take
            self._orchestrator.require_service(wish.preferences.preferred_service)
        cwd, roots = await _client(context).reach(context, wish.files)
        request = Request(
            prompt=wish.prompt,
            files=wish.files,
            preferences=wish.preferences,
            source=Source.MCP,
            cwd=cwd,
            roots=roots,
        )
        return await self._ask(context, request)

    async def analyze_parallel(self, context: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        """A whole directory for several services at once."""
        wish = AnalyzeParallel.parse(arguments)
        cwd, roots = await _client(context).reach(context, (wish.directory,))
        request = Request(
            prompt=wish.prompt,
            files=(wish.directory,),
            source=Source.MCP,
            cwd=cwd,
            roots=roots,
            analysis=Analysis(workers=wish.workers),
        )
        return await self._ask(context, request)

    async def _ask(self, context: Context, request: Request) -> types.CallToolResult:
        """Submit, and wait for the end or as long as the client is patient."""
        with _client(context).call(context) as call:
            with anyio.CancelScope(shield=True):  # a task that is recorded must be known here, too
                call.task = task = await self._orchestrator.submit(request)
            ended = await self._watch(context, task)
        return ended_answer(task.record, error=task.error) if ended else running_answer(task)

    async def _watch(self, context: Context, task: RunningTask) -> bool:
        """Wait for the end, and say often enough that there is progress; `False` if the patience ends before."""
        began = anyio.current_time()
        patience = patience_s(context, self._orchestrator.settings.mcp.answer_within_seconds)
        with anyio.move_on_after(patience):
            while not task.ended:
                await context.session.report_progress(anyio.current_time() - began, None, stage(task))
                with anyio.move_on_after(self._progress_every_s):
                    await task.finished()
        return task.ended

    async def get_task_result(self, context: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        """A page of a result. Giving up on this call leaves the task alone."""
        wish = GetTaskResult.parse(arguments)
        if task := self._orchestrator.find(wish.task_id):
            if await self._watch(context, task):
                return ended_answer(task.record, wish.offset, task.error)
            return running_answer(task, wish.offset)
        await self._orchestrator.start()
        return ended_answer(await self._orchestrator.history.get(wish.task_id), wish.offset)

    async def list_services(self, _: Context, arguments: dict[str, Any]) -> types.CallToolResult:
        """Every enabled service as it is now."""
        Given("list_services", arguments, ())
        found = await self._orchestrator.check_services(Depth.GLANCE)
        services = [_service(status) for status in found]
        lines = [_line(service) for service in services] or ["No service is configured."]
        return types.CallToolResult(
            content=[types.TextContent(text="\n".join(lines))], structured_content={"services": services}
        )


def _client(context: Context) -> Client:
    client: Client = context.lifespan_context
    return client


def _service(status: ServiceStatus) -> dict[str, Any]:
    shown = status.to_dict()
    kept = ("name", "healthy", "enabled", "description", "locality", "model", "max_context_tokens")
    service = {key: shown[key] for key in kept}
    service["model"] = shown["model"] or shown["recommended_model"]
    if shown["enabled"] and not shown["healthy"]:
        service |= {"problem": shown["message"] or "It was not looked at yet.", "fix": shown["fix"]}
    return service


def _line(service: dict[str, Any]) -> str:
    state = "ready" if service["healthy"] else "not usable" if service["enabled"] else "switched off"
    model = f", {service['model']}" if service["model"] else ""
    problem = f": {service['problem']} {service['fix']}".rstrip() if "problem" in service else ""
    return f"{service['name']} ({service['locality']}{model}): {state}{problem}"
