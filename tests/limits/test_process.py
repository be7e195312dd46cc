"""Tests of functions that run in a process with limits of time and memory."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from newsletter.disk.boundary import UnsafeFile
from newsletter.errors import IssueError, LimitReached, NewsError, Problem, TemplateError
from newsletter.limits import fork, process
from newsletter.limits.process import LimitedProcess, Limiter, run_limited
from newsletter.limits.worker import MAX_RESULT_BYTES


@pytest.fixture(scope="module")
def kept() -> Iterator[LimitedProcess]:
    with closing(LimitedProcess(20.0)) as process:
        yield process


@pytest.fixture(params=["forked", "kept"])
def limited(request: pytest.FixtureRequest, kept: LimitedProcess) -> Limiter:
    return run_limited if request.param == "forked" else kept.run


def fail(failure: Exception, cause: Exception | None = None) -> None:
    raise failure from cause


def need_memory(byte_count: int) -> int:
    return len(b"x" * byte_count)


def large(byte_count: int) -> bytes:
    return bytes(byte_count)


def end(number: int) -> None:
    os.kill(os.getpid(), number)


def test_the_result_comes_from_another_process(limited: Limiter) -> None:
    assert limited(divmod, 7, 2) == (3, 1)
    assert limited(int, "11", base=2) == 3
    assert limited(os.getpid) != os.getpid()


@pytest.mark.parametrize(
    "failure",
    [
        TemplateError("is wrong", "correct it", where="footer.txt.j2:1"),
        IssueError([Problem("a.yml:1", "is wrong", "correct it"), Problem("a.yml:2", "too")]),
        UnsafeFile("is a named pipe", "name another file"),
    ],
    ids=["one", "many", "file"],
)
def test_an_error_comes_with_its_problems_and_its_cause(
    limited: Limiter, failure: NewsError | UnsafeFile
) -> None:
    with pytest.raises(type(failure)) as raised:
        limited(fail, failure, ValueError("the cause"))
    assert getattr(raised.value, "problems", None) == getattr(failure, "problems", None)
    assert str(raised.value) == str(failure)
    assert repr(raised.value.__cause__) == "ValueError('the cause')"


class Unpicklable(Exception):
    def __init__(self, what: str, where: str) -> None:
        super().__init__(what)


def raise_unpicklable() -> None:
    raise Unpicklable("cannot travel", "here")


def test_an_exception_that_cannot_be_pickled_keeps_its_text(limited: Limiter) -> None:
    with pytest.raises(RuntimeError, match="Unpicklable: cannot travel"):
        limited(raise_unpicklable)


def test_a_mistake_in_the_program_keeps_its_traceback(limited: Limiter) -> None:
    with pytest.raises(KeyError) as raised:
        limited(fail, KeyError("x"))
    assert "in fail" in "".join(raised.value.__notes__)


def test_too_much_memory_is_refused(limited: Limiter) -> None:
    with pytest.raises(LimitReached, match="needs more than 1024 MB of memory"):
        limited(need_memory, 3_000_000_000)
    assert limited(need_memory, 3_000_000) == 3_000_000


def test_too_large_a_result_is_refused(limited: Limiter) -> None:
    with pytest.raises(LimitReached, match="the finished issue is larger than 64 MB"):
        limited(large, MAX_RESULT_BYTES + 1)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        pytest.param(signal.SIGKILL, "needs more than 1024 MB of memory", id="killed"),
        pytest.param(signal.SIGUSR1, r"has ended \(SIGUSR1\)", id="ended"),
        pytest.param(signal.SIGXCPU, "takes longer than", id="processor-time"),
    ],
)
def test_an_end_of_the_process_is_an_error(number: int, message: str) -> None:
    with pytest.raises(LimitReached, match=message):
        run_limited(end, number)


@pytest.mark.parametrize("compute", ["pow", "sleep"])
def test_a_call_that_takes_too_long_is_killed_and_the_next_one_works(compute: str) -> None:
    with closing(LimitedProcess(1.0)) as process:
        with pytest.raises(LimitReached, match="takes longer than 1 seconds"):
            process.run(pow, 9, 9**9) if compute == "pow" else process.run(time.sleep, 600)
        assert process.run(abs, -1) == 1  # within the same limit: the new process has started before


def test_a_process_that_is_no_fork_works_too() -> None:
    with closing(LimitedProcess(20.0, fork=False)) as process:
        assert process.run(abs, -1) == 1
        with pytest.raises(TemplateError, match="is wrong"):
            process.run(fail, TemplateError("is wrong"))


def test_calls_of_two_threads_follow_each_other(kept: LimitedProcess) -> None:
    async def both() -> list[int]:
        return await asyncio.gather(*(asyncio.to_thread(kept.run, abs, -n) for n in range(20)))

    assert asyncio.run(both()) == list(range(20))


def test_a_fork_of_this_process_leaves_its_processes_alone(kept: LimitedProcess) -> None:
    before = kept.run(os.getpid)
    if not (pid := os.fork()):
        fork.end_all()  # as at the end of a process
        os._exit(0)
    os.waitpid(pid, 0)
    assert kept.run(os.getpid) == before


def test_closing_ends_a_running_call() -> None:
    process = LimitedProcess(600.0)
    failures: list[BaseException] = []

    def call() -> None:
        try:
            process.run(time.sleep, 600)
        except LimitReached as failure:
            failures.append(failure)

    thread = threading.Thread(target=call)
    thread.start()
    while not process._one_call.locked():
        time.sleep(0.01)
    process.close()
    thread.join(60)
    assert len(failures) == 1


PROGRAM = """
import os, sys
from newsletter.limits.process import LimitedProcess, run_limited

def compute():
    print(os.getpid(), flush=True)
    9**9**9

if sys.argv[1] == "forked":
    run_limited(compute)
else:
    process = LimitedProcess(600.0)
    print(process.run(os.getpid), flush=True)
    process.run(pow, 9, 9**9)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("kind", ["forked", "kept"])
def test_signals_end_a_program_in_the_middle_of_a_computation(tmp_path: Path, kind: str, number: int) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, kind], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert program.stdout
    other = int(program.stdout.readline())
    os.kill(program.pid, number)
    assert program.wait(60) != 0
    program.stdout.close()
    if number == signal.SIGTERM:  # nobody is left to end the other process but its limit of processor time
        os.kill(other, signal.SIGKILL)
    while Path(f"/proc/{other}").exists() and "Z" not in Path(f"/proc/{other}/stat").read_text().split()[2]:
        time.sleep(0.01)


INTERRUPTED = """
import os, signal, time
from newsletter.limits.process import run_limited

os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
try:
    run_limited(time.sleep, 600)
except KeyboardInterrupt:
    print(open(f"/proc/self/task/{os.getpid()}/children").read())
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc")
def test_ctrl_c_at_the_moment_of_the_fork_leaves_no_process() -> None:
    """The process of a call is killed at once, and not by its limit of processor time."""
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("", "") and done.stdout


def test_the_system_ends_a_process_that_nobody_kills() -> None:
    """The limit of processor time is that of the call, and two seconds more."""
    import resource

    soft, _ = run_limited(resource.getrlimit, resource.RLIMIT_CPU)
    assert process.MAX_SECONDS < soft <= process.MAX_SECONDS + 3


def test_without_forks_a_thread_has_the_limit_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_CAN_FORK", False)
    monkeypatch.setattr(process, "MAX_SECONDS", 0.05)
    assert run_limited(os.getpid) == os.getpid()
    over = threading.Event()
    with pytest.raises(LimitReached, match=r"takes longer than 0\.05 seconds"):
        run_limited(over.wait)
    over.set()
