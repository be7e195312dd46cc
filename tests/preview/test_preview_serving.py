"""Tests of the running preview: process, socket, signals."""

import contextlib
import json
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest


@contextlib.contextmanager
def pages(url, issue=""):
    """Yield an iterator over the page events of a running preview."""
    address = f"{url}events?issue={issue}"
    with httpx.Client(timeout=10) as client, client.stream("GET", address) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        yield page_events(stream.iter_lines())


def page_events(lines):
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name == "page":
            yield json.loads(line.removeprefix("data: "))


def test_a_saved_issue_is_announced_and_served(letter, preview):
    served = preview()
    with pages(served.url) as events:
        assert next(events)["subject"] == "Soup for all"
        letter.edit("Soup", "Bread")
        assert next(events)["subject"] == "Bread for all"
        letter.edit("Bread", '"Bread')
        broken = next(events)
        assert broken["problems"][0]["where"] == "issues/2026-01-05.yml:1"
        assert broken["problems"][0]["excerpt"][0] == [1, 'subject: "Bread for all']
        assert (broken["state"], broken["subject"]) == ("error", "Bread for all")
        letter.save("issues/2026-01-05.yml", letter.issue)
        assert next(events)["state"] == "live"
        assert "Soup for all" in httpx.get(f"{served.url}mail.html").text


def test_a_named_issue_is_the_one_that_is_shown(letter, preview):
    letter.save("issues/2026-01-12.yml", letter.issue)
    served = preview("2026-01-05")
    with pages(served.url) as events, pages(served.url, "2026-01-12") as other:
        assert (next(events)["issue"], next(other)["issue"]) == ("2026-01-05", "2026-01-12")


def test_ctrl_c_ends_it_though_browsers_listen(preview):
    served = preview()
    with pages(served.url) as first, pages(served.url) as second:
        assert next(first) == next(second)
        assert served.interrupt() == 0
        assert [*first, *second] == []


def test_ctrl_c_ends_it_though_somebody_does_not_read(preview):
    served = preview()
    with _connected(served.url) as stuck, _connected(served.url) as silent:
        stuck.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        silent.sendall(b"GET / HTTP/1.1\r\n")  # and never the rest
        assert httpx.get(served.url).status_code == 200
        assert served.interrupt() == 0


def test_it_listens_on_this_machine_only(preview):
    address = urlsplit(preview().url)
    assert (address.scheme, address.hostname, address.path) == ("http", "127.0.0.1", "/")
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", address.port)) != 0


def test_a_path_cannot_climb_and_a_foreign_name_is_refused(preview):
    url = preview().url
    assert _status(url, "/../newsletter.yml", "localhost") == 404
    assert _status(url, "/page/../../server.py", "localhost") == 404
    assert _status(url, "/events", "evil.example") == 403


def _connected(url):
    return socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=5)


def _status(url, path, host):
    """Return the status for a path that no client library has normalized."""
    with _connected(url) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_who_is_near_is_not_taken_from_what_is_sent(preview, monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    served = preview()
    elsewhere = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    assert httpx.get(f"{served.url}outbox", headers=elsewhere).status_code == 200


def test_ctrl_c_ends_it_though_something_hangs(letter, preview):
    served = preview()
    loop = "{% for _ in range(90000) %}"
    letter.save("templates/footer.txt.j2", f"{loop}{loop}{'{% endfor %}' * 2}")
    with pytest.raises(httpx.ReadTimeout):
        for _ in range(50):  # until the change has been noticed
            httpx.get(f"{served.url}mail.txt", timeout=1)
            time.sleep(0.05)
    assert served.interrupt() == 0
