"""Send through the API of Amazon SES, version 2: one signed request for each message.

Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html. There is no idempotency
key, so after a lost response the outcome is unknown. Requests are signed here and not sent with botocore,
which repeats a POST up to two times by itself.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.config.api_providers import Ses
from newsletter.config.model import Config
from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.constants import CONFIG_FILE
from newsletter.errors import Problem
from newsletter.findings import Finding, ProviderReport
from newsletter.mail.event_tag import event_tags
from newsletter.mail.message import Batch, Recipient
from newsletter.mail.mime import Unmailable
from newsletter.providers.api import Api
from newsletter.providers.http import TIMEOUT_SECONDS, Response
from newsletter.providers.ses.credentials import CredentialSource
from newsletter.providers.ses.payload import SesTemplate
from newsletter.providers.ses.responses import outcome
from newsletter.providers.ses.signature import Credentials, Scope, sign
from newsletter.sending.outcomes import (
    NOT_BEGUN,
    Accepted,
    Capabilities,
    NotSent,
    Outcome,
    Refused,
    Unknown,
)

if TYPE_CHECKING:
    from newsletter.sending.interfaces import Recallable, SubmissionLog

_SEND = "/v2/email/outbound-emails"
_AFTER_UNKNOWN = NotSent("not begun: the outcome of the message before it is unknown", stop=False)


class SesProvider:
    """Send through Amazon SES; `clock` returns the time, which a signature contains.

    `where` is the place of `ses:` in newsletter.yml.
    """

    name = "ses"
    recallable: "Recallable | None" = None

    def __init__(
        self,
        settings: Ses,
        credentials: CredentialSource,
        *,
        timeout: float = TIMEOUT_SECONDS,
        where: str = CONFIG_FILE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        # `ConfigurationOverrides` of a message win over the account and the configuration set.
        self.capabilities = Capabilities(
            recipients_per_call=1,
            leaves_machine=True,
            tracking=PROVIDER_TRACKING["ses"],
            max_calls=settings.requests,
        )
        self._settings, self._credentials = settings, credentials
        self._where, self._clock = where, clock
        self._api = Api(settings.url, settings.requests, timeout, host_setting=settings.host_setting)
        self._host = urlsplit(settings.url).netloc

    def check(self) -> list[Problem]:
        return self._settings.missing(self._where) + self._credentials.problems()

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        if problems := self.check():
            return NotSent(str(problems[0]))
        try:
            template = SesTemplate(batch.mailing, self._settings.configuration_set)
        except Unmailable as problem:
            return NotSent(f"the sender {batch.mailing.sender[1]}: {problem}")
        for recipient, body in _bodies(batch, template, submissions):
            # They are got for each message: those of a role may expire during a batch.
            credentials = self._credentials.get()
            if isinstance(credentials, NotSent):
                return credentials
            if not submissions.starting(recipient):
                return NOT_BEGUN
            result = self._submit_one(body, credentials)
            if isinstance(result, NotSent):
                # The outcome of the whole rest, this message included: so a pause follows, or a stop, even
                # if it was the last one of the batch.
                return result
            submissions.finished(recipient, result)
            if isinstance(result, Unknown):
                # The next message may end in the same way: end before another recipient becomes unknown.
                return _AFTER_UNKNOWN
        return Accepted()

    def examine(self, config: Config) -> ProviderReport:
        """Report on the key, the account, the sender's domain and the configuration set, by GET alone."""
        from newsletter.providers.ses.account import SesAccount

        if problems := self.check():
            return ProviderReport(tuple(map(Finding.of, problems)))
        return SesAccount(self._get, self._settings).examine(config)

    def close(self) -> None:
        self._api.close()

    def _submit_one(self, body: list[bytes], credentials: Credentials) -> Outcome:
        headers = self._signed("POST", _SEND, {"Content-Type": "application/json"}, body, credentials)
        response = self._api.submit(_SEND, headers, body)
        return outcome(response) if isinstance(response, Response) else response

    def _get(self, path: str) -> Response | NotSent:
        credentials = self._credentials.get()
        if isinstance(credentials, NotSent):
            return credentials
        return self._api.get(path, self._signed("GET", path, {}, [], credentials))

    def _signed(
        self, method: str, path: str, headers: dict[str, str], pieces: list[bytes], credentials: Credentials
    ) -> dict[str, str]:
        scope = Scope(self._settings.region or "")
        named = {"Host": self._host, **headers}
        return sign(method, self._api.base + path, named, pieces, credentials, scope, self._clock())


def _bodies(
    batch: Batch, template: SesTemplate, submissions: "SubmissionLog"
) -> Iterator[tuple[Recipient, list[bytes]]]:
    """Yield each recipient with the body of the request; record Refused if a message cannot be made."""
    for recipient, tag in zip(batch.recipients, event_tags(batch.mailing, batch.recipients), strict=True):
        try:
            body = template.fill(recipient, tag)
        except Unmailable as problem:
            submissions.finished(recipient, Refused(str(problem)))
            continue
        yield recipient, body
