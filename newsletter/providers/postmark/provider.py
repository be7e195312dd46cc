"""Send through Postmark's API: one request for up to 500 messages, with explicit tracking switches.

Source: https://postmarkapp.com/developer/api/email-api, Send batch emails: 500 messages and 50 MB a request.
There is no idempotency key and nothing to recall, so after a lost response the outcome is unknown.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from pydantic import SecretStr

from newsletter.config.api_providers import Postmark
from newsletter.config.model import Config
from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.constants import TrackingKind
from newsletter.errors import Problem
from newsletter.findings import Finding, ProviderReport
from newsletter.mail.message import Batch, Mailing, Recipient
from newsletter.providers.api import Api, key_problems
from newsletter.providers.http import TIMEOUT_SECONDS
from newsletter.providers.postmark.mailboxes import select
from newsletter.providers.postmark.payload import template
from newsletter.providers.postmark.responses import KEY_VARIABLE, outcomes
from newsletter.sending.outcomes import Accepted, Capabilities, NotSent, Outcome, Refused, Unknown

if TYPE_CHECKING:
    from newsletter.providers.postmark.account import PostmarkAccount
    from newsletter.sending.interfaces import Recallable, SubmissionLog

MAX_RECIPIENTS_PER_CALL = 500
# Less than the 50 MB that Postmark takes: a lost response leaves fewer recipients unknown, and the whole call
# has 30 seconds: four calls at once need 3.2 Mbit/s.
MAX_BYTES_PER_CALL = 3_000_000
# The response repeats the name and the address of each recipient. If it were cut, all would be unknown.
_MAX_RESPONSE_BYTES = 2_000_000
_BAD_ADDRESS = Refused("the address contains characters that Postmark does not accept")


class PostmarkProvider:
    """Send through a server at Postmark.

    `key_problem` is the reason for having no token: it is for another host.
    """

    name = "postmark"

    def __init__(
        self,
        settings: Postmark,
        token: SecretStr | None,
        *,
        key_problem: Problem | None = None,
        timeout: float = TIMEOUT_SECONDS,
        recipients_per_call: int = MAX_RECIPIENTS_PER_CALL,
    ) -> None:
        self.capabilities = Capabilities(
            recipients_per_call,
            leaves_machine=True,
            # Open tracking of the server counts more than the switch of a message.
            tracking=PROVIDER_TRACKING["postmark"],
            max_calls=settings.requests,
            bytes_per_call=MAX_BYTES_PER_CALL,
        )
        self.recallable: Recallable | None = None
        self._settings, self._token, self._key_problem = settings, token, key_problem
        self._api = Api(settings.host, settings.requests, timeout, max_content=_MAX_RESPONSE_BYTES)

    def check(self) -> list[Problem]:
        return key_problems(KEY_VARIABLE, self._token, self._key_problem)

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        if problems := self.check():
            return NotSent(str(problems[0]))
        recipients, left_out = select(batch.recipients)
        result = self._send(batch.mailing, recipients) if recipients else []
        # Of a refused request, the protocol sends the halves again, if nobody has an outcome of their own.
        if isinstance(result, Refused):
            return result
        named = list(zip(recipients, result, strict=True)) if isinstance(result, list) else []
        named += [(recipient, _BAD_ADDRESS) for recipient in left_out]
        # Accepted ones first: the share of refused recipients is then that of the whole call.
        for recipient, own in sorted(named, key=lambda pair: not isinstance(pair[1], Accepted)):
            submissions.finished(recipient, own)
        return Accepted() if isinstance(result, list) else result

    def _send(self, mailing: Mailing, recipients: Sequence[Recipient]) -> list[Outcome] | Outcome:
        headers = {**self._authorization(), "Content-Type": "application/json"}
        body = template(mailing, self._settings).fill(recipients)
        response = self._api.submit("/email/batch", headers, body)
        return response if isinstance(response, NotSent | Unknown) else outcomes(response, recipients)

    def account_tracking(self, config: Config) -> tuple[TrackingKind, ...] | NotSent:
        """Return `opens` if the server tracks opens: then a message cannot switch it off."""
        if problems := self.check():
            return NotSent(str(problems[0]))
        return self._account().tracking()

    def examine(self, config: Config) -> ProviderReport:
        """Report on the token, the server and its message streams; all requests are GET."""
        if problems := self.check():
            return ProviderReport(tuple(map(Finding.of, problems)))
        return self._account().examine(config)

    def close(self) -> None:
        self._api.close()

    def _account(self) -> "PostmarkAccount":
        from newsletter.providers.postmark.account import PostmarkAccount

        get = partial(self._api.get, headers=self._authorization())
        return PostmarkAccount(get, self._settings, is_test=self._key() == "POSTMARK_API_TEST")

    def _key(self) -> str:
        return self._token.get_secret_value() if self._token else ""

    def _authorization(self) -> Mapping[str, str]:
        return {"X-Postmark-Server-Token": self._key()}
