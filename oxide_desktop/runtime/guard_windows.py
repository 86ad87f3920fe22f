"""The guard on Windows: it puts itself into a job object that dies with its last handle, then starts the program.

Untried: written from Microsoft's documentation of job objects (`JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE`), of
`GenerateConsoleCtrlEvent` and of process creation; types are checked. The app stays out of the job, or the browsers
that it opens would die with it. The guard holds the only handle: whatever becomes of it, the system ends the tree.
"""

from __future__ import annotations

import ctypes
import msvcrt
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from ctypes import wintypes

from oxide_desktop.runtime.guard_protocol import Job, receive_job, report

assert sys.platform == "win32"  # noqa: S101 - tells mypy which system's names are known

JOB_OBJECT_EXTENDED_LIMIT_INFORMATION = 9
JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE = 0x2000


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION."""

    _fields_ = (
        ("per_process_user_time", wintypes.LARGE_INTEGER),
        ("per_job_user_time", wintypes.LARGE_INTEGER),
        ("limit_flags", wintypes.DWORD),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_processes", wintypes.DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority_class", wintypes.DWORD),
        ("scheduling_class", wintypes.DWORD),
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("basic", BasicLimits),
        ("io_counters", ctypes.c_ulonglong * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def run(control_handle: int, status_handle: int) -> int:
    """Run one program in a job of its own until it ends or may not go on."""
    control = msvcrt.open_osfhandle(control_handle, os.O_RDONLY | os.O_BINARY)
    status = msvcrt.open_osfhandle(status_handle, os.O_BINARY)
    for handle in (control_handle, status_handle):
        os.set_handle_inheritable(handle, False)  # noqa: FBT003 - its signature
    enter_job()
    job = receive_job(control)
    if job is None:
        return 1
    program = start(job, status)
    if program is None:
        return 1
    events: queue.SimpleQueue[float | None] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(control, events), daemon=True).start()
    threading.Thread(target=await_end, args=(program, events), daemon=True).start()
    code = watch(program, events)
    report(status, f"code {code}")
    return 0  # with this process the last handle to the job goes, and with that the tree


def enter_job() -> None:
    """Put this process, and so all that will come of it, into a job that ends with us."""
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.CreateJobObjectW.restype = wintypes.HANDLE
    kernel.CreateJobObjectW.argtypes = (wintypes.LPVOID, wintypes.LPCWSTR)
    kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, wintypes.LPVOID, wintypes.DWORD)
    kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    limits = ExtendedLimits()
    limits.basic.limit_flags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    job = kernel.CreateJobObjectW(None, None)
    if not (
        job
        and kernel.SetInformationJobObject(
            job, JOB_OBJECT_EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
        )
        and kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess())
    ):
        raise ctypes.WinError(ctypes.get_last_error())


def start(job: Job, status: int) -> subprocess.Popen[bytes] | None:  # noqa: TID251 - the spawner's other half
    """Start the program on our own standard streams, in a group that can be asked to end."""
    cwd = os.fsdecode(job.cwd) or None
    if cwd and not os.path.isdir(cwd):  # noqa: PTH112 - pathlib costs a guard 5 ms
        report(status, "failed 2 cwd")
        return None
    try:
        program = subprocess.Popen(  # noqa: S603, TID251 - as above; an argument list, no shell
            [os.fsdecode(part) for part in job.argv],
            env={os.fsdecode(name): os.fsdecode(value) for name, value in job.env.items()},
            cwd=cwd,
            stdin=0,  # named, since a child inherits no other handles
            stdout=1,
            stderr=2,
            creationflags=subprocess.CREATE_NEW_PROCESS_GROUP,
        )
    except OSError as error:
        report(status, f"failed {error.errno or 22} program")
        return None
    for stream in (0, 1, 2):
        os.close(stream)
    report(status, f"pid {os.getpid()} {program.pid}")
    return program


def ask_to_end(program: subprocess.Popen[bytes]) -> None:  # noqa: TID251 - as above
    """Send what a console program takes for Ctrl-Break. One that has no console is killed when its time is up."""
    try:
        program.send_signal(signal.CTRL_BREAK_EVENT)
    except OSError:
        return


def listen(control: int, events: queue.SimpleQueue[float | None]) -> None:
    """Hand on how long the program may still run; none at all once the app has gone."""
    rest = b""
    while data := read(control):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            events.put(float(line.removeprefix(b"stop ")))
    events.put(0.0)


def await_end(program: subprocess.Popen[bytes], events: queue.SimpleQueue[float | None]) -> None:  # noqa: TID251
    """Hand on that the program has ended."""
    program.wait()
    events.put(None)


def read(control: int) -> bytes:
    """What comes; nothing once the pipe is broken."""
    try:
        return os.read(control, 4096)
    except OSError:
        return b""


def watch(program: subprocess.Popen[bytes], events: queue.SimpleQueue[float | None]) -> int:  # noqa: TID251 - as above
    """Until the program has ended, or its time is up; its exit code."""
    deadline: float | None = None
    while True:
        try:
            grace_s = events.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if grace_s is None:
            break
        if deadline is None and grace_s > 0:
            ask_to_end(program)
        until = time.monotonic() + grace_s
        deadline = until if deadline is None else min(until, deadline)
    if program.poll() is None:
        program.kill()
    return program.wait()
