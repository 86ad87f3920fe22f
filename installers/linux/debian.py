"""The bundle as a Debian package: programs on PATH, a menu entry, icons, manual, completions. Login start stays off.

Formats: Debian Policy Manual (control files, maintainer scripts), the freedesktop.org Desktop Entry, Icon Theme and
AppStream specifications.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
import time
from collections.abc import Iterable
from email.utils import format_datetime
from pathlib import Path

import parts

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAME = "oxide-desktop"
HOME = Path("usr/lib") / NAME
PROGRAMS = ("oxide", "oxide-mcp")
ICON_SIZES = (16, 22, 24, 32, 44, 48, 64, 128, 256, 512)
# Besides libc: what Qt and the built-in model load from the system, by what the bundle lacks on a bare Debian 12.
DEPENDS = (
    "libgl1", "libegl1", "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxkbcommon-x11-0",
    "libfontconfig1", "libdbus-1-3", "libwayland-client0", "libwayland-cursor0",
)  # fmt: skip
PARTS_HAVE_THEIRS = f"""
The above is for Oxide Desktop itself. What it brings along (Python, Qt, Python packages, libraries of Debian) has
licences of its own: their texts are in /{HOME.as_posix()}/licenses, README.md there tells of them, and
/{HOME.as_posix()}/sbom.json lists each part.
"""
SHELLS = {
    "bash": "usr/share/bash-completion/completions/oxide",
    "zsh": "usr/share/zsh/vendor-completions/_oxide",
    "fish": "usr/share/fish/vendor_completions.d/oxide.fish",
}


def build(bundle: Path, work: Path, dist: Path, version: str, python: Path) -> Path:
    """Lay the package out under `work` and pack it; answers the file."""
    shutil.rmtree(work, ignore_errors=True)
    root = work / NAME
    shutil.copytree(bundle, root / HOME, symlinks=True)
    _link(root / "usr/bin/oxide", f"../lib/{NAME}/oxide")
    _link(root / "usr/bin/oxide-mcp", f"../lib/{NAME}/oxide-mcp")
    _copy(HERE / f"{NAME}.desktop", root / f"usr/share/applications/{NAME}.desktop")
    metainfo = (HERE / f"{NAME}.metainfo.xml").read_text(encoding="utf-8")
    metainfo = metainfo.replace("@VERSION@", version).replace("@DATE@", f"{parts.made_at():%Y-%m-%d}")
    _write(root / "usr/share/metainfo/dev.oxide.desktop.metainfo.xml", metainfo)
    _set_modes(root / HOME)
    _write(root / f"usr/share/doc/{NAME}/copyright", (ROOT / "LICENSE").read_text(encoding="utf-8") + PARTS_HAVE_THEIRS)
    _copy(HERE / "lintian-overrides", root / f"usr/share/lintian/overrides/{NAME}")
    _write_changelog(root, version)
    _write_icons(root, python)
    _write_manual(root, python, version)
    for shell, place in SHELLS.items():
        _write(root / place, _output([bundle / "oxide", "completion", shell]))
    _write_control(root, version)
    package = dist / f"{NAME}_{version}_{_architecture()}.deb"
    subprocess.run(
        ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(root), str(package)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return package


def glibc_needed(files: Iterable[Path], objdump: str = "objdump") -> str:
    """The newest version of glibc that any of the programs and libraries names a symbol of."""
    command = [objdump, "-T", *map(str, files)]
    # It answers an error where any of the files has no such symbols, and tells of the others.
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"\bGLIBC_(\d+(?:\.\d+)+)", said)}
    if not versions:
        raise SystemExit(f"{objdump} finds no symbol of glibc in the bundle.")
    return ".".join(map(str, max(versions)))


def _link(place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def _copy(source: Path, place: Path) -> None:
    _write(place, source.read_text(encoding="utf-8"))


def _write(place: Path, text: str, mode: int = 0o644) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    place.chmod(mode)


def _output(command: list[Path | str]) -> str:
    environment = {**os.environ, "OXIDE_HOME": str(ROOT / "build" / "package" / "home")}
    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def _set_modes(home: Path) -> None:
    """Only programs may be executed: wheels come with whatever their makers had."""
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o755 if path.parent == home and path.name in PROGRAMS else 0o644)


def _write_changelog(root: Path, version: str) -> None:
    """Debian's form of it, which names the version, and the one that tells what changed."""
    folder = root / f"usr/share/doc/{NAME}"
    told = f"  * What changed is told in /usr/share/doc/{NAME}/CHANGELOG.md.gz."
    signed = f" -- {_maintainer()}  {format_datetime(parts.made_at())}"
    entry = f"{NAME} ({version}) unstable; urgency=medium\n\n{told}\n\n{signed}\n"
    _write(folder / "changelog", entry)
    _copy(ROOT / "CHANGELOG.md", folder / "CHANGELOG.md")
    subprocess.run(["gzip", "-9n", str(folder / "changelog"), str(folder / "CHANGELOG.md")], check=True)


def _maintainer() -> str:
    """As Debian's own tools are told of them."""
    name = os.environ.get("DEBFULLNAME", "The developers of Oxide Desktop")
    return f"{name} <{os.environ.get('DEBEMAIL', 'oxide-desktop@users.noreply.github.com')}>"


def _write_icons(root: Path, python: Path) -> None:
    icons = root / "usr/share/icons/hicolor"
    picture = ROOT / "resources" / "icons" / "app.svg"
    _copy(picture, icons / f"scalable/apps/{NAME}.svg")
    places = {size: icons / f"{size}x{size}/apps/{NAME}.png" for size in ICON_SIZES}
    for place in places.values():
        place.parent.mkdir(parents=True, exist_ok=True)
    wanted = [f"{size}={place}" for size, place in places.items()]
    subprocess.run(
        [str(python), str(HERE / "icons.py"), str(picture), *wanted],
        check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )


def _write_manual(root: Path, python: Path, version: str) -> None:
    for program in ("oxide", "oxide-mcp"):
        text = _output([python, HERE / "manual.py", program, version, f"{parts.made_at():%Y-%m-%d}"])
        _write(root / f"usr/share/man/man1/{program}.1", text)
        subprocess.run(["gzip", "-9n", str(root / f"usr/share/man/man1/{program}.1")], check=True)


def _write_control(root: Path, version: str) -> None:
    size_kb = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file()) // 1024
    _write(
        root / "DEBIAN" / "control",
        textwrap.dedent(f"""\
            Package: {NAME}
            Version: {version}
            Architecture: {_architecture()}
            Maintainer: {_maintainer()}
            Installed-Size: {size_kb}
            Depends: libc6 (>= {glibc_needed(_compiled(root / HOME))}), {", ".join(DEPENDS)}
            Section: devel
            Priority: optional
            Description: gets each prompt to the right LLM
             A tray app that works out what kind of task a prompt is, picks a service
             that is allowed to have it, able and healthy, streams the answer and keeps
             the record. It brings a small model of its own, serves Claude Code through
             MCP, and never sends what is marked as local to another machine.
            """),
    )
    for script in ("prerm", "postrm"):
        _write(root / "DEBIAN" / script, (HERE / script).read_text(encoding="utf-8"), 0o755)
    os.utime(root / "DEBIAN", (time.time(), time.time()))


def _compiled(home: Path) -> list[Path]:
    files = (path for path in home.rglob("*") if path.is_file())
    return [path for path in files if path.name in PROGRAMS or ".so" in path.suffixes]


def _architecture() -> str:
    return _output(["dpkg", "--print-architecture"]).strip()
