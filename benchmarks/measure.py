"""Shared functions of the benchmarks: medians, processes and their memory, and a table."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent


@dataclass(frozen=True)
class Run:
    """A finished process: its seconds, CPU seconds, peak memory in KB, and output."""

    seconds: float
    cpu: float
    peak: int
    output: str

    @property
    def megabytes(self) -> float:
        """Return the peak memory in MB (1e6 bytes); raise SystemExit if this process takes more.

        Linux counts the memory of the parent into the peak of a new process, so the process that measures
        must stay small: it imports no module of news.
        """
        if self.peak <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
            raise SystemExit("the benchmark takes more memory than the process that it measures")
        return self.peak * 1024 / 1e6


def seconds(action: Callable[[], object], times: int) -> float:
    """Return the median duration of `times` calls, in seconds."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)


def whole_process(*arguments: str | Path, cwd: Path = REPOSITORY, **environment: str) -> Callable[[], object]:
    """Return a function that runs a process without output; it raises if the process fails."""

    def run() -> object:
        env = {**os.environ, **environment}
        return subprocess.run(arguments, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL)

    return run


def run(*arguments: str | Path, cwd: Path = REPOSITORY, **environment: str) -> Run:
    """Run a process to its end and return its measurements; raise SystemExit if it fails."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        child = subprocess.Popen(arguments, cwd=cwd, env={**os.environ, **environment}, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        duration = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise SystemExit(f"{text}\n{' '.join(map(str, arguments))} exited with {child.returncode}")
    return Run(duration, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, text)


def pairs(ours: Callable[[], Run], theirs: Callable[[], Run], times: int) -> list[tuple[Run, Run]]:
    """Run two processes alternately, so that other load slows both; leave out the first pair."""
    return [(ours(), theirs()) for _ in range(times + 1)][1:]


class OtherLoad:
    """The cores that other processes keep busy: under high load, only ratios are meaningful."""

    def __init__(self) -> None:
        self._start, self._busy, self._own = time.perf_counter(), _busy_seconds(), _own_seconds()

    def cores(self) -> float:
        """Return the average number since the start; own processes that still run are counted as others."""
        others = _busy_seconds() - self._busy - (_own_seconds() - self._own)
        return max(0.0, others) / (time.perf_counter() - self._start)


def _busy_seconds() -> float:
    """Return the CPU seconds of all cores since boot (proc(5)), without interrupts."""
    fields = list(map(int, Path("/proc/stat").read_text().split()[1:9]))
    user, nice, system, _idle, _waiting, _irq, _softirq, stolen = fields
    return (user + nice + system + stolen) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    return sum(os.times()[:4])


def news() -> Path:
    """Return the command `news` of this Python environment."""
    return Path(sys.executable).parent / "news"


def row(*cells: str) -> None:
    """Print a line of a table: the first cell wide, the others aligned right."""
    print(f"{cells[0]:<54}" + "".join(f"{cell:>14}" for cell in cells[1:]), flush=True)
