"""The flight recorder of a task as rich text. Whatever others wrote is escaped: only the tags here are tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from oxide_desktop.core.receipts import FileReceipt, ReadStatus, as_text
from oxide_desktop.core.record import Attempt, TaskRecord, Tokens
from oxide_desktop.fronts.desktop.sentences import engine_words, span, tr, way
from oxide_desktop.fronts.desktop.theme import Theme
from oxide_desktop.fronts.desktop.wording import moment, money, source_words, type_words

_RECEIPT_STATES = {
    ReadStatus.READ: "completed",
    ReadStatus.TRUNCATED: "attention",
    ReadStatus.SKIPPED: "cancelled",
}
MOST_FILES = 2_000


class Recorder:
    """Writes it in the theme's colours as they are now."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme

    def how_it_went(self, record: TaskRecord) -> str:
        """Route, candidates, those passed over, attempts, figures, notes."""
        return "".join(
            (
                self._line(way(record)),
                self._candidates(record),
                self._skipped(record),
                self._attempts(record.attempts),
                self._section(tr("Figures"), [[self._soft(name), escape(value)] for name, value in facts(record)]),
                self._section(tr("Notes"), [[escape(engine_words(note))] for note in record.notes]),
            )
        )

    def receipt(self, files: Sequence[FileReceipt]) -> str:
        """What became of each file of an analysis."""
        rows = [
            [
                self._sign(_RECEIPT_STATES[item.status]),
                escape(item.path),
                self._soft(_of_file(item)),
            ]
            for item in files[:MOST_FILES]
        ]
        more = len(files) - len(rows)
        rest = self._line(tr("and %1 more files").replace("%1", f"{more:,}")) if more > 0 else ""
        return self._section(tr("What became of each file"), rows) + rest

    def _candidates(self, record: TaskRecord) -> str:
        candidates = record.route.candidates if record.route else ()
        rows = [
            [
                f"{place}.",
                f"<b>{escape(item.service)}</b>",
                self._soft(f"{item.score:.2f}"),
                escape(", ".join(map(engine_words, item.reasons))),
            ]
            for place, item in enumerate(candidates, start=1)
        ]
        return self._section(tr("Candidates"), rows)

    def _skipped(self, record: TaskRecord) -> str:
        skipped = record.route.passed_over if record.route else ()
        return self._section(
            tr("Passed over"), [[f"<b>{escape(i.service)}</b>", escape(engine_words(i.reason))] for i in skipped]
        )

    def _attempts(self, attempts: Iterable[Attempt]) -> str:
        rows = [
            [f"{place}.", f"<b>{escape(item.service)}</b>", "<br>".join(escape(part) for part in _told(item))]
            for place, item in enumerate(attempts, start=1)
        ]
        return self._section(tr("Attempts"), rows)

    def _section(self, title: str, rows: Sequence[Sequence[str]]) -> str:
        if not rows:
            return ""
        cells = "".join("<tr>" + "".join(f"<td>{cell}&nbsp;&nbsp;</td>" for cell in row) + "</tr>" for row in rows)
        head = f'<p style="margin-top:14px; margin-bottom:4px"><b>{escape(title)}</b></p>'
        return f'{head}<table cellspacing="0" cellpadding="2">{cells}</table>'

    def _line(self, text: str) -> str:
        return f"<p>{escape(text)}</p>" if text else ""

    def _soft(self, text: str) -> str:
        return f'<span style="color:{self._theme.hex("soft")}">{escape(text)}</span>'

    def _sign(self, state: str) -> str:
        known = self._theme.state(state)
        return f'<span style="color:{self._theme.hex(known.colour)}">{known.sign}</span>'


def _of_file(item: FileReceipt) -> str:
    parts = (engine_words(item.status.value), item.service or "", engine_words(item.reason))
    return " · ".join(part for part in parts if part)


def facts(record: TaskRecord) -> list[tuple[str, str]]:
    """What is known of a task besides its route and its answer, each with its name."""
    tokens = record.tokens
    guess = tr(" (estimated)") if tokens and tokens.estimated else ""
    found = {
        tr("type"): type_words(record.task_type),
        tr("model"): record.model or "",
        tr("files"): ", ".join(map(as_text, record.files)),
        tr("asked"): f"{moment(record.created_at)} · {source_words(record.source)}",
        tr("took"): span(record.duration) if record.duration is not None else "",
        tr("tokens"): _amount(tokens, tr("%1 in, %2 out")) + guess if tokens else "",
        tr("cost"): money(record.cost) if record.cost is not None else "",
        tr("sent"): left_machine(record.left_machine) if record.attempts else "",
        tr("replays"): record.replay_of or "",
        tr("id"): record.id,
    }
    return [(name, value) for name, value in found.items() if value]


def _amount(tokens: Tokens, words: str) -> str:
    return words.replace("%1", f"{tokens.input:,}").replace("%2", f"{tokens.output:,}")


def left_machine(left: bool | None) -> str:  # noqa: FBT001 - a value of the record, not a switch
    """Whether anything of a task left this computer."""
    return {True: tr("it left this computer"), False: tr("nothing left this computer")}.get(left, "")  # type: ignore[arg-type]  # None has no words


def _told(attempt: Attempt) -> list[str]:
    """What there is to tell of one attempt."""
    tokens, first, end = attempt.tokens, attempt.first_chunk_at, attempt.ended_at
    times = [
        engine_words(attempt.status.value),
        tr("first text after %1").replace("%1", span(first - attempt.started_at)) if first is not None else "",
        tr("ended after %1").replace("%1", span(end - attempt.started_at)) if end is not None else "",
        attempt.model or "",
    ]
    amounts = [
        _amount(tokens, tr("%1 tokens in, %2 out")) if tokens else "",
        tr("cost %1").replace("%1", money(attempt.cost)) if attempt.cost is not None else "",
        left_machine(attempt.left_machine),
    ]
    lines = (
        " · ".join(part for part in times if part),
        " · ".join(part for part in amounts if part),
        engine_words(attempt.error or ""),
    )
    return [line for line in lines if line]
