"""The contract of all providers. A new provider is added to `PROVIDERS`, with its server."""

import email
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Mailgun, Postmark, Resend, Ses
from newsletter.config.model import SendGrid, Smtp
from newsletter.config.provider_facts import PROVIDER_TRACKING, REPEAT_WINDOWS
from newsletter.constants import PROVIDER_KEYS
from newsletter.mail.message import Batch
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.providers.mailgun.provider import MailgunProvider
from newsletter.providers.outbox import OutboxProvider
from newsletter.providers.postmark.provider import PostmarkProvider
from newsletter.providers.resend.provider import ResendProvider
from newsletter.providers.sendgrid.provider import SendGridProvider
from newsletter.providers.ses.credentials import KeyCredentials
from newsletter.providers.ses.provider import SesProvider
from newsletter.providers.smtp.provider import SmtpProvider
from newsletter.sending.interfaces import Provider, TellsTime, TracksByAccount
from newsletter.sending.outcomes import Accepted, Cancelled, NotSent, Unknown
from newsletter.store.service_mails import ServiceMail
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.mailgun import MailgunFake
from tests.fakes.postmark import PostmarkFake
from tests.fakes.resend import ResendFake
from tests.fakes.sendgrid import SendGridFake
from tests.fakes.ses import REGION, SesFake, unpacked
from tests.fakes.smtp import ScriptedSmtp
from tests.fakes.web import Fault, WebFake


@dataclass(frozen=True)
class ReceivedMail:
    """A message as the recipient gets it, from any provider."""

    to: str
    subject: str
    text: str
    html: str
    list_unsubscribe: str


@dataclass(frozen=True)
class OpenProvider:
    """A provider, with functions that return the mail received and the bytes submitted.

    `fake` is its counterpart, if it is a web API.
    """

    provider: Provider
    received: Callable[[], list[ReceivedMail]]
    wire: Callable[[], list[bytes]]
    fake: Any = None


@contextmanager
def outbox(folder: Path) -> Iterator[OpenProvider]:
    def wire() -> list[bytes]:
        return [file.read_bytes() for file in sorted((folder / "outbox" / "new").glob("*"))]

    yield OpenProvider(OutboxProvider(folder / "outbox"), lambda: list(map(parse_mail, wire())), wire)


@contextmanager
def smtp(_folder: Path) -> Iterator[OpenProvider]:
    with ScriptedSmtp() as server:

        def wire() -> list[bytes]:
            return [re.sub(rb"(?m)^\.", b"", message) for message in server.messages]

        provider = SmtpProvider(Smtp(port=server.port, security="none"))
        yield OpenProvider(provider, lambda: list(map(parse_mail, wire())), wire)


def web_api(provider: Provider, fake: Any, to: Callable[[Any], str]) -> OpenProvider:
    """Return a provider whose fake keeps requests and deliveries; `to` returns the recipient of one."""

    def received() -> list[ReceivedMail]:
        return [
            ReceivedMail(
                to(delivery),
                delivery.subject,
                delivery.text,
                delivery.html,
                delivery.headers.get("List-Unsubscribe", ""),
            )
            for delivery in fake.deliveries
        ]

    def wire() -> list[bytes]:
        return [request.raw for request in fake.requests if request.raw]

    return OpenProvider(provider, received, wire, fake)


def mailbox(delivery: Any) -> str:
    return f"{delivery.name} <{delivery.address}>"


def decoded(delivery: Any) -> str:
    return str(make_header(decode_header(delivery.to)))


@contextmanager
def sendgrid(_folder: Path, key: str = "", timeout: float = 5) -> Iterator[OpenProvider]:
    with SendGridFake() as fake:
        settings = SendGrid(host=fake.url)
        provider = SendGridProvider(settings, SecretStr(key or fake.key), timeout=timeout)
        yield web_api(provider, fake, mailbox)


