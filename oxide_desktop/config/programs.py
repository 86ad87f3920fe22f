"""Finds other people's programs, also when PATH is the short one that a desktop gives to what it starts."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

WINDOWS_ENDINGS = (".exe", ".cmd", ".bat")
SHEBANG_BYTES = 256
_NODE_SHEBANG = re.compile(rb"#!\s*(?:/usr/bin/env\s+(?:-S\s+)?|\S*/)node\b([^\r\n]*)")
_SHIM_ENTRY = re.compile(r'"%(?:~dp0|dp0%)\\?([^"%]+?\.[cm]?js)"')


def find_executable(name: str, path_hint: str | Path | None = None) -> Path | None:
    """Where a program is: at `path_hint`, on PATH, or in the places its installers use. Absolute, or `None`.

    A name that holds a directory is taken as a path itself. On Windows an npm shim without an ending is never
    answered, for it is a shell script; `launch_command` tells how to start what is.
    """
    for wanted in (path_hint, name):
        if wanted and Path(wanted).name != str(wanted):
            return _program_at(Path(wanted).expanduser())
    wanted = str(path_hint or name)
    for directory in search_path().split(os.pathsep):
        if found := _program_at(Path(directory) / wanted):
            return found
    return None


def _program_at(path: Path) -> Path | None:
    """The program at that path, with one of the endings of programs where the system wants one."""
    candidates = [path]
    if sys.platform == "win32" and path.suffix.lower() not in WINDOWS_ENDINGS:
        candidates = [path.with_name(path.name + ending) for ending in WINDOWS_ENDINGS]
    for candidate in candidates:
        if _is_file(candidate) and os.access(candidate, os.X_OK):
            return candidate.absolute()
    return None


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - never raises, whatever directory may not be looked into


def find_not_executable(name: str) -> Path | None:
    """Where `name` is a file that lacks the right to be run, for a program that is not found otherwise."""
    given = Path(name).expanduser()
    places = [given] if given.name != name else [Path(place) / name for place in search_path().split(os.pathsep)]
    return next((place.absolute() for place in places if _is_file(place)), None)


def search_path(env: Mapping[str, str] | None = None) -> str:
    """PATH with the usual places behind it, each once."""
    own = os.environ if env is None else env
    given = [place for place in own.get("PATH", os.defpath).split(os.pathsep) if place]
    return os.pathsep.join(dict.fromkeys([*given, *(str(place) for place in usual_places(own))]))


def usual_places(env: Mapping[str, str]) -> list[Path]:
    """Directories that exist where installers and version managers put programs."""
    home = Path(env.get("HOME") or env.get("USERPROFILE") or Path.home())
    places = _windows_places(env, home) if sys.platform == "win32" else _posix_places(env, home)
    return [place for place in places if os.path.isdir(place)]  # noqa: PTH112 - never raises


def _posix_places(env: Mapping[str, str], home: Path) -> list[Path]:
    return [
        home / ".local/bin",
        home / "bin",
        Path("/opt/homebrew/bin"),
        Path("/usr/local/bin"),
        Path("/home/linuxbrew/.linuxbrew/bin"),
        home / ".npm-global/bin",
        home / ".npm/bin",
        home / ".yarn/bin",
        home / (".local/share/pnpm" if sys.platform != "darwin" else "Library/pnpm"),
        Path(env.get("VOLTA_HOME") or home / ".volta") / "bin",
        Path(env.get("BUN_INSTALL") or home / ".bun") / "bin",
        Path(env.get("ASDF_DATA_DIR") or home / ".asdf") / "shims",
        Path(env.get("MISE_DATA_DIR") or home / ".local/share/mise") / "shims",
        home / ".cargo/bin",
        home / ".claude/local",
        *_nvm_places(Path(env.get("NVM_DIR") or home / ".nvm")),
        *_newest_first((home / ".local/share/fnm/node-versions").glob("*/installation/bin")),
        Path("/usr/bin"),
        Path("/bin"),
        Path("/snap/bin"),
    ]


def _nvm_places(nvm: Path) -> list[Path]:
    return _newest_first((nvm / "versions/node").glob("*/bin"))


def _newest_first(places: Iterable[Path]) -> list[Path]:
    """By the version in the path: v22 stands before v9."""
    return sorted(places, key=lambda place: [int(part) for part in re.findall(r"\d+", str(place))], reverse=True)


def _windows_places(env: Mapping[str, str], home: Path) -> list[Path]:
    roaming = Path(env.get("APPDATA") or home / "AppData/Roaming")
    local = Path(env.get("LOCALAPPDATA") or home / "AppData/Local")
    programs = Path(env.get("PROGRAMFILES") or "C:/Program Files")
    return [
        roaming / "npm",
        local / "pnpm",
        local / "Volta/bin",
        home / ".bun/bin",
        home / ".local/bin",
        home / "scoop/shims",
        local / "Microsoft/WinGet/Links",
        local / "Programs/Ollama",
        programs / "nodejs",
        *_newest_first((roaming / "nvm").glob("v*")),
    ]


def launch_command(program: Path) -> list[str] | None:
    """How to start a program that was found: itself, or node with the script that it stands for.

    Windows runs a `.cmd` through its shell, which reads the arguments again: a prompt could then run commands. And a
    script for node does not start where only the short PATH is known. `None` means a shell script that cannot be seen
    through.
    """
    if program.suffix.lower() in (".cmd", ".bat"):
        script = _shim_entry(program)
        node = _node_for(program)
        return [str(node), str(script)] if script and node else None
    options = _node_options(program)
    if options is not None and (node := _node_for(program)):
        return [str(node), *options, str(program)]
    return [str(program)]


def _shim_entry(shim: Path) -> Path | None:
    """The script that an npm shim runs."""
    try:
        found = _SHIM_ENTRY.search(shim.read_text("utf-8", "replace"))
    except OSError:
        return None
    script = shim.parent / found[1].replace("\\", "/") if found else None
    return script if script and script.is_file() else None


def _node_for(program: Path) -> Path | None:
    """The node that stands beside a program, as version managers put it, else the first that is found."""
    ending = ".exe" if sys.platform == "win32" else ""
    return _program_at(program.parent / f"node{ending}") or find_executable("node")


def _node_options(program: Path) -> list[str] | None:
    """What a node script's first line asks node for; `None` if it is not one."""
    try:
        with program.open("rb") as file:
            found = _NODE_SHEBANG.match(file.read(SHEBANG_BYTES))
    except OSError:
        return None
    return found[1].decode("utf-8", "replace").split() if found else None
