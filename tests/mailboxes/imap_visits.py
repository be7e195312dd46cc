"""Visits to the fake of an IMAP server."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from newsletter.config.mailbox import Imap
from newsletter.mailboxes.imap import ImapFolder, open_folder
from newsletter.mailboxes.imap_account import ImapAccount
from newsletter.mailboxes.imap_connection import ImapLimits
from tests.fakes.imap import PASSWORD, USERNAME, ImapFake


@contextmanager
def opened(
    fake: ImapFake,
    limits: ImapLimits | None = None,
    *,
    readonly: bool = False,
    password: str = PASSWORD,
    tls: ssl.SSLContext | None = None,
    setting: str = "pull.imap",
    **settings: str,
) -> Iterator[ImapFolder]:
    """Open the folder of the fake, in clear if `settings` do not say otherwise."""
    given = {"host": "127.0.0.1", "port": fake.port, "security": "none", "username": USERNAME, **settings}
    account = ImapAccount(Imap.model_validate(given), password, setting)
    with open_folder(account, limits, readonly=readonly, tls=tls) as folder:
        yield folder
