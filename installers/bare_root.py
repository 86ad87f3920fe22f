"""Bare Debian roots to prove things in, for scripts that root runs: debootstrap, and chroot in namespaces of its own.

What is mounted is mounted in a mount namespace that ends with the command, and what is started ends with it as well.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIMIT_S = 900.0
# How this machine reaches the network and package registries, lent to a root for as long as a step needs it.
LENT = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf")
LENT_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "HTTPS_PROXY", "HTTP_PROXY")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LENT_CERTIFICATES = "/etc/ssl/lent.crt"  # not in its own place, where a package may want to put another one
_ENTER = """
set -e
root=$1; user=$2; folder=$3; mode=$4; shift 4
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mount --bind "$1" "$root$2"; shift 2; done
shift
if [ "$mode" = read-only ]; then
    mount -o remount,bind,ro "$root"
    mount -t tmpfs tmpfs "$root/tmp"
fi
exec chroot --userspec="$user" "$root" /usr/bin/env -i "$@"
"""


class ProofError(Exception):
    """Something does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a command is run in a root.

    Attributes:
        user: `UID:GID`.
        binds: Places of this machine, by where they stand in the root.
        read_only: All but the binds and a new /tmp.
        network: The name of a network namespace.
        lent: Whether the command may use this machine's way to the network.
    """

    user: str = "0:0"
    folder: str = "/"
    variables: Mapping[str, str] = field(default_factory=dict)
    binds: Mapping[str, Path] = field(default_factory=dict)
    read_only: bool = False
    network: str | None = None
    lent: bool = False


class BareRoot:
    """A Debian in a folder."""

    def __init__(self, place: Path) -> None:
        self.place = place

    @classmethod
    def made(cls, place: Path) -> BareRoot:
        """Debian 12 and nothing else; a folder that holds one already is taken as it is."""
        if not (place / "etc/debian_version").exists():
            say(f"debootstrap into {place}")
            place.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["debootstrap", "--variant=minbase", "bookworm", str(place)], check=True, stdout=subprocess.DEVNULL
            )
        return cls(place)

    def copied(self, place: Path) -> BareRoot:
        """Another one like it."""
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(["cp", "-a", "--reflink=auto", str(self.place), str(place)], check=True)
        return BareRoot(place)

    def path(self, inner: str) -> Path:
        """Where a path of the root is for this machine."""
        return self.place / inner.lstrip("/")

    def size_mb(self) -> float:
        """How much it takes."""
        said = subprocess.run(["du", "-sxk", str(self.place)], check=True, capture_output=True, text=True).stdout
        return int(said.split()[0]) / 1000

    def command(self, argv: Sequence[str], step: Step) -> list[str]:
        """What this machine runs for a command of the root."""
        binds = dict(step.binds)
        if step.lent:
            binds |= {inner: Path(inner) for inner in LENT if Path(inner).exists()}
            binds |= {LENT_CERTIFICATES: CERTIFICATES} if CERTIFICATES.exists() else {}
        for inner, outer in binds.items():
            _make_place(self.path(inner), outer)
        pairs = [part for inner, outer in binds.items() for part in (str(outer), inner)]
        variables = {"PATH": PATH, "LANG": "C.UTF-8", **(_lent_variables() if step.lent else {}), **step.variables}
        return [
            *(["ip", "netns", "exec", step.network] if step.network else []),
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "enter"),
            *(str(self.place), step.user, step.folder, "read-only" if step.read_only else "writable", *pairs, "--"),
            *(f"{name}={value}" for name, value in variables.items()),
            *_in_folder(step.folder, argv),
        ]

    def run(
        self, argv: Sequence[str], step: Step | None = None, limit_s: float = LIMIT_S
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        return subprocess.run(
            self.command(argv, step or Step()),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )

    def must(self, argv: Sequence[str], step: Step | None = None) -> str:
        """What a command prints that must succeed.

        Raises:
            ProofError: It failed.
        """
        done = self.run(argv, step)
        if done.returncode:
            raise ProofError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, argv: Sequence[str], step: Step, log: Path) -> Started:
        """Start a command that stays."""
        with log.open("wb") as file:
            process = subprocess.Popen(
                self.command(argv, step), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )
        return Started(process, log)


class Started:
    """A command of a root that runs, as the first process of its namespace."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Its process, as this machine counts.

        Raises:
            ProofError: It has ended.
        """
        number = self._process.pid
        while self._process.poll() is None:
            if children := Path(f"/proc/{number}/task/{number}/children").read_text().split():
                return int(children[0])
            time.sleep(0.01)
        raise ProofError(f"It has ended with {self._process.returncode}:\n{self.said()}")

    def said(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def beside(self, argv: Sequence[str], step: Step, said: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run another command in the same namespaces, with `said` on its standard input; the binds are the start's."""
        user, _, group = step.user.partition(":")
        variables = {"PATH": PATH, "LANG": "C.UTF-8", **(_lent_variables() if step.lent else {}), **step.variables}
        return subprocess.run(
            [
                *("nsenter", "--target", str(self.pid), "--mount", "--pid", "--net", "--root", "--wd"),
                *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"),
                *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
                *_in_folder(step.folder, argv),
            ],
            input=said or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )

    def end(self) -> int:
        """Ask it to end as engines and systems do; answers its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self._process.wait(60)

    def kill(self) -> None:
        """End it in any case."""
        self._process.kill()
        self._process.wait(60)


def _in_folder(folder: str, argv: Sequence[str]) -> list[str]:
    return ["sh", "-c", 'cd "$0" && exec "$@"', folder, *argv]


def _lent_variables() -> dict[str, str]:
    lent = {name: os.environ[name] for name in LENT_VARIABLES if name in os.environ}
    if CERTIFICATES.exists():
        lent |= {"PIP_CERT": LENT_CERTIFICATES, "SSL_CERT_FILE": LENT_CERTIFICATES}
    return lent


def _make_place(place: Path, like: Path) -> None:
    """Something to mount on."""
    if like.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    elif not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def until(holds: object, what: str, limit_s: float = 120.0) -> float:
    """Wait until a function answers something true; how long that took.

    Raises:
        ProofError: It never did.
    """
    began = time.monotonic()
    while not (holds() if callable(holds) else holds):
        if time.monotonic() - began > limit_s:
            raise ProofError(f"{what}: not within {limit_s:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


def expect(holds: object, what: str) -> None:
    """Say what holds.

    Raises:
        ProofError: It does not.
    """
    if not holds:
        raise ProofError(what)
    say(f"ok: {what}")


def say(text: str) -> None:
    """One line for whoever watches."""
    print(text, flush=True)


def needs(*programs: str) -> None:
    """End the script where something of this machine is missing."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing or sys.platform == "win32" or os.geteuid() != 0:
        what = f"these programs are missing: {', '.join(missing)}" if missing else "this is for root"
        sys.exit(f"{Path(sys.argv[0]).name}: {what}")
