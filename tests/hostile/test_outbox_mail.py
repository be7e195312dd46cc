"""A mail in the outbox may be from anybody: it is decoded in a time that its length bounds, or refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter.checks.tags import Tags
from newsletter.preview import mail_views, outbox_message
from newsletter.preview.outbox import Outbox
from newsletter.preview.outbox_message import OutboxMessage
from tests.hostile.growth import MAX_RATIO, ratio

_HEAD = b"From: a@example.com\nTo: b@example.com\nSubject: Soup\nMIME-Version: 1.0\n"
_UNSUBSCRIBE = "https://soup.example.com/leave/v2.Abcdefgh-1"


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Outbox]:
    (tmp_path / "new").mkdir()

    def put(raw: bytes) -> Outbox:
        (tmp_path / "new" / "a.eml").write_bytes(raw)
        return Outbox(tmp_path)

    return put


def _opened(outbox: Outbox) -> OutboxMessage:
    message = outbox.open("a.eml")
    assert message
    return message


def _in(charset: str) -> bytes:
    return _HEAD + f"Content-Type: text/html; charset={charset}\n\n".encode()


@pytest.mark.parametrize("charset", ["punycode", "-puny code", "idna", "utf-7", "unicode_escape", "x"])
def test_a_charset_that_is_not_of_mail_is_read_as_utf_8(put: Callable[[bytes], Outbox], charset: str) -> None:
    outbox = put(_in(f'"{charset}"') + "a-z9 \\x41 +AGE- é".encode())
    assert _opened(outbox).html == "a-z9 \\x41 +AGE- é"


@pytest.mark.parametrize("charset", ["rot13", "hex", "bz2", "undefined", "*=%41", "", "a\0b", "é"])
def test_a_part_in_no_charset_is_still_shown(put: Callable[[bytes], Outbox], charset: str) -> None:
    assert _opened(put(_in(charset) + b"soup")).html == "soup"


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("ISO-8859-15", "iso8859-15"), ("windows-1251", "cp1251"), ("Shift_JIS", "shift_jis"), ("GBK", "gbk")],
)
def test_charsets_of_mail_are_decoded(put: Callable[[bytes], Outbox], charset: str, codec: str) -> None:
    text = {"iso8859-15": "€", "cp1251": "борщ", "shift_jis": "汁", "gbk": "汤"}[codec]
    assert _opened(put(_in(charset) + text.encode(codec))).html == text


def test_the_time_for_a_part_grows_like_its_length(put: Callable[[bytes], Outbox]) -> None:
    def run(length: int) -> Callable[[], object]:
        raw = _in("punycode") + b"a-" + b"z9" * (length // 2)
        return lambda: put(raw).open("a.eml")

    assert ratio(run, 200_000) <= MAX_RATIO


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Subject: =?punycode?q?bcher-kva?=", id="encoded-word"),
        pytest.param("Subject: =?-Puny_code?b?YmNoZXIta3Zh?=", id="encoded-word-in-base64"),
        pytest.param("Subject: =?=punycode?q?bcher-kva?=", id="encoded-word-with-a-sign"),
        pytest.param("Subject: x =?a=?punycode?q?bcher-kva?=", id="encoded-word-in-another"),
        pytest.param("To: =?punycode*en?q?bcher-kva?= <b@example.com>", id="name"),
        pytest.param("Content-Disposition: inline; filename*=punycode''bcher-kva", id="parameter"),
        pytest.param("Content-Type: text/html; name*=\"p\\unycode''bcher-kva\"", id="quoted-parameter"),
    ],
)
def test_the_charsets_of_headers_are_those_of_mail(put: Callable[[bytes], Outbox], header: str) -> None:
    outbox = put(header.encode() + b"\n\nsoup")
    shown = _opened(outbox).headers[0][1]
    assert "bcher-kva" in shown
    (entry,) = outbox.messages()[1]
    assert "bcher-kva" in entry.to + entry.subject or header.startswith("Content")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(
            b"Content-Type: multipart/alternative; boundary=a\n\n" + b"--a\n\n" * 51, "50 parts", id="parts"
        ),
        pytest.param(
            b"Content-Type: message/delivery-status\n\n" + b"a: b\n\n" * 60, "50 parts", id="delivery-status"
        ),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 400, "50 parts", id="messages-in-messages"),
        pytest.param(b"a: b\n" * 100_001, "100,000 lines", id="headers"),
        pytest.param(b"\n" + b"\r" * 100_001, "100,000 lines", id="lines"),
        pytest.param(b"\n" + b"a" * 5_000_001, "5 MB", id="size"),
    ],
)
def test_a_mail_beyond_a_limit_is_refused(put: Callable[[bytes], Outbox], body: bytes, reason: str) -> None:
    message = _opened(put(_HEAD + body))
    for shown in (message.text, message.html):
        assert f"more than {reason}" in shown
        assert "Source" in shown and "mail program" in shown
    assert message.source.startswith("From: a@example.com")


def test_as_many_headers_are_shown_as_a_reader_can_use(put: Callable[[bytes], Outbox]) -> None:
    message = _opened(put(_HEAD + b"X-A: b\n" * 5_000 + b"\nsoup"))
    assert len(message.headers) < 600
    assert "4,504 more" in message.headers[-1][1]
    assert message.text == "soup"


_CONTINUED = b"".join(b" a*%d*=%%41;\n" % number for number in range(20_000))


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Type: text/html;\n" + _CONTINUED, id="parameters"),
        pytest.param(b"Content-Type: text/html; a*=x; a*0*=y\n", id="parameter-without-number"),
        pytest.param(b"Content-Type: multipart/mixed; boundary*=x''; boundary*0=y\n", id="boundary"),
        pytest.param(b"Content-Type: text/html; a*" + b"9" * 5_000 + b"*=y\n", id="long-number"),
        pytest.param(b"Content-Type: text/html; charset*=punycode''x; charset*0=y\n", id="charset"),
        pytest.param(b"Content-Disposition: ;a*=x; a*0*=y\n", id="disposition"),
        pytest.param(b"Content-Transfer-Encoding: base64\nContent-Type: text/html\n", id="base64"),
        pytest.param(b'To: <>,;:@["\nDate: 99999999999999999999\nMessage-ID: <\n', id="addresses"),
        pytest.param(b"Content-Type: \n", id="no-type"),
        pytest.param(b": \n:\nTo\n", id="no-names"),
    ],
)
def test_malformed_headers_are_answered(put: Callable[[bytes], Outbox], head: bytes) -> None:
    outbox = put(head + b"\nx")
    assert _opened(outbox).source.endswith("x")
    assert outbox.messages()[0] == 1


def test_a_part_that_cannot_be_decoded_says_so(put: Callable[[bytes], Outbox]) -> None:
    message = _opened(put(_HEAD + b"Content-Type: text/html; a*=x; a*0*=y; charset=utf-8\n\nx"))
    assert "cannot be decoded" in message.html and "Source" in message.html


def test_the_list_reads_the_start_of_long_headers(put: Callable[[bytes], Outbox]) -> None:
    (entry,) = put(b"To: " + b'"a" ' * 4_000 + b"\nSubject: Soup\n\n").messages()[1]
    assert (len(entry.to), entry.subject) == (300, "Soup")


def test_every_charset_of_mail_has_a_codec() -> None:
    for charset in outbox_message.CHARSETS:
        assert isinstance(b"".decode(charset), str)


_ADDRESS = _UNSUBSCRIBE.partition(":")[2]


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(f'<a href="{_UNSUBSCRIBE}">', id="double-quotes"),
        pytest.param(f"<a href='{_UNSUBSCRIBE}'>", id="single-quotes"),
        pytest.param(f"<a href={_UNSUBSCRIBE}>", id="no-quotes"),
        pytest.param(f'<a href=" {_UNSUBSCRIBE}">', id="blank"),
        pytest.param(f'<a href="&#104;ttps:{_ADDRESS}">', id="character-reference"),
        pytest.param(f'<a href="&#x68ttps&colon;{_ADDRESS}">', id="other-references"),
        pytest.param(f'<a href="HTTPS:{_ADDRESS}">', id="capitals"),
        pytest.param(f'<A HREF \n=\n"{_UNSUBSCRIBE}">', id="blanks-around-the-sign"),
        pytest.param(f'<a/href="{_ADDRESS}">', id="no-scheme"),
        pytest.param(f'<a href="https:{_ADDRESS[2:]}">', id="no-slashes"),
        pytest.param(f'<a href="https:{_ADDRESS.replace("/", chr(92))}">', id="backslashes"),
        pytest.param(f'<a href="{_UNSUBSCRIBE[:12]}\n\t{_UNSUBSCRIBE[12:]}">', id="line-end-within"),
        pytest.param(f'<a href="{_UNSUBSCRIBE.replace("Abc", "%41bc")}">', id="percent"),
        pytest.param(f'<a href="{_UNSUBSCRIBE.replace("/leave", ":443/x/../leave")}#x">', id="port-and-dots"),
        pytest.param(f'<a href="{_UNSUBSCRIBE}', id="no-end"),
        pytest.param(f'<a title=\'href="\' href="{_UNSUBSCRIBE}">', id="quotes-in-quotes"),
        pytest.param(f'<a title="href=" href="{_UNSUBSCRIBE}">', id="name-in-quotes"),
        pytest.param(f'<a title=href=\'x href="{_UNSUBSCRIBE}">', id="quote-without-end"),
        pytest.param(
            f"<a href={_UNSUBSCRIBE.replace('/leave', '/x' + chr(31) + '/../leave')}>", id="control"
        ),
        pytest.param(f'<svg><a xlink:href="{_UNSUBSCRIBE}"><text y="20">', id="svg"),
        pytest.param(f'<map><area href="{_UNSUBSCRIBE}">', id="area"),
    ],
)
def test_no_link_of_an_opened_mail_unsubscribes(put: Callable[[bytes], Outbox], link: str) -> None:
    listed = f"List-Unsubscribe: <mailto:a@example.com>, <{_UNSUBSCRIBE}>\n".encode()
    other = '<a href="https://soup.example.com/leek?a=b&amp;c=d">soup</a>'
    message = _opened(put(listed + _in("utf-8") + f"{other}{link}leave</a>".encode()))
    assert message.html.startswith(other)
    assert not _live_links(message.html, _UNSUBSCRIBE)


def test_a_short_address_disables_every_link_to_its_host(put: Callable[[bytes], Outbox]) -> None:
    listed = b"List-Unsubscribe: <HTTPS://soup.example.com/u?1>\n"
    html = (
        '<a href="https://soup.example.com:443/x/../u?1">1</a><a href="//s%6fup.example.com/u?1">2</a>'
        '<a href="https://\uff53oup.example.com/u?1">3</a><a href="https://leek.example.com/u?1">4</a>'
    )
    shown = _opened(put(listed + _in("utf-8") + html.encode())).html
    assert shown.count('href="#unsubscribe"') == 3
    assert '<a href="https://leek.example.com/u?1">4</a>' in shown


def test_a_link_that_an_animation_would_set_is_disabled() -> None:
    html = f'<svg><a><set attributeName = "href" to="{_UNSUBSCRIBE}"/><animate ATTRIBUTENAME=href>'
    assert "attributename" not in mail_views.without_links(html).lower().replace("x-attributename", "")


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param('href="', id="quotes"),
        pytest.param("href=", id="nested"),
        pytest.param("href='href=\"", id="both-quotes"),
        pytest.param("href ", id="names"),
        pytest.param('href="https:&#104;%41" ', id="links"),
        pytest.param("&#1", id="references"),
        pytest.param(" ", id="blanks"),
    ],
)
def test_disabling_links_takes_time_like_the_length(put: Callable[[bytes], Outbox], piece: str) -> None:
    head = f"List-Unsubscribe: {f'<{_UNSUBSCRIBE}>, ' * 20}\n".encode() + _in("utf-8") + b"<a href="

    def run(length: int) -> Callable[[], object]:
        raw = head + piece.encode() * (length // len(piece))
        return lambda: put(raw).open("a.eml")

    assert ratio(run, 200_000) <= MAX_RATIO


def _live_links(html: str, address: str) -> list[str]:
    """Return the links to an address that a browser finds in the HTML."""
    token = address.rpartition("/")[2]
    return [
        str(attributes)
        for tag in Tags(html + '">').tags
        for attributes in tag.attributes
        if attributes[0].endswith("href") and not attributes[0].startswith("x-")
        if token.lower() in str(attributes[1]).replace("%41", "A").lower()
    ]
