"""A DNS server on loopback (UDP) with a given zone and given faults."""

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

Fault = Literal[
    "SERVFAIL",  # a response with this code
    "REFUSED",  # a response with this code
    "silent",  # no response
    "late",  # the right response after LATE_SECONDS
]
Zone = Mapping[str, Mapping[str, list[str]]]
LATE_SECONDS = 1


class NameServer:
    """Answer from a `zone`: `{"example.com": {"TXT": ["v=spf1 -all"], "CNAME": ["other.example"]}}`.

    A TXT is one text of any length. A name that is only the parent of others exists without records; other
    unknown names do not exist. `faults` are by name. `questions` has the name and type of each query.
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
        """Return the address and port, as `--nameserver` takes them."""
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
        """Add the records of a name to the answer; follow its alias if it has one."""
        known = self.zone.get(name)
        if known is None:
            if not any(other.endswith(f".{name}") for other in self.zone):
                answer.set_rcode(dns.rcode.NXDOMAIN)
            return
        published = kind if kind in known else "CNAME"
        if texts := [_quoted(text) if published == "TXT" else text for text in known.get(published, ())]:
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", 60, "IN", published, texts))
        if published != kind and "CNAME" in known:
            self._fill(answer, known["CNAME"][0].rstrip(".").lower(), kind)


def _quoted(text: str) -> str:
    """Return the text quoted in pieces of at most 255 bytes, the format of a TXT record."""
    pieces = [text[start : start + 255] for start in range(0, max(len(text), 1), 255)]
    return " ".join('"{}"'.format(piece.replace("\\", "\\\\").replace('"', '\\"')) for piece in pieces)
