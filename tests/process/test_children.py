"""Awkward programs under guard: each ends in a defined state."""

import asyncio
import errno
import hashlib
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from oxide_desktop.core.children import Child, ChildSpec
from oxide_desktop.core.errors import Bug, FailureKind, ServiceError
from oxide_desktop.runtime.guard import guard_command
from tests.process.conftest import AWKWARD

ROOT = Path(__file__).parents[2]
MEBI = 1024 * 1024


async def said(child: Child) -> str:
    return "".join([part async for part in child.text()])


async def test_output_and_exit_code_come_back(spawner, awkward):
    async with await spawner.spawn(awkward("repeats_arguments", "one", "two")) as child:
        assert await said(child) == "one\ntwo"
        ended = await child.wait()
    assert (ended.code, ended.stderr, ended.capped) == (0, "", False)


@pytest.mark.parametrize("code", [1, 41, 255])
async def test_an_exit_code_is_the_programs_own(spawner, awkward, code):
    async with await spawner.spawn(awkward("exits", str(code))) as child:
        assert (await child.wait()).code == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
async def test_a_signal_is_told_as_its_negative(spawner, awkward, number):
    async with await spawner.spawn(awkward("dies", str(int(number)))) as child:
        assert (await child.wait()).code == -number


async def test_the_pid_is_the_programs_and_not_its_guards(spawner, awkward):
    async with await spawner.spawn(awkward("never_ends")) as child:
        assert await anext(child.text()) == "ready"
        assert "awkward.py" in Path(f"/proc/{child.pid}/cmdline").read_text()


async def test_one_line_of_ten_megabytes_arrives_whole(spawner, awkward):
    async with await spawner.spawn(awkward("one_line", str(10 * MEBI))) as child:
        text = await said(child)
    assert len(text) == 10 * MEBI
    assert text.count("\n") == 1


async def test_output_over_the_limit_ends_the_child_and_keeps_what_fits(spawner, awkward):
    async with await spawner.spawn(awkward("floods", output_limit=100 * MEBI)) as child:
        size = 0
        async for part in child.text():
            size += len(part)
        ended = await child.wait()
    assert size == 100 * MEBI
    assert ended.capped
    assert ended.code == -signal.SIGTERM


async def test_the_limit_holds_for_a_child_that_nobody_reads(spawner, awkward):
    async with await spawner.spawn(awkward("floods", output_limit=MEBI)) as child:
        assert (await child.wait()).capped


async def test_output_of_exactly_the_limit_is_no_reason_to_end(spawner, awkward):
    async with await spawner.spawn(awkward("one_line", "1000", output_limit=1000)) as child:
        assert len(await said(child)) == 1000
        ended = await child.wait()
    assert (ended.code, ended.capped) == (0, False)


async def test_a_slow_reader_holds_the_child_up_instead_of_filling_memory(spawner, awkward):
    async with await spawner.spawn(awkward("floods", output_limit=sys.maxsize)) as flooding:
        text = flooding.text()
        await anext(text)
        async with await spawner.spawn(awkward("one_line", str(50 * MEBI))) as other:
            assert len(await said(other)) == 50 * MEBI  # time enough for as much from the first
        assert flooding._output._received < MEBI
        await text.aclose()


async def test_fifty_megabytes_of_stderr_block_nothing_and_leave_their_end(spawner, awkward):
    async with await spawner.spawn(awkward("complains", str(50 * MEBI))) as child:
        assert await said(child) == "done"
        ended = await child.wait()
    assert ended.stderr.endswith("xxxthe last words")
    assert len(ended.stderr) == 64 * 1024


async def test_characters_and_sequences_that_arrive_in_pieces_are_put_together(spawner, awkward):
    written = "a😀b\x1b[1;31mred\x1b[0m\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ end\r\n"
    async with await spawner.spawn(awkward("drips", written.encode().hex())) as child:
        assert await said(child) == "a😀bredlink end\r\n"


