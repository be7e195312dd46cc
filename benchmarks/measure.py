"""What the benchmarks share: medians, whole processes, a table."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


def seconds(action: Callable[[], object], times: int) -> float:
    """The median of so many runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def whole_process(*arguments: str | Path, cwd: Path = REPOSITORY, **environment: str) -> Callable[[], object]:
    """A whole process, its output thrown away; fails where the process does."""

    def run() -> object:
        env = {**os.environ, **environment}
        return subprocess.run(arguments, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL)

    return run


def peak_megabytes(*arguments: str | Path, cwd: Path, **environment: str) -> tuple[float, float]:
    """Peak memory of a process in MB (1e6 bytes), and its seconds."""
    start = time.perf_counter()
    child = subprocess.Popen(arguments, cwd=cwd, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments} ended with {child.returncode}")
    return usage.ru_maxrss * 1024 / 1e6, time.perf_counter() - start


def news() -> Path:
    """The command of the environment that this runs in."""
    return Path(sys.executable).parent / "news"


def row(*cells: str) -> None:
    """A line of a table: the first cell wide, the others to the right."""
    print(f"{cells[0]:<46}" + "".join(f"{cell:>14}" for cell in cells[1:]), flush=True)
