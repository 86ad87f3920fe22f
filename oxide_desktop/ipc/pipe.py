"""The local socket on Windows: a named pipe that only this user may open.

Written from Microsoft's documentation and CPython's own use of these calls, type-checked for win32, not yet run there.
"""

# ruff: noqa: PLC0415 - pywin32 and the proactor are needed by the server only; the shim imports this too

from __future__ import annotations

import sys

if sys.platform == "win32":
    import _winapi
    import asyncio
    import io
    import time
    from collections.abc import Callable
    from typing import Any

    _BUFFER = 65536
    _SQOS_IDENTIFICATION = 0x0011_0000  # SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION: who serves cannot act as us
    _REJECT_REMOTE_CLIENTS = 0x8
    _ERROR_PIPE_BUSY = 231

    class _RawPipe(io.RawIOBase):
        """A pipe handle as a byte stream. Overlapped, so that one thread can write while another reads."""

        def __init__(self, handle: int, timeout_s: float) -> None:
            self._handle = handle
            self.timeout_s: float | None = timeout_s

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
            try:
                overlapped, _ = _winapi.ReadFile(self._handle, len(buffer), overlapped=True)
            except OSError:
                return 0  # broken or closed: the end
            limit_ms = _winapi.INFINITE if self.timeout_s is None else int(self.timeout_s * 1000)
            if _winapi.WaitForMultipleObjects([overlapped.event], False, limit_ms) != 0:  # noqa: FBT003 - its shape
                overlapped.cancel()
                raise TimeoutError("the other side of the pipe is silent")
            count, _ = overlapped.GetOverlappedResult(False)  # noqa: FBT003 - its shape
            buffer[:count] = (overlapped.getbuffer() or b"")[:count]
            return count

        def send(self, data: bytes) -> int:
            """Write a piece of it; answers how much."""
            overlapped, _ = _winapi.WriteFile(self._handle, data, overlapped=True)
            count, _ = overlapped.GetOverlappedResult(True)  # noqa: FBT003 - its shape
            return count

        def close(self) -> None:
            if not self.closed:
                super().close()
                _winapi.CloseHandle(self._handle)

    class PipeConnection:
        """A pipe handle, buffered for reading; writes go straight through, whole."""

        def __init__(self, raw: _RawPipe) -> None:
            self._raw = raw
            self._incoming = io.BufferedReader(raw, _BUFFER)

        def readline(self) -> bytes:
            """The next line."""
            return self._incoming.readline()

        def write(self, data: bytes) -> None:
            """Send all of it."""
            sent = 0
            while sent < len(data):
                sent += self._raw.send(data[sent : sent + _BUFFER])

        def settimeout(self, timeout_s: float | None) -> None:
            """Let reads fail after that long."""
            self._raw.timeout_s = timeout_s

        def close(self) -> None:
            """Close the handle, which ends a read that waits."""
            self._raw.close()

    def connect(address: str, timeout_s: float) -> PipeConnection:
        """Open the pipe of that name.

        Raises:
            OSError: Nobody serves it, or all its instances stayed busy for that long.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
                flags = _winapi.FILE_FLAG_OVERLAPPED | _SQOS_IDENTIFICATION
                handle = _winapi.CreateFile(
                    address, access, 0, _winapi.NULL, _winapi.OPEN_EXISTING, flags, _winapi.NULL
                )
                return PipeConnection(_RawPipe(handle, timeout_s))
            except OSError as error:
                left_ms = int((deadline - time.monotonic()) * 1000)
                if error.winerror != _ERROR_PIPE_BUSY or left_ms <= 0:
                    raise
                _winapi.WaitNamedPipe(address, left_ms)

    def _for_this_user() -> Any:  # noqa: ANN401 - a type of pywin32
        import win32api  # type: ignore[import-untyped]  # pywin32 carries no types
        import win32security  # type: ignore[import-untyped]  # as above

        token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32security.TOKEN_QUERY)
        user = win32security.GetTokenInformation(token, win32security.TokenUser)[0]
        allowed = win32security.ACL()
        allowed.AddAccessAllowedAce(win32security.ACL_REVISION, 0x1F01FF, user)  # FILE_ALL_ACCESS
        descriptor = win32security.SECURITY_DESCRIPTOR()
        descriptor.SetSecurityDescriptorDacl(1, allowed, 0)
        attributes = win32security.SECURITY_ATTRIBUTES()
        attributes.SECURITY_DESCRIPTOR = descriptor
        return attributes

    def _new_instance(address: str, *, first: bool) -> int:
        import pywintypes  # type: ignore[import-untyped]  # pywin32 carries no types
        import win32pipe  # type: ignore[import-untyped]  # as above

        access = _winapi.PIPE_ACCESS_DUPLEX | _winapi.FILE_FLAG_OVERLAPPED
        if first:
            access |= _winapi.FILE_FLAG_FIRST_PIPE_INSTANCE
        try:
            handle = win32pipe.CreateNamedPipe(
                address,
                access,
                _winapi.PIPE_WAIT | _REJECT_REMOTE_CLIENTS,  # bytes, not messages, are the default
                _winapi.PIPE_UNLIMITED_INSTANCES,
                _BUFFER,
                _BUFFER,
                0,
                _for_this_user(),
            )
        except pywintypes.error as error:  # no OSError, though it stands for one
            raise OSError(None, error.strerror, address, error.winerror) from error
        return int(handle.Detach())

    class PipeServer:
        """Accepts clients on a pipe, one instance after the other, as asyncio's own does, but with an access list.

        Raises:
            PermissionError: Somebody serves that name already: only the first instance may be made as such.
        """

        def __init__(self, address: str, protocol: Callable[[], asyncio.BaseProtocol]) -> None:
            self._address = address
            self._protocol = protocol
            self._next = _new_instance(address, first=True)

        async def serve(self) -> None:
            """Accept until cancelled. Needs a proactor loop, which asyncio and qasync both have on Windows."""
            from asyncio.windows_utils import PipeHandle

            loop: Any = asyncio.get_running_loop()
            while True:
                pipe = PipeHandle(self._next)
                try:
                    await loop._proactor.accept_pipe(pipe)  # noqa: SLF001 - asyncio offers no access list in public
                except BrokenPipeError:  # a client that came and went before it was let in (ERROR_NO_DATA)
                    self._next = _new_instance(self._address, first=False)  # before the name would vanish
                    pipe.close()
                    continue
                except BaseException:  # cancelled, or it failed: nobody else has this end
                    pipe.close()
                    raise
                self._next = _new_instance(self._address, first=False)
                loop._make_duplex_pipe_transport(pipe, self._protocol())  # noqa: SLF001 - as above