async def test_a_prompt_of_a_megabyte_goes_in_by_standard_input(spawner, awkward):
    prompt = "äx".encode() * (MEBI // 3)
    async with await spawner.spawn(awkward("counts_input", stdin=prompt)) as child:
        assert await said(child) == f"{len(prompt)} bytes"


async def test_input_and_output_flow_at_the_same_time(spawner, awkward):
    prompt = b"0123456789abcdef" * (MEBI // 4)
    digest = hashlib.sha256()
    async with await spawner.spawn(awkward("echoes_as_it_reads", stdin=prompt)) as child:
        async for part in child.text():
            digest.update(part.encode())
    assert digest.digest() == hashlib.sha256(prompt).digest()


async def test_without_input_a_program_sees_its_end_at_once(spawner, awkward):
    async with await spawner.spawn(awkward("counts_input")) as child:
        assert await said(child) == "0 bytes"


async def test_a_program_that_does_not_read_its_input_is_no_failure(spawner, awkward):
    async with await spawner.spawn(awkward("exits_without_reading", stdin=b"y" * MEBI)) as child:
        assert await said(child) == "no need to ask"
        assert (await child.wait()).code == 0


@pytest.mark.parametrize("argument", ["--help", "-rf", "$(reboot)", "a b\nc", "ü😀", "'\""])
async def test_an_argument_arrives_as_it_is(spawner, awkward, argument):
    async with await spawner.spawn(awkward("repeats_arguments", argument)) as child:
        assert await said(child) == argument


async def test_a_nul_in_an_argument_is_refused_before_anything_starts(spawner, awkward):
    with pytest.raises(ServiceError, match="NUL") as refused:
        await spawner.spawn(awkward("repeats_arguments", "a\0b"))
    assert refused.value.kind is FailureKind.INVALID


async def test_an_argument_over_the_systems_limit_is_refused_with_the_way_out(spawner, awkward):
    with pytest.raises(ServiceError, match="standard input") as refused:
        await spawner.spawn(awkward("repeats_arguments", "x" * 131_072))
    assert refused.value.kind is FailureKind.INVALID
    async with await spawner.spawn(awkward("repeats_arguments", "x" * 131_071)) as child:
        assert len(await said(child)) == 131_071


async def test_arguments_that_are_too_long_together_are_refused_too(spawner, awkward):
    with pytest.raises(ServiceError, match="longer than the system allows") as refused:
        await spawner.spawn(awkward("repeats_arguments", *["x" * 100_000] * 100))
    assert refused.value.kind is FailureKind.INVALID


async def test_a_missing_program_is_named(spawner, awkward):
    spec = awkward("exits")
    with pytest.raises(ServiceError, match="/nowhere/gemini: There is no such program") as refused:
        await spawner.spawn(type(spec)(argv=["/nowhere/gemini"], purpose="gemini"))
    assert refused.value.kind is FailureKind.MISSING
    assert "executable" in refused.value.hint
    assert spawner.children() == ()


async def test_a_system_without_room_is_told_apart_and_nothing_leaks(spawner, awkward):
    async with await spawner.spawn(awkward("exits", "0")) as child:
        await child.wait()
    await child.gone
    files = len(list(Path("/proc/self/fd").iterdir()))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files + 4, limits[1]))
    try:
        with pytest.raises(ServiceError, match="no more processes or files") as refused:
            await spawner.spawn(awkward("exits", "0"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert refused.value.kind is FailureKind.TRANSIENT
    assert len(list(Path("/proc/self/fd").iterdir())) == files


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"#!/bin/sh\n", 0o600, errno.EACCES),
        (b"no program\n", 0o700, errno.ENOEXEC),
        (b"#!/nowhere/node\n", 0o700, errno.ENOENT),
    ],
)
async def test_what_cannot_be_run_is_missing_with_a_reason(spawner, awkward, tmp_path, content, mode, reason):
    program = tmp_path / "program"
    program.write_bytes(content)
    program.chmod(mode)
    spec = awkward("exits")
    with pytest.raises(ServiceError) as refused:
        await spawner.spawn(type(spec)(argv=[str(program)], purpose="program"))
    assert refused.value.kind is FailureKind.MISSING
    words = {errno.EACCES: "may not be run", errno.ENOEXEC: "not a program", errno.ENOENT: "interpreter"}
    assert words[reason] in refused.value.message


async def test_a_directory_that_is_not_there_is_named(spawner, awkward, tmp_path):
    with pytest.raises(ServiceError, match=r"lost cannot be entered: No such file") as refused:
        await spawner.spawn(awkward("exits", "0", cwd=tmp_path / "lost"))
    assert refused.value.kind is FailureKind.INVALID


