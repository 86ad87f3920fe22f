"""The WebSocket: what happens, as it happens. A slow client misses things; the engine does not wait."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from oxide_desktop.core.errors import StoreError
from oxide_desktop.core.events import (
    AnalysisProgress,
    AttemptStarted,
    Chunk,
    Event,
    EventBus,
    HistoryChanged,
    Missed,
    RulesChanged,
    ServiceStatusChanged,
    Subscription,
    TaskEnded,
    TaskNoted,
    TaskWaiting,
)
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.fronts.web.limits import Limits
from oxide_desktop.fronts.web.monitoring import Metrics

log = logging.getLogger(__name__)

PROTOCOL = "oxide"


async def follow(socket: WebSocket, bus: EventBus, metrics: Metrics, limits: Limits) -> None:
    """Tell one client what happens until it leaves, or has not read for too long."""
    with bus.subscribe(limits.queue) as events, metrics.listening():
        await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_tell(socket, events, limits.send_s))
                group.create_task(_measure(socket, metrics, limits))
                group.create_task(_listen(socket, limits.send_s))
        except* WebSocketDisconnect:
            log.debug("a WebSocket client left")
        except* TimeoutError:
            log.info("a WebSocket client has not read for %s s and is dropped", limits.send_s)


async def _measure(socket: WebSocket, metrics: Metrics, limits: Limits) -> None:
    """Send the figures again and again; a history that cannot be read for now costs one round."""
    while True:
        await asyncio.sleep(limits.metrics_s)
        try:
            figures = await metrics.now()
        except StoreError:
            log.exception("the figures could not be taken")
            continue
        async with asyncio.timeout(limits.send_s):
            await socket.send_json({"type": "metrics", **figures})


async def _tell(socket: WebSocket, events: Subscription, limit_s: float) -> None:
    async for event in events:
        if (message := as_message(event)) is not None:
            async with asyncio.timeout(limit_s):
                await socket.send_json(message)


async def _listen(socket: WebSocket, limit_s: float) -> None:
    """Answer `ping`, and notice the end."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        if message.get("text") == "ping":
            async with asyncio.timeout(limit_s):
                await socket.send_text("pong")


def as_message(event: Event) -> Mapping[str, Any] | None:
    """An event as clients get it, `None` for those that are not theirs."""
    match event:
        case Chunk(task_id, attempt, service, text):
            return {
                "type": "task_progress",
                "task_id": task_id,
                "attempt": attempt,
                "service": service,
                "chunk": text,
            }
        case AttemptStarted(task_id, attempt, service, task_type):
            return {
                "type": "task_start",
                "task_id": task_id,
                "attempt": attempt,
                "service": service,
                "task_type": task_type,
            }
        case TaskEnded(record):
            return _completion(record)
        case ServiceStatusChanged(health):
            return {"type": "service_status", **health.to_dict()}
        case TaskWaiting() | AnalysisProgress() | TaskNoted() | HistoryChanged() | RulesChanged() | Missed():
            return {"type": _NAMES[type(event)], **dataclasses.asdict(event)}
    return None


_NAMES: Mapping[type[Event], str] = {
    TaskWaiting: "task_waiting",
    AnalysisProgress: "analysis_progress",
    TaskNoted: "task_note",
    HistoryChanged: "history_changed",
    RulesChanged: "rules_changed",
    Missed: "missed",
}


def _completion(record: TaskRecord) -> Mapping[str, Any]:
    return {
        "type": "task_complete",
        "task_id": record.id,
        "attempt": len(record.attempts),
        "service": record.service,
        "success": record.status is TaskStatus.COMPLETED,
        "status": record.status.value,
        "error": record.error,
        "duration": record.duration,
    }
