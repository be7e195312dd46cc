"""An issue as one complete message, to a made-up reader: for whoever wants to look at the mail itself."""

from dataclasses import replace
from datetime import UTC, datetime, time

from newsletter.config.loader import Newsletter
from newsletter.issue.model import Issue
from newsletter.mail import message, mime
from newsletter.mail.message import Mailing, Recipient
from newsletter.render.model import Rendered
from newsletter.subscribers.model import Subscriber

READER = Subscriber(0, "reader@example.com", number=1)


def sample_message(
    issue: Issue, rendered: Rendered, newsletter: Newsletter, reader: Subscriber = READER
) -> bytes:
    """The message as a reader gets it, the same bytes each time.

    It is to `reader@example.com` unless somebody else is given, and dated the issue's day; its links
    unsubscribe nobody.
    """
    mailing, recipient = sample_mailing(issue, rendered, newsletter, reader)
    return mime.template(mailing).fill(recipient)


def sample_mailing(
    issue: Issue, rendered: Rendered, newsletter: Newsletter, reader: Subscriber = READER
) -> tuple[Mailing, Recipient]:
    """What such a message is made from."""
    midnight = datetime.combine(issue.date, time(), UTC)
    mailing = replace(message.mailing(issue, rendered, newsletter), date=midnight)
    return mailing, message.Personalizer(mailing, secret="a file, not a message that is sent")(reader)
