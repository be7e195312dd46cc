"""`news` that kills itself at a point of a confirmation mail: `python -m tests.web.killed_serve ARGUMENT…`.

The variable KILL_AT names the point; without it, nothing is replaced. The code under test is the code that
users run.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

from newsletter.cli import main as cli
from newsletter.providers.outbox import OutboxProvider
from newsletter.services.service_mailer import ServiceMailer
from newsletter.store import service_mails


def die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str) -> None:
    submit, flush, settle = OutboxProvider.submit, ServiceMailer._flush, service_mails.settle
    settled: list[Any] = []

    def submitted(*arguments: Any) -> Any:
        outcome = submit(*arguments)
        die()
        return outcome

    def recorded(*arguments: Any) -> None:
        settle(*arguments)
        settled.append(arguments)

    def flushed(mailer: ServiceMailer) -> None:
        flush(mailer)
        if settled:
            die()

    # Before the call of the provider; after it, before its result is recorded; after that.
    replacements: dict[str, list[tuple[Any, str, Callable[..., Any]]]] = {
        "claimed": [(OutboxProvider, "submit", die)],
        "submitted": [(OutboxProvider, "submit", submitted)],
        "settled": [(service_mails, "settle", recorded), (ServiceMailer, "_flush", flushed)],
    }
    for owner, name, replacement in replacements.get(point, []):
        setattr(owner, name, replacement)
    cli.run()


if __name__ == "__main__":
    main(os.environ.get("KILL_AT", ""))
