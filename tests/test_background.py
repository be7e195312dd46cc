"""Functions in daemon threads. The tests of the pool are in tests/sending/test_call_pool.py."""

import asyncio
import subprocess
import sys
import threading

import pytest

from newsletter.background import BackgroundTask, TimedOut, run_in_thread


def fail() -> None:
    raise TimeoutError("raised by the function")


def test_a_task_returns_what_its_function_returns() -> None:
    task = BackgroundTask(lambda: 3, 5)
    assert [task.result(), task.result()] == [3, 3]
    assert BackgroundTask(lambda: None).result() is None


def test_a_task_raises_what_its_function_raises() -> None:
    with pytest.raises(TimeoutError, match="raised by the function") as raised:
        BackgroundTask(fail, 5).result()
    assert not isinstance(raised.value, TimedOut)


def test_a_task_may_take_so_long_from_its_start() -> None:
    over = threading.Event()
    task = BackgroundTask(over.wait, 0.05)
    for _ in range(2):
        with pytest.raises(TimedOut, match="did not end in time"):
            task.result()
    over.set()


def test_a_coroutine_gets_what_the_function_does() -> None:
    assert asyncio.run(run_in_thread(divmod, 7, 2)) == (3, 1)
    with pytest.raises(TimeoutError, match="raised by the function") as raised:
        asyncio.run(run_in_thread(fail))
    assert not isinstance(raised.value, TimedOut)


@pytest.mark.parametrize(
    "start",
    [
        pytest.param("background.BackgroundTask(hang)", id="task"),
        pytest.param("pool = background.ThreadedPool(1); pool.submit(hang)", id="pool"),
    ],
)
def test_a_thread_that_hangs_does_not_delay_the_exit(start: str) -> None:
    assert exit_code(start) == 0


def test_exit_now_ends_the_program_while_a_task_runs() -> None:
    after = "background.exit_now(0.05); raise SystemExit(3)"
    assert exit_code(f"background.BackgroundTask(hang); {after}") == 0
    assert exit_code(f"background.BackgroundTask(int).result(); {after}") == 3


def exit_code(statements: str) -> int:
    program = (
        f"import threading\nfrom newsletter import background\nhang = threading.Event().wait\n{statements}"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    return done.returncode
