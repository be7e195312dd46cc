"""What the benchmarks share: medians, whole processes and their memory, a table."""

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
    """A whole process that went well: its seconds, processor seconds, peak memory in KB, and output."""

    seconds: float
    cpu: float
    peak: int
    output: str

    @property
    def megabytes(self) -> float:
        """Its peak memory in MB (1e6 bytes).

        Linux counts the memory of whoever starts a process as that process's own peak, so the one who
        measures must stay small: nothing of the newsletter is imported there.
        """
        if self.peak <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
            raise SystemExit("the benchmark itself takes more memory than what it measures")
        return self.peak * 1024 / 1e6


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


def run(*arguments: str | Path, cwd: Path = REPOSITORY, **environment: str) -> Run:
    """Runs a process to its end; raises SystemExit where it fails."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        child = subprocess.Popen(arguments, cwd=cwd, env={**os.environ, **environment}, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        taken = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read()
    if child.returncode:
        raise SystemExit(f"{said}\n{' '.join(map(str, arguments))} ended with {child.returncode}")
    return Run(taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, said)


def pairs(ours: Callable[[], Run], theirs: Callable[[], Run], times: int) -> list[tuple[Run, Run]]:
    """Run two processes in turn, so that other load slows both; leave out the first pair."""
    return [(ours(), theirs()) for _ in range(times + 1)][1:]


class Elsewhere:
    """How many cores other people's processes keep busy: with much of that, only ratios are worth reading."""

    def __init__(self) -> None:
        self._start, self._busy, self._ours = time.perf_counter(), _busy_seconds(), _our_seconds()

    def cores(self) -> float:
        """On average, since the beginning; what of ours still runs is counted as others'."""
        others = _busy_seconds() - self._busy - (_our_seconds() - self._ours)
        return max(0.0, others) / (time.perf_counter() - self._start)


def _busy_seconds() -> float:
    """Of all cores together, since the machine was started (proc(5)); interrupts are nobody's."""
    counted = list(map(int, Path("/proc/stat").read_text().split()[1:9]))
    user, nice, system, _idle, _waiting, _irq, _softirq, stolen = counted
    return (user + nice + system + stolen) / os.sysconf("SC_CLK_TCK")


def _our_seconds() -> float:
    return sum(os.times()[:4])


def news() -> Path:
    """The command of the environment that this runs in."""
    return Path(sys.executable).parent / "news"


def row(*cells: str) -> None:
    """A line of a table: the first cell wide, the others to the right."""
    print(f"{cells[0]:<54}" + "".join(f"{cell:>14}" for cell in cells[1:]), flush=True)
