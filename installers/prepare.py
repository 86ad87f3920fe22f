"""Makes a checkout ready to run: system libraries, uv, `.venv`, pinned packages, Oxide itself.

Run by `installers/setup` (`make setup`) with any Python 3.11 or newer; the standard library is all it needs. Safe to
repeat: a stamp in `.venv` says what was done, and nothing is done twice. Which registry packages come from is the
machine's business (its pip and uv settings); nothing is named here.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OWN_UV = ROOT / ".uv"
STAMP = VENV / ".oxide-setup.json"
SYSTEM_PACKAGES = ROOT / "installers" / "linux" / "packages.txt"
LEVELS = ("app", "dev")
OLDEST_UV = (0, 5)
ON_LINUX = sys.platform == "linux"
BIN = "Scripts" if sys.platform == "win32" else "bin"


class SetupError(Exception):
    """Setup cannot go on; the text says why and what to do."""


class SystemPackage(NamedTuple):
    """A Debian package and what shows that it is not needed any more."""

    level: str
    name: str
    proof: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; answers the exit code."""
    parser = argparse.ArgumentParser(prog="installers/setup", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("level", choices=LEVELS, nargs="?", default="app", help="app: to run; dev: to test as well")
    parser.add_argument("--strict", action="store_true", help="fail when a system package is missing")
    options = parser.parse_args(arguments)
    try:
        prepare_system(options.level, strict=options.strict)
        prepare_venv(options.level)
    except SetupError as error:
        print(f"oxide setup: {error}", file=sys.stderr)
        return 1
    return 0


# --- system packages ---------------------------------------------------------------------------------------------


def prepare_system(level: str, *, strict: bool) -> None:
    """Install what the system lacks where that is allowed, else name it and go on, unless `strict`."""
    if not ON_LINUX:
        return
    missing = missing_packages(level)
    if missing and is_root() and shutil.which("apt-get"):
        say(f"installing from Debian: {' '.join(missing)}")
        apt_install(missing)
        missing = missing_packages(level)
    if missing:
        say(f"this system lacks: {', '.join(missing)}")
        say(f"    install them with: {install_command(missing)}")
    if missing and strict:
        raise SetupError("nothing may be missing here (--strict)")


def missing_packages(level: str) -> list[str]:
    """Names of the packages up to that level whose proof isn't there."""
    levels = LEVELS[: LEVELS.index(level) + 1]
    libraries = known_libraries()
    missing = [
        package.name
        for package in system_packages()
        if package.level in levels and not is_there(package.proof, libraries)
    ]
    if not venv_python().exists() and lacks_pip():
        missing.append(pip_package())
    return missing


def system_packages() -> list[SystemPackage]:
    """The table."""
    lines = SYSTEM_PACKAGES.read_text(encoding="utf-8").splitlines()
    return [SystemPackage(*line.split()) for line in lines if line and not line.startswith("#")]


def known_libraries() -> set[str]:
    """Sonames that the loader finds."""
    ldconfig = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if ldconfig is None:
        return set()
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False, timeout=60).stdout
    return {line.split()[0] for line in listing.splitlines()[1:] if line.strip()}


def is_there(proof: str, libraries: set[str]) -> bool:
    """Whether a soname, a file or a program is on this system."""
    if proof.startswith("/"):
        return Path(proof).exists()
    return proof in libraries if ".so" in proof else shutil.which(proof) is not None


def install_command(packages: Sequence[str]) -> str:
    """What a person types to get them."""
    if shutil.which("apt-get"):
        names = " ".join(packages)
        return f"sudo apt-get update && sudo apt-get install --no-install-recommends {names}"
    return "your distribution's package manager (these are Debian's names for them)"


def apt_install(packages: Sequence[str]) -> None:
    """Install as root. A failure is not the end: what is missing is named afterwards."""
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update"], ["install", "--no-install-recommends", *packages]):
        command = [*apt, *step]
        if sys.stderr.isatty():
            subprocess.run(command, stdout=sys.stderr, env=environment, check=False)
            continue
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False
        )
        if done.returncode:
            say(f"{shlex.join(command)} failed:\n{done.stdout}")


def is_root() -> bool:
    """Whether packages may be installed without asking anybody."""
    return sys.platform != "win32" and os.geteuid() == 0


# --- the virtual environment -------------------------------------------------------------------------------------


