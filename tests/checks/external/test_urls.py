"""Tests of requesting links and pictures, from a proxy on this machine that plays the web."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.checks.external import url_checker
from newsletter.checks.external.url_checker import Limits, UrlResult, ask
from newsletter.checks.external.urls import link_answers, link_problem
from newsletter.checks.proof import Proof
from newsletter.checks.registry import ONLINE
from newsletter.checks.runner import run
from newsletter.errors import Problem
from tests import samples
from tests.checks.material import opened
from tests.fakes.proxy import ProxyFake
from tests.fakes.web import Fault, Reply

PAGE = Reply(200, b"<p>soup</p>", {"Content-Type": "text/html"})
LEEK, BLEND = "http://soup.example.com/leek", "http://soup.example.com/blend"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProxyFake]:
    """Start the web; an address that is not in its `pages` has the status 404."""
    with ProxyFake({LEEK: PAGE, BLEND: PAGE}) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
def proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Proof]:
    """Return a function that makes the proof of a mail with this HTML."""
    monkeypatch.chdir(tmp_path)

    def with_html(html: str) -> Proof:
        return opened(tmp_path, html=f'<html lang="en"><body>{html}</body></html>')

    return with_html


def links(*addresses: str) -> str:
    return "".join(f'<a href="{address}">soup</a>' for address in addresses)


def problem_lines(problems: list[Problem]) -> list[str]:
    return [f"{problem.severity}: {problem.what}" for problem in problems]


def test_links_that_respond_are_listed(web: ProxyFake, proof: Callable[[str], Proof]) -> None:
    read = proof(links(LEEK, BLEND, LEEK, "[[unsubscribe_url]]", "mailto:cook@example.com"))
    (note,) = run(read, ONLINE)
    assert note.what == "2 links; 2 requested now, 0 within the last day"
    assert note.severity == "note" and note.check == "links-answer"
    assert [line.split()[0] for line in note.details] == ["200", "200"] and LEEK in note.details[0]
    assert sorted(web.asked()) == [f"HEAD {BLEND}", f"HEAD {LEEK}"]
    assert "news/" in web.requests[0].headers["User-Agent"] and "Authorization" not in web.requests[0].headers


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(Reply(404), "error: there is no such page: 404", id="404"),
        pytest.param(Reply(410), "error: there is no such page: 410", id="410"),
        pytest.param(Reply(403), "note: responds to programs with 403", id="403"),
        pytest.param(Reply(999), "note: responds to programs with 999", id="999"),
        pytest.param(Reply(500), "warning: responds with 500", id="500"),
        pytest.param(Reply(301, b"", {"Location": BLEND}), f"note: has moved to {BLEND}", id="moved"),
        pytest.param(Reply(301, b"", {"Location": "/blend"}), f"note: has moved to {BLEND}", id="relative"),
        pytest.param(
            Reply(301, b"", {"Location": LEEK}), "warning: does not respond: more than 5", id="circle"
        ),
        pytest.param(
            Reply(302, b"", {"Location": "http://127.0.0.1/"}),
            "warning: does not respond: 127.0.0.1",
            id="in",
        ),
        pytest.param(
            Reply(302, b"", {"Location": "http://localhost:1/"}),
            "warning: does not respond: localh",
            id="home",
        ),
        pytest.param(
            Reply(302, b"", {"Location": "ftp://soup.example.com"}),
            "warning: does not respond: it leads",
            id="ftp",
        ),
    ],
)
def test_links_that_do_not_respond(
    reply: Reply, expected: str, web: ProxyFake, proof: Callable[[str], Proof]
) -> None:
    web.pages[LEEK] = reply
    problem, _ = problem_lines(run(proof(links(LEEK)), ONLINE))
    assert problem.startswith(expected)


def test_a_redirect_for_now_and_a_fragment_are_fine(web: ProxyFake, proof: Callable[[str], Proof]) -> None:
    web.pages[LEEK] = Reply(302, b"", {"Location": BLEND})
    assert len(run(proof(links(f"{LEEK}#how", f"{BLEND}#why")), ONLINE)) == 1


def test_a_rejected_head_is_repeated_as_get(web: ProxyFake, proof: Callable[[str], Proof]) -> None:
    web.pages = {f"HEAD {LEEK}": Reply(405), f"GET {LEEK}": PAGE}
    assert len(run(proof(links(LEEK)), ONLINE)) == 1
    assert web.asked() == [f"HEAD {LEEK}", f"GET {LEEK}"]


def test_a_lost_connection_and_a_busy_server_are_retried_once(web: ProxyFake) -> None:
    web.next(Fault.reset())
    assert ask([LEEK])[0].status == 200
    web.next(Fault(Reply(503, b"", {"Retry-After": "0"})), Fault(Reply(503, b"", {"Retry-After": "0"})))
    assert ask([BLEND])[0].status == 200
    web.next(Fault.reset(), Fault.reset())
    assert ask([LEEK])[0].failure in ("no connection", "the proxy cannot reach it")


def test_a_machine_that_is_offline_is_reported_once(web: ProxyFake, proof: Callable[[str], Proof]) -> None:
    circle = Reply(302, b"", {"Location": "http://10.0.0.1/"})
    web.pages = {LEEK: circle, BLEND: circle}
    (problem,) = run(proof(links(LEEK, BLEND)), ONLINE)
    assert problem.what == "none of 2 links responds: is this machine online?" and len(problem.details) == 2


def test_a_private_address_is_never_asked(web: ProxyFake) -> None:
    addresses = ["http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest", "http://localhost/"]
    assert all("is not public" in answer.failure for answer in ask(addresses))
    assert web.asked() == []


def test_a_host_gets_few_requests_at_once(web: ProxyFake) -> None:
    web.seconds = 0.1
    addresses = [f"http://host{n % 2}.example/{n}" for n in range(12)]
    answers = ask(addresses)
    assert [answer.address for answer in answers] == addresses
    assert max(web.most.values()) <= url_checker.MAX_CONCURRENT_PER_HOST
    assert len(web.most) == 2


def test_a_slow_server_is_not_waited_for(web: ProxyFake) -> None:
    web.next(Fault.late(30))
    started = time.monotonic()
    first, second = ask([LEEK, BLEND], limits=Limits(seconds=0.5))
    assert time.monotonic() - started < 20
    assert {first.status, second.status} == {200, None}
    assert "no response in time" in first.failure + second.failure


def test_good_results_are_kept_for_a_day(web: ProxyFake, proof: Callable[[str], Proof]) -> None:
    read = proof(links(LEEK, BLEND))
    web.pages[BLEND] = Reply(500)
    first = link_answers(read, lambda: samples.NOW)
    assert [result.cached for result in first.values()] == [False, False]
    before = len(web.asked())
    soon = list(link_answers(read, lambda: samples.NOW + timedelta(hours=23)).values())
    assert [result.cached for result in soon] == [True, False]
    assert [request for request in web.asked()[before:] if LEEK in request] == []
    late = list(link_answers(read, lambda: samples.NOW + timedelta(hours=24)).values())
    assert [result.cached for result in late] == [False, False]
    earlier = list(link_answers(read, lambda: samples.NOW - timedelta(hours=1)).values())
    assert [result.cached for result in earlier] == [False, False]


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"x": 1}', '{"x": {"at": "soon", "answer": {}}}', "\0"])
def test_a_file_of_results_that_cannot_be_read_is_ignored(
    kept: str, web: ProxyFake, proof: Callable[[str], Proof]
) -> None:
    read = proof(links(LEEK))
    read.newsletter.state.mkdir()
    (read.newsletter.state / "links.json").write_text(kept)
    (answer,) = link_answers(read, lambda: samples.NOW).values()
    assert answer.status == 200
    assert LEEK in json.loads((read.newsletter.state / "links.json").read_text())


def test_a_state_folder_that_cannot_be_written_is_ignored(
    web: ProxyFake, proof: Callable[[str], Proof]
) -> None:
    read = proof(links(LEEK))
    read.newsletter.state.write_text("a file")
    assert [result.status for result in link_answers(read, lambda: samples.NOW).values()] == [200]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(Reply(404), "error: the picture does not load: 404", id="missing"),
        pytest.param(PAGE, "error: not a picture: its content type is text/html", id="page"),
        pytest.param(
            Reply(200, b"x" * 700_000, {"Content-Type": "image/png"}),
            "warning: the picture has 0.7 MB",
            id="heavy",
        ),
    ],
)
def test_pictures(reply: Reply, expected: str, web: ProxyFake, proof: Callable[[str], Proof]) -> None:
    picture = "http://pictures.example.com/a.png"
    web.pages[picture] = reply
    (problem,) = problem_lines(run(proof(f'<img src="{picture}" alt="A bowl" width="200">'), ONLINE))
    assert problem.startswith(expected)
    web.pages[picture] = Reply(200, b"x" * 1000, {"Content-Type": "image/png"})
    assert run(proof(f'<img src="{picture}" alt="A bowl" width="200">'), ONLINE) == []


def test_a_picture_without_end_is_not_read_whole(web: ProxyFake) -> None:
    web.pages[LEEK] = Reply(200, b"x" * 5_000_000, {"Content-Type": "image/png"})
    (answer,) = ask([LEEK], whole=True, limits=Limits(max_bytes=100_000))
    assert answer.size is not None and answer.size < 300_000


def test_a_redirect_that_leaves_https_is_reported() -> None:
    answer = UrlResult("https://soup.example.com/", 200, end="http://soup.example.com/")
    assert link_problem(answer) is not None and "without https" in str(link_problem(answer))
    assert link_problem(replace(answer, end="https://soup.example.com/")) is None


@pytest.mark.parametrize(
    "order", [("requests", "newsletter.render.pipeline"), ("newsletter.render.pipeline", "requests")]
)
def test_requests_works_beside_the_inliner(order: tuple[str, str]) -> None:
    """Let premailer import an empty `requests`, and every other module the real one."""
    program = (
        f"import {order[0]}, {order[1]}, premailer.premailer, requests\n"
        "print(requests.Session().get.__module__, hasattr(premailer.premailer.requests, 'get'))"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "requests.sessions False\n"