@contextmanager
def resend(_folder: Path, key: str = "", timeout: float = 5) -> Iterator[OpenProvider]:
    with ResendFake() as fake:
        settings = Resend(host=fake.url)
        yield web_api(ResendProvider(settings, SecretStr(key or fake.key), timeout=timeout), fake, decoded)


@contextmanager
def mailgun(_folder: Path, key: str = "", timeout: float = 5) -> Iterator[OpenProvider]:
    with MailgunFake() as fake:
        settings = Mailgun(host=fake.url)
        yield web_api(MailgunProvider(settings, SecretStr(key or fake.key), timeout=timeout), fake, decoded)


@contextmanager
def postmark(_folder: Path, key: str = "", timeout: float = 5) -> Iterator[OpenProvider]:
    with PostmarkFake() as fake:
        settings = Postmark(host=fake.url)
        provider = PostmarkProvider(settings, SecretStr(key or fake.token), timeout=timeout)
        yield web_api(provider, fake, mailbox)


@contextmanager
def ses(_folder: Path, key: str = "", timeout: float = 5) -> Iterator[OpenProvider]:
    with SesFake() as fake:
        credentials = KeyCredentials(SecretStr(fake.key_id), SecretStr(key or fake.secret))
        yield OpenProvider(
            SesProvider(Ses(region=REGION, host=fake.url), credentials, timeout=timeout),
            lambda: [parse_mail(delivery.raw) for delivery in fake.deliveries],
            lambda: [unpacked(request) for request in fake.requests],
            fake,
        )


PROVIDERS = {
    "outbox": outbox,
    "smtp": smtp,
    "sendgrid": sendgrid,
    "resend": resend,
    "ses": ses,
    "postmark": postmark,
    "mailgun": mailgun,
}

WEB_APIS = ("sendgrid", "resend", "ses", "postmark", "mailgun")


@pytest.fixture(params=PROVIDERS)
def ready(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenProvider]:
    with PROVIDERS[request.param](tmp_path) as opened:
        yield opened
        opened.provider.close()


def parse_mail(raw: bytes) -> ReceivedMail:
    message = email.message_from_bytes(raw, policy=default)
    text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    return ReceivedMail(
        str(message["To"]), str(message["Subject"]), text, html, str(message["List-Unsubscribe"])
    )


def submit(ready: OpenProvider, mailing: samples.Mailing, subscribers: list[Subscriber]) -> None:
    """Submit one batch; check that all messages are accepted."""
    outcomes = samples.outcomes(ready.provider, samples.batch(mailing, *subscribers))
    assert [type(outcome) for outcome in outcomes] == [Accepted] * len(subscribers)


# Who decides on opens and on clicks, as the documentation of each provider says.
TRACKED_BY: dict[str, tuple[str, str]] = {
    "outbox": ("none", "none"),
    "smtp": ("none", "none"),
    "sendgrid": ("message", "message"),
    "resend": ("account", "account"),
    "ses": ("message", "message"),
    "postmark": ("account", "message"),
    "mailgun": ("message", "message"),
}
MANY = [Subscriber(n, f"reader{n}@example.com") for n in range(1, 41)]
# Words that the template languages of providers would replace.
FOREIGN_WORDS = (
    "{{name}} {{{x}}} %recipient.email% %recipient.news_token% %recipient% %unsubscribe_url% <% x %> [[x]]"
    " %tag_unsubscribe_email% <%asm_group_unsubscribe_raw_url%> -name- {%raw%} ${x} #{x} *|FNAME|* 100% 50%%"
    " {{{ pm:unsubscribe }}} {{amazonSESUnsubscribeUrl}} \\u0026 &#37; &amp; </script> 🥣"
    ' {token} "quoted" \\'
)
PEOPLE = [Subscriber(1, "ada@example.com", "Ada"), Subscriber(2, "emil@example.com", "Émil, <&>")]


