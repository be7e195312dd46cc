"""Findings about a newsletter's set-up, as plain frozen data; providers return findings about themselves."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Literal

from newsletter.errors import Problem

CORRECT_CLOCK = "set this machine's clock, and keep it right (NTP): sudo timedatectl set-ntp true"
_AGE = re.compile(r"[0-9]{1,18}")

State = Literal[
    "ok",  # examined, and without problems
    "note",  # a fact that may be intended
    "warning",  # probably a mistake; a send works
    "error",  # a send fails, or its mail does not arrive
    "skipped",  # not examined, or without a response; `what` is the reason
]


@dataclass(frozen=True)
class Finding:
    """The result of one examination: `looked_at` names its object, `what` is the result, `fix` what to do."""

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
    """A reading of the clock of another machine; `offset` is its time minus this machine's time."""

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
    """Return the clock reading in an HTTP response's headers; empty without a valid one."""
    time = date_of(headers)
    return (ClockReading(whose, time - datetime.now(UTC)),) if time else ()


def date_of(headers: Message) -> datetime | None:
    """Return the time in an HTTP response's `Date` (RFC 9110, 6.6.1); None without a valid one.

    `Age`, which a cache writes into its responses, is added to the `Date`.
    """
    try:
        time = parsedate_to_datetime(headers.get("Date", ""))
        # For the zone "-0000", which is UTC, parsedate_to_datetime returns a time without a zone.
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        age = headers.get("Age", "0").strip()
        return time + timedelta(seconds=int(age) if _AGE.fullmatch(age) else 0)
    except (ValueError, TypeError, OverflowError):
        return None
