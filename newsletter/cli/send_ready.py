"""Send every issue that is due, as automation does with `news send --ready`."""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter.cli import output, progress, pull_summary, terminal
from newsletter.cli.deliver import send_issue
from newsletter.cli.not_due import show_misnamed, show_not_due
from newsletter.constants import INCOMPLETE, REFUSED
from newsletter.errors import SaveLost, SendRefused

if TYPE_CHECKING:
    from newsletter.config.loader import Newsletter
    from newsletter.sending.model import SendOptions
    from newsletter.services.prepare import Prepared
    from newsletter.services.send import SendService

_TRIES = 3
_NOTHING_DUE = "No {} is due: each one was sent or cancelled, is a draft, or has a later date."


@dataclass(frozen=True)
class ReadyOptions:
    """The options of `news send --ready`: only the issue that is named, and no more than so many issues."""

    issue: str | None
    at_most: int
    provider: str | None
    send: "SendOptions"
    yes: bool
    dry_run: bool
    wait: bool = False


def send_ready(newsletter: "Newsletter", options: ReadyOptions) -> int:
    """Send every due issue, the oldest first; return the worst exit code.

    An issue that is refused, cannot be read or is not named like one makes the code REFUSED, or INCOMPLETE if
    any other issue was not refused. If another machine saves its state first, wait for it, and look again for
    due issues. After Ctrl-C, and if this run of GitHub has become an older one, no further issue begins.
    """
    return _ReadyRun(newsletter, options).run()


class _ReadyRun:
    """One run of `news send --ready`."""

    def __init__(self, newsletter: "Newsletter", options: ReadyOptions) -> None:
        self._newsletter, self._options = newsletter, options
        self._interrupt = progress.Interrupt()
        # The exit code of each issue that was tried, by its name; of the last try.
        self._codes: dict[str, int] = {}
        # The issues whose send began here, before another machine saved its state.
        self._lost: set[str] = set()

    def run(self) -> int:
        for _ in range(_TRIES - 1):
            with suppress(SaveLost):
                return self._try()
            output.echo(
                "Another machine saved its state first. It is taken, and due issues are looked for again."
            )
        return self._try(is_last=True)

    def _try(self, *, is_last: bool = False) -> int:
        """Send the due issues; raise SaveLost if another machine saved first, unless `is_last`."""
        from newsletter.services.due import due_issues
        from newsletter.services.open_send import open_service

        if self._is_stale():
            return self._code(broken=False)
        options = self._options
        opened = open_service(
            self._newsletter,
            options.provider,
            to_send=not options.dry_run,
            on_wait=progress.wait_shower(),
            on_pull=pull_summary.show_pull,
        )
        with opened as service:
            due, broken = terminal.collect_due(due_issues(service, options.issue, options.at_most))
            self._report_lost(service, {prepared.issue.name for prepared in due})
            is_misnamed = show_misnamed(self._newsletter)
            if not (due or broken or self._codes):
                output.echo(_NOTHING_DUE.format("other issue" if is_misnamed else "issue"))
            for prepared in due:
                if self._interrupt.asked:
                    self._codes[prepared.issue.name] = INCOMPLETE
                elif self._is_stale():
                    break
                else:
                    self._send(service, prepared, is_last=is_last)
            show_not_due(service)
        return self._code(broken=broken or is_misnamed)

    def _send(self, service: "SendService", prepared: "Prepared", *, is_last: bool) -> None:
        from newsletter.cli import logs

        options, name = self._options, prepared.issue.name
        try:
            self._codes[name] = send_issue(
                service,
                prepared,
                options.send,
                options.yes,
                options.dry_run,
                wait=options.wait,
                interrupt=self._interrupt,
                raise_lost=not is_last,
            )
        except SendRefused as refused:
            terminal.show_problems(refused.problems)
            logs.failed(refused)
            self._codes[name] = REFUSED
        except SaveLost as lost:
            logs.failed(lost)
            self._lost.add(name)
            raise

    def _is_stale(self) -> bool:
        """Return True if a newer commit is to be sent by another run, and say so.

        The default branch may have a correction since this run began: it has waited, or sent another issue.
        """
        from newsletter.services.stale_run import stale_reason

        if not (reason := stale_reason(self._newsletter, os.environ)):
            return False
        output.echo(f"Nothing {'more ' if self._codes or self._lost else ''}was sent: {reason}.")
        return True

    def _report_lost(self, service: "SendService", due: set[str]) -> None:
        """Report the sends that began here and that another machine has finished or cancelled."""
        from newsletter.cli.report import ReportOptions, report
        from newsletter.sending.model import SUBSCRIBERS

        for name in sorted(self._lost - due):
            if send := service.queries.find(name, SUBSCRIBERS):
                status = service.status(send)
                report(status, service.queries, ReportOptions())
                self._codes[name] = 0 if status.counts.complete else INCOMPLETE
        self._lost &= due

    def _code(self, *, broken: bool) -> int:
        codes = self._codes.values()
        if not broken and REFUSED not in codes:
            return max(codes, default=0)
        return INCOMPLETE if any(code != REFUSED for code in codes) else REFUSED
