"""What a prompt mentions by name: files, folders, addresses, and names out of code."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RUN = re.compile(  # of what names consist of; plain words are passed over
    r"(?<![A-Za-z0-9_.*@~/-])(?![a-z0-9-]+(?![A-Za-z0-9_.*@~/-]))[A-Za-z0-9_.*@~/-]{2,200}"
)
_PATH_MARKS = frozenset("./@*")
_EXTENSIONS = frozenset((
    "py", "js", "jsx", "ts", "tsx", "mjs", "go", "rs", "java", "c", "cc", "cpp", "h", "hpp", "cs", "rb", "php",
    "md", "rst", "swift", "kt", "sql", "css", "scss", "html", "htm", "json", "yaml", "yml", "toml", "ini",
    "cfg", "env", "lock", "sh", "bash", "ps1", "vue", "svelte", "log", "txt", "csv", "xml", "tf", "lua", "ex",
    "exs", "scala", "dart", "m", "gradle", "ipynb", "proto",
))  # fmt: skip
_DOCUMENTS = (".md", ".rst", ".log")
_ROOTS = frozenset((
    "src", "lib", "libs", "app", "apps", "pkg", "cmd", "internal", "tests", "test", "docs", "packages",
    "services", "server", "client", "core",
))  # fmt: skip
_CAMEL = re.compile(r"[a-z][A-Z]")
_LEAST_SLASHES = 2


@dataclass(frozen=True, slots=True)
class Mentions:
    """What was found, and the text without it.

    Attributes:
        plain: The text without paths of sources, whose names mostly mislead; names of documents stay.
        paths: Files and folders.
        folders: Those that are folders, or everything.
        names: Names out of code.
        url: Whether there is a web address.
    """

    plain: str
    paths: frozenset[str]
    folders: int
    names: int
    url: bool


def mentions(text: str) -> Mentions:
    """Find them."""
    paths: set[str] = set()
    names: set[str] = set()
    kept: list[str] = []
    end = 0
    for match in _RUN.finditer(text):
        run = match[0]
        if _PATH_MARKS.isdisjoint(run):
            if _is_of_code(run):
                names.add(run)
        elif _is_path(run.rstrip(".-")):
            paths.add(run.rstrip(".-") or run)
            if not run.rstrip(".").lower().endswith(_DOCUMENTS):
                kept += (text[end : match.start()], " ")
                end = match.end()
        elif "." in run and _is_of_code(run.rstrip(".")):
            names.add(run)
    plain = "".join((*kept, text[end:]))
    folders = sum(map(_is_folder, paths))
    return Mentions(
        plain, frozenset(paths), folders, len(names) + text.count("()") + text.count("`") // 2, "://" in text
    )


def _is_path(run: str) -> bool:
    if run.startswith(("@", "./", "../", "~/", "*.")):
        return len(run) > 1
    if "/" in run:
        first, _, rest = run.partition("/")
        return run.count("/") >= _LEAST_SLASHES or not rest or first in _ROOTS or not run.replace("/", "").isalnum()
    stem, dot, extension = run.rpartition(".")
    return bool(dot and stem.strip(".")) and extension.lower() in _EXTENSIONS


def _is_folder(path: str) -> bool:
    last = path.rstrip("/").rpartition("/")[2].lstrip("@")
    return path.endswith("/") or "**/" in path or "." not in last.lstrip(".") or last == "."


def _is_of_code(run: str) -> bool:
    """`snake_case`, `camelCase` or `dotted.name`."""
    if "_" in run.strip("_-"):
        return True
    return not run.islower() and bool(_CAMEL.search(run))
