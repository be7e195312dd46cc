"""Check that mail programs can unsubscribe a reader with one click."""

from collections.abc import Iterator

from newsletter.checks.proof import Proof
from newsletter.errors import Problem

# https://support.google.com/a/answer/14229414 and https://senders.yahooinc.com/best-practices/
_BY_MAIL_ONLY = (
    "is the only way to unsubscribe: Gmail and Yahoo require a one-click link over https (RFC 8058) from "
    "everybody who sends them about 5,000 messages a day or more, and may refuse mail without it"
)


def one_click(proof: Proof) -> Iterator[Problem]:
    """A newsletter that readers can leave only by writing a mail."""
    if proof.newsletter.config.unsubscribe.is_by_mail_only:
        what, fix = by_mail_only(proof.newsletter.config.provider)
        where = proof.newsletter.where("unsubscribe", "mailto")
        yield Problem(where, f"`unsubscribe.mailto` {what}", fix, "warning")


def by_mail_only(provider: str) -> tuple[str, str]:
    """Return the problem of unsubscribing by mail alone, and its fix at a provider."""
    keys = (
        "`unsubscribe.url` or `unsubscribe.sendgrid_group`" if provider == "sendgrid" else "`unsubscribe.url`"
    )
    return _BY_MAIL_ONLY, f"write {keys}; without a server: docs/without-a-server.md"
