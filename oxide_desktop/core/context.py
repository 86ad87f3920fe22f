"""Files into context: what a request names is found and read, once for a task. `fitting` makes prompts of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from oxide_desktop.core.errors import UsageError
from oxide_desktop.core.ignored import GitIgnored
from oxide_desktop.core.model import Request
from oxide_desktop.core.privacy import (
    check_prompt,
    credential_glob,
    expand_home,
    hold_reason,
    scan_of,
)
from oxide_desktop.core.project import ProjectLanes
from oxide_desktop.core.reading import MOST_BYTES, ReadText, UnreadableError, read_text
from oxide_desktop.core.receipts import CREDENTIALS, OUTSIDE, SAME_FILE, FileReceipt, ReadStatus, listed, skip_notes
from oxide_desktop.core.search import FileSearch, explain
from oxide_desktop.core.secret_scan import Finding
from oxide_desktop.core.settings import PrivacySettings
from oxide_desktop.core.tokens import estimate_tokens

MOST_TOTAL_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextFile:
    """One file that was read.

    Attributes:
        path: As it is shown: relative to the caller's directory where it is below it, with forward slashes.
        named: Absolute, as it was reached.
        real: Absolute, with links resolved.
        size: Bytes read.
        clipped: Whether it is longer than what may be read of one file.
        findings: What looks like a secret in it, `None` if it was not scanned.
        project_hold: Why a project that it is in keeps it from cloud services.
    """

    path: str
    named: Path
    real: Path
    text: str
    size: int
    tokens: int
    clipped: bool = False
    findings: tuple[Finding, ...] | None = None
    project_hold: str | None = None

    def hold_reason(self, privacy: PrivacySettings) -> str | None:
        """Why it may not go to a cloud service, `None` if it may."""
        findings = scan_of(self.text, privacy) if self.findings is None else self.findings
        return hold_reason((self.named, self.real), findings, privacy) or self.project_hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A request with its files read. `notes` are sentences for the person.

    Attributes:
        prompt_findings: What looks like a secret in the prompt; the router passes over cloud services for it.
        skipped: A receipt for everything asked for that was not read.
        tokens: Estimate for the prompt and all files.
        piped: How many characters at the end of the prompt were piped in: like a file's, they may be cut.
    """

    prompt: str
    files: tuple[ContextFile, ...] = ()
    skipped: tuple[FileReceipt, ...] = ()
    notes: tuple[str, ...] = ()
    prompt_findings: tuple[Finding, ...] = ()
    tokens: int = 0
    piped: int = 0

    @property
    def typed(self) -> str:
        """The prompt without what was piped in."""
        return self.prompt[: len(self.prompt) - self.piped]

    @property
    def piped_text(self) -> str:
        """What was piped in."""
        return self.prompt[len(self.typed) :]

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """Path and size in bytes of each file."""
        return tuple((file.path, file.size) for file in self.files)

    def held(self, privacy: PrivacySettings) -> tuple[FileReceipt, ...]:
        """The files that a cloud service would not be given, and why."""
        reasons = ((file.path, file.hold_reason(privacy)) for file in self.files)
        return tuple(FileReceipt(path, ReadStatus.SKIPPED, reason) for path, reason in reasons if reason)


def gather(request: Request, privacy: PrivacySettings, lanes: ProjectLanes) -> Context:
    """Read what a request names. Blocks; bounded in files, in bytes of each and in bytes of all.

    Raises:
        ConfigError: The settings of a project that a file is in cannot be used.
        UsageError: Files were asked for and not one of them could be read.
    """
    reader = _Reader(request, privacy, lanes)
    for given in request.files:
        reader.search.add(given)
    reader.take_all()
    skipped = reader.receipts()
    if request.files and not reader.files:
        raise UsageError("None of the files could be read", listed(skipped), _what_paths_mean(request))
    return Context(
        prompt=request.prompt,
        files=tuple(reader.files),
        skipped=skipped,
        notes=(*reader.notes, *reader.search.notes, *skip_notes(skipped)),
        prompt_findings=check_prompt(request.prompt, privacy),
        tokens=estimate_tokens(request.prompt) + sum(file.tokens for file in reader.files),
        piped=request.piped,
    )


def _what_paths_mean(request: Request) -> str:
    """Said where it may be the reason that nothing was found."""
    relative = any(not Path(expand_home(path)).is_absolute() for path in request.files)
    return f"Relative paths mean {request.cwd}." if relative else "Look at the paths again."


