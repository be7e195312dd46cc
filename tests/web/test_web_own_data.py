"""A person's own data: the link by mail, the page, the files, and the erasure."""

import csv
import io
import json
import time
from dataclasses import replace

import pytest

from tests.web.visitors import PublicServer, text_of

SAM = "sam@example.com"


def test_the_form_answers_the_same_for_everybody_and_mails_only_known_people(server: PublicServer) -> None:
    sam = server.add("sa@example.com")
    left = server.add("sb@example.com")
    server.post(server.unsubscribe_path(left))
    server.sign_up("sc@example.com")
    server.clock.move(hours=2)
    answers = [server.post("/lost", {"address": f"s{letter}@example.com"}) for letter in "abcd"]
    assert len({answer.content for answer in answers}) == 1
    mails = [(mail.kind, mail.subscriber_id) for mail in server.rows("service_mail")]
    assert mails == [("confirm", None), ("data", sam), ("data", left), ("confirm", None)]


def test_the_form_mails_a_person_at_most_once_an_hour(server: PublicServer) -> None:
    server.add(SAM)
    for _ in range(20):
        server.post("/lost", {"address": SAM})
        server.clock.move(minutes=2)
    assert len(server.rows("service_mail")) == 1


@pytest.mark.parametrize("typed", ["", "sam", "<script>@"])
def test_what_is_no_address_is_refused(typed: str, server: PublicServer) -> None:
    answer = server.post("/lost", {"address": typed})
    assert (answer.status_code, "<script" in answer.text) == (422, False)


def test_the_page_shows_the_most_important_that_is_stored(server: PublicServer) -> None:
    server.sign_up("Sam@Example.com")
    (sign_up,) = server.rows("sign_up")
    server.post(server.confirm_path(sign_up.id))
    sam = server.person(SAM)
    page = server.get(server.data_path(sam.id))
    text = text_of(page)
    assert page.status_code == 200
    for words in ("Sam@example.com", "gets every issue", "by the form on these pages", "10:00 UTC"):
        assert words in text
    assert "all of it is in the files below" in text and "Issues sent" not in text
    assert server.unsubscribe_path(sam.id) not in text  # the page may be on a screen that others see


def test_the_files_have_all_that_is_stored(server: PublicServer) -> None:
    server.sign_up("Sam@Example.com")
    (sign_up,) = server.rows("sign_up")
    server.post(server.confirm_path(sign_up.id))
    path = server.data_path(server.person(SAM).id)
    as_json, as_csv = server.get(f"{path}/data.json"), server.get(f"{path}/data.csv")
    assert as_json.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    found = json.loads(as_json.text)
    assert (found["address"], found["status"]) == ("Sam@example.com", "subscriber")
    assert [event["change"] for event in found["consents"]] == ["asked", "confirmed"]
    rows = dict(csv.reader(io.StringIO(as_csv.text)))
    assert rows["subscriber.consent_how"] == "sign-up form"
    assert rows["consents.2.change"] == "confirmed"


def test_a_link_closes_after_an_hour_and_opens_nothing_else(server: PublicServer) -> None:
    path = server.data_path(server.add(SAM), hours=1)
    server.clock.move(minutes=59)
    assert server.get(path).status_code == 200
    server.clock.move(minutes=1)
    for end in ("", "/data.json", "/data.csv"):
        answer = server.get(path + end)
        assert (answer.status_code, SAM in answer.text) == (410, False)
    for answer in (server.post(f"{path}/erase", {"sure": "yes"}), server.post(f"{path}/leave")):
        assert answer.status_code == 410
    assert server.person(SAM).state == "active"


def test_the_link_of_a_mail_to_unsubscribe_opens_no_data(server: PublicServer) -> None:
    """A forwarded mail must not show or erase what is stored about its first reader."""
    sam = server.add(SAM)
    token = server.context.tokens.token(sam)
    server.sign_up("new@example.com")
    (sign_up,) = server.rows("sign_up")
    for wrong in (token, server.context.links.confirm_token(sign_up.id), f"d.{sam}.9999999999.{'0' * 32}"):
        assert server.get(f"/me/{wrong}").status_code == 404
        assert server.post(f"/me/{wrong}/erase", {"sure": "yes"}).status_code == 404
    assert server.person(SAM).state == "active"


def test_the_person_leaves_on_the_page(server: PublicServer) -> None:
    sam = server.add(SAM)
    page = server.post(f"{server.data_path(sam)}/leave")
    assert "has left; gets no issue" in text_of(page)
    assert server.person(SAM).state == "unsubscribed"


def test_nothing_is_erased_before_the_box_is_checked(server: PublicServer) -> None:
    path = server.data_path(server.add(SAM))
    for fields in ({}, {"sure": ""}):
        answer = server.post(f"{path}/erase", fields)
        assert (answer.status_code, "Please tick the box first" in text_of(answer)) == (422, True)
    assert server.person(SAM).state == "active"


def test_the_erasure_leaves_nothing_but_a_hash_that_keeps_imports_out(server: PublicServer) -> None:
    server.sign_up(SAM)
    (sign_up,) = server.rows("sign_up")
    confirm = server.confirm_path(sign_up.id)
    server.post(confirm)
    sam = server.person(SAM).id
    path, unsubscribe = server.data_path(sam), server.unsubscribe_path(sam)
    assert "Your data is erased" in text_of(server.post(f"{path}/erase", {"sure": "yes"}))
    for table in ("subscriber", "sign_up", "consent_event", "service_mail"):
        assert server.rows(table) == []
    assert len(server.rows("suppressed")) == 1
    folder = server.context.newsletter.folder
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if b"sam@example.com" in file.read_bytes().lower()] == []
    gone = server.get(path)
    assert (gone.status_code, "until the data is erased" in text_of(gone)) == (410, True)
    assert server.post(confirm).status_code == 410
    assert server.post(unsubscribe).status_code == 200
    assert server.rows("subscriber") == []


def test_the_time_of_the_answer_does_not_tell_who_is_known(server: PublicServer) -> None:
    """Nothing is written for an unknown address, and so the answer would come sooner."""
    server.context = replace(server.context, answer_seconds=0.5)
    for path in ("/lost", "/subscribe"):
        start = time.monotonic()
        server.post(path, {"address": "unknown@example.com"})
        assert time.monotonic() - start >= 0.5


def test_a_file_that_still_has_the_address_is_named_in_the_log_and_the_address_is_not(
    server: PublicServer, caplog: pytest.LogCaptureFixture
) -> None:
    """`news state load` keeps the database that it has replaced."""
    kept = server.context.newsletter.state / "replaced-20260504-120000-000000-news.db"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(b"sam@example.com")
    server.post(f"{server.data_path(server.add(SAM))}/erase", {"sure": "yes"})
    (message,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert f"{kept.name}: has the address too; delete it if you do not need it" in message
    assert "news subscribers forget" in message and "sam@" not in caplog.text


def test_what_cannot_be_erased_now_is_told_and_erased_later(server: PublicServer) -> None:
    if server.context.database.url.get_backend_name() != "sqlite":
        pytest.skip("PostgreSQL has no file of its own to erase from")
    later = []
    server.context = replace(server.context, erase_later=lambda: later.append(True))
    path = server.data_path(server.add(SAM))
    with server.context.database.reading() as connection:  # a list in a terminal, for example
        connection.exec_driver_sql("select count(*) from subscriber").all()
        page = server.post(f"{path}/erase", {"sure": "yes"})
    assert (page.status_code, later) == (200, [True])
    assert "erased within an hour" in text_of(page)
    assert server.rows("subscriber") == []