def test_each_recipient_gets_the_rendered_mail_with_a_link_of_their_own(
    ready: OpenProvider, tmp_path: Path
) -> None:
    mailing = samples.mailing(tmp_path)
    submit(ready, mailing, PEOPLE)
    received = sorted(ready.received(), key=lambda mail: mail.list_unsubscribe)
    links = [mail.list_unsubscribe.partition(">")[0][1:] for mail in received]
    assert len(set(links)) == len(PEOPLE)
    for mail, link in zip(received, links, strict=True):
        assert mail.subject == "Leek & potato"
        assert mail.text == mailing.rendered.text.replace("[[unsubscribe_url]]", link)
        assert mail.html == mailing.rendered.html.replace("[[unsubscribe_url]]", link)
    assert [("ada@example.com" in mail.to, "emil@example.com" in mail.to) for mail in received] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("part", ["subject", "text", "html"])
def test_words_of_template_languages_arrive_as_they_are(part: str, ready: OpenProvider) -> None:
    """An article about mail has them; no provider may replace them, for a reader or for itself."""
    mailing = samples.plain_mailing()
    words = FOREIGN_WORDS if part == "subject" else f"[[unsubscribe_url]]\n{FOREIGN_WORDS} \u2028\n"
    mailing = replace(mailing, rendered=replace(mailing.rendered, **{part: words}))
    submit(ready, mailing, PEOPLE)
    received = ready.received()
    assert len(received) == len(PEOPLE)
    for mail in received:
        link = mail.list_unsubscribe.partition(">")[0][1:]
        assert getattr(mail, part) == words.replace("[[unsubscribe_url]]", link)


@pytest.mark.parametrize("ready", ["resend"], indirect=True)
def test_a_repeated_call_arrives_once_if_the_provider_says_so(ready: OpenProvider) -> None:
    batch = replace(samples.batch(samples.plain_mailing(), *PEOPLE), key="news/0123456789abcdef/1-2")
    outcomes = [ready.provider.submit(batch, samples.SubmissionLog()) for _ in range(3)]
    assert isinstance(outcomes[0], Accepted) and outcomes == [outcomes[0]] * 3
    assert len(ready.received()) == len(PEOPLE)


def test_the_facts_about_a_provider_are_its_capabilities(ready: OpenProvider) -> None:
    """Commands that open no provider read the facts."""
    name, capabilities = ready.provider.name, ready.provider.capabilities
    assert PROVIDER_TRACKING[name] == capabilities.tracking == TRACKED_BY[name]
    assert REPEAT_WINDOWS.get(name) == capabilities.repeat_window
    assert isinstance(ready.provider, TellsTime) == (name in REPEAT_WINDOWS)
    assert isinstance(ready.provider, TracksByAccount) == ("account" in TRACKED_BY[name])
    assert (ready.provider.recallable is not None) == (name == "sendgrid")


def test_a_test_says_so(ready: OpenProvider) -> None:
    submit(ready, samples.plain_mailing().as_test(), PEOPLE[:1])
    (mail,) = ready.received()
    assert mail.subject == "[Test] Soup"
    assert b"X-News-Test" in b"".join(ready.wire())


@pytest.mark.parametrize("tracking", ["", "tracking: {opens: true, clicks: true}\n"])
def test_mail_about_a_subscription_arrives_without_what_belongs_to_the_list(
    ready: OpenProvider, tracking: str, tmp_path: Path
) -> None:
    extra = f"provider: sendgrid\n{tracking}" if tracking else ""
    newsletter = samples.newsletter(tmp_path / "letter", extra=extra)
    links = SignedLinks([samples.SECRET], newsletter.list_id)
    tokens = UnsubscribeTokens(samples.SECRET, newsletter.list_id)
    mailings = ServiceMailings(newsletter, links, tokens, "https://news.example.com")
    people = ["ada@example.com", "emil@example.com"]
    mails = [ServiceMail(n, "data", None, n, person, samples.NOW, 0) for n, person in enumerate(people, 1)]
    batch = Batch(
        mailings.mailing("data", samples.NOW),
        [mailings.recipient(mail, number, samples.NOW) for number, mail in enumerate(mails)],
    )
    outcome = ready.provider.submit(batch, submissions := samples.SubmissionLog())
    assert isinstance(outcome, Accepted) and all(isinstance(o, Accepted) for o in submissions.ended.values())
    received = sorted(ready.received(), key=lambda mail: mail.to)
    for mail, recipient, number in zip(received, batch.recipients, (1, 2), strict=True):
        assert recipient.address in mail.to and mail.subject == "Your link: The Soup Letter"
        leave = f"https://news.example.com/unsubscribe/{tokens.token(number)}"
        for part in (mail.text, mail.html):
            assert recipient.link in part and leave in part and "[[" not in part
        assert mail.list_unsubscribe in ("None", "")
    wire = b"".join(ready.wire())
    assert b"List-" not in wire and wire.count(b"auto-generated")
    assert not re.search(rb'"(?:enable|enable_text|TrackOpens)": ?true|"TrackLinks": ?"(?!None")', wire)


