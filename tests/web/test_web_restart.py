"""The end of `news serve`, and its start again: what was answered is kept, and no mail is sent twice."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
from sqlalchemy import event

from tests import samples
from tests.forks import ForkServer
from tests.web.running import (
    HIGH_RATES,
    RunningServer,
    mails,
    newsletter_folder,
    plain_client,
    running,
    start,
    wait_until,
)
from tests.web.visitors import served

SAM = "sam@example.com"
STARTS = 5
ROWS = "select address from sign_up"


def query(folder: Path, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(folder / ".news" / "news.db")) as connection:
        return connection.execute(statement).fetchall()


def addressees(folder: Path) -> list[str]:
    return [str(mail["To"]) for mail in mails(folder)]


OUTCOMES = [
    pytest.param("claimed", 0, "unknown", id="claimed"),
    pytest.param("submitted", 1, "unknown", id="submitted"),
    pytest.param("settled", 1, "accepted", id="settled"),
]


@pytest.mark.parametrize(("point", "sent", "state"), OUTCOMES)
def test_a_killed_server_sends_no_mail_twice(
    point: str, sent: int, state: str, forks: ForkServer, tmp_path: Path
) -> None:
    """Complaint: mail to confirm was sent again and again after each start."""
    folder = newsletter_folder(tmp_path)
    with running(forks, folder, module="tests.web.killed_serve", KILL_AT=point) as server:
        with suppress(httpx.TransportError):  # the answer may come after the end
            server.sign_up(SAM)
        assert server.process.wait(30) == -signal.SIGKILL
    for number in range(STARTS):
        other = f"reader{number}@example.com"
        with running(forks, folder) as server:
            server.sign_up(other)
            wait_until(lambda other=other: other in addressees(folder))  # so it has seen what waited before
            assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    assert addressees(folder).count(SAM) == sent
    assert query(folder, "select state from service_mail order by id limit 1") == [(state,)]


def sign_up_until_it_ends(server: RunningServer, name: str, answered: list[str]) -> None:
    """Sign addresses up one after the other until the server is gone; list those that were answered."""
    with plain_client() as client, suppress(httpx.TransportError):
        for number in range(100_000):
            address = f"{name}{number}@example.com"
            status = client.post(f"{server.url}subscribe", data={"address": address}).status_code
            if status == 200:
                answered.append(address)
            else:
                assert status == 503


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGTERM, 0, id="SIGTERM"),
        pytest.param(signal.SIGKILL, -9, id="SIGKILL"),
        pytest.param(signal.SIGINT, 0, id="SIGINT", marks=pytest.mark.every_case),  # it ends as with SIGTERM
    ],
)
def test_what_was_answered_before_the_end_is_in_the_database(
    number: int, code: int, forks: ForkServer, tmp_path: Path
) -> None:
    answered: list[str] = []
    folder = newsletter_folder(tmp_path)
    with running(forks, folder) as server:
        clients = [
            threading.Thread(target=sign_up_until_it_ends, args=(server, name, answered)) for name in "abcd"
        ]
        for client in clients:
            client.start()
        wait_until(lambda: len(answered) >= 40)
        assert server.stop(number) == code
        for client in clients:
            client.join()
        assert "ERROR" not in server.log
    stored = {address for (address,) in query(folder, ROWS)}
    assert len(answered) >= 40
    assert set(answered) <= stored
    assert len(addressees(folder)) == len(set(addressees(folder)))


def test_a_restored_database_is_used_only_after_a_restart(forks: ForkServer, tmp_path: Path) -> None:
    """A write into the file that was replaced would be lost without a word."""
    folder = newsletter_folder(tmp_path)
    backup = tmp_path / "backup.db"
    with running(forks, folder) as server:
        assert server.sign_up(SAM).status_code == 200
        with closing(sqlite3.connect(folder / ".news" / "news.db")) as connection:
            connection.execute("vacuum into ?", (str(backup),))
        assert server.sign_up("late@example.com").status_code == 200
        wait_until(lambda: len(mails(folder)) == 2)
        os.replace(backup, folder / ".news" / "news.db")
        for end in ("-wal", "-shm"):
            (folder / ".news" / f"news.db{end}").unlink(missing_ok=True)
        answer = server.sign_up("lost@example.com")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        health = server.ask("GET", "/healthz")
        assert (health.status_code, health.json()["database"]) == (503, "failed")
        assert "was deleted or replaced" in server.log
        assert server.stop() == 0
    with running(forks, folder) as server:
        assert server.is_well()
        assert server.sign_up("again@example.com").status_code == 200
        assert {row[0] for row in query(folder, ROWS)} == {SAM, "again@example.com"}


def test_a_full_disk_is_never_answered_with_200(tmp_path: Path) -> None:
    pages = [10_000]

    def limit(connection: sqlite3.Connection) -> None:
        connection.exec_driver_sql(f"pragma max_page_count = {pages[0]}")

    with served(tmp_path, extra=HIGH_RATES) as server:
        sam = server.add(SAM)
        event.listen(server.context.database._engine, "begin", limit)
        pages[0] = 1  # SQLite raises this to the number of pages that there are
        answered = []
        for number in range(2000):
            answer = server.sign_up(f"reader{number}@example.com")
            if answer.status_code != 200:
                break
            answered.append(f"reader{number}@example.com")
        assert answer.status_code == 503
        assert [row.address for row in server.rows("sign_up")] == answered
        assert server.get(server.unsubscribe_path(sam)).status_code == 200
        pages[0] = 10_000
        assert server.sign_up("after@example.com").status_code == 200
        assert server.post(server.unsubscribe_path(sam)).status_code == 200


@pytest.fixture
def refused(forks: ForkServer, tmp_path: Path) -> Callable[..., str]:
    """Return a function that starts `news serve`, which must refuse, and returns its message."""

    def message(*arguments: str, module: str = "newsletter", **environment: str) -> str:
        output, errors = tmp_path / "output.txt", tmp_path / "errors.txt"
        process = start(
            forks, tmp_path, output, errors, module=module, arguments=arguments, environment=environment
        )
        assert process.wait(60) == 1
        assert output.read_text() == ""
        return errors.read_text()

    return message


def test_a_port_in_use_is_named(forks: ForkServer, refused: Callable[..., str], tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    newsletter_folder(tmp_path)
    with running(forks, newsletter_folder(other)) as server:
        assert refused("--port", str(server.port)) == (
            f"error: port {server.port} is in use\n"
            f"    use another port if the server there is not yours: --port {server.port + 1}\n"
        )


def test_a_second_server_of_one_database_is_refused(
    forks: ForkServer, refused: Callable[..., str], tmp_path: Path
) -> None:
    with running(forks, newsletter_folder(tmp_path)) as server:
        message = refused()
        assert server.is_well()
    assert message.startswith("error: another process sends the mail of ")
    assert "stop the other `news serve`" in message and "Traceback" not in message


def test_a_state_on_a_git_ref_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    newsletter_folder(tmp_path, extra="state: git\n")
    assert refused("--port", "0") == (
        "error: the state is on a Git ref, which a server cannot change with each request\n"
        "    move it to PostgreSQL (news db copy) and delete `state:`, or use `news unsubscribes pull`\n"
    )


def test_an_unsubscribe_link_to_another_page_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    newsletter_folder(tmp_path, unsubscribe=samples.UNSUBSCRIBE)
    for port, shown in (("0", 8080), ("8099", 8099)):
        assert refused("--port", port) == (
            "newsletter.yml:5: error: unsubscribe.url does not end with /unsubscribe/{token}, so that readers"
            " would not reach the pages of news serve\n"
            "    write unsubscribe.url: https://news.example.com/unsubscribe/{token} with your own host; to"
            " try it on this machine, with provider: outbox, write"
            f" http://127.0.0.1:{shown}/unsubscribe/{{token}}\n"
        )


@pytest.mark.parametrize(
    ("address", "warns"),
    [
        pytest.param("http://127.0.0.1:9", True, id="another-port"),
        pytest.param("http://127.0.0.1", False, id="no-port"),
        pytest.param("https://news.example.com:9", False, id="public"),
    ],
)
def test_links_to_another_port_of_this_machine_are_named(
    address: str, warns: bool, forks: ForkServer, tmp_path: Path
) -> None:
    newsletter_folder(tmp_path, unsubscribe=f"{address}/unsubscribe/{{token}}")
    with running(forks, tmp_path) as server:
        message = (
            f"newsletter.yml:5: warning: links in the mail lead to port 9, and the server listens on port "
            f"{server.port}\n"
            f"    write {server.port} in place of 9 in unsubscribe.url, or use --port 9\n"
        )
        assert (message in server.log) == ("lead to port" in server.log) == warns


@pytest.mark.parametrize("package", ["limits", "starlette", "uvicorn"])
def test_a_missing_package_is_named(package: str, refused: Callable[..., str], tmp_path: Path) -> None:
    newsletter_folder(tmp_path)
    assert refused(module="tests.web.without_package", WITHOUT=package) == (
        f"error: the server needs {package}, which is not installed\n"
        "    install its packages: pip install limits starlette uvicorn\n"
    )
