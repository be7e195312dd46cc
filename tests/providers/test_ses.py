"""Test Amazon SES against a fake that verifies every signature, keeps state and simulates faults."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from newsletter.config.api_providers import Ses
from newsletter.config.environment import Secrets
from newsletter.errors import ConfigError
from newsletter.mail.event_tag import parse_event_tag
from newsletter.mail.message import Batch, Mailing
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.providers.factory import needed_secrets, open_provider
from newsletter.providers.http import Transport
from newsletter.providers.ses.credentials import KeyCredentials, RoleCredentials, credential_source
from newsletter.providers.ses.provider import SesProvider
from newsletter.providers.ses.signature import Credentials
from newsletter.sending.interfaces import Provider
from newsletter.sending.outcomes import Accepted, NotSent, Outcome, Refused, Unknown
from newsletter.store.service_mails import ServiceMail
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.ses import REGION, SEND, Fault, Reply, SesFake

ADA = Subscriber(1, "ada@example.com", "Ada <&> Example")
BO = Subscriber(2, "bo@example.com")
CY = Subscriber(3, "cy@example.com", "Cy Émil")
TOKEN = "a+token/of=a-temporary-key"


@pytest.fixture
def fake() -> Iterator[SesFake]:
    with SesFake() as fake:
        yield fake


@contextmanager
def open_ses(
    fake: SesFake, *, offset: float = 0, timeout: float = 10, **settings: Any
) -> Iterator[SesProvider]:
    key = KeyCredentials(
        SecretStr(fake.key_id), SecretStr(fake.secret), SecretStr(fake.token) if fake.token else None
    )
    provider = SesProvider(
        Ses(region=REGION, host=fake.url, **settings),
        key,
        timeout=timeout,
        clock=lambda: datetime.now(UTC) + timedelta(seconds=offset),
    )
    with closing(provider):
        yield provider


def submit(
    fake: SesFake, *people: Subscriber, mailing: Mailing | None = None, **options: Any
) -> list[Outcome]:
    """Submit one batch; return the outcome of each recipient, in order."""
    with open_ses(fake, **options) as provider:
        return samples.outcomes(provider, samples.batch(mailing or samples.plain_mailing(), *people))


# Requests


def test_each_message_is_a_request_with_one_recipient_and_a_tag(fake: SesFake) -> None:
    outcomes = submit(fake, ADA, BO, configuration_set="news")
    ada, bo = fake.deliveries
    assert outcomes == [Accepted(ada.message_id), Accepted(bo.message_id)]
    assert (ada.address, bo.address) == ("ada@example.com", "bo@example.com")
    assert ada.request["Destination"] == {"ToAddresses": ["ada@example.com"]}
    assert (ada.request["FromEmailAddress"], ada.request["ConfigurationSetName"]) == (
        "soup@example.com",
        "news",
    )
    tagged = parse_event_tag(ada.tags["news"], "soup.example.com")
    assert tagged and (tagged.issue, tagged.subscriber_id) == ("2026-04-27", 1)


def test_the_headers_are_those_of_the_newsletter(fake: SesFake, tmp_path: Path) -> None:
    submit(fake, ADA, CY, mailing=samples.mailing(tmp_path))
    for delivery, person in zip(fake.deliveries, (ADA, CY), strict=True):
        message = delivery.message
        assert parseaddr(str(message["To"])) == (person.name, person.address)
        assert str(message["From"]) == "The Soup Letter <soup@example.com>"
        assert (message["Reply-To"], message["Subject"]) == ("cook@example.com", "Leek & potato")
        assert "<the-soup-letter.example.com>" in message["List-Id"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert "https://soup.example.com/leave/" in message["List-Unsubscribe"]
        assert message["Message-ID"] and message["X-News-Test"] is None
    ada, cy = (delivery.message["List-Unsubscribe"] for delivery in fake.deliveries)
    assert ada != cy


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("clicks", [False, True])
def test_each_message_says_whether_it_is_tracked(fake: SesFake, opens: bool, clicks: bool) -> None:
    status = {True: "ENABLED", False: "DISABLED"}
    submit(fake, mailing=replace(samples.plain_mailing(), track_opens=opens, track_clicks=clicks))
    (delivery,) = fake.deliveries
    assert delivery.request["ConfigurationOverrides"] == {
        "Tracking": {"OpenTrackingEnabled": status[opens], "ClickTrackingEnabled": status[clicks]}
    }
    assert "ConfigurationSetName" not in delivery.request


def test_a_test_has_no_tag(fake: SesFake) -> None:
    submit(fake, Subscriber(0, "ada@example.com"), mailing=samples.plain_mailing().as_test())
    (delivery,) = fake.deliveries
    assert delivery.message["X-News-Test"] == "yes" and "EmailTags" not in delivery.request


def test_mail_about_a_subscription_has_a_tag_and_nothing_of_the_list(fake: SesFake, tmp_path: Path) -> None:
    newsletter = samples.newsletter(tmp_path, extra="provider: ses\ntracking: {opens: true, clicks: true}\n")
    links = SignedLinks([samples.SECRET], newsletter.list_id)
    tokens = UnsubscribeTokens(samples.SECRET, newsletter.list_id)
    mailings = ServiceMailings(newsletter, links, tokens, "https://news.example.com")
    mail = ServiceMail(1, "confirm", 7, None, "ada@example.com", samples.NOW, 0)
    batch = Batch(mailings.mailing("confirm", samples.NOW), [mailings.recipient(mail, 0, samples.NOW)])
    with open_ses(fake) as provider:
        assert isinstance(samples.outcomes(provider, batch)[0], Accepted)
    (delivery,) = fake.deliveries
    assert delivery.message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in delivery.message if name.startswith("List-")]
    tracking = delivery.request["ConfigurationOverrides"]["Tracking"]
    assert set(tracking.values()) == {"DISABLED"}
    tagged = parse_event_tag(delivery.tags["news"], newsletter.list_id)
    assert tagged and (tagged.issue, tagged.subscriber_id, tagged.sign_up_id) == ("", None, 7)


def test_a_session_token_is_sent_and_signed(fake: SesFake) -> None:
    fake.token = TOKEN
    assert isinstance(submit(fake)[0], Accepted)
    (request,) = fake.requests
    assert "x-amz-security-token" in request.headers["Authorization"]
    assert fake.secret.encode() not in request.raw + str(request.headers).encode()


# Outcomes


@pytest.mark.parametrize(
    ("fault", "expected", "words"),
    [
        (Fault.error(400, "MessageRejected", "Bad content"), Refused, "400 MessageRejected: Bad content"),
        (Fault.error(400, "BadRequestException", "Local address"), Refused, "BadRequestException"),
        (Fault.error(413, "RequestEntityTooLarge"), Refused, "413"),
        (Fault.error(400, "MailFromDomainNotVerifiedException"), NotSent, "MAIL FROM domain"),
        (Fault.error(400, "SendingPausedException"), NotSent, "sending is paused"),
        (Fault.error(400, "AccountSuspendedException"), NotSent, "AWS has ended sending"),
        (Fault.error(400, "MessageRejected", "Sending suspended for this account."), NotSent, "suspended"),
        (Fault.error(400, "LimitExceededException"), NotSent, "a limit of the account"),
        (Fault.error(400, "ValidationException"), NotSent, "ValidationException"),
        (Fault.error(401, "Unauthorized"), NotSent, "401"),
        (Fault.error(403, "AccessDeniedException", "not authorized"), NotSent, "ses:SendRawEmail"),
        (Fault.error(403, "ExpiredTokenException"), NotSent, "temporary key has expired"),
        (Fault.error(403, "RequestTimeTooSkewed"), NotSent, "set the clock"),
        (Fault.error(404, "NotFoundException"), NotSent, "`ses.configuration_set` does not exist"),
        (Fault.html(404), NotSent, "404"),
        (Fault.day_is_used_up(), NotSent, "used up"),
    ],
)
def test_a_refusal_is_certain(fake: SesFake, fault: Fault, expected: type, words: str) -> None:
    fake.next(fault)
    (outcome,) = submit(fake, ADA)
    assert type(outcome) is expected and words in outcome.reason  # type: ignore[union-attr]
    assert not isinstance(outcome, NotSent) or (outcome.stop and outcome.wait is None)
    assert fake.deliveries == [] and len(fake.requests) == 1


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        (Fault.error(500, "InternalFailure"), 0),
        (Fault.html(502), 0),
        (Fault.error(503, "ServiceUnavailable"), 0),
        (Fault.error(408, "RequestTimeout"), 0),
        (Fault(Reply(200, b"")), 0),
        (Fault(Reply(200, b"<html>welcome</html>")), 0),
        (Fault(Reply(200, {"MessageId": ""})), 0),
        (Fault.reply_lost(), 1),
    ],
)
def test_what_is_not_certain_is_unknown_and_ends_the_batch(fake: SesFake, fault: Fault, arrived: int) -> None:
    fake.next(fault)
    ada, bo, cy = submit(fake, ADA, BO, CY)
    assert isinstance(ada, Unknown)
    rest = NotSent("not begun: the outcome of the message before it is unknown", stop=False)
    assert bo == cy == rest
    assert len(fake.requests) == 1 and len(fake.deliveries) == arrived


@pytest.mark.parametrize(
    ("fault", "stop", "wait"),
    [
        (Fault.too_fast(), False, 1),
        (Fault.error(400, "ThrottlingException", "Rate exceeded"), False, 1),
        (Fault.day_is_used_up(), True, None),
        (Fault.error(403, "AccessDeniedException"), True, None),
        (Fault.error(400, "AccountSuspendedException"), True, None),
    ],
)
def test_a_batch_ends_at_a_refusal_of_all(
    fake: SesFake, fault: Fault, stop: bool, wait: float | None
) -> None:
    """The outcome of the batch is the message's too, so that a pause follows even after the last one."""
    people = [Subscriber(n, f"reader{n}@example.com") for n in range(1, 101)]
    fake.next(None, None, fault)
    submissions = samples.SubmissionLog()
    with open_ses(fake) as provider:
        outcome = provider.submit(samples.batch(samples.plain_mailing(), *people), submissions)
    assert isinstance(outcome, NotSent) and (outcome.stop, outcome.wait) == (stop, wait)
    assert list(submissions.ended) == [1, 2] and len(fake.requests) == 3


