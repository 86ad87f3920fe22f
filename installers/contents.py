"""Whether a bundle holds everything that the program may import, now or only when it is first needed.

PyInstaller follows imports that stand in the code, and warns of none that it has not found. So what Oxide's own files
import is looked up in what was frozen: each of its modules, and each package of others.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

# Extras that the bundle does not bring (a browser is opened instead), and what runs beside Oxide, not in it.
LEFT_OUT = ("PySide6.QtWebEngine", "PySide6.QtWebChannel", "PySide6.QtTest")


def not_frozen(package: Path, archive: Path, viewer: Path, files: Iterable[Path]) -> list[str]:
    """Modules that the files of `package` import, its own included, that are neither in the archive nor beside it."""
    command = [str(viewer), "--list", "--recursive", "--brief", str(archive)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    there = {line.strip().strip("',[]\"") for line in said.splitlines()}
    beside = {path.name.partition(".")[0] for path in files}
    wanted = {*_modules_of(package), *_imported_by(package)}
    return sorted(name for name in wanted if name not in there and not _is_beside(name, beside) and _counts(name))


def _modules_of(package: Path) -> Iterator[str]:
    for file in package.rglob("*.py"):
        parts = file.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported_by(package: Path) -> Iterator[str]:
    """Packages of others, and Qt's modules one by one."""
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            yield from (name if name.startswith("PySide6.") else name.partition(".")[0] for name in names)


def _is_beside(name: str, beside: set[str]) -> bool:
    """Whether it is a compiled module, which stands as a file of its own."""
    return name.rpartition(".")[2] in beside


def _counts(name: str) -> bool:
    top = name.partition(".")[0]
    foreign = sys.platform != "win32" and top.startswith(("win32", "pywin"))
    return top not in sys.stdlib_module_names and not foreign and not name.startswith(LEFT_OUT)