@dataclass(slots=True)
class _Reader:
    """What has been read so far for one request."""

    request: Request
    privacy: PrivacySettings
    lanes: ProjectLanes
    search: FileSearch = field(init=False)
    files: list[ContextFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _skipped: list[tuple[str, str]] = field(default_factory=list)
    _roots: tuple[tuple[Path, ...], ...] = field(init=False)
    _room: int = MOST_TOTAL_BYTES

    def __post_init__(self) -> None:
        """The caller's roots and those of the settings bind both."""
        given = (self.request.roots, self.privacy.allowed_roots)
        self._roots = tuple(tuple(_real(str(root)) for root in roots) for roots in given if roots is not None)
        ignored = GitIgnored() if self.request.analysis else None
        self.search = FileSearch(self.request.cwd, self.allowed, ignored)

    def allowed(self, path: str) -> bool:
        """Whether a file may be read or a folder looked into; links do not lead out."""
        try:
            real = _real(path)
        except OSError:  # nobody knows where it leads
            return not self._roots
        return all(any(real.is_relative_to(root) for root in roots) for roots in self._roots)

    def take_all(self) -> None:
        """Read what was found, each file once: under the name that was asked for, else under its own."""
        first: dict[Path, tuple[bool, bool, str]] = {}
        found: list[tuple[str, Path]] = []
        for path, named in self.search.found.items():
            try:
                real = _real(path)
            except OSError as error:
                self._skipped.append((path, explain(error)))
                continue
            found.append((path, real))
            rank = (not named, os.path.islink(path), path)  # noqa: PTH114 - never raises
            first[real] = min(first.get(real, rank), rank, key=lambda item: item[:2])
        for path, real in found:
            unnamed, _, chosen = first[real]
            if path == chosen:
                self._take(path, real, named=not unnamed)
            else:
                self._skipped.append((path, SAME_FILE))

    def _take(self, path: str, real: Path, *, named: bool) -> None:
        """Read one file, or note why not."""
        if reason := self._refusal(path, real, named=named):
            self._skipped.append((path, reason))
            return
        try:
            found = read_text(str(real), min(MOST_BYTES, self._room))
        except UnreadableError as error:
            self._skipped.append((path, str(error)))
            return
        self._room -= found.size
        self._keep(path, real, found)

    def _refusal(self, path: str, real: Path, *, named: bool) -> str | None:
        if not self.allowed(path):
            return OUTSIDE
        if not named and (glob := credential_glob((Path(path).as_posix(), real.as_posix()))):
            return f"{CREDENTIALS} ({glob}), read only if it is named itself"
        return None if self._room > 0 else f"more than {MOST_TOTAL_BYTES // 1024**2} MB in all"

    def _keep(self, path: str, real: Path, found: ReadText) -> None:
        shown = self._shown(path)
        if found.encoding:
            self.notes.append(f"{shown} is not UTF-8, read as {found.encoding}.")
        if found.clipped:
            self.notes.append(f"{shown} is too long, only its first {found.size:,} bytes were read.")
        self.files.append(
            ContextFile(
                path=shown,
                named=Path(path),
                real=real,
                text=found.text,
                size=found.size,
                tokens=estimate_tokens(found.text),
                clipped=found.clipped,
                findings=scan_of(found.text, self.privacy) if self.privacy.scan_secrets else None,
                project_hold=self.lanes.hold_reason(Path(os.path.normpath(path)), real),
            )
        )

    def receipts(self) -> tuple[FileReceipt, ...]:
        """Everything that was not read."""
        reasons = dict.fromkeys((self._shown(path), reason) for path, reason in (*self.search.missing, *self._skipped))
        return tuple(FileReceipt(path, ReadStatus.SKIPPED, reason) for path, reason in reasons)

    def _shown(self, path: str) -> str:
        """A path for people and models: short, and with nothing in it that could pass for something else."""
        cwd = self.request.cwd
        plain = Path(os.path.normpath(path))
        text = (plain.relative_to(cwd) if plain.is_relative_to(cwd) else Path(path)).as_posix()
        return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _real(path: str) -> Path:
    """Where it really is.

    Raises:
        OSError: A link on the way may not be read.
    """
    return Path(os.path.realpath(expand_home(path)))
