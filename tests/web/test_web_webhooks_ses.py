"""The webhook of Amazon SES, as the server answers it; `tests/providers` has its signature and its events."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from newsletter.mail.event_tag import event_tags
from newsletter.mail.message import Personalizer
from newsletter.providers.ses.sns import TOPIC_HEADER
from newsletter.providers.ses.webhook import SesWebhook
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes.sns import TOPIC, SnsFake, body, bounce, event
from tests.web.visitors import PublicServer, served

PATH = "/webhooks/ses"
SAM = "sam@example.com"
SNS = SnsFake()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PublicServer]:
    with served(tmp_path, extra=f"ses: {{topic: '{TOPIC}'}}\n") as opened:
        assert isinstance(opened.context.webhook("ses"), SesWebhook)
        # The same, with a fake in place of the network.
        vars(opened.context)["webhook"] = {"ses": SesWebhook(TOPIC, SNS.fetch)}.get
        yield opened


def tag_of(server: PublicServer, subscriber: int) -> str:
    list_id = server.context.newsletter.list_id
    mailing = samples.replace(samples.plain_mailing(), list_id=("The Soup Letter", list_id))
    recipient = Personalizer(mailing, samples.SECRET)(Subscriber(subscriber, SAM))
    return event_tags(mailing, [recipient])[0]


def post(server: PublicServer, message: dict[str, Any], topic: str = TOPIC) -> httpx.Response:
    headers = {TOPIC_HEADER: topic, "Content-Type": "text/plain; charset=UTF-8"}
    return server.ask("POST", PATH, content=body(message), headers=headers)


def test_a_complaint_takes_the_person_off_the_list_and_a_repetition_changes_nothing(
    server: PublicServer,
) -> None:
    tag = tag_of(server, server.add(SAM))
    server.clock.move(hours=1)
    message = SNS.notification(event("Complaint", server.clock.now, tag), server.clock.now)
    assert post(server, message).status_code == 204
    assert server.person(SAM).state == "complained"
    before = server.contents()
    assert post(server, message).status_code == 204
    assert server.contents() == before


def test_what_sns_has_not_signed_for_this_topic_is_refused(server: PublicServer) -> None:
    tag = tag_of(server, server.add(SAM))
    server.clock.move(hours=1)
    now = server.clock.now
    message = SNS.notification(bounce(now, tag, "Permanent"), now)
    assert post(server, {**message, "MessageId": "another"}).status_code == 403
    assert post(server, SnsFake().notification(bounce(now, tag, "Permanent"), now)).status_code == 403
    assert post(server, message, topic=TOPIC + "2").status_code == 403
    stale = SNS.notification(bounce(now, tag, "Permanent"), now - timedelta(hours=2))
    assert post(server, stale).status_code == 403
    assert server.ask("POST", PATH, content=body(message)).status_code == 403
    assert server.person(SAM).state == "active"
    assert post(server, message).status_code == 204
    assert server.person(SAM).state == "bounced"


def test_without_a_connection_to_sns_the_message_is_to_be_posted_again(server: PublicServer) -> None:
    sns = SnsFake(key=SNS.key, is_down=True)
    vars(server.context)["webhook"] = {"ses": SesWebhook(TOPIC, sns.fetch)}.get
    message = sns.notification(event("Delivery", server.clock.now), server.clock.now)
    assert post(server, message).status_code == 503
    sns.is_down = False
    assert post(server, message).status_code == 204


def test_a_body_that_is_too_large_is_refused(server: PublicServer) -> None:
    message = SNS.notification("x" * 5_000_000, server.clock.now)
    assert post(server, message).status_code == 413


def test_without_a_topic_there_is_no_webhook(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        message = SNS.notification(event("Delivery", server.clock.now), server.clock.now)
        assert post(server, message).status_code == 404
