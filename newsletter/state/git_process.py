"""Run git with a time-out; at the time-out, or on Ctrl-C, all processes that git started are killed too."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from newsletter.disk.programs import path_outside

# Variables that choose another repository (`git rev-parse --local-env-vars`), or mix lines into the errors.
# GIT_CONFIG_COUNT is one of them, and stays: runners pass credentials in it.
_DROPPED = frozenset(
    {
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX"),
        *("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE"),
        *("GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS", "GIT_NAMESPACE"),
        *("GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_INTERNAL_SUPER_PREFIX", "GIT_CURL_VERBOSE"),
        *("GIT_PUSH_OPTION_COUNT", "GIT_QUARANTINE_PATH", "GIT_PROTOCOL_FROM_USER"),
    }
)
_FIXED = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}
_MAX_ERROR_BYTES = 100_000


@dataclass(frozen=True)
class Reply:
    """The end of a git process: its exit code, None if it was killed at the time-out, and its output."""

    code: int | None
    output: bytes
    errors: str


def git_environment(folder: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a git that asks nothing and uses no program of the work tree of a folder."""
    kept = {
        name: value
        for name, value in inherited.items()
        if name not in _DROPPED and not name.startswith("GIT_TRACE")
    }
    return {**kept, **_FIXED, "PATH": path_outside(folder)}


def run_git(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    content: bytes = b"",
    seconds: float,
    max_bytes: int,
) -> Reply:
    """Run git in a folder with `content` as its input; return its exit code and up to `max_bytes` of output.

    Output goes into files: a program that git leaves behind, such as the master of shared SSH connections,
    would keep a pipe open. Raise OSError if git cannot be started.
    """
    import tempfile

    from newsletter.background import BackgroundTask, TimedOut
    from newsletter.limits.child_program import child_program

    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryFile() as errors,
    ):
        given.write(content)
        given.seek(0)
        code: int | None = None
        with (
            suppress(TimedOut),
            child_program(
                command, cwd=folder, env=environment, stdin=given, stdout=output, stderr=errors
            ) as process,
        ):
            code = BackgroundTask(process.wait, seconds).result()
        output.seek(0)
        errors.seek(0)
        text = errors.read(_MAX_ERROR_BYTES).decode("utf-8", "replace")
        return Reply(code, output.read(max_bytes), text)