async def test_a_program_gets_three_streams_its_directory_and_nothing_else(spawner, awkward, tmp_path):
    async with await spawner.spawn(awkward("tells_files", stdin=b"x", cwd=tmp_path)) as child:
        files, directory = (await said(child)).split("|")
    assert files.split() == ["0", "1", "2", "3"]  # the third is the listing's own
    assert directory == str(tmp_path)


async def test_a_program_starts_with_the_signals_of_a_shell(spawner, awkward):
    async with await spawner.spawn(awkward("tells_signals")) as child:
        assert await said(child) == "SIGPIPE SIGXFSZ"  # Python itself ignores these two, after every start


async def test_a_program_sees_no_secret_of_ours_and_what_it_was_given(spawner, awkward, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "ours")
    async with await spawner.spawn(awkward("tells_environment", env={"GEMINI_API_KEY": "its own"})) as child:
        env = dict(line.split("=", 1) for line in (await said(child)).splitlines())
    assert "OPENAI_API_KEY" not in env
    assert env["GEMINI_API_KEY"] == "its own"
    assert env["OXIDE_CHILD"].endswith("/1")


async def test_a_guard_does_not_hold_a_programs_keys(spawner, awkward):
    async with await spawner.spawn(awkward("never_ends", env={"GEMINI_API_KEY": "secret"})) as child:
        assert b"secret" not in Path(f"/proc/{child.guard.pid}/environ").read_bytes()
        assert b"secret" not in Path(f"/proc/{child.guard.pid}/cmdline").read_bytes()


async def test_a_login_prompt_finds_no_terminal_and_ends(spawner, awkward):
    async with await spawner.spawn(awkward("asks_for_a_login")) as child:
        ended = await child.wait()
    assert (ended.code, ended.stderr) == (41, "Not signed in, and there is no terminal to ask on.")


async def test_a_grandchild_that_holds_the_streams_delays_neither_text_nor_wait(spawner, awkward):
    async with asyncio.timeout(60), await spawner.spawn(awkward("leaves_a_grandchild")) as child:
        assert await said(child) == "mine is done"
        assert (await child.wait()).code == 0


async def test_what_a_pipelines_last_part_writes_after_its_first_has_ended_is_kept(spawner, awkward):
    async with await spawner.spawn(awkward("leaves_a_writer")) as child:
        assert await said(child) == "the end"


async def test_a_program_may_end_in_its_own_way_when_it_is_stopped(spawner, awkward):
    async with await spawner.spawn(awkward("ends_politely")) as child:
        text = child.text()
        assert await anext(text) == "ready"
        await child.stop()
        assert await anext(text) == "bye"
    assert (await child.wait()).code == 7


async def test_one_that_ignores_sigterm_is_killed(spawner, awkward):
    async with await spawner.spawn(awkward("ignores_term", stop_grace_s=0.1)) as child:
        assert await anext(child.text()) == "ready"
        await child.stop()
    assert (await child.wait()).code == -signal.SIGKILL
    assert not Path(f"/proc/{child.pid}").exists()


async def test_by_default_one_that_ignores_sigterm_is_killed_too(spawner, awkward):
    async with await spawner.spawn(awkward("ignores_term")) as child:
        assert await anext(child.text()) == "ready"
        await child.stop()
    assert child.spec.stop_grace_s < 2
    assert not Path(f"/proc/{child.pid}").exists()


async def test_stopping_twice_and_at_once_is_stopping_once(spawner, awkward):
    async with await spawner.spawn(awkward("never_ends")) as child:
        await asyncio.gather(child.stop(), child.stop())
        await child.stop()
    await child.stop()
    assert (await child.wait()).code == -signal.SIGTERM


async def test_a_child_whose_task_is_cancelled_is_gone_when_the_task_is(spawner, awkward):
    running = asyncio.Event()
    pid = 0

    async def work() -> None:
        nonlocal pid
        async with await spawner.spawn(awkward("never_ends")) as child:
            pid = child.pid
            async for _ in child.text():
                running.set()

    task = asyncio.create_task(work())
    await running.wait()
    assert Path(f"/proc/{pid}").exists()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{pid}").exists()
    assert spawner.children() == ()


async def test_a_task_cancelled_again_while_it_stops_a_child_leaves_no_child(spawner, awkward):
    child = await spawner.spawn(awkward("ignores_term", stop_grace_s=0.2))
    assert await anext(child.text()) == "ready"
    task = asyncio.create_task(child.stop())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await child.gone
    assert not Path(f"/proc/{child.pid}").exists()


