"""Tests of the preview's routes, without a network, and of the errors at its start."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from newsletter.checks.document import Document, words
from newsletter.config import loader
from newsletter.errors import Unavailable
from newsletter.limits.process import LimitedProcess
from newsletter.preview.builder import build
from newsletter.preview.event_stream import EventStream
from newsletter.preview.issue_list import IssueList
from newsletter.preview.launch import serve
from newsletter.preview.payloads import checked
from newsletter.preview.routes import app
from newsletter.preview.workspace import Workspace
from newsletter.store.database import open_database
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.address import parse

HOST = "127.0.0.1:8025"
OWN_ORIGIN = {"Origin": f"http://{HOST}"}


def ask(workspace, path, method="GET", host=HOST, **more):
    return ask_all(app(workspace), (path, method, host), **more)[0]


def ask_all(web, *requests, client="127.0.0.1", headers=(), **more):
    async def answers():
        transport = httpx.ASGITransport(web, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            return [
                await browser.request(method, path, headers={"Host": host, **dict(headers)}, **more)
                for path, method, host in requests
            ]

    return asyncio.run(answers())


async def events(workspace, name=""):
    """Return the first events for followers of an issue: its page and its check results."""
    received = {}
    async for event in workspace.follow(name):
        kind, _, data = event.partition("\ndata: ")
        received[kind.removeprefix("event: ")] = json.loads(data)
        if "checked" in received or received["page"]["problems"]:
            return received


def first_events(workspace, name=""):
    return asyncio.run(events(workspace, name))


@pytest.fixture
def workspace(letter):
    return Workspace(letter.folder)


def test_followers_are_told_the_facts_and_what_was_found(letter, workspace):
    letter.edit("Cook slowly", "Cook the the slowly")
    received = first_events(workspace)
    page = received["page"]
    assert (page["state"], page["issue"], page["subject"]) == ("live", "2026-01-05", "Soup for all")
    assert (page["sender"], page["provider"], page["most"]) == ("Kitchen Letter", "outbox", 102_000)
    assert page["weight"] == build(letter.folder).weight
    (doubled,) = [
        problem
        for group in received["checked"]["groups"]
        for problem in group["problems"]
        if problem["check"] == "doubled-words"
    ]
    assert doubled["where"] == "issues/2026-01-05.yml:9"
    assert [9, "          Cook the the slowly. Then **wait**."] in doubled["excerpt"]
    assert received["checked"]["heaviest"][0][1] > 1000


def test_problems_are_told_with_file_line_and_fix(letter, workspace):
    letter.edit("preheader", "preheadr")
    page = first_events(workspace)["page"]
    assert (page["state"], page["issue"], page["weight"], page["mail"]) == ("error", "2026-01-05", 0, None)
    unknown = page["problems"][-1]
    assert unknown["where"] == "issues/2026-01-05.yml:2"
    assert "preheader" in unknown["fix"]
    assert ask(workspace, "/mail.html").status_code == ask(workspace, "/mail.txt").status_code == 503


def test_problems_of_an_issue_in_markdown_are_told_with_its_lines(letter, workspace):
    front = "---\nsubject: Soup for all\npreheader: A soup.\n---\n\n"
    letter.save("issues/2026-01-12.md", f"{front}## Soups\n\nCook the the slowly.\n")
    received = first_events(workspace)
    problems = [problem for group in received["checked"]["groups"] for problem in group["problems"]]
    (doubled,) = (problem for problem in problems if problem["check"] == "doubled-words")
    assert doubled["where"] == "issues/2026-01-12.md:8"
    assert [8, "Cook the the slowly."] in doubled["excerpt"]
    (repeated,) = (problem for problem in problems if problem["check"] == "repeated")
    assert "(issues/2026-01-05.yml:1)" in repeated["what"]
    listed = [(issue.name, issue.subject) for issue in IssueList(letter.folder).issues()]
    assert listed == [("2026-01-12", "Soup for all"), ("2026-01-05", "Soup for all")]


def test_a_check_that_there_is_not_is_a_problem(letter, workspace):
    letter.save("newsletter.yml", letter.config + "checks: {wieght: note}\n")
    assert first_events(workspace)["page"]["problems"][0]["where"] == "newsletter.yml:5"


def test_checks_that_are_lowered_or_switched_off_are_listed(letter, workspace):
    letter.save(
        "newsletter.yml",
        letter.config + 'checks:\n  monday: note\n  links: {severity: "off", reason: a draft}\n',
    )
    (group,) = first_events(workspace)["checked"]["groups"]
    assert group["heading"] == "Switched off or lowered"
    told = [(problem["what"], problem["severity"], problem["line"]) for problem in group["problems"]]
    assert told == [
        ("monday is lowered from warning to note", "note", 6),
        ("links is switched off: a draft", "note", 7),
    ]


def test_of_files_elsewhere_no_lines_are_told(letter, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "2026-02-02.yml"
    elsewhere.write_text("secret: [", encoding="utf-8")
    assert first_events(Workspace(letter.folder, str(elsewhere)))["page"]["problems"][0]["excerpt"] == []


def test_an_issue_is_named_by_its_date_and_nothing_else(letter, workspace):
    letter.save("issues/2026-01-12.yml", letter.issue.replace("Soup", "Bread"))
    (letter.folder / "other").mkdir()
    letter.save("other/2026-02-02.yml", letter.issue.replace("Soup", "Secret"))
    assert "Soup for all" in ask(workspace, "/mail.html?issue=2026-01-05").text
    for name in ("2026-02-02", "/etc/passwd", "nonsense"):
        assert "Secret" not in ask(workspace, f"/mail.html?issue={name}").text
    assert "Secret" not in ask(workspace, "/mail.html?issue=../other/2026-02-02.yml").text


def test_the_mail_is_locked_up(workspace):
    policy = ask(workspace, "/mail.html").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "img-src data:;" in policy
    assert "script-src" not in policy and "allow-scripts" not in policy and "sandbox " in policy
    assert (
        "img-src https: http: data:"
        in ask(workspace, "/mail.html?pictures=on").headers["content-security-policy"]
    )


def test_the_mail_is_filled_for_its_reader(letter, workspace):
    letter.edit("Cook slowly", "Dear [[name]] at [[address]], cook slowly")
    nobody = ask(workspace, "/mail.html").text
    assert "Dear reader at reader@example.com" in nobody
    assert 'href="#unsubscribe"' in nobody and "[[" not in nobody
    somebody = ask(workspace, "/mail.html?address=ada@example.com&name=%3Cb%3EAda").text
    assert "Dear &lt;b&gt;Ada at ada@example.com" in somebody
    assert (
        "Dear <b>Ada at ada@example.com"
        in ask(workspace, "/mail.txt?address=ada@example.com&name=%3Cb%3EAda").text
    )
    headers = dict(ask(workspace, "/headers?address=ada@example.com&name=Ada").json())
    assert headers["To"] == "Ada <ada@example.com>"
    assert headers["List-Unsubscribe"] == "<https://kitchen.example.com/leave/test>"
    assert ask(workspace, "/mail.eml").content.startswith(b"To: reader@example.com\r\n")


@pytest.mark.parametrize("address", ["ä@example.com", "a b@example.com", "a\nb@example.com", "x" * 500])
def test_an_address_that_is_none_is_no_reason_to_fail(workspace, address):
    for path in ("/mail.html", "/mail.txt", "/headers", "/mail.eml"):
        assert ask(workspace, path, params={"address": address}).status_code in (200, 400)


def test_the_source_is_what_is_sent(letter, workspace):
    assert ask(workspace, "/source").text == build(letter.folder).mail.html


def test_a_line_is_found_in_the_mail(letter, workspace):
    html = build(letter.folder).mail.html
    place = ask(workspace, "/place?where=issues/2026-01-05.yml:9").json()
    element = Document(html).named(place["tag"])[place["number"]]
    assert "Cook slowly" in words(element)
    assert ask(workspace, "/place?where=nothing").json() is None


@pytest.mark.parametrize("line", [4, 5])
def test_the_line_of_a_title_or_its_link_leads_to_the_heading(letter, workspace, line):
    """A title is written a line above its link, and is also in the list at the top of the mail."""
    other = "  - title: Bread\n    link: https://kitchen.example.com/bread\n    passages: [{text: Bake.}]\n"
    letter.save("issues/2026-01-05.yml", letter.issue + other)
    html = build(letter.folder).mail.html
    place = ask(workspace, f"/place?where=issues/2026-01-05.yml:{line}").json()
    element = Document(html).named(place["tag"])[place["number"]]
    assert (words(element), element.getparent().tag) == ("Leek and potato", "h2")


def test_links_are_listed_and_asked_only_when_told_to(workspace, monkeypatch):
    assert ask(workspace, "/links").json()[0] == {
        "address": "https://kitchen.example.com/leek",
        "text": "Leek and potato",
        "where": "issues/2026-01-05.yml:5",
    }


def test_a_test_goes_into_the_outbox_and_is_caught(letter, workspace):
    body = {"address": "me@example.com", "provider": "outbox"}
    sent = ask(workspace, "/test", "POST", headers=OWN_ORIGIN, json=body).json()
    assert sent == {"ok": True, "said": "outbox accepted the message for me@example.com."}
    listed = ask(workspace, "/outbox").json()
    assert listed["number"] == 1
    (message,) = listed["messages"]
    assert (message["to"], message["subject"]) == ("me@example.com", "[Test] Soup for all")
    opened = ask(workspace, f"/outbox/{message['name']}").json()
    assert ["X-News-Test", "yes"] in opened["headers"]
    assert "Cook slowly" in opened["text"] and "quoted-printable" in opened["source"]
    html = ask(workspace, f"/outbox/{message['name']}/mail.html")
    assert "Cook slowly" in html.text and "leave/test" not in html.text
    assert "default-src 'none'" in html.headers["content-security-policy"]


def test_a_maildir_that_is_a_link_is_no_outbox(letter, workspace):
    (letter.folder / "outbox").mkdir()
    (letter.folder / "outbox/new").symlink_to(letter.folder)
    assert ask(workspace, "/outbox").json()["number"] == 0
    assert ask(workspace, "/outbox/newsletter.yml").status_code == 404


@pytest.mark.parametrize(
    "body, said",
    [
        ({"address": "nobody", "provider": "outbox"}, "not an email address"),
        ({"address": "", "provider": "outbox"}, "not an email address"),
        ({"address": "me@example.com", "provider": "pigeon"}, "no such provider"),
        ({"provider": ["outbox"]}, "no such provider"),
        ([], "no such provider"),
        ({"address": "x" * 20_000, "provider": "outbox"}, "no such provider"),
        ({"address": "me@example.com", "provider": "sendgrid"}, "SENDGRID_API_KEY"),
    ],
)
def test_a_test_that_cannot_be_sent_says_why(workspace, monkeypatch, body, said):
    monkeypatch.delenv("SENDGRID_API_KEY", raising=False)
    answer = ask(workspace, "/test", "POST", headers=OWN_ORIGIN, json=body).json()
    assert not answer["ok"] and said in answer["said"]


def test_a_body_that_is_nested_without_end_is_refused(workspace):
    assert ask(workspace, "/test", "POST", headers=OWN_ORIGIN, content="[" * 9_000).status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/mail.html", "/mail.txt", "/events", "/headers", "/links", "/place", "/source", "/archive.html"],
)
@pytest.mark.parametrize("name", ["../newsletter", "/etc/passwd", "2026-01-05\0", "9" * 5_000, "newest"])
def test_what_no_issue_can_be_named_is_not_there(workspace, path, name):
    assert ask(workspace, path, params={"issue": name}).status_code == 404


def test_an_issue_with_errors_is_not_sent_as_a_test(letter, workspace):
    letter.edit("Cook slowly", "TODO TODO")
    answer = ask(
        workspace,
        "/test",
        "POST",
        headers=OWN_ORIGIN,
        json={"address": "me@example.com", "provider": "outbox"},
    )
    assert answer.json()["said"].startswith("Nothing was sent:\nissues/2026-01-05.yml:9: ")
    assert not (letter.folder / "outbox").exists()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1:8025"},
        {"Origin": "http://127.0.0.1:9999"},
        {**OWN_ORIGIN, "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/test", "/links", "/issues"])
def test_other_origins_change_nothing(letter, workspace, path, headers):
    body = {"address": "me@example.com", "provider": "outbox", "date": "2026-02-02"}
    assert ask(workspace, path, "POST", headers=headers, json=body).status_code == 403
    assert not (letter.folder / "outbox").exists()
    assert len(list((letter.folder / "issues").iterdir())) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/subscribers", 403),
        ("GET", "/outbox", 403),
        ("GET", "/outbox/a.eml", 403),
        ("POST", "/links", 403),
        ("POST", "/test", 403),
        ("POST", "/issues", 403),
        ("GET", "/issues", 200),
        ("GET", "/links", 200),
        ("GET", "/mail.txt", 200),
        ("GET", "/archive.html", 200),
    ],
)
def test_another_machine_sees_drafts_but_no_addresses_and_no_mail_and_does_nothing(
    workspace, method, path, status
):
    web = app(workspace, hosts={"192.0.2.1"})
    own = {"Origin": "http://192.0.2.1"}
    (answer,) = ask_all(web, (path, method, "192.0.2.1"), client="192.0.2.7", headers=own)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fnewsletter.yml", "%2e%2e", ".hidden", "a%00b", "x" * 300, "linked.eml", "absent.eml"],
)
def test_the_outbox_opens_its_own_messages_only(letter, workspace, name):
    (letter.folder / "outbox/new").mkdir(parents=True)
    (letter.folder / "outbox/new/linked.eml").symlink_to(letter.folder / "newsletter.yml")
    assert ask(workspace, f"/outbox/{name}").status_code == 404
    assert ask(workspace, "/outbox").json()["number"] == 0


def test_a_message_that_is_none_is_shown_as_it_is(letter, workspace):
    folder = letter.folder / "outbox/new"
    folder.mkdir(parents=True)
    (folder / "odd.eml").write_bytes(b"\xff\x00 no header\n\nSubject: =?x?q?=?=\n")
    (folder / "empty.eml").write_bytes(b"")
    (folder / "bytes.eml").write_bytes(b"To: =?utf\xcf8?q?Ada?= <a@example.com>\nSubject: \xcf\n\n\xcf")
    assert ask(workspace, "/outbox/bytes.eml").status_code == 200
    (folder / "bytes.eml").rename(folder / "moved.eml")
    (folder / "long.eml").write_bytes(b"Subject: " + b"x" * 10_000 + b"\n\n")
    listed = ask(workspace, "/outbox").json()
    assert listed["number"] == 4
    assert max(len(message["subject"]) for message in listed["messages"]) == 300
    assert "no header" in ask(workspace, "/outbox/odd.eml").json()["source"]
    assert ask(workspace, "/outbox/empty.eml/mail.html").status_code == 200


def test_subscribers_are_looked_for_and_no_database_is_made(letter, workspace):
    assert ask(workspace, "/subscribers?like=a").json() == {"found": []}
    assert not (letter.folder / ".news").exists()
    with open_database(loader.load(letter.folder)) as database:
        subscribers = Subscribers(database)
        for address, name in (("ada@example.com", "Ada"), ("bo@example.com", "100 %")):
            subscribers.add(parse(address), name)
        subscribers.add(parse("gone@example.com"))
        subscribers.remove(parse("gone@example.com"))

    def search(words):
        return ask(workspace, "/subscribers", params={"like": words}).json()["found"]

    assert search("ADA") == [{"address": "ada@example.com", "name": "Ada"}]
    assert [subscriber["name"] for subscriber in search("%")] == ["100 %"]
    assert len(search("")) == 2


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/mail.html", "text/html"),
        ("/mail.txt", "text/plain"),
        ("/nothing", "text/plain"),
    ],
)
def test_no_answer_is_kept_or_guessed_at(workspace, path, kind):
    headers = ask(workspace, path).headers
    assert headers["content-type"].partition(";")[0] == kind
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8025", "localhost:1", "LOCALHOST", "[::1]:8025"])
def test_this_machines_names_are_answered(workspace, host):
    assert ask(workspace, "/mail.txt", host=host).status_code == 200


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
@pytest.mark.parametrize("path", ["/", "/mail.txt", "/mail.html", "/events", "/nothing"])
def test_other_hosts_names_are_refused(workspace, host, path):
    answer = ask(workspace, path, host=host)
    assert answer.status_code == 403
    assert "Soup" not in answer.text


def test_a_host_that_was_set_is_answered(workspace):
    web = app(workspace, hosts={"preview.example"})
    other, loopback = ask_all(
        web, ("/mail.txt", "GET", "preview.example:80"), ("/mail.txt", "GET", "127.0.0.1")
    )
    assert (other.status_code, loopback.status_code) == (200, 403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/mail.txt", "/events", "/outbox"])
def test_only_get_is_answered(workspace, path, method):
    answer = ask(workspace, path, method)
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
def test_nothing_else_is_served(workspace, path):
    assert ask(workspace, path).status_code == 404


def test_reloading_by_hand_builds(letter, workspace):
    web = app(workspace)
    here = "127.0.0.1"
    assert "Soup for all" in ask_all(web, ("/mail.txt", "GET", here))[0].text
    letter.edit("Soup", "Bread")
    _, text = ask_all(web, ("/", "GET", here), ("/mail.txt", "GET", here))
    assert "Bread for all" in text.text


def test_a_mistake_in_the_program_is_shown_and_survived(letter, caplog):
    builds = iter([lambda *_: 1 // 0, build])
    workspace = Workspace(letter.folder, build=lambda *which: next(builds)(*which))

    async def follow_events():
        broken = await events(workspace)
        await workspace.changed()
        good = (await workspace.view()).page
        await workspace.close()
        return broken["page"], good

    broken, good = asyncio.run(follow_events())
    assert "ZeroDivisionError" in broken["problems"][0]["what"]
    assert "ZeroDivisionError" in caplog.text
    assert good.mail


def test_the_last_good_mail_stays_while_a_mistake_is_there(letter, workspace):
    first = ask(workspace, "/mail.html").text

    async def broken():
        letter.edit("Soup for all", '"Soup')
        await workspace.changed()
        return await workspace.view()

    view = asyncio.run(broken())
    assert view.page.problems and view.good
    assert ask(workspace, "/mail.html").text == first


def test_followers_hear_what_differs_until_the_end():
    async def follow_events():
        events = EventStream()
        events.put("page one", "a")
        stream = events.follow("page one")
        first = await anext(stream)
        events.put("page one", "a")
        events.put("page two", "not for it")
        events.put("page one", "b")
        second = await anext(stream)
        events.close()
        return [first, second, *[event async for event in stream]]

    assert asyncio.run(follow_events()) == ['event: page\ndata: "a"\n\n', 'event: page\ndata: "b"\n\n']


def test_a_silent_stream_is_kept_alive_by_comments():
    async def follow_events():
        events = EventStream(keep_alive=0.01)
        events.put("page", "a")
        stream = events.follow("page")
        return [await anext(stream) for _ in range(3)]

    assert [event[0] for event in asyncio.run(follow_events())] == ["e", ":", ":"]


def test_what_was_found_is_told_though_a_file_is_saved_meanwhile(letter, monkeypatch):
    """Save without a change while the check results are converted."""
    workspace = Workspace(letter.folder)
    began, proceed = threading.Event(), threading.Event()

    def slowly(*arguments):
        began.set()
        proceed.wait(5)
        return checked(*arguments)

    monkeypatch.setattr("newsletter.preview.workspace.checked", slowly)

    async def follow_events():
        following = asyncio.create_task(events(workspace))
        await asyncio.to_thread(began.wait, 5)
        await workspace.changed()
        proceed.set()
        return await asyncio.wait_for(following, 5)

    assert "checked" in asyncio.run(follow_events())


def test_what_another_issue_changes_is_found_though_a_check_ends_while_it_is_saved(letter, monkeypatch):
    """The running check has read the other issue before its save; the mail does not change."""
    described, ended, proceed, build_on = (threading.Event() for _ in range(4))
    build_on.set()

    def build_later(folder, name):
        return build_on.wait(5) and build(folder, name)

    def slowly(*arguments):
        result = checked(*arguments)
        described.set()
        proceed.wait(5)
        return result

    monkeypatch.setattr("newsletter.preview.workspace.checked", slowly)
    letter.save("issues/2025-12-29.yml", letter.issue.replace("leek", "bread"))
    workspace = Workspace(letter.folder, "2026-01-05", build=build_later)

    async def follow_events():
        received = []

        async def follow():
            async for event in workspace.follow():
                if event.startswith("event: checked"):
                    received.append(event)
                    ended.set()

        following = asyncio.create_task(follow())
        await asyncio.to_thread(described.wait, 5)
        letter.save("issues/2025-12-29.yml", letter.issue)
        build_on.clear()
        changing = asyncio.create_task(workspace.changed())
        await asyncio.sleep(0.05)
        proceed.set()
        await asyncio.to_thread(ended.wait, 5)
        build_on.set()
        await changing
        until = time.monotonic() + 5
        while "was in the issue of 2025-12-29" not in received[-1] and time.monotonic() < until:
            await asyncio.sleep(0.05)
        following.cancel()
        return received

    first, last = asyncio.run(follow_events())
    assert "was in the issue of 2025-12-29" not in first
    assert "was in the issue of 2025-12-29" in last


def test_what_was_found_is_told_again_when_a_mistake_is_undone(letter):
    workspace = Workspace(letter.folder)

    async def follow_events():
        received = []
        async for event in workspace.follow():
            kind = event.partition("\n")[0].removeprefix("event: ")
            if kind not in ("page", "checked"):
                continue
            received.append(kind)
            if received == ["page", "checked"]:
                letter.edit("subject: Soup", "subject: 'Soup")
                await workspace.changed()
            if received == ["page", "checked", "page"]:
                letter.edit("subject: 'Soup", "subject: Soup")
                await workspace.changed()
            if len(received) == 5:
                return received

    assert asyncio.run(asyncio.wait_for(follow_events(), 5)) == ["page", "checked", "page", "page", "checked"]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.every_case) for n in (2, 3))])
def test_after_any_saves_a_follower_knows_what_a_new_preview_tells(letter, seed):
    """Make and correct mistakes, sometimes while an earlier save is being built or checked."""
    chance = random.Random(seed)
    name, earlier = "issues/2026-01-05.yml", "issues/2025-12-29.yml"
    saves = [
        (name, letter.issue),
        (name, letter.issue.replace("slowly", "the the slowly")),
        (name, letter.issue.replace("subject: Soup", "subject: 'Soup")),
        (name, letter.issue.replace("Soup", "Bread")),
        (earlier, letter.issue),
        (earlier, letter.issue.replace("leek", "bread")),
        ("newsletter.yml", letter.config),
        ("newsletter.yml", letter.config + "checks: {wieght: note}\n"),
    ]
    workspace = Workspace(letter.folder)

    async def keep(known):
        async for event in workspace.follow():
            kind, _, data = event.removeprefix("event: ").partition("\ndata: ")
            known[kind] = json.loads(data)
            if kind == "page" and known[kind]["problems"]:
                known.pop("checked", None)  # as the page in the browser does

    async def soak():
        known = {}
        following = asyncio.create_task(keep(known))
        changes = []
        for _ in range(25):
            letter.save(*chance.choice(saves))
            changes.append(asyncio.create_task(workspace.changed()))
            await asyncio.sleep(chance.choice((0, 0.02, 0.2, 0.3)))
        letter.save("newsletter.yml", letter.config)
        await workspace.changed()
        await asyncio.gather(*changes)
        new = await events(Workspace(letter.folder))
        new["page"].pop("saved")
        until = time.monotonic() + 10
        while not _knows(known, new) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        following.cancel()
        return known, new

    known, new = asyncio.run(soak())
    assert _knows(known, new)


def _knows(known, new):
    page = {key: value for key, value in known.get("page", {}).items() if key != "saved"}
    return new.items() <= {**known, "page": page}.items()


def test_what_takes_too_long_is_given_up_and_comes_back(letter):
    """An endless computation, also in compiled code, must not delay the builds of later saves."""
    letter.save("templates/footer.mjml.j2", "<mj-raw>.</mj-raw>")

    async def saved(workspace):
        async def built():
            await workspace.changed()
            return await workspace.view()

        first = (await built()).page.mail
        letter.save("templates/footer.mjml.j2", "<mj-raw>{{ 9**(9**9) }}</mj-raw>")
        stuck = await built()
        problems, good = stuck.page.problems, stuck.good
        letter.save("templates/footer.mjml.j2", "<mj-raw>back</mj-raw>")
        return first, problems, good, (await built()).page.mail

    with closing(LimitedProcess(2.0)) as limited:
        first, (problem,), good, last = asyncio.run(
            saved(Workspace(letter.folder, limited_build=limited.run))
        )
    assert problem.what == "building or checking the issue takes longer than 2 seconds"
    assert good.mail == first
    assert "back" in last.html


def test_issues_nobody_looks_at_are_forgotten(letter):
    async def looked_at():
        workspace = Workspace(letter.folder)
        for day in range(1, 29):
            await workspace.view(f"2026-03-{day:02}")
        return len(workspace._views)

    assert asyncio.run(looked_at()) < 20


def test_the_list_says_how_far_each_issue_has_got(letter):
    letter.save("issues/2026-01-12.yml", letter.issue + "ready: true\n")
    letter.save("issues/2026-01-19.yml", "subject: [")
    letter.save("issues/2026-01-26.yml", letter.issue)
    letter.record_send("2026-01-26", finished_at=datetime(2026, 1, 26, 9, tzinfo=UTC))
    letter.record_send("2026-01-05", "cancelled")
    issues = IssueList(letter.folder)
    assert issues.look_up_sends()
    assert not issues.look_up_sends()
    assert [(issue.name, issue.state, issue.at) for issue in issues.issues()] == [
        ("2026-01-26", "sent", "2026-01-26"),
        ("2026-01-19", "broken", ""),
        ("2026-01-12", "ready", ""),
        ("2026-01-05", "cancelled", ""),
    ]


def test_the_list_has_the_files_that_no_command_reads(letter):
    letter.save("issues/2026-1-12.yml", letter.issue)
    listed = IssueList(letter.folder).issues()
    assert [(issue.name, issue.subject, issue.state) for issue in listed] == [
        ("2026-1-12.yml", "name it 2026-01-12.yml", "misnamed"),
        ("2026-01-05", "Soup for all", "draft"),
    ]


def test_a_mistake_takes_no_subject_from_the_list(letter):
    issues = IssueList(letter.folder)
    for subject, view in (
        ("Soup", ("Soup", "draft")),
        ("'Soup", ("Soup", "broken")),
        ("Stew", ("Stew", "draft")),
    ):
        letter.save("issues/2026-01-05.yml", letter.issue.replace("Soup for all", subject))
        assert [(issue.subject, issue.state) for issue in issues.issues()] == [view]


def test_a_link_to_another_file_of_the_same_time_and_size_is_read_again(letter):
    letter.save("a.yml", letter.issue)
    letter.save("b.yml", letter.issue.replace("Soup", "Rice"))
    footer = "<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>\n"
    letter.save("a.j2", footer.format("Bon voyage"))
    letter.save("b.j2", footer.format("Bon marche"))
    (letter.folder / "templates").mkdir()
    issues = IssueList(letter.folder)

    def shown(name):
        for link, target in (("issues/2026-01-12.yml", "yml"), ("templates/footer.mjml.j2", "j2")):
            os.utime(f"{name}.{target}", (1_700_000_000, 1_700_000_000))
            (letter.folder / link).unlink(missing_ok=True)
            (letter.folder / link).symlink_to(f"../{name}.{target}")
        html = build(letter.folder).mail.html
        return issues.issues()[0].subject, "voyage" in html, "marche" in html

    assert shown("a") == ("Soup for all", True, False)
    assert shown("b") == ("Rice for all", False, True)


def test_a_ledger_of_another_version_is_left_as_it_is(letter, workspace):
    with open_database(loader.load(letter.folder)) as database, database.writing() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '0000'")
    before = (letter.folder / ".news/news.db").read_bytes()
    issues = IssueList(letter.folder)
    assert not issues.look_up_sends()
    assert [issue.state for issue in issues.issues()] == ["draft"]
    assert ask(workspace, "/subscribers").json() == {"found": []}
    assert (letter.folder / ".news/news.db").read_bytes() == before


def test_a_ledger_that_cannot_be_read_costs_only_what_it_knows(letter, workspace):
    letter.save(".news/news.db", "no database")
    issues = IssueList(letter.folder)
    assert not issues.look_up_sends()
    assert [issue.state for issue in issues.issues()] == ["draft"]
    answer = ask(workspace, "/subscribers")
    assert (answer.status_code, "is not a database" in answer.json()["said"]) == (200, True)


def test_a_taken_port_is_said_with_another_to_use(letter):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port} is in use") as refusal:
            serve(letter.folder, port=port, ready=pytest.fail)
    assert "--port" in refusal.value.hint


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_unavailable(letter, host):
    with pytest.raises(Unavailable, match=f"^{host} is not an address of this machine$") as refusal:
        serve(letter.folder, host=host, port=0, ready=pytest.fail)
    assert "--host 0.0.0.0" in refusal.value.hint


def test_importing_the_preview_imports_no_server():
    program = "import sys, newsletter.preview; print(*sys.modules)"
    imported = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert not {"starlette", "uvicorn", "watchfiles", "newsletter.render.pipeline"} & set(
        imported.stdout.split()
    )


@pytest.mark.parametrize("package", ["starlette", "uvicorn", "watchfiles"])
def test_missing_packages_are_said_with_what_to_install(letter, monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith(("newsletter.preview.", package))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Unavailable, match=package) as refusal:
        serve(letter.folder, ready=pytest.fail)
    assert "pip install starlette uvicorn watchfiles" in refusal.value.hint
