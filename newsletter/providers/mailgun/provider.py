"""Send through Mailgun's v3 API: one request for up to 500 recipients, with explicit tracking switches.

Source: documentation.mailgun.com, Messages. A request may have 1000 recipients; above about 500, variables
were lost (github.com/mailgun/mailgun-php, issue 374). There is no idempotency key and nothing to recall, so
after a lost response the outcome is unknown.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from pydantic import SecretStr

from newsletter.config.api_providers import Mailgun
from newsletter.config.model import Config
from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.errors import Problem
from newsletter.findings import Finding, ProviderReport
from newsletter.mail.message import Batch
from newsletter.providers.api import Api, key_problems
from newsletter.providers.http import TIMEOUT_SECONDS, Response
from newsletter.providers.mailgun.mailboxes import select
from newsletter.providers.mailgun.payload import template
from newsletter.providers.mailgun.responses import KEY_VARIABLE, outcome
from newsletter.sending.outcomes import NOT_BEGUN, Capabilities, NotSent, Outcome, Refused

if TYPE_CHECKING:
    from newsletter.sending.interfaces import Recallable, SubmissionLog

MAX_RECIPIENTS_PER_CALL = 500


class MailgunProvider:
    """Send through Mailgun, by default from the domain of the sender's address.

    `key_problem` is the reason for having no key: it is for another host.
    """

    name = "mailgun"

    def __init__(
        self,
        settings: Mailgun,
        api_key: SecretStr | None,
        *,
        key_problem: Problem | None = None,
        timeout: float = TIMEOUT_SECONDS,
        recipients_per_call: int = MAX_RECIPIENTS_PER_CALL,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.capabilities = Capabilities(
            recipients_per_call,
            leaves_machine=True,
            tracking=PROVIDER_TRACKING["mailgun"],
            max_calls=settings.requests,
        )
        self.recallable: Recallable | None = None
        self._settings, self._api_key, self._key_problem = settings, api_key, key_problem
        self._clock = clock
        self._api = Api(settings.host, settings.requests, timeout)

    def check(self) -> list[Problem]:
        return key_problems(KEY_VARIABLE, self._api_key, self._key_problem)

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        if problems := self.check():
            return NotSent(str(problems[0]))
        recipients, left_out = select(batch.recipients)
        form = template(batch.mailing)
        chosen, body = form.fill(recipients)
        result = self._send(batch.mailing.sender[1], form.content_type, body) if chosen else NOT_BEGUN
        # Of a refused request, the protocol sends the halves again, if nobody has an outcome of their own.
        if not isinstance(result, Refused):
            later = [(recipient, NOT_BEGUN) for recipient in recipients[len(chosen) :]]
            for recipient, own in (*left_out, *later):
                submissions.finished(recipient, own)
        return result

    def _send(self, sender: str, content_type: str, body: Sequence[bytes]) -> Outcome:
        headers = {**self._authorization(), "Content-Type": content_type}
        domain = self._domain(sender)
        path = f"/v3/{quote(domain, safe='')}/messages"
        response = self._api.submit(path, headers, body)
        if not isinstance(response, Response):
            return response
        return outcome(response, self._clock(), sender, domain)

    def examine(self, config: Config) -> ProviderReport:
        """Report on the key and the domain; all requests are GET."""
        from newsletter.providers.mailgun.account import MailgunAccount

        if problems := self.check():
            return ProviderReport(tuple(map(Finding.of, problems)))
        get = partial(self._api.get, headers=self._authorization())
        return MailgunAccount(get, self._domain(config.sender.email)).examine(config)

    def close(self) -> None:
        self._api.close()

    def _domain(self, sender: str) -> str:
        return self._settings.domain or sender.rpartition("@")[2].lower()

    def _authorization(self) -> Mapping[str, str]:
        key = self._api_key.get_secret_value() if self._api_key else ""
        return {"Authorization": f"Basic {base64.b64encode(f'api:{key}'.encode()).decode()}"}
