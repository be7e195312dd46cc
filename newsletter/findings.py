"""What a look at a newsletter's set-up finds: plain frozen data, which providers make of themselves too."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Literal

from newsletter.errors import Problem

State = Literal["ok", "note", "warning", "error", "skipped"]


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it.

    `skipped`: it was not looked at, or there was no answer; `what` says why.
    """

    looked_at: str
    state: State
    what: str
    fix: str = ""

    @classmethod
    def of(cls, problem: Problem, looked_at: str = "") -> "Finding":
        """A problem as a finding."""
        return cls(problem.where or looked_at, problem.severity, problem.what, problem.fix)


@dataclass(frozen=True)
class ClockReading:
    """Somebody's clock: by how much it was ahead of this machine's."""

    whose: str
    offset: timedelta


@dataclass(frozen=True)
class DnsRecord:
    """A record that a provider wants to see in the DNS; `use` is what for, in words."""

    use: str
    type: Literal["cname", "txt", "mx"]
    host: str
    data: str


@dataclass(frozen=True)
class SenderDomain:
    """The domain that a provider signs for (`d=` of its DKIM signature), with the records that this needs.

    Where it is not `verified` the provider does not use it yet.
    """

    domain: str
    records: tuple[DnsRecord, ...]
    verified: bool = True


@dataclass(frozen=True)
class ProviderReport:
    """What a provider found out about itself.

    `return_path` is the domain of the envelope's sender, which SPF is about; None where it is not known.
    `sender` is None where the provider does not say what it signs for.
    """

    findings: tuple[Finding, ...]
    return_path: str | None = None
    sender: SenderDomain | None = None
    heard: tuple[ClockReading, ...] = ()


def clock_of(whose: str, headers: Message) -> tuple[ClockReading, ...]:
    """The clock of whoever sent an HTTP answer (RFC 9110, 6.6.1), if they said what time it is.

    An answer out of a cache is as old as its `Age`.
    """
    try:
        theirs = parsedate_to_datetime(headers.get("Date", ""))
        age = int(headers.get("Age", "0"))
    except (ValueError, TypeError):
        return ()
    # A date with the zone "-0000" comes without one; it is UTC.
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    return (ClockReading(whose, theirs + timedelta(seconds=age) - datetime.now(UTC)),)