def test_a_refused_recipient_harms_no_other(fake: SesFake) -> None:
    fake.next(None, Fault.error(400, "MessageRejected", "no"), path=SEND)
    ada, bo, cy = submit(fake, ADA, BO, CY)
    assert [type(outcome) for outcome in (ada, bo, cy)] == [Accepted, Refused, Accepted]


def test_an_address_that_no_header_can_have_is_refused_without_a_request(fake: SesFake) -> None:
    odd, bo = submit(fake, Subscriber(1, "adé@example.com"), BO)
    assert isinstance(odd, Refused) and isinstance(bo, Accepted) and len(fake.requests) == 1


@pytest.mark.parametrize("verified", [set(), {"example.com"}])
def test_the_sandbox_and_an_unverified_sender_stop_and_name_nobody(fake: SesFake, verified: set[str]) -> None:
    fake.verified, fake.sandbox = verified, True
    (outcome,) = submit(fake, Subscriber(1, "ada@reader.example"))
    assert isinstance(outcome, NotSent) and outcome.stop
    assert "sandbox" in outcome.reason and "@" not in outcome.reason


def test_the_quota_of_a_day_stops(fake: SesFake) -> None:
    fake.quota = 1
    ada, bo, _ = submit(fake, ADA, BO, CY)
    assert isinstance(ada, Accepted) and isinstance(bo, NotSent) and bo.stop and "24 hours" in bo.reason


