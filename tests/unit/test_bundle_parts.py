"""What a bundle says of its own parts, and what it asks of the system that it is installed on."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "installers"))
import parts  # noqa: E402 - beside the scripts that use it
from linux import debian, system_parts  # noqa: E402

on_debian = pytest.mark.skipif(not Path("/var/lib/dpkg/info").is_dir(), reason="only Debian builds Debian's package")


def package(folder: Path, *lines: str) -> Path:
    info = folder / "some_thing-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("\n".join(["Name: some_thing", "Version: 1.2", *lines, "", "License: of the body"]))
    return info


@pytest.mark.parametrize(
    ("line", "licence"),
    [
        ("License-Expression: MIT", {"license": {"id": "MIT"}}),
        ("License-Expression: Apache-2.0 OR BSD-2-Clause", {"expression": "Apache-2.0 OR BSD-2-Clause"}),
        ("License: BSD-3-Clause", {"license": {"id": "BSD-3-Clause"}}),
        ("License: LGPL-3.0-only OR GPL-2.0-only", {"expression": "LGPL-3.0-only OR GPL-2.0-only"}),
        ("License: any-OSI", {"license": {"name": "any-OSI"}}),
        ("Classifier: License :: OSI Approved :: MIT License", {"license": {"id": "MIT"}}),
        ("Classifier: License :: OSI Approved :: BSD License", {"license": {"name": "BSD License"}}),
    ],
)
def test_a_part_is_listed_with_the_spdx_id_of_its_licence_or_its_own_words(
    tmp_path: Path, line: str, licence: dict[str, object]
):
    part = parts.of_package(package(tmp_path, line))
    assert part["licenses"] == [licence]
    assert part["purl"] == "pkg:pypi/some-thing@1.2"


def test_a_part_without_a_licence_is_listed_without_one(tmp_path: Path):
    assert "licenses" not in parts.of_package(package(tmp_path))


def test_a_list_is_the_same_for_the_same_parts_and_another_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    infos = [package(tmp_path, "License: MIT")]
    first, again, other = (parts.parts_list("1.0", taken, []) for taken in (infos, infos, []))
    assert first == again
    assert first["serialNumber"] != other["serialNumber"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(first["serialNumber"]))
    assert first["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"  # type: ignore[index]


def test_a_list_is_dated_by_its_commit_where_nothing_else_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert parts.made_at() == parts.made_at()


def test_pythons_licence_is_found(tmp_path: Path):
    parts.copy_python_licence(tmp_path)
    assert "PSF" in (tmp_path / "python" / "LICENSE.txt").read_text()


@on_debian
def test_the_newest_glibc_that_any_file_needs_is_asked_for(tmp_path: Path):
    objdump = tmp_path / "objdump"
    objdump.write_text(
        "#!/bin/sh\necho '0 DF *UND* 0 (GLIBC_2.9) pipe2'; echo '0 DF *UND* 0 (GLIBC_2.36) arc4random'\n"
        "echo '0 DF *UND* 0 (GLIBC_2.2.5) free'; echo '0 DF *UND* 0 (GLIBC_PRIVATE) x'\n"
        "echo '0 DF *UND* 0 (GLIBCXX_3.4.30) y'; echo 'not dynamic' >&2; exit 1\n"
    )
    objdump.chmod(0o755)
    assert debian.glibc_needed([tmp_path / "lib.so"], str(objdump)) == "2.36"


@on_debian
def test_a_bundle_in_which_nothing_needs_glibc_was_not_read(tmp_path: Path):
    with pytest.raises(SystemExit):
        debian.glibc_needed([tmp_path / "lib.so"], shutil.which("true") or "")


@on_debian
class TestLibrariesOfDebian:
    """On the machine that builds the package."""

    LIBZ = next(Path("/usr/lib").glob("*/libz.so.1"), Path())

    def test_each_is_listed_and_its_licence_shipped(self, tmp_path: Path):
        owners = system_parts.owners([self.LIBZ])
        (listed,) = system_parts.components(owners)
        assert str(listed["name"]).startswith("zlib1g")
        assert re.match(r"pkg:deb/[a-z]+/zlib1g@[^/]+\?arch=\w+&distro=\S+&upstream=zlib$", str(listed["purl"]))
        system_parts.copy_licences(owners, tmp_path)
        assert "Gailly" in (tmp_path / "debian" / str(listed["name"]) / "copyright").read_text()
        assert "LESSER" in (tmp_path / "common-licenses" / "LGPL-3").read_text()

    def test_a_file_of_no_package_ends_the_build(self, tmp_path: Path):
        (tmp_path / "libstray.so").touch()
        with pytest.raises(SystemExit, match="libstray"):
            system_parts.owners([self.LIBZ, tmp_path / "libstray.so"])

    def test_a_python_that_was_compiled_here_is_listed_as_python(self):
        assert system_parts.components(system_parts.owners([])) == []
