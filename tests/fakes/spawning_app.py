"""An app that runs one program under guard and waits for ever: `python spawning_app.py RUN_DIR RUN_ID ENDING PROGRAM…`.

Says `PID GUARD KEEPER` when the program runs. ENDING is how it takes signals: `none` (not at all), `clean` (it closes
its spawner), `stuck` (it never gets round to it) or `forgetful` (it ends without closing).
"""

import asyncio
import sys
import threading
from pathlib import Path

from oxide_desktop.core.children import ChildSpec
from oxide_desktop.runtime.processes import GuardedSpawner
from oxide_desktop.runtime.signals import exit_code, stopping_on_signals


async def main(run_dir: str, run_id: str, ending: str, program: list[str]) -> int:
    spawner = GuardedSpawner(Path(run_dir), run_id)
    stopped = asyncio.Event()
    child = await spawner.spawn(ChildSpec(argv=program, purpose="test"))
    if ending == "none":
        print(child.pid, child.guard.pid, child.keeper_pid, flush=True)
        await asyncio.Event().wait()
    with stopping_on_signals(lambda _: stopped.set(), limit_s=1.0 if ending == "stuck" else 4.5) as came:
        print(child.pid, child.guard.pid, child.keeper_pid, flush=True)
        await stopped.wait()
        if ending == "stuck":
            threading.Event().wait()
        if ending == "clean":
            await spawner.aclose()
        number = came()
    assert number
    return exit_code(number)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:4], sys.argv[4:])))
