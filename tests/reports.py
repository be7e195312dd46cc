"""Reports of mail servers as several programs write them, about mails of the sample newsletter."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from tests import samples

LIST = "the-soup-letter.example.com"
TOKENS = UnsubscribeTokens(samples.SECRET, LIST)


@dataclass(frozen=True)
class Sent:
    """A mail of ours to a subscriber, as far as a report returns it."""

    subscriber: int
    issue: str = "2026-04-27"
    tokens: UnsubscribeTokens = TOKENS

    @property
    def token(self) -> str:
        return self.tokens.signed(self.subscriber)[0]

    @property
    def message_id(self) -> str:
        return f"<{self.issue}.{self.tokens.signed(self.subscriber)[1]}@example.com>"

    def header(self, *, without: tuple[str, ...] = ()) -> str:
        fields = {
            "Received": "from news.example.com by mx.example.net; Mon, 27 Apr 2026 09:00:00 +0000",
            "To": '"Ada Example" <ada@example.com>',
            "Message-ID": self.message_id,
            "List-Unsubscribe": f"<https://soup.example.com/leave/{self.token}>,\r\n"
            f" <mailto:leave@example.com?subject=unsubscribe%20{self.token}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "From": "The Soup Letter <soup@example.com>",
            "Subject": "Leek & potato",
        }
        return "".join(f"{name}: {text}\r\n" for name, text in fields.items() if name not in without)


def postfix(
    sent: Sent, at: datetime, status: str = "5.1.1", *, action: str = "failed", **header: tuple[str, ...]
) -> bytes:
    """Return a report with the whole mail, as Postfix writes it."""
    return _lines(f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: bounces@example.com
Date: {format_datetime(at)}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4Fabc12345.1777280400/mx.example.net"
Message-Id: <20260427090001.4Fabc12345@mx.example.net>

This is a MIME-encapsulated message.

--4Fabc12345.1777280400/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.net.

<ada@example.com>: host mx.example.com said: 550 no such user here

--4Fabc12345.1777280400/mx.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4Fabc12345
Arrival-Date: Mon, 27 Apr 2026 09:00:00 +0000 (UTC)

Final-Recipient: rfc822; ada@example.com
Original-Recipient: rfc822;ada@example.com
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; 550 no such user here

--4Fabc12345.1777280400/mx.example.net
Content-Description: Undelivered Message
Content-Type: message/rfc822

{sent.header(**header)}
Soup.

--4Fabc12345.1777280400/mx.example.net--
""")


def exchange(sent: Sent, at: datetime, status: str = "5.1.10") -> bytes:
    """Return a report with the header only, and the text in HTML, as Exchange writes it."""
    return _lines(f"""\
From: <postmaster@example.net>
To: <soup@example.com>
Date: {format_datetime(at)}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="_d1f4b2c0-0f0f-4c4c-8a8a-000000000001_"
X-MS-Exchange-Message-Is-Ndr:
Subject: Undeliverable: Leek & potato

--_d1f4b2c0-0f0f-4c4c-8a8a-000000000001_
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="_e2_"

--_e2_
Content-Type: text/plain; charset="us-ascii"

Your message could not be delivered.
--_e2_
Content-Type: text/html; charset="us-ascii"

<p>Your message could not be delivered.</p>
--_e2_--

--_d1f4b2c0-0f0f-4c4c-8a8a-000000000001_
Content-Type: message/delivery-status

Reporting-MTA: dns;EX01.example.net
Received-From-MTA: dns;news.example.com
Arrival-Date: Mon, 27 Apr 2026 09:00:00 +0000

Final-Recipient: rfc822;ada@example.com
Action: failed
Status: {status}
Diagnostic-Code: smtp;550 {status} RESOLVER.ADR.RecipientNotFound; Recipient not found

--_d1f4b2c0-0f0f-4c4c-8a8a-000000000001_
Content-Type: text/rfc822-headers

{sent.header()}
--_d1f4b2c0-0f0f-4c4c-8a8a-000000000001_--
""")


def gmail(sent: Sent, at: datetime, status: str = "5.2.2") -> bytes:
    """Return a report whose status is only in the reply of the other server, as Gmail may write it."""
    return _lines(f"""\
From: Mail Delivery Subsystem <mailer-daemon@example.org>
To: soup@example.com
Auto-Submitted: auto-replied
Date: {format_datetime(at)}
Subject: Delivery Status Notification (Failure)
Content-Type: multipart/report; boundary="0000000000001a2b3c"; report-type=delivery-status

--0000000000001a2b3c
Content-Type: multipart/related; boundary="0000000000001a2b3d"

--0000000000001a2b3d
Content-Type: text/html; charset="UTF-8"

<p>Message not delivered</p>
--0000000000001a2b3d--

--0000000000001a2b3c
Content-Type: message/delivery-status

Reporting-MTA: dns; example.org
Arrival-Date: Mon, 27 Apr 2026 02:00:00 -0700 (PDT)

Final-Recipient: rfc822; ada@example.com
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 552-{status} The recipient's inbox is out of storage space, or does not
 552 {status} exist. abc12si1234567pgv.34 - gsmtp

--0000000000001a2b3c
Content-Type: message/rfc822

{sent.header()}
Soup.
--0000000000001a2b3c--
""")


def complaint(sent: Sent, at: datetime, kind: str = "abuse", **header: tuple[str, ...]) -> bytes:
    """Return a complaint in ARF, with the recipient's address redacted, as feedback loops write it."""
    return _lines(f"""\
From: feedback@example.org
To: abuse@example.com
Date: {format_datetime(at)}
Subject: FW: Leek & potato
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

--part1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: redacted@example.org

--part1
Content-Type: message/rfc822
Content-Disposition: inline

{sent.header(**header)}
Soup.
--part1--
""")


def _lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
