"""Tests of the mail about subscriptions: its headers, its links, and what it must not share with issues."""

import email
import re
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from newsletter.constants import PLACEHOLDER, SERVICE_MAIL_KINDS, ServiceMailKind
from newsletter.mail.message import Recipient
from newsletter.mail.mime import MimeTemplate
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import DataLink, SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.store.service_mails import ServiceMail
from tests import samples

BASE = "https://news.example.com/soup"
LIST = "the-soup-letter.example.com"
LINKS, TOKENS = SignedLinks([samples.SECRET], LIST), UnsubscribeTokens(samples.SECRET, LIST)
THEMES = ["digest", "letter", "gazette"]


@dataclass(frozen=True)
class Waiting:
    """A mail that waits."""

    kind: ServiceMailKind
    id: int = 1
    sign_up_id: int | None = None
    subscriber_id: int | None = None
    address: str = "ada@example.com"


CONFIRM = Waiting("confirm", sign_up_id=12)
ALREADY = Waiting("already", subscriber_id=34)
DATA = Waiting("data", subscriber_id=34)
ALL = [pytest.param(mail, id=mail.kind) for mail in (CONFIRM, ALREADY, DATA)]


def mailings(folder: Path, extra: str = "") -> ServiceMailings:
    return ServiceMailings(samples.newsletter(folder, extra=extra), LINKS, TOKENS, BASE)


