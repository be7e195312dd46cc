"""Run a program in a terminal of 80 columns, and type into it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_WAIT_SECONDS = 60.0
_SILENCE_SECONDS = 5.0
_PAUSE_SECONDS = 0.2
_CTRL_C = b"\x03"
_QUESTION = b": "


def run(
    program: Sequence[str], folder: Path, typed: Sequence[bytes], environment: Mapping[str, str]
) -> tuple[int, str]:
    """Type one entry at each question of a program; return its exit code and its output, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is a signal

    process = subprocess.Popen(
        program,
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "80"} | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(theirs)
    try:
        output = _converse(ours, list(typed))
        return process.wait(_WAIT_SECONDS), output.decode("utf-8", "replace").replace("\r\n", "\n")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _converse(terminal: int, typed: list[bytes]) -> bytes:
    """Return what a program shows until it ends."""
    output, last = b"", b""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        if not select.select([terminal], [], [], _SILENCE_SECONDS)[0]:
            if last == _CTRL_C:  # it came too early
                os.write(terminal, _CTRL_C)
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        output += part
        if typed and output.endswith(_QUESTION):
            last = typed.pop(0)
            if last == _CTRL_C:
                # A signal between the question and the start of the read has no effect before the next one.
                time.sleep(_PAUSE_SECONDS)
            os.write(terminal, last)
    return output
