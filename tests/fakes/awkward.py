"""Programs as they are: one awkward habit each. `python -I -S awkward.py HABIT [ARGUMENT]`."""

import os
import signal
import sys
import time

LINE = b"x" * 65536


def put(data: bytes, to: int = 1) -> None:
    while data:
        data = data[os.write(to, data) :]


def fill(size: int, to: int) -> None:
    for _ in range(size // len(LINE)):
        put(LINE, to)
    put(LINE[: size % len(LINE)], to)


def forever() -> None:
    while True:
        signal.pause()


def one_line(size: str) -> None:
    fill(int(size) - 1, 1)
    put(b"\n")


def floods(_: str) -> None:
    while True:
        put(LINE)


def complains(size: str) -> None:
    fill(int(size), 2)
    put(b"the last words", 2)
    put(b"done")


def drips(hexadecimal: str) -> None:
    """Writes byte by byte, each one when the reader can have seen the one before."""
    for byte in bytes.fromhex(hexadecimal):
        put(bytes([byte]))
        time.sleep(0.002)


def counts_input(_: str) -> None:
    size = 0
    while data := os.read(0, 65536):
        size += len(data)
    put(b"%d bytes" % size)


def echoes_as_it_reads(_: str) -> None:
    """Answers before it has read all: a writer that writes all before it reads would hang."""
    while data := os.read(0, 65536):
        put(data)


def repeats_arguments(*arguments: str) -> None:
    put("\n".join(arguments).encode())


def ignores_term(_: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    put(b"ready")
    forever()


def ends_politely(_: str) -> None:
    def on_term(*_: object) -> None:
        put(b"bye")
        os._exit(7)

    signal.signal(signal.SIGTERM, on_term)
    put(b"ready")
    forever()


def never_ends(_: str) -> None:
    put(b"ready")
    forever()


def exits_without_reading(_: str) -> None:
    put(b"no need to ask")


def leaves_a_grandchild(_: str) -> None:
    """Exits while a grandchild holds all of its streams, for ever."""
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        forever()
    put(b"mine is done")


def leaves_a_writer(_: str) -> None:
    """Exits before the last of its pipeline has written its last."""
    read_end, write_end = os.pipe()
    if os.fork() == 0:
        os.close(write_end)
        os.read(read_end, 1)  # until the parent has gone
        put(b"the end")
        os._exit(0)


def exits(code: str) -> None:
    sys.exit(int(code))


def dies(number: str) -> None:
    os.kill(os.getpid(), int(number))


def asks_for_a_login(_: str) -> None:
    """As a program that wants a password from the terminal, whatever its standard input is."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
        put(b"Password: ", terminal)
        os.read(terminal, 100)
    except OSError:
        put(b"Not signed in, and there is no terminal to ask on.", 2)
        sys.exit(41)


def waits_for_a_login(*where: str) -> None:
    """Asks, and waits for an answer that never comes, whatever its standard input is."""
    while os.read(0, 65536):
        pass
    put("/".join(where[1:]).encode(), int(where[0]))
    forever()


def says(*what: str) -> None:
    """`says OUT ERR CODE`."""
    put(what[0].encode())
    put(what[1].encode(), 2)
    sys.exit(int(what[2]))


def reads_a_file(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123 - without pathlib it starts at once
        put(path.encode() + b"|" + oct(os.fstat(file.fileno()).st_mode & 0o777).encode() + b"|" + file.read())


def ends_at_its_term(_: str) -> None:
    """Exits 0 without a word when it is told to end, as some do."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    os.kill(os.getpid(), signal.SIGTERM)
    forever()


def tells_environment(_: str) -> None:
    put("\n".join(f"{name}={value}" for name, value in os.environ.items()).encode())


def tells_signals(_: str) -> None:
    """Which signals it was started with as ignored."""
    ignored = [number.name for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN]
    put(" ".join(sorted(ignored)).encode())


def tells_files(_: str) -> None:
    """Which descriptors it was given, and where it is."""
    files = sorted(os.listdir("/proc/self/fd"), key=int)  # noqa: PTH208 - without pathlib it starts at once
    put(" ".join(files).encode() + b"|" + os.fsencode(os.getcwd()))  # noqa: PTH109 - likewise


if __name__ == "__main__":
    globals()[sys.argv[1]](*(sys.argv[2:] or [""]))
