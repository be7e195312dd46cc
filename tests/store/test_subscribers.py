"""Test subscribers: imported, added, removed, and never re-subscribed by an import."""

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter.errors import Problem, SubscriberError
from newsletter.store import suppression
from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table
from newsletter.store.subscribers import Imported, Subscribers
from newsletter.subscribers import csv_import
from newsletter.subscribers.parsing import parse_subscriber
from tests.samples import NOW


@pytest.fixture
def subscribers(database: Database) -> Subscribers:
    return Subscribers(database)


def import_rows(subscribers: Subscribers, path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    return [
        result.change if isinstance(result, Imported) else f"{result.where.rpartition(':')[2]}: {result.what}"
        for result in subscribers.import_rows(csv_import.read(path), path.name)
    ]


def names(subscribers: Subscribers, state: str | None = "active") -> dict[str, str]:
    return {entry.address: entry.name for entry in subscribers.iter_all(state)}


def test_a_file_is_brought_in_once(subscribers: Subscribers, tmp_path: Path) -> None:
    file = "address,name\nada@example.com,Ada\nbo@example.com,\n"
    assert import_rows(subscribers, tmp_path / "list.csv", file) == ["added", "added"]
    assert import_rows(subscribers, tmp_path / "list.csv", file) == ["known", "known"]
    assert names(subscribers) == {"ada@example.com": "Ada", "bo@example.com": ""}
    assert subscribers.count_active() == 2


def test_removed_people_stay_removed(subscribers: Subscribers, tmp_path: Path) -> None:
    file = "address,name\nada@example.com,Ada\nbo@example.com,Bo\n"
    import_rows(subscribers, tmp_path / "list.csv", file)
    assert subscribers.remove(parse_subscriber("ADA@example.com")[0])
    assert import_rows(subscribers, tmp_path / "list.csv", file) == ["left", "known"]
    assert names(subscribers) == {"bo@example.com": "Bo"}
    assert names(subscribers, "unsubscribed") == {"ada@example.com": "Ada"}
    assert not subscribers.remove(parse_subscriber("ada@example.com")[0])


def test_somebody_who_left_comes_back_only_when_they_asked(subscribers: Subscribers) -> None:
    ada, _ = parse_subscriber("ada@example.com")
    subscribers.add(ada, "Ada")
    subscribers.remove(ada)
    with pytest.raises(SubscriberError, match=r"ada@example\.com is off the list") as raised:
        subscribers.add(ada)
    assert "--again" in raised.value.hint
    assert subscribers.count_active() == 0
    assert subscribers.add(ada, again=True) == "added"
    assert names(subscribers) == {"ada@example.com": "Ada"}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("ADA@Example.COM", id="case"),
        pytest.param(" ada@example.com ", id="spaces"),
    ],
)
def test_the_same_address_is_the_same_person(other: str, subscribers: Subscribers, tmp_path: Path) -> None:
    file = f"address,name\nada@example.com,Ada\n{other},Ada\n"
    assert import_rows(subscribers, tmp_path / "list.csv", file) == ["added", "twice"]
    assert subscribers.count_active() == 1


def test_an_idn_is_the_same_in_letters_and_in_ascii(subscribers: Subscribers, tmp_path: Path) -> None:
    file = "address\nada@bücher.example\nada@xn--bcher-kva.example\nADA@BÜCHER.example\n"
    assert import_rows(subscribers, tmp_path / "list.csv", file) == ["added", "twice", "twice"]
    assert list(names(subscribers)) == ["ada@xn--bcher-kva.example"]


def test_duplicates_are_found_however_far_apart(subscribers: Subscribers, tmp_path: Path) -> None:
    many = "".join(f"reader{n}@example.com\n" for n in range(1200))
    changes = import_rows(subscribers, tmp_path / "list.csv", f"address\n{many}reader0@example.com\n")
    assert Counter(changes) == {"added": 1200, "twice": 1}
    assert subscribers.count_active() == 1200
    assert len(list(subscribers.iter_all())) == 1200


def test_a_new_name_is_taken_and_an_empty_one_forgets_nothing(
    subscribers: Subscribers, tmp_path: Path
) -> None:
    import_rows(subscribers, tmp_path / "a.csv", "address,name\nada@example.com,Ada\nbo@example.com,Bo\n")
    changes = import_rows(
        subscribers, tmp_path / "b.csv", "address,name\nada@example.com,Ada E.\nbo@example.com,\n"
    )
    assert changes == ["renamed", "known"]
    assert names(subscribers) == {"ada@example.com": "Ada E.", "bo@example.com": "Bo"}


