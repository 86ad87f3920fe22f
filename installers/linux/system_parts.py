"""The libraries of the build machine's Debian that a bundle takes along: what they are, and their licences."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

DOCS = Path("/usr/share/doc")
COMMON = Path("/usr/share/common-licenses")
# Debian names them, and Qt's wheels do not bring them.
OF_QT = ("LGPL-3", "GPL-3", "GPL-2")
FIELDS = "${Package}\t${Version}\t${Architecture}\t${source:Package}\n"


def owners(files: Iterable[Path]) -> list[str]:
    """The Debian packages that the files are from. What belongs to a Python that was compiled here is Python."""
    wanted = {path.resolve() for path in files}
    found: dict[Path, str] = {}
    # Debian 12 knows some files by the place that they had before /lib became a link to /usr/lib.
    spelt = [str(path) for path in wanted] + [str(path).removeprefix("/usr") for path in wanted]
    said = subprocess.run(["dpkg", "-S", *spelt], capture_output=True, text=True, check=False).stdout
    for line in said.splitlines():
        owner, _, place = line.partition(": ")
        found[Path(place).resolve()] = owner.split(", ")[0]
    prefix = Path(sys.base_prefix).resolve()
    if strange := sorted(str(path) for path in wanted - found.keys() if not path.is_relative_to(prefix)):
        raise SystemExit(f"The bundle takes files along that are of no package: {', '.join(strange)}")
    return sorted({found[path] for path in wanted & found.keys()})


def components(packages: Iterable[str]) -> list[dict[str, object]]:
    """Each package as CycloneDX names it, with the source package, by which Debian tells of its faults."""
    names = list(packages)
    if not names:
        return []
    system = platform.freedesktop_os_release()
    command = ["dpkg-query", "--show", "--showformat", FIELDS, *names]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: list[dict[str, object]] = []
    for line in sorted(said.splitlines()):
        name, version, architecture, source = line.split("\t")
        distro = f"{system['ID']}-{system.get('VERSION_ID', 'unstable')}"
        found.append({
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:deb/{system['ID']}/{name}@{quote(version, safe='')}"
            f"?arch={architecture}&distro={distro}&upstream={quote(source, safe='')}",
            "licenses": [{"license": {"name": f"licenses/debian/{name}/copyright"}}],
        })  # fmt: skip
    return found


def copy_licences(packages: Iterable[str], licences: Path) -> None:
    """Each package's own text, and the common ones that those and Qt refer to."""
    common = set(OF_QT)
    for name in (package.partition(":")[0] for package in packages):
        text = (DOCS / name / "copyright").read_text(encoding="utf-8")
        place = licences / "debian" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "copyright").write_text(text, encoding="utf-8")
        common |= {found.rstrip(".") for found in re.findall(rf"{COMMON}/([\w.+-]+)", text)}
    (licences / "common-licenses").mkdir(parents=True, exist_ok=True)
    for name in common:
        if (COMMON / name).is_file():
            shutil.copyfile(COMMON / name, licences / "common-licenses" / name)
    if lacks := [name for name in OF_QT if not (licences / "common-licenses" / name).exists()]:
        raise SystemExit(f"{COMMON} lacks {', '.join(lacks)}, under which Qt is shipped.")
