"""Collects every text of the app's window into `resources/translations/oxide_LANGUAGE.ts`, and compiles it.

`make translations LANGUAGE=de` runs it. What has been translated in the file stays; what is new comes to it empty; what
is gone leaves. Qt's own collector (lupdate) takes a plain `tr()` for a method of the class around it, and knows nothing
of the engine's sentences: those that are constant are collected here as well, in the context "Engine".
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "oxide_desktop"
FOLDER = ROOT / "resources" / "translations"
PLAIN = {"tr": "Sentences", "_": "Settings", "words": "Engine", "engine_words": "Engine"}
WITH_CONTEXT = ("translate", "QT_TRANSLATE_NOOP")
Text = tuple[str, str]


def main(arguments: list[str]) -> int:
    """Write the file of a language and compile it."""
    if len(arguments) != 1 or not arguments[0].isidentifier():
        print("usage: python installers/translations.py LANGUAGE  (de, pt_BR, …)", file=sys.stderr)
        return 2
    file = FOLDER / f"oxide_{arguments[0]}.ts"
    missing = write(file, arguments[0])
    subprocess.run([Path(sys.executable).with_name("pyside6-lrelease"), "-silent", file], check=True)
    print(f"{file.relative_to(ROOT)}: {missing} texts are still to be translated.")
    return 0


def write(file: Path, language: str) -> int:
    """Bring a file up to date; answers how many texts in it have no translation."""
    known = read(file)
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    contexts: dict[str, ET.Element] = {}
    missing = 0
    for context, source in sorted(collect()):
        if context not in contexts:
            contexts[context] = ET.SubElement(root, "context")
            ET.SubElement(contexts[context], "name").text = context
        message = known.get((context, source), empty(source))
        missing += any(item.get("type") == "unfinished" for item in message.iter("translation"))
        contexts[context].append(message)
    ET.indent(root)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = ET.tostring(root, encoding="unicode")
    file.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{text}\n', encoding="utf-8")
    return missing


def read(file: Path) -> dict[Text, ET.Element]:
    """What a file has already."""
    if not file.exists():
        return {}
    found = {}
    for context in ET.parse(file).getroot().iter("context"):  # noqa: S314 - a file of this clone
        for message in context.iter("message"):
            found[context.findtext("name", ""), message.findtext("source", "")] = message
    return found


def empty(source: str) -> ET.Element:
    """A text that is to be translated; one with a count in it in each of the language's numbers."""
    message = ET.Element("message", {"numerus": "yes"} if "%n" in source else {})
    ET.SubElement(message, "source").text = source
    translation = ET.SubElement(message, "translation", type="unfinished")
    if "%n" in source:
        ET.SubElement(translation, "numerusform")
    return message


def collect() -> set[Text]:
    """Every text with its context."""
    states = json.loads((ROOT / "resources" / "tokens.json").read_text("utf-8"))["states"]
    texts = {("States", state["word"]) for state in states.values()}
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        if "fronts" not in file.parts:
            texts |= {("Engine", text) for text in of_engine(tree)}
        if "desktop" in file.parts or file.name == "telling.py":
            texts |= set(of_calls(tree, ""))
    return texts | {("Engine", text) for text in of_tables()}


def of_calls(node: ast.AST, inside: str) -> Iterator[Text]:
    """What is handed to a translating function, in the context of the class around it where it is a method."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            context, place = _context(child, inside)
            if context and len(child.args) > place:
                yield from ((context, text) for text in _constants(child.args[place]))
        yield from of_calls(child, child.name if isinstance(child, ast.ClassDef) else inside)


def _context(call: ast.Call, inside: str) -> tuple[str, int]:
    """The context of what a call translates, empty if it does not, and which argument that is."""
    match call.func:
        case ast.Name(name) | ast.Attribute(ast.Name("sentences"), name) if name in PLAIN:
            return PLAIN[name], 0
        case ast.Attribute(_, "tr"):
            return inside, 0
        case ast.Name(name) | ast.Attribute(_, name) if name in WITH_CONTEXT and call.args:
            return next(iter(_constants(call.args[0])), ""), 1
    return "", 0


def of_engine(tree: ast.AST) -> Iterator[str]:
    """Constant texts of errors and of reasons to pass a service over."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name.endswith("Error") or name == "Skipped":
                for argument in node.args:
                    yield from _constants(argument)


def of_tables() -> Iterator[str]:
    """Words that stand in the engine's tables."""
    sys.path.insert(0, str(ROOT))
    from oxide_desktop.core.health import Tier  # noqa: PLC0415 - after the path is set
    from oxide_desktop.core.model import TaskType  # noqa: PLC0415 - likewise
    from oxide_desktop.core.record import AttemptStatus, TaskStatus  # noqa: PLC0415 - likewise

    for kind in TaskType:
        yield from (kind.value.replace("_", " "), kind.label, kind.description)
    for tier in Tier:
        yield from (tier.reached, tier.lacking)
    yield from (status.value for statuses in (TaskStatus, AttemptStatus) for status in statuses)


def _constants(node: ast.expr) -> Iterator[str]:
    """A text, or both of a choice between two."""
    match node:
        case ast.Constant(str() as text) if any(letter.isalpha() for letter in text):
            yield text
        case ast.IfExp(_, one, other):
            yield from _constants(one)
            yield from _constants(other)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
