"""A file of settings as a tree in which every value knows its line. What it may hold is `schema`'s business."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxide_desktop.core.errors import ConfigProblem

if TYPE_CHECKING:
    import yaml

WHOLE_FILE = "(file)"
LONGEST_BYTES = 1_000_000
MOST_VALUES = 20_000
DEEPEST = 32
"""The parser's C code overflows the stack on deeply nested text, so what is deeper never gets there."""

_TAG = "tag:yaml.org,2002:"
_CONVERTED = ("null", "bool", "int", "float")
_TEXT = ("str", "timestamp", "value")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands."""

    file: str
    line: int | None = None

    def problem(self, key: str, message: str, allowed: str = "") -> ConfigProblem:
        """A refusal of what stands here. `message` becomes a sentence."""
        end = "" if message.endswith((".", "?")) else "."
        return ConfigProblem(self.file, self.line, key, message + end, allowed)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: text, number, truth or nothing."""

    place: Place
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Listing:
    """Values in order."""

    place: Place
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Values by key."""

    place: Place
    entries: dict[str, Tree]


Tree = Scalar | Listing | Section


def entries_of(tree: Tree | None) -> dict[str, Tree]:
    """The entries of a section; none, if it is something else."""
    return tree.entries if isinstance(tree, Section) else {}


class UnreadableError(Exception):
    """The file is no tree; `problem` says where and why."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def read_document(path: Path, problems: list[ConfigProblem]) -> Section:
    """The tree of a file; what is wrong with it is added to `problems`."""
    try:
        text = _read_text(path)
    except UnreadableError as error:
        problems.append(error.problem)
        return Section(Place(str(path)), {})
    return parse_document(text, path, problems)


def parse_document(text: str, path: Path, problems: list[ConfigProblem]) -> Section:
    """The tree of a file's text; what is wrong with it is added to `problems`."""
    start = Place(str(path))
    try:
        root = _compose(text, start)
        tree = _Builder(str(path), problems).tree(root, "") if root else Section(start, {})
    except UnreadableError as error:
        problems.append(error.problem)
        return Section(start, {})
    if isinstance(tree, Section):
        return tree
    if not (isinstance(tree, Scalar) and tree.value is None):
        problems.append(tree.place.problem(WHOLE_FILE, "the file must hold keys with values, such as `services:`"))
    return Section(start, {})


def _read_text(path: Path) -> str:
    if _is_something_else(path):
        raise UnreadableError(Place(str(path)).problem(WHOLE_FILE, "the file cannot be read: it is not a file"))
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_BYTES + 1)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror or error}"
        raise UnreadableError(Place(str(path)).problem(WHOLE_FILE, message)) from error
    if len(data) > LONGEST_BYTES:
        message = f"the file is longer than {LONGEST_BYTES:,} bytes; it cannot be one of settings"
        raise UnreadableError(Place(str(path)).problem(WHOLE_FILE, message))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(str(path), data.count(b"\n", 0, error.start) + 1)
        raise UnreadableError(place.problem(WHOLE_FILE, "the file is not UTF-8 text")) from error


def _is_something_else(path: Path) -> bool:
    """Whether it is there and neither file nor folder: opening a pipe would wait for somebody to write to it."""
    try:
        mode = path.stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    except OSError:
        return False  # opening it says why it cannot be read


def _compose(text: str, start: Place) -> yaml.Node | None:
    import yaml  # noqa: PLC0415 - takes 50 ms

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_depth(yaml.parse(text, Loader=loader), start)
        root: yaml.Node | None = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark, begun = error.problem_mark, error.context_mark
        place = Place(start.file, mark.line + 1 if mark else None)
        where = f" ({error.context} that begins in line {begun.line + 1})" if begun else ""
        tab = ": lines are indented with spaces in YAML, not with tabs" if _has_tab(text, place) else ""
        raise UnreadableError(place.problem(WHOLE_FILE, f"this is not YAML: {error.problem}{where}{tab}")) from error
    except yaml.reader.ReaderError as error:
        place = Place(start.file, text.encode().count(b"\n", 0, error.position) + 1)
        raise UnreadableError(place.problem(WHOLE_FILE, f"this is not YAML: {error.reason}")) from error
    return root


