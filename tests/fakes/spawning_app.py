"""An app that runs one program under guard and waits for ever: `python spawning_app.py RUN_DIR RUN_ID ENDING PROGRAM…`.

Says `PID GUARD KEEPER` when the program runs. ENDING is how it takes signals: `none` (not at all), `clean` (it closes
its spawner), `stuck` (it never gets round to it) or `forgetful` (it ends without closing).
"""

import asyncio
import contextlib
import sys
import threading
from pathlib import Path

from oxide_desktop.core.children import ChildSpec
from oxide_desktop.runtime.processes import GuardedSpawner
from oxide_desktop.runtime.signals import CANCELLED, run_stoppable


async def main(run_dir: str, run_id: str, ending: str, program: list[str]) -> None:
    spawner = GuardedSpawner(Path(run_dir), run_id)
    child = await spawner.spawn(ChildSpec(argv=program, purpose="test"))
    try:
        print(child.pid, child.guard.pid, child.keeper_pid, flush=True)
        await asyncio.Event().wait()
    finally:
        if ending == "stuck":
            threading.Event().wait()
        if ending == "clean":
            await spawner.aclose()


if __name__ == "__main__":
    work = main(*sys.argv[1:4], sys.argv[4:])
    if sys.argv[3] == "none":
        asyncio.run(work)
    with contextlib.suppress(asyncio.CancelledError):
        run_stoppable(work, limit_s=1.0 if sys.argv[3] == "stuck" else 4.5)
    sys.exit(CANCELLED)
