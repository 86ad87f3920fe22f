"""Proves the image where there is no engine: carries the Containerfile out in bare roots, and runs what comes of it.

`prove.py [FOLDER]`, as root on Linux; FOLDER keeps the roots (2 GB). The first stage and the second are Debian 12 by
debootstrap, as `debian:12-slim` is; every RUN is run in a chroot, COPY copies, and what is left (ENV, USER, VOLUME,
HEALTHCHECK, ENTRYPOINT, CMD) is obeyed when the program is started: as the first process of its own namespaces, with a
read-only root and a network of its own.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from bare_root import BareRoot, ProofError, Started, Step, expect, needs, say, until

ROOT = Path(__file__).resolve().parents[2]
CONTAINERFILE = ROOT / "installers" / "container" / "Containerfile"
NETWORK, OUTSIDE, INSIDE = "oxide-prove", "10.213.77.1", "10.213.77.2"
TOKEN = "0123456789abcdef" * 4
_KNOWN = {
    "FROM",
    "COPY",
    "RUN",
    "ENV",
    "USER",
    "WORKDIR",
    "VOLUME",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
}


@dataclass
class Image:
    """What a Containerfile comes to."""

    root: BareRoot
    variables: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def command(self, name: str) -> list[str]:
        """The program that an instruction names, in the form that is JSON."""
        found: list[str] = json.loads(self.words[name][self.words[name].index("[") :])
        return found


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Containerfile.

    Raises:
        ProofError: There is one that this script does not know how to carry out.
    """
    for line in re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name and name not in _KNOWN:
            raise ProofError(f"{name} is not known here")
        if name:
            yield name, rest.strip()


def build(base: BareRoot, folder: Path, context: Path) -> Image:
    """Carry the instructions out."""
    stages: dict[str, Image] = {}
    image = Image(base)
    for name, rest in instructions(CONTAINERFILE.read_text(encoding="utf-8")):
        if name == "FROM":
            stage = rest.partition(" AS ")[2] or "image"
            image = stages[stage] = Image(base.copied(folder / stage))
        elif name == "COPY":
            _copy(rest, context, stages, image.root)
        elif name == "RUN":
            say(f"RUN {rest}")
            image.root.must(["sh", "-c", rest], Step(variables=image.variables, lent=True))
        elif name == "ENV":
            key, _, value = rest.partition("=")
            image.variables[key] = value
        else:
            image.words[name] = rest
    return image


def _copy(rest: str, context: Path, stages: dict[str, Image], root: BareRoot) -> None:
    *options, source, target = shlex.split(rest)
    place = context
    for option in options:
        place = stages[option.removeprefix("--from=")].root.place
    found, goal = place / source.lstrip("/"), root.path(target)
    goal.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(found) + ("/." if found.is_dir() else ""), str(goal)], check=True)


def build_context(folder: Path) -> Path:
    """What an engine would be sent: the work tree by .dockerignore, whose patterns here are names, `!` and `**/`."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    wanted = [line[1:] for line in lines if line.startswith("!")]
    without = [line.removeprefix("**/") for line in lines if line.startswith("**/")]
    shutil.rmtree(folder, ignore_errors=True)
    for name in wanted:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignore = shutil.ignore_patterns(*without)
            shutil.copytree(source, target, ignore=ignore)
        else:
            shutil.copy2(source, target)
    left_out = [path for path in folder.rglob("*") if any(fnmatch.fnmatch(path.name, item) for item in without)]
    expect(not left_out, "the context holds nothing that .dockerignore leaves out")
    return folder


@contextmanager
def network() -> Iterator[None]:
    """A network namespace, joined to this machine by a pair of virtual interfaces."""
    for command in (
        f"netns add {NETWORK}",
        f"link add {NETWORK} type veth peer name eth0 netns {NETWORK}",
        f"addr add {OUTSIDE}/30 dev {NETWORK}",
        f"link set {NETWORK} up",
        f"-n {NETWORK} addr add {INSIDE}/30 dev eth0",
        f"-n {NETWORK} link set eth0 up",
        f"-n {NETWORK} link set lo up",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", NETWORK], check=False)


class Container:
    """The image, run as docs/container.md says."""

    def __init__(self, image: Image, data: Path, secret: Path) -> None:
        self._image = image
        user = image.words["USER"]
        self._step = Step(
            user=user,
            folder=image.words["WORKDIR"],
            variables=image.variables,
            binds={image.words["VOLUME"]: data, image.variables["OXIDE_TOKEN_FILE"]: secret},
            read_only=True,
            network=NETWORK,
        )
        self._program = [*image.command("ENTRYPOINT"), *image.command("CMD")]

    def start(self, log: Path) -> Started:
        """As `docker run` does."""
        return self._image.root.start(self._program, self._step, log)

    def refused_without_token(self) -> bool:
        """Whether it ends by itself, and says why."""
        binds = {inner: place for inner, place in self._step.binds.items() if not inner.startswith("/run/")}
        self._image.root.path(self._image.variables["OXIDE_TOKEN_FILE"]).unlink(missing_ok=True)
        done = self._image.root.run(self._program, replace(self._step, binds=binds), limit_s=60)
        return done.returncode not in (0, None) and "token" in done.stderr

    def inside(self, running: Started, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as `docker exec` does."""
        return running.beside(argv, replace(self._step, binds={}))

    def healthy(self, running: Started) -> bool:
        """Whether the health check says so."""
        return self.inside(running, *self._image.command("HEALTHCHECK")).returncode == 0


