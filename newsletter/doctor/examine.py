"""Examine everything that a send depends on, in parallel; change nothing.

`examine` yields the groups of findings in a fixed order; a group that fails does not affect other groups. No
mail is sent, no file is created, and only the test token is used, which unsubscribes nobody.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from newsletter.background import BackgroundTask, TimedOut
from newsletter.checks.mail.one_click import by_mail_only
from newsletter.doctor.clock import clock
from newsletter.doctor.configuration import configuration
from newsletter.doctor.setup import Setup
from newsletter.doctor.state import state
from newsletter.doctor.upcoming import upcoming
from newsletter.errors import NewsError
from newsletter.findings import ClockReading, Finding, ProviderReport
from newsletter.network.connections import IsPublic
from newsletter.network.hosts import is_public

REQUEST_TIMEOUT_SECONDS, GROUP_TIMEOUT_SECONDS = 8.0, 60.0
HIDDEN = "[hidden]"
# Shorter values are not hidden, because they occur in ordinary words.
MIN_HIDDEN_LENGTH = 6


class Group(NamedTuple):
    """The findings on one part of the set-up, under a heading."""

    heading: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ExamineOptions:
    """The options of an examination.

    `online` permits connections; `nameserver` replaces the system's DNS server; `timeout` limits one request
    and `group_timeout` one group, both in seconds. `is_public` decides on which hosts the unsubscribe page is
    requested.
    """

    online: bool = True
    nameserver: str | None = None
    timeout: float = REQUEST_TIMEOUT_SECONDS
    group_timeout: float = GROUP_TIMEOUT_SECONDS
    is_public: IsPublic = is_public


def examine(setup: Setup, options: ExamineOptions | None = None) -> Iterator[Group]:
    """Yield each group of findings as soon as it and all groups before it are complete."""
    examination = _Examination(setup, options or ExamineOptions())
    for heading, look in examination.groups():
        findings = _safely(heading.lower(), look)
        yield Group(heading, tuple(_without_secrets(finding, setup) for finding in findings))


def _safely(label: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield the findings of `look`; if it fails, yield the failure as a finding and end."""
    try:
        yield from look()
    except NewsError as failure:
        yield from (Finding.of(problem, label) for problem in failure.problems)
    except TimedOut as failure:
        yield Finding(label, "skipped", f"not looked at: {failure}", "try again later")
    except Exception as failure:
        what = f"the examination failed ({type(failure).__name__}: {failure})"
        yield Finding(label, "error", what, "this is a bug in news: please report it")


