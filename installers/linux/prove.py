"""Proves the Debian package where nothing else is: `prove.py [FOLDER]`, as root on a Debian, after `make package`.

In a bare Debian 12 by debootstrap: installed, tried as its user on a virtual screen, asked, connected as an MCP server
by the path that Claude Code's settings then name, replaced and removed while it runs, purged; and the file system
compared. FOLDER keeps the roots (1 GB).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bare_root import BareRoot, ProofError, Started, Step, expect, needs, say, until
from virtual_screen import screen

ROOT = Path(__file__).resolve().parents[2]
NAME, USER = "oxide-desktop", "ann"
# What dpkg, apt and their triggers keep of their own, whatever is installed and removed.
BOOKKEEPING = (
    "/var/lib/dpkg",
    "/var/lib/apt",
    "/var/cache",
    "/var/log",
    "/etc/ld.so.cache",
    "/tmp",  # noqa: S108 - a root's own
    "/run",
    "/proc",
    "/dev",
    "/sys",
)
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "proof", "version": "1"}}
ASKED = (
    {"id": 1, "method": "initialize", "params": HELLO},
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/list"},
)
Files = dict[str, tuple[object, ...]]


def lint(package: Path, work: Path) -> None:
    """What Debian's and freedesktop.org's own checkers say."""
    tags = subprocess.run(
        ["lintian", "--allow-root", "--tag-display-limit", "3", str(package)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in tags.stdout.splitlines() if line.startswith(("E: ", "W: "))]
    for line in told:
        say(f"    {line}")
    expect(not any(line.startswith("E: ") for line in told), f"lintian: no error, {len(told)} warnings")
    subprocess.run(["dpkg-deb", "--extract", str(package), str(work)], check=True)
    for command in (
        ["desktop-file-validate", str(work / f"usr/share/applications/{NAME}.desktop")],
        [
            "appstreamcli",
            "validate",
            "--no-net",
            "--pedantic",
            str(work / "usr/share/metainfo/dev.oxide.desktop.metainfo.xml"),
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        expect(not done.returncode, f"{command[0]} {done.stdout.strip().splitlines()[-1:] or 'says nothing'}")


def files_of(root: BareRoot) -> Files:
    """Everything there is, by what a change would change. Of folders their times and sizes do not count."""
    found: Files = {}
    for folder, folders, names in os.walk(root.place):
        for name in (*folders, *names):
            path = Path(folder) / name
            inner = "/" + str(path.relative_to(root.place))
            if not inner.startswith(BOOKKEEPING):
                told = path.lstat()
                own = () if path.is_dir() and not path.is_symlink() else (told.st_size, told.st_mtime_ns)
                found[inner] = (told.st_mode, told.st_uid, told.st_gid, *own)
        folders[:] = [
            name
            for name in folders
            if not ("/" + str((Path(folder) / name).relative_to(root.place))).startswith(BOOKKEEPING)
        ]
    return found


def changes(before: Files, after: Files) -> list[str]:
    """What has come, gone or become another."""
    marks = {(False, True): "+", (True, False): "-", (True, True): "~"}
    return [
        f"{marks[path in before, path in after]} {path}"
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]


class Machine:
    """A bare Debian that runs: its first process sleeps, and whatever else there is stands beside it."""

    def __init__(self, root: BareRoot, running: Started, display: str) -> None:
        self.root = root
        self._running = running
        self._own = {"HOME": f"/home/{USER}", "USER": USER, "DISPLAY": display, "PATH": "/usr/local/bin:/usr/bin:/bin"}

    def as_root(self, *argv: str) -> str:
        """Run a command that must succeed."""
        done = self._running.beside(argv, Step(lent=True, variables={"DEBIAN_FRONTEND": "noninteractive"}))
        if done.returncode:
            raise ProofError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def as_user(self, *argv: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command as the person, in their home."""
        return self._running.beside(argv, Step(user="1000:1000", folder=f"/home/{USER}", variables=self._own), said)

    def background(self, command: str) -> None:
        """Start a command of the person's that stays."""
        self.as_user("sh", "-c", f"{command} > ~/.said 2>&1 &")

    def processes(self) -> list[str]:
        """What runs from the package, by this machine's eyes."""
        found, here = [], Path(f"/proc/{self._running.pid}/ns/pid").readlink()
        for link in Path("/proc").glob("[0-9]*/exe"):
            try:
                target, namespace = str(link.readlink()), (link.parent / "ns/pid").readlink()
            except OSError:
                continue
            if namespace == here and f"/usr/lib/{NAME}/" in target:
                found.append(target)
        return found