@pytest.mark.parametrize("offset", [-400, 400])
def test_a_wrong_clock_says_what_to_do(fake: SesFake, offset: float) -> None:
    (outcome,) = submit(fake, offset=offset)
    assert isinstance(outcome, NotSent) and outcome.stop and "set the clock" in outcome.reason


def test_a_wrong_key_is_not_repeated_in_the_reason(fake: SesFake) -> None:
    """The real response repeats the request that was signed, with the session token."""
    fake.token = TOKEN
    with open_ses(fake) as provider:
        fake.secret = "another"
        (outcome,) = samples.outcomes(provider, samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, NotSent) and outcome.stop
    assert "does not belong to AWS_ACCESS_KEY_ID" in outcome.reason and TOKEN not in outcome.reason


def test_an_address_in_a_response_is_not_stored(fake: SesFake) -> None:
    fake.next(Fault.error(400, "MessageRejected", "no mail from <soup@example.com>, bo@example.com"))
    (outcome,) = submit(fake, ADA)
    assert isinstance(outcome, Refused) and "@" not in outcome.reason


@pytest.mark.parametrize(
    "kind", ["com.amazonaws.ses#NotFoundException", "NotFoundException:http://x.example/"]
)
def test_the_name_of_an_error_is_read_in_each_of_its_forms(fake: SesFake, kind: str) -> None:
    fake.next(Fault(Reply(404, {"__type": kind, "Message": "gone"})))
    (outcome,) = submit(fake)
    assert isinstance(outcome, NotSent) and outcome.reason.startswith("404 NotFoundException: gone: ")


# Credentials


