"""Changes one value of a YAML file and leaves every comment and every other character as a person wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import yaml

_STEP = 2
_WIDEST = 1_000_000  # one line a value, however long

Value = str | int | float | bool | None | Sequence[str]


class UnclearError(Exception):
    """The file is written in a way that a program would do harm to: anchors, comments in lists, blocks of text."""


def put(text: str, path: Sequence[str], value: Value) -> str:
    """The text with `value` at `path`; what is missing on the way is made. `None` is written as `null`.

    Raises:
        UnclearError: Better a person does that.
    """
    import yaml  # noqa: PLC0415 - takes 50 ms

    value = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
    try:
        before = yaml.safe_load(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UnclearError(str(error)) from error
    expected = _with(before if before is not None else {}, path, value)
    changed = _Splice(text).put(root, path, value)
    try:
        proven = yaml.safe_load(changed)
    except yaml.YAMLError as error:
        raise UnclearError(str(error)) from error
    if proven != expected:  # an alias, or something else that stands in two places
        raise UnclearError("the value stands in more than one place")
    return changed


def _with(tree: Any, path: Sequence[str], value: Value) -> Any:  # noqa: ANN401 - whatever stands in the file
    if not isinstance(tree, dict):
        raise UnclearError("there is something else where keys with values should be")
    key, *rest = path
    inner = tree.get(key)
    return {**tree, key: _with(inner if inner is not None else {}, rest, value) if rest else value}


class _Splice:
    """One change of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line_end = "\r\n" if "\r\n" in text else "\n"

    def put(self, root: yaml.Node | None, path: Sequence[str], value: Value) -> str:
        """The changed text, not proven yet."""
        if root is None:
            return self._after(len(self._text), self._lines(path, value, 0))
        node: Any = root
        column = colon = 0
        for depth, key in enumerate(path):
            if node.id != "mapping":
                return self._fill(node, path[depth:], value, column)
            entry = next((item for item in reversed(node.value) if item[0].value == key), None)
            if entry is None:
                return self._insert(node, path[depth:], value)
            column = entry[0].start_mark.column
            colon = self._text.index(":", entry[0].end_mark.index) + 1
            node = entry[1]
        return self._replace(node, value, colon)

    def _replace(self, node: Any, value: Value, colon: int) -> str:  # noqa: ANN401 - the stubs do not tell nodes apart
        start, end = node.start_mark.index, self._end_of(node)
        if getattr(node, "style", None) in ("|", ">") or node.id == "mapping" or start < colon:
            raise UnclearError("the value is no plain one")
        if start == end:
            return self._text[:colon] + " " + _flow(value) + self._text[colon:]
        if node.id == "sequence" and "#" in self._text[start : end if node.flow_style else self._line_ends(end)]:
            raise UnclearError("there are comments in the list")
        if node.id == "sequence" and not node.flow_style and isinstance(value, list):
            if not value:
                return self._text[:colon] + " []" + self._text[end:]
            gap = self._line_end + " " * node.start_mark.column
            items = gap.join(f"- {_flow(item)}" for item in value)
            return f"{self._text[:start]}{items}{self._text[end:]}"
        return f"{self._text[:start]}{_flow(value)}{self._text[end:]}"

    def _fill(self, node: Any, path: Sequence[str], value: Value, column: int) -> str:  # noqa: ANN401 - as above
        """Keys below one that has no value yet, such as a lone `services:`."""
        if node.id != "scalar" or node.start_mark.index != node.end_mark.index:
            raise UnclearError("there is something else where keys with values should be")
        line = self._text.rfind(self._line_end, 0, node.start_mark.index) + len(self._line_end)
        return self._after(self._line_ends(max(line, node.start_mark.index)), self._lines(path, value, column + _STEP))

    def _insert(self, node: Any, path: Sequence[str], value: Value) -> str:  # noqa: ANN401 - as above
        """A key more at the end of a section."""
        if node.flow_style:
            close = node.end_mark.index - 1
            comma = ", " if node.value else ""
            nested = value
            for key in reversed(path[1:]):
                nested = {key: nested}  # type: ignore[assignment]  # written as it is
            return f"{self._text[:close].rstrip()}{comma}{_flow(path[0])}: {_flow(nested)}{self._text[close:]}"
        column = node.value[0][0].start_mark.column
        return self._after(self._line_ends(self._end_of(node)), self._lines(path, value, column))

    def _end_of(self, node: Any) -> int:  # noqa: ANN401 - as above
        """Where the last character of a value stands; YAML itself counts blank lines and comments behind it."""
        children = node.value if node.id != "scalar" and not node.flow_style else ()
        if not children:
            end: int = node.end_mark.index
            return len(self._text[:end].rstrip()) if getattr(node, "style", None) in ("|", ">") else end
        last = children[-1]
        return self._end_of(last[1] if isinstance(last, tuple) else last)

    def _line_ends(self, place: int) -> int:
        found = self._text.find(self._line_end, place)
        return len(self._text) if found < 0 else found

    def _after(self, place: int, lines: Sequence[str]) -> str:
        before, behind = self._text[:place], self._text[place:]
        gap = self._line_end if before and not before.endswith(self._line_end) else ""
        tail = behind if behind.strip() or behind else self._line_end
        return before + gap + self._line_end.join(lines) + tail

    @staticmethod
    def _lines(path: Sequence[str], value: Value, column: int) -> list[str]:
        *sections, key = path
        lines = [" " * (column + _STEP * depth) + f"{_flow(name)}:" for depth, name in enumerate(sections)]
        return [*lines, " " * (column + _STEP * len(sections)) + f"{_flow(key)}: {_flow(value)}"]


def _flow(value: object) -> str:
    """A value on one line."""
    import yaml  # noqa: PLC0415 - see above

    written: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=_WIDEST, sort_keys=False)
    return written.removesuffix("\n").removesuffix("\n...").strip()
