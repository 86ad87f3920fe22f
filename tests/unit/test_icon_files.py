"""The icons for Windows and macOS, read back by somebody else's code and by their own tables."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

from PySide6.QtGui import QImageReader

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "installers"))
import icon_files  # noqa: E402 - beside the scripts that use it


def drawn(folder: Path, sizes: tuple[int, ...]) -> dict[int, bytes]:
    wanted = [f"{size}={folder / str(size)}.png" for size in sizes]
    script = [sys.executable, ROOT / "installers/linux/icons.py", ROOT / "resources/icons/app.svg", *wanted]
    subprocess.run(script, check=True, timeout=60, env={"QT_QPA_PLATFORM": "offscreen"})
    return {size: (folder / f"{size}.png").read_bytes() for size in sizes}


def test_every_picture_of_an_ico_can_be_read_at_its_size(tmp_path: Path):
    (tmp_path / "oxide.ico").write_bytes(icon_files.ico(drawn(tmp_path, icon_files.ICO_SIZES)))
    reader = QImageReader(str(tmp_path / "oxide.ico"))
    sizes = []
    for index in range(reader.imageCount()):
        reader.jumpToImage(index)
        image = reader.read()
        assert image.pixelColor(image.width() // 2, image.height() // 2).isValid()
        sizes.append(image.width())
    assert tuple(sizes) == icon_files.ICO_SIZES


def test_an_icns_is_a_table_of_pngs_that_fills_the_file(tmp_path: Path):
    pictures = drawn(tmp_path, icon_files.ICNS_SIZES)
    data = icon_files.icns(pictures)
    assert data[:4] == b"icns"
    assert struct.unpack(">I", data[4:8]) == (len(data),)
    found, place = {}, 8
    while place < len(data):
        kind, size = data[place : place + 4], struct.unpack(">I", data[place + 4 : place + 8])[0]
        found[kind] = data[place + 8 : place + size]
        place += size
    assert place == len(data)
    assert found[b"ic10"] == pictures[1024]
    assert found[b"ic11"] == found[b"icp5"] == pictures[32]
