"""Test that the check of one-click unsubscribing advises only what the provider can do."""

import pytest

from newsletter.checks.mail.one_click import by_mail_only


@pytest.mark.parametrize(("provider", "is_named"), [("sendgrid", True), ("mailgun", False), ("smtp", False)])
def test_the_group_is_named_for_its_provider_only(provider: str, is_named: bool) -> None:
    _, fix = by_mail_only(provider)
    assert ("unsubscribe.sendgrid_group" in fix) is is_named and "unsubscribe.url" in fix