class _Examination:
    """One examination; its parts run in parallel, and some wait for the results of other parts."""

    def __init__(self, setup: Setup, options: ExamineOptions) -> None:
        self._setup, self._options = setup, options
        self._config = setup.config
        self._database = self._start(self._read_database)
        self._provider = self._start(self._ask_provider)
        self._state_ref = self._start(self._read_state_ref)
        self._domain = self._start(lambda: list(self._look_up_domain()))
        self._unsubscribe = self._start(self._ask_unsubscribe)

    def groups(self) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
        yield "Configuration", self.configuration
        yield "State", self.state
        yield "Secrets", self.secrets
        yield "Database", self.database
        yield "Provider", self.provider
        yield "Sender domain", lambda: iter(self._domain.result())
        yield "Unsubscribing", lambda: iter(self._unsubscribe.result()[0])
        yield "Clock", lambda: clock(self._clock_readings())

    def configuration(self) -> Iterator[Finding]:
        yield from configuration(self._setup)
        yield from upcoming(self._setup)

    def state(self) -> Iterator[Finding]:
        yield from state(self._setup)
        yield from _safely("state ref", lambda: iter(self._state_ref.result()))

    def secrets(self) -> Iterator[Finding]:
        from newsletter.doctor.provider import leaves_machine
        from newsletter.doctor.secrets import secrets
        from newsletter.providers.factory import needed_secrets

        newsletter = self._setup.newsletter
        needed = needed_secrets(newsletter.config, newsletter.secrets) if newsletter else ()
        yield from secrets(self._setup, needed, bool(newsletter and leaves_machine(newsletter)))

    def database(self) -> Iterator[Finding]:
        from newsletter.doctor.database import database

        status = self._database.result()
        if status is None:
            yield Finding("database", "skipped", "not asked: --offline")
        else:
            yield from database(self._setup, status)

    def provider(self) -> Iterator[Finding]:
        from newsletter.doctor.provider import slots

        result = self._provider.result()
        if result is None:
            yield _needs_configuration("provider")
            return
        report, free = result
        # A provider reports its missing or misdirected key too.
        told = [finding for finding in self.secrets() if finding.state == "error"]
        names, texts = {finding.looked_at for finding in told}, {finding.what for finding in told}
        rest = [one for one in report.findings if one.looked_at not in names and one.what not in texts]
        yield from rest or [Finding("provider", "skipped", "not asked: first correct the error of its key")]
        yield from slots(free, self._database.result())

    def _start(self, look: Callable[[], object]) -> BackgroundTask[Any]:
        return BackgroundTask(look, self._options.group_timeout)

    def _read_database(self) -> object:
        from newsletter.doctor.database import is_file, read

        setup, options = self._setup, self._options
        return read(setup, options.timeout) if options.online or is_file(setup) else None

    def _read_state_ref(self) -> list[Finding]:
        if self._config is None or self._config.state is None:
            return []
        from newsletter.doctor.state_ref import state_ref

        return list(state_ref(self._setup, online=self._options.online))

    def _ask_provider(self) -> object:
        from newsletter.doctor.provider import examine

        newsletter, options = self._setup.newsletter, self._options
        return examine(newsletter, options.timeout, online=options.online) if newsletter else None

    def _look_up_domain(self) -> Iterator[Finding]:
        if self._config is None:
            yield _needs_configuration("sender domain")
        elif not self._options.online:
            yield Finding("sender domain", "skipped", "not looked up: --offline")
        else:
            from newsletter.doctor.domain import domain
            from newsletter.doctor.resolver import Resolver

            resolver = Resolver(self._options.nameserver, self._options.timeout)
            sender = self._config.sender.domain
            yield from domain(sender, self._provider_report(), resolver)

    def _provider_report(self) -> ProviderReport | None:
        """Return the provider's report, or None if it failed; the group `Provider` has the reason."""
        with suppress(Exception):
            result = self._provider.result()
            return result[0] if result else None
        return None

    def _ask_unsubscribe(self) -> tuple[tuple[Finding, ...], tuple[ClockReading, ...]]:
        label = "unsubscribe.url"
        if self._config is None:
            return (_needs_configuration(label),), ()
        if self._config.unsubscribe.is_by_mail_only:
            return (Finding("unsubscribe.mailto", "warning", *by_mail_only(self._config.provider)),), ()
        if (url := self._config.unsubscribe.url) is None:
            return (
                Finding(label, "ok", "is not used: the provider's unsubscribe group takes its place"),
            ), ()
        if not self._options.online:
            return (Finding(label, "skipped", "not asked: --offline"),), ()
        from newsletter.doctor.unsubscribe import unsubscribe

        report = unsubscribe(url, self._options.timeout, self._options.is_public)
        return report.findings, report.clock_readings

    def _clock_readings(self) -> Iterator[ClockReading]:
        """Yield the available clock readings of the database, the provider and the unsubscribe page."""
        with suppress(Exception):
            clock_offset = getattr(self._database.result(), "clock_offset", None)
            if clock_offset is not None:
                yield ClockReading("the database", clock_offset)
        if report := self._provider_report():
            yield from report.clocks
        with suppress(Exception):
            yield from self._unsubscribe.result()[1]


def _needs_configuration(label: str) -> Finding:
    return Finding(label, "skipped", "not looked at: newsletter.yml cannot be read")


def _without_secrets(finding: Finding, setup: Setup) -> Finding:
    """Return the finding with its secrets hidden: a server, a driver or a library may have quoted some."""
    values = _secret_values(setup)
    looked_at, what, fix = (
        _redacted(values, part) for part in (finding.looked_at, finding.what, finding.fix)
    )
    return Finding(looked_at, finding.state, what, fix)


def _redacted(secrets: list[str], text: str) -> str:
    """Return the text with HIDDEN in place of each secret, also if the secret is truncated by `…`."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
        for length in range(len(secret) - 1, MIN_HIDDEN_LENGTH - 1, -1) if "…" in text else ():
            text = text.replace(f"{secret[:length]}…", f"{HIDDEN}…")
    return text


def _secret_values(setup: Setup) -> list[str]:
    """Return the values to hide, plain and percent-encoded, the longest first.

    They are the values of all variables, and the password in each value that is a URL (NEWS_DATABASE_URL).
    """
    values = {variable.value for variable in setup.variables.values()}
    for value in tuple(values):
        with suppress(ValueError):
            password = urlsplit(value).password or ""
            values |= {password, unquote(password)}
    values |= {quote(value, safe="") for value in values}
    return sorted((value for value in values if len(value) >= MIN_HIDDEN_LENGTH), key=len, reverse=True)