def test_it_has_a_name_and_says_what_it_can_do(ready: OpenProvider) -> None:
    assert ready.provider.name in PROVIDERS
    capabilities = ready.provider.capabilities
    assert capabilities.recipients_per_call >= 1 and capabilities.max_calls >= 1
    assert capabilities.leaves_machine == (ready.provider.name != "outbox")


def test_it_begins_a_message_only_where_each_is_a_call_of_its_own(ready: OpenProvider) -> None:
    batch, submissions = samples.batch(samples.plain_mailing(), *MANY), samples.SubmissionLog()
    assert isinstance(ready.provider.submit(batch, submissions), Accepted)
    numbers = [recipient.number for recipient in batch.recipients]
    if ready.provider.capabilities.recipients_per_call == 1:
        assert submissions.begun == list(batch.recipients)
        assert list(submissions.ended) == numbers
    else:  # the answer to a batch may name recipients one by one
        assert submissions.begun == []
        assert list(submissions.ended) in ([], numbers)
    assert len(ready.received()) == len(MANY)


def test_nothing_begins_any_more_once_it_is_told_so(ready: OpenProvider) -> None:
    batch, submissions = samples.batch(samples.plain_mailing(), *MANY), samples.SubmissionLog(limit=2)
    ready.provider.submit(batch, submissions)
    begins_each = ready.provider.capabilities.recipients_per_call == 1
    assert len(ready.received()) == (2 if begins_each else len(MANY))


def test_several_batches_at_once_arrive_once_each(ready: OpenProvider) -> None:
    def send(number: int) -> None:
        submit(ready, samples.plain_mailing(), MANY[number::4])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert len(ready.received()) == len({mail.to for mail in ready.received()}) == len(MANY)


@pytest.mark.parametrize("ready", ["sendgrid"], indirect=True)
def test_held_mail_can_be_recalled(ready: OpenProvider) -> None:
    recallable = ready.provider.recallable
    assert recallable is not None
    free, batch_id = recallable.free_slots(), recallable.new_batch()
    assert isinstance(free, int) and free > 0
    assert isinstance(batch_id, str) and batch_id.isprintable()
    scheduled = samples.ScheduledSend(batch_id, datetime.now(UTC) + timedelta(hours=1))
    batch = samples.batch(samples.plain_mailing(), *PEOPLE, scheduled=scheduled)
    assert isinstance(ready.provider.submit(batch, samples.SubmissionLog()), Accepted)
    assert [recallable.recall(batch_id), recallable.recall(batch_id)] == [Cancelled(), Cancelled()]
    assert recallable.free_slots() == free - 1


def test_check_finds_nothing_where_all_is_set_up(ready: OpenProvider) -> None:
    assert ready.provider.check() == []