def test_lines_that_are_no_use_are_named_and_the_others_brought_in(
    subscribers: Subscribers, tmp_path: Path
) -> None:
    changes = import_rows(subscribers, tmp_path / "list.csv", "address,name\nnobody,N\nada@example.com,Ada\n")
    assert changes[0].startswith('2: "nobody" is not an email address')
    assert changes[1] == "added"


def test_a_file_that_breaks_off_brings_nobody_in(subscribers: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"address,name\nada@example.com,Ada\nbo@example.com,B\xf6\n")
    with pytest.raises(SubscriberError, match=r"list\.csv:3: the line is not utf-8 text"):
        list(subscribers.import_rows(csv_import.read(path), path.name))
    assert subscribers.count_active() == 0


def test_an_import_that_is_given_up_brings_nobody_in(subscribers: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("address\nada@example.com\nbo@example.com\n")
    changes = subscribers.import_rows(csv_import.read(path), path.name)
    next(changes)
    changes.close()
    assert subscribers.count_active() == 0


def test_removing_somebody_who_is_not_there_says_so(subscribers: Subscribers) -> None:
    with pytest.raises(SubscriberError, match="is not on the list"):
        subscribers.remove(parse_subscriber("ada@example.com")[0])


@pytest.mark.parametrize(
    ("address", "name"),
    [
        pytest.param("nobody", "", id="address"),
        pytest.param("ada@example.com", "Ada\nBcc: x", id="line-break"),
        pytest.param("ada@example.com", "=?utf-8?q?=0D=0ABcc:_x?=", id="encoded-word"),
    ],
)
def test_a_person_is_refused_in_words(address: str, name: str) -> None:
    with pytest.raises(SubscriberError):
        parse_subscriber(address, name)


def test_problems_pass_through(subscribers: Subscribers) -> None:
    problem = Problem("list.csv:2", "no use")
    assert list(subscribers.import_rows([problem], "list.csv")) == [problem]


def origin(database: Database, address: str) -> tuple[str, str]:
    with database.reading() as connection:
        query = select(subscriber_table).where(subscriber_table.c.address == address)
        row = connection.execute(query).one()
    return row.consent_how, row.changed_how


def test_the_origin_of_a_state_is_kept(subscribers: Subscribers, database: Database) -> None:
    ada, _ = parse_subscriber("ada@example.com")
    subscribers.add(ada)
    assert origin(database, ada.given) == ("added by hand", "")
    subscribers.remove(ada)
    assert origin(database, ada.given) == ("added by hand", "removed by hand")
    subscribers.add(ada, again=True)
    assert origin(database, ada.given) == ("asked to come back", "")


@pytest.mark.parametrize(("state", "after"), [("bounced", "unsubscribed"), ("complained", "complained")])
def test_removing_somebody_does_not_hide_a_complaint(
    state: str, after: str, subscribers: Subscribers, database: Database
) -> None:
    ada, _ = parse_subscriber("ada@example.com")
    subscribers.add(ada)
    with database.writing() as connection:
        connection.execute(update(subscriber_table).values(state=state))
    assert subscribers.remove(ada) == (state != after)
    assert names(subscribers, after) == {"ada@example.com": ""}


def test_a_forgotten_person_comes_back_only_when_they_asked(
    subscribers: Subscribers, database: Database
) -> None:
    ada, _ = parse_subscriber("ada@example.com")
    with database.writing() as connection:
        suppression.suppress(connection, [ada.key], NOW)
    with pytest.raises(SubscriberError, match=r"ada@example\.com was forgotten") as raised:
        subscribers.add(ada)
    assert "--again" in raised.value.hint
    assert subscribers.count_active() == 0
    assert subscribers.add(ada, again=True) == "added"
    assert origin(database, ada.given) == ("asked to come back", "")
    with database.reading() as connection:
        assert suppression.suppressed(connection, [ada.key]) == set()
    bo, _ = parse_subscriber("bo@example.com")
    assert subscribers.add(bo, again=True) == "added", "who is new needs no --again, and may have it"
    assert origin(database, bo.given) == ("added by hand", "")
