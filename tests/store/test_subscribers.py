"""Test subscribers: added, removed, and added again only if they asked."""

import pytest
from sqlalchemy import select, update

from newsletter.errors import SubscriberError
from newsletter.store import suppression
from newsletter.store.database import Database
from newsletter.store.schema import subscriber_table
from newsletter.store.subscribers import Subscribers
from newsletter.subscribers.parsing import parse_subscriber
from tests.samples import NOW


@pytest.fixture
def subscribers(database: Database) -> Subscribers:
    return Subscribers(database)


def names(subscribers: Subscribers, state: str | None = "active") -> dict[str, str]:
    return {entry.address: entry.name for entry in subscribers.iter_all(state)}


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


@pytest.mark.parametrize("other", ["ADA@Example.COM", " ada@example.com "])
def test_the_same_address_is_the_same_person(other: str, subscribers: Subscribers) -> None:
    assert subscribers.add(parse_subscriber("ada@example.com")[0]) == "added"
    assert subscribers.add(parse_subscriber(other)[0]) == "known"
    assert subscribers.count_active() == 1


def test_an_idn_is_the_same_in_letters_and_in_ascii(subscribers: Subscribers) -> None:
    spellings = ["ada@bücher.example", "ada@xn--bcher-kva.example", "ADA@BÜCHER.example"]
    changes = [subscribers.add(parse_subscriber(address)[0]) for address in spellings]
    assert changes == ["added", "known", "known"]
    assert list(names(subscribers)) == ["ada@xn--bcher-kva.example"]


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
        suppression.forget(connection, [ada.key], NOW)
    with pytest.raises(SubscriberError, match=r"ada@example\.com was forgotten") as raised:
        subscribers.add(ada)
    assert "--again" in raised.value.hint
    with pytest.raises(SubscriberError, match="was forgotten: it is not on the list") as raised:
        subscribers.remove(ada)
    assert raised.value.hint == "nothing needs to be done"
    assert subscribers.count_active() == 0
    assert subscribers.add(ada, again=True) == "added"
    assert origin(database, ada.given) == ("asked to come back", "")
    with database.reading() as connection:
        assert suppression.forgotten(connection, [ada.key]) == set()
    bo, _ = parse_subscriber("bo@example.com")
    assert subscribers.add(bo, again=True) == "added", "who is new needs no --again, and may have it"
    assert origin(database, bo.given) == ("added by hand", "")
