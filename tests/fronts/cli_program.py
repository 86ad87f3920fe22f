"""Runs the real program as a process of its own, on a home of its own, with or without a terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import yaml

from oxide_desktop.config.logs import close_logs
from oxide_desktop.main import main

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "oxide_desktop")
LIMIT_S = 60.0
Typing = tuple[str, bytes]


@dataclass
class Oxide:
    """The command `oxide` on one home."""

    home: Path
    cwd: Path
    extra: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing that was started outlives its test, however that ended."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=LIMIT_S)

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """As a person's shell has it, without a screen and without colours forced on or off."""
        dropped = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        own = {"OXIDE_HOME": str(self.home), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        return {**kept, **own, **self.extra, **(changes or {})}

    def configure(self, text: str) -> None:
        """Write the person's settings."""
        self.home.mkdir(exist_ok=True)
        (self.home / "config.yaml").write_text(text, encoding="utf-8")

    def __call__(self, *args: str) -> Done:
        """Run a command to its end within this process, which is quick: no pipes, no standard input, no signals."""
        with _surroundings(self.environment(), self.cwd) as (out, errors):
            code = main(args)
            sys.stdout.flush()
            sys.stderr.flush()
            close_logs()
            return Done(code, out.getvalue().decode("utf-8"), errors.getvalue().decode("utf-8"))

    def process(self, *args: str, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None) -> Done:
        """Run a command to its end as a shell would, with pipes on all sides (and nothing on stdin unless given)."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [*COMMAND, *args],
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            env=self.environment(env),
            cwd=self.cwd,
            timeout=LIMIT_S,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))

    def json(self, *args: str) -> Any:
        """What a command that succeeds prints for a program."""
        done = self(*args, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self, *args: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command that will be signalled. Signals that this test run ignores are not ignored there."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        argv = [*options.pop("command", COMMAND), *args]
        env = self.environment(options.pop("env", None))
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            self.started.append(subprocess.Popen(argv, env=env, cwd=self.cwd, **{**streams, **options}))
            return self.started[-1]
        finally:
            signal.signal(signal.SIGINT, before)

    def on_terminal(
        self, *args: str, stdout_too: bool = True, env: Mapping[str, str] | None = None, types: Typing = ("", b"")
    ) -> Shown:
        """Run a command whose standard error (and input, and perhaps output) is a terminal of 80 columns.

        `types` is what is waited for, and what is typed then.
        """
        ours, theirs = pty.openpty()
        process = self.start(
            *args, stdin=theirs, stderr=theirs, stdout=theirs if stdout_too else subprocess.PIPE, env=env
        )
        os.close(theirs)
        shown = _read_all(ours, *types)
        piped = process.stdout.read() if process.stdout else b""
        code = process.wait(LIMIT_S)
        os.close(ours)
        if process.stdout:
            process.stdout.close()
        return Shown(code, shown.decode("utf-8").replace("\r\n", "\n"), piped.decode("utf-8"))


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@contextlib.contextmanager
def _surroundings(environment: Mapping[str, str], cwd: Path) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """This process as the command is to find it: environment, folder, and streams that are no terminals."""
    before = dict(os.environ), Path.cwd(), sys.stdin, sys.stdout, sys.stderr
    out, errors = io.BytesIO(), io.BytesIO()
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(cwd)
        sys.stdin, sys.stdout, sys.stderr = nothing, io.TextIOWrapper(out), io.TextIOWrapper(errors)
        try:
            yield out, errors
        finally:
            os.environ.clear()
            os.environ.update(before[0])
            os.chdir(before[1])
            _, _, sys.stdin, sys.stdout, sys.stderr = before


@dataclass(frozen=True)
class Shown:
    """What a person saw, and what went into the pipe beside it."""

    returncode: int
    screen: str
    piped: str


def _read_all(terminal: int, asked: str, typed: bytes) -> bytes:
    shown = b""
    deadline = time.monotonic() + LIMIT_S
    while select.select([terminal], [], [], max(deadline - time.monotonic(), 0))[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # EIO: nobody holds the other side any more
            return shown
        if not piece:
            return shown
        shown += piece
        if typed and asked.encode() in shown:
            os.write(terminal, typed)
            typed = b""
    raise TimeoutError(f"the program did not end; it had shown {shown!r}")


def end(process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> tuple[int, str, str]:
    """Signal a started command, and answer its exit code, output and errors."""
    process.send_signal(number)
    out, errors = process.communicate(timeout=LIMIT_S)
    return process.returncode, out.decode(), errors.decode()


def read_until(process: subprocess.Popen[bytes], text: str, stream: str = "stdout") -> str:
    """Wait until a started command has written `text`; what it has written so far."""
    source = getattr(process, stream)
    shown = b""
    deadline = time.monotonic() + LIMIT_S
    while text.encode() not in shown:
        ready, _, _ = select.select([source], [], [], max(deadline - time.monotonic(), 0))
        piece = os.read(source.fileno(), 65536) if ready else b""
        if not piece:
            raise AssertionError(f"{text!r} never came; there was {shown!r}")
        shown += piece
    return shown.decode()


def children_of(pid: int) -> Sequence[int]:
    """Every process below `pid`."""
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def install_broken_adapter(oxide: Oxide) -> None:
    """Put a third party's package in the program's way whose adapter `from_mars` cannot be loaded."""
    packages = oxide.cwd / "packages"
    info = packages / "from_mars-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: from-mars\nVersion: 1.0\n", encoding="utf-8")
    group = "[oxide_desktop.adapters]\nfrom_mars = from_mars:Adapter\n"
    (info / "entry_points.txt").write_text(group, encoding="utf-8")
    (packages / "from_mars.py").write_text("raise RuntimeError('no air here')\n", encoding="utf-8")
    oxide.extra["PYTHONPATH"] = f"{packages}{os.pathsep}{ROOT}"


def imported_by(oxide: Oxide, *args: str) -> set[str]:
    """The modules that a command imports, seen from inside after it has run."""
    code = (
        "import sys; from oxide_desktop.main import main; code = main(sys.argv[1:]); "
        "print(code, *sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=oxide.environment({"COVERAGE_PROCESS_START": ""}),
        cwd=oxide.cwd,
        timeout=LIMIT_S,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert "0" in lines, done.stderr
    return set(lines)


def without_rights_of_root(oxide: Oxide, *args: str) -> Done:
    """Run a command as somebody who may only do what a file's mode says, which root may not be kept to otherwise."""
    code = (
        "import ctypes, os, sys\n"
        "for overriding_modes in (1, 2):\n"
        "    ctypes.CDLL(None).prctl(24, overriding_modes)\n"  # PR_CAPBSET_DROP; refused, and needless, unless root
        "os.execv(sys.executable, [sys.executable, '-m', 'oxide_desktop', *sys.argv[1:]])\n"
    )
    process = oxide.start(*args, command=(sys.executable, "-c", code))
    out, errors = process.communicate(timeout=LIMIT_S)
    return Done(process.returncode, out.decode(), errors.decode())


def only(**servers: str | dict[str, object]) -> str:
    """Settings with these OpenAI-compatible services (address, or keys of their own) and none of the shipped ones."""
    shipped = yaml.safe_load((ROOT / "config" / "default.yaml").read_text(encoding="utf-8"))["services"]
    services: dict[str, object] = {name: {"enabled": False} for name in shipped}
    for name, given in servers.items():
        own = {"base_url": given} if isinstance(given, str) else given
        services[name] = {"type": "http", "api_type": "openai_compatible", "max_retries": 0, **own}
    return str(yaml.safe_dump({"services": services}))