def status(
    host: str, token: str | None = TOKEN, path: str = "/api/monitoring/health", body: bytes | None = None
) -> tuple[int, str]:
    """What a client outside is answered that calls it by a name."""
    headers = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(
        f"http://{INSIDE}:8000{path}", data=body, headers={**headers, "Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=120) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def prove(image: Image, folder: Path) -> None:
    """Run it, and see that it keeps what it promises."""
    secret, data, log = folder / "token", folder / "data", folder / "container.log"
    secret.write_text(TOKEN + "\n")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    number = int(image.words["USER"].partition(":")[0])
    shutil.chown(data, number, number)
    container = Container(image, data, secret)
    expect(
        not image.root.run(["sh", "-c", "ls -d /opt/oxide/lib/python*/site-packages/PySide6"]).stdout,
        "there is no Qt in it",
    )
    expect(container.refused_without_token(), "without a token it does not start, and says why")
    running = container.start(log)
    try:
        took = until(lambda: container.healthy(running), "the health check")
        say(f"ok: healthy {took:.1f} s after its start")
        _look(container, running, number)
        expect(running.end() == 0, "SIGTERM ends it, as the first process of its container, with 0")
        expect((data / "oxide.db").stat().st_uid == number, "its history is in the volume, and its user's")
        running = container.start(log)
        until(lambda: container.healthy(running), "the health check")
        expect("2+2" in container.inside(running, "oxide", "history").stdout, "the next one has the history")
        expect(running.end() == 0, "and ends as well")
    finally:
        running.kill()


def _look(container: Container, running: Started, number: int) -> None:
    owner = Path(f"/proc/{running.pid}").stat().st_uid
    expect(owner == number != 0, f"it runs as user {owner}")
    expect(status("127.0.0.1:8000")[0] == HTTPStatus.OK, "a published port is answered to who has the token")
    expect(status("127.0.0.1:8000", token=None)[0] == HTTPStatus.UNAUTHORIZED, "and to nobody else")
    expect(
        status(f"{INSIDE}:8000")[0] == HTTPStatus.MISDIRECTED_REQUEST,
        "a name that nobody has allowed is refused, with the token, too",
    )
    question = {"model": "builtin", "messages": [{"role": "user", "content": "What is 2+2?"}]}
    code, text = status("localhost:8000", path="/v1/chat/completions", body=json.dumps(question).encode())
    expect(
        code == HTTPStatus.OK and "4" in json.loads(text)["choices"][0]["message"]["content"],
        "the built-in model answers from outside",
    )
    said = container.inside(running, "oxide", "run", "-s", "builtin", "What is 2+2?")
    expect("4" in said.stdout, "and inside, to `oxide run`")


def main() -> int:
    """Build and prove."""
    needs("debootstrap", "unshare", "chroot", "ip", "nsenter", "setpriv")
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "/var/tmp/oxide-prove").resolve()  # noqa: S108
    folder.mkdir(parents=True, exist_ok=True)
    try:
        base = BareRoot.made(folder / "base")
        image = build(base, folder, build_context(folder / "context"))
        say(f"base {base.size_mb():.0f} MB, image {image.root.size_mb():.0f} MB")
        with network():
            prove(image, folder)
    except ProofError as error:
        say(f"FAILED: {error}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
