"""Examine everything that a send depends on, at the same time; change nothing.

`examine` yields the groups of findings in a fixed order; a group that fails does not affect the others. Only
the test recipient's token is used, no mail is sent, and nothing is created.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from newsletter.background import BackgroundTask, TimedOut
from newsletter.doctor.clock import clock
from newsletter.doctor.configuration import configuration
from newsletter.doctor.setup import Setup
from newsletter.errors import NewsError
from newsletter.findings import ClockReading, Finding, ProviderReport

TIMEOUT, LIMIT = 8.0, 60.0
HIDDEN, SHORTEST = "[hidden]", 6


class Group(NamedTuple):
    """One of the things looked at, and what was found."""

    heading: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ExamineOptions:
    """How to look: with connections or not, whom to ask for the DNS, and for how long to wait, in seconds."""

    online: bool = True
    nameserver: str | None = None
    timeout: float = TIMEOUT
    limit: float = LIMIT


def examine(setup: Setup, manner: ExamineOptions | None = None) -> Iterator[Group]:
    """Each group as soon as it is complete, in the order of a send: what it needs first, first."""
    looks = _Examination(setup, manner or ExamineOptions())
    for heading, look in looks.groups():
        yield Group(heading, tuple(_hidden(one, setup) for one in _safely(heading.lower(), look)))


def _safely(label: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look finds, to where it fails; a failure is a finding."""
    try:
        yield from look()
    except NewsError as failure:
        yield from (Finding.of(problem, label) for problem in failure.problems)
    except TimedOut as failure:
        yield Finding(label, "skipped", f"not looked at: {failure}", "try again later")
    except Exception as failure:
        what = f"could not be looked at ({type(failure).__name__}: {failure})"
        yield Finding(label, "error", what, "this should not happen: please report it")


class _Examination:
    """The looks of one examination, and what they hand to each other."""

    def __init__(self, setup: Setup, manner: ExamineOptions) -> None:
        self._setup, self._manner = setup, manner
        self._config = setup.config
        self._database = self._start(self._read_database)
        self._provider = self._start(self._ask_provider)
        self._domain = self._start(lambda: list(self._look_up_domain()))
        self._unsubscribe = self._start(self._ask_unsubscribe)

    def groups(self) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
        yield "Configuration", lambda: configuration(self._setup)
        yield "Secrets", self.secrets
        yield "Database", self.database
        yield "Provider", self.provider
        yield "Sender domain", lambda: iter(self._domain.result())
        yield "Unsubscribing", lambda: iter(self._unsubscribe.result()[0])
        yield "Clock", lambda: clock(self._heard())

    def secrets(self) -> Iterator[Finding]:
        from newsletter.doctor.provider import leaves_machine
        from newsletter.doctor.secrets import secrets
        from newsletter.providers.factory import needed_secrets

        newsletter = self._setup.newsletter
        needed = needed_secrets(newsletter.config) if newsletter else ()
        yield from secrets(self._setup, needed, bool(newsletter and leaves_machine(newsletter)))

    def database(self) -> Iterator[Finding]:
        from newsletter.doctor.database import database

        found = self._database.result()
        if found is None:
            yield Finding("database", "skipped", "not asked: --offline")
        else:
            yield from database(self._setup, found)

    def provider(self) -> Iterator[Finding]:
        from newsletter.doctor.provider import slots

        result = self._provider.result()
        if result is None:
            yield _needs_configuration("provider")
            return
        examined, free = result
        yield from examined.findings
        yield from slots(free, self._database.result())

    def _start(self, look: Callable[[], object]) -> BackgroundTask:  # type: ignore[type-arg]
        return BackgroundTask(look, self._manner.limit)

    def _read_database(self) -> object:
        from newsletter.doctor.database import is_file, read

        setup, manner = self._setup, self._manner
        return read(setup, manner.timeout) if manner.online or is_file(setup) else None

    def _ask_provider(self) -> object:
        from newsletter.doctor.provider import examine

        newsletter, manner = self._setup.newsletter, self._manner
        return examine(newsletter, manner.timeout, online=manner.online) if newsletter else None

    def _look_up_domain(self) -> Iterator[Finding]:
        if self._config is None:
            yield _needs_configuration("sender domain")
        elif not self._manner.online:
            yield Finding("sender domain", "skipped", "not looked up: --offline")
        else:
            from newsletter.doctor.domain import domain
            from newsletter.doctor.resolver import Resolver

            resolver = Resolver(self._manner.nameserver, self._manner.timeout)
            sender = self._config.sender.email.rpartition("@")[2].lower()
            yield from domain(sender, self._examined(), resolver)

    def _examined(self) -> ProviderReport | None:
        """What the provider says of itself; its own group tells why it says nothing."""
        with suppress(Exception):
            result = self._provider.result()
            return result[0] if result else None
        return None

    def _ask_unsubscribe(self) -> tuple[tuple[Finding, ...], tuple[ClockReading, ...]]:
        label = "unsubscribe.url"
        if self._config is None:
            return (_needs_configuration(label),), ()
        if (url := self._config.unsubscribe.url) is None:
            return (Finding(label, "ok", "is not used: the provider's unsubscribe group answers"),), ()
        if not self._manner.online:
            return (Finding(label, "skipped", "not asked: --offline"),), ()
        from newsletter.doctor.unsubscribe import unsubscribe

        asked = unsubscribe(url, self._manner.timeout)
        return asked.findings, asked.heard

    def _heard(self) -> Iterator[ClockReading]:
        """Everybody's clock, of those who said what time it is."""
        with suppress(Exception):
            clock_offset = getattr(self._database.result(), "clock_offset", None)
            if clock_offset is not None:
                yield ClockReading("the database", clock_offset)
        if examined := self._examined():
            yield from examined.heard
        with suppress(Exception):
            yield from self._unsubscribe.result()[1]


def _needs_configuration(label: str) -> Finding:
    return Finding(label, "skipped", "not looked at: newsletter.yml cannot be read")


def _hidden(finding: Finding, setup: Setup) -> Finding:
    """The finding without any secret in it, whoever has quoted one: a server, a driver, a library."""
    values = _values(setup)
    looked_at, what, fix = (_without(values, part) for part in (finding.looked_at, finding.what, finding.fix))
    return Finding(looked_at, finding.state, what, fix)


def _without(secrets: list[str], text: str) -> str:
    """A text without any of the secrets, also where it was cut off in the middle of one."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
        for length in range(len(secret) - 1, SHORTEST - 1, -1) if "…" in text else ():
            text = text.replace(f"{secret[:length]}…", f"{HIDDEN}…")
    return text


def _values(setup: Setup) -> list[str]:
    """What must be seen nowhere, as it is and as addresses write it, the longest first.

    Of a database's address the password is such by itself. What is shorter than `SHORTEST` stands in too many
    words.
    """
    values = {one.value for one in setup.variables.values()}
    for value in tuple(values):
        with suppress(ValueError):
            password = urlsplit(value).password or ""
            values |= {password, unquote(password)}
    values |= {quote(value, safe="") for value in values}
    return sorted((one for one in values if len(one) >= SHORTEST), key=len, reverse=True)
