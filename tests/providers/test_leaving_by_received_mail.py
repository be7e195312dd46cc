"""Every way to leave, from an issue that a real mail server has delivered to its reader."""

import re
import smtplib
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from newsletter.issue import files
from newsletter.mail import message, mime
from newsletter.render.pipeline import render
from newsletter.services.pull import pull_unsubscribes
from newsletter.subscribers.model import Subscriber
from tests import samples
from tests.fakes import imap
from tests.fakes.imap import ImapFake
from tests.fakes.postfix import Postfix
from tests.web.visitors import FORM, PUBLIC, PublicServer, served

ADA = "ada@example.com"


@pytest.fixture
def mailbox() -> Iterator[ImapFake]:
    with ImapFake() as service:
        yield service


@pytest.fixture
def server(tmp_path: Path, mailbox: ImapFake) -> Iterator[PublicServer]:
    account = f"host: 127.0.0.1, port: {mailbox.port}, security: none, username: {imap.USERNAME}"
    extra = f"pull: {{imap: {{{account}}}}}\n"
    with served(tmp_path, extra=extra, IMAP_PASSWORD=imap.PASSWORD, IMAP_HOST="127.0.0.1") as opened:
        yield opened


def through(postfix: Postfix, outgoing: bytes | EmailMessage, to: str) -> bytes:
    """Send a message through Postfix; return it as it was delivered."""
    before = {file.name for file in postfix.mailbox.glob("new/*")}
    content = outgoing if isinstance(outgoing, bytes) else outgoing.as_bytes()
    with smtplib.SMTP("127.0.0.1", postfix.port) as smtp:
        smtp.sendmail("soup@example.com", to, content)
    postfix.messages(len(before) + 1)
    (new,) = (file for file in postfix.mailbox.glob("new/*") if file.name not in before)
    return new.read_bytes()


def received_issue(server: PublicServer, postfix: Postfix) -> EmailMessage:
    """Send an issue to a subscriber; return it as it arrived."""
    newsletter, subscriber_id = server.context.newsletter, server.add(ADA)
    issue = files.load(files.find(newsletter.issues))
    mailing = message.mailing(issue, render(issue, newsletter.site), newsletter)
    batch = samples.batch(replace(mailing, date=samples.NOW), Subscriber(subscriber_id, ADA))
    content = mime.template(batch.mailing).fill(batch.recipients[0])
    arrived = message_from_bytes(through(postfix, content, ADA), policy=policy.default)
    assert isinstance(arrived, EmailMessage)
    return arrived


def by_one_click(server: PublicServer, mail: EmailMessage, *_: object) -> None:
    """Post to the address of the header, as mailbox providers do (RFC 8058)."""
    address = re.findall(r"<(https://[^>]+)>", str(mail["List-Unsubscribe"]))[0]
    assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    path = address.removeprefix(PUBLIC)
    answer = server.ask("POST", path, content=str(mail["List-Unsubscribe-Post"]), headers=FORM)
    assert answer.status_code == 200


def by_link(part: str) -> Callable[..., None]:
    def leave(server: PublicServer, mail: EmailMessage, *_: object) -> None:
        """Open the link in a part of the mail, and press the button of its page."""
        body = mail.get_body((part,))
        assert body
        (address,) = set(re.findall(rf"{PUBLIC}/unsubscribe/[0-9a-f.]+", body.get_content()))
        path = address.removeprefix(PUBLIC)
        page = server.get(path)
        assert '<form method="post"' in page.text and server.person(ADA).state == "active"
        assert server.post(path).status_code == 200

    return leave


def by_mail(server: PublicServer, mail: EmailMessage, postfix: Postfix, mailbox: ImapFake) -> None:
    """Write the mail that the header asks for, which arrives in the newsletter's mailbox."""
    address = urlsplit(re.findall(r"<(mailto:[^>]+)>", str(mail["List-Unsubscribe"]))[0])
    request = EmailMessage()
    request["From"], request["To"] = ADA, unquote(address.path)
    request["Subject"] = parse_qs(address.query)["subject"][0]
    request.set_content("\n")
    mailbox.deliver(through(postfix, request, str(request["To"])))
    assert pull_unsubscribes(server.context.newsletter).left == 1


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(by_one_click, id="one-click"),
        pytest.param(by_link("html"), id="html"),
        pytest.param(by_link("plain"), id="text"),
        pytest.param(by_mail, id="mail"),
    ],
)
def test_a_reader_leaves(
    way: Callable[..., None], server: PublicServer, postfix_server: Postfix, mailbox: ImapFake
) -> None:
    mail = received_issue(server, postfix_server)
    assert server.person(ADA).state == "active"
    way(server, mail, postfix_server, mailbox)
    assert server.person(ADA).state == "unsubscribed"