class ScriptedCredentials:
    """Credentials in the order of a list."""

    def __init__(self, *results: Credentials | NotSent) -> None:
        self.results = list(results)

    def problems(self) -> list[Any]:
        return []

    def get(self) -> Credentials | NotSent:
        return self.results.pop(0)


def test_credentials_are_got_for_each_message(fake: SesFake) -> None:
    """A role's credentials may expire during a batch."""
    good = Credentials(fake.key_id, fake.secret)
    lost = NotSent("no credentials")
    provider: Provider = SesProvider(Ses(region=REGION, host=fake.url), ScriptedCredentials(good, lost))
    with closing(provider):
        ada, bo = samples.outcomes(provider, samples.batch(samples.plain_mailing(), ADA, BO))
    assert isinstance(ada, Accepted) and bo == lost and len(fake.requests) == 1


def write(folder: Path, ses: str, **environment: str) -> Provider:
    newsletter = samples.newsletter(folder, extra=f"provider: ses\nses: {ses}\n", **environment)
    return open_provider(newsletter)


KEY = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


def test_a_missing_region_is_told_with_its_line(tmp_path: Path) -> None:
    (problem,) = write(tmp_path, "{requests: 2}", **KEY, AWS_SES_HOST="email.invalid.amazonaws.com").check()
    assert problem.where.endswith("newsletter.yml:7") and "ses.region is not set" in problem.what


def test_half_of_a_key_is_told(tmp_path: Path) -> None:
    (problem,) = write(tmp_path, "{region: eu-central-1}", AWS_ACCESS_KEY_ID="AKIDEXAMPLE").check()
    assert problem.where == "AWS_SECRET_ACCESS_KEY" and problem.what == "is not set"


@pytest.mark.parametrize("temporary", [{}, {"AWS_SESSION_TOKEN": TOKEN}])
def test_a_key_is_for_the_host_of_its_region(
    fake: SesFake, tmp_path: Path, temporary: dict[str, str]
) -> None:
    assert write(tmp_path / "own", "{region: eu-central-1}", **KEY, **temporary).check() == []
    foreign = write(tmp_path / "foreign", f"{{region: eu-central-1, host: '{fake.url}'}}", **KEY, **temporary)
    (outcome,) = samples.outcomes(foreign, samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, NotSent) and outcome.stop and "AWS_SES_HOST=127.0.0.1" in outcome.reason
    assert fake.requests == [] and fake.connections == 0


