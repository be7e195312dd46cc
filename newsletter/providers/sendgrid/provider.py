"""Send through SendGrid's v3 API: one request for up to 1000 recipients, with explicit tracking settings.

Source: https://www.twilio.com/docs/sendgrid/api-reference/mail-send. Status 202 means queued; there is no
idempotency key, so after a lost response the outcome is unknown.

Calls about the account use SendGrid's Python package, for its paths and headers. Mail is sent without the
package, which would format every body for its log and open a new connection for each request.
"""

import logging
import time
from collections.abc import Callable
from email.message import Message
from typing import TYPE_CHECKING, Any

import python_http_client
from pydantic import SecretStr
from sendgrid import SendGridAPIClient

from newsletter.config.model import Config, SendGrid
from newsletter.config.provider_facts import PROVIDER_TRACKING
from newsletter.errors import Problem
from newsletter.findings import Finding, ProviderReport
from newsletter.mail.message import Batch
from newsletter.providers.api import Api, key_problems
from newsletter.providers.http import (
    MAX_CONTENT_BYTES,
    TIMEOUT_SECONDS,
    Response,
    Transport,
)
from newsletter.providers.sendgrid.payload import template
from newsletter.providers.sendgrid.responses import KEY_VARIABLE, outcome
from newsletter.providers.sendgrid.scheduled_sends import SendGridScheduledSends
from newsletter.sending.outcomes import Capabilities, NotSent, Outcome

if TYPE_CHECKING:
    from newsletter.providers.sendgrid.suppressions import SendGridSuppressions
    from newsletter.sending.interfaces import Recallable, SubmissionLog

# SendGrid's limit of personalizations in one request.
MAX_RECIPIENTS_PER_CALL = 1000

# At DEBUG the client logs the API key and every address.
logging.getLogger("python_http_client.client").disabled = True


class SendGridProvider:
    """Send through SendGrid; `clock` returns Unix time, in seconds.

    `key_problem` is the reason for having no key: it is for another host. At most `max_content` bytes of a
    response are read.
    """

    name = "sendgrid"

    def __init__(
        self,
        settings: SendGrid,
        api_key: SecretStr | None,
        *,
        key_problem: Problem | None = None,
        timeout: float = TIMEOUT_SECONDS,
        recipients_per_call: int = MAX_RECIPIENTS_PER_CALL,
        clock: Callable[[], float] = time.time,
        max_content: int = MAX_CONTENT_BYTES,
    ) -> None:
        self.capabilities = Capabilities(
            recipients_per_call,
            leaves_machine=True,
            tracking=PROVIDER_TRACKING["sendgrid"],
            max_calls=settings.requests,
        )
        self.recallable: Recallable | None = SendGridScheduledSends(self._request, clock)
        self._api_key, self._key_problem, self._clock = api_key, key_problem, clock
        self._api = Api(settings.host, settings.requests, timeout, max_content=max_content)
        self._client = _client(settings.host, api_key, self._api.transport)

    def check(self) -> list[Problem]:
        return key_problems(KEY_VARIABLE, self._api_key, self._key_problem)

    def submit(self, batch: Batch, submissions: "SubmissionLog") -> Outcome:
        if problems := self.check():
            return NotSent(str(problems[0]))
        headers = {**self._client.request_headers, "Content-Type": "application/json"}
        response = self._api.submit("/v3/mail/send", headers, template(batch.mailing).fill(batch))
        if isinstance(response, Response):
            return outcome(response, len(batch.recipients), self._clock())
        return response

    def examine(self, config: Config) -> ProviderReport:
        """Report on the API key, the account's settings and its domains; all requests are GET."""
        from newsletter.providers.sendgrid.account import SendGridAccount

        if (problems := self.check()) or not self._api_key:
            return ProviderReport(tuple(map(Finding.of, problems)))
        return SendGridAccount(self._request, self._api_key.get_secret_value()).examine(config)

    def suppressions(self) -> "SendGridSuppressions":
        """Return the account's lists of addresses that SendGrid does not deliver to."""
        from newsletter.providers.sendgrid.suppressions import SendGridSuppressions

        return SendGridSuppressions(self._request)

    def close(self) -> None:
        self._api.close()

    def _request(self, call: Callable[[Any], Any]) -> Response | NotSent:
        """Make a call about the account; return its response, or NotSent if there is none."""
        if problems := self.check():
            return NotSent(str(problems[0]))
        response = self._api.call_safe(lambda: call(self._client))
        if isinstance(response, NotSent):
            return response
        return Response(response.status_code, response.headers, response.body)


def _client(host: str, api_key: SecretStr | None, transport: Transport) -> "_Client":
    # Without a key the package would read one from the environment. "none" is not sent: `check` fails first.
    api = SendGridAPIClient(api_key.get_secret_value() if api_key else "none", host=host)
    client = _Client(host=api.host, request_headers=api._default_headers, version=3)
    client.transport = transport
    return client


class _Client(python_http_client.Client):  # type: ignore[misc]  # the package has no types
    """The package's client on our transport: no redirects, a time-out, no exception for an HTTP status."""

    transport: Transport | None = None

    def _build_client(self, name: str | None = None) -> "_Client":
        client = _Client(
            host=self.host,
            request_headers=self.request_headers,
            version=self._version,
            url_path=[*self._url_path, name] if name else self._url_path,
        )
        client.transport = self.transport
        return client

    def _make_request(self, _opener: Any, request: Any, timeout: float | None = None) -> "_Response":
        assert self.transport
        pieces = [request.data] if request.data else []
        headers = dict(request.header_items())
        return _Response(self.transport.request(request.get_method(), request.selector, headers, pieces))


class _Response:
    """A response with the methods that the package calls."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def getcode(self) -> int:
        return self._response.status

    def read(self) -> bytes:
        return self._response.content

    def info(self) -> Message:
        return self._response.headers