def test_closing_twice_is_closing_once(ready: OpenProvider) -> None:
    submit(ready, samples.plain_mailing(), PEOPLE[:1])
    ready.provider.close()
    wire = ready.wire()
    ready.provider.close()
    assert ready.wire() == wire and len(ready.received()) == 1


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name != "outbox"])
def test_nobody_at_the_other_end_is_certainly_not_sent(name: str, tmp_path: Path) -> None:
    with PROVIDERS[name](tmp_path) as gone:
        pass
    outcome = gone.provider.submit(samples.batch(samples.plain_mailing()), samples.SubmissionLog())
    assert isinstance(outcome, NotSent) and outcome.stop
    if name in WEB_APIS:
        assert outcome.reason.startswith(f"no connection to {urlsplit(gone.fake.url).netloc}: ")


# Each provider that sends through a web API


@pytest.mark.parametrize("ready", WEB_APIS, indirect=True)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_with_the_key(status: int, ready: OpenProvider) -> None:
    with WebFake() as elsewhere:
        ready.fake.next(Fault.redirect(f"{elsewhere.url}/anywhere", status))
        (outcome,) = samples.outcomes(ready.provider, samples.batch(samples.plain_mailing()))
        assert outcome == Unknown(f"unexpected response: {status}")
        assert (len(ready.fake.requests), elsewhere.connections) == (1, 0)


@pytest.mark.parametrize("ready", WEB_APIS, indirect=True)
@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        pytest.param(Fault.reset(), 0, id="before-the-body"),
        pytest.param(Fault.reset_in_body(), 0, id="in-the-body"),
        pytest.param(Fault.reply_lost(), 1, id="before-the-response"),
    ],
)
def test_a_lost_connection_is_unknown_and_not_tried_again(
    fault: Fault, arrived: int, ready: OpenProvider
) -> None:
    ready.fake.next(fault)
    (outcome,) = samples.outcomes(ready.provider, samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, Unknown) and outcome.reason.startswith("no response: ")
    assert (len(ready.fake.requests), len(ready.received())) == (1, arrived)


@pytest.mark.parametrize("ready", WEB_APIS, indirect=True)
@pytest.mark.parametrize("status", [408, 409, 425, 499, 500, 502, 503, 504])
def test_a_status_that_does_not_settle_it_is_unknown(status: int, ready: OpenProvider) -> None:
    """A proxy writes 499 if the client hung up; the mail may have been taken before."""
    ready.fake.next(Fault.html(status))
    (outcome,) = samples.outcomes(ready.provider, samples.batch(samples.plain_mailing()))
    assert outcome == Unknown(f"HTTP {status}") and len(ready.fake.requests) == 1


@pytest.mark.parametrize("ready", WEB_APIS, indirect=True)
@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_rejection_without_words_has_its_status(status: int, ready: OpenProvider) -> None:
    ready.fake.next(Fault.html(status))
    (outcome,) = samples.outcomes(ready.provider, samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, NotSent) and outcome.stop
    assert outcome.reason.startswith(f"HTTP {status}")
    assert status != 401 or re.search(r"\bkey\b|token", outcome.reason)


@pytest.mark.parametrize("name", WEB_APIS)
def test_a_late_response_is_unknown(name: str, tmp_path: Path) -> None:
    with PROVIDERS[name](tmp_path, timeout=0.2) as late, closing(late.provider):
        late.fake.next(Fault.late(60))
        batch = samples.batch(samples.plain_mailing())
        assert samples.outcomes(late.provider, batch) == [Unknown("no response: timed out")]


@pytest.mark.parametrize("name", WEB_APIS)
@pytest.mark.parametrize("key", ["abc…", "abc def", "abc\r\nX: y"])
def test_a_malformed_key_is_found_before_a_request(key: str, name: str, tmp_path: Path) -> None:
    with PROVIDERS[name](tmp_path, key=key) as pasted, closing(pasted.provider):
        (problem,) = pasted.provider.check()
        assert problem.where == PROVIDER_KEYS[name][-1] and "abc" not in str(problem)
        batch = samples.batch(samples.plain_mailing())
        assert pasted.provider.submit(batch, samples.SubmissionLog()) == NotSent(str(problem))
        assert pasted.fake.connections == 0
