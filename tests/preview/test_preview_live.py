"""The preview as it runs: a process, a socket, a signal."""

import contextlib
import socket
from urllib.parse import urlsplit

import httpx


@contextlib.contextmanager
def events(url):
    """The names of a running preview's events, as they come."""
    with httpx.Client(timeout=10) as client, client.stream("GET", f"{url}events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        yield (line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event: "))


def test_a_saved_issue_is_announced_and_served(letter, preview):
    served = preview()
    with events(served.url) as heard:
        assert next(heard) == "shown"
        letter.edit("Soup", "Bread")
        assert next(heard) == "changed"
        assert httpx.get(f"{served.url}state").json()["subject"] == "Bread for all"
        letter.edit("Bread", '"Bread')
        assert next(heard) == "changed"
        assert httpx.get(f"{served.url}state").json()["problems"][0]["where"] == "issues/2026-01-05.yml:1"
        letter.save("issues/2026-01-05.yml", letter.issue)
        assert next(heard) == "changed"
        assert "Soup for all" in httpx.get(f"{served.url}mail.html").text


def test_a_named_issue_is_the_one_that_is_shown(letter, preview):
    letter.save("issues/2026-01-12.yml", letter.issue)
    assert httpx.get(f"{preview('2026-01-05').url}state").json()["issue"] == "2026-01-05"


def test_ctrl_c_ends_it_though_browsers_listen(preview):
    served = preview()
    with events(served.url) as first, events(served.url) as second:
        assert next(first) == next(second) == "shown"
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
    assert _status(url, "/state", "evil.example") == 403


def _connected(url):
    return socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=5)


def _status(url, path, host):
    """The status of a request whose path no client library has tidied up."""
    with _connected(url) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])
