"""The account of a mailbox on an IMAP server: its settings in newsletter.yml, and the password for it."""

from dataclasses import dataclass, field

from newsletter.config.key_hosts import MailboxOwner, key_problem, mailbox_key, mailbox_settings
from newsletter.config.loader import Newsletter
from newsletter.config.mailbox import Imap
from newsletter.errors import ConfigError


@dataclass(frozen=True)
class ImapAccount:
    """A folder of a server, and the login to it; a repr does not show the password.

    `setting` is the key of newsletter.yml that has the settings, for messages.
    """

    settings: Imap
    password: str = field(repr=False)
    setting: str

    @property
    def place(self) -> str:
        """Return the host and its port."""
        return f"{self.settings.host}:{self.settings.used_port}"


def configured_account(newsletter: Newsletter, owner: MailboxOwner) -> ImapAccount | None:
    """Return the account of `pull.imap` or `bounces.imap`; None without one, or without a password.

    Raise ConfigError if the password is for another host.
    """
    settings, key = mailbox_settings(newsletter, owner), mailbox_key(newsletter, owner)
    if not settings or not key:
        return None
    if problem := key_problem(newsletter, key):
        raise ConfigError([problem])
    return ImapAccount(settings, key.value.get_secret_value(), f"{owner}.imap")
