"""Questions to the DNS, each asked once, with an answer for each way that one can end."""

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

State = Literal["found", "no name", "no record", "unanswered"]
Kind = Literal["TXT", "CNAME", "MX", "A", "AAAA"]
# How many questions in a row may stay without an answer before no more are asked.
PATIENCE = 2


@dataclass(frozen=True)
class DnsResponse:
    """The records of a name; `why` there is no answer, in words."""

    state: State
    records: tuple[str, ...] = ()
    why: str = ""


class Resolver:
    """The system's resolver, or a `nameserver` (`ADDRESS`, `ADDRESS:PORT`, `[IPv6]:PORT`); raises ValueError.

    `timeout` is for one question, in seconds. Safe to use from several threads.
    """

    def __init__(self, nameserver: str | None = None, timeout: float = 5) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, Kind], DnsResponse] = {}
        self._silent = 0
        self._broken = ""
        self._resolver = dns.resolver.Resolver(configure=False)
        if nameserver:
            address, port = parsed(nameserver)
            self._resolver.nameservers, self._resolver.port = [address], port
        else:
            self._configure()
        self._resolver.timeout, self._resolver.lifetime = timeout / 2, timeout

    def ask(self, name: str, kind: Kind) -> DnsResponse:
        """What the DNS says; the same question is asked once."""
        key = (name.lower().rstrip("."), kind)
        with self._lock:
            if key in self._known:
                return self._known[key]
            if self._broken or self._silent >= PATIENCE:
                return DnsResponse("unanswered", why=self._broken or "the DNS did not answer before either")
        answer = self._asked(*key)
        fields = {"record": name, "kind": kind, "state": answer.state, "reason": answer.why or None}
        log.debug("DNS asked", extra=fields)
        with self._lock:
            self._known[key] = answer
        return answer

    def _configure(self) -> None:
        try:
            self._resolver = dns.resolver.Resolver()
        except (dns.exception.DNSException, OSError):
            self._broken = "this machine names no DNS server; name one with --nameserver"

    def _asked(self, name: str, kind: Kind) -> DnsResponse:
        try:
            found = self._resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return self._heard(DnsResponse("no name"))
        except dns.exception.Timeout:
            with self._lock:
                self._silent += 1
            return DnsResponse("unanswered", why="the DNS server did not answer in time")
        except dns.resolver.NoNameservers as failure:
            return self._heard(DnsResponse("unanswered", why=_refusal(str(failure))))
        except (dns.exception.DNSException, OSError, UnicodeError) as failure:
            return DnsResponse("unanswered", why=printable(str(failure) or type(failure).__name__, 200))
        records = tuple(map(_text, found.rrset or ()))
        return self._heard(DnsResponse("found", records) if records else DnsResponse("no record"))

    def _heard(self, answer: DnsResponse) -> DnsResponse:
        with self._lock:
            self._silent = 0
        return answer


def parsed(nameserver: str) -> tuple[str, int]:
    """The address and the port of a DNS server, 53 where none is named; raises ValueError."""
    host, colon, port = nameserver.rpartition(":")
    if not colon or ("]" not in host and ":" in host):
        host, port = nameserver, "53"
    address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(nameserver)
    return str(address), int(port)


def _text(record: object) -> str:
    """A record as one text: of a TXT its pieces joined (RFC 7208, 3.3), of an MX its host."""
    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, MX):
        return f"{record.preference} {_name(record.exchange)}"
    return _name(getattr(record, "target", None) or str(record))


def _name(name: object) -> str:
    text = name.to_text(omit_final_dot=True) if isinstance(name, dns.name.Name) else str(name)
    return text.lower()


def _refusal(words: str) -> str:
    for code, meaning in (
        (
            "SERVFAIL",
            "the DNS server reports a fault (SERVFAIL): often broken DNSSEC, or dead name servers",
        ),
        ("REFUSED", "the DNS server refuses to answer (REFUSED)"),
    ):
        if code in words:
            return meaning
    return printable(words, 200)
