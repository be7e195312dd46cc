"""The unsubscribe worker under Node: one click as RFC 8058 has it, and nothing on GET."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.fakes import worker
from tests.fakes.web import Fault
from tests.fakes.worker import RunningWorker
from tests.required import need

TOKEN = "2.12." + "0123456789abcdef" * 2
OTHER = "7." + "f" * 32
KEY = {"Authorization": f"Bearer {worker.TOKEN}"}
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


@pytest.fixture(scope="module")
def running() -> Iterator[RunningWorker]:
    need(worker.absent())
    with worker.running() as started:
        yield started


@pytest.fixture
def edge(running: RunningWorker) -> RunningWorker:
    """Return the running worker with an empty table."""
    running.database.connection.execute("delete from leave")
    return running


def ask(
    edge: RunningWorker, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection(urlsplit(edge.url).netloc, timeout=20)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, text


def tokens(edge: RunningWorker) -> list[str]:
    return [token for _, token, _ in edge.rows()]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(
            b"List-Unsubscribe=One-Click",
            {"Content-Type": "application/x-www-form-urlencoded"},
            id="urlencoded",
        ),
        pytest.param(MULTIPART, {"Content-Type": "multipart/form-data; boundary=x"}, id="multipart"),
        pytest.param(None, {}, id="no-body"),
        pytest.param(iter([b"List-", b"Unsubscribe=One-Click"]), {}, id="chunked"),
        pytest.param(b"\xff\x00", {"Origin": "https://mail.example", "Cookie": "a=b"}, id="anything"),
    ],
)
def test_a_post_stores_the_token_without_redirect_cookie_or_script(
    edge: RunningWorker, body: Any, headers: dict[str, str]
) -> None:
    response, page = ask(edge, "POST", f"/leave/{TOKEN}", body, headers)
    assert response.status == 200 and tokens(edge) == [TOKEN]
    assert response.getheader("Location") is None and response.getheader("Set-Cookie") is None
    assert "<script" not in page and "unsubscribed" in page
    assert response.getheader("Referrer-Policy") == "no-referrer"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_the_page_changes_nothing(edge: RunningWorker, method: str) -> None:
    for _ in range(20):
        response, page = ask(edge, method, f"/{TOKEN}")
        assert response.status == 200
    assert edge.rows() == []
    assert method == "HEAD" or '<form method="post"><button>' in page


def test_a_link_works_again_and_again(edge: RunningWorker) -> None:
    for method in ("GET", "POST", "POST", "GET"):
        assert ask(edge, method, f"/{TOKEN.upper()}")[0].status == 200
    assert tokens(edge) == [TOKEN]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/2.12.0123", id="short"),
        pytest.param(f"/{TOKEN}0", id="long"),
        pytest.param(f"/2.{'9' * 30}.{'0' * 32}", id="long-number"),
        pytest.param("/';drop%20table%20leave;--", id="sql"),
        pytest.param("/ada@example.com", id="address"),
    ],
)
def test_nothing_else_is_stored(edge: RunningWorker, path: str) -> None:
    for method in ("GET", "POST"):
        assert ask(edge, method, path)[0].status == 404
    assert edge.rows() == []


def test_the_test_token_is_accepted_and_not_stored(edge: RunningWorker) -> None:
    assert [ask(edge, method, "/test")[0].status for method in ("GET", "POST")] == [200, 200]
    assert edge.rows() == []


def test_an_unsubscription_that_was_not_written_is_not_confirmed(edge: RunningWorker) -> None:
    edge.database.next(Fault.html(500))
    response, page = ask(edge, "POST", f"/{TOKEN}")
    assert response.status == 503 and "unsubscribed" not in page


def test_other_methods_are_refused(edge: RunningWorker) -> None:
    assert ask(edge, "PUT", f"/{TOKEN}", b"")[0].status == 405
    assert ask(edge, "PUT", "/", b"", KEY)[0].status == 405


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": worker.TOKEN},
        {"Authorization": "Bearer undefined"},
    ],
    ids=["none", "wrong", "no-scheme", "undefined"],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_tokens_are_for_the_holder_of_the_key(
    edge: RunningWorker, method: str, headers: dict[str, str]
) -> None:
    edge.put(TOKEN, 1)
    response, page = ask(edge, method, "/?upto=9", headers=headers)
    assert (response.status, page) == (401, "") and tokens(edge) == [TOKEN]


def test_tokens_are_listed_after_an_id_and_deleted_up_to_one(edge: RunningWorker) -> None:
    for token in (TOKEN, OTHER):
        ask(edge, "POST", f"/{token}")
    first, second = (number for number, _, _ in edge.rows())
    listed = json.loads(ask(edge, "GET", "/?after=0", headers=KEY)[1])
    assert [(row["id"], row["token"]) for row in listed] == [(first, TOKEN), (second, OTHER)]
    assert json.loads(ask(edge, "GET", f"/?after={first}", headers=KEY)[1]) == [listed[1]]
    ask(edge, "DELETE", f"/?upto={first}", headers=KEY)
    assert tokens(edge) == [OTHER]


def test_who_leaves_again_gets_a_new_id(edge: RunningWorker) -> None:
    """The id is not used again, also after all rows were deleted: the next pull starts after the last one."""
    ask(edge, "POST", f"/{TOKEN}")
    (before,) = edge.rows()
    ask(edge, "POST", f"/{TOKEN}")
    (repeated,) = edge.rows()
    ask(edge, "DELETE", f"/?upto={repeated[0]}", headers=KEY)
    ask(edge, "POST", f"/{TOKEN}")
    (after,) = edge.rows()
    assert before[0] < repeated[0] < after[0]


def test_the_page_of_one_request_is_limited(edge: RunningWorker) -> None:
    for number in range(1, 502):
        edge.put(f"{number}.{'0' * 32}", 1)
    assert len(json.loads(ask(edge, "GET", "/", headers=KEY)[1])) == 500
