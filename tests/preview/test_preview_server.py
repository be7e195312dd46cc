"""The routes of the preview, asked without a network; and what stops it from starting."""

import asyncio
import socket
import subprocess
import sys

import httpx
import pytest

from newsletter.errors import Unavailable
from newsletter.preview import serve
from newsletter.preview.builder import Page, builder
from newsletter.preview.live import Live
from newsletter.preview.server import app


def ask(build, path, method="GET", host="127.0.0.1:8025"):
    return ask_all(app(Live(build)), (path, method, host))[0]


def ask_all(web, *requests):
    async def answers():
        transport = httpx.ASGITransport(web)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [
                await client.request(method, path, headers={"Host": host}) for path, method, host in requests
            ]

    return asyncio.run(answers())


@pytest.fixture
def build(letter):
    return builder(letter.folder)


def test_state_tells_the_facts(build):
    state = ask(build, "/state").json()
    assert state.pop("version")
    assert state == {
        "state": "live",
        "issue": "2026-01-05",
        "subject": "Soup for all",
        "preheader": "Three soups for the first cold week of the year.",
        "weight": build().weight,
        "problems": [],
    }


def test_state_tells_problems_with_file_line_and_fix(letter, build):
    letter.edit("preheader", "preheadr")
    state = ask(build, "/state").json()
    assert (state["state"], state["issue"], state["weight"]) == ("error", "2026-01-05", 0)
    unknown = state["problems"][-1]
    assert unknown["where"] == "issues/2026-01-05.yml:2"
    assert "preheader" in unknown["fix"]
    assert ask(build, "/mail.html").status_code == ask(build, "/mail.txt").status_code == 503


def test_a_version_names_what_is_shown(letter, build):
    first = ask(build, "/state").json()["version"]
    assert ask(build, "/state").json()["version"] == first
    letter.edit("Soup", "Bread")
    assert ask(build, "/state").json()["version"] != first


def test_the_mail_is_the_rendered_one_with_its_placeholders_inert(build):
    mail = build().mail
    html, text = ask(build, "/mail.html"), ask(build, "/mail.txt")
    assert "[[unsubscribe_url]]" in mail.html
    assert html.text == mail.html.replace("[[unsubscribe_url]]", "#unsubscribe")
    assert text.text == mail.text.replace("[[unsubscribe_url]]", "#unsubscribe")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"


def test_the_mail_may_show_pictures_and_styles_and_do_nothing(build):
    policy = ask(build, "/mail.html").headers["content-security-policy"].split("; ")
    assert policy[:3] == ["default-src 'none'", "style-src 'unsafe-inline'", "img-src https: data:"]
    assert {"form-action 'none'", "frame-ancestors 'self'"} <= set(policy)


def test_the_page_runs_its_own_script_only(build):
    policy = ask(build, "/").headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in " ".join(policy)


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/state", "application/json"),
        ("/mail.html", "text/html"),
        ("/mail.txt", "text/plain"),
        ("/nothing", "text/plain"),
    ],
)
def test_no_answer_is_kept_or_guessed_at(build, path, kind):
    headers = ask(build, path).headers
    assert headers["content-type"].partition(";")[0] == kind
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8025", "localhost:1", "LOCALHOST", "[::1]:8025"])
def test_this_machines_names_are_answered(build, host):
    assert ask(build, "/state", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8025",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8025",
        "evil.example:8025@127.0.0.1",
        "127.0.0.1:8025:1",
        "127.0.0.2",
        "[::1",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/state", "/mail.html", "/events", "/nothing"])
def test_other_hosts_names_are_refused(build, host, path):
    answer = ask(build, path, host=host)
    assert answer.status_code == 403
    assert "Soup" not in answer.text


def test_a_host_that_was_set_is_answered(build):
    web = app(Live(build), hosts={"preview.example"})
    there, here = ask_all(web, ("/state", "GET", "preview.example:80"), ("/state", "GET", "127.0.0.1"))
    assert (there.status_code, here.status_code) == (200, 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/state", "/events"])
def test_only_get_is_answered(build, path, method):
    answer = ask(build, path, method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    "path",
    [
        "/%2e%2e/newsletter.yml",
        "/..%2f..%2fnewsletter.yml",
        "/page/..%2fserver.py",
        "/page/index.html",
        "/newsletter.yml",
        "/issues/2026-01-05.yml",
        "//etc/passwd",
        "/mail.html/",
        "/favicon.ico",
    ],
)
def test_nothing_else_is_served(build, path):
    assert ask(build, path).status_code == 404


def test_reloading_by_hand_builds(letter, build):
    web = app(Live(build))
    here = "127.0.0.1"
    assert ask_all(web, ("/state", "GET", here))[0].json()["subject"] == "Soup for all"
    letter.edit("Soup", "Bread")
    _, state = ask_all(web, ("/", "GET", here), ("/state", "GET", here))
    assert state.json()["subject"] == "Bread for all"


def test_a_mistake_in_the_program_is_shown_and_survived(build, caplog):
    builds = iter([lambda: 1 // 0, build])
    web = app(Live(lambda: next(builds)()))
    broken, _, good = ask_all(web, *[(path, "GET", "localhost") for path in ("/state", "/", "/state")])
    assert "ZeroDivisionError" in broken.json()["problems"][0]["what"]
    assert "ZeroDivisionError" in caplog.text
    assert good.json()["state"] == "live"


def test_followers_hear_of_pages_that_differ_until_the_end():
    pages = iter([Page("one"), Page("one"), Page("two")])

    async def heard():
        live = Live(lambda: next(pages))
        events = live.follow()
        first = await anext(events)
        await live.rebuild()
        await live.rebuild()
        second = await anext(events)
        live.close()
        return [first, second, *[event async for event in events]]

    shown, changed = asyncio.run(heard())
    assert shown.startswith("event: shown\ndata: ")
    assert changed.startswith("event: changed\ndata: ")
    assert shown.endswith("\n\n") and changed.endswith("\n\n")
    assert shown.split("data: ")[1] != changed.split("data: ")[1]


def test_a_silent_stream_is_kept_alive_by_comments():
    async def heard():
        events = Live(lambda: Page("one"), keep_alive=0.01).follow()
        return [await anext(events) for _ in range(3)]

    assert [event[0] for event in asyncio.run(heard())] == ["e", ":", ":"]


def test_a_taken_port_is_said_with_another_to_use(letter):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port} is taken") as refusal:
            serve(letter.folder, port=port, ready=pytest.fail)
    assert "--port" in refusal.value.hint


def test_an_address_of_another_machine_is_unavailable(letter):
    with pytest.raises(Unavailable, match=r"192\.0\.2\.1 cannot be used"):
        serve(letter.folder, host="192.0.2.1", port=0, ready=pytest.fail)


def test_importing_the_preview_imports_no_server():
    program = "import sys, newsletter.preview; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert not {"starlette", "uvicorn", "watchfiles", "newsletter.render"} & set(imported.stdout.split())


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "watchfiles"])
def test_missing_packages_are_said_with_what_to_install(letter, monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith(("newsletter.preview.", package))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Unavailable, match=package) as refusal:
        serve(letter.folder, ready=pytest.fail)
    assert "pip install starlette uvicorn watchfiles" in refusal.value.hint
