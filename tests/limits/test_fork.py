"""Test that Ctrl-C is not lost while a process is forked."""

import subprocess
import sys

PROGRAM = """
import os, signal, time
from newsletter.limits import fork

os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    fork.start(lambda pipe: time.sleep(300))
except KeyboardInterrupt:
    print("interrupted")
else:
    print("lost")
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def test_ctrl_c_during_a_fork_is_raised_after_it() -> None:
    """Python ignores an exception in the functions that it calls after a fork; logging has one of them."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("interrupted\nTrue\n", "")
