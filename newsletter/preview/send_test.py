"""Send one test message to one address; the list and the ledger do not change."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from newsletter.config import loader
from newsletter.config.loader import Newsletter
from newsletter.display import printable
from newsletter.errors import NewsError
from newsletter.limits.process import Limiter, run_limited
from newsletter.sending.outcomes import Accepted
from newsletter.services.open_send import open_service
from newsletter.subscribers.parsing import parse_subscriber


def send(
    folder: Path, issue: str, address: str, provider: str | None, limited: Limiter = run_limited
) -> dict[str, Any]:
    """Send a test message unless the issue has errors; return the result for the page.

    Raise NewsError if the newsletter, the issue or the address is invalid.
    """
    mailbox, _ = parse_subscriber(address)
    with open_service(_load(folder), provider, to_send=False, for_test=True, limited=limited) as service:
        prepared = service.prepare(issue)
        if errors := [problem for problem in prepared.problems if problem.severity == "error"]:
            return {"ok": False, "said": "\n".join(("Nothing was sent:", *map(str, errors)))}
        outcome = service.test(prepared, mailbox.given)
        where = service.provider.name
    if isinstance(outcome, Accepted):
        return {"ok": True, "said": f"{where} accepted the message for {mailbox.given}."}
    reason = printable(getattr(outcome, "reason", ""), 300)
    return {"ok": False, "said": f"{outcome.state.replace('_', ' ')}: {reason}"}


def _load(folder: Path) -> Newsletter:
    """Load the newsletter with all its secrets but the database that `.env` names."""
    loaded, review = loader.load(folder), loader.load(folder, review=True)
    return replace(loaded, secrets=replace(loaded.secrets, database_url=review.secrets.database_url))


def failure(error: NewsError) -> dict[str, Any]:
    """Return the problems of an error as the result of a test message, for the page."""
    return {"ok": False, "said": "\n".join(str(problem) for problem in error.problems)}
