"""A DNS server on loopback (UDP) that knows the names it is told, and fails on order."""

import socket
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Fault = Literal["SERVFAIL", "REFUSED", "silent", "late"]
Zone = Mapping[str, Mapping[str, list[str]]]
LATE_SECONDS = 1


class NameServer:
    """Answers from a `zone`: `{"example.com": {"TXT": ["v=spf1 -all"], "CNAME": ["other.example"]}}`.

    A TXT is written as one text, whatever its length. A name with others below it is there, and has no
    records; one that nothing is known of is not. `faults` are by name. `questions` is what was asked.
    """

    def __init__(self, zone: Zone, faults: Mapping[str, Fault] | None = None) -> None:
        self.zone, self.faults = zone, faults or {}
        self.questions: list[tuple[str, str]] = []
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._closing.set()
        self._thread.join()
        self._socket.close()

    @property
    def address(self) -> str:
        """As `--nameserver` takes it."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                wire, client = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            answer = self._answer(dns.message.from_wire(wire))
            if answer is not None:
                self._socket.sendto(answer.to_wire(max_size=65_535), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        self.questions.append((name, kind))
        fault = self.faults.get(name)
        if fault == "silent":
            return None
        if fault == "late":
            time.sleep(LATE_SECONDS)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if fault in ("SERVFAIL", "REFUSED"):
            answer.set_rcode(dns.rcode.from_text(fault))
        else:
            self._fill(answer, name, kind)
        return answer

    def _fill(self, answer: dns.message.Message, name: str, kind: str) -> None:
        """The records of a name, by way of its alias where it has one."""
        known = self.zone.get(name)
        if known is None:
            if not any(other.endswith(f".{name}") for other in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            return
        there = kind if kind in known else "CNAME"
        if texts := [_quoted(text) if there == "TXT" else text for text in known.get(there, ())]:
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", there, texts))
        if there != kind and "CNAME" in known:
            self._fill(answer, known["CNAME"][0].rstrip(".").lower(), kind)


def _quoted(text: str) -> str:
    """In pieces of at most 255 bytes, as a TXT record holds them."""
    pieces = [text[start : start + 255] for start in range(0, max(len(text), 1), 255)]
    return " ".join('"{}"'.format(piece.replace("\\", "\\\\").replace('"', '\\"')) for piece in pieces)
