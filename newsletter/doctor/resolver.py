"""Query the DNS, each question once; a failure is returned as a response."""

import ipaddress
import logging
import threading
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from newsletter.display import printable

log = logging.getLogger(__name__)

State = Literal[
    "found",  # there are records of this kind
    "no name",  # the name does not exist (NXDOMAIN)
    "no record",  # the name exists but has no record of this kind
    "unanswered",  # there is no usable response; `why` is the reason
]
Kind = Literal["TXT", "CNAME", "MX", "A", "AAAA"]
# After this number of consecutive time-outs, no more questions are sent.
MAX_CONSECUTIVE_TIMEOUTS = 2


@dataclass(frozen=True)
class DnsResponse:
    """The response to a question: the records of a name, or the reason (`why`) if it is unanswered."""

    state: State
    records: tuple[str, ...] = ()
    reason: str = ""


class Resolver:
    """Query the system's DNS server, or `nameserver` (`ADDRESS`, `ADDRESS:PORT`, `[IPv6]:PORT`).

    `timeout` is for one question, in seconds. Raise ValueError if `nameserver` is malformed. Several threads
    may use one resolver.
    """

    def __init__(self, nameserver: str | None = None, timeout: float = 5) -> None:
        self._lock = threading.Lock()
        self._responses: dict[tuple[str, Kind], DnsResponse] = {}
        self._timeouts = 0
        self._failure = ""
        self._resolver = dns.resolver.Resolver(configure=False)
        if nameserver:
            address, port = parse_nameserver(nameserver)
            self._resolver.nameservers, self._resolver.port = [address], port
        else:
            self._configure()
        self._resolver.timeout, self._resolver.lifetime = timeout / 2, timeout

    def ask(self, name: str, kind: Kind) -> DnsResponse:
        """Return the response to a question; a repeated question gets the stored response."""
        key = (name.lower().rstrip("."), kind)
        with self._lock:
            if key in self._responses:
                return self._responses[key]
            if self._failure or self._timeouts >= MAX_CONSECUTIVE_TIMEOUTS:
                return DnsResponse(
                    "unanswered", reason=self._failure or "the DNS did not answer the questions before"
                )
        answer = self._query(*key)
        fields = {"record": name, "kind": kind, "state": answer.state, "reason": answer.reason or None}
        log.debug("DNS asked", extra=fields)
        with self._lock:
            self._responses[key] = answer
        return answer

    def _configure(self) -> None:
        try:
            self._resolver = dns.resolver.Resolver()
        except (dns.exception.DNSException, OSError):
            self._failure = "this machine has no DNS server configured; name one with --nameserver"

    def _query(self, name: str, kind: Kind) -> DnsResponse:
        try:
            response = self._resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return self._answered(DnsResponse("no name"))
        except dns.exception.Timeout:
            with self._lock:
                self._timeouts += 1
            return DnsResponse("unanswered", reason="the DNS server did not answer in time")
        except dns.resolver.NoNameservers as failure:
            return self._answered(DnsResponse("unanswered", reason=_refusal_reason(str(failure))))
        except (dns.exception.DNSException, OSError, UnicodeError) as failure:
            return DnsResponse("unanswered", reason=printable(str(failure) or type(failure).__name__, 200))
        records = tuple(map(_text, response.rrset or ()))
        return self._answered(DnsResponse("found", records) if records else DnsResponse("no record"))

    def _answered(self, answer: DnsResponse) -> DnsResponse:
        with self._lock:
            self._timeouts = 0
        return answer


def parse_nameserver(nameserver: str) -> tuple[str, int]:
    """Return the IP address and the port (by default 53) of a DNS server; raise ValueError if malformed."""
    host, colon, port = nameserver.rpartition(":")
    if not colon or ("]" not in host and ":" in host):
        host, port = nameserver, "53"
    address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(nameserver)
    return str(address), int(port)


def _text(record: object) -> str:
    """Return a record as text: a TXT with its pieces joined (RFC 7208, 3.3), an MX with its preference."""
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX):
        return f"{record.preference} {_name(record.exchange)}"
    return _name(getattr(record, "target", None) or str(record))


def _name(name: object) -> str:
    text = name.to_text(omit_final_dot=True) if isinstance(name, dns.name.Name) else str(name)
    return text.lower()


def _refusal_reason(message: str) -> str:
    for code, meaning in (
        (
            "SERVFAIL",
            "the DNS server reports a failure (SERVFAIL): often broken DNSSEC, or name servers that are down",
        ),
        ("REFUSED", "the DNS server refuses to answer (REFUSED)"),
    ):
        if code in message:
            return meaning
    return printable(message, 200)
