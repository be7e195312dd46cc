"""Whether the database is there, and made for this version; nothing in it is changed."""

from collections.abc import Iterator

from newsletter.doctor.setup import Setup
from newsletter.errors import NewsError
from newsletter.findings import Finding
from newsletter.store import inspection
from newsletter.store.inspection import DatabaseStatus

URL = "NEWS_DATABASE_URL"


def read(setup: Setup, timeout: float) -> DatabaseStatus | NewsError:
    """What the database holds, or why it cannot be said."""
    try:
        return inspection.contents(_given(setup), setup.state, timeout)
    except NewsError as failure:
        return failure


def is_file(setup: Setup) -> bool:
    """Whether looking at it needs no connection."""
    try:
        return inspection.named(_given(setup), setup.state)[1]
    except NewsError:
        return True  # to say so needs none


def database(setup: Setup, found: DatabaseStatus | NewsError) -> Iterator[Finding]:
    """Where it is, whether its tables are those of this version, and how many would get an issue."""
    if setup.variables[URL].state == "malformed":
        yield Finding("database", "skipped", f"not looked at: {URL} is malformed")
        return
    try:
        where, _ = inspection.named(_given(setup), setup.state)
    except NewsError as failure:
        yield from (Finding.of(problem, URL) for problem in failure.problems)
        return
    if isinstance(found, NewsError):
        yield from (Finding(where, "error", problem.what, problem.fix) for problem in found.problems)
        return
    yield from _tables(where, found)
    if not found.writable:
        fix = "check the permissions of the file and its folder, or the rights of the database's user"
        yield Finding(where, "error", "may not be written to, and a send writes down what it does", fix)
    if found.subscribers is not None:
        yield _subscribers(found.subscribers)


def _tables(where: str, found: DatabaseStatus) -> Iterator[Finding]:
    match found.age:
        case "current":
            yield Finding(where, "ok", f"is there, and made for this version ({found.revision})")
        case "missing":
            what = "was not made yet; the first command that needs it makes it"
            fix = "news subscribers import FILE" if found.writable else ""
            yield Finding(where, "note", what, fix)
        case "older":
            what = f"is of an older version ({found.revision}); the next command brings it up to date"
            yield Finding(where, "note", what, "back it up before that")
        case _:
            what = f"was made by a newer news ({found.revision}), and this one cannot use it"
            yield Finding(where, "error", what, "use that version, or a newer one")


def _subscribers(number: int) -> Finding:
    if number == 0:
        what, fix = "nobody is on the list", "news subscribers import FILE"
        return Finding("subscribers", "warning", what, fix)
    return Finding("subscribers", "ok", f"{number:,} would get an issue now")


def _given(setup: Setup) -> str | None:
    given = setup.secrets.database_url
    return given.get_secret_value() if given else None
