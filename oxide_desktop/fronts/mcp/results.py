"""Tasks as answers of tools: a page of the text, what became of it, and both again for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import mcp_types as types

from oxide_desktop.core.errors import OxideError, UsageError
from oxide_desktop.core.events import AnalysisProgress
from oxide_desktop.core.receipts import ReadStatus
from oxide_desktop.core.record import TaskRecord, TaskStatus
from oxide_desktop.core.running import RunningTask
from oxide_desktop.core.tokens import estimate_tokens

# Claude Code takes at most 25,000 tokens of a tool, and counts exactly only what it guesses to be over half of that.
PAGE_CHARS = 40_000
PAGE_TOKENS = 12_000
RECEIPTS_SHOWN = 100
UNREAD_TOLD = 10
_LINE_SEARCH = 0.1  # of a page: how far back a line's end is looked for, so that no line is cut


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a text. `next_offset` is `None` where nothing follows and nothing will."""

    text: str
    next_offset: int | None


def page_of(text: str, offset: int, *, complete: bool) -> Page:
    """The part of `text` from a character on that a client can take at once.

    Raises:
        UsageError: The text ends before that.
    """
    if offset > len(text):
        raise UsageError(
            "There is nothing from there on", f"The text has {len(text):,} characters.", f"Send {len(text)} or less."
        )
    end = _page_end(text, offset)
    return Page(text[offset:end], None if complete and end == len(text) else end)


def _page_end(text: str, offset: int) -> int:
    end = min(offset + PAGE_CHARS, len(text))
    while (tokens := estimate_tokens(text[offset:end])) > PAGE_TOKENS:
        end = offset + (end - offset) * PAGE_TOKENS // tokens
    if end == len(text):
        return end
    line_end = text.rfind("\n", end - int((end - offset) * _LINE_SEARCH), end)
    return line_end + 1 if line_end >= 0 else end


def stage(task: RunningTask) -> str:
    """Where a task stands, in a few words."""
    if task.progress:
        return _stage_of_analysis(task.progress)
    record = task.record
    if task.waiting:
        return f"It waits for {task.waiting.service}, {task.waiting.ahead} before it"
    if not record.attempts:
        return f"Task {task.id} is {record.status}"
    attempt = record.attempts[-1]
    written = len(task.text_of(len(record.attempts)))
    return f"{attempt.service} has written {written:,} characters" if written else f"{attempt.service} is at work"


def _stage_of_analysis(progress: AnalysisProgress) -> str:
    left = f", about {progress.left_s:.0f} s left" if progress.left_s is not None else ""
    read = f"{progress.files_done:,} of {progress.files_total:,} files read"
    return f"{read}, {progress.parts_running} requests in flight{left}"


def running_answer(task: RunningTask, offset: int = 0) -> types.CallToolResult:
    """A task that goes on: what there is of it, and how to get the rest."""
    text = task.text_of(len(task.record.attempts)) if task.record.attempts else ""
    page = page_of(text, offset, complete=False)
    return _answer(task.record, page, (f"It goes on ({stage(task)}). {_more(task.record, page)}",))


def ended_answer(record: TaskRecord, offset: int = 0, error: OxideError | None = None) -> types.CallToolResult:
    """A task that has ended, or one that another process works on."""
    if record.status is not TaskStatus.COMPLETED and record.status.ended:
        return _failure(record, offset, error)
    if not record.status.ended:
        note = "Another process of Oxide works on it; its result can be read once it has ended."
        return _answer(record, Page("", 0), (note,))
    page = page_of(record.result or "", offset, complete=True)
    return _answer(record, page, () if page.next_offset is None else (f"This is not all. {_more(record, page)}",))


def _more(record: TaskRecord, page: Page) -> str:
    return f'For the rest call get_task_result with task_id "{record.id}" and offset {page.next_offset}.'


def _answer(record: TaskRecord, page: Page, notes: tuple[str, ...]) -> types.CallToolResult:
    notes = (*notes, *_receipt_notes(record), *record.notes)
    footer = f"[Oxide: {_who(record)}, task {record.id}, {record.status}]"
    texts = [page.text] if page.text else []
    content: list[types.ContentBlock] = [types.TextContent(text=text) for text in texts]
    content.append(types.TextContent(text="\n".join([footer, *notes])))
    if page.next_offset is not None and record.status.ended:
        content.append(link(record))
    return _result(record, page, notes, content, is_error=False)


def _failure(record: TaskRecord, offset: int, error: OxideError | None) -> types.CallToolResult:
    page = page_of(record.result or "", offset, complete=True)
    partial = f"\n\nUntil then {record.service} had written:\n{page.text}" if page.text else ""
    text = f"{error or record.error or 'It was interrupted.'} (task {record.id}, {record.status}){partial}"
    return _result(record, page, record.notes, [types.TextContent(text=text)], is_error=True)


def _result(
    record: TaskRecord, page: Page, notes: tuple[str, ...], content: list[types.ContentBlock], *, is_error: bool
) -> types.CallToolResult:
    receipt = {"receipt": _receipt(record)} if record.analysis else {}
    return types.CallToolResult(
        content=content,
        structured_content={
            **receipt,
            "task_id": record.id,
            "status": record.status.value,
            "result": page.text or (None if record.result is None else ""),
            "next_offset": page.next_offset,
            "service": record.service,
            "model": record.model,
            "task_type": record.task_type,
            "duration": None if record.duration is None else round(record.duration, 2),
            "notes": list(notes),
        },
        is_error=is_error,
    )


def _receipt(record: TaskRecord) -> list[dict[str, Any]]:
    """What became of the files, those first that were not read whole, as many as fit beside an answer."""
    ordered = sorted(record.receipt, key=lambda item: (item.status is ReadStatus.READ, item.path))
    return [item.to_dict() for item in ordered[:RECEIPTS_SHOWN]]


def _receipt_notes(record: TaskRecord) -> tuple[str, ...]:
    """The receipt in a sentence, for those who read no structures."""
    if not record.receipt:
        return ()
    counts = Counter(item.status for item in record.receipt)
    told = ", ".join(f"{counts[status]:,} {status}" for status in ReadStatus)
    more = len(record.receipt) - RECEIPTS_SHOWN
    rest = f" The receipt names {RECEIPTS_SHOWN}; `oxide history show {record.id}` has all." if more > 0 else ""
    unread = [item for item in record.receipt if item.status is not ReadStatus.READ][:UNREAD_TOLD]
    named = "".join(f" {item.path}: {item.status} ({item.reason})." for item in unread)
    return (f"Of {len(record.receipt):,} files: {told}.{named}{rest}",)


def _who(record: TaskRecord) -> str:
    model = f" ({record.model})" if record.model else ""
    took = f", {record.duration:.1f} s" if record.duration is not None else ""
    return f"{record.service or 'no service yet'}{model}{took}"


def refusal(error: OxideError) -> types.CallToolResult:
    """A call that did not become a task."""
    return types.CallToolResult(content=[types.TextContent(text=str(error))], is_error=True)


def resource_uri(task_id: str) -> str:
    """Where a task's whole result can be read."""
    return f"oxide://tasks/{task_id}"


def link(record: TaskRecord) -> types.ResourceLink:
    """The whole result as a resource, for clients that read such."""
    return types.ResourceLink(
        uri=resource_uri(record.id), name=f"Task {record.id}", description="The whole result", mime_type="text/markdown"
    )
