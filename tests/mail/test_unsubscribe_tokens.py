"""Tests of unsubscribe tokens: our tokens are accepted, all others are rejected."""

import pytest

from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens

SECRET = "only for tests, and long enough"


def test_a_token_identifies_its_subscriber() -> None:
    links = UnsubscribeTokens(SECRET)
    assert links.subscriber_id(links.token(12)) == 12
    assert links.token(12) == UnsubscribeTokens(SECRET).token(12)
    assert links.token(12).replace(".", "").replace("-", "").replace("_", "").isalnum(), "URL-safe"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("test", id="of-a-test-mail"),
        pytest.param("12", id="unsigned"),
        pytest.param("12.AAAA", id="badly-signed"),
        pytest.param("13" + UnsubscribeTokens(SECRET).token(12)[2:], id="somebody-elses"),
        pytest.param(UnsubscribeTokens("another secret, as long as ours").token(12), id="another-secret"),
        pytest.param("é.ü", id="not-ascii"),
    ],
)
def test_another_token_belongs_to_no_subscriber(token: str) -> None:
    assert UnsubscribeTokens(SECRET).subscriber_id(token) is None


def test_the_token_of_subscriber_0_unsubscribes_nobody() -> None:
    links = UnsubscribeTokens(SECRET)
    assert links.subscriber_id(links.token(0)) is None
