"""Findings about a newsletter's set-up, as plain frozen data; providers return them about themselves too."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Literal

from newsletter.errors import Problem

State = Literal[
    "ok",  # examined, and without problems
    "note",  # a fact that may be intended
    "warning",  # probably a mistake; a send works
    "error",  # a send fails, or its mail does not arrive
    "skipped",  # not examined, or without a response; `what` is the reason
]


@dataclass(frozen=True)
class Finding:
    """The result of examining one thing: `looked_at` names it, `what` is the result, `fix` is what to do."""

    looked_at: str
    state: State
    what: str
    fix: str = ""

    @classmethod
    def of(cls, problem: Problem, looked_at: str = "") -> "Finding":
        """Return a problem as a finding."""
        return cls(problem.where or looked_at, problem.severity, problem.what, problem.fix)


@dataclass(frozen=True)
class ClockReading:
    """The clock of another machine; `offset` is how far it was ahead of this machine's clock."""

    whose: str
    offset: timedelta


@dataclass(frozen=True)
class DnsRecord:
    """A DNS record that a provider requires; `use` is its purpose in words."""

    use: str
    type: Literal["cname", "txt", "mx"]
    host: str
    data: str


@dataclass(frozen=True)
class SenderDomain:
    """The domain that a provider signs for (`d=` of its DKIM signature), and the DNS records that it needs.

    The provider uses the domain only once it is `verified`.
    """

    domain: str
    records: tuple[DnsRecord, ...]
    verified: bool = True


@dataclass(frozen=True)
class ProviderReport:
    """A provider's findings about itself.

    `return_path` is the domain of the envelope sender, which SPF checks; None if it is not known.
    `sender` is None if the provider does not report the domain that it signs for.
    `clocks` are the clocks of the servers that it asked.
    """

    findings: tuple[Finding, ...]
    return_path: str | None = None
    sender: SenderDomain | None = None
    clocks: tuple[ClockReading, ...] = ()


def clock_of(whose: str, headers: Message) -> tuple[ClockReading, ...]:
    """Return the clock of the server that sent an HTTP response, if it has a `Date` (RFC 9110, 6.6.1).

    A response from a cache is as old as its `Age`.
    """
    try:
        server_time = parsedate_to_datetime(headers.get("Date", ""))
        age = int(headers.get("Age", "0"))
    except (ValueError, TypeError):
        return ()
    # parsedate_to_datetime returns a date with the zone "-0000" without a zone; it is UTC.
    server_time = server_time if server_time.tzinfo else server_time.replace(tzinfo=UTC)
    return (ClockReading(whose, server_time + timedelta(seconds=age) - datetime.now(UTC)),)
