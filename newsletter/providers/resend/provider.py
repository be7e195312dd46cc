"""Send through Resend: one request for up to 100 recipients, which may be repeated with its key.

Source: https://resend.com/docs/api-reference/emails/send-batch-emails and the OpenAPI description
(github.com/resend/resend-openapi). Opens and clicks are counted by a setting of the domain, off by default.
"""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from newsletter.config.api_providers import Resend
from newsletter.config.model import Config
from newsletter.config.provider_facts import PROVIDER_TRACKING, REPEAT_WINDOWS
from newsletter.constants import TrackingKind
from newsletter.errors import Problem
from newsletter.findings import Finding, ProviderReport, date_of
from newsletter.mail.message import Batch
from newsletter.providers.api import Api, key_problems
from newsletter.providers.http import TIMEOUT_SECONDS, Response
from newsletter.providers.resend.mailboxes import refused_indexes
from newsletter.providers.resend.payload import template
from newsletter.providers.resend.responses import KEY_VARIABLE, outcome
from newsletter.sending.outcomes import Capabilities, NotSent, Outcome, Refused

if TYPE_CHECKING:
    from newsletter.providers.resend.account import ResendAccount
    from newsletter.sending.interfaces import Recallable, SubmissionLog

MAX_RECIPIENTS_PER_CALL = 100
# Resend documents a limit of 40 MB for a mail, and none for a batch. The whole call has 30 seconds.
MAX_BYTES_PER_CALL = 3_000_000


class ResendProvider:
    """Send through Resend; `key_problem` is the reason for having no key: it is for another host."""

    name = "resend"

    def __init__(
        self,
        settings: Resend,
        api_key: SecretStr | None,
        *,
        key_problem: Problem | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self.capabilities = Capabilities(
            MAX_RECIPIENTS_PER_CALL,
            leaves_machine=True,
            tracking=PROVIDER_TRACKING["resend"],
            max_calls=settings.requests,
            bytes_per_call=MAX_BYTES_PER_CALL,
            repeat_window=REPEAT_WINDOWS["resend"],
        )
        self.recallable: Recallable | None = None
        self._api_key, self._key_problem = api_key, key_problem
        self._api = Api(settings.host, settings.requests, timeout)

    def check(self) -> list[Problem]:
        return key_problems(KEY_VARIABLE, self._api_key, self._key_problem)

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        if problems := self.check():
            return NotSent(str(problems[0]))
        # No request has them: a call that is repeated must be accepted for all of its recipients.
        if rejected := refused_indexes(batch.recipients):
            return Refused("the address contains characters that Resend does not accept", rejected)
        headers = {
            **self._authorization(),
            "Content-Type": "application/json",
            "x-batch-validation": "strict",
        }
        if batch.key:
            headers["Idempotency-Key"] = batch.key
        response = self._api.submit("/emails/batch", headers, template(batch.mailing).fill(batch))
        if not isinstance(response, Response):
            return response
        return outcome(response, len(batch.recipients), batch.mailing.sender[1])

    def server_time(self) -> datetime | None:
        """Return the time in the response to a GET, which any response has; None without a response."""
        response = self._api.get("/domains?limit=1", self._authorization())
        return date_of(response.headers) if isinstance(response, Response) else None

    def account_tracking(self, config: Config) -> tuple[TrackingKind, ...] | NotSent | None:
        """Return the kinds of tracking that the sender's domain has switched on, None for a sending key."""
        if problems := self.check():
            return NotSent(str(problems[0]))
        return self._account().tracking(config)

    def examine(self, config: Config) -> ProviderReport:
        """Report on the key, the domain and its tracking; all requests are GET."""
        if problems := self.check():
            return ProviderReport(tuple(map(Finding.of, problems)))
        return self._account().examine(config)

    def close(self) -> None:
        self._api.close()

    def _account(self) -> "ResendAccount":
        from newsletter.providers.resend.account import ResendAccount

        return ResendAccount(partial(self._api.get, headers=self._authorization()))

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key.get_secret_value() if self._api_key else ''}"}
