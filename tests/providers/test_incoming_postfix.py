"""Messages to the newsletter's mailbox that a real mail server delivered."""

import smtplib
from email.message import EmailMessage

from newsletter.mail.incoming_mail import read_mail
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from tests import samples
from tests.fakes.postfix import Postfix

TOKENS = UnsubscribeTokens(samples.SECRET, "soup.example.com")
LINKS = SignedLinks([samples.SECRET], "soup.example.com")


def deliver(server: Postfix, *messages: EmailMessage, count: int = 0) -> list[bytes]:
    """Send messages through Postfix; return the new ones in the mailbox."""
    before = {file.name for file in server.mailbox.glob("new/*")}
    with smtplib.SMTP("127.0.0.1", server.port) as smtp:
        for message in messages:
            smtp.send_message(message)
    server.messages(len(before) + (count or len(messages)))
    return [file.read_bytes() for file in server.mailbox.glob("new/*") if file.name not in before]


def letter(to: str, subject: str, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada <ada@example.com>", to, subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("hello\n")
    return message


def test_a_request_to_leave_arrives(postfix_server: Postfix) -> None:
    token = TOKENS.token(12)
    words = f"\U0001f44b Ich möchte keine weiteren Ausgaben mehr bekommen: unsubscribe {token}"
    delivered = deliver(
        postfix_server,
        letter("leave@example.com", f"unsubscribe {token}"),
        letter("leave@example.com", words),  # encoded and folded
        letter(f"leave+{token}@example.com", "goodbye"),
    )
    assert len(delivered) == 3
    for content in delivered:
        mail = read_mail(content)
        assert [TOKENS.subscriber_id(one) for one in mail.leave_tokens] == [12] and mail.automatic == ""


def test_an_answer_that_confirms_arrives(postfix_server: Postfix) -> None:
    answer = letter(
        "join@example.com", "Re: Please confirm", In_Reply_To=f"<{LINKS.confirm_token(5)}@example.com>"
    )
    (content,) = deliver(postfix_server, answer)
    mail = read_mail(content)
    assert [LINKS.sign_up_id(token) for token in mail.confirm_tokens] == [5]
    assert (mail.sender, mail.automatic) == ("ada@example.com", "")


def test_a_bounce_of_a_request_is_that_of_a_program(postfix_server: Postfix) -> None:
    """A mail server returns it to its author, with the whole message and its token inside."""
    message = letter("bounce@example.com", f"unsubscribe {TOKENS.token(12)}")
    (content,) = deliver(postfix_server, message)
    assert b"multipart/report" in content and read_mail(content).automatic == "replied"
