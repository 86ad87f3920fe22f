"""Icons as Windows and macOS want them: several PNGs in one file. Both formats take PNGs as they are.

ICO: https://learn.microsoft.com/previous-versions/ms997538(v=msdn.10), with PNGs since Windows Vista. ICNS: the types
of Apple's IconServices, "icp4" to "ic14", as `iconutil` writes them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
# A type for each size in pixels: those of points, and of twice as many pixels a point.
_ICNS_TYPES = {16: (b"icp4",), 32: (b"icp5", b"ic11"), 64: (b"ic12",), 128: (b"ic07",), 256: (b"ic08", b"ic13"),
               512: (b"ic09", b"ic14"), 1024: (b"ic10",)}  # fmt: skip
ICNS_SIZES = tuple(_ICNS_TYPES)
_ICO_HEAD_BYTES, _ICO_ENTRY_BYTES = 6, 16
_LARGEST_SAID = 256  # which stands as 0


def ico(pictures: Mapping[int, bytes]) -> bytes:
    """PNGs by their size as one ICO."""
    entries, content = b"", b""
    place = _ICO_HEAD_BYTES + _ICO_ENTRY_BYTES * len(pictures)
    for size, picture in sorted(pictures.items()):
        side = size % _LARGEST_SAID
        entries += struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), place + len(content))
        content += picture
    return struct.pack("<HHH", 0, 1, len(pictures)) + entries + content


def icns(pictures: Mapping[int, bytes]) -> bytes:
    """PNGs by their size as one ICNS."""
    content = b"".join(
        kind + struct.pack(">I", len(picture) + 8) + picture
        for size, picture in sorted(pictures.items())
        for kind in _ICNS_TYPES[size]
    )
    return b"icns" + struct.pack(">I", len(content) + 8) + content
