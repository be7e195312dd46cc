"""Tests of unsubscribe tokens: our tokens are accepted, all others are rejected."""

import re
from pathlib import Path

import pytest

from newsletter.mail.message import Personalizer
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.subscribers.model import Subscriber
from tests import samples

SECRET = "only for tests, and long enough"
LIST = "soup.example.com"
# Made by the first version of this code. Such tokens are in mail that was sent.
OLD_TOKEN, OLD_DIGITS = "12.990a9b795fb01ea1ccb66e843b09e445", "f715f6fb312bd2e6b4e0f6d7"
NEW_TOKEN, NEW_DIGITS = "2.12.ef40387f3b169e53f654f4d77fdb3e3f", "27a20c5d45509c4452214ce6"
CONFIGURATION = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_a_token_identifies_its_subscriber() -> None:
    links = UnsubscribeTokens(SECRET, LIST)
    assert links.subscriber_id(links.token(12)) == 12
    assert links.token(12) == UnsubscribeTokens(SECRET, LIST).token(12)
    assert links.token(12).replace(".", "").replace("-", "").replace("_", "").isalnum(), "URL-safe"


def test_tokens_stay_as_they_are() -> None:
    """Links in mail already sent must work: a change of the algorithm needs a new version."""
    assert UnsubscribeTokens(SECRET, LIST).signed(12) == (NEW_TOKEN, NEW_DIGITS)
    assert UnsubscribeTokens(SECRET, LIST, version=1).signed(12) == (OLD_TOKEN, OLD_DIGITS)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("token", [OLD_TOKEN, NEW_TOKEN])
def test_tokens_of_both_versions_are_accepted(token: str, version: int) -> None:
    assert UnsubscribeTokens(SECRET, LIST, version=version).subscriber_id(token) == 12


def test_two_newsletters_with_one_key_have_different_tokens_and_message_ids() -> None:
    soup = UnsubscribeTokens(SECRET, LIST)
    bread = UnsubscribeTokens(SECRET, "bread.example.com")
    assert soup.signed(12)[0] != bread.signed(12)[0] and soup.signed(12)[1] != bread.signed(12)[1]
    assert bread.subscriber_id(soup.token(12)) is None
    assert UnsubscribeTokens(SECRET, LIST.upper()).token(12) == soup.token(12), "RFC 2919: any case"


def test_the_list_of_a_mailing_is_bound_to_its_tokens() -> None:
    mailing, ada = samples.plain_mailing(), Subscriber(12, "ada@example.com")
    assert mailing.list_id[1] == LIST
    assert Personalizer(mailing, SECRET)(ada).token == NEW_TOKEN
    assert Personalizer(mailing, SECRET, token_version=1)(ada).token == OLD_TOKEN


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("test", id="of-a-test-mail"),
        pytest.param("12", id="unsigned"),
        pytest.param("12.AAAA", id="badly-signed"),
        pytest.param("13" + OLD_TOKEN[2:], id="somebody-elses"),
        pytest.param("2.13" + NEW_TOKEN[4:], id="somebody-elses-new"),
        pytest.param(NEW_TOKEN[2:], id="new-as-old"),
        pytest.param("2." + OLD_TOKEN, id="old-as-new"),
        pytest.param("3." + NEW_TOKEN[2:], id="another-version"),
        pytest.param("2.0" + NEW_TOKEN[2:], id="leading-zero"),
        pytest.param("2.\u0661\u0662" + NEW_TOKEN[4:], id="other-digits"),
        pytest.param(
            UnsubscribeTokens("another secret, as long as ours", LIST).token(12), id="another-secret"
        ),
        pytest.param("é.ü", id="not-ascii"),
    ],
)
def test_another_token_belongs_to_no_subscriber(token: str) -> None:
    assert UnsubscribeTokens(SECRET, LIST).subscriber_id(token) is None


def test_the_token_of_subscriber_0_unsubscribes_nobody() -> None:
    links = UnsubscribeTokens(SECRET, LIST)
    assert links.subscriber_id(links.token(0)) is None
    assert links.subscriber_id(links.signed(0)[0]) is None


def test_the_documentation_has_a_program_that_verifies_its_examples() -> None:
    text = CONFIGURATION.read_text(encoding="utf-8")
    program = re.search(r"```python\n(import hashlib\n.*?)```", text, re.DOTALL)
    table = re.findall(r"^\| `(.+?)` \| `(.+?)` \| `(.+?)` \| (.+?) \|$", text, re.MULTILINE)
    vectors = [row for row in table if "." in row[2] and len(row[2]) > 32]
    names: dict[str, object] = {}
    assert program and len(vectors) == 4
    exec(program[1], names)
    for secret, list_id, token, result in vectors:
        expected = int(result) if result.isdecimal() else None
        assert names["subscriber_id"](token, secret, list_id) == expected  # type: ignore[operator]
        assert UnsubscribeTokens(secret, list_id).subscriber_id(token) == expected