def message(folder: Path, mail: Waiting, extra: str = "") -> EmailMessage:
    """Return a mail as its recipient gets it."""
    made = mailings(folder, extra)
    raw = MimeTemplate(made.mailing(mail.kind, samples.NOW)).fill(made.recipient(mail, 0, samples.NOW))
    parsed = email.message_from_bytes(raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def parts(found: EmailMessage) -> tuple[str, str]:
    text, html = (part.get_content().replace("\r\n", "\n") for part in found.iter_parts())
    return text, html


@pytest.mark.parametrize("mail", ALL)
def test_it_is_no_mail_of_the_list_and_says_that_a_program_wrote_it(mail: Waiting, tmp_path: Path) -> None:
    found = message(tmp_path, mail, "tracking: {}\n")
    names = ["To", "Message-ID", "From", "Reply-To", "Subject", "Date", "MIME-Version", "Auto-Submitted"]
    assert found.keys() == [*names, "Content-Type"]
    assert found["Auto-Submitted"] == "auto-generated"
    assert (found["To"], found["From"]) == ("ada@example.com", "The Soup Letter <soup@example.com>")


@pytest.mark.parametrize(
    ("mail", "subject"),
    [
        (CONFIRM, "Please confirm: The Soup Letter"),
        (ALREADY, "You are on the list of The Soup Letter already"),
        (DATA, "Your link: The Soup Letter"),
    ],
)
def test_the_subject_says_what_the_mail_is_for(mail: Waiting, subject: str, tmp_path: Path) -> None:
    assert message(tmp_path, mail)["Subject"] == subject


@pytest.mark.parametrize("theme", THEMES)
def test_the_mail_that_confirms_has_one_link_and_says_what_happens_without_it(
    theme: str, tmp_path: Path
) -> None:
    text, html = parts(message(tmp_path, CONFIRM, f"theme: {theme}\n"))
    link = f"{BASE}/confirm/{LINKS.confirm_token(12)}"
    assert set(re.findall(r"https?://[^\s\"<]+", text)) == {link}
    assert set(re.findall(r'href="([^"]+)"', html)) == {link}
    for part in (text, html):
        words = " ".join(part.split())
        assert "One more click" in words and "deleted after seven days" in words


@pytest.mark.parametrize("theme", THEMES)
def test_the_mail_to_a_subscriber_has_only_the_link_to_leave(theme: str, tmp_path: Path) -> None:
    text, html = parts(message(tmp_path, ALREADY, f"theme: {theme}\n"))
    link = f"{BASE}/unsubscribe/{TOKENS.token(34)}"
    assert set(re.findall(r"https?://[^\s\"<]+", text)) == {link}
    assert set(re.findall(r'href="([^"]+)"', html)) == {link}


@pytest.mark.parametrize("theme", THEMES)
def test_the_link_to_the_data_works_for_an_hour_and_the_link_to_leave_stands_beside_it(
    theme: str, tmp_path: Path
) -> None:
    text, html = parts(message(tmp_path, DATA, f"theme: {theme}\n"))
    links = set(re.findall(r"https?://[^\s\"<]+", text))
    assert links == set(re.findall(r'href="([^"]+)"', html))
    leave, data = sorted(links, reverse=True)
    assert leave == f"{BASE}/unsubscribe/{TOKENS.token(34)}"
    found = LINKS.data_link(data.removeprefix(f"{BASE}/me/"))
    assert found == DataLink(34, samples.NOW + timedelta(hours=1))


@pytest.mark.parametrize("mail", ALL)
def test_no_placeholder_and_no_mark_of_a_template_is_left(mail: Waiting, tmp_path: Path) -> None:
    for part in parts(message(tmp_path, mail)):
        assert not re.search(r"\[\[|\{\{|\{%|\{[a-z]+\}", part)


def test_a_link_of_these_mails_is_no_placeholder_of_an_issue(tmp_path: Path) -> None:
    assert not PLACEHOLDER.search("[[link]]")
    with pytest.raises(KeyError):
        samples.plain_mailing().value("link")
    with pytest.raises(KeyError):
        mailings(tmp_path).mailing("confirm", samples.NOW).value("name")


def test_a_recipient_of_an_issue_gets_no_mail_with_an_empty_link(tmp_path: Path) -> None:
    value = mailings(tmp_path).mailing("confirm", samples.NOW).value("link")
    with pytest.raises(TypeError):
        value(Recipient(1, "ada@example.com", "", "<1@example.com>", ""))


def test_a_message_id_is_that_of_one_mail_and_tells_no_number(tmp_path: Path) -> None:
    made = mailings(tmp_path)
    ids = [made.recipient(Waiting("confirm", n, sign_up_id=12), 0, samples.NOW).message_id for n in (7, 7, 8)]
    assert ids[0] == ids[1] != ids[2]
    assert re.fullmatch(r"<confirm\.[0-9a-f]{24}@example\.com>", ids[0])


def test_each_kind_is_rendered_once(tmp_path: Path) -> None:
    made = mailings(tmp_path)
    for kind in SERVICE_MAIL_KINDS:
        first, second = (made.mailing(kind, samples.NOW) for _ in range(2))
        assert first.rendered is second.rendered


def test_the_content_of_a_mail_of_this_kind_has_a_hash_of_its_own(tmp_path: Path) -> None:
    made = mailings(tmp_path)
    assert len({made.mailing(mail.kind, samples.NOW).sha256 for mail in (CONFIRM, ALREADY, DATA)}) == 3


def test_without_pages_people_confirm_by_an_answer(tmp_path: Path) -> None:
    extra = "pull: {imap: {host: mail.example.com, username: join}}\nsign_up: {mailto: join@example.com}\n"
    mailings = ServiceMailings(samples.newsletter(tmp_path, extra=extra), LINKS, TOKENS, "")
    mailing = mailings.mailing("confirm", samples.NOW)
    assert mailing.reply_to == "join@example.com"
    assert "Answer this mail" in mailing.rendered.text and "opens a page" not in mailing.rendered.text
    mail = ServiceMail(5, "confirm", 12, None, "ada@example.com", samples.NOW, 0)
    recipient = mailings.recipient(mail, 1, samples.NOW)
    token = LINKS.confirm_token(12)
    assert recipient.message_id == f"<{token}@example.com>"
    assert recipient.link == f"mailto:join@example.com?subject=confirm%20{token}"


def test_a_mail_by_mail_has_the_link_to_leave_of_the_newsletter(tmp_path: Path) -> None:
    extra = "pull: {imap: {host: mail.example.com, username: join}}\nsign_up: {mailto: join@example.com}\n"
    mailings = ServiceMailings(samples.newsletter(tmp_path, extra=extra), LINKS, TOKENS, "")
    mailing = mailings.mailing("already", samples.NOW)
    mail = ServiceMail(6, "already", None, 3, "ada@example.com", samples.NOW, 0)
    recipient = mailings.recipient(mail, 1, samples.NOW)
    assert mailing.value("unsubscribe_url")(recipient) == f"https://soup.example.com/leave/{TOKENS.token(3)}"