def prepare_venv(level: str) -> None:
    """Create or renew `.venv`, unless its stamp says that all is done."""
    stamp = read_stamp()
    level = max(level, stamp.get("level", "app"), key=LEVELS.index)
    if stamp == {"level": level, "digest": digest(level)} and venv_python().exists():
        return
    uv = find_uv()
    STAMP.unlink(missing_ok=True)
    if not venv_python().exists() or stamp_is_foreign():
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
    say(f"installing the pinned packages of requirements/{level}.txt")
    install = [uv, "pip", "install", "--python", str(venv_python()), "--no-deps"]
    install += [] if sys.stderr.isatty() else ["--quiet"]
    run([*install, "--require-hashes", "--requirement", str(requirements(level))])
    run([*install, "--no-build-isolation", "--editable", str(ROOT)])
    STAMP.write_text(json.dumps({"level": level, "digest": digest(level)}), encoding="utf-8")
    say("done")


def requirements(level: str) -> Path:
    """The file that pins a level."""
    return ROOT / "requirements" / f"{level}.txt"


def venv_python() -> Path:
    """The interpreter that runs Oxide."""
    return VENV / BIN / ("python.exe" if sys.platform == "win32" else "python")


def read_stamp() -> dict[str, str]:
    """What was done last; empty if that is not known."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and stamp.get("level") in LEVELS else {}


def digest(level: str) -> str:
    """Changes when anything that the environment was made from does, its place included: its scripts hold paths."""
    total = hashlib.sha256(str(ROOT).encode())
    for path in (requirements(level), ROOT / "pyproject.toml", VENV / "pyvenv.cfg"):
        total.update(path.read_bytes() if path.exists() else b"-")
    return total.hexdigest()


def stamp_is_foreign() -> bool:
    """Whether `.venv` was made in another place: its scripts then start the wrong interpreter."""
    script = VENV / BIN / "oxide"
    return script.exists() and str(VENV).encode() not in script.read_bytes()


def find_uv() -> str:
    """The machine's uv, else one of our own in `.uv`."""
    if uv := own_or_other_uv():
        return uv
    say("installing uv into .uv")
    pip = make_own_venv()
    run([*pip, "install", "--quiet", "--require-hashes", "--requirement", str(ROOT / "requirements" / "uv.txt")])
    return str(OWN_UV / BIN / "uv")


def own_or_other_uv() -> str | None:
    """A uv that runs and is not too old."""
    for candidate in (shutil.which("uv"), shutil.which(str(OWN_UV / BIN / "uv"))):
        if candidate and uv_version(candidate) >= OLDEST_UV:
            return candidate
    return None


def uv_version(uv: str) -> tuple[int, ...]:
    """Its version, zero if it does not run."""
    try:
        answer = subprocess.run([uv, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
        return tuple(int(part) for part in answer.split()[1].split(".")[:2])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return (0, 0)


def make_own_venv() -> list[str]:
    """Create `.uv`, an environment for uv alone (Debian's pip installs into no other); answers its pip command."""
    create = [sys.executable, "-m", "venv", "--clear"]
    if has_module("ensurepip"):
        run([*create, str(OWN_UV)])
        return [str(OWN_UV / BIN / "python"), "-m", "pip"]
    if has_module("pip"):
        run([*create, "--without-pip", str(OWN_UV)])
        return [sys.executable, "-m", "pip", "--python", str(OWN_UV / BIN / "python")]
    raise SetupError(
        f"{sys.executable} comes without pip and ensurepip, so uv cannot be installed.\n"
        f"    Run: {install_command([pip_package()])}\n    or install uv yourself, then: make setup"
    )


def lacks_pip() -> bool:
    """Whether uv has yet to be installed, and Python has nothing to install it with: Debian splits that off."""
    return own_or_other_uv() is None and not has_module("ensurepip") and not has_module("pip")


def pip_package() -> str:
    """Debian's package that completes this Python."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def has_module(name: str) -> bool:
    """Whether that interpreter, with its site packages, can import it (in a new one: packages may just have come)."""
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name!r}) is None)"
    return subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def run(command: Sequence[str]) -> None:
    """Run one step; its output goes to standard error."""
    environment = {"UV_HTTP_TIMEOUT": "180", **os.environ}
    try:
        subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=sys.stderr)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"this step failed: {shlex.join(command)}\n    {error}") from error


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(f"oxide setup: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