@pytest.mark.parametrize("turns", range(12))
async def test_a_spawn_that_is_cancelled_at_any_point_leaves_no_child(spawner, awkward, turns):
    task = asyncio.create_task(spawner.spawn(awkward("never_ends", stdin=b"x")))
    for _ in range(1 + turns):
        await asyncio.sleep(0)
    (child,) = spawner._children.values()
    assert child.guard.poll() is None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert child.guard.returncode is not None
    assert not spawner._children


async def test_one_that_waits_for_exit_before_it_reads_does_not_hang(spawner, awkward):
    async with await spawner.spawn(awkward("one_line", str(10 * MEBI))) as child:
        assert (await child.wait()).code == 0


async def test_a_reader_that_leaves_half_way_does_not_hold_the_child_up(spawner, awkward):
    async with await spawner.spawn(awkward("one_line", str(10 * MEBI))) as child:
        text = child.text()
        await anext(text)
        await text.aclose()
        assert (await child.wait()).code == 0


async def test_output_is_given_out_once(spawner, awkward):
    async with await spawner.spawn(awkward("exits", "0")) as child:
        child.text()
        with pytest.raises(Bug):
            child.text()


async def test_children_are_listed_with_their_tree(spawner, awkward):
    async with await spawner.spawn(awkward("never_ends", task_id="t1")) as child:
        assert await anext(child.text()) == "ready"
        (listed,) = spawner.children()
        assert (listed.pid, listed.purpose, listed.task_id) == (child.pid, "awkward program", "t1")
        assert [pid for pid, _ in listed.tree] == [child.pid]
        assert listed.memory_bytes > MEBI
        assert listed.started_at > 1e9
    assert spawner.children() == ()


async def test_a_listed_child_can_be_killed_by_its_pid(spawner, awkward):
    async with await spawner.spawn(awkward("ignores_term", stop_grace_s=30.0)) as child:
        assert await anext(child.text()) == "ready"
        assert await spawner.kill(child.pid)
        assert not await spawner.kill(child.pid)
        assert (await child.wait()).code == -signal.SIGKILL


async def test_a_frozen_apps_own_executable_is_its_guard(spawner, awkward, monkeypatch, tmp_path):
    bundle = tmp_path / "oxide"
    bundle.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m oxide_desktop "$@"\n')
    bundle.chmod(0o700)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(bundle))
    assert guard_command() == [str(bundle), "--oxide-guard"]
    spec = ChildSpec(argv=["/bin/echo", "guarded"], purpose="echo")
    async with await spawner.spawn(spec) as child:
        assert await said(child) == "guarded\n"
        assert (await child.wait()).code == 0


async def test_memory_stays_small_whatever_children_write(tmp_path):
    """In a process of its own: its peak is the kernel's figure, not a sample."""
    program = f"""
import asyncio, resource, sys
from pathlib import Path
from oxide_desktop.core.children import ChildSpec
from oxide_desktop.runtime.processes import GuardedSpawner

async def run(spawner, *habit):
    spec = ChildSpec(argv=[sys.executable, "-I", "-S", {str(AWKWARD)!r}, *habit], purpose="test",
                     stdin=b"x" * 2**20, output_limit=100 * 2**20)
    async with await spawner.spawn(spec) as child:
        size = sum([len(part) async for part in child.text()])
        await child.wait()
        return size

async def main():
    spawner = GuardedSpawner(Path({str(tmp_path)!r}), "memory")
    await run(spawner, "exits", "0")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sizes = [await run(spawner, "floods"), await run(spawner, "one_line", str(10 * 2**20)),
             await run(spawner, "complains", str(50 * 2**20))]
    await spawner.aclose()
    print(*sizes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)

asyncio.run(main())
"""
    measured = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    flood, line, complaint, growth_kb = map(int, measured.stdout.split())
    assert (flood, line, complaint) == (100 * MEBI, 10 * MEBI, 4)
    assert growth_kb < 100 * 1024


async def test_closing_the_spawner_ends_every_child(spawner, awkward):
    children = [await spawner.spawn(awkward("never_ends")) for _ in range(3)]
    assert all(Path(f"/proc/{child.pid}").exists() for child in children)
    await spawner.aclose()
    with pytest.raises(ServiceError, match="closing"):
        await spawner.spawn(awkward("never_ends"))
    assert not any(Path(f"/proc/{child.pid}").exists() for child in children)
