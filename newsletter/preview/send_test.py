"""One message, marked as a test, to one address: the list and the ledger are not touched."""

from pathlib import Path
from typing import Any

from newsletter.config import loader
from newsletter.display import printable
from newsletter.errors import NewsError
from newsletter.sending.outcomes import Accepted
from newsletter.services.send import SendService
from newsletter.subscribers.parsing import parse_subscriber


def send(folder: Path, issue: str, address: str, provider: str | None) -> dict[str, Any]:
    """Sends it, and says what came of it; raises NewsError where it was not tried."""
    mailbox, _ = parse_subscriber(address)
    with SendService.open(loader.load(folder), provider, to_send=False) as service:
        prepared = service.prepare(issue)
        if errors := [problem for problem in prepared.problems if problem.severity == "error"]:
            return {"ok": False, "said": "\n".join(("Nothing was sent:", *map(str, errors)))}
        outcome = service.test(prepared, mailbox.given)
        where = service.provider.name
    if isinstance(outcome, Accepted):
        return {"ok": True, "said": f"Accepted by {where}, for {mailbox.given}."}
    reason = printable(getattr(outcome, "reason", ""), 300)
    return {"ok": False, "said": f"{outcome.state.replace('_', ' ')}: {reason}"}


def refused(error: NewsError) -> dict[str, Any]:
    """Why it was not tried."""
    return {"ok": False, "said": "\n".join(str(problem) for problem in error.problems)}
