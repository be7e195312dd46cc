"""Any request at all: whatever is sent, the answer is no failure, no redirect and no cookie."""

import asyncio
import json
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.web.app import app
from newsletter.web.headers import _HEADERS, _NO_INDEX
from tests import samples
from tests.fakes.sendgrid_webhook import WebhookSigner, event
from tests.fakes.sendgrid_webhook import body as body_of
from tests.web.visitors import PublicServer, served

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X"]
SAFE = ("GET", "HEAD", "OPTIONS")
Headers = Sequence[tuple[str, bytes]]
SIGNER = WebhookSigner()
PATHS = [
    *("/", "/subscribe", "/lost", "/site.css", "/healthz", "/webhooks/sendgrid", "/webhooks/other"),
    *("/confirm/{confirm}", "/unsubscribe/{token}", "/undo/{token}", "/unsubscribe/test", "/me/{data}"),
    *("/me/{data}/leave", "/me/{data}/erase", "/me/{data}/data.json", "/me/{data}/data.csv"),
]
SAM = "sam@example.com"
RUNS = settings(deadline=None)

# Bytes of a path as they stand in a request; what is no ASCII is written with %.
_PIECES = st.one_of(
    st.sampled_from(
        [
            "/",
            "//",
            "..",
            ".",
            "%2e%2e",
            "%2F",
            "%00",
            "%ff",
            "%0d%0a",
            "%",
            "?",
            ";",
            "{token}",
            "{data}",
            "%25",
        ]
    ),
    st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@%", max_size=12),
    st.binary(max_size=6).map(lambda data: "".join(f"%{byte:02X}" for byte in data)),
)
_ANY_PATHS = st.lists(_PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces))
_KNOWN_PATHS = st.tuples(st.sampled_from(PATHS), _ANY_PATHS | st.just("")).map("".join)
_NAMES = st.sampled_from(
    [
        *(
            "Content-Type",
            "Content-Encoding",
            "Accept",
            "Accept-Language",
            "Cookie",
            "Origin",
            "Referer",
            "Range",
        ),
        *(
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-HTTP-Method-Override",
            "If-None-Match",
        ),
        *("X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp", "Upgrade"),
    ]
)
_VALUES = st.one_of(
    st.sampled_from(
        [
            *(
                b"application/x-www-form-urlencoded",
                b"multipart/form-data",
                b"multipart/form-data; boundary=a",
            ),
            *(
                b"application/json",
                b"text/html; charset=utf-16",
                b"gzip",
                b"bytes=0-1,5-",
                b"a=b; c=d",
                b"*",
                b"",
            ),
        ]
    ),
    st.binary(max_size=40).map(lambda data: data.translate(None, b"\r\n\0").strip()),
)
_HEADER_LISTS = st.lists(st.tuples(_NAMES, _VALUES), max_size=4)
_TEXTS = st.text(max_size=30) | st.sampled_from(
    [SAM, "new@example.com", "yes", "a@b", "x" * 5000, "\0", "\ud800"]
)
_FIELD_NAMES = st.sampled_from(["address", "company", "sure", "time", "", "List-Unsubscribe"]) | _TEXTS


def _form(fields: list[tuple[str, str]]) -> bytes:
    quoted = [
        "=".join("".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass")) for text in field)
        for field in fields
    ]
    return "&".join(quoted).encode()


_BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=100),
    st.lists(st.tuples(_FIELD_NAMES, _TEXTS), max_size=12).map(_form),
    st.sampled_from(
        [b"List-Unsubscribe=One-Click", b"x" * 100_000, b"&" * 4096, b"[" * 4000, b"\xef\xbb\xbf"]
    ),
)


