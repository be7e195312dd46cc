"""Sign-ups by mail for a newsletter without a server: read them, and send the mail that waits.

The mail is sent at most once. With the state on a Git ref, the record that it leaves is saved there before
the call: after a machine that ended in between, no other one sends it again.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from newsletter.config.loader import Newsletter
from newsletter.errors import ConfigError, SendRefused
from newsletter.mail.service_mail import ServiceMailings
from newsletter.mail.signed_links import SignedLinks
from newsletter.mail.unsubscribe_tokens import UnsubscribeTokens
from newsletter.mailboxes.imap_account import configured_account
from newsletter.providers.factory import open_provider
from newsletter.services.open_state import OpenState, change_database, open_state, open_to_read
from newsletter.services.pull_sign_ups import SignUpPull, SignUpResult
from newsletter.services.pull_sources import refuse_missing_secrets
from newsletter.services.service_mailer import ServiceMailer
from newsletter.state.secret_key import all_secret_keys
from newsletter.store import service_mails, sign_ups
from newsletter.store.database import Database, refuse_lost_with_machine
from newsletter.store.mailer_lock import mailer_lock

if TYPE_CHECKING:
    from sqlalchemy import Connection

Result = TypeVar("Result")

MAX_CONFIRM_MAILS_PER_HOUR = 500


@dataclass(frozen=True)
class SignUpReport:
    """The result of a pull, and the number of mails that were given to the provider."""

    result: SignUpResult
    sent: int = 0


def pull_sign_ups(newsletter: Newsletter, *, dry_run: bool = False) -> SignUpReport:
    """Read the sign-ups, and send the mail that waits; with `dry_run` change and send nothing.

    Raise SendRefused if no address for sign-ups is configured, if the state would be lost with this machine,
    and while another machine is sending; ConfigError if the provider or the mailbox lacks a secret.
    """
    refuse_without_address(newsletter)
    if dry_run:
        with open_to_read(newsletter) as state:
            return SignUpReport(read_sign_ups(newsletter, state.database, dry_run=True))
    if newsletter.config.state is None:
        refuse_lost_with_machine(newsletter)
    result = change_database(newsletter, lambda database: read_sign_ups(newsletter, database))
    return SignUpReport(result, _send_waiting(newsletter))


def refuse_without_address(newsletter: Newsletter) -> None:
    """Raise SendRefused if people cannot sign up by mail, ConfigError if a secret is missing."""
    if newsletter.config.sign_up is None:
        fix = "write `sign_up:` and `pull:` into newsletter.yml: docs/without-a-server.md"
        raise SendRefused("newsletter.yml names no address for sign-ups", fix)
    refuse_missing_secrets(newsletter, mailbox_only=True)


def read_sign_ups(newsletter: Newsletter, database: Database, *, dry_run: bool = False) -> SignUpResult:
    """Read the sign-ups of the mailbox into an open database; delete those that have expired."""
    account, now = configured_account(newsletter, "pull"), _now(database)
    if account is None:
        raise ConfigError.of("IMAP_PASSWORD", "is not set", "set it in the environment")
    keys = all_secret_keys(newsletter, leaves_machine=False)
    links = SignedLinks(keys, newsletter.list_id)
    result = SignUpPull(account, links, wording(newsletter), now, dry_run=dry_run).run(database)
    if not dry_run and not result.failure:
        # Only now: an answer may have come in time, and be read late.
        with database.writing() as connection:
            sign_ups.delete_expired(connection, now)
            service_mails.delete_old(connection, now)
    return result


def wording(newsletter: Newsletter) -> str:
    """Return what people were told who sign up by mail; it is kept with their consent."""
    config = newsletter.config
    address = config.sign_up.mailto if config.sign_up else ""
    return f'To get {config.name}, write a mail with the subject "subscribe" to {address}, and answer ours.'


def _send_waiting(newsletter: Newsletter) -> int:
    """Send the mail that waits; return the number of mails that were given to the provider."""
    with closing(open_provider(newsletter)) as provider, open_state(newsletter) as state:
        with state.database.reading() as connection:
            if not service_mails.waiting(connection, _now(state.database), 1):
                return 0
        if problems := provider.check():
            raise ConfigError(problems)
        if state.sync:
            state.sync.take_alone()
            state.sync.refuse_busy()
        keys = all_secret_keys(newsletter, leaves_machine=provider.capabilities.leaves_machine)
        links = SignedLinks(keys, newsletter.list_id)
        tokens = UnsubscribeTokens(keys[0], newsletter.list_id, old_secrets=keys[1:])
        mailings = ServiceMailings(newsletter, links, tokens, "")
        clock = partial(_now, state.database)
        with mailer_lock(state.database) as is_held:
            if not is_held:
                return 0  # the other process, perhaps `news serve`, sends what waits
            return ServiceMailer(
                mailings, provider, _Write(state), max_per_hour=MAX_CONFIRM_MAILS_PER_HOUR, now=clock
            ).run_once()


class _Write:
    """Make a change in a transaction of its own, and save it on the state ref before the next step."""

    def __init__(self, state: OpenState) -> None:
        self._state = state

    def __call__(self, change: "Callable[[Connection], Result]", /) -> Result:
        with self._state.database.writing() as connection:
            result = change(connection)
        if self._state.sync:
            self._state.sync.save()
        return result


def _now(database: Database) -> datetime:
    return datetime.now(UTC) + database.clock_offset()
