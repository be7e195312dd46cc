"""Make one complete message of an issue, to a made-up subscriber, for previews, exports and checks."""

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
    """Return the complete message to `reader`; repeated calls return the same bytes.

    By default it is addressed to `reader@example.com`. Its date is midnight UTC of the issue's day; its
    unsubscribe link unsubscribes nobody.
    """
    mailing, recipient = sample_mailing(issue, rendered, newsletter, reader)
    return mime.template(mailing).fill(recipient)


def sample_mailing(
    issue: Issue, rendered: Rendered, newsletter: Newsletter, reader: Subscriber = READER
) -> tuple[Mailing, Recipient]:
    """Return the mailing and the recipient of a sample message."""
    midnight = datetime.combine(issue.date, time(), UTC)
    mailing = replace(message.mailing(issue, rendered, newsletter), date=midnight)
    return mailing, message.Personalizer(mailing, secret="a file, not a message that is sent")(reader)