@dataclass(frozen=True)
class Reply:
    """The answer to a request."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicServer]:
    """Serve a newsletter for the whole module; no limit is within reach."""
    extra = (
        f"serve: {{rate: 100k/s, rate_per_network: 100k/s}}\nsendgrid: {{webhook_key: {SIGNER.public_key}}}\n"
    )
    with served(tmp_path_factory.mktemp("served"), extra=extra) as opened:
        opened.sign_up("waits@example.com")
        yield opened


def tokens(server: PublicServer) -> dict[str, str]:
    """Return the tokens of a sign-up that waits and of a subscriber, who is added if there is none."""
    number = max((row.id for row in server.rows("subscriber")), default=0)
    number = number or server.add(f"reader{len(server.rows('suppressed'))}@example.com")
    (sign_up,) = [row for row in server.rows("sign_up") if row.address == "waits@example.com"]
    paths = server.confirm_path(sign_up.id), server.unsubscribe_path(number), server.data_path(number)
    return dict(zip(("confirm", "token", "data"), (path.rpartition("/")[2] for path in paths), strict=True))


def ask(server: PublicServer, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Reply:
    """Call the application as uvicorn calls it for these bytes; a client would correct some of them."""
    raw_path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "server": ("127.0.0.1", 8080),
        "client": ("203.0.113.7", 1),
        "root_path": "",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value) for name, value in headers],
    }
    sent: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(app(server.context)(scope, receive, send))  # type: ignore[arg-type]
    start, *parts = sent
    names = [name.decode() for name, _ in start["headers"]]
    assert len(names) == len(set(names)), names
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], found, b"".join(part.get("body", b"") for part in parts))


def assert_strict(answer: Reply, path: str) -> None:
    """Assert what is true of each answer."""
    assert answer.status < 500, answer.body
    assert not 300 <= answer.status < 400
    assert not {"set-cookie", "location", "refresh", "server"} & set(answer.headers)
    assert {name: answer.headers.get(name.lower()) for name in _HEADERS} == _HEADERS
    is_for_all = unquote(path) in ("/", "/subscribe")
    assert answer.headers["x-robots-tag"] == _NO_INDEX or is_for_all
    assert answer.headers["cache-control"] == "no-store" or is_for_all or unquote(path) == "/site.css"


def judge(server: PublicServer, method: str, path: str, headers: Headers, body: bytes) -> None:
    """Send a request and assert what is true of each; the tokens of {links} are filled in."""
    for name, token in tokens(server).items():
        path = path.replace(f"{{{name}}}", token)
    before = server.contents()
    answer = ask(server, method, path, headers, body)
    assert_strict(answer, path.partition("?")[0])
    if method in SAFE:
        assert server.contents() == before
    if method == "HEAD":
        assert answer.status == ask(server, "GET", path, headers, body).status


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=8, deadline=None)
@given(headers=_HEADER_LISTS, body=_BODIES)
def test_each_page_answers_any_headers_and_body(
    server: PublicServer, method: str, path: str, headers: Headers, body: bytes
) -> None:
    judge(server, method, path, headers, body)


@RUNS
@given(st.sampled_from(METHODS), _KNOWN_PATHS | _ANY_PATHS, _HEADER_LISTS, _BODIES)
def test_any_path_is_answered(
    server: PublicServer, method: str, path: str, headers: Headers, body: bytes
) -> None:
    judge(server, method, path, headers, body)


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_a_page_does_not_have_changes_nothing(path: str, server: PublicServer) -> None:
    asked = path.format(**tokens(server))
    before = server.contents()
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X"):
        answer = ask(server, method, asked, body=b"address=x%40example.com&sure=yes")
        assert_strict(answer, path)
        assert answer.status == (404 if path == "/webhooks/other" else 405), method
    assert server.contents() == before


def mutations(token: str) -> Iterator[str]:
    """Yield a token with each byte changed, left out and doubled, as it stands in a path."""
    for place, character in enumerate(token):
        start, end = token[:place], token[place + 1 :]
        for flipped in (1, 2, 0x80):
            yield f"{start}%{ord(character) ^ flipped:02x}{end}"
        yield start + end
        yield start + character * 2 + end


POSTS = [
    pytest.param("confirm", "/confirm/{}", id="confirm"),
    pytest.param("token", "/unsubscribe/{}", id="unsubscribe"),
    pytest.param("data", "/me/{}/erase", id="erase"),
]


@pytest.mark.parametrize(("kind", "path"), POSTS)
def test_a_token_with_one_wrong_byte_changes_nothing(kind: str, path: str, server: PublicServer) -> None:
    token = tokens(server)[kind]
    before = server.contents()
    for mutated in mutations(token):
        answer = ask(server, "POST", path.format(mutated), body=b"sure=yes")
        assert_strict(answer, path)
        assert answer.status in (404, 405), mutated
    assert server.contents() == before


@pytest.mark.parametrize(("kind", "path"), POSTS)
def test_a_token_of_another_purpose_changes_nothing(kind: str, path: str, server: PublicServer) -> None:
    others = [token for name, token in tokens(server).items() if name != kind]
    before = server.contents()
    for token in others:
        for changed in (token, token[2:], f"c.{token}", f"d.{token}", f"c{token[1:]}", f"d{token[1:]}"):
            assert ask(server, "POST", path.format(changed), body=b"sure=yes").status == 404, changed
    assert server.contents() == before


_LIST = "the-soup-letter.example.com"
_NAMES_OF_EVENT = st.sampled_from(
    sorted(event("bounce", samples.NOW, news_mail="confirm", type="", status=""))
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
# Events about a subscriber, of which some properties have any value.
_EVENTS = st.tuples(
    st.sampled_from(["delivered", "bounce", "dropped", "spamreport", "unsubscribe", "group_resubscribe"]),
    st.dictionaries(_NAMES_OF_EVENT, _JSON, max_size=3),
).map(lambda parts: event(parts[0], samples.NOW, news_list=_LIST) | parts[1])


@RUNS
@given(
    st.lists(_EVENTS, max_size=3).map(body_of)
    | _JSON.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60)
)
def test_signed_nonsense_is_answered(server: PublicServer, body: bytes) -> None:
    """SendGrid would post it again for a day after a failure."""
    signature, timestamp = SIGNER.sign(body, server.clock.now)
    headers = [
        ("X-Twilio-Email-Event-Webhook-Signature", signature.encode()),
        ("X-Twilio-Email-Event-Webhook-Timestamp", timestamp.encode()),
    ]
    answer = ask(server, "POST", "/webhooks/sendgrid", headers, body)
    assert_strict(answer, "/webhooks/sendgrid")
    assert server.context.newsletter.list_id == _LIST
    assert answer.status in (204, 400)
