"""Measure how the time of a regular expression grows with the length of the text, in a process of its own.

The process reads patterns as JSON from standard input, and writes a line before and after each. It has a
limit of processor time: the matcher of `re` cannot be interrupted in any other way.
"""

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.hostile.attacks import Attack, attacks

LARGE = 100_000
MAX_RATIO = 3.0
# Lengths that are tried before LARGE, each with the number of texts, the slowest, that are tried at the next.
_STEPS = ((400, 6), (1_200, 3), (3_600, 2), (10_800, 1), (32_400, 1))
# A linear pattern needs less than a millisecond for the first lengths, a quadratic one for LARGE minutes.
_SLOW_SECONDS = 0.05
_UNMEASURABLE_SECONDS = 0.002
# On a busy machine a single run can take twice its time, and so can the few that follow it at once.
_REPEAT_SECONDS = 1.0


def ratio(run: Callable[[int], Callable[[], object]], large: int) -> float:
    """Return the time for `large` characters divided by that for half of them; 0 if it is too short.

    Other processes only make a run slower: a ratio that is too large is measured for a second, and the least
    times count.
    """
    whole, half = run(large), run(large // 2)
    slow = _seconds(whole)
    if slow < _UNMEASURABLE_SECONDS:
        return 0.0
    fast = _seconds(half)
    end = time.monotonic() + _REPEAT_SECONDS
    while slow > fast * MAX_RATIO and time.monotonic() < end:
        slow, fast = min(slow, _seconds(whole)), min(fast, _seconds(half))
    return slow / max(fast, 1e-6)


def _seconds(action: Callable[[], object]) -> float:
    started = time.thread_time()
    action()
    return time.thread_time() - started


def worst(pattern: str, flags: int, methods: list[str], as_bytes: bool) -> tuple[float, str]:
    """Return the largest ratio of a pattern, and the text that has it."""
    compiled: re.Pattern[Any] = re.compile(pattern.encode("latin-1") if as_bytes else pattern, flags)
    found = (0.0, "")
    for method in methods:
        call = partial(compiled.sub, b"" if as_bytes else "")
        if method in ("match", "fullmatch"):
            call = getattr(compiled, method)
        found = max(found, _worst(call, attacks(pattern, flags), as_bytes))
    return found


def _worst(call: Callable[[Any], object], tried: list[Attack], as_bytes: bool) -> tuple[float, str]:
    def run_of(attack: Attack) -> Callable[[int], Callable[[], object]]:
        def run(length: int) -> Callable[[], object]:
            text = attack.text(length)
            given = text.encode("latin-1", "replace") if as_bytes else text
            return lambda: call(given)

        return run

    for length, kept in _STEPS:
        timed: list[tuple[float, Attack]] = []
        for attack in tried:
            seconds = _seconds(run_of(attack)(length))
            timed.append((seconds, attack))
            if seconds > _SLOW_SECONDS and (found := ratio(run_of(attack), length)) > MAX_RATIO:
                return found, repr(attack)
        tried = [attack for _, attack in sorted(timed, key=lambda pair: -pair[0])[:kept]]
    return max((ratio(run_of(attack), LARGE), repr(attack)) for attack in tried)


def main() -> None:
    """Write the name of each pattern before it is measured, and with its result after it."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    for name, pattern, flags, methods, as_bytes in json.load(sys.stdin):
        print(json.dumps([name]), flush=True)
        print(json.dumps([name, *worst(pattern, flags, methods, as_bytes)]), flush=True)


def measured(patterns: list[tuple[str, str | bytes, int, tuple[str, ...]]], cpu_seconds: int) -> list[str]:
    """Return a sentence for each pattern that is not linear, and for the one at which the time was over.

    A pattern is its name, its source, its flags, and the methods that use it.
    """
    given = [
        (
            name,
            source.decode("latin-1") if isinstance(source, bytes) else source,
            flags,
            methods,
            isinstance(source, bytes),
        )
        for name, source, flags, methods in patterns
    ]
    command = [sys.executable, "-m", __name__, str(cpu_seconds)]
    top = Path(__file__).parents[2]
    process = subprocess.run(command, input=json.dumps(given), text=True, capture_output=True, cwd=top)
    results = [json.loads(line) for line in process.stdout.splitlines()]
    slow = [
        f"{name}: ratio {ratio:.1f} for {attack}"
        for name, ratio, attack in (r for r in results if len(r) == 3)
        if ratio > MAX_RATIO
    ]
    if process.returncode:
        slow.append(f"{results[-1][0]}: stopped ({process.returncode}) {process.stderr}")
    return slow


if __name__ == "__main__":
    main()
