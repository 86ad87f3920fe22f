"""A context as the prompt for one service: the privacy lanes hold files back, the window cuts them.

This runs for each attempt, and every file ends in a receipt. `ServiceError` of kind `HELD` is raised where a lane lets
nothing through to this service, and of kind `CONTEXT` where the prompt does not fit; another candidate may take the
task then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from oxide_desktop.core.context import Context, ContextFile
from oxide_desktop.core.cutting import cut_to, fair_shares, fenced, is_log, joined
from oxide_desktop.core.errors import FailureKind, ServiceError
from oxide_desktop.core.model import Locality
from oxide_desktop.core.privacy import (
    WAY_OUT,
    check_prompt,
    prompt_reason,
)
from oxide_desktop.core.receipts import FileReceipt, ReadStatus, listed, skip_notes
from oxide_desktop.core.settings import PrivacySettings
from oxide_desktop.core.tokens import ANSWER_TOKENS, answer_room, estimate_tokens

_TO_FIT = "to fit this service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The prompt for one service.

    Attributes:
        notes: What this service is not given, as sentences; those of the context are not repeated.
        tokens: Estimate for `prompt`.
        receipt: One entry for every file that was asked for, in the order of the context.
        files: Where the files of the prompt are, for a service that opens them itself. A cloud service is not told of
            those that were too long to be read, and so to be scanned, to their end.
    """

    prompt: str
    notes: tuple[str, ...] = ()
    tokens: int = 0
    receipt: tuple[FileReceipt, ...] = ()
    files: tuple[Path, ...] = ()


def fit(
    context: Context,
    *,
    window_tokens: int | None,
    locality: Locality,
    privacy: PrivacySettings,
    answer_tokens: int = ANSWER_TOKENS,
) -> Fitted:
    """The prompt for one service: what may not go there held back, what is too long cut at the end of a line.

    Raises:
        ServiceError: `HELD`: this service may not have the prompt or any of its files; `CONTEXT`: it is too small.
    """
    held: dict[str, FileReceipt] = {}
    if locality is Locality.CLOUD:
        held = {receipt.path: receipt for receipt in context.held(privacy)}
        _check_lanes(context, [*held.values()], privacy)
    files = [file for file in context.files if file.path not in held]
    room = _room_beside(context.typed, window_tokens, answer_tokens)
    asked, kept = _cut_piped(context, files, room)
    pieces, receipts = _cut(files, _room_beside(asked, window_tokens, answer_tokens))
    if files and not pieces:
        raise _too_small("It leaves no room for its files.")
    prompt = joined(asked, pieces)
    receipts |= held
    return Fitted(
        prompt=prompt,
        notes=(*kept, *_fit_notes(context, receipts)),
        tokens=estimate_tokens(prompt),
        receipt=(*(receipts[file.path] for file in context.files), *context.skipped),
        files=tuple(
            file.real
            for file in files
            if receipts[file.path].status is not ReadStatus.SKIPPED
            and not (file.clipped and locality is Locality.CLOUD)
        ),
    )


def _check_lanes(context: Context, held: Sequence[FileReceipt], privacy: PrivacySettings) -> None:
    findings = context.prompt_findings or check_prompt(context.prompt, privacy)
    if findings and privacy.scan_secrets:
        message = f"{prompt_reason(findings)}.".replace("the", "The", 1)
    elif context.files and len(held) == len(context.files):
        message = listed(held)
    else:
        return
    raise ServiceError(FailureKind.HELD, "Held back from a cloud service", message, WAY_OUT)


def _cut_piped(context: Context, files: Sequence[ContextFile], room: int | None) -> tuple[str, tuple[str, ...]]:
    """The prompt with what was piped in cut to its fair share of the room beside the files, and a note if it was."""
    if not context.piped or room is None:
        return context.prompt, ()
    piped = context.piped_text
    needs = [estimate_tokens(piped), *(estimate_tokens(fenced(file.path, file.text)) for file in files)]
    share = fair_shares(needs, room)[0]
    if share >= needs[0]:
        return context.prompt, ()
    if not share:
        raise _too_small("It leaves no room for what was piped in.")
    cut = cut_to(piped, share, ends=is_log("", piped))
    return context.typed + cut.text, (f"Standard input was cut to {cut.kept} {_TO_FIT}.",)


def _room_beside(prompt: str, window_tokens: int | None, answer_tokens: int) -> int | None:
    if window_tokens is None:
        return None
    needed = estimate_tokens(prompt)
    room = window_tokens - answer_room(window_tokens, answer_tokens) - needed
    if room < 0:
        raise _too_small(
            f"It needs about {needed:,} tokens and room for an answer, the service holds {window_tokens:,}."
        )
    return room


def _too_small(message: str) -> ServiceError:
    return ServiceError(
        FailureKind.CONTEXT,
        "The prompt does not fit",
        message,
        "Shorten it, or choose a service with a larger context.",
    )


def _cut(files: Sequence[ContextFile], room: int | None) -> tuple[list[str], dict[str, FileReceipt]]:
    """The files as the model sees them, each cut to its fair share of the room."""
    whole = [fenced(file.path, file.text) for file in files]
    needs = [estimate_tokens(piece) for piece in whole]
    shares = needs if room is None else fair_shares(needs, room)
    pieces, receipts = [], {}
    for file, piece, need, share in zip(files, whole, needs, shares, strict=True):
        shown, receipt = (piece, _whole(file)) if share >= need else _cut_one(file, share)
        receipts[file.path] = receipt
        pieces += [shown] if shown else []
    return pieces, receipts


def _whole(file: ContextFile) -> FileReceipt:
    if file.clipped:
        return FileReceipt(file.path, ReadStatus.TRUNCATED, f"cut to its first {file.size:,} bytes")
    return FileReceipt(file.path, ReadStatus.READ)


def _cut_one(file: ContextFile, share: int) -> tuple[str, FileReceipt]:
    around = estimate_tokens(fenced(file.path, ""))
    # Of a log the end is what matters most; that of a clipped one was not read.
    ends = not file.clipped and is_log(file.path, file.text)
    cut = cut_to(file.text, share - around, ends=ends, more=file.clipped)
    piece = fenced(file.path, cut.text)
    if estimate_tokens(piece) > share:
        return "", FileReceipt(file.path, ReadStatus.SKIPPED, "no room was left for it")
    return piece, FileReceipt(file.path, ReadStatus.TRUNCATED, f"cut to {cut.kept} {_TO_FIT}")


def _fit_notes(context: Context, receipts: Mapping[str, FileReceipt]) -> tuple[str, ...]:
    changed = [receipts[file.path] for file in context.files if receipts[file.path].reason.endswith(_TO_FIT)]
    skipped = [item for item in receipts.values() if item.status is ReadStatus.SKIPPED]
    return (*(f"{item.path} was {item.reason}." for item in changed), *skip_notes(skipped))
