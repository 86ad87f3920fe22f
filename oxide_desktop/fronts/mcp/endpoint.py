"""The one MCP server, for the local socket and for HTTP: which requests it answers, and by whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mcp_types as types
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError

from oxide_desktop import __version__
from oxide_desktop.core.errors import OxideError
from oxide_desktop.core.orchestrator import Orchestrator
from oxide_desktop.core.ports import TaskFilter
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.mcp.asking import Asking
from oxide_desktop.fronts.mcp.client import Client, Context
from oxide_desktop.fronts.mcp.prompts import PROMPTS, prompt_named
from oxide_desktop.fronts.mcp.results import resource_uri
from oxide_desktop.fronts.mcp.tools import INSTRUCTIONS, TOOLS

_RESOURCES_SHOWN = 20
_RESOURCES_SEARCHED = 200
_TITLE_CHARS = 60
_MARKDOWN = "text/markdown"
_RESOURCE_NOT_FOUND = -32002  # the number that clients of before 2026 know; later ones know INVALID_PARAMS
_URI_START = resource_uri("")


def build_server(orchestrator: Orchestrator, progress_every_s: float) -> Server[Client]:
    """A server that any number of connections may share."""
    endpoint = _Endpoint(orchestrator, progress_every_s)
    server = Server(
        "oxide",
        title="Oxide",
        version=__version__,
        instructions=INSTRUCTIONS,
        lifespan=_of_nobody,
        on_list_tools=endpoint.list_tools,
        on_call_tool=endpoint.call_tool,
        on_list_prompts=endpoint.list_prompts,
        on_get_prompt=endpoint.get_prompt,
        on_list_resources=endpoint.list_resources,
        on_list_resource_templates=endpoint.list_resource_templates,
        on_read_resource=endpoint.read_resource,
    )
    server.middleware.append(_hear_cancellations)
    return server


@asynccontextmanager
async def _of_nobody(_: Server[Client]) -> AsyncIterator[Client]:
    """What HTTP connections share: they name no project."""
    yield Client()


async def _hear_cancellations(ctx: Context, call_next: CallNext) -> HandlerResult:
    """The SDK ends a cancelled call exactly as it ends one whose client is gone; only the first ends the task."""
    if ctx.method == "notifications/cancelled":
        client: Client = ctx.lifespan_context
        client.cancel(ctx)
    return await call_next(ctx)


class _Endpoint:
    """Answers every kind of request."""

    def __init__(self, orchestrator: Orchestrator, progress_every_s: float) -> None:
        self._orchestrator = orchestrator
        self._asking = Asking(orchestrator, progress_every_s)

    async def list_tools(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=list(TOOLS))

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        names = [tool.name for tool in TOOLS]
        if params.name not in names:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name!r} here, only {', '.join(names)}.")
        return await self._asking.call(context, params)

    async def list_prompts(self, _: Context, __: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=list(PROMPTS))

    async def get_prompt(self, _: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        return prompt_named(params.name, params.arguments or {})

    async def list_resources(
        self, context: Context, _: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """What was asked in the client's own project; what was asked elsewhere is not for it to browse."""
        client: Client = context.lifespan_context
        await self._orchestrator.start()
        page = await self._orchestrator.history.list(TaskFilter(status=TaskStatus.COMPLETED), _RESOURCES_SEARCHED)
        own = [task for task in page.tasks if client.project is not None and task.cwd == str(client.project)]
        return types.ListResourcesResult(resources=[_resource(task) for task in own[:_RESOURCES_SHOWN]])

    async def list_resource_templates(
        self, _: Context, __: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            name="task",
            title="A task's whole result",
            uri_template=resource_uri("{task_id}"),
            description="The answer of a task as one text, however long it is",
            mime_type=_MARKDOWN,
        )
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        try:
            record = await self._record(uri)
        except OxideError as error:
            modern = context.protocol_version >= "2026"
            code = types.INVALID_PARAMS if modern else _RESOURCE_NOT_FOUND
            raise MCPError(code, f"{uri}: {error}") from error
        text = record.result or f"{record.error or ''} (task {record.id}, {record.status})".strip()
        contents = types.TextResourceContents(uri=params.uri, mime_type=_MARKDOWN, text=text)
        return types.ReadResourceResult(contents=[contents])

    async def _record(self, uri: str) -> TaskRecord:
        if not uri.startswith(_URI_START):
            raise OxideError("There is no such resource", f"Those here begin with {_URI_START}.")
        task_id = uri.removeprefix(_URI_START)
        if task := self._orchestrator.find(task_id):
            return task.record
        await self._orchestrator.start()
        return await self._orchestrator.history.get(task_id)


def _resource(task: TaskRecord) -> types.Resource:
    title = " ".join(task.prompt.split())
    return types.Resource(
        uri=resource_uri(task.id),
        name=title if len(title) <= _TITLE_CHARS else f"{title[: _TITLE_CHARS - 1]}…",
        description=f"Answer of {task.service}",
        mime_type=_MARKDOWN,
    )
