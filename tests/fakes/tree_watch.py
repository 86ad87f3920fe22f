"""The other side of `nasty_tree`: who there is, who is left."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Self

PROGRAM = Path(__file__).with_name("nasty_tree.py")


def tree_command(folder: Path) -> list[str]:
    return [sys.executable, "-I", "-S", str(PROGRAM), str(folder)]


def living(folder: Path) -> dict[int, str]:
    """Members that live now, by what the kernel says of all processes: it asks none of them."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if command[3:5] == [str(PROGRAM).encode(), str(folder).encode()]:
                found[int(entry.name)] = b" ".join(command).decode()
    return found


class TreeWatch:
    """Listens to a tree's news. Make it before the tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: dict[str, int] = {}
        os.mkfifo(folder / "news")
        self._file = os.fdopen(os.open(folder / "news", os.O_RDONLY | os.O_NONBLOCK), "rb", 0)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader()
        self._transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), self._file
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._transport.close()

    async def members(self, count: int) -> None:
        """Until so many have spoken."""
        async with asyncio.timeout(60):
            while len(self.seen) < count:
                line = await self._reader.readline()
                assert line, f"the tree died with only {sorted(self.seen)}"
                name, pid = line.decode().split()
                self.seen[name] = int(pid)

    async def death(self, limit_s: float = 60.0) -> None:
        """Until nobody is left.

        Raises:
            TimeoutError: Somebody is.
        """
        async with asyncio.timeout(limit_s):
            while await self._reader.readline():
                pass
            # One that is between fork and exec holds no FIFO: look at the processes themselves, too.
            while living(self.folder):  # noqa: ASYNC110 - nobody tells of a stranger's death
                await asyncio.sleep(0.005)