def _has_tab(text: str, place: Place) -> bool:
    """Whether a tab stands at the start of that line or of the one before."""
    lines = text.splitlines()[max((place.line or 1) - 2, 0) : place.line]
    return any("\t" in line[: len(line) - len(line.lstrip())] for line in lines)


def _refuse_depth(events: Iterator[yaml.Event], start: Place) -> None:
    import yaml  # noqa: PLC0415 - see above

    depth = 0
    with contextlib.closing(events):  # type: ignore[type-var]  # it is a generator, which the stubs do not tell
        for event in events:
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > DEEPEST:
                place = Place(start.file, event.start_mark.line + 1 if event.start_mark else None)
                raise UnreadableError(place.problem(WHOLE_FILE, f"values are nested more than {DEEPEST} deep"))


class _Builder:
    """Turns YAML's nodes into trees. Aliases are followed, within bounds."""

    def __init__(self, file: str, problems: list[ConfigProblem]) -> None:
        self._file = file
        self._problems = problems
        self._left = MOST_VALUES
        self._depth = 0

    def tree(self, node: Any, key: str, line: int | None = None) -> Tree:  # noqa: ANN401 - the stubs do not tell kinds of nodes apart
        place = Place(self._file, line or node.start_mark.line + 1)
        self._left -= 1
        if self._left < 0 or self._depth > DEEPEST:
            raise UnreadableError(place.problem(key or WHOLE_FILE, "aliases make this endless, or nearly so"))
        self._depth += 1
        try:
            if node.id == "mapping":
                return Section(place, self._entries(node, key))
            if node.id == "sequence":
                return Listing(place, tuple(self.tree(item, f"{key}[{i}]") for i, item in enumerate(node.value)))
            return Scalar(place, self._scalar(node, key, place))
        finally:
            self._depth -= 1

    def _entries(self, node: yaml.Node, key: str) -> dict[str, Tree]:
        entries: dict[str, Tree] = {}
        lent: dict[str, Tree] = {}
        for name_node, value_node in node.value:
            place = Place(self._file, name_node.start_mark.line + 1)
            if name_node.tag == f"{_TAG}merge":
                lent = {**self._lent(value_node, key), **lent}
            elif name_node.id != "scalar":
                self._problems.append(place.problem(key or WHOLE_FILE, "a key must be text"))
            else:
                name = str(name_node.value)
                where = f"{key}.{name}" if key else name
                if name in entries:
                    first = entries[name].place.line
                    message = f"the key stands here a second time, after line {first}"
                    self._problems.append(place.problem(where, message))
                else:
                    entries[name] = self.tree(value_node, where, place.line)
        return {**lent, **entries}

    def _lent(self, node: yaml.Node, key: str) -> dict[str, Tree]:
        """What `<<` brings in from a mapping or a list of them; the first one that has a key wins."""
        tree = self.tree(node, f"{key}.<<" if key else "<<")
        lent: dict[str, Tree] = {}
        for item in tree.items if isinstance(tree, Listing) else (tree,):
            if isinstance(item, Section):
                lent = {**item.entries, **lent}
            else:
                self._problems.append(item.place.problem(f"{key}.<<" if key else "<<", "`<<` takes keys with values"))
        return lent

    def _scalar(self, node: yaml.Node, key: str, place: Place) -> str | int | float | bool | None:
        import yaml  # noqa: PLC0415 - see above

        kind = node.tag.removeprefix(_TAG)
        text = str(node.value)
        if kind in _CONVERTED:
            try:
                value: int | float | bool | None = yaml.SafeLoader("").construct_object(node)
            except (ValueError, KeyError, IndexError):
                self._problems.append(place.problem(key or WHOLE_FILE, f"{text!r} cannot be read as {kind}"))
            else:
                return value
        elif kind not in _TEXT:
            self._problems.append(place.problem(key or WHOLE_FILE, f"the tag {node.tag!r} is not allowed here"))
        return text
