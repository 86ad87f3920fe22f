"""What tells a process from a later one of the same number."""

from __future__ import annotations

import sys
from pathlib import Path


def birth_of(pid: int) -> str | None:
    """When a process began; `None` if there is none.

    On Linux the boot and the kernel's own clock ticks: a start time in seconds moves when the clock is set.
    """
    if sys.platform == "linux":
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        return f"{boot} {int(stat[stat.rindex(b')') + 2 :].split()[19])}"
    else:  # noqa: RET505 - mypy takes what follows a platform's branch for unreachable
        import psutil  # noqa: PLC0415 - 55 ms, on the other systems only

        try:
            return f"{psutil.Process(pid).create_time():.3f}"
        except psutil.Error:
            return None