def use(machine: Machine, display: str, picture: Path) -> None:
    """Everything a person does with it in the first five minutes."""
    expect(machine.as_user("oxide", "--version").stdout.startswith("oxide, version"), "oxide --version")
    expect("oxide" in machine.as_root("cat", "/usr/share/bash-completion/completions/oxide"), "completion is there")
    machine.background("oxide")
    took = until(lambda: visible(display), "the app's window")
    say(f"ok: its window came up after {took:.1f} s")
    until(lambda: json.loads(machine.as_user("oxide", "status", "--json").stdout)["port"], "the app's HTTP")
    answer = machine.as_user("oxide", "run", "-s", "builtin", "What is 2+2?")
    expect("4" in answer.stdout, f"it answers: {answer.stdout.strip()!r}")
    expect(json.loads(machine.as_user("oxide", "history", "--json").stdout)["total"] == 1, "and keeps the record")
    subprocess.run(["import", "-display", display, "-window", "root", str(picture)], check=False)
    said = machine.as_user("oxide", "mcp", "install")
    expect(said.returncode == 0, "oxide mcp install")
    entry = json.loads(machine.root.path(f"/home/{USER}/.claude.json").read_text())["mcpServers"]["oxide"]
    command = [entry["command"], *entry.get("args", [])]
    expect(machine.root.path(command[0]).exists(), f"Claude Code is told of {shlex.join(command)}")
    told = machine.as_user(*command, said="".join(json.dumps({"jsonrpc": "2.0", **line}) + "\n" for line in ASKED))
    tools = next(line["result"]["tools"] for line in map(json.loads, told.stdout.splitlines()) if line.get("id") == 2)  # noqa: PLR2004
    expect(len(tools) == 4, f"and it lists {', '.join(tool['name'] for tool in tools)}")  # noqa: PLR2004
    proof = machine.as_user("oxide", "mcp", "--json")
    expect(proof.returncode == 0, "oxide mcp proves the connection")
    expect(machine.as_user("oxide", "doctor", "--no-ask").returncode == 0, "oxide doctor finds nothing wrong")


def visible(display: str) -> bool:
    """Whether a window of Oxide's is on the screen."""
    command = ["xdotool", "search", "--onlyvisible", "--name", "Oxide"]
    found = subprocess.run(command, capture_output=True, env={**os.environ, "DISPLAY": display}, check=False)
    return bool(found.stdout.strip())


def prove(machine: Machine, package: Path, display: str, picture: Path) -> None:
    """Install, use, remove, compare."""
    machine.as_root("apt-get", "update", "-q")
    machine.as_root("useradd", "--create-home", "--shell", "/bin/bash", USER)
    # Its dependencies first, so that what it brings itself can be told from them.
    depends = subprocess.run(
        ["dpkg-deb", "--field", str(package), "Depends"], check=True, capture_output=True, text=True
    )
    names = [item.split()[0] for item in depends.stdout.split(",")]
    machine.as_root("apt-get", "install", "-q", "-y", "--no-install-recommends", *names)
    before = files_of(machine.root)
    machine.as_root("apt-get", "install", "-q", "-y", "/package.deb")
    installed = changes(before, files_of(machine.root))
    strange = [line for line in installed if not re.match(r"\+ /usr/(bin/oxide|lib/oxide-desktop|share/)", line)]
    expect(not strange, f"it brings {len(installed)} files and folders, all below /usr: {strange[:9]}")
    use(machine, display, picture)
    expect(machine.processes(), "it runs")
    told = machine.as_root("dpkg", "--install", "/package.deb")
    until(lambda: not machine.processes(), "the end of what ran")
    expect("Start it again" in told, "another version ends what runs, and says so")
    machine.background("oxide")
    until(machine.processes, "it runs again")
    told = machine.as_root("apt-get", "remove", "-q", "-y", NAME)
    until(lambda: not machine.processes(), "the end of what ran")
    expect("~/.claude.json" in told, "removing it ends what runs, and says what still names it")
    told = machine.as_root("apt-get", "purge", "-q", "-y", NAME)
    expect(".oxide" in told, "purging says where each person's files are")
    left = changes(before, files_of(machine.root))
    others = [line for line in left if not line.startswith((f"+ /home/{USER}/", f"~ /home/{USER}"))]
    expect(not others, f"nothing is left or changed but what {USER} made: {others[:9]}")
    kept = sorted({line[2:].removeprefix(f"/home/{USER}/").split("/")[0] for line in left})
    say(f"    {USER} keeps: {', '.join(kept)}")


def main() -> int:
    """Lint and prove the newest package of dist/."""
    needs(
        "debootstrap",
        "unshare",
        "nsenter",
        "setpriv",
        "Xvfb",
        "xdotool",
        "lintian",
        "desktop-file-validate",
        "appstreamcli",
    )
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/var/tmp/oxide-prove").resolve()  # noqa: S108
    folder.mkdir(parents=True, exist_ok=True)
    package = max((ROOT / "dist").glob(f"{NAME}_*.deb"), key=lambda path: path.stat().st_mtime)
    say(f"{package.name}: {package.stat().st_size / 1e6:.1f} MB")
    try:
        lint(package, folder / "extracted")
        root = BareRoot.made(folder / "base").copied(folder / "package")
        step = Step(lent=True, binds={"/package.deb": package})
        running = root.start(["sleep", "infinity"], step, folder / "package.log")
        try:
            with screen() as display:
                prove(Machine(root, running, display), package, display, folder / "package.png")
        finally:
            running.kill()
        alone = BareRoot(folder / "base").copied(folder / "package")
        alone.must(
            ["sh", "-c", "apt-get update -q && apt-get install -q -y --no-install-recommends /package.deb"],
            replace(step, variables={"DEBIAN_FRONTEND": "noninteractive"}),
        )
        expect("version" in alone.must(["oxide", "--version"]), "one apt-get install brings it and what it needs")
    except ProofError as error:
        say(f"FAILED: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