@pytest.mark.parametrize("allowed", [{}, {"AWS_SES_HOST": "127.0.0.1"}])
def test_a_role_signs_for_no_other_host(fake: SesFake, tmp_path: Path, allowed: dict[str, str]) -> None:
    """AWS_SES_HOST does not count: without a key beside it, it may come from a stranger's `.env`."""
    provider = write(tmp_path, f"{{region: eu-central-1, host: '{fake.url}'}}", **allowed)
    (problem,) = provider.check()
    assert "the role of this machine signs for email.eu-central-1.amazonaws.com only" in problem.what
    (outcome,) = samples.outcomes(provider, samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, NotSent) and outcome.stop and fake.connections == 0


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the path of the only file in which botocore looks for credentials."""
    file = tmp_path / "credentials"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return file


def test_a_role_comes_from_a_profile(profile: Path, fake: SesFake) -> None:
    """botocore reads the files and the variables of AWS itself."""
    profile.write_text(
        f"[default]\naws_access_key_id = {fake.key_id}\naws_secret_access_key = {fake.secret}\n"
        f"aws_session_token = {TOKEN}\n"
    )
    fake.token = TOKEN
    source = credential_source(Secrets(), None, None)
    assert isinstance(source, RoleCredentials) and source.problems() == []
    assert source.get() == Credentials(fake.key_id, fake.secret, TOKEN)
    with closing(SesProvider(Ses(region=REGION, host=fake.url), source)) as provider:
        assert isinstance(samples.outcomes(provider, samples.batch(samples.plain_mailing()))[0], Accepted)
    profile.unlink()
    nothing = RoleCredentials().get()
    assert isinstance(nothing, NotSent) and nothing.stop
    assert "AWS_SECRET_ACCESS_KEY" in nothing.reason and "install botocore" in nothing.reason


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        (
            "aws_access_key_id = SECRETA\naws_secret_access_key = b\naws_session_token = c\n  d",
            "session token",
        ),
        ("aws_access_key_id = SECRETA\n  e\naws_secret_access_key = b", "access key id"),
        ("aws_access_key_id = a\naws_secret_access_key = SECRETé", "secret access key"),
    ],
)
def test_a_malformed_part_of_a_profile_is_found_before_a_request(
    lines: str, part: str, profile: Path, fake: SesFake
) -> None:
    profile.write_text(f"[default]\n{lines}\n", encoding="utf-8")
    with closing(SesProvider(Ses(region=REGION, host=fake.url), RoleCredentials())) as provider:
        (outcome,) = samples.outcomes(provider, samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, NotSent) and outcome.stop
    assert f"the {part} of the profile or the role is malformed" in outcome.reason
    assert "SECRET" not in outcome.reason and fake.connections == 0


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        pytest.param("/nowhere/helper", "FileNotFoundError", id="missing"),
        pytest.param("""printf '['""", "JSONDecodeError", id="no-json"),
        pytest.param("""printf '[]'""", "AttributeError", id="no-object"),
        pytest.param("""sh -c 'echo SECRET >&2; exit 1'""", "CredentialRetrievalError", id="failing"),
    ],
)
def test_a_failing_program_of_a_profile_stops_the_send_without_its_words(
    program: str, kind: str, profile: Path
) -> None:
    profile.write_text(f"[default]\ncredential_process = {program}\n")
    assert RoleCredentials().get() == NotSent(
        f"no credentials of AWS: botocore failed with {kind}; try the profile or the role with: aws sts"
        " get-caller-identity"
    )


def test_the_words_of_a_program_are_not_in_the_log_either(profile: Path, tmp_path: Path) -> None:
    """botocore logs why it could not renew credentials that are still valid, with the program's words."""
    expiration = (datetime.now(UTC) + timedelta(minutes=12)).isoformat()
    answer = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": expiration}
    (tmp_path / "answer").write_text(json.dumps(answer))
    script = tmp_path / "helper"
    script.write_text(
        f"#!/bin/sh\ncat {tmp_path}/answer && rm {tmp_path}/answer && exit\necho SECRET >&2; exit 1\n"
    )
    script.chmod(0o700)
    profile.write_text(f"[default]\ncredential_process = {script}\n")
    logged: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = logged.append  # type: ignore[method-assign]  # caplog would hear silenced loggers, too
    logging.getLogger().addHandler(handler)
    try:
        assert RoleCredentials().get() == Credentials("a", "b")
    finally:
        logging.getLogger().removeHandler(handler)
    assert not (tmp_path / "answer").exists() and logged == []


def test_a_key_is_needed_unless_a_role_can_stand_in(tmp_path: Path) -> None:
    names = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    with_key = samples.newsletter(tmp_path / "key", extra="provider: ses\n", **KEY)
    without = samples.newsletter(tmp_path / "role", extra="provider: ses\n")
    assert names <= set(needed_secrets(with_key.config, with_key.secrets))
    # botocore is installed with the tests.
    assert not names & set(needed_secrets(without.config, without.secrets))


def test_tracking_can_be_asked_for(tmp_path: Path) -> None:
    extra = "provider: {}\ntracking: {{opens: true}}\n"
    assert samples.newsletter(tmp_path / "a", extra=extra.format("ses")).config.tracking.opens
    with pytest.raises(ConfigError, match="smtp cannot track"):
        samples.newsletter(tmp_path / "b", extra=extra.format("smtp"))


@pytest.mark.parametrize("lost", [False, True])
def test_a_mistyped_region_is_named(fake: SesFake, lost: bool) -> None:
    """Not after a connection was made: the network is away then."""
    credentials = KeyCredentials(SecretStr(fake.key_id), SecretStr(fake.secret))
    with closing(SesProvider(Ses(region="eu-centra-1"), credentials, timeout=5)) as provider:
        provider._api.transport = Transport("http://127.0.0.1:1", 1, 5)
        provider._api.transport.reached = lost
        (outcome,) = samples.outcomes(provider, samples.batch(samples.plain_mailing()))
    assert isinstance(outcome, NotSent) and outcome.stop is not lost
    assert outcome.reason.startswith("no connection to email.eu-centra-1.amazonaws.com: ")
    assert outcome.reason.endswith("; check `ses.region`") is not lost


def test_a_request_is_json_as_a_whole(fake: SesFake) -> None:
    submit(fake, ADA, configuration_set="news")
    (request,) = fake.requests
    assert set(json.loads(request.raw)) == {
        "FromEmailAddress", "ConfigurationOverrides", "ConfigurationSetName", "Destination", "EmailTags",
        "Content",
    }  # fmt: skip
    assert request.headers["Content-Type"] == "application/json"
