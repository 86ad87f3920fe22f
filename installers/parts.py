"""What a bundle is made of: the list of its parts, as CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/)."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LICENCE_NAMES = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
# How packages that don't yet say `License-Expression` name what SPDX has an id for.
SPDX_IDS = {
    "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "GPL-2.0-only", "GPL-3.0-only", "LGPL-3.0-only", "MIT", "MIT-0",
    "MPL-2.0", "PSF-2.0",
}  # fmt: skip
CLASSIFIERS = {"MIT License": "MIT", "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0"}
Component = dict[str, object]


def parts_list(version: str, infos: Iterable[Path], system: list[Component]) -> Component:
    """The whole list: the same for the same parts of the same commit."""
    python = {
        "type": "platform",
        "name": "python",
        "version": platform.python_version(),
        "purl": f"pkg:generic/python@{platform.python_version()}",
        "licenses": [{"license": {"id": "Python-2.0"}}],
    }
    components = [*map(of_package, infos), python, *system]
    moment = f"{made_at():%Y-%m-%dT%H:%M:%SZ}"
    content = json.dumps([version, moment, components], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "component": {
                "type": "application",
                "name": "oxide-desktop",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": components,
    }


def made_at() -> datetime:
    """`SOURCE_DATE_EPOCH`, else when the commit was made, else when the changelog was written."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None and shutil.which("git"):
        command = ["git", "log", "-1", "--format=%ct"]
        given = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    changelog = (ROOT / "CHANGELOG.md").stat().st_mtime
    return datetime.fromtimestamp(float(given or changelog), UTC)


def of_package(info: Path) -> Component:
    """A Python package, by its metadata folder."""
    metadata = (info / "METADATA").read_text("utf-8").partition("\n\n")[0]
    fields = dict(re.findall(r"^(Name|Version): (.+)$", metadata, re.MULTILINE))
    return {
        "type": "library",
        "name": fields["Name"],
        "version": fields["Version"],
        "purl": f"pkg:pypi/{fields['Name'].lower().replace('_', '-')}@{fields['Version']}",
        **({"licenses": [said]} if (said := licence(metadata)) else {}),
    }


def licence(metadata: str) -> Component | None:
    """An SPDX id or expression where the package names one, else its own words."""
    fields = dict(re.findall(r"^(License-Expression|License): (.+)$", metadata, re.MULTILINE))
    said = fields.get("License-Expression") or fields.get("License", "")
    if not said:
        classified = re.findall(r"^Classifier: License :: (?:.+ :: )?(.+)$", metadata, re.MULTILINE)
        said = " AND ".join(CLASSIFIERS.get(name, name) for name in classified)
    names = re.split(r" (?:OR|AND) ", said)
    if "License-Expression" not in fields and not SPDX_IDS.issuperset(names):
        return {"license": {"name": said[:80]}} if said else None
    return {"expression": said} if " " in said else {"license": {"id": said}}


def copy_licences(infos: Iterable[Path], licences: Path) -> None:
    """The texts that packages bring along."""
    for info in infos:
        for file in (path for path in info.rglob("*") if path.is_file() and LICENCE_NAMES.search(path.name)):
            place = licences / info.name.removesuffix(".dist-info") / file.relative_to(info)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)


def copy_python_licence(licences: Path) -> None:
    """Python's own, wherever this one keeps it."""
    library = Path(os.__file__).parent
    minor = ".".join(platform.python_version_tuple()[:2])
    places = [library / "LICENSE.txt", library.parent / "LICENSE.txt", Path(f"/usr/share/doc/python{minor}/copyright")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SystemExit(f"The licence of Python is neither of {', '.join(map(str, places))}.")
    (licences / "python").mkdir(parents=True, exist_ok=True)
    shutil.copy(found, licences / "python" / "LICENSE.txt")
